/*
 * store.c - counters into blocks of octets, and back.
 */
#include "config.h"

#include <assert.h>

#include "base/crc.h"
#include "mta/counters/store.h"
#include "mta/spool/octets.h"

#define MAGIC		0x314c4257u	/* "WBL1" */
#define BLOCK_HEAD	16
#define RECORD_MAX	(64 + RATE_RUNS_MAX * 12)

enum { R_HEAD = 1, R_GREY, R_EVENT, R_RATE, R_SEEN, R_EVENTS };

/* --- writing */

size_t
store_begin(struct buf *b)
{
	size_t	at = b->n;

	memset(buf_reserve(b, BLOCK_HEAD), 0, BLOCK_HEAD);
	buf_grown(b, BLOCK_HEAD);
	return at;
}

bool
store_room(const struct buf *b, size_t began)
{
	return b->n - began + RECORD_MAX <= STORE_BLOCK_MAX;
}

void
store_end(struct buf *b, size_t began)
{
	uint8_t	*head = (uint8_t *)b->base + b->off + began;
	size_t	 n = b->n - began - BLOCK_HEAD;

	assert(n <= STORE_BLOCK_MAX);
	octets_store(head, MAGIC, 4);
	octets_store(head + 4, n, 4);
	octets_store(head + 8, crc32c(0, head + BLOCK_HEAD, n), 4);
	octets_store(head + 12, crc32c(0, head, 12), 4);
}

static void
put_key(struct buf *b, const struct aged_key *k)
{
	buf_add(b, k->octets, sizeof(k->octets));
}

static void
put_time(struct buf *b, int64_t ms)
{
	octets_put(b, (uint64_t)ms, 8);
}

void
store_put_head(struct buf *b, uint64_t generation, uint64_t seq,
    int64_t written_ms)
{
	octets_put(b, R_HEAD, 1);
	octets_put(b, generation, 8);
	octets_put(b, seq, 8);
	put_time(b, written_ms);
}

void
store_put_grey(struct buf *b, const struct grey *e, int64_t wall)
{
	octets_put(b, R_GREY, 1);
	octets_put(b, e->aged.seq, 8);
	put_key(b, &e->aged.key);
	put_time(b, e->first_ms + wall);
	put_time(b, e->last_ms + wall);
	octets_put(b, e->passed, 1);
}

static void
put_event(struct buf *b, const struct rate_event *ev, uint64_t seq,
    int64_t wall)
{
	octets_put(b, ev->more > 0 ? R_EVENTS : R_EVENT, 1);
	octets_put(b, seq, 8);
	put_key(b, &ev->key);
	octets_put(b, (uint64_t)ev->period_ms, 8);
	put_time(b, ev->at_ms + wall);
	octets_put(b, ev->seen, 8);
	octets_put(b, ev->count, 4);
	if (ev->more > 0)
		octets_put(b, ev->more, 4);
}

void
store_put_change(struct buf *b, const struct counters_change *c, int64_t wall)
{
	if (c->what == CHANGED_RATE)
		put_event(b, &c->event, c->seq, wall);
	else if (c->what == CHANGED_GREY)
		store_put_grey(b, c->grey, wall);
}

void
store_put_rate(struct buf *b, const struct rate *e, int64_t wall)
{
	uint32_t	i;

	assert(e->nruns <= RATE_RUNS_MAX);
	octets_put(b, R_RATE, 1);
	octets_put(b, e->aged.seq, 8);
	put_key(b, &e->aged.key);
	octets_put(b, (uint64_t)e->period_ms, 8);
	put_time(b, e->began_ms + wall);
	octets_put(b, e->nruns, 2);
	for (i = 0; i < e->nruns; i++) {
		put_time(b, e->runs[i].last_ms + wall);
		octets_put(b, e->runs[i].n, 4);
	}
}

void
store_put_seen(struct buf *b, uint64_t seen)
{
	octets_put(b, R_SEEN, 1);
	octets_put(b, seen, 8);
}

/* --- reading */

struct reader {
	struct counters		*c;
	struct store_report	*report;
	struct octets		 o;		/* of one block */
	int64_t			 now, wall;
};

/* A time of ours: not after now, not before what anything could remember. */
static int64_t
get_time(struct reader *r)
{
	uint64_t	u = octets_get(&r->o, 8);
	int64_t		t = u > INT64_MAX ? 0 : (int64_t)u;
	int64_t		last = r->now + r->wall;

	if (t > last)
		t = last;
	if (t < last - 2 * RATE_PERIOD_MAX_MS)
		t = last - 2 * RATE_PERIOD_MAX_MS;
	return t - r->wall;
}

static uint64_t
get_seq(struct reader *r)
{
	uint64_t	seq = octets_get(&r->o, 8);

	if (r->c->seq < seq && seq < UINT64_MAX / 2)
		r->c->seq = seq;
	return seq;
}

static void
get_key(struct reader *r, struct aged_key *k)
{
	struct span	s = octets_get_span(&r->o, sizeof(k->octets));

	if (s.n == sizeof(k->octets))
		memcpy(k->octets, s.p, s.n);
}

static int64_t
get_period(struct reader *r)
{
	uint64_t	ms = octets_get(&r->o, 8);

	if (ms == 0 || ms > (uint64_t)RATE_PERIOD_MAX_MS)
		r->o.bad = true;
	return (int64_t)ms;
}

static void
get_head(struct reader *r)
{
	uint64_t	generation = octets_get(&r->o, 8);

	(void)get_seq(r);
	(void)octets_get(&r->o, 8);	/* for people */
	if (!r->o.bad)
		r->report->generation = generation;
}

static void
get_grey(struct reader *r)
{
	struct grey	e = { .aged.seq = get_seq(r) };

	get_key(r, &e.aged.key);
	e.first_ms = get_time(r);
	e.last_ms = get_time(r);
	e.passed = octets_get(&r->o, 1) != 0;
	if (!r->o.bad)
		greylist_restore(&r->c->greylist, &e, r->now);
}

static void
get_event(struct reader *r, bool several)
{
	uint64_t		seq = get_seq(r);
	struct rate_event	ev = { .count = 0 };

	get_key(r, &ev.key);
	ev.period_ms = get_period(r);
	ev.at_ms = get_time(r);
	ev.seen = octets_get(&r->o, 8);
	ev.count = (uint32_t)octets_get(&r->o, 4);
	if (several)
		ev.more = (uint32_t)octets_get(&r->o, 4);
	if (ev.more >= ev.count)
		r->o.bad = true;	/* it was over the rate */
	if (!r->o.bad)
		rates_replay(&r->c->rates, &ev, seq, r->now);
}

static void
get_rate(struct reader *r)
{
	struct rate_run	runs[RATE_RUNS_MAX];
	struct rate	e = { .aged.seq = get_seq(r), .runs = runs };
	uint32_t	i;

	get_key(r, &e.aged.key);
	e.period_ms = get_period(r);
	e.began_ms = get_time(r);
	e.nruns = (uint32_t)octets_get(&r->o, 2);
	if (e.nruns > RATE_RUNS_MAX)
		r->o.bad = true;
	for (i = 0; i < e.nruns && !r->o.bad; i++) {
		runs[i].last_ms = get_time(r);
		runs[i].n = (uint32_t)octets_get(&r->o, 4);
		e.total += runs[i].n;
	}
	if (!r->o.bad)
		rates_restore(&r->c->rates, &e, r->now);
}

/* All records of a body; false when one of them makes no sense. */
static bool
read_body(struct reader *r, struct span body)
{
	uint64_t	seen;

	r->o = (struct octets){ .left = body };
	while (r->o.left.n > 0) {
		switch (octets_get(&r->o, 1)) {
		case R_HEAD:
			get_head(r);
			break;
		case R_GREY:
			get_grey(r);
			break;
		case R_EVENT:
			get_event(r, false);
			break;
		case R_EVENTS:
			get_event(r, true);
			break;
		case R_RATE:
			get_rate(r);
			break;
		case R_SEEN:
			seen = octets_get(&r->o, 8);
			if (!r->o.bad)
				rates_saw(&r->c->rates, seen);
			break;
		default:
			r->o.bad = true;
		}
		if (r->o.bad)
			return false;
		r->report->records++;
	}
	return true;
}

/* The body of a whole block at the start of in. */
static bool
block_at(struct span in, struct span *body)
{
	const uint8_t	*p = (const uint8_t *)in.p;
	uint64_t	 n;

	if (in.n < BLOCK_HEAD || octets_load(p, 4) != MAGIC ||
	    octets_load(p + 12, 4) != crc32c(0, p, 12))
		return false;
	n = octets_load(p + 4, 4);
	if (n > STORE_BLOCK_MAX || n > in.n - BLOCK_HEAD)
		return false;
	*body = span_mem(in.p + BLOCK_HEAD, n);
	return octets_load(p + 8, 4) == crc32c(0, body->p, n);
}

/* How far it is to the next octets that may begin a block. */
static size_t
to_next(struct span in)
{
	uint8_t		 magic[4];
	const char	*next;

	octets_store(magic, MAGIC, 4);
	next = in.n < 2 ? NULL :
	    memmem(in.p + 1, in.n - 1, magic, sizeof(magic));
	return next == NULL ? in.n : (size_t)(next - in.p);
}

void
store_read(struct counters *c, struct span file, int64_t now_ms,
    int64_t wall_ms, struct store_report *report)
{
	struct reader	r = { .c = c, .report = report, .wall = wall_ms };
	struct span	body;
	size_t		n;

	*report = (struct store_report){ .generation = 0 };
	r.now = counters_now(c, now_ms);
	while (file.n > 0) {
		if (block_at(file, &body)) {
			n = BLOCK_HEAD + body.n;
			if (!read_body(&r, body))
				report->damaged += n;
		} else {
			n = to_next(file);
			report->damaged += n;
		}
		file = span_from(file, n);
	}
}
