/*
 * callouts.h - questions whether a hop takes a recipient, and their answers.
 *
 * A question is a job without content: MAIL FROM:<>, RCPT TO, no DATA.  Who asks
 * for what is being asked already waits for the same answer.  Answers are kept,
 * so that nobody's server hears of us for each message: a yes for a day, a no
 * for two hours, and what could not be said for five minutes.
 *
 * Owns: the answers, and who waits.
 */
#ifndef WB_MTA_RELAY_CALLOUTS_H
#define WB_MTA_RELAY_CALLOUTS_H

#include "base/chan.h"
#include "mta/relay/job.h"

#define CALLOUTS_MAX		50000	/* answers kept; the oldest go first */
#define CALLOUTS_OPEN_MAX	200	/* asked at once; more: cannot say */
#define CALLOUT_YES_MS		86400000
#define CALLOUT_NO_MS		7200000
#define CALLOUT_CANNOT_MS	300000

struct callouts;

/* take: gives a job to the sessions; it comes back to callouts_done(). */
struct callouts	*callouts_new(void (*take)(void *arg, struct job *), void *arg);
void		 callouts_free(struct callouts **);
/* CALLOUT of a channel; false: nonsense.  The answer may leave at once. */
bool		 callouts_ask(struct callouts *, struct chan *, struct msg *);
/* Nobody waits on this channel any more. */
void		 callouts_gone(struct callouts *, const struct chan *);
/* The job has its result; freed here. */
void		 callouts_done(struct callouts *, struct job *);
/* Jobs were dropped: whoever waits is told that it cannot be said. */
void		 callouts_dropped(struct callouts *);
size_t		 callouts_kept(const struct callouts *);

#endif
