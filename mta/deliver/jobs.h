/*
 * jobs.h - what the queue asks of deliver: read, given to its kind, answered.
 *
 * DELIVER and COMMIT each become a job (job.h); its answer leaves when its
 * kind has done it.  Jobs may end in another order than they came; the queue sends the
 * COMMIT of a message only after its PREPARED.
 */
#ifndef WB_MTA_DELIVER_JOBS_H
#define WB_MTA_DELIVER_JOBS_H

#include "base/chan.h"

#define JOBS_THREADS	16	/* they wait for syncs more than they work */
#define JOBS_MAX	256		/* the queue keeps to 64 */
#define JOBS_INLINE_MAX	(256u << 10)	/* octets of a content in a message */

/* Starts the threads.  Answers go to c, until jobs_end(). */
void	jobs_begin(struct chan *c);
/* A message of the queue: false: nonsense. */
bool	jobs_message(struct msg *);
/* Jobs that have not been answered. */
unsigned	jobs_open(void);
/* Called when the last open job has been answered. */
void	jobs_when_idle(void (*)(void));
/* Waits for the jobs that run; what has not begun is given up. */
void	jobs_end(void);

#endif
