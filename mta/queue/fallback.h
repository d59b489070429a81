/*
 * fallback.h - what a hop could not take goes to another.
 *
 * A target whose message is as old as `fallback after` leaves its hop for the
 * relay block that the hop's terms name, when the hop has put it off, or is dead
 * while it stands in line there.  It does so once: what the fallback cannot take
 * waits for the fallback, and is told of with what the hop had said.  A restart
 * or a reload routes it anew, to its own hop first.
 */
#ifndef WB_MTA_QUEUE_FALLBACK_H
#define WB_MTA_QUEUE_FALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct answer;
struct dest;
struct message;
struct queue;

/* It has just been put off (WAIT): goes to its fallback (READY), if it may. */
bool		fallback_deferred(struct queue *, struct message *, struct dest *);
/* Those that are about to get into line at dead hops. */
void		fallback_ready(struct queue *, struct message *);
/* Those that stand in line at dead hops; the caller then settles the message. */
void		fallback_waiting(struct queue *, struct message *);
/* When it is to be looked at for that, index time; 0: never. */
uint32_t	fallback_wake_s(const struct queue *, const struct message *);
/* The answer of a target at its fallback, with what its hop had said; text is in the buffer. */
struct answer	fallback_answer(const struct dest *, const struct answer *, struct buf *);

#endif
