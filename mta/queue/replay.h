/*
 * replay.h - what the status log says of one message, done once more.
 */
#ifndef WB_MTA_QUEUE_REPLAY_H
#define WB_MTA_QUEUE_REPLAY_H

#include "mta/queue/queue.h"

/* Records about a message, in the order of the log. */
struct past_event {
	struct past_event	*next;
	struct span		 octets;	/* in the log */
};

/* Targets become what the log says; those that are prepared are READY, with their hop. */
void	replay_events(struct queue *, struct message *, const struct past_event *);

#endif
