/*
 * state.h - the counters, and the files in which they outlive the process.
 *
 * In the spool's folder `limits`: `state`, a snapshot, and `log.N`, what has
 * changed since; their form is said in mta/counters/store.h.  What is counted
 * is written to the log within a second and synced within five.  When the log
 * has grown larger than the snapshot a new one is taken in slices, while a
 * new log begins; the snapshot is written beside, synced and renamed, then
 * the older logs go.  At the start the snapshot is read and all logs from its
 * number on, and a new snapshot begins.
 *
 * A file that is damaged, or cannot be written, costs what it would have
 * said, and a line of the log; counting goes on.
 */
#ifndef WB_MTA_LIMITS_STATE_H
#define WB_MTA_LIMITS_STATE_H

#include "mta/counters/store.h"

struct state;

/*
 * Makes the folder below the spool's if need be, belonging to `user` when we
 * are root; fatal() when that fails.  Returns its descriptor.
 */
int		 state_folder(const char *spool, const char *user);
/* Reads what is there.  Takes the folder; waits for who holds its lock. */
struct state	*state_open(int folder);
/* Writes and syncs all, frees. */
void		 state_close(struct state **);

/* As counters.h, by the clock of this turn. */
bool		 state_rate(struct state *, const struct rate_ask *);
bool		 state_greylisted(struct state *, struct span key,
		    int64_t wait_ms, bool peek);
/* For `status`: the inside of a JSON object. */
void		 state_stats(const struct state *, struct buf *out);

#endif
