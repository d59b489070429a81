/*
 * submit.h - what a submission server mends in a header (RFC 6409, 8).
 */
#ifndef WB_MAIL_SUBMIT_H
#define WB_MAIL_SUBMIT_H

#include "mail/header.h"

struct submit {
	struct span	sender;		/* of the envelope; "" for <> */
	struct span	id;		/* of the message: unique at hostname */
	struct span	hostname;
	int64_t		now_ms;		/* wall */
};

/*
 * Appends the header section of this content (all but the body) made whole:
 * what it lacks of Date (8.2), Message-ID (8.3) and From
 * (RFC 5322, 3.6; only where there is a sender), is added; and what no
 * recipient may see or only the last server writes is removed: Bcc (RFC 5322,
 * 3.6.3) and Return-Path (RFC 5321, 4.4).  A text that has no header at all is
 * divided from the new one.  false: there is nothing to mend, and nothing has
 * been appended.
 */
bool	submit_header(struct span content, const struct submit *,
	    struct buf *out);

#endif
