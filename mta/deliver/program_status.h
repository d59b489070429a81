/*
 * program_status.h - the end of a program as a reply for the message.
 */
#ifndef WB_MTA_DELIVER_PROGRAM_STATUS_H
#define WB_MTA_DELIVER_PROGRAM_STATUS_H

#include "base/span.h"

#define PROGRAM_STATUS_MAX	16
#define PROGRAM_TEXT_MAX	500	/* octets of a text, of which the output is a part */

enum program_how {
	PROGRAM_EXITED,		/* number: its status */
	PROGRAM_KILLED,		/* number: by this signal */
	PROGRAM_LATE,		/* number: seconds that it was given */
	PROGRAM_NOT_RUN		/* number: errno; of execve, or before it */
};

struct program_end {
	enum program_how	how;
	int			number;
};

struct program_reply {
	unsigned	code;		/* 250, 451, 554 */
	char		status[PROGRAM_STATUS_MAX];
	char		text[PROGRAM_TEXT_MAX];
};

/*
 * output: what it wrote.  Where it begins with a status of the class that its
 * end has ("5.7.1 spam"), that is the status.  Its first line becomes a part of
 * the text; what is not printable there is '?'.
 */
void	program_status(const struct program_end *, struct span output, struct program_reply *);

#endif
