/*
 * flows.c - places in line at a site, by sender and priority, and their turns.
 */
#include "mta/queue/schedule_int.h"

#include "base/xalloc.h"

#include <stdlib.h>

#define AGAIN_SHARE	4	/* one turn in four for retries */
#define QUANTUM		65536	/* octets of a flow's turn */
#define COST_LEAST	16384	/* of a job: small messages cost too */
#define COST_MOST	(4 * QUANTUM)

/* Turns of a priority, where all have something to send. */
static const int16_t	weights[NPRIORITIES] = {
	[PRIORITY_HIGH] = 16, [PRIORITY_NORMAL] = 4, [PRIORITY_LOW] = 1
};

/* --- rings */

static struct ring *
ring_of(const struct flow *f)
{
	return &f->site->rings[f->key.priority][f->key.again];
}

static void
ring_add(struct flow *f)
{
	struct ring	*r = ring_of(f);

	if (r->head == NULL) {
		f->prev = f->next = r->head = f;
	} else {
		f->next = r->head;
		f->prev = r->head->prev;
		f->prev->next = f->next->prev = f;
	}
	r->flows++;
	f->site->flows[f->key.again]++;
}

static void
flow_free(struct sched *s, struct flow *f)
{
	struct ring	*r = ring_of(f);

	if (--r->flows == 0) {
		r->head = NULL;
	} else {
		f->prev->next = f->next;
		f->next->prev = f->prev;
		if (r->head == f)
			r->head = f->next;
	}
	f->site->flows[f->key.again]--;
	htab_del(&s->flows, span_mem(&f->key, sizeof(f->key)));
	free(f);
}

static struct flow *
flow_get(struct sched *s, struct site *site, const struct flow_key *like)
{
	struct flow_key	 key = *like;
	struct flow	*f;

	key.site = (uintptr_t)site;
	if ((f = htab_get(&s->flows, span_mem(&key, sizeof(key)))) != NULL)
		return f;
	f = xcalloc(1, sizeof(*f));
	f->site = site;
	f->key = key;
	ring_add(f);
	htab_put(&s->flows, span_mem(&f->key, sizeof(f->key)), f);
	return f;
}

static void
flow_add(struct flow *f, struct want *w)
{
	w->in_flow = NULL;
	if (f->last != NULL)
		f->last->in_flow = w;
	else
		f->first = w;
	f->last = w;
	f->site->wants++;
}

/* --- wants */

static struct want *
want_new(struct sched *s, struct message *m, struct hop *h, bool again)
{
	struct want	*w = xcalloc(1, sizeof(*w));
	struct flow_key	 key = { .sender = hash_keyed(message_sender(m)),
	    .priority = message_priority(m),
	    .again = again ? RING_AGAIN : RING_NEW };

	w->m = m;
	w->hop = hop_ref(h);
	w->next = m->wants;
	if (m->wants != NULL)
		m->wants->prev = w;
	m->wants = w;
	h->wants++;
	flow_add(flow_get(s, h->site, &key), w);
	site_consider(s, h->site);
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

/* A message with many hops finds its place at each without looking for it. */
static struct want *
want_of(struct sched *s, struct message *m, const struct dest *d)
{
	struct hop	*h = d->hop;
	struct want	*w = h->last;

	s->steps++;
	if (w != NULL && w->m == m)
		return w;
	for (w = m->wants; w != NULL && w->hop != h; w = w->next)
		s->steps++;
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

void
flows_pop(struct sched *s, struct flow *f)
{
	struct want	*w = f->first;

	f->first = w->in_flow;
	f->site->wants--;
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

/* --- a hop whose site has changed */

/* Those of the hop leave the flow; true: it is empty, and gone. */
static bool
move_wants(struct sched *s, const struct hop *h, struct flow *f)
{
	struct want	*w = f->first, *next;

	f->first = f->last = NULL;
	for (; w != NULL; w = next) {
		next = w->in_flow;
		s->steps++;
		f->site->wants--;
		flow_add(w->hop == h ? flow_get(s, h->site, &f->key) : f, w);
	}
	if (f->first != NULL)
		return false;
	flow_free(s, f);
	return true;
}

static void
move_ring(struct sched *s, const struct hop *h, struct ring *r)
{
	struct flow	*f = r->head, *next;
	uint32_t	 n;

	for (n = r->flows; n > 0; n--, f = next) {
		next = f->next;
		move_wants(s, h, f);
	}
}

void
flows_move(struct sched *s, struct hop *h, struct site *from)
{
	unsigned	p, again;

	if (h->wants == 0)
		return;
	for (p = 0; p < NPRIORITIES; p++)
		for (again = RING_NEW; again <= RING_AGAIN; again++)
			move_ring(s, h, &from->rings[p][again]);
}

/* --- turns */

static uint32_t
cost_of(const struct message *m)
{
	if (m == NULL || m->size < COST_LEAST)
		return COST_LEAST;
	return m->size > COST_MOST ? COST_MOST : (uint32_t)m->size;
}

/* Each gets its share of the turns, evenly spread. */
static int
priority_of_turn(struct site *site, bool again)
{
	int		 best = -1, total = 0;
	unsigned	 p;

	for (p = 0; p < NPRIORITIES; p++) {
		if (site->rings[p][RING_NEW].flows == 0 &&
		    (!again || site->rings[p][RING_AGAIN].flows == 0))
			continue;
		site->credit[p] = (int16_t)(site->credit[p] + weights[p]);
		total += weights[p];
		if (best == -1 || site->credit[p] > site->credit[best])
			best = (int)p;
	}
	if (best != -1)
		site->credit[best] = (int16_t)(site->credit[best] - total);
	return best;
}

static struct ring *
ring_of_turn(struct site *site, bool again)
{
	int		 p = priority_of_turn(site, again);
	struct ring	*r;

	if (p == -1)
		return NULL;
	r = site->rings[p];
	if (r[RING_NEW].flows == 0)
		return &r[RING_AGAIN];
	if (again && r[RING_AGAIN].flows > 0 &&
	    ++site->turn % AGAIN_SHARE == 0)
		return &r[RING_AGAIN];
	return &r[RING_NEW];
}

/* Deficit round robin (Shreedhar and Varghese, 1995). */
struct flow *
flows_turn(struct sched *s, struct site *site, bool again)
{
	struct ring	*r = ring_of_turn(site, again);
	struct flow	*f;
	uint32_t	 cost;

	if (r == NULL)
		return NULL;
	for (;;) {
		s->steps++;
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
