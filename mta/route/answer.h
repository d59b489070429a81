/*
 * answer.h - the targets of a ROUTE, on their way to the queue in pieces.
 */
#ifndef WB_MTA_ROUTE_ANSWER_H
#define WB_MTA_ROUTE_ANSWER_H

#include "mta/policy/policy.h"

/* Zeroed, but for these two, before first use. */
struct answer {
	uint64_t	 ticket;
	uint32_t	 generation;
	struct target	*piece;		/* targets not sent yet */
	size_t		 n, cap, octets;
	struct routing	**held;		/* in whose memory they lie */
	size_t		 nheld, held_cap;
};

/* One more; what it points to stays until it is sent.  A full piece is sent. */
void	answer_add(struct answer *, struct chan *, const struct target *);
/* Takes a routing in whose memory targets lie. */
void	answer_hold(struct answer *, struct routing *);
/* What there is, be it nothing: the queue hears that it is being worked on. */
void	answer_send(struct answer *, struct chan *, bool last);
void	answer_clear(struct answer *);

#endif
