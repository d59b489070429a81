/*
 * turns.c - each address in turn.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/auth/turns.h"

TAILQ_HEAD(turn_list, turn);

struct turns_address {
	TAILQ_ENTRY(turns_address)	 entry;
	struct ip			 ip;
	struct turn_list		 waiting;
	size_t				 n;
};

void
turns_init(struct turns *t, size_t most_running, size_t most_waiting,
    void (*start)(struct turn *), void (*refused)(struct turn *))
{
	*t = (struct turns){
		.most_running = most_running, .most_waiting = most_waiting,
		.start = start, .refused = refused
	};
	TAILQ_INIT(&t->addresses);
}

static void
address_free(struct turns *t, struct turns_address *a)
{
	TAILQ_REMOVE(&t->addresses, a, entry);
	(void)htab_del(&t->by_address, span_mem(&a->ip, sizeof(a->ip)));
	free(a);
}

void
turns_clear(struct turns *t)
{
	struct turns_address	*a;

	while ((a = TAILQ_FIRST(&t->addresses)) != NULL)
		address_free(t, a);
	htab_clear(&t->by_address);
	t->waiting = 0;
}

static struct turns_address *
address_of(struct turns *t, const struct ip *ip)
{
	struct ip		 net = *ip;
	struct turns_address	*a;

	if (net.family == 6)
		net = ip_mask(&net, 64);
	a = htab_get(&t->by_address, span_mem(&net, sizeof(net)));
	if (a == NULL) {
		a = xcalloc(1, sizeof(*a));
		a->ip = net;
		TAILQ_INIT(&a->waiting);
		(void)htab_put(&t->by_address, span_mem(&net, sizeof(net)), a);
		TAILQ_INSERT_TAIL(&t->addresses, a, entry);
	}
	return a;
}

static void
take_out(struct turns *t, struct turn *q)
{
	struct turns_address	*a = q->of;

	TAILQ_REMOVE(&a->waiting, q, entry);
	t->waiting--;
	if (--a->n == 0)
		address_free(t, a);
}

static struct turns_address *
who_has_most(const struct turns *t)
{
	struct turns_address	*a, *most = TAILQ_FIRST(&t->addresses);

	TAILQ_FOREACH(a, &t->addresses, entry)
		if (a->n > most->n)
			most = a;
	return most;
}

/* The next address, whose turn comes again behind all others. */
static void
start_some(struct turns *t)
{
	struct turns_address	*a;
	struct turn		*q;

	while (t->running < t->most_running &&
	    (a = TAILQ_FIRST(&t->addresses)) != NULL) {
		TAILQ_REMOVE(&t->addresses, a, entry);
		TAILQ_INSERT_TAIL(&t->addresses, a, entry);
		q = TAILQ_FIRST(&a->waiting);
		take_out(t, q);
		t->running++;
		t->start(q);
	}
}

void
turns_add(struct turns *t, const struct ip *ip, struct turn *q)
{
	struct turn	*last;

	q->of = address_of(t, ip);
	TAILQ_INSERT_TAIL(&q->of->waiting, q, entry);
	q->of->n++;
	t->waiting++;
	start_some(t);
	if (t->waiting <= t->most_waiting)
		return;
	last = TAILQ_LAST(&who_has_most(t)->waiting, turn_list);
	take_out(t, last);
	t->refused(last);
}

void
turns_ended(struct turns *t)
{
	t->running--;
	start_some(t);
}
