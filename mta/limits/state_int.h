/*
 * state_int.h - what state.c, snapshot.c and folder.c share.
 */
#ifndef WB_MTA_LIMITS_STATE_INT_H
#define WB_MTA_LIMITS_STATE_INT_H

#include "base/loop.h"
#include "base/pool.h"
#include "mta/limits/state.h"

#define STATE_NAME	"state"
#define STATE_NEW	".state.new"
#define STATE_RETRY_MS	60000	/* after a file could not be written */

enum snapshot_phase { SNAPSHOT_NONE, SNAPSHOT_RATES, SNAPSHOT_GREYS,
	SNAPSHOT_SEEN, SNAPSHOT_SYNC };

struct snapshot {
	enum snapshot_phase	 phase;
	int			 fd;
	int			 old_log;	/* is synced first; -1: none */
	struct buf		 slice;		/* on its way to the file */
	size_t			 next_seen;
	uint64_t		 octets;
	int			 error, old_error;	/* of the thread's work */
};

struct state {
	struct counters	 counters;
	int		 folder;
	int		 lock;
	struct pool	*pool;		/* one thread: work in order */

	/* the log */
	int		 fd;		/* -1: there is none, nothing is kept */
	uint64_t	 number;	/* of it, and of the next snapshot */
	uint64_t	*logs;		/* the numbers of those that are there */
	size_t		 nlogs;
	uint64_t	 octets;
	struct buf	 pending;	/* blocks */
	bool		 open_block;	/* the last of them is not closed */
	size_t		 began;		/* where it begins */
	bool		 unsynced, syncing;
	int		 sync_fd, sync_error;	/* of the thread */
	int64_t		 synced_ms, retry_ms;
	struct timer	 timer;

	struct snapshot	 snapshot;
	uint64_t	 snapshot_octets;	/* of the last one */
	uint64_t	 snapshots, failed;
};

/* What makes a time of the counters wall time, just now. */
int64_t	state_wall(void);
/* Writes what is pending; when that fails the log is given up. */
void	state_write(struct state *);
/* Says what could not be done, once, and when it is tried again. */
void	state_failed(struct state *, const char *what);

/* Begins a new log, and a snapshot of what there is. */
void	snapshot_begin(struct state *);
void	snapshot_clear(struct state *);

/* "log.N" */
void	folder_log_name(uint64_t number, char out[32]);
void	folder_add_log(struct state *, uint64_t number);
/* Removes the logs before this. */
void	folder_remove_logs(struct state *, uint64_t before);
/* Reads snapshot and logs; state->number is that of the last. */
void	folder_read(struct state *);
/* Waits for who holds it; the descriptor. */
int	folder_lock(int folder);

#endif
