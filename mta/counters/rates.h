/*
 * rates.h - how often something has happened: `rate "name" by EXPR over 100/1h`.
 *
 * A log of what was counted, for each name, period and key.  Up to RATE_EXACT
 * in a period each event has its own time, and the answer is exact: true when
 * the period before now holds as many as are allowed.  Above that, events
 * that lie within a RATE_EXACT-th of the period are kept as one, with the
 * time of the last: memory stays bounded, no more than the allowed number is
 * ever let through in any period, and an event is forgotten at most that part
 * of a period late.
 *
 * What would be one too many is not counted.  The same question of the same
 * transaction and step is counted once, however often it is asked.
 *
 * Knows no clock: time is an argument, and one that goes back stands still.
 */
#ifndef WB_MTA_COUNTERS_RATES_H
#define WB_MTA_COUNTERS_RATES_H

#include "mta/counters/aged.h"

#define RATE_EXACT		64
#define RATE_RUNS_MAX		(2 * RATE_EXACT + 2)	/* of one key */
#define RATE_PERIOD_MAX_MS	(INT64_C(1) << 36)	/* as in ruleset/value.h */
#define RATES_MAX		500000			/* keys */
#define RATES_OCTETS_MAX	(128u << 20)		/* of all logs */
#define RATES_SEEN_MAX		65536			/* questions remembered */

struct rate_ask {
	struct span	name, key;
	uint32_t	count;		/* this many are let through */
	uint32_t	more;		/* beside this one as many come at once: all or none */
	int64_t		period_ms;
	uint64_t	tx;		/* transaction or session */
	uint32_t	step;		/* command and hook of it */
	bool		peek;		/* asked without counting */
};

/* Events that are kept as one. */
struct rate_run {
	int64_t		last_ms;
	uint32_t	n;
};

struct rate {
	struct aged_entry	 aged;
	int64_t			 period_ms;
	int64_t			 began_ms;	/* of the newest run */
	uint64_t		 total;		/* of all runs */
	struct rate_run		*runs;		/* oldest first */
	uint32_t		 nruns, cap;
};

struct rates {
	struct aged	 keys;
	size_t		 octets;
	size_t		 max;		/* RATES_MAX; tests have fewer */
	struct htab	 seen;
	uint64_t	*seen_ring;
	size_t		 nseen, seen_next;
	uint64_t	 evicted;	/* keys that went before their time */
};

/* An event, as it is written to a log. */
struct rate_event {
	struct aged_key	key;
	int64_t		period_ms;
	int64_t		at_ms;
	uint64_t	seen;		/* the question */
	uint32_t	count;
	uint32_t	more;
};

void	rates_init(struct rates *);
void	rates_clear(struct rates *);
/*
 * Whether there would be more than count; if not it is counted, and
 * event->at_ms etc. say so; *counted is false when nothing has changed.
 */
bool	rates_over(struct rates *, const struct rate_ask *, int64_t now_ms,
	    uint64_t seq, bool *counted, struct rate_event *);
/* Of a log: counted again. Ignored when the key is newer than seq. */
void	rates_replay(struct rates *, const struct rate_event *, uint64_t seq,
	    int64_t now_ms);
/* Of a snapshot: runs are copied; replaces an older one of this key. */
void	rates_restore(struct rates *, const struct rate *, int64_t now_ms);
/* The question was counted before. */
void	rates_saw(struct rates *, uint64_t seen);
/* The i-th oldest of the questions remembered; false behind the last. */
bool	rates_seen(const struct rates *, size_t i, uint64_t *out);

/* The next key of aged_walk(&r->keys); those that are over are dropped. */
const struct rate *rates_next(struct rates *, int64_t now_ms);

#endif
