/*
 * header_address.h - the addresses of a header section, found and replaced.
 */
#ifndef WB_MAIL_HEADER_ADDRESS_H
#define WB_MAIL_HEADER_ADDRESS_H

#include "mail/address_list.h"
#include "mail/header.h"

/* From, Sender, Reply-To, To, Cc, Bcc, and these with Resent-. */
bool	header_is_address(struct span name);

/* The addresses of all these fields, from the top; zeroed but for content. */
struct header_addresses {
	struct span		content;
	size_t			pos;
	struct header_field	field;	/* of the last item */
	struct address_list	list;
	bool			over;
};
bool	header_address_next(struct header_addresses *, struct arena *,
	    struct address_item *);

/*
 * The header section (as header_apply() has it: all but the body) with the
 * addresses of these fields replaced, see address_list_rewrite().  Returns
 * how many were.
 */
size_t	header_rewrite(struct span content, address_rewrite *, void *arg,
	    struct buf *out);

#endif
