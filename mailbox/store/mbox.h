/*
 * mbox.h - delivery into a file of messages (/var/mail/NAME).
 *
 * Each message begins with "From SENDER DATE", ends with an empty line, and
 * has a '>' before each line that looks like ">*From " (mboxrd, which can be
 * undone).  It is there whole, synced, or not at all: what a failure has left
 * is cut off again.  After a crash its beginning may be the end of the file;
 * who delivers it again finds that, and writes over it; when all of it is
 * there already, it is not written twice.
 */
#ifndef WB_MAILBOX_STORE_MBOX_H
#define WB_MAILBOX_STORE_MBOX_H

#include "mailbox/store/lock.h"
#include "mailbox/store/store.h"

struct mbox_place {
	const char		*path;
	struct lock_order	 locks;
	uint64_t		 quota;		/* octets of the file; 0: none */
	int64_t			 wait_ms;	/* for the locks */
};

struct mbox_message {
	struct span	sender;		/* MAIL FROM; empty: the null reverse-path */
	int64_t		arrived_s;	/* wall: the same on each try */
	struct span	prefix, content;
	bool		as_is;		/* no line end is changed */
};

/*
 * Makes the file (0600) where it is missing, and no folder.  STORE_LATER also
 * when it is locked, or is no plain file of the process's user with one name.
 */
enum store_result	mbox_deliver(const struct mbox_place *, const struct mbox_message *, struct store_error *);

#endif
