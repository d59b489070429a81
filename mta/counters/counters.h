/*
 * counters.h - what is counted, and when that was last heard of.
 *
 * The limits process has one, with files (mta/limits); a test of a policy has
 * an empty one and a clock that it moves.  Both decide by this code.
 */
#ifndef WB_MTA_COUNTERS_COUNTERS_H
#define WB_MTA_COUNTERS_COUNTERS_H

#include "mta/counters/greylist.h"
#include "mta/counters/rates.h"

struct counters {
	struct rates	 rates;
	struct greylist	 greylist;
	int64_t		 now_ms;	/* never goes back */
	uint64_t	 seq;		/* of the last change */
};

void	counters_init(struct counters *);
void	counters_clear(struct counters *);
/* The time, or when it has gone back, the last one. */
int64_t	counters_now(struct counters *, int64_t now_ms);

/* What has changed, for who keeps it in a file. */
struct counters_change {
	enum { CHANGED_NOTHING, CHANGED_RATE, CHANGED_GREY } what;
	struct rate_event	 event;
	const struct grey	*grey;	/* good until the next call */
	uint64_t		 seq;
};

/* True: more than count.  The change may be NULL. */
bool	counters_rate(struct counters *, const struct rate_ask *,
	    int64_t now_ms, struct counters_change *);
/* True: greylisted. */
bool	counters_greylisted(struct counters *, struct span key,
	    int64_t wait_ms, bool peek, int64_t now_ms,
	    struct counters_change *);

#endif
