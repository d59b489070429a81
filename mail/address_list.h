/*
 * address_list.h - the addresses of a header field (RFC 5322, 3.4, with the
 * obsolete forms of 4.4 and UTF-8 of RFC 6532), and where each of them stands.
 *
 * What people write is read as far as it can be: a '.' or '@' in a display
 * name, a ';' between addresses, a group that does not end.  A member that is
 * no address is told and passed over; the next one is read all the same.
 */
#ifndef WB_MAIL_ADDRESS_LIST_H
#define WB_MAIL_ADDRESS_LIST_H

#include "base/buf.h"
#include "mail/address.h"

/* Octets of a field body. */
struct address_place {
	size_t	at, n;
};

struct address_item {
	struct address		 address;	/* in the arena, normalised */
	/*
	 * Where its two parts stand; in an obsolete form blanks and comments
	 * may stand inside.  domain.n == 0: there is none.
	 */
	struct address_place	 local, domain;
	struct span		 name;	/* display name as written, may be empty */
	struct span		 group;	/* the group's, as written; empty: none */
	const char		*why;	/* ADDRESS_LIST_BAD: what is wrong */
};

enum address_list_result {
	ADDRESS_LIST_END,
	ADDRESS_LIST_ITEM,
	ADDRESS_LIST_BAD	/* no address; go on with the next */
};

/* A list under reading; all that it borrows is the body. */
struct address_list {
	struct span	body;		/* of the field: header_field.body */
	unsigned	flags;		/* enum address_flags */
	size_t		pos;		/* next octet; starts at 0 */
	struct span	group;
};

/* The next address; only item->why is set when it is none. */
enum address_list_result address_list_next(struct address_list *,
		    struct arena *, struct address_item *);

/*
 * A new address for an old one: true and *new, "local@domain" as
 * address_parse() takes it; false: it stays.
 */
typedef bool address_rewrite(void *arg, const struct address *old,
		    struct span *new);

/*
 * The body with each address replaced for which fn has another: only the
 * octets of local part and domain change, and of these only the part that is
 * another.  Comments, names, groups, routes and folding stay; a line that
 * would get longer than 998 octets is folded beside the address.  column is
 * what stands on the line before the body.  A new address that is none is
 * left out.  Returns how many were replaced.
 */
size_t		 address_list_rewrite(struct span body, size_t column,
		    address_rewrite *, void *arg, struct buf *out);

/*
 * Octets of the comment (nested), or the quoted string, that s begins with;
 * 0: it does not end.
 */
size_t		 address_comment_size(struct span s);
size_t		 address_quoted_size(struct span s);

#endif
