/*
 * journal_int.h - what journal.c and checkpoint.c share; nobody else includes it.
 */
#ifndef WB_MTA_QUEUE_JOURNAL_INT_H
#define WB_MTA_QUEUE_JOURNAL_INT_H

#include "base/loop.h"
#include "mta/queue/journal.h"

#define JOURNAL_CHUNK	(1u << 20)	/* zeros that are written at a time */
#define JOURNAL_NAME	"status.log"
#define JOURNAL_NEW	"status.new"

/* A log file that is written. */
struct logfile {
	int		fd;		/* -1: none */
	uint64_t	generation;
	uint64_t	at;		/* where the next record will stand */
	uint64_t	written;	/* up to here the file has it; pending begins here */
	uint64_t	room;		/* zero-filled up to here */
	struct buf	pending;
};

struct waiter {
	void		(*cb)(void *);
	void		*arg;
};

struct waiters {
	struct waiter	*list;
	size_t		 n, cap;
};

enum checkpoint_state {
	CHECKPOINT_NONE,
	CHECKPOINT_DUMPING,	/* slices are taken */
	CHECKPOINT_SYNCING,	/* the bulk is synced, records go on to both files */
	CHECKPOINT_WAITING,	/* for what runs on the old file; nothing new begins there */
	CHECKPOINT_INSTALLING	/* the rest is synced, then the rename */
};

struct journal {
	int			 dirfd;
	struct pool		*syncs, *work;
	const struct journal_ops *ops;
	void			*arg;
	struct logfile		 now, next;
	struct waiters		 waiting, covered;
	bool			 syncing;	/* a sync of now is on its thread */
	bool			 filling;	/* zeros are written behind now.room */
	bool			 unsynced;	/* something was added since the last sync began */
	struct timer		 write_timer, sync_timer;
	int			 sync_error, fill_error, bulk_error;	/* of the threads' work */

	enum checkpoint_state	 state;
	unsigned		 step;
	bool			 dumped;	/* slice() has said that it was the last */
	struct buf		 bulk;		/* on its way into next */
	uint64_t		 bulk_at;
	uint64_t		 base;		/* octets of the state when the file began */
	int64_t			 retry_ms;	/* not again before this (boot time) */
	struct journal_stats	 stats;
};

void	logfile_put(struct logfile *, const struct record *);
void	logfile_head(struct logfile *);
/* Writes zeros over [from, to). 0 or -1. */
int	logfile_zero(int fd, uint64_t from, uint64_t to);
/* When nothing runs on the old file any more: installs the new one, if it waits for that. */
void	checkpoint_proceed(struct journal *);
/* Records have come into now that nobody is about to write. */
void	journal_write_soon(struct journal *);

#endif
