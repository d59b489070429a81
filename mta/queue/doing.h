/*
 * doing.h - what an administrator does to a message, or to some of its targets.
 *
 * Each act has a line in the log with who has done it (by=uid:N).  What is under
 * way (in a job, being routed or logged) is left alone and counted as busy.
 */
#ifndef WB_MTA_QUEUE_DOING_H
#define WB_MTA_QUEUE_DOING_H

#include "mta/queue/selection.h"

enum act {
	ACT_HOLD,	/* the whole message; why */
	ACT_RELEASE,	/* the whole message */
	ACT_RETRY,	/* what waits is due, a dead hop probed */
	ACT_REROUTE,	/* routed again, or to a relay of the policy (to) */
	ACT_REMOVE,	/* nobody is told */
	ACT_BOUNCE,	/* the sender is told now; why */
	ACT_N
};

struct done {
	uint64_t	matched;	/* messages that were meant */
	uint64_t	messages;	/* of which something was done to */
	uint64_t	targets;	/* recipients, likewise */
	uint64_t	busy;		/* recipients that were meant and left alone */
};

const char *act_name(enum act);
/*
 * To the message that the selection has taken just now; it may be gone then.
 * With r->dry it is only counted.  The caller syncs the log.
 */
void	act_on(struct selection *, enum act, uint32_t uid, struct done *);
/* REROUTED of the log. */
void	reroute_replay(struct queue *, struct dest *, const struct record *);

#endif
