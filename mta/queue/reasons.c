/*
 * reasons.c - reasons.def as functions, and which of them holds.
 */
#include "mta/queue/reasons.h"

#include "mta/queue/queue.h"

#include <assert.h>

static const struct {
	const char	*word, *means, *remedy;
	enum reason_of	 of;
} reasons[] = {
#define REASON(name, word, of, means, remedy) \
	{ word, means, remedy, REASON_OF_##of },
#include "mta/queue/reasons.def"
#undef REASON
};

const char *
reason_word(enum reason r)
{
	assert(r < REASON_N);
	return reasons[r].word;
}

const char *
reason_means(enum reason r)
{
	assert(r < REASON_N);
	return reasons[r].means;
}

const char *
reason_remedy(enum reason r)
{
	assert(r < REASON_N);
	return reasons[r].remedy;
}

enum reason_of
reason_of(enum reason r)
{
	assert(r < REASON_N);
	return reasons[r].of;
}

enum reason
reason_parse(struct span word)
{
	unsigned	r;

	for (r = 0; r < REASON_N; r++)
		if (span_eq(word, span_of(reasons[r].word)))
			break;
	return (enum reason)r;
}

/* --- which one holds */

/* READY: what keeps it from a job. */
static enum reason
of_ready(const struct queue *q, const struct hop *h)
{
	if (q->stopping || q->sched.jobs_max == 0)
		return REASON_STOPPING;
	if (h->blocked)
		return h->local ? REASON_NO_DELIVERER : REASON_NO_RELAY;
	if (h->dead)
		return REASON_HOP_DEAD;
	if (h->outstanding >= h->concurrency)
		return REASON_HOP_LIMIT;
	if (q->sched.jobs >= q->sched.jobs_max)
		return REASON_JOBS_LIMIT;
	return REASON_IN_LINE;
}

/*
 * WAIT: by the last answer.  The classes are those of the options: no
 * connection and 421; 452, 4.2.2 and 4.3.1; 450 and 451 with 4.2.0 or 4.7.x.
 */
static enum reason
of_wait(const struct dest *d)
{
	struct answer	an;

	if (!dest_answer(d, &an))
		return REASON_RETRY;
	if (an.code == 421 || span_prefix(an.status, SPAN("4.4.")))
		return REASON_RETRY_CONNECT;
	if (an.code == 452 || span_eq(an.status, SPAN("4.2.2")) ||
	    span_eq(an.status, SPAN("4.3.1")))
		return REASON_RETRY_FULL;
	if ((an.code == 450 || an.code == 451) &&
	    (span_eq(an.status, SPAN("4.2.0")) ||
	    span_prefix(an.status, SPAN("4.7."))))
		return REASON_RETRY_GREYLISTED;
	return REASON_RETRY;
}

static enum reason
of_state(const struct queue *q, const struct dest *d)
{
	switch (d->state) {
	case DEST_NEW:
		return router_there(q) ? REASON_NOT_ROUTED : REASON_NO_ROUTER;
	case DEST_ROUTING:
		return router_there(q) ? REASON_ROUTING : REASON_NO_ROUTER;
	case DEST_LOGGING:
		return REASON_LOGGING;
	case DEST_READY:
		return of_ready(q, d->hop);
	case DEST_ACTIVE:
		return d->flags & DEST_PREPARED ? REASON_PREPARED :
		    REASON_ACTIVE;
	case DEST_WAIT:
		return of_wait(d);
	case DEST_FAILED:
		return REASON_FAILED;
	case DEST_ARRIVED:
		return REASON_ARRIVED;
	default:
		return REASON_DONE;
	}
}

enum reason
reason_of_dest(const struct queue *q, const struct message *m,
    const struct dest *d)
{
	if (m->flags & M_GONE)
		return REASON_REMOVED;
	/* A job that is under way is not stopped, nor a renaming. */
	if (m->flags & M_HELD && (d->state == DEST_NEW ||
	    d->state == DEST_READY || d->state == DEST_WAIT) &&
	    !(d->flags & DEST_PREPARED))
		return m->flags & M_QUARANTINED ? REASON_QUARANTINED :
		    REASON_HELD;
	return of_state(q, d);
}
