/*
 * etrn.c - what waits for a node is tried now (RFC 1985).
 *
 * Who asks has mail of his own here and has just come up.  Nobody can make the
 * queue spin by it: the index is walked through in slices, for all names that
 * have been asked for together; a walk is followed by a rest of twenty times
 * its length; a name that was asked for a minute ago is not looked for again.
 *
 * A target that waits for its time is due now, also when it must be routed
 * first; a hop that is dead is probed now, by one job as ever.  Mailboxes here
 * have nothing to come up.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/etrn.h"
#include "mta/msg/hop.h"

#include <stdlib.h>

#define AGAIN_MS	60000	/* the same name is not looked for before */
#define ASKED_MAX	64	/* names that wait for the next walk */
#define NAMES_MAX	4096	/* names that are remembered for AGAIN_MS */
#define SLICE_MESSAGES	64	/* between two looks at the clock */
#define SLICE_US	2000
#define REST_FACTOR	20
#define REST_LEAST_MS	1000

struct asked {
	struct asked	*next;
	uint32_t	 instance;	/* the worker that waits for the answer */
	uint64_t	 ticket;
	bool		 answered;	/* it has it already */
	uint8_t		 how;		/* enum etrn_how */
	uint32_t	 messages;	/* found so far */
	struct span	 name;		/* what follows the struct */
	char		 octets[];
};

struct etrn {
	struct queue	*q;
	struct asked	*waiting, **tail;	/* for the next walk */
	unsigned	 nwaiting;
	struct asked	*walking;
	int64_t		 spent_us;		/* by this walk */
	struct timer	 rest;
	struct htab	 names;			/* how and name: when last, in ms */
	int64_t		 swept_ms;
};

static void	walk(void *);

/* --- names that were asked for */

static struct span
key_of(enum etrn_how how, struct span name, char out[1 + ETRN_NAME_MAX])
{
	out[0] = (char)how;
	memcpy(out + 1, name.p, name.n);
	return span_mem(out, 1 + name.n);
}

/* Those whose minute is over go, when there are too many. */
static bool
have_room(struct etrn *e, int64_t now_ms)
{
	struct htab	 left = { 0 };
	struct span	 key;
	size_t		 pos = 0;
	void		*v;

	if (e->names.n < NAMES_MAX)
		return true;
	if (e->swept_ms + AGAIN_MS / 10 > now_ms)
		return false;
	e->swept_ms = now_ms;
	while (htab_next(&e->names, &pos, &key, &v))
		if ((int64_t)(intptr_t)v + AGAIN_MS > now_ms)
			htab_put(&left, key, v);
	htab_clear(&e->names);
	e->names = left;
	return e->names.n < NAMES_MAX;
}

/* --- which targets are meant */

static bool
is_domain(const struct asked *a, struct span domain)
{
	size_t	rest;

	if (span_ieq(domain, a->name))
		return true;
	if (a->how != ETRN_SUBDOMAINS || domain.n <= a->name.n)
		return false;
	rest = domain.n - a->name.n;
	return domain.p[rest - 1] == '.' &&
	    span_ieq(span_from(domain, rest), a->name);
}

static bool
is_of_domain(const struct asked *a, struct span address)
{
	const char	*at = address.n == 0 ? NULL :
			    memrchr(address.p, '@', address.n);

	return at != NULL && is_domain(a, span_from(address,
	    (size_t)(at - address.p) + 1));
}

/* The domain or host that the first one of the hop's names. */
static bool
is_host(const struct asked *a, struct span hop)
{
	struct hop_text	h;

	return hop_next(&hop, &h) && is_domain(a, hop_name(&h));
}

static bool
is_meant(const struct asked *a, const struct dest *d,
    const struct envelope *env)
{
	struct span	hop = d->hop == NULL ? SPAN_NONE :
			    span_mem(d->hop->text, d->hop->text_n);

	if (a->how == ETRN_QUEUE)
		return span_ieq(hop_relay_block(hop), a->name);
	return is_of_domain(a, dest_address(d, env)) ||
	    is_of_domain(a, dest_rcpt_to(d, env)) || is_host(a, hop);
}

/* --- a walk through all messages */

static bool
may_be_tried(const struct dest *d)
{
	if (d->hop != NULL && d->hop->local)
		return false;
	return d->state == DEST_WAIT || d->state == DEST_READY;
}

/* Whether it is for somebody; counted for each of them once a message. */
static bool
count(struct etrn *e, const struct dest *d, const struct envelope *env,
    uint64_t *counted)
{
	bool		 meant = false;
	unsigned	 i = 0;
	struct asked	*a;

	for (a = e->walking; a != NULL; a = a->next, i++) {
		if (!is_meant(a, d, env))
			continue;
		meant = true;
		a->messages += !(*counted >> i & 1);
		*counted |= UINT64_C(1) << i;
	}
	return meant;
}

static void
look_at(struct etrn *e, struct message *m)
{
	struct arena	 arena = { 0 };
	struct envelope	 env;
	struct dest	*d;
	uint64_t	 counted = 0;

	if (m->flags & (M_GONE | M_HELD) ||
	    m->in_state[DEST_WAIT] + m->in_state[DEST_READY] == 0)
		return;
	message_envelope(m, &arena, &env);
	for (uint32_t i = 0; i < m->ndests; i++) {
		d = &m->dests[i];
		if (!may_be_tried(d) || !count(e, d, &env, &counted))
			continue;
		if (d->state == DEST_WAIT)
			dest_wake(m, d);
		if (d->hop != NULL)
			sched_probe(&e->q->sched, d->hop);
	}
	arena_clear(&arena);
	if (counted != 0)
		message_settle(e->q, m);
}

static void
answer(struct etrn *e, const struct asked *a, enum etrn_result r)
{
	if (!a->answered)
		intake_etrn(e->q, a->instance, a->ticket, r, a->messages);
}

static void
walked(struct etrn *e)
{
	static const char *const	 hows[ETRN_NHOWS] = { "", "@", "#" };
	int64_t				 rest_ms = e->spent_us * REST_FACTOR /
					    1000;
	struct asked			*a;

	while ((a = e->walking) != NULL) {
		e->walking = a->next;
		log_info("etrn name=%s%s messages=%u", hows[a->how],
		    log_quote(a->name), (unsigned)a->messages);
		answer(e, a, a->messages > 0 ? ETRN_PENDING : ETRN_NONE);
		free(a);
	}
	timer_set(&e->rest, rest_ms < REST_LEAST_MS ? REST_LEAST_MS : rest_ms,
	    walk, e);
}

static void
go_on(void *arg)
{
	struct etrn	*e = arg;
	struct message	**at = &e->q->index.cursors[CURSOR_ETRN], *m;
	int64_t		 began = clock_boot_us(), took;

	for (unsigned n = 1; (m = *at) != NULL; n++) {
		*at = m->next;
		look_at(e, m);
		if (n % SLICE_MESSAGES == 0 &&
		    clock_boot_us() - began >= SLICE_US)
			break;
	}
	took = clock_boot_us() - began;
	e->spent_us += took;
	if (*at != NULL)
		loop_soon(go_on, e);
	else
		walked(e);
}

/* For all who wait. */
static void
walk(void *arg)
{
	struct etrn	*e = arg;

	if (e->waiting == NULL)
		return;
	e->walking = e->waiting;
	e->waiting = NULL;
	e->tail = &e->waiting;
	e->nwaiting = 0;
	e->spent_us = 0;
	e->q->index.cursors[CURSOR_ETRN] = e->q->index.first;
	go_on(e);
}

/* --- asking */

static void
wait_for_walk(struct etrn *e, uint32_t instance, uint64_t ticket,
    enum etrn_how how, struct span name)
{
	struct asked	*a = xcalloc(1, sizeof(*a) + name.n);

	memcpy(a->octets, name.p, name.n);
	a->name = span_mem(a->octets, name.n);
	a->instance = instance;
	a->ticket = ticket;
	a->how = (uint8_t)how;
	*e->tail = a;
	e->tail = &a->next;
	e->nwaiting++;
	if (e->walking == NULL && !timer_pending(&e->rest)) {
		walk(e);
		return;
	}
	/* It may take a while: who asks is not held up. */
	answer(e, a, ETRN_STARTED);
	a->answered = true;
}

void
etrn_ask(struct queue *q, uint32_t instance, uint64_t ticket,
    enum etrn_how how, struct span name)
{
	struct etrn	*e = q->etrn;
	int64_t		 now_ms = clock_boot_ms();
	char		 octets[1 + ETRN_NAME_MAX];
	struct span	 key = key_of(how, name, octets);
	int64_t		 last_ms = (int64_t)(intptr_t)htab_get(&e->names, key);

	if (last_ms != 0 && last_ms + AGAIN_MS > now_ms)
		intake_etrn(q, instance, ticket, ETRN_STARTED, 0);
	else if (e->nwaiting >= ASKED_MAX || !have_room(e, now_ms))
		intake_etrn(q, instance, ticket, ETRN_UNABLE, 0);
	else {
		htab_put(&e->names, key, (void *)(intptr_t)now_ms);
		wait_for_walk(e, instance, ticket, how, name);
	}
}

void
etrn_open(struct queue *q)
{
	struct etrn	*e = xcalloc(1, sizeof(*e));

	e->q = q;
	e->tail = &e->waiting;
	q->etrn = e;
}
