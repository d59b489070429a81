/*
 * health.h - a memory of addresses that failed: how long each is passed over.
 *
 * An address that fails rests for a minute, then for two, four, ... up to an
 * hour; who fails while it rests changes nothing.  When its rest is over one job
 * tries it, and others wait for what becomes of that, or a minute.  A success
 * clears it.
 *
 * Lives as long as the process, beyond reloads of the policy.  No clock, no I/O.
 */
#ifndef WB_MTA_RELAY_HEALTH_H
#define WB_MTA_RELAY_HEALTH_H

#include "base/buf.h"
#include "base/ip.h"

#define HEALTH_FIRST_MS	60000
#define HEALTH_MOST_MS	3600000
#define HEALTH_TRY_MS	60000	/* that one job has to try it alone */
#define HEALTH_MAX	1000	/* addresses; the one whose rest ends first is forgotten */
#define HEALTH_WHY_MAX	160	/* octets of the reason, with NUL */
#define HEALTH_NAME_MAX	254

struct health;

struct health_key {
	struct ip	ip;
	uint16_t	port;
};

/* What is known of one that has failed. */
struct health_entry {
	struct health_key key;
	char		 name[HEALTH_NAME_MAX];	/* of the host; "": none */
	char		 why[HEALTH_WHY_MAX];	/* of its last failure */
	unsigned	 failures;	/* in a row */
	int64_t		 since_ms;	/* the first of them */
	int64_t		 until_ms;	/* passed over */
	int64_t		 tried_ms;	/* since when one job tries it; 0: none does */
};

struct health	*health_new(void);
void		 health_free(struct health **);
void		 health_failed(struct health *, const struct health_key *, const char *name, const char *why, int64_t now_ms);
void		 health_works(struct health *, const struct health_key *);
/* Whether it is to be passed over. */
bool		 health_rests(const struct health *, const struct health_key *, int64_t now_ms);
/* A job begins to try it; others pass it over until it is known, if it has failed. */
void		 health_try(struct health *, const struct health_key *, int64_t now_ms);
/* Who tried it has been taken back: nothing is known of it. */
void		 health_untried(struct health *, const struct health_key *);
/* Those that have failed: the nth; NULL behind the last. */
const struct health_entry *health_entry(const struct health *, size_t nth);

/* Adds a member "resting" to a JSON object that has others (health_status.c). */
void		 health_status(const struct health *, struct buf *out);

#endif
