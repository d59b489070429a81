/*
 * reply.h - replies as octets (RFC 5321, 4.2; RFC 2034): what is said stands
 * in replies.def.
 */
#ifndef WB_MTA_SMTP_REPLY_H
#define WB_MTA_SMTP_REPLY_H

#include "base/buf.h"

#define REPLY_LINE_MAX	512	/* octets with CRLF; RFC 5321, 4.5.3.1.5 */

enum smtp_reply {
#define REPLY(id, code, status, text) REPLY_##id,
#include "mta/smtp/replies.def"
#undef REPLY
	REPLY_NREPLIES
};

/* Adds the reply; arg stands for its %s, where it has one. */
void		reply_put(struct buf *, enum smtp_reply, struct span arg);
/*
 * Any reply, in one line: control characters become '?', what is too long is
 * cut.  status may be empty (greeting, 354).
 */
void		reply_put_raw(struct buf *, unsigned code, struct span status,
	    struct span text);
/*
 * The same, of several lines: more, another follows.  utf8: the client takes
 * UTF-8 (RFC 6531, 3.7.4.2), and the text is.
 */
void		reply_put_line(struct buf *, unsigned code, bool more,
	    struct span status, struct span text, bool utf8);
unsigned	reply_code(enum smtp_reply);
/* It says that the client has not kept to the protocol (RFC 5321, 4.2.1: x0z). */
bool		reply_is_protocol(enum smtp_reply);
struct span	reply_status(enum smtp_reply);

#endif
