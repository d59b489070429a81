/*
 * pace.h - how many recipients may go to a hop in a time (`rate`).
 *
 * Never more than so many in any time of that length: what has gone is counted
 * by slots, a twentieth of it each, and is forgotten when its slot is as old as
 * that.  So all of it may go at once, and the next when the first are that old.
 *
 * The clock is what the caller says; no I/O.
 */
#ifndef WB_MTA_QUEUE_PACE_H
#define WB_MTA_QUEUE_PACE_H

#include <stdint.h>

#define PACE_SLOTS	20

struct pace {
	uint32_t	most;		/* 0: any number */
	int64_t		ms;		/* in this time */
	int64_t		slot;		/* the newest, since the clock began */
	uint32_t	gone[PACE_SLOTS + 2];	/* by slot, the newest first */
};

/* Another rate; what has gone counts as if it went now. */
void		pace_set(struct pace *, uint32_t most, int64_t ms, int64_t now_ms);
/* How many may go now. */
uint32_t	pace_left(struct pace *, int64_t now_ms);
void		pace_take(struct pace *, uint32_t n, int64_t now_ms);
/* How many have gone in this time. */
uint32_t	pace_gone(struct pace *, int64_t now_ms);

#endif
