/*
 * throttle.h - whether more mail is taken: marks, limits, and what clients feel.
 *
 * Once a second it is told what has come and gone since; from that it knows
 * two rates (of some eight seconds), which reasons hold, and by how much
 * MAIL is delayed:
 *
 *   MARK       more than `mark` messages are queued and more come than go: the
 *              delay grows until as many go as come, then it falls again
 *   MESSAGES, MEMORY   a limit is reached: strangers are refused.  Who has
 *              logged in and programs of this machine may go a sixteenth
 *              further, so that one's own users can write while strangers wait
 *   DISK       below the reserve: the same, down to half of it
 *   NO_SEGMENT no file can be made: everybody is refused
 *
 * Notifications of the queue's own are never refused.  No clock, no I/O.
 */
#ifndef WB_MTA_QUEUE_THROTTLE_H
#define WB_MTA_QUEUE_THROTTLE_H

#include "mta/msg/space.h"
#include "mta/queue/reasons.h"

#define THROTTLE_DELAY_MAX_MS	5000	/* a client waits five minutes (RFC 5321, 4.5.3.2.2) */
#define THROTTLE_DELAY_FIRST_MS	20
#define THROTTLE_OWN_SHARE	16	/* one's own users: a limit and this part of it */

/* As it is just now. */
struct throttle_now {
	uint64_t	come, gone;	/* messages, since whenever */
	uint64_t	queued;		/* messages */
	uint64_t	memory;		/* octets of the index */
	uint64_t	free, reserve;	/* octets of the disk */
	bool		no_segment;
};

struct throttle {
	uint64_t	 mark, messages, memory;	/* options; 0: none */
	uint64_t	 come, gone;	/* at the last step */
	uint64_t	 come_mps, gone_mps;	/* thousandths of messages in a second */
	uint32_t	 holds;		/* 1 << reason_bit() */
	int64_t		 since_ms[8];	/* wall, by reason_bit() */
	struct space	 space;		/* what workers are told */
};

/* Rates begin here: what was there before did not come just now. */
void	throttle_begin(struct throttle *, const struct throttle_now *);
/* Once a second.  True: space is another, or a reason has begun or ended. */
bool	throttle_step(struct throttle *, const struct throttle_now *, int64_t wall_ms);
/* A limit has been passed or left since: throttle_look() without a second's end. */
bool	throttle_look(struct throttle *, const struct throttle_now *, int64_t wall_ms);
/* r is one of the SERVER.  The same of what t->holds was before. */
bool	throttle_holds(const struct throttle *, enum reason r);
bool	throttle_held(uint32_t holds, enum reason r);
int64_t	throttle_since_ms(const struct throttle *, enum reason r);

#endif
