/*
 * talk.h - lines to an SMTP server and its replies, over a blocking socket.
 */
#ifndef WB_MTA_SUBMIT_TALK_H
#define WB_MTA_SUBMIT_TALK_H

#include "base/buf.h"

struct talk {
	int		 fd;
	struct buf	 in;		/* what has come and is not taken */
	struct buf	 out;		/* of the next send */
	struct buf	 reply;		/* lines of the last one, "550 5.1.1 no" LF ... */
	unsigned	 code;
	const char	*broken;	/* why there is nothing more to be heard; NULL: it goes on */
	void		(*trace)(void *arg, char way, struct span line);
	void		*trace_arg;
};

/* Sends what is in out; false: broken. */
bool	talk_send(struct talk *);
/* A line (without CRLF) of a command, put into out. */
void	talk_put(struct talk *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* Sends, then waits for a reply of whole lines; its code, or 0: broken. */
unsigned talk_reply(struct talk *, int seconds);
void	talk_clear(struct talk *);

#endif
