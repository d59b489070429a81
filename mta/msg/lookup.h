/*
 * lookup.h - asking the lookup process for what servers' tables say.
 *
 * A client keeps its open questions, so that they are asked again when lookup
 * is new; an answer comes as a callback on the loop.
 */
#ifndef WB_MTA_MSG_LOOKUP_H
#define WB_MTA_MSG_LOOKUP_H

#include "base/chan.h"
#include "maps/map.h"

#define LOOKUP_KEY_MAX		1024		/* octets of a key; longer: not there */
#define LOOKUP_VALUE_MAX	(1u << 20)	/* octets of a value; longer: MAP_BROKEN */

struct lookup_client;
/*
 * FOUND, NONE, LATER or BROKEN; answer: borrowed.  Where it cannot be said its
 * value is the cause, which lookup has told in the log; NULL: the cause is not
 * known.
 */
typedef void lookup_client_cb(void *arg, enum map_result, const struct map_answer *);

struct lookup_client	*lookup_client_new(void);
/* A channel to lookup, new or again; takes fd. */
void			 lookup_client_attach(struct lookup_client *, int fd);
void			 lookup_client_free(struct lookup_client **);	/* no callbacks */
/*
 * Asks map (its number in that generation's image); cb is called exactly once,
 * from the loop, with MAP_LATER after 40 s at the latest (a table has a
 * time-out of its own).  Returns a ticket for lookup_client_cancel().
 */
uint64_t		 lookup_client_ask(struct lookup_client *, uint32_t generation, uint32_t map, const struct map_question *, lookup_client_cb *, void *arg);
void			 lookup_client_cancel(struct lookup_client *, uint64_t ticket);

#endif
