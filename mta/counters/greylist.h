/*
 * greylist.h - who has tried before: `greylisted by EXPR, ... for 5m`.
 *
 * True until the first try of a key is older than the time.  A key that has
 * not been asked for in 36 days is forgotten, and is new again.
 *
 * Strangers make entries, so their number is bounded.  When there is no room
 * the oldest goes, and of those who never came again first: a flood of first
 * tries does not make those forgotten who have passed, as long as these are
 * not more than three quarters of all.
 *
 * Knows no clock: time is an argument, and one that goes back stands still.
 */
#ifndef WB_MTA_COUNTERS_GREYLIST_H
#define WB_MTA_COUNTERS_GREYLIST_H

#include "mta/counters/aged.h"

#define GREYLIST_MAX		1000000
#define GREYLIST_FORGET_MS	(INT64_C(36) * 86400000)
#define GREYLIST_NOTE_MS	3600000	/* a use is noted once an hour */

struct grey {
	struct aged_entry	aged;
	int64_t			first_ms;
	int64_t			last_ms;	/* asked for; noted rarely */
	bool			passed;		/* came again, late enough */
};

struct greylist {
	struct aged	fresh, passed;
	size_t		max;		/* GREYLIST_MAX; tests have fewer */
	uint64_t	evicted;	/* keys that went before their time */
};

void	greylist_init(struct greylist *);
void	greylist_clear(struct greylist *);
/*
 * Whether key was first seen less than wait_ms ago.  *changed: the entry that
 * is to be kept, with seq; NULL when nothing has changed.  peek: nothing is
 * remembered.
 */
bool	greylist_holds(struct greylist *, struct span key, int64_t wait_ms,
	    bool peek, int64_t now_ms, uint64_t seq,
	    const struct grey **changed);
/* Of a file: takes the place of an older one. */
void	greylist_restore(struct greylist *, const struct grey *,
	    int64_t now_ms);
size_t	greylist_count(const struct greylist *);

/* A walk over all in slices; those whose time is over are dropped. */
void	greylist_walk(struct greylist *);
const struct grey *greylist_next(struct greylist *, int64_t now_ms);

#endif
