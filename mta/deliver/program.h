/*
 * program.h - a program is run on a message: its stdin, its end.
 *
 * It is executed without a shell, in a process group of its own, with the
 * message on descriptor 0 and what it writes to 1 and 2 kept up to a limit.
 * Who has not ended in time is killed with its group.  Blocks: for a thread.
 */
#ifndef WB_MTA_DELIVER_PROGRAM_H
#define WB_MTA_DELIVER_PROGRAM_H

#include "base/buf.h"

#include "mta/deliver/program_status.h"

struct program {
	char *const	*argv, *const *envp;
	const char	*folder;	/* where it works; "/" where it cannot be entered */
	unsigned	 time_s;
	size_t		 output_max;	/* octets; what is more is read and dropped */
	struct span	 head;		/* fields before the message, each with CRLF */
	struct span	 content;	/* as it came, with CRLF */
	bool		 as_is;		/* no CRLF of either becomes LF */
	bool		 no_errors;	/* what it writes to 2 is thrown away */
};

/* output is filled.  A program that does not read all of it is no error. */
struct program_end	program_run(const struct program *, struct buf *output);

#endif
