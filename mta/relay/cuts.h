/*
 * cuts.h - messages that server sessions hand over before they have answered
 * their clients (`cut through`): CUT and CUT_DONE.
 *
 * Such a message is sent at once or not at all: whatever takes long is told as
 * a passing trouble, and the session spools its message.  A hop's connections
 * are those of the queue's jobs and of cuts together; where there are as many as
 * the policy says a cut is refused, and a job of the queue waits for the end
 * of the next.  A hop that was in trouble rests for a while, and is then tried
 * with one message.
 *
 * Owns: the cuts' jobs, and those of the queue that wait.
 * For the administrator: doc/queue.md, Cut through.
 */
#ifndef WB_MTA_RELAY_CUTS_H
#define WB_MTA_RELAY_CUTS_H

#include "base/chan.h"
#include "mta/relay/conns.h"

#define CUTS_OPEN_MAX	500	/* at once, to all hops */
#define CUTS_HOPS_MAX	1000	/* that are remembered */
#define CUT_BEGIN_MS	5000	/* until a connection is there, kept or new */
#define CUT_SENT_MS	30000	/* until the final dot has left */
#define CUT_ANSWER_MS	60000	/* until it is answered; then the hop may have it twice */
#define CUT_REST_MS	30000	/* that a hop in trouble rests */

struct cuts;

struct cuts_counters {
	uint64_t	asked, taken, refused, late;	/* messages; late: told too late */
};

/* conns is borrowed: jobs go to it, and come back to cuts_done(). */
struct cuts	*cuts_new(struct conns *);
/* Frees the jobs that conns has not, or has no more. */
void		 cuts_free(struct cuts **);
/* CUT of a channel; false: nonsense.  The answer may leave at once. */
bool		 cuts_ask(struct cuts *, struct chan *, struct msg *);
/* Nobody waits on this channel any more: what is not sent yet is dropped. */
void		 cuts_gone(struct cuts *, const struct chan *);
/* The job has its results; freed here. */
void		 cuts_done(struct cuts *, struct job *);
/* A job of the queue: true: it waits here for a connection that cuts have. */
bool		 cuts_hold(struct cuts *, struct job *);
/* Those of the queue are dropped. */
void		 cuts_forget_queue(struct cuts *);
/* Some job for this hop has ended. */
void		 cuts_ended(struct cuts *, struct span hop);
/* What is due at this time; comes by itself. */
void		 cuts_tick(struct cuts *, int64_t now_ms);
/* Nothing more is begun. */
void		 cuts_stop(struct cuts *);
const struct cuts_counters *cuts_counters(const struct cuts *);

#endif
