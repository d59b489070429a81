/*
 * lock.h - a file of messages is ours alone: by fcntl(2), by a file PATH.lock
 * beside it, or by both, the one that is named first first.
 *
 * A dotlock is stale when it is older than LOCK_STALE_S, or when it has the
 * number of a process that is not there any more and is older than
 * LOCK_DEAD_S; it is then taken away.
 */
#ifndef WB_MAILBOX_STORE_LOCK_H
#define WB_MAILBOX_STORE_LOCK_H

#include <limits.h>
#include <stdint.h>

#include "base/span.h"

#define LOCK_WAIT_MS	30000	/* for all locks together */
#define LOCK_STALE_S	300
#define LOCK_DEAD_S	10
#define LOCK_KINDS	2

enum lock_kind { LOCK_NONE, LOCK_FCNTL, LOCK_DOTLOCK };

/* In their order. */
struct lock_order {
	enum lock_kind	kinds[LOCK_KINDS];
};
/* "fcntl,dotlock"; false: another word, or one twice. */
bool	lock_order_parse(struct span, struct lock_order *);

struct lock {
	char	dotlock[PATH_MAX];	/* ours, or empty */
};
/*
 * Waits at most wait_ms.  0; -1 with errno: EAGAIN: somebody else has it; or
 * why PATH.lock cannot be made.  fd is of path, open for writing.
 */
int	lock_take(struct lock *, const struct lock_order *, const char *path, int fd, int64_t wait_ms);
/* The lock of fcntl alone, at once, until fd is closed: 0, or -1 with EAGAIN or another errno. */
int	lock_fcntl(int fd);
/* What fcntl has locked stays so until fd is closed. */
void	lock_drop(struct lock *);

#endif
