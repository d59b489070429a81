/*
 * transcript.h - what was said in a session, as the postmaster may read it.
 *
 * Commands and replies, no content and nothing of a login: what follows AUTH is
 * "***", and so is each line behind it that is no command (a client that did not
 * wait, or has not understood the refusal, may have said its password there).
 * Control characters and octets above 126 are \xNN.
 *
 * Bounded: the first lines and the last ones are kept.  Pure: no session here.
 */
#ifndef WB_MTA_SMTP_TRANSCRIPT_H
#define WB_MTA_SMTP_TRANSCRIPT_H

#include "base/buf.h"

#define TRANSCRIPT_LINE_MAX	240	/* octets as they are shown, with LF */
#define TRANSCRIPT_HEAD_LINES	20
#define TRANSCRIPT_HEAD_MAX	2048	/* octets */
#define TRANSCRIPT_TAIL_LINES	60
#define TRANSCRIPT_TAIL_MAX	6144

struct transcript {
	struct buf	head, tail;
	unsigned	head_lines, tail_lines;
	unsigned	left_out;	/* lines between them */
	bool		full;		/* the head is */
	bool		login;		/* AUTH was said */
};

void	transcript_clear(struct transcript *);
/* A line of the client, without its end; secret: inside of AUTH. */
void	transcript_client(struct transcript *, struct span line, bool secret);
/* A line of the client of which nothing may be shown; why: static. */
void	transcript_spoiled(struct transcript *, const char *why);
/* Whole lines of the server. */
void	transcript_server(struct transcript *, struct span octets);
/* All of it, LF lines. */
void	transcript_put(const struct transcript *, struct buf *out);
/* Text of a stranger, printable: no line end, no control character. */
void	transcript_escape(struct span, size_t max, struct buf *out);

#endif
