/*
 * line.h - where a message stands in line at its hop.
 *
 * Senders take turns there (schedule.h), so this is how things stand, and no
 * promise: before counts what goes first when each sender sends one in a turn.
 */
#ifndef WB_MTA_QUEUE_LINE_H
#define WB_MTA_QUEUE_LINE_H

#include "mta/queue/schedule.h"

#define LINE_STEPS_MAX	100000	/* places looked at */

struct line_place {
	uint64_t	before;		/* messages that go first */
	uint64_t	of_sender;	/* of these: of the same sender */
	uint32_t	senders;	/* that take turns */
	uint32_t	waiting;	/* messages in line in all */
	bool		least;		/* there are more before than were counted */
};

/* false: it stands in no line there. */
bool	line_place(const struct message *, const struct hop *, struct line_place *);

#endif
