/*
 * route.c - asking the route process where recipients go.
 *
 * The ticket of a question is the queue id: a message has one open question
 * at a time.  At most ASKED_MAX questions are open, so that a large queue
 * after a restart does not fill the channel; the others wait in line.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <stdlib.h>

#define ASKED_MAX	2000
#define TARGETS_MAX	(ROUTE_RCPTS_MAX + ROUTE_TARGETS_MAX)
#define ANSWER_MS	(60 * 1000)
#define AGAIN_SLICE	1000		/* messages looked at in one turn */

struct ask {
	struct ask	*prev, *next;
	uint64_t	 qid;
	int64_t		 since_ms;
	struct arena	 arena;
	struct target	*targets;	/* gathered until the last part */
	size_t		 n, cap;
};

struct router {
	struct queue	*q;
	struct chan	*chan;		/* NULL: route is not there */
	uint32_t	 generation;
	uint64_t	*line;		/* queue ids that want to be asked */
	size_t		 line_first, line_n, line_cap;
	struct ask	*asked_first, *asked_last;
	struct htab	 asked;		/* by queue id */
	size_t		 nasked;
	bool		 again;		/* all are routed again, in slices */
};

void
router_open(struct queue *q)
{
	q->router = xcalloc(1, sizeof(*q->router));
	q->router->q = q;
}

/* --- the line */

static void
line_add(struct router *r, uint64_t qid)
{
	size_t	i;

	if (r->line_n == r->line_cap) {
		uint64_t	*wider;

		r->line_cap = r->line_cap == 0 ? 256 : 2 * r->line_cap;
		wider = xreallocarray(NULL, r->line_cap, sizeof(*wider));
		for (i = 0; i < r->line_n; i++)
			wider[i] = r->line[(r->line_first + i) %
			    (r->line_cap / 2)];
		free(r->line);
		r->line = wider;
		r->line_first = 0;
	}
	r->line[(r->line_first + r->line_n++) % r->line_cap] = qid;
}

static uint64_t
line_take(struct router *r)
{
	uint64_t	qid = r->line[r->line_first];

	r->line_first = (r->line_first + 1) % r->line_cap;
	r->line_n--;
	return qid;
}

void
router_want(struct queue *q, struct message *m)
{
	if (m->flags & M_ASKED)
		return;
	m->flags |= M_ASKED;
	line_add(q->router, m->qid);
}

/* --- asking */

static void
ask_free(struct router *r, struct ask *a)
{
	if (a->prev != NULL)
		a->prev->next = a->next;
	else
		r->asked_first = a->next;
	if (a->next != NULL)
		a->next->prev = a->prev;
	else
		r->asked_last = a->prev;
	htab_del(&r->asked, span_mem(&a->qid, sizeof(a->qid)));
	r->nasked--;
	arena_clear(&a->arena);
	free(a->targets);
	free(a);
}

static void
ask_new(struct router *r, uint64_t qid)
{
	struct ask	*a = xcalloc(1, sizeof(*a));

	a->qid = qid;
	a->since_ms = clock_boot_ms();
	a->prev = r->asked_last;
	if (r->asked_last != NULL)
		r->asked_last->next = a;
	else
		r->asked_first = a;
	r->asked_last = a;
	htab_put(&r->asked, span_mem(&a->qid, sizeof(a->qid)), a);
	r->nasked++;
}

/* The recipients of NEW targets, each once; the targets are ROUTING then. */
static uint32_t
take_new(struct message *m, uint32_t *rcpts)
{
	uint8_t		*seen = xcalloc(m->ndests, 1);
	uint32_t	 i, n = 0;

	for (i = 0; i < m->ndests; i++) {
		struct dest	*d = &m->dests[i];

		if (d->state != DEST_NEW)
			continue;
		d->state = DEST_ROUTING;
		if (!seen[d->rcpt])
			rcpts[n++] = d->rcpt;
		seen[d->rcpt] = 1;
	}
	free(seen);
	return n;
}

/* Of those that are asked about. */
static uint32_t
most_attempts(const struct message *m)
{
	uint32_t	i, most = 0;

	for (i = 0; i < m->ndests; i++) {
		if (m->dests[i].state == DEST_ROUTING &&
		    m->dests[i].attempts > most)
			most = m->dests[i].attempts;
	}
	return most;
}

static void
ask(struct router *r, struct message *m)
{
	uint32_t	*rcpts = xmalloc(m->ndests * sizeof(*rcpts));
	uint32_t	 i, n = m->flags & M_GONE ? 0 : take_new(m, rcpts);

	if (n > 0) {
		chan_begin(r->chan, MSG_ROUTE);
		chan_u64(r->chan, m->qid);
		chan_bytes(r->chan, span_mem(m->env, m->env_n));
		chan_u32(r->chan, most_attempts(m));
		chan_u32(r->chan, n);
		for (i = 0; i < n; i++)
			chan_u32(r->chan, rcpts[i]);
		chan_end(r->chan);
		ask_new(r, m->qid);
	} else
		m->flags &= (uint8_t)~M_ASKED;
	free(rcpts);
}

void
router_turn(struct queue *q)
{
	struct router	*r = q->router;
	struct message	*m;

	if (r->chan == NULL)
		return;
	while (r->line_n > 0 && r->nasked < ASKED_MAX)
		if ((m = index_find(&q->index, line_take(r))) != NULL)
			ask(r, m);
}

/* The question is lost, or will not be answered: it gets into line again. */
static void
unask(struct router *r, struct ask *a)
{
	struct message	*m = index_find(&r->q->index, a->qid);
	uint32_t	 i;

	ask_free(r, a);
	if (m == NULL)
		return;
	m->flags &= (uint8_t)~M_ASKED;
	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].state == DEST_ROUTING)
			m->dests[i].state = DEST_NEW;
	message_settle(r->q, m);
}

void
router_tick(struct queue *q)
{
	struct router	*r = q->router;
	int64_t		 now = clock_boot_ms();

	while (r->asked_first != NULL &&
	    now - r->asked_first->since_ms > ANSWER_MS)
		unask(r, r->asked_first);
}

/* --- answers */

static void
keep_target(struct ask *a, const struct target *t)
{
	struct target	*k;

	if (a->n == a->cap) {
		a->cap = a->cap == 0 ? 4 : 2 * a->cap;
		a->targets = xreallocarray(a->targets, a->cap, sizeof(*k));
	}
	k = &a->targets[a->n++];
	*k = *t;
	k->address = arena_span(&a->arena, t->address);
	k->hop = arena_span(&a->arena, t->hop);
	k->mail_from = arena_span(&a->arena, t->mail_from);
	k->rcpt_to = arena_span(&a->arena, t->rcpt_to);
	k->mailbox = arena_span(&a->arena, t->mailbox);
	k->account = arena_span(&a->arena, t->account);
	k->path = arena_span(&a->arena, t->path);
	k->status = arena_span(&a->arena, t->status);
	k->text = arena_span(&a->arena, t->text);
}

static bool
take_routed(struct router *r, struct msg *msg)
{
	uint64_t	 qid = msg_u64(msg);
	uint32_t	 n, i;
	bool		 last;
	struct ask	*a = htab_get(&r->asked, span_mem(&qid, sizeof(qid)));
	struct message	*m = index_find(&r->q->index, qid);
	struct target	 t;

	(void)msg_u32(msg);	/* generation */
	last = msg_u8(msg) != 0;
	n = msg_u32(msg);
	for (i = 0; i < n; i++) {
		if (!target_get(msg, &t) || (a != NULL && a->n > TARGETS_MAX))
			return false;
		if (a != NULL && m != NULL)
			keep_target(a, &t);
	}
	if (!msg_end(msg))
		return false;
	if (a == NULL || !last)
		return true;
	if (m != NULL) {
		m->flags &= (uint8_t)~M_ASKED;
		if (!(m->flags & M_GONE))
			targets_apply(r->q, m, a->targets, a->n);
	}
	ask_free(r, a);
	if (m != NULL)
		message_settle(r->q, m);
	return true;
}

/* --- tables or policy have changed: what waits is routed again */

static bool
reroute(struct queue *q, struct message *m)
{
	bool		any = false;
	uint32_t	i;

	for (i = 0; i < m->ndests; i++) {
		struct dest	*d = &m->dests[i];

		if (d->flags & DEST_PREPARED)
			continue;
		if (d->state == DEST_WAIT)
			hop_unref(&q->sched, &d->hop);
		if (d->state == DEST_READY) {
			hop_unref(&q->sched, &d->hop);
			d->state = DEST_NEW;
			any = true;
		}
	}
	return any;
}

static void
again_slice(void *arg)
{
	struct router	*r = arg;
	struct message	**at = &r->q->index.cursors[CURSOR_ROUTE], *m;
	unsigned	 i;

	for (i = 0; (m = *at) != NULL && i < AGAIN_SLICE; i++) {
		*at = m->next;
		if (reroute(r->q, m))
			message_settle(r->q, m);
	}
	r->again = *at != NULL;
	if (r->again)
		loop_soon(again_slice, r);
}

static bool
take_changed(struct router *r, struct msg *msg)
{
	r->generation = msg_u32(msg);
	if (!msg_end(msg))
		return false;
	r->q->index.cursors[CURSOR_ROUTE] = r->q->index.first;
	if (!r->again) {
		r->again = true;
		loop_soon(again_slice, r);
	}
	return true;
}

static bool
router_message(struct chan *c, struct msg *msg, void *arg)
{
	struct router	*r = arg;

	(void)c;
	switch (msg->type) {
	case MSG_ROUTED:
		return take_routed(r, msg);
	case MSG_ROUTE_CHANGED:
		return take_changed(r, msg);
	default:
		return false;
	}
}

static void
lose_questions(struct router *r)
{
	while (r->asked_first != NULL)
		unask(r, r->asked_first);
}

static void
router_closed(struct chan *c, void *arg)
{
	struct router	*r = arg;

	(void)c;
	r->chan = NULL;
	lose_questions(r);
}

void
router_peer(struct queue *q, int fd)
{
	static const struct chan_ops	ops = { router_message, router_closed };
	struct router			*r = q->router;

	if (r->chan != NULL)
		chan_free(&r->chan);
	lose_questions(r);
	r->chan = chan_new(fd, "route", &ops, r);
}
