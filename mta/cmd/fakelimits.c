/*
 * fakelimits.c - rates and greylist of a test: counters of its own, under the
 * clock that it moves.
 */
#include "config.h"

#include "mta/cmd/play.h"

static uint64_t
rate(void *ctx, const struct limits_rate *q, limits_cb *cb, void *arg)
{
	struct fakelimits	*f = ctx;
	struct rate_ask		 ask = { .name = q->name, .key = q->key,
	    .count = q->count, .period_ms = q->period_ms, .tx = q->tx,
	    .step = q->step, .peek = q->peek };

	cb(arg, counters_rate(&f->counters, &ask, f->now_ms, NULL) ?
	    LIMITS_YES : LIMITS_NO);
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
