/*
 * rates.c - logs of events, by key.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/counters/rates.h"

#define RUNS_FIRST	1

static struct rate *
of(struct aged_entry *e)
{
	return (struct rate *)(void *)e;	/* its first member */
}

static void
rate_free(struct aged_entry *e)
{
	free(of(e)->runs);
	free(e);
}

void
rates_init(struct rates *r)
{
	*r = (struct rates){ .max = RATES_MAX };
	aged_init(&r->keys);
}

void
rates_clear(struct rates *r)
{
	aged_clear(&r->keys, rate_free);
	htab_clear(&r->seen);
	free(r->seen_ring);
	rates_init(r);
}

/* --- questions that were counted */

static struct span
seen_key(const uint64_t *seen)
{
	return span_mem(seen, sizeof(*seen));
}

/*
 * The same in each process and after a restart.  Who finds two questions with
 * one number has gained nothing: a sender who wants another counter takes
 * another key.
 */
static uint64_t
seen_number(const struct aged_key *key, const struct rate_ask *q)
{
	struct {
		struct aged_key	key;
		uint64_t	tx, step;
	}	all = { *key, q->tx, q->step };

	return hash_fixed(span_mem(&all, sizeof(all)));
}

void
rates_saw(struct rates *r, uint64_t seen)
{
	uint64_t	*place;

	if (htab_put(&r->seen, seen_key(&seen), r) != NULL)
		return;
	if (r->seen_ring == NULL)
		r->seen_ring = xcalloc(RATES_SEEN_MAX, sizeof(uint64_t));
	place = &r->seen_ring[r->seen_next];
	if (r->nseen == RATES_SEEN_MAX)
		(void)htab_del(&r->seen, seen_key(place));
	else
		r->nseen++;
	*place = seen;
	r->seen_next = (r->seen_next + 1) % RATES_SEEN_MAX;
}

bool
rates_seen(const struct rates *r, size_t i, uint64_t *out)
{
	size_t	first;

	if (i >= r->nseen)
		return false;
	first = r->nseen < RATES_SEEN_MAX ? 0 : r->seen_next;
	*out = r->seen_ring[(first + i) % RATES_SEEN_MAX];
	return true;
}

/* --- one key */

/* Drops what is older than the period. */
static void
expire(struct rate *e, int64_t now)
{
	uint32_t	n = 0;

	while (n < e->nruns && now - e->runs[n].last_ms >= e->period_ms)
		e->total -= e->runs[n++].n;
	if (n == 0)
		return;
	e->nruns -= n;
	memmove(e->runs, e->runs + n, e->nruns * sizeof(*e->runs));
}

static void
add_run(struct rates *r, struct rate *e, int64_t now)
{
	if (e->nruns == e->cap) {
		r->octets -= e->cap * sizeof(*e->runs);
		e->cap = e->cap == 0 ? RUNS_FIRST : 2 * e->cap;
		r->octets += e->cap * sizeof(*e->runs);
		e->runs = xreallocarray(e->runs, e->cap, sizeof(*e->runs));
	}
	e->runs[e->nruns++] = (struct rate_run){ now, 0 };
	e->began_ms = now;
}

/* What came at once has one time. */
static void
count_event_at(struct rates *r, struct rate *e, const struct rate_event *ev)
{
	int64_t		 now = ev->at_ms;
	int64_t		 width = ev->count > RATE_EXACT ?
	    e->period_ms / RATE_EXACT : 0;
	struct rate_run	*run;

	if (e->nruns == 0 || (e->nruns < RATE_RUNS_MAX &&
	    now - e->began_ms >= (width > 0 ? width : 1)))
		add_run(r, e, now);
	run = &e->runs[e->nruns - 1];
	if (run->last_ms < now)
		run->last_ms = now;
	run->n += 1 + ev->more;
	e->total += 1 + (uint64_t)ev->more;
}

/* --- all keys */

static void
forget(struct rates *r, struct rate *e)
{
	aged_remove(&r->keys, &e->aged);
	r->octets -= e->cap * sizeof(*e->runs);
	rate_free(&e->aged);
}

static bool
is_over(const struct rate *e, int64_t now)
{
	return e->nruns == 0 ||
	    now - e->runs[e->nruns - 1].last_ms >= e->period_ms;
}

/* Room for one more: what has ended first, then the oldest. */
static void
make_room(struct rates *r, int64_t now)
{
	struct rate	*e;
	unsigned	 looked = 0;

	while ((e = of(aged_oldest(&r->keys))) != NULL) {
		if (aged_count(&r->keys) >= r->max ||
		    r->octets > RATES_OCTETS_MAX) {
			r->evicted += !is_over(e, now);
			forget(r, e);
		} else if (looked++ < 2 && is_over(e, now))
			forget(r, e);
		else
			return;
	}
}

static struct rate *
rate_new(struct rates *r, const struct aged_key *key, int64_t period,
    int64_t now)
{
	struct rate	*e;

	make_room(r, now);
	e = xcalloc(1, sizeof(*e));
	e->aged.key = *key;
	e->period_ms = period;
	aged_add(&r->keys, &e->aged);
	return e;
}

static void
count_event(struct rates *r, const struct rate_event *ev, uint64_t seq)
{
	struct rate	*e = of(aged_get(&r->keys, &ev->key));

	if (e == NULL)
		e = rate_new(r, &ev->key, ev->period_ms, ev->at_ms);
	else
		aged_touch(&r->keys, &e->aged);
	count_event_at(r, e, ev);
	e->aged.seq = seq;
	rates_saw(r, ev->seen);
}

static struct aged_key
key_of(const struct rate_ask *q)
{
	const struct span	parts[] = {
		q->name, q->key, span_mem(&q->period_ms, sizeof(q->period_ms))
	};

	return aged_key("rate", parts, 3);
}

bool
rates_over(struct rates *r, const struct rate_ask *q, int64_t now,
    uint64_t seq, bool *counted, struct rate_event *ev)
{
	struct rate	*e;

	*counted = false;
	*ev = (struct rate_event){ .key = key_of(q), .at_ms = now,
	    .period_ms = q->period_ms, .count = q->count,
	    .more = q->more };
	ev->seen = seen_number(&ev->key, q);
	if (!q->peek && htab_get(&r->seen, seen_key(&ev->seen)) != NULL)
		return false;
	if ((e = of(aged_get(&r->keys, &ev->key))) != NULL)
		expire(e, now);
	if ((e == NULL ? 0 : e->total) + q->more >= q->count)
		return true;
	if (!q->peek) {
		count_event(r, ev, seq);
		*counted = true;
	}
	return false;
}

void
rates_replay(struct rates *r, const struct rate_event *ev, uint64_t seq,
    int64_t now)
{
	struct rate	*e = of(aged_get(&r->keys, &ev->key));

	if (e != NULL && e->aged.seq >= seq)
		return;
	rates_saw(r, ev->seen);
	if (now - ev->at_ms >= ev->period_ms)
		return;
	if (e != NULL)
		expire(e, now);
	count_event(r, ev, seq);
}

void
rates_restore(struct rates *r, const struct rate *from, int64_t now)
{
	struct rate	*e = of(aged_get(&r->keys, &from->aged.key));

	if (e != NULL && e->aged.seq >= from->aged.seq)
		return;
	if (e != NULL)
		forget(r, e);
	if (is_over(from, now))
		return;
	e = rate_new(r, &from->aged.key, from->period_ms, now);
	e->aged.seq = from->aged.seq;
	e->runs = xcalloc(from->nruns, sizeof(*e->runs));
	memcpy(e->runs, from->runs, from->nruns * sizeof(*e->runs));
	e->nruns = e->cap = from->nruns;
	r->octets += e->cap * sizeof(*e->runs);
	e->total = from->total;
	e->began_ms = from->began_ms;
	expire(e, now);
}

const struct rate *
rates_next(struct rates *r, int64_t now)
{
	struct rate	*e;

	while ((e = of(aged_next(&r->keys))) != NULL) {
		if (!is_over(e, now)) {
			expire(e, now);
			return e;
		}
		forget(r, e);
	}
	return NULL;
}
