/*
 * fakelimits.c - rates and greylist of a test: counters of its own, under the
 * clock that it moves.
 */
#include "config.h"

#include "mta/cmd/play.h"

static const struct fakerate *
given(const struct fakelimits *f, struct span name)
{
	size_t	i;

	for (i = 0; i < f->nrates; i++)
		if (span_eq(f->rates[i].name, name))
			return &f->rates[i];
	return NULL;
}

/* How many are still let through, with those that have been before. */
static uint32_t
left(const struct fakelimits *f, const struct limits_rate *q,
    const struct fakerate *r)
{
	if (r == NULL || f->now_ms - f->began_ms >= q->period_ms)
		return q->count;
	return r->count >= q->count ? 0 : q->count - (uint32_t)r->count;
}

static uint64_t
rate(void *ctx, const struct limits_rate *q, limits_cb *cb, void *arg)
{
	struct fakelimits	*f = ctx;
	const struct fakerate	*r = given(f, q->name);
	struct rate_ask		 ask = { .name = q->name, .key = q->key,
	    .count = left(f, q, r), .more = q->more, .period_ms = q->period_ms, .tx = q->tx,
	    .step = q->step, .peek = q->peek };

	if (r != NULL && r->failing)
		cb(arg, LIMITS_CANNOT);
	else
		cb(arg, ask.count == 0 || counters_rate(&f->counters, &ask,
		    f->now_ms, NULL) ? LIMITS_YES : LIMITS_NO);
	return 0;
}

static uint64_t
greylisted(void *ctx, struct span key, int64_t wait_ms, bool peek,
    limits_cb *cb, void *arg)
{
	struct fakelimits	*f = ctx;

	cb(arg, counters_greylisted(&f->counters, key, wait_ms, peek,
	    f->now_ms, NULL) ? LIMITS_YES : LIMITS_NO);
	return 0;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;	/* all is answered at once */
	(void)ticket;
}

struct policy_limits
fakelimits_policy(struct fakelimits *f)
{
	return (struct policy_limits){ rate, greylisted, cancel, f };
}
