/*
 * counters.c - rates and greylist under one clock.
 */
#include "config.h"

#include "mta/counters/counters.h"

void
counters_init(struct counters *c)
{
	rates_init(&c->rates);
	greylist_init(&c->greylist);
	c->now_ms = INT64_MIN / 4;	/* differences do not overflow */
	c->seq = 0;
}

void
counters_clear(struct counters *c)
{
	rates_clear(&c->rates);
	greylist_clear(&c->greylist);
	counters_init(c);
}

int64_t
counters_now(struct counters *c, int64_t now_ms)
{
	if (c->now_ms < now_ms)
		c->now_ms = now_ms;
	return c->now_ms;
}

bool
counters_rate(struct counters *c, const struct rate_ask *q, int64_t now_ms,
    struct counters_change *change)
{
	struct counters_change	mine = { .seq = c->seq + 1 };
	bool			over, counted;

	over = rates_over(&c->rates, q, counters_now(c, now_ms), mine.seq,
	    &counted, &mine.event);
	if (counted) {
		mine.what = CHANGED_RATE;
		c->seq++;
	}
	if (change != NULL)
		*change = mine;
	return over;
}

bool
counters_greylisted(struct counters *c, struct span key, int64_t wait_ms,
    bool peek, int64_t now_ms, struct counters_change *change)
{
	struct counters_change	mine = { .seq = c->seq + 1 };
	bool			holds;

	holds = greylist_holds(&c->greylist, key, wait_ms, peek,
	    counters_now(c, now_ms), mine.seq, &mine.grey);
	if (mine.grey != NULL) {
		mine.what = CHANGED_GREY;
		c->seq++;
	}
	if (change != NULL)
		*change = mine;
	return holds;
}
