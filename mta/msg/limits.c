/*
 * limits.c - asking the limits process, and what it is told again.
 *
 * Questions wait in the order in which they were asked, all equally long, so
 * the first of the list is the first to run out of time.  The same holds for
 * sessions whose answer is waited for.
 */
#include <sys/queue.h>

#include <stdlib.h>

#include "base/hash.h"
#include "base/loop.h"
#include "base/xalloc.h"

#include "mta/msg/limits.h"
#include "mta/msg/msg.h"

struct question {
	TAILQ_ENTRY(question)	 entry;
	uint64_t		 ticket;
	bool			 grey;
	bool			 too_long;	/* never sent */
	struct limits_rate	 rate;		/* name and key lie behind; of grey: key, period is the wait */
	int64_t			 until_ms;
	limits_cb		*cb;
	void			*arg;
};

/* A session that is counted, or waits for that. */
struct held {
	TAILQ_ENTRY(held)	 entry;
	uint64_t		 ticket;
	char			 client[LIMITS_CLIENT_MAX];
	size_t			 client_octets;
	int64_t			 until_ms;
	limits_counted_cb	*cb;	/* NULL: it has been called */
	void			*arg;
};

TAILQ_HEAD(questions, question);
TAILQ_HEAD(helds, held);

struct limits_client {
	struct chan		*chan;		/* NULL: limits is not there */
	uint64_t		 last_ticket;
	struct questions	 open;
	struct htab		 by_ticket;	/* questions */
	struct helds		 waiting, held;
	struct htab		 counts;	/* sessions by ticket */
	struct timer		 timer, count_timer;
};

static void on_time(void *);
static void on_count_time(void *);

static struct span
ticket_key(const uint64_t *ticket)
{
	return span_mem(ticket, sizeof(*ticket));
}

struct limits_client *
limits_client_new(void)
{
	struct limits_client	*l = xcalloc(1, sizeof(*l));

	TAILQ_INIT(&l->open);
	TAILQ_INIT(&l->waiting);
	TAILQ_INIT(&l->held);
	return l;
}

bool
limits_client_there(const struct limits_client *l)
{
	return l->chan != NULL;
}

static void
forget(struct limits_client *l, struct question *q)
{
	TAILQ_REMOVE(&l->open, q, entry);
	(void)htab_del(&l->by_ticket, ticket_key(&q->ticket));
}

static void
forget_held(struct limits_client *l, struct held *h)
{
	if (h->cb != NULL)
		TAILQ_REMOVE(&l->waiting, h, entry);
	else
		TAILQ_REMOVE(&l->held, h, entry);
	(void)htab_del(&l->counts, ticket_key(&h->ticket));
	free(h);
}

void
limits_client_free(struct limits_client **lp)
{
	struct limits_client	*l = *lp;
	struct question		*q;
	struct held		*h;

	*lp = NULL;
	if (l == NULL)
		return;
	while ((q = TAILQ_FIRST(&l->open)) != NULL) {
		forget(l, q);
		free(q);
	}
	while ((h = TAILQ_FIRST(&l->waiting)) != NULL ||
	    (h = TAILQ_FIRST(&l->held)) != NULL)
		forget_held(l, h);
	htab_clear(&l->by_ticket);
	htab_clear(&l->counts);
	timer_clear(&l->timer);
	timer_clear(&l->count_timer);
	chan_free(&l->chan);
	free(l);
}

/* --- questions */

static void
put_rate(struct chan *c, const struct question *q)
{
	const struct limits_rate	*r = &q->rate;

	chan_begin(c, MSG_RATE_ASK);
	chan_u64(c, q->ticket);
	chan_u8(c, r->peek);
	chan_u64(c, r->tx);
	chan_u32(c, r->step);
	chan_bytes(c, r->name);
	chan_bytes(c, r->key);
	chan_u32(c, r->count);
	chan_u64(c, (uint64_t)r->period_ms);
	chan_end(c);
}

static void
put_grey(struct chan *c, const struct question *q)
{
	chan_begin(c, MSG_GREY_ASK);
	chan_u64(c, q->ticket);
	chan_u8(c, q->rate.peek);
	chan_bytes(c, q->rate.key);
	chan_u64(c, (uint64_t)q->rate.period_ms);
	chan_end(c);
}

static void
send_question(struct limits_client *l, const struct question *q)
{
	if (l->chan == NULL || q->too_long)
		return;
	if (q->grey)
		put_grey(l->chan, q);
	else
		put_rate(l->chan, q);
}

/* The timer stands for the first of the list. */
static void
set_timer(struct limits_client *l)
{
	struct question	*q = TAILQ_FIRST(&l->open);

	if (q == NULL)
		timer_stop(&l->timer);
	else if (!timer_pending(&l->timer))
		timer_set(&l->timer, q->until_ms - loop_now_ms(), on_time, l);
}

static void
answer(struct limits_client *l, struct question *q, enum limits_answer a)
{
	forget(l, q);
	q->cb(q->arg, a);
	free(q);
}

static void
on_time(void *arg)
{
	struct limits_client	*l = arg;
	struct question		*q;

	while ((q = TAILQ_FIRST(&l->open)) != NULL &&
	    q->until_ms <= loop_now_ms())
		answer(l, q, LIMITS_CANNOT);
	set_timer(l);
}

/* With copies of name and key behind it. */
static struct question *
question_new(const struct limits_rate *r)
{
	struct question	*q = xmalloc(sizeof(*q) + r->name.n + r->key.n + 1);
	char		*p = (char *)(q + 1);

	*q = (struct question){ .rate = *r };
	q->rate.name = span_mem(p, r->name.n);
	if (r->name.n > 0)
		memcpy(p, r->name.p, r->name.n);
	q->rate.key = span_mem(p + r->name.n, r->key.n);
	if (r->key.n > 0)
		memcpy(p + r->name.n, r->key.p, r->key.n);
	return q;
}

/* A key that is too long is asked too late already. */
static uint64_t
ask(struct limits_client *l, struct question *q, limits_cb *cb, void *arg)
{
	q->ticket = ++l->last_ticket;
	q->cb = cb;
	q->arg = arg;
	q->until_ms = loop_now_ms();
	(void)htab_put(&l->by_ticket, ticket_key(&q->ticket), q);
	if (q->too_long) {
		TAILQ_INSERT_HEAD(&l->open, q, entry);
		timer_stop(&l->timer);
	} else {
		q->until_ms += (int64_t)msg_timeout_s(MSG_RATE_ASK) * 1000;
		TAILQ_INSERT_TAIL(&l->open, q, entry);
		send_question(l, q);
	}
	set_timer(l);
	return q->ticket;
}

uint64_t
limits_rate(struct limits_client *l, const struct limits_rate *r,
    limits_cb *cb, void *arg)
{
	struct limits_rate	 copy = *r;
	bool			 too_long = r->key.n > LIMITS_KEY_MAX ||
	    r->name.n > LIMITS_KEY_MAX;
	struct question		*q;

	if (too_long)
		copy.key = copy.name = SPAN_NONE;
	q = question_new(&copy);
	q->too_long = too_long;
	return ask(l, q, cb, arg);
}

uint64_t
limits_grey(struct limits_client *l, struct span key, int64_t wait_ms,
    bool peek, limits_cb *cb, void *arg)
{
	struct limits_rate	 r = { .key = key, .period_ms = wait_ms,
	    .peek = peek };
	struct question		*q;

	if (key.n > LIMITS_KEY_MAX)
		r.key = SPAN_NONE;
	q = question_new(&r);
	q->grey = true;
	q->too_long = key.n > LIMITS_KEY_MAX;
	return ask(l, q, cb, arg);
}

void
limits_cancel(struct limits_client *l, uint64_t ticket)
{
	struct question	*q = htab_get(&l->by_ticket, ticket_key(&ticket));

	if (q == NULL)
		return;
	forget(l, q);
	free(q);
	set_timer(l);
}

/* --- sessions */

static void
set_count_timer(struct limits_client *l)
{
	struct held	*h = TAILQ_FIRST(&l->waiting);

	if (h == NULL)
		timer_stop(&l->count_timer);
	else if (!timer_pending(&l->count_timer))
		timer_set(&l->count_timer, h->until_ms - loop_now_ms(),
		    on_count_time, l);
}

static void
say_held(struct limits_client *l, const struct held *h)
{
	if (l->chan == NULL)
		return;
	chan_begin(l->chan, MSG_COUNT_HELD);
	chan_u64(l->chan, h->ticket);
	chan_bytes(l->chan, span_mem(h->client, h->client_octets));
	chan_end(l->chan);
}

/* It waits no longer; the callback may uncount it. */
static void
counted(struct limits_client *l, struct held *h, enum limits_result r)
{
	limits_counted_cb	*cb = h->cb;
	void			*arg = h->arg;

	TAILQ_REMOVE(&l->waiting, h, entry);
	h->cb = NULL;
	TAILQ_INSERT_TAIL(&l->held, h, entry);
	cb(arg, r);
}

/* Those who run out of time are held: limits hears of them when it can. */
static void
on_count_time(void *arg)
{
	struct limits_client	*l = arg;
	struct held		*h;

	while ((h = TAILQ_FIRST(&l->waiting)) != NULL &&
	    h->until_ms <= loop_now_ms()) {
		say_held(l, h);
		counted(l, h, LIMITS_UNCOUNTED);
	}
	set_count_timer(l);
}

uint64_t
limits_count(struct limits_client *l, struct span client,
    uint32_t sessions_max, uint32_t per_client_max, limits_counted_cb *cb,
    void *arg)
{
	struct held	*h = xcalloc(1, sizeof(*h));

	h->ticket = ++l->last_ticket;
	h->cb = cb;
	h->arg = arg;
	h->client_octets = client.n > LIMITS_CLIENT_MAX ? LIMITS_CLIENT_MAX :
	    client.n;
	memcpy(h->client, client.p, h->client_octets);
	(void)htab_put(&l->counts, ticket_key(&h->ticket), h);
	if (cb == NULL) {
		TAILQ_INSERT_TAIL(&l->held, h, entry);
		say_held(l, h);
		return h->ticket;
	}
	h->until_ms = loop_now_ms();
	if (l->chan != NULL)
		h->until_ms += (int64_t)msg_timeout_s(MSG_COUNT_UP) * 1000;
	TAILQ_INSERT_TAIL(&l->waiting, h, entry);
	set_count_timer(l);
	if (l->chan != NULL) {
		chan_begin(l->chan, MSG_COUNT_UP);
		chan_u64(l->chan, h->ticket);
		chan_bytes(l->chan, span_mem(h->client, h->client_octets));
		chan_u32(l->chan, sessions_max);
		chan_u32(l->chan, per_client_max);
		chan_end(l->chan);
	}
	return h->ticket;
}

void
limits_uncount(struct limits_client *l, uint64_t ticket)
{
	struct held	*h = htab_get(&l->counts, ticket_key(&ticket));

	if (h == NULL)
		return;
	forget_held(l, h);
	set_count_timer(l);
	if (l->chan == NULL)
		return;
	chan_begin(l->chan, MSG_COUNT_DOWN);
	chan_u64(l->chan, ticket);
	chan_end(l->chan);
}

/* --- answers */

static bool
on_answer(struct limits_client *l, struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	unsigned	 yes = msg_u8(m);
	struct question	*q;

	if (!msg_end(m) || yes > 1)
		return false;
	/* NULL: cancelled, or too late. */
	if ((q = htab_get(&l->by_ticket, ticket_key(&ticket))) != NULL)
		answer(l, q, yes ? LIMITS_YES : LIMITS_NO);
	return true;
}

static bool
on_counted(struct limits_client *l, struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	unsigned	 result = msg_u8(m);
	struct held	*h;

	if (!msg_end(m) || result > LIMITS_CLIENT)
		return false;
	h = htab_get(&l->counts, ticket_key(&ticket));
	if (h != NULL && h->cb != NULL)
		counted(l, h, (enum limits_result)result);
	return true;
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	switch (m->type) {
	case MSG_LIMITS_ANSWER:
		return on_answer(arg, m);
	case MSG_COUNTED:
		return on_counted(arg, m);
	}
	return false;
}

/*
 * Questions stay open until there is a new channel, or no time.  Sessions do
 * not wait: as long as limits is away who comes is counted by the worker.
 */
static void
on_closed(struct chan *c, void *arg)
{
	struct limits_client	*l = arg;
	struct held		*h;

	(void)c;
	l->chan = NULL;
	while ((h = TAILQ_FIRST(&l->waiting)) != NULL)
		counted(l, h, LIMITS_UNCOUNTED);
	set_count_timer(l);
}

void
limits_client_attach(struct limits_client *l, int fd)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct question			*q;
	struct held			*h;

	if (l->chan != NULL) {
		chan_free(&l->chan);
		on_closed(NULL, l);
	}
	l->chan = chan_new(fd, "limits", &ops, l);
	TAILQ_FOREACH(h, &l->held, entry)
		say_held(l, h);
	TAILQ_FOREACH(q, &l->open, entry)
		send_question(l, q);
}
