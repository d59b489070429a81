/*
 * cases.h - how a test of a whole queue is written, and what most wait for.
 *
 * A test is a function of the spool's folder that runs in a child (ONE), or
 * several, one process after the other on the same folder (STEPS): the end of
 * a step is a kill of the queue.
 */
#ifndef WB_TEST_QUEUE_CASES_H
#define WB_TEST_QUEUE_CASES_H

#include "test/unit/mta/queue/fakes.h"

#define STEPS(name, ...) \
	static void \
	test_##name(void **state) \
	{ \
		void	(*const steps[])(const char *) = { __VA_ARGS__ }; \
		(void)state; \
		fakes_in_children(steps, sizeof(steps) / sizeof(steps[0])); \
	}

#define ONE(name, f)	STEPS(name, f)

static inline bool
is_empty(struct fakes *f)
{
	return f->q.index.n == 0 && f->q.count.accepted >= f->told;
}

static inline bool
has_jobs(struct fakes *f)
{
	return f->njobs > 0;
}

static inline bool
was_asked(struct fakes *f)
{
	return f->asked > 0;
}

static inline bool
waits(struct fakes *f)
{
	struct message	*m = f->q.index.first;

	return m != NULL && m->dests[0].state == DEST_WAIT;
}

/* The sender was told once, and that has gone too. */
static inline bool
is_bounced(struct fakes *f)
{
	return f->q.count.bounced == 1 && is_empty(f);
}

#endif
