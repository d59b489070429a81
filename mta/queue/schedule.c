/*
 * schedule.c - next hops, flows, jobs; see schedule.h.
 */
#include "mta/queue/schedule.h"

#include "base/xalloc.h"

#include <assert.h>
#include <stdlib.h>

#define CONCURRENCY_FIRST	5
#define BAD_WINDOWS_MAX		3
#define LOCAL_CONCURRENCY	64	/* jobs of one deliverer */
#define AGAIN_SHARE		4	/* one turn in four for retries */
#define QUANTUM			65536	/* octets of a flow's turn */
#define COST_LEAST		16384	/* of a job: small messages cost too */
#define COST_MOST		(4 * QUANTUM)
#define JOBS_MAX		4096
#define LOOK_MAX		1000	/* targets looked at for one job */
#define IDLE_TICKS		120	/* an unused hop is kept so long */
#define IDLE_BATCH		256	/* and so many go at a time */

/* A message's place in line at a hop. */
struct want {
	struct message	*m;		/* NULL: given up */
	struct hop	*hop;		/* a reference */
	struct want	*in_flow;	/* next of the flow */
	struct want	*prev, *next;	/* of the message */
	struct dest_line line;		/* READY targets of the message here */
};

struct flow_key {
	uint64_t	hop, sender, again;
};

struct flow {
	struct flow	*prev, *next;	/* ring */
	struct ring	*ring;
	struct want	*first, *last;
	struct flow_key	 key;
	uint32_t	 deficit;
};

void
sched_init(struct sched *s, const struct sched_ops *ops, void *arg)
{
	memset(s, 0, sizeof(*s));
	s->ops = ops;
	s->arg = arg;
	s->limit = 20;
	s->jobs_max = JOBS_MAX;
}

/* --- hops */

void
sched_limit(struct sched *s, struct span hop, uint32_t most)
{
	assert(most > 0);
	htab_put(&s->limits, hop, (void *)(uintptr_t)most);
}

static uint32_t
limit_of(const struct sched *s, const struct hop *h)
{
	void	*own = htab_get(&s->limits, span_mem(h->text, h->text_n));

	if (h->local)
		return LOCAL_CONCURRENCY;
	return own != NULL ? (uint32_t)(uintptr_t)own : s->limit;
}

struct hop *
sched_hop(struct sched *s, struct span text)
{
	struct hop	*h = htab_get(&s->hops, text);

	if (h == NULL) {
		h = xcalloc(1, sizeof(*h));
		h->text = xstrndup(text.p, text.n);
		h->text_n = (uint16_t)text.n;
		h->local = span_prefix(text, SPAN("uid:"));
		h->concurrency = h->local ? LOCAL_CONCURRENCY :
		    CONCURRENCY_FIRST;
		if (h->concurrency > limit_of(s, h))
			h->concurrency = limit_of(s, h);
		htab_put(&s->hops, text, h);
	}
	return hop_ref(h);
}

struct hop *
hop_ref(struct hop *h)
{
	h->idle_ticks = 0;
	h->refs++;
	return h;
}

static void
hop_free(struct sched *s, struct hop *h)
{
	htab_del(&s->hops, span_mem(h->text, h->text_n));
	free(h->text);
	free(h);
}

/* What is known of it outlives the last message for some time: sched_tick(). */
void
hop_unref(struct sched *s, struct hop **hp)
{
	struct hop	*h = *hp;

	(void)s;
	*hp = NULL;
	if (h == NULL)
		return;
	assert(h->refs > 0);
	h->refs--;
}

/* Puts it behind those that may run, if it may. */
static void
consider(struct sched *s, struct hop *h)
{
	if (h->runnable || h->blocked || h->wants == 0)
		return;
	if (h->dead ? h->outstanding > 0 || s->now_ms < h->probe_ms :
	    h->outstanding >= h->concurrency)
		return;
	h->runnable = true;
	h->next_runnable = NULL;
	if (s->run_last != NULL)
		s->run_last->next_runnable = h;
	else
		s->run_first = h;
	s->run_last = h;
}

static struct hop *
next_runnable(struct sched *s)
{
	struct hop	*h = s->run_first;

	if (h == NULL)
		return NULL;
	s->run_first = h->next_runnable;
	if (s->run_first == NULL)
		s->run_last = NULL;
	h->next_runnable = NULL;
	h->runnable = false;
	return h;
}

/* --- flows */

static uint32_t
cost_of(const struct message *m)
{
	if (m == NULL || m->size < COST_LEAST)
		return COST_LEAST;
	return m->size > COST_MOST ? COST_MOST : (uint32_t)m->size;
}

static void
ring_add(struct ring *r, struct flow *f)
{
	if (r->head == NULL) {
		f->prev = f->next = r->head = f;
	} else {
		f->next = r->head;
		f->prev = r->head->prev;
		f->prev->next = f->next->prev = f;
	}
	f->ring = r;
	r->flows++;
}

static void
flow_free(struct sched *s, struct flow *f)
{
	struct ring	*r = f->ring;

	if (--r->flows == 0) {
		r->head = NULL;
	} else {
		f->prev->next = f->next;
		f->next->prev = f->prev;
		if (r->head == f)
			r->head = f->next;
	}
	htab_del(&s->flows, span_mem(&f->key, sizeof(f->key)));
	free(f);
}

static struct flow *
flow_of(struct sched *s, struct hop *h, struct message *m, bool again)
{
	struct flow_key	 key = { (uintptr_t)h, hash_keyed(message_sender(m)),
	    again };
	struct flow	*f = htab_get(&s->flows, span_mem(&key, sizeof(key)));

	if (f == NULL) {
		f = xcalloc(1, sizeof(*f));
		f->key = key;
		ring_add(again ? &h->again : &h->fresh, f);
		htab_put(&s->flows, span_mem(&key, sizeof(key)), f);
	}
	return f;
}

static struct want *
want_new(struct sched *s, struct message *m, struct hop *h, bool again)
{
	struct want	*w = xcalloc(1, sizeof(*w));
	struct flow	*f = flow_of(s, h, m, again);

	w->m = m;
	w->hop = hop_ref(h);
	w->next = m->wants;
	if (m->wants != NULL)
		m->wants->prev = w;
	m->wants = w;
	if (f->last != NULL)
		f->last->in_flow = w;
	else
		f->first = w;
	f->last = w;
	h->wants++;
	consider(s, h);
	return w;
}

/* Off its message. */
static void
want_unlink(struct want *w)
{
	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		w->m->wants = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	w->prev = w->next = NULL;
	w->m = NULL;
}

/* The flow's first want is done with. */
static void
want_pop(struct sched *s, struct flow *f)
{
	struct want	*w = f->first;

	f->first = w->in_flow;
	if (f->first == NULL)
		flow_free(s, f);
	if (w->m != NULL)
		want_unlink(w);
	if (w->hop->last == w)
		w->hop->last = NULL;
	w->hop->wants--;
	hop_unref(s, &w->hop);
	free(w);
}

/* A message with many hops finds its place at each without looking for it. */
static struct want *
want_of(struct sched *s, struct message *m, const struct dest *d)
{
	struct hop	*h = d->hop;
	struct want	*w = h->last;

	if (w != NULL && w->m == m)
		return w;
	for (w = m->wants; w != NULL && w->hop != h; w = w->next)
		;
	if (w == NULL)
		w = want_new(s, m, h, d->attempts > 0);
	h->last = w;
	return w;
}

void
sched_ready(struct sched *s, struct message *m)
{
	uint32_t	i;

	while (m->ready.first != 0) {
		i = dest_line_take(m, &m->ready);
		dest_line_add(m, &want_of(s, m, &m->dests[i])->line, i);
	}
}

void
sched_forget(struct sched *s, struct message *m)
{
	struct want	*w;

	(void)s;
	dest_line_drop(m, &m->ready);
	while ((w = m->wants) != NULL) {
		dest_line_drop(m, &w->line);
		want_unlink(w);		/* goes when its turn comes */
	}
}

/* --- turns */

static struct ring *
ring_of_turn(struct hop *h)
{
	if (h->fresh.flows == 0)
		return &h->again;
	if (h->again.flows > 0 && ++h->turn % AGAIN_SHARE == 0)
		return &h->again;
	return &h->fresh;
}

/* Deficit round robin (Shreedhar and Varghese, 1995). */
static struct flow *
flow_of_turn(struct ring *r)
{
	struct flow	*f;
	uint32_t	 cost;

	for (;;) {
		f = r->head;
		cost = cost_of(f->first->m);
		if (r->flows == 1)
			return f;
		if (f->deficit >= cost) {
			f->deficit -= cost;
			return f;
		}
		f->deficit += QUANTUM;
		r->head = f->next;
	}
}

/*
 * The next targets of the message at this hop, of one sender (a job has one
 * MAIL), at most max; the others keep their places.
 */
static uint32_t
gather(struct want *w, uint32_t max, uint32_t *out)
{
	struct message	 *m = w->m;
	struct dest_line  rest = { 0, 0 };
	uint32_t	  n = 0, looked, i;

	for (looked = 0; w->line.first != 0 && n < max && looked < LOOK_MAX;
	    looked++) {
		i = dest_line_take(m, &w->line);
		if (n > 0 && !dest_same_sender(&m->dests[out[0]],
		    &m->dests[i]))
			dest_line_add(m, &rest, i);
		else
			out[n++] = i;
	}
	if (rest.first != 0) {
		m->dests[rest.last - 1].next = w->line.first;
		w->line.first = rest.first;
		if (w->line.last == 0)
			w->line.last = rest.last;
	}
	return n;
}

static void
mark(struct message *m, const uint32_t *dests, uint32_t n, unsigned state)
{
	uint32_t	i;

	for (i = 0; i < n; i++)
		dest_set_state(m, &m->dests[dests[i]], state);
}

/* The job was not to be: they are the first again. */
static void
give_back(struct want *w, const uint32_t *dests, uint32_t n)
{
	uint32_t	i;

	for (i = n; i > 0; i--)
		dest_line_push(w->m, &w->line, dests[i - 1]);
	mark(w->m, dests, n, DEST_READY);
}

/* One job for the hop, if somebody still wants one. */
static void
start_one(struct sched *s, struct hop *h)
{
	uint32_t	 dests[SCHED_JOB_RCPTS], n;
	struct flow	*f = flow_of_turn(ring_of_turn(h));
	struct want	*w = f->first;

	n = w->m == NULL ? 0 : gather(w, h->local ? 1 : SCHED_JOB_RCPTS,
	    dests);
	if (n > 0) {
		mark(w->m, dests, n, DEST_ACTIVE);
		h->outstanding++;
		s->jobs++;
		if (!s->ops->start(s->arg, h, w->m, dests, n)) {
			h->outstanding--;
			s->jobs--;
			h->blocked = true;
			give_back(w, dests, n);
			return;
		}
	}
	if (w->line.first == 0)
		want_pop(s, f);
}

bool
sched_run(struct sched *s)
{
	struct hop	*h;
	uint32_t	 n = 0;

	while (s->jobs < s->jobs_max && s->run_first != NULL) {
		if (s->run_max != 0 && n++ == s->run_max)
			return true;
		h = next_runnable(s);
		hop_ref(h);
		if (h->wants > 0 && !h->blocked)
			start_one(s, h);
		consider(s, h);
		hop_unref(s, &h);
	}
	return false;
}

/* --- outcomes */

static void
went_well(struct sched *s, struct hop *h)
{
	h->bad_windows = 0;
	h->probes = 0;
	h->dead = false;
	if (++h->good >= h->concurrency) {
		h->good = 0;
		if (h->concurrency < limit_of(s, h))
			h->concurrency++;
		else	/* a reload may have lowered it */
			h->concurrency = limit_of(s, h);
	}
}

static void
went_badly(struct sched *s, struct hop *h)
{
	h->good = 0;
	h->concurrency = h->concurrency > 1 ? h->concurrency / 2 : 1;
	h->together = h->outstanding;
	if (++h->bad_windows < BAD_WINDOWS_MAX)
		return;
	h->bad_windows = BAD_WINDOWS_MAX;
	h->dead = true;
	h->probe_ms = s->now_ms +
	    sched_retry_ms(s, h->probes, (uintptr_t)h ^ (uint64_t)s->now_ms);
	if (h->probes < SCHED_RETRIES_MAX)
		h->probes++;
}

void
sched_ended(struct sched *s, struct hop *h, enum sched_outcome outcome)
{
	assert(h->outstanding > 0);
	h->outstanding--;
	s->jobs--;
	if (!h->local && outcome == SCHED_OK)
		went_well(s, h);
	if (h->together > 0)
		h->together--;
	else if (!h->local && outcome == SCHED_BAD)
		went_badly(s, h);
	consider(s, h);
}

void
sched_unblock(struct sched *s, struct hop *h)
{
	h->blocked = false;
	consider(s, h);
}

void
sched_unblock_all(struct sched *s, bool local)
{
	size_t		 pos = 0;
	struct span	 key;
	void		*v;

	while (htab_next(&s->hops, &pos, &key, &v)) {
		struct hop	*h = v;

		if (h->local == local)
			sched_unblock(s, h);
	}
}

void
sched_probe(struct sched *s, struct hop *h)
{
	if (!h->dead)
		return;
	h->probe_ms = 0;
	consider(s, h);
}

void
sched_revive(struct sched *s)
{
	size_t		 pos = 0;
	struct span	 key;
	void		*v;

	while (htab_next(&s->hops, &pos, &key, &v)) {
		struct hop	*h = v;

		h->probe_ms = 0;
		consider(s, h);
	}
}

static bool
is_forgotten(struct hop *h)
{
	return h->refs == 0 && !h->runnable && !h->dead &&
	    ++h->idle_ticks > IDLE_TICKS;
}

void
sched_tick(struct sched *s)
{
	struct hop	*gone[IDLE_BATCH];
	size_t		 pos = 0, n = 0;
	struct span	 key;
	void		*v;

	while (htab_next(&s->hops, &pos, &key, &v)) {
		struct hop	*h = v;

		if (h->dead && h->refs == 0 && s->now_ms >= h->probe_ms)
			h->dead = false;	/* nobody to probe it with */
		consider(s, h);
		if (n < IDLE_BATCH && is_forgotten(h))
			gone[n++] = h;
	}
	while (n > 0)
		hop_free(s, gone[--n]);
}

int64_t
sched_retry_ms(const struct sched *s, unsigned attempts, uint64_t seed)
{
	int64_t		base, spread;

	assert(s->nretries > 0);
	if (attempts >= s->nretries)
		attempts = (unsigned)s->nretries - 1;
	base = s->retries_ms[attempts];
	spread = base / 10;
	if (spread <= 0)
		return base;
	seed = (seed ^ seed >> 29) * 0xBF58476D1CE4E5B9ull;
	return base - spread + (int64_t)((seed >> 20) % (2 * (uint64_t)spread));
}

/* Flows and wants go with their messages' hops; nothing is under way. */
void
sched_clear(struct sched *s)
{
	struct ring	*rings[2];
	struct hop	*h;
	struct span	 key;
	size_t		 pos, i;
	void		*v;

	while (pos = 0, htab_next(&s->hops, &pos, &key, &v)) {
		h = v;
		hop_ref(h);
		rings[0] = &h->fresh;
		rings[1] = &h->again;
		for (i = 0; i < 2; i++)
			while (rings[i]->head != NULL)
				want_pop(s, rings[i]->head);
		hop_free(s, h);
	}
	htab_clear(&s->hops);
	htab_clear(&s->limits);
	htab_clear(&s->flows);
}
