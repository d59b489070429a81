/*
 * rewrite.h - other addresses in the place of those that the client gave.
 *
 * `rewrite inbound sender` and `rcpt` before the hooks of MAIL and RCPT,
 * `rewrite inbound header` before `on content`, and `rewrite outbound header`
 * after it, where the message originates here: the client has logged in, is a
 * program of this machine, or may relay (it would be accepted with a recipient
 * whom nobody here knows).
 *
 * Each different address of a header is asked of once; then all are put in
 * their places.
 */
#ifndef WB_MTA_SMTP_REWRITE_H
#define WB_MTA_SMTP_REWRITE_H

#include "mta/smtp/session.h"

/* Different addresses of one header; with more it is CONTENT_HEADER. */
#define REWRITE_ADDRESSES_MAX	5000

struct rewrite;

/*
 * What has become of it, now or later: the address lies in the transaction's
 * arena; NULL for a header.  CANNOT: 451, and the address is the old one; a
 * fault of the content may say more.
 */
typedef void rewrite_step(struct session *, enum rewritten,
		    const struct address *);

void	rewrite_address(struct session *, enum rs_hook which,
	    const struct address *, rewrite_step *);
/* Of the content that the transaction holds; facts.content is stale then. */
void	rewrite_header_in(struct session *, rewrite_step *);
void	rewrite_header_out(struct session *, rewrite_step *);
/* Gives up what is under way. */
void	rewrite_free(struct rewrite **);

#endif
