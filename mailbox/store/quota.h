/*
 * quota.h - how much a Maildir holds, by Maildir++'s file maildirsize.
 *
 * The file is shared with whoever else delivers and removes there: its first
 * line is the quota, each further one what has come or gone ("octets messages");
 * it is counted anew when it is missing, damaged, of another quota, longer
 * than 5,119 octets, or when it says that the Maildir is full and may be wrong.
 */
#ifndef WB_MAILBOX_STORE_QUOTA_H
#define WB_MAILBOX_STORE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

enum quota_result {
	QUOTA_ROOM,
	QUOTA_FULL,	/* not with what is there */
	QUOTA_NEVER,	/* larger than the quota itself */
	QUOTA_ERROR	/* errno: the Maildir cannot be read */
};

/* Whether so many octets more are within the quota (octets, above 0). */
enum quota_result	quota_check(int maildir, uint64_t quota, uint64_t octets);
/* What has come (or, below 0, gone); nothing where there is no such file. */
void	quota_add(int maildir, int64_t octets, int64_t messages);

#endif
