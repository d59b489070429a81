/*
 * selection.h - whether a message, and which of its targets, a request means.
 *
 * All conditions must hold; those on targets for the same target.  A message
 * is meant when one of its open targets is, or when there are no conditions on
 * targets.
 */
#ifndef WB_MTA_QUEUE_SELECTION_H
#define WB_MTA_QUEUE_SELECTION_H

#include "mta/queue/queue.h"
#include "mta/queue/request.h"

/* A request against one message after the other. */
struct selection {
	struct queue		*q;
	const struct request	*r;
	bool			 by_target;
	struct arena		 arena;		/* of the message at hand */
	struct envelope		 e;		/* likewise; spans lie in the message */
	struct message		*m;
};

void	selection_begin(struct selection *, struct queue *, const struct request *);
/* The message is the one at hand; its envelope may be read when it is meant. */
bool	selection_takes(struct selection *, struct message *);
/* A target of the message at hand that selection_takes() has taken. */
bool	selection_takes_dest(const struct selection *, const struct dest *);
void	selection_end(struct selection *);

/* As it is shown: "waiting", "held", ... */
const char	*selection_state(const struct message *, const struct dest *);
/* The domain of an address, empty without one. */
struct span	 selection_domain(struct span address);

#endif
