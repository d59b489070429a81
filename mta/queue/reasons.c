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
	if (h->site->blocked)
		return h->local ? REASON_NO_DELIVERER : REASON_NO_RELAY;
	if (h->site->dead)
		return h->site->held ? REASON_HOP_LOGIN : REASON_HOP_DEAD;
	if (sched_is_paced(&q->sched, h->site))
		return REASON_HOP_RATE;
	if (h->site->outstanding >= h->site->concurrency)
		return REASON_HOP_LIMIT;
	if (sched_is_full(&q->sched, h->site))
		return REASON_JOBS_LIMIT;
	return REASON_IN_LINE;
}

/* TLS and logins have no class, but a status (RFC 3463, 3.8; RFC 4954, 6). */
static enum reason
of_other(const struct answer *an)
{
	if (span_eq(an->status, SPAN("4.7.5")))
		return REASON_RETRY_TLS;
	return an->code == 454 ? REASON_RETRY_LOGIN : REASON_RETRY;
}

/* WAIT: by the class of the last answer. */
static enum reason
of_wait(const struct dest *d)
{
	static const enum reason	 reasons_of[CLASS_N] = {
		[CLASS_OTHER] = REASON_RETRY,
		[CLASS_CONNECT] = REASON_RETRY_CONNECT,
		[CLASS_GREYLISTED] = REASON_RETRY_GREYLISTED,
		[CLASS_FULL] = REASON_RETRY_FULL
	};
	struct answer			 an;
	enum reason			 r;

	if (!dest_answer(d, &an))
		return REASON_RETRY;
	r = reasons_of[error_class_of(an.code, an.status)];
	return r == REASON_RETRY ? of_other(&an) : r;
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
