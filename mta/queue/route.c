/*
 * route.c - asking the route process where recipients go.
 *
 * The ticket of a question is the queue id: a message has one open question
 * at a time.  At most ASKED_MAX questions are open, so that a large queue
 * after a restart does not fill the channel; the others wait in line.
 *
 * The answer comes in pieces, which are kept as they came until the last is
 * there.  A long one is then applied in slices (expand.c), between other work.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include <stdlib.h>

#define ASKED_MAX	2000
#define TARGETS_MAX	(ROUTE_RCPTS_MAX + ROUTE_TARGETS_MAX)
#define ANSWER_MS	(60 * 1000)
#define AT_ONCE		50		/* targets of an answer that is no list */
#define SLICE_US	2000		/* of one turn for the others */
#define AGAIN_SLICE	1000		/* messages looked at in one turn */

struct ask {
	struct ask	*prev, *next;
	uint64_t	 qid;
	int64_t		 since_ms;	/* asked, or last heard of */
	struct answered	*first, **end;
	size_t		 n;		/* targets in it */
	struct applying	*applying;	/* it is complete */
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
	size_t		 napplying;
	bool		 slices;	/* apply_slice() will be called */
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
ask_unlink(struct router *r, struct ask *a)
{
	if (a->prev != NULL)
		a->prev->next = a->next;
	else
		r->asked_first = a->next;
	if (a->next != NULL)
		a->next->prev = a->prev;
	else
		r->asked_last = a->prev;
	a->prev = a->next = NULL;
}

/* The last in line is the one heard of last. */
static void
ask_link(struct router *r, struct ask *a)
{
	a->since_ms = clock_boot_ms();
	a->prev = r->asked_last;
	if (r->asked_last != NULL)
		r->asked_last->next = a;
	else
		r->asked_first = a;
	r->asked_last = a;
}

static void
ask_free(struct router *r, struct ask *a)
{
	struct answered	*p;

	ask_unlink(r, a);
	htab_del(&r->asked, span_mem(&a->qid, sizeof(a->qid)));
	r->nasked--;
	r->napplying -= a->applying != NULL;
	targets_end(&a->applying);
	while ((p = a->first) != NULL) {
		a->first = p->next;
		free(p);
	}
	free(a);
}

static void
ask_new(struct router *r, uint64_t qid)
{
	struct ask	*a = xcalloc(1, sizeof(*a));

	a->qid = qid;
	a->end = &a->first;
	ask_link(r, a);
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
		dest_set_state(m, d, DEST_ROUTING);
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
	uint32_t	 i, n = m->flags & (M_GONE | M_HELD) ? 0 :
			    take_new(m, rcpts);

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
		m->flags &= (uint16_t)~M_ASKED;
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
	m->flags &= (uint16_t)~M_ASKED;
	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].state == DEST_ROUTING)
			dest_set_state(m, &m->dests[i], DEST_NEW);
	message_settle(r->q, m);
}

void
router_tick(struct queue *q)
{
	struct router	*r = q->router;
	int64_t		 now = clock_boot_ms();
	struct ask	*a, *next;

	for (a = r->asked_first; a != NULL && now - a->since_ms > ANSWER_MS;
	    a = next) {
		next = a->next;
		if (a->applying == NULL)
			unask(r, a);
	}
}

/* --- answers */

static void
applied(struct router *r, struct ask *a)
{
	uint64_t	 qid = a->qid;
	struct message	*m;

	ask_free(r, a);
	if ((m = index_find(&r->q->index, qid)) == NULL)
		return;
	m->flags &= (uint16_t)~M_ASKED;
	message_settle(r->q, m);
}

/* Lists, the oldest first, until others have their turn. */
static void
apply_slice(void *arg)
{
	struct router	*r = arg;
	struct ask	*a, *next;
	int64_t		 until_us = clock_boot_us() + SLICE_US;

	r->slices = false;
	for (a = r->asked_first; a != NULL && r->napplying > 0; a = next) {
		next = a->next;
		if (a->applying == NULL)
			continue;
		if (!targets_step(a->applying, until_us))
			break;
		applied(r, a);
	}
	if (r->napplying > 0) {
		r->slices = true;
		loop_soon(apply_slice, r);
	}
}

/* The answer is complete. */
static void
apply(struct router *r, struct ask *a)
{
	struct message	*m = index_find(&r->q->index, a->qid);

	if (m == NULL) {
		ask_free(r, a);
		return;
	}
	a->applying = targets_begin(r->q, m, a->first);
	r->napplying++;
	if (a->n <= AT_ONCE && targets_step(a->applying, INT64_MAX))
		applied(r, a);
	else if (!r->slices) {
		r->slices = true;
		loop_soon(apply_slice, r);
	}
}

struct chan *
router_chan(const struct queue *q)
{
	return q->router->chan;
}

bool
router_there(const struct queue *q)
{
	return q->router->chan != NULL;
}

bool
router_expands(const struct queue *q, uint64_t qid, uint32_t rcpt)
{
	const struct ask *a = htab_get(&q->router->asked,
	    span_mem(&qid, sizeof(qid)));

	return a != NULL && a->applying != NULL &&
	    targets_expands(a->applying, rcpt);
}

/* A piece, as it came, when it makes sense. */
static bool
keep_piece(struct ask *a, struct span octets, uint32_t n)
{
	struct msg	 m = { .left = octets, .fd = -1 };
	struct answered	*p;
	struct target	 t;
	uint32_t	 i;

	for (i = 0; i < n; i++)
		if (!target_get(&m, &t))
			return false;
	if (!msg_end(&m))
		return false;
	if (a == NULL || n == 0)
		return true;
	if ((a->n += n) > TARGETS_MAX)
		return false;
	p = xmalloc(sizeof(*p) + octets.n);
	p->next = NULL;
	p->n = octets.n;
	memcpy(p->octets, octets.p, octets.n);
	*a->end = p;
	a->end = &p->next;
	return true;
}

/* One that is being applied is complete: the rest is another question's. */
static struct ask *
asked(const struct router *r, uint64_t qid)
{
	struct ask	*a = htab_get(&r->asked, span_mem(&qid, sizeof(qid)));

	return a != NULL && a->applying != NULL ? NULL : a;
}

static bool
take_routed(struct router *r, struct msg *msg)
{
	struct ask	*a = asked(r, msg_u64(msg));
	uint32_t	 n;
	bool		 last;

	(void)msg_u32(msg);	/* generation */
	last = msg_u8(msg) != 0;
	n = msg_u32(msg);
	if (msg->bad || !keep_piece(a, msg->left, n))
		return false;
	if (a == NULL)
		return true;
	ask_unlink(r, a);	/* it is heard of */
	ask_link(r, a);
	if (last)
		apply(r, a);
	return true;
}

/* --- tables or policy have changed: what waits is routed again */

#define STAYS	(DEST_PREPARED | DEST_PINNED)

static bool
reroute(struct queue *q, struct message *m)
{
	bool		any = m->in_state[DEST_READY] > 0;
	uint32_t	i;

	if (any)
		sched_forget(&q->sched, m);
	for (i = 0; i < m->ndests; i++) {
		struct dest	*d = &m->dests[i];

		if (d->state == DEST_READY && d->flags & STAYS)
			dest_set_state(m, d, DEST_READY);	/* in line again */
		if (d->flags & STAYS)
			continue;
		if (d->state == DEST_WAIT || d->state == DEST_READY)
			hop_unref(&q->sched, &d->hop);
		if (d->state == DEST_READY)
			dest_set_state(m, d, DEST_NEW);
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
	case MSG_BOUNCE_ANSWER:
		return asks_answered(r->q, msg);
	case MSG_FORWARD_WANTED:
		return forwards_wanted(r->q, msg);
	default:
		return false;
	}
}

static void
lose_questions(struct router *r)
{
	struct ask	*a, *next;

	for (a = r->asked_first; a != NULL; a = next) {
		next = a->next;
		if (a->applying == NULL)
			unask(r, a);
	}
}

static void
router_closed(struct chan *c, void *arg)
{
	struct router	*r = arg;

	(void)c;
	r->chan = NULL;
	forwards_drop(r->q);
	lose_questions(r);
	asks_lost(r->q);
}

void
router_peer(struct queue *q, int fd)
{
	static const struct chan_ops	ops = { router_message, router_closed };
	struct router			*r = q->router;

	if (r->chan != NULL)
		chan_free(&r->chan);
	forwards_drop(q);
	lose_questions(r);
	asks_lost(q);
	r->chan = chan_new(fd, "route", &ops, r);
}
