/*
 * limits.h - asking the limits process.
 *
 * A client keeps its open questions, so that they are asked again when limits
 * is new (it counts a question once); an answer comes as a callback on the
 * loop.  It also keeps which sessions are counted, and tells a new limits.
 */
#ifndef WB_MTA_MSG_LIMITS_H
#define WB_MTA_MSG_LIMITS_H

#include "base/chan.h"

enum limits_answer {
	LIMITS_NO,
	LIMITS_YES,	/* over the rate; greylisted */
	LIMITS_CANNOT	/* cannot say now */
};

enum limits_result {
	LIMITS_OK,
	LIMITS_SESSIONS,	/* one too many of all */
	LIMITS_CLIENT,		/* one too many of this client */
	LIMITS_UNCOUNTED,	/* limits does not answer */
	LIMITS_USER		/* said by nobody: a worker's word for CLIENT where it was a user */
};

#define LIMITS_KEY_MAX		(16u << 10)	/* octets of a key; longer: CANNOT */
#define LIMITS_CLIENT_MAX	32		/* octets that say who a client is */
#define LIMITS_ADDRESS_MAX	16		/* those of an address; longer: a user, not one of all sessions */

#define LIMITS_YOUNG_MS		100	/* limits hears of a session: limits_count_soon() */
#define LIMITS_YOUNG_MAX	64

/* `rate "name" by KEY over count/period`, asked once for each tx and step. */
struct limits_rate {
	struct span	name, key;
	uint32_t	count;
	uint32_t	more;	/* so many beside this one are counted at once: all or none */
	int64_t		period_ms;
	uint64_t	tx;	/* session or message, unique for ever */
	uint32_t	step;	/* of it: command and hook */
	bool		peek;	/* do not count */
};

struct limits_client;
typedef void limits_cb(void *arg, enum limits_answer);
typedef void limits_counted_cb(void *arg, enum limits_result);

struct limits_client	*limits_client_new(void);
/* A channel to limits, new or again; takes fd. */
void			 limits_client_attach(struct limits_client *, int fd);
void			 limits_client_free(struct limits_client **);	/* no callbacks */
/* Whether there is a channel. */
bool			 limits_client_there(const struct limits_client *);

/*
 * Ask; cb is called exactly once, from the loop, with LIMITS_CANNOT after
 * 10 s at the latest.  Return a ticket for limits_cancel().
 */
uint64_t		 limits_rate(struct limits_client *, const struct limits_rate *, limits_cb *, void *arg);
uint64_t		 limits_grey(struct limits_client *, struct span key, int64_t wait_ms, bool peek, limits_cb *, void *arg);
void			 limits_cancel(struct limits_client *, uint64_t ticket);

/*
 * Counts a session of a client, over all workers.  cb is called exactly once,
 * from the loop, with LIMITS_UNCOUNTED after 5 s at the latest or when there is
 * no channel, unless the session ends before.  Returns its ticket, for limits_uncount(), which is
 * due whatever the result was.  cb NULL: it is counted without being asked.
 */
uint64_t		 limits_count(struct limits_client *, struct span client, uint32_t sessions_max, uint32_t per_client_max, limits_counted_cb *, void *arg);
/*
 * The same of one that limits need not know yet: it is told after
 * LIMITS_YOUNG_MS, or as soon as LIMITS_YOUNG_MAX are as young.  Most sessions
 * have ended by then, and cost limits nothing.
 */
uint64_t		 limits_count_soon(struct limits_client *, struct span client, uint32_t sessions_max, uint32_t per_client_max, limits_counted_cb *, void *arg);
void			 limits_uncount(struct limits_client *, uint64_t ticket);

#endif
