/*
 * failures.h - wrong logins, by address and by user, and what follows.
 *
 * An address is an IPv4 address or the first 64 bits of an IPv6 one.  A count
 * begins with the first failure and ends when the window is over.  From
 * `failures` on each further answer waits longer; an address with `refuse` is
 * not listened to.  A user with many failures makes others wait, but never
 * refuses, and does not make those wait who come from where he logged in well
 * within the window: nobody can lock out another.
 *
 * Both tables are bounded; the entry that was not used for longest goes first.
 * Names and passwords are kept as keyed digests only.
 */
#ifndef WB_MTA_AUTH_FAILURES_H
#define WB_MTA_AUTH_FAILURES_H

#include "base/ip.h"

#define FAILURES_ENTRIES_MAX	32768	/* of each table */
#define FAILURES_FIRST_MS	250	/* the first wait; each failure doubles it */

struct failures_limits {
	uint32_t	failures, refuse;
	int64_t		slowest_ms, window_ms;
};

/* Who failed, or may; spans are borrowed. */
struct failures_who {
	struct ip	client;		/* none: only the user counts */
	struct span	maps, user;	/* user: as it was typed */
};

struct failures;
struct failures	*failures_new(void);
void		 failures_free(struct failures **);

/* now_ms: of loop_now_ms(). */
bool		 failures_refused(struct failures *, const struct failures_limits *, const struct failures_who *, int64_t now_ms);
/*
 * tried: a keyed digest of the password, which counts once for that address in
 * the window (a telephone that has an old one); 0: it cannot be told.
 */
void		 failures_add(struct failures *, const struct failures_limits *, const struct failures_who *, uint64_t tried, int64_t now_ms);
/* He logged in from there. */
void		 failures_right(struct failures *, const struct failures_who *, int64_t now_ms);
/* How long an answer waits. */
int64_t		 failures_wait_ms(struct failures *, const struct failures_limits *, const struct failures_who *, int64_t now_ms);

#endif
