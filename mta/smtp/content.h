/*
 * content.h - the message between 354 and the answer to the final dot, or that
 * of chunks.
 *
 * The content is unstuffed straight into the buffer that will be written,
 * behind our Received: field.  Up to SEGMENT_BODY_MAX it stays in memory, as
 * long as the worker's sessions together hold less than SERVER_HELD_MAX; what
 * is larger goes into a body file as it comes, in pieces (body.h).
 *
 * What is wrong with it is remembered, and said after the true end, CRLF.CRLF:
 * what follows a bare LF.LF is content, never a command.  Of chunks it is said
 * after the one that has it, and the rest is not kept.
 *
 * Text lines: RFC 5321, 4.5.3.1.6 has 1000 octets with CRLF; much mail that is
 * otherwise harmless has longer ones, and they are handed on as they are, up
 * to CONTENT_LINE_MAX.
 */
#ifndef WB_MTA_SMTP_CONTENT_H
#define WB_MTA_SMTP_CONTENT_H

#include "mta/smtp/session.h"

#define CONTENT_LINE_MAX	4096		/* octets with CRLF */
#define CONTENT_HEADER_MAX	(256u << 10)	/* of a message in a file: its header stays in memory */
#define CONTENT_PIECE		(256u << 10)	/* written at once */

/* After 354, or before the first chunk: our Received: stands. */
void	content_begin(struct session *);
/* Takes octets after DATA; returns how many. */
size_t	content_take(struct session *, struct span);
/* Takes octets of a chunk, all of them; last: no more will come. */
void	content_chunk(struct session *, struct span, bool last);

/* It will be: 552, and nothing of it is kept. */
void	content_too_large(struct session *);

/*
 * store.c: after the final dot, or the last chunk; ends the transaction and says
 * how.
 */
void	store_message(struct session *);
/* What is wrong with what has come so far; REPLY_NREPLIES: nothing. */
enum smtp_reply	store_fault(const struct session *);

#endif
