/*
 * limits.c - asking the limits process, and what it is told again.
 *
 * Questions are an asker's.  Sessions are kept here, since they are told again
 * when they have been answered too; those whose answer is waited for all wait
 * equally long, so the first of the list is the first to run out of time.
 */
#include "mta/msg/limits.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/asker.h"
#include "mta/msg/msg.h"

struct limits_question {
	struct question		 q;
	bool			 grey;
	struct limits_rate	 rate;		/* name and key lie behind; of grey: key, period is the wait */
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
	uint32_t		 sessions_max, per_client_max;
	bool			 young;	/* limits has not been asked yet */
	limits_counted_cb	*cb;	/* NULL: it has been called */
	void			*arg;
};

TAILQ_HEAD(helds, held);

struct limits_client {
	struct asker	 asker;
	uint64_t	 last_session;
	struct helds	 young, waiting, held;
	unsigned	 nyoung;
	struct htab	 counts;	/* sessions by ticket */
	struct timer	 count_timer, young_timer;
};

static void on_count_time(void *);
static void on_young_time(void *);

static struct span
ticket_key(const uint64_t *ticket)
{
	return span_mem(ticket, sizeof(*ticket));
}

static void
not_young(struct limits_client *l, struct held *h)
{
	TAILQ_REMOVE(&l->young, h, entry);
	h->young = false;
	l->nyoung--;
}

static void
forget_held(struct limits_client *l, struct held *h)
{
	if (h->young)
		not_young(l, h);
	else if (h->cb != NULL)
		TAILQ_REMOVE(&l->waiting, h, entry);
	else
		TAILQ_REMOVE(&l->held, h, entry);
	(void)htab_del(&l->counts, ticket_key(&h->ticket));
	free(h);
}

/* --- questions */

static void
put_rate(struct chan *c, uint64_t ticket, const struct limits_rate *r)
{
	chan_begin(c, MSG_RATE_ASK);
	chan_u64(c, ticket);
	chan_u8(c, r->peek);
	chan_u64(c, r->tx);
	chan_u32(c, r->step);
	chan_bytes(c, r->name);
	chan_bytes(c, r->key);
	chan_u32(c, r->count);
	chan_u32(c, r->more);
	chan_u64(c, (uint64_t)r->period_ms);
	chan_end(c);
}

static void
put_grey(struct chan *c, uint64_t ticket, const struct limits_rate *r)
{
	chan_begin(c, MSG_GREY_ASK);
	chan_u64(c, ticket);
	chan_u8(c, r->peek);
	chan_bytes(c, r->key);
	chan_u64(c, (uint64_t)r->period_ms);
	chan_end(c);
}

static void
send_question(struct chan *c, const struct question *question)
{
	const struct limits_question	*q =
	    (const struct limits_question *)question;

	if (q->grey)
		put_grey(c, q->q.ticket, &q->rate);
	else
		put_rate(c, q->q.ticket, &q->rate);
}

static void
give_up(struct question *question)
{
	struct limits_question	*q = (struct limits_question *)question;

	q->cb(q->arg, LIMITS_CANNOT);
}

static struct span
copied(char *to, struct span s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return span_mem(to, s.n);
}

/* Name and key are copied behind it; none when one is too long to be sent. */
static uint64_t
ask(struct limits_client *l, const struct limits_rate *r, bool grey,
    limits_cb *cb, void *arg)
{
	bool			 fits = r->key.n <= LIMITS_KEY_MAX &&
	    r->name.n <= LIMITS_KEY_MAX;
	struct limits_question	*q = xmalloc(sizeof(*q) +
	    (fits ? r->name.n + r->key.n : 0) + 1);
	char			*p = (char *)(q + 1);

	*q = (struct limits_question){ .q.unsent = !fits, .grey = grey,
	    .rate = *r, .cb = cb, .arg = arg };
	q->rate.name = q->rate.key = SPAN_NONE;
	if (fits) {
		q->rate.name = copied(p, r->name);
		q->rate.key = copied(p + r->name.n, r->key);
	}
	return asker_ask(&l->asker, &q->q);
}

uint64_t
limits_rate(struct limits_client *l, const struct limits_rate *r,
    limits_cb *cb, void *arg)
{
	return ask(l, r, false, cb, arg);
}

uint64_t
limits_grey(struct limits_client *l, struct span key, int64_t wait_ms,
    bool peek, limits_cb *cb, void *arg)
{
	const struct limits_rate	 r = { .key = key,
	    .period_ms = wait_ms, .peek = peek };

	return ask(l, &r, true, cb, arg);
}

void
limits_cancel(struct limits_client *l, uint64_t ticket)
{
	asker_cancel(&l->asker, ticket);
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
say_held(const struct limits_client *l, const struct held *h)
{
	struct chan	*c = l->asker.chan;

	if (c == NULL)
		return;
	chan_begin(c, MSG_COUNT_HELD);
	chan_u64(c, h->ticket);
	chan_bytes(c, span_mem(h->client, h->client_octets));
	chan_end(c);
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

static void
put_count_up(struct chan *c, const struct held *h)
{
	chan_begin(c, MSG_COUNT_UP);
	chan_u64(c, h->ticket);
	chan_bytes(c, span_mem(h->client, h->client_octets));
	chan_u32(c, h->sessions_max);
	chan_u32(c, h->per_client_max);
	chan_end(c);
}

static void
ask_to_count(struct limits_client *l, struct held *h)
{
	h->until_ms = loop_now_ms();
	if (l->asker.chan != NULL) {
		h->until_ms += (int64_t)msg_timeout_s(MSG_COUNT_UP) * 1000;
		put_count_up(l->asker.chan, h);
	}
	TAILQ_INSERT_TAIL(&l->waiting, h, entry);
	set_count_timer(l);
}

/* Those that came before this time grow up. */
static void
grow_up(struct limits_client *l, int64_t before)
{
	struct held	*h;

	while ((h = TAILQ_FIRST(&l->young)) != NULL && h->until_ms <= before) {
		not_young(l, h);
		ask_to_count(l, h);
	}
	if (h != NULL && !timer_pending(&l->young_timer))
		timer_set(&l->young_timer, h->until_ms - loop_now_ms(),
		    on_young_time, l);
}

static void
on_young_time(void *arg)
{
	grow_up(arg, loop_now_ms());
}

static struct held *
held_new(struct limits_client *l, struct span client, limits_counted_cb *cb,
    void *arg)
{
	struct held	*h = xcalloc(1, sizeof(*h));

	h->ticket = ++l->last_session;
	h->cb = cb;
	h->arg = arg;
	h->client_octets = client.n > LIMITS_CLIENT_MAX ? LIMITS_CLIENT_MAX :
	    client.n;
	memcpy(h->client, client.p, h->client_octets);
	(void)htab_put(&l->counts, ticket_key(&h->ticket), h);
	return h;
}

uint64_t
limits_count(struct limits_client *l, struct span client,
    uint32_t sessions_max, uint32_t per_client_max, limits_counted_cb *cb,
    void *arg)
{
	struct held	*h = held_new(l, client, cb, arg);

	h->sessions_max = sessions_max;
	h->per_client_max = per_client_max;
	if (cb == NULL) {
		TAILQ_INSERT_TAIL(&l->held, h, entry);
		say_held(l, h);
	} else
		ask_to_count(l, h);
	return h->ticket;
}

uint64_t
limits_count_soon(struct limits_client *l, struct span client,
    uint32_t sessions_max, uint32_t per_client_max, limits_counted_cb *cb,
    void *arg)
{
	struct held	*h = held_new(l, client, cb, arg);

	h->sessions_max = sessions_max;
	h->per_client_max = per_client_max;
	h->young = true;
	h->until_ms = loop_now_ms() + LIMITS_YOUNG_MS;
	TAILQ_INSERT_TAIL(&l->young, h, entry);
	grow_up(l, ++l->nyoung < LIMITS_YOUNG_MAX ? 0 : INT64_MAX);
	return h->ticket;
}

void
limits_uncount(struct limits_client *l, uint64_t ticket)
{
	struct held	*h = htab_get(&l->counts, ticket_key(&ticket));
	struct chan	*c = l->asker.chan;
	bool		 young;

	if (h == NULL)
		return;
	young = h->young;
	forget_held(l, h);
	set_count_timer(l);
	if (c == NULL || young)
		return;
	chan_begin(c, MSG_COUNT_DOWN);
	chan_u64(c, ticket);
	chan_end(c);
}

/* --- answers */

static bool
on_answer(struct limits_client *l, struct msg *m)
{
	uint64_t		 ticket = msg_u64(m);
	unsigned		 yes = msg_u8(m);
	struct limits_question	*q;

	if (!msg_end(m) || yes > 1)
		return false;
	q = (struct limits_question *)asker_take(&l->asker, ticket);
	if (q != NULL)		/* else cancelled, or too late */
		q->cb(q->arg, yes ? LIMITS_YES : LIMITS_NO);
	free(q);
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
	if (h != NULL && h->cb != NULL && !h->young)
		counted(l, h, (enum limits_result)result);
	return true;
}

static bool
on_message(void *client, struct msg *m)
{
	switch (m->type) {
	case MSG_LIMITS_ANSWER:
		return on_answer(client, m);
	case MSG_COUNTED:
		return on_counted(client, m);
	}
	return false;
}

/* As long as limits is away, who comes is counted by the worker alone. */
static void
on_closed(void *client)
{
	struct limits_client	*l = client;
	struct held		*h;

	while ((h = TAILQ_FIRST(&l->waiting)) != NULL)
		counted(l, h, LIMITS_UNCOUNTED);
	set_count_timer(l);
}

/* --- the client */

struct limits_client *
limits_client_new(void)
{
	static const struct asker_ops	 ops = {
		.send = send_question, .give_up = give_up,
		.message = on_message, .closed = on_closed
	};
	struct limits_client		*l = xcalloc(1, sizeof(*l));

	asker_init(&l->asker, "limits",
	    (int64_t)msg_timeout_s(MSG_RATE_ASK) * 1000, &ops, l);
	TAILQ_INIT(&l->young);
	TAILQ_INIT(&l->waiting);
	TAILQ_INIT(&l->held);
	return l;
}

void
limits_client_attach(struct limits_client *l, int fd)
{
	struct held	*h;

	asker_attach(&l->asker, fd);
	TAILQ_FOREACH(h, &l->held, entry)
		say_held(l, h);
}

bool
limits_client_there(const struct limits_client *l)
{
	return l->asker.chan != NULL;
}

void
limits_client_free(struct limits_client **lp)
{
	struct limits_client	*l = *lp;
	struct held		*h;

	*lp = NULL;
	if (l == NULL)
		return;
	while ((h = TAILQ_FIRST(&l->young)) != NULL ||
	    (h = TAILQ_FIRST(&l->waiting)) != NULL ||
	    (h = TAILQ_FIRST(&l->held)) != NULL)
		forget_held(l, h);
	asker_clear(&l->asker);
	htab_clear(&l->counts);
	timer_clear(&l->count_timer);
	timer_clear(&l->young_timer);
	free(l);
}
