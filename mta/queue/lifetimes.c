/*
 * lifetimes.c - when a message, or one of its targets, has waited too long.
 */
#include "mta/queue/lifetimes.h"

#include "base/clock.h"
#include "mta/queue/queue.h"

#define LOOK_MAX	1000	/* targets that a message's expiry is taken from */

static int64_t
age_ms(const struct message *m)
{
	return clock_wall_ms() - (int64_t)m->arrival_s * 1000;
}

uint32_t
message_aged_s(const struct message *m, int64_t ms)
{
	int64_t	left = (ms - age_ms(m)) / 1000;

	/* A clock that was wrong must not keep mail for years. */
	if (left > ms / 1000)
		left = ms / 1000;
	return index_now_s() + (left < 0 ? 0 : (uint32_t)left);
}

static const int64_t *
lifetimes(const struct queue *q, size_t *n)
{
	if (q->terms != NULL)
		return terms_lifetimes(q->terms, n);
	*n = CLASS_N;
	return q->sched.general.lifetime_ms;
}

uint32_t
lifetime_next_s(const struct queue *q, const struct message *m)
{
	size_t		 i, n;
	const int64_t	*all = lifetimes(q, &n);
	int64_t		 age = age_ms(m), next = -1, longest = 0;

	for (i = 0; i < n; i++) {
		if (all[i] > longest)
			longest = all[i];
		if (all[i] > age && (next == -1 || all[i] < next))
			next = all[i];
	}
	return message_aged_s(m, next == -1 ? longest : next);
}

bool
lifetime_began(const struct queue *q, const struct message *m)
{
	size_t		 i, n;
	const int64_t	*all = lifetimes(q, &n);

	for (i = 0; i < n; i++)
		if (message_aged_s(m, all[i]) <= index_now_s())
			return true;
	return false;
}

/* In line at a hop that is dead, it is not to be reached, whatever it said before. */
static enum error_class
class_of(const struct dest *d)
{
	struct answer	an;

	if (d->state == DEST_READY && d->hop != NULL && d->hop->site->dead)
		return CLASS_CONNECT;
	if (!dest_answer(d, &an))
		return CLASS_OTHER;
	return error_class_of(an.code, an.status);
}

int64_t
dest_lifetime_ms(const struct queue *q, const struct dest *d)
{
	const struct terms	*t = d->hop == NULL ? &q->sched.general :
	    d->hop->terms;

	return t->lifetime_ms[class_of(d)];
}

bool
dest_expired(const struct queue *q, const struct message *m,
    const struct dest *d)
{
	return message_aged_s(m, dest_lifetime_ms(q, d)) <= index_now_s();
}

int64_t
message_expires_ms(const struct queue *q, const struct message *m)
{
	int64_t		ms, most = 0;
	uint32_t	i;

	for (i = 0; i < m->ndests && i < LOOK_MAX; i++) {
		if (m->dests[i].state == DEST_DONE)
			continue;
		ms = dest_lifetime_ms(q, &m->dests[i]);
		if (ms > most)
			most = ms;
	}
	if (most == 0)
		most = q->sched.general.lifetime_ms[CLASS_OTHER];
	return (int64_t)m->arrival_s * 1000 + most;
}
