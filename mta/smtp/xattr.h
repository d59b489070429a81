/*
 * xattr.h - the attributes of XCLIENT and XFORWARD (Postfix's XCLIENT_README
 * and XFORWARD_README): NAME=VALUE, divided by blanks, values in xtext.
 *
 * Bytes to a struct; no session in sight.  Stricter than the pages where that
 * costs nobody anything: an attribute stands once, values are not empty, an
 * address is written as its family is, and no value has an octet that could end
 * a line, a word of the log, or a comment of a header.
 */
#ifndef WB_MTA_SMTP_XATTR_H
#define WB_MTA_SMTP_XATTR_H

#include "base/arena.h"
#include "base/ip.h"

enum xattr {
	XATTR_NAME, XATTR_ADDR, XATTR_PORT, XATTR_PROTO, XATTR_HELO,
	XATTR_LOGIN, XATTR_DESTADDR, XATTR_DESTPORT, XATTR_IDENT, XATTR_SOURCE,
	XATTR_NATTRS
};

enum xattr_is {
	XATTR_ABSENT,
	XATTR_GIVEN,
	XATTR_UNAVAILABLE,	/* [UNAVAILABLE] */
	XATTR_TEMPUNAVAIL	/* [TEMPUNAVAIL]: XCLIENT's NAME only */
};

#define XATTR_VALUE_MAX	255	/* octets, decoded */
#define XATTR_PROTO_MAX	64	/* XFORWARD's PROTO */

struct xattrs {
	struct {
		enum xattr_is	is;
		struct span	text;	/* decoded; of GIVEN */
	}		v[XATTR_NATTRS];
	/* XCLIENT's, where they are GIVEN */
	struct ip	addr, destaddr;
	uint16_t	port, destport;
	bool		esmtp;		/* PROTO */
};

enum xattr_of { XATTR_XCLIENT, XATTR_XFORWARD };

/*
 * All of args; texts lie in the arena.  NAME of XCLIENT is a domain in lower
 * case.  false: *why (static) for a reply's text.
 */
bool		xattrs_parse(struct span args, enum xattr_of, struct arena *,
		    struct xattrs *out, const char **why);
/* "NAME ADDR ...": what EHLO says of the command; static. */
const char	*xattrs_words(enum xattr_of);
const char	*xattr_word(enum xattr);

#endif
