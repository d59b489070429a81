/*
 * downgrade.h - a message for a next hop that cannot take it as it is: 8-bit
 * and binary bodies become 7-bit (RFC 6152, 3; RFC 3030, 3; RFC 2045), fields
 * in UTF-8 (RFC 6532) become ASCII (RFC 2047, RFC 2231, RFC 5890).
 *
 * What a reader decodes is the same before and after.  Where it cannot be,
 * nothing is converted: refused.  That is so inside of what is signed or
 * encrypted as a part (RFC 1847, 2.1), for addresses whose local part is not
 * ASCII, for text of no known character set in a field, and for what is not
 * well-formed enough to be sure what a reader will see.
 *
 * The message passes twice or more: first downgrade_look(), piece by piece;
 * then, once it is decided, downgrade_write(), as often as it is wanted.  The
 * pieces may be any.  Nothing is kept but a few octets for each part.
 *
 * For the administrator: doc/conversion.md.
 */
#ifndef WB_MAIL_DOWNGRADE_H
#define WB_MAIL_DOWNGRADE_H

#include "base/buf.h"

#define DOWNGRADE_DEPTH_MAX	32		/* parts in each other */
#define DOWNGRADE_PARTS_MAX	10000
#define DOWNGRADE_FIELD_MAX	(256u << 10)	/* octets of a field of a header */
#define DOWNGRADE_LINE_MAX	998		/* octets without CRLF; RFC 5321, 4.5.3.1.6 */

/* What the hop lacks. */
enum downgrade_lacks {
	DOWNGRADE_8BIT = 1 << 0,	/* 8BITMIME: no octet above 127 anywhere */
	DOWNGRADE_BINARY = 1 << 1,	/* BINARYMIME: no NUL, no CR or LF alone, no long line */
	DOWNGRADE_HEADER = 1 << 2	/* SMTPUTF8: no octet above 127 in a header */
};

enum downgrade_result {
	DOWNGRADE_AS_IS,	/* nothing needs to be changed */
	DOWNGRADE_CONVERTED,	/* downgrade_write() has another form */
	DOWNGRADE_REFUSED	/* *why says what is in the way */
};

struct downgrade;

struct downgrade	*downgrade_new(unsigned lacks);
void			 downgrade_free(struct downgrade **);
/* The next octets of the message, from its first field on, not dot-stuffed. */
void			 downgrade_look(struct downgrade *, struct span);
/*
 * After the last of them.  *status ("5.6.7") and *why (static) are set when it
 * is refused.
 */
enum downgrade_result	 downgrade_decide(struct downgrade *, const char **status, const char **why);
/* What is changed, once decided. */
bool			 downgrade_has_body(const struct downgrade *);
bool			 downgrade_has_header(const struct downgrade *);
/* A signature over the message (RFC 6376, RFC 8617) is there, which the change breaks. */
bool			 downgrade_is_signed(const struct downgrade *);

/* The same octets again, from the first on: the converted message is appended. */
void			 downgrade_begin(struct downgrade *);
void			 downgrade_write(struct downgrade *, struct span, struct buf *out);
/* After the last of them. */
void			 downgrade_end(struct downgrade *, struct buf *out);

#endif
