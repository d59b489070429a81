/*
 * asker.c - open questions to another process.
 */
#include "mta/msg/asker.h"

#include <stdlib.h>

static void on_time(void *);

static struct span
key_of(const uint64_t *ticket)
{
	return span_mem(ticket, sizeof(*ticket));
}

void
asker_init(struct asker *a, const char *name, int64_t wait_ms,
    const struct asker_ops *ops, void *client)
{
	*a = (struct asker){ .ops = ops, .client = client, .name = name,
	    .wait_ms = wait_ms };
	TAILQ_INIT(&a->open);
}

static void
forget(struct asker *a, struct question *q)
{
	TAILQ_REMOVE(&a->open, q, entry);
	(void)htab_del(&a->by_ticket, key_of(&q->ticket));
}

static void
drop(struct asker *a, struct question *q)
{
	if (q != NULL && a->ops->wipe != NULL)
		a->ops->wipe(q);
	free(q);
}

void
asker_clear(struct asker *a)
{
	struct question	*q;

	while ((q = TAILQ_FIRST(&a->open)) != NULL) {
		forget(a, q);
		drop(a, q);
	}
	htab_clear(&a->by_ticket);
	timer_clear(&a->timer);
	chan_free(&a->chan);
}

static void
send_question(struct asker *a, const struct question *q)
{
	if (a->chan != NULL && !q->unsent)
		a->ops->send(a->chan, q);
}

/* The timer stands for the first of the list. */
static void
set_timer(struct asker *a)
{
	struct question	*q = TAILQ_FIRST(&a->open);

	if (q == NULL)
		timer_stop(&a->timer);
	else if (!timer_pending(&a->timer))
		timer_set(&a->timer, q->until_ms - loop_now_ms(), on_time, a);
}

static void
on_time(void *arg)
{
	struct asker	*a = arg;
	struct question	*q;

	while ((q = TAILQ_FIRST(&a->open)) != NULL &&
	    q->until_ms <= loop_now_ms()) {
		forget(a, q);
		a->ops->give_up(q);
		drop(a, q);
	}
	set_timer(a);
}

uint64_t
asker_ask(struct asker *a, struct question *q)
{
	q->ticket = ++a->last_ticket;
	q->until_ms = loop_now_ms();
	(void)htab_put(&a->by_ticket, key_of(&q->ticket), q);
	if (q->unsent) {
		TAILQ_INSERT_HEAD(&a->open, q, entry);
		timer_stop(&a->timer);
	} else {
		q->until_ms += a->wait_ms;
		TAILQ_INSERT_TAIL(&a->open, q, entry);
		send_question(a, q);
	}
	set_timer(a);
	return q->ticket;
}

struct question *
asker_find(struct asker *a, uint64_t ticket)
{
	return htab_get(&a->by_ticket, key_of(&ticket));
}

struct question *
asker_take(struct asker *a, uint64_t ticket)
{
	struct question	*q = asker_find(a, ticket);

	if (q != NULL)
		forget(a, q);
	return q;
}

void
asker_cancel(struct asker *a, uint64_t ticket)
{
	drop(a, asker_take(a, ticket));
	set_timer(a);
}

/* --- the channel */

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct asker	*a = arg;

	(void)c;
	return a->ops->message(a->client, m);
}

/* The questions stay open until there is a new channel, or no time. */
static void
on_closed(struct chan *c, void *arg)
{
	struct asker	*a = arg;

	(void)c;
	a->chan = NULL;
	if (a->ops->closed != NULL)
		a->ops->closed(a->client);
}

static void
attach(struct asker *a, int fd, bool secret)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct question			*q;

	if (a->chan != NULL) {
		chan_free(&a->chan);
		on_closed(NULL, a);
	}
	a->chan = chan_new(fd, a->name, &ops, a);
	if (secret)
		chan_secret(a->chan);
	TAILQ_FOREACH(q, &a->open, entry)
		send_question(a, q);
}

void
asker_attach(struct asker *a, int fd)
{
	attach(a, fd, false);
}

void
asker_attach_secret(struct asker *a, int fd)
{
	attach(a, fd, true);
}
