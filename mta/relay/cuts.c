/*
 * cuts.c - from CUT to CUT_DONE.
 */
#include "mta/relay/cuts.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#define TICK_MS	250

/* What is known of a next hop. */
struct cut_hop {
	TAILQ_ENTRY(cut_hop)	 entry;
	size_t			 open;		/* cuts under way */
	uint32_t		 connections;	/* most of them, with the queue's */
	bool			 trouble;	/* the last one ended so */
	int64_t			 rests_until_ms;
	TAILQ_HEAD(, job)	 held;		/* of the queue */
	size_t			 n;
	char			 text[];
};

struct cut {
	TAILQ_ENTRY(cut)	 entry;
	struct chan		*chan;		/* NULL: nobody waits any more */
	uint64_t		 ticket;
	int64_t			 since_ms;
	struct cut_hop		*hop;
	struct job		*job;
};

TAILQ_HEAD(cut_list, cut);

struct cuts {
	struct conns		*conns;
	struct cut_list		 open;		/* oldest first */
	size_t			 nopen;
	struct htab		 by_id;		/* by that of their jobs */
	uint64_t		 last_id;
	TAILQ_HEAD(, cut_hop)	 hops;
	struct htab		 by_hop;
	size_t			 nhops;
	struct timer		 timer;
	bool			 stopping;
	bool			 called;	/* release() will come */
	struct cuts_counters	 count;
};

static void	on_tick(void *);

static struct span
id_of(const struct job *j)
{
	return span_mem(&j->id, sizeof(j->id));
}

struct cuts *
cuts_new(struct conns *conns)
{
	struct cuts	*k = xcalloc(1, sizeof(*k));

	k->conns = conns;
	TAILQ_INIT(&k->open);
	TAILQ_INIT(&k->hops);
	return k;
}

/* --- hops */

static struct cut_hop *
find_hop(const struct cuts *k, struct span hop)
{
	return htab_get(&k->by_hop, hop);
}

/* NULL: too many are known. */
static struct cut_hop *
hop_of(struct cuts *k, struct span hop)
{
	struct cut_hop	*h = find_hop(k, hop);

	if (h != NULL || k->nhops == CUTS_HOPS_MAX)
		return h;
	h = xcalloc(1, sizeof(*h) + hop.n);
	TAILQ_INIT(&h->held);
	h->n = hop.n;
	memcpy(h->text, hop.p, hop.n);
	TAILQ_INSERT_TAIL(&k->hops, h, entry);
	(void)htab_put(&k->by_hop, span_mem(h->text, h->n), h);
	k->nhops++;
	return h;
}

static void
drop_held(struct cut_hop *h)
{
	struct job	*j;

	while ((j = TAILQ_FIRST(&h->held)) != NULL) {
		TAILQ_REMOVE(&h->held, j, entry);
		job_free(&j);
	}
}

static bool
is_full(const struct cuts *k, const struct cut_hop *h)
{
	return !TAILQ_EMPTY(&h->held) || conns_busy(k->conns,
	    span_mem(h->text, h->n)) >= h->connections;
}

static void
in_trouble(struct cut_hop *h)
{
	h->trouble = true;
	h->rests_until_ms = loop_now_ms() + CUT_REST_MS;
}

/* What an attempt says of the hop: no connection, 421, or all is well. */
static void
learn(struct cut_hop *h, const struct job *j)
{
	size_t	i;
	bool	busy = !j->connected;

	for (i = 0; i < j->n; i++)
		busy |= j->rcpts[i].code == 421;
	if (busy)
		in_trouble(h);
	else
		h->trouble = false;
}

/* --- jobs of the queue that wait */

static void
release_hop(struct cuts *k, struct cut_hop *h)
{
	struct job	*j;

	while ((j = TAILQ_FIRST(&h->held)) != NULL && (h->open == 0 ||
	    conns_busy(k->conns, j->hop) < h->connections)) {
		TAILQ_REMOVE(&h->held, j, entry);
		conns_take(k->conns, j);
	}
}

static void
release(void *arg)
{
	struct cuts	*k = arg;
	struct cut_hop	*h;

	k->called = false;
	TAILQ_FOREACH(h, &k->hops, entry)
		release_hop(k, h);
}

void
cuts_ended(struct cuts *k, struct span hop)
{
	const struct cut_hop	*h = find_hop(k, hop);

	/* In another turn: the connection is about to be idle. */
	if (h == NULL || TAILQ_EMPTY(&h->held) || k->called)
		return;
	k->called = true;
	loop_soon(release, k);
}

bool
cuts_hold(struct cuts *k, struct job *j)
{
	struct cut_hop	*h = find_hop(k, j->hop);

	if (h == NULL || h->open == 0 || !is_full(k, h))
		return false;
	TAILQ_INSERT_TAIL(&h->held, j, entry);
	return true;
}

void
cuts_forget_queue(struct cuts *k)
{
	struct cut_hop	*h;

	TAILQ_FOREACH(h, &k->hops, entry)
		drop_held(h);
}

/* --- answers */

static void
tell(struct chan *c, uint64_t ticket, const struct job *j)
{
	chan_begin(c, MSG_CUT_DONE);
	chan_u64(c, ticket);
	chan_bytes(c, j->mta);
	chan_bytes(c, j->tls);
	chan_bytes(c, j->login);
	job_write_results(j, c);
	chan_end(c);
}

/* Not tried, or not to its end: what has no result yet is the spool's. */
static void
refuse(struct cuts *k, struct chan *c, uint64_t ticket, const struct job *j,
    const char *why)
{
	size_t	i;

	k->count.refused++;
	chan_begin(c, MSG_CUT_DONE);
	chan_u64(c, ticket);
	chan_bytes(c, j->mta);
	chan_bytes(c, j->tls);
	chan_bytes(c, j->login);
	chan_u32(c, (uint32_t)j->n);
	for (i = 0; i < j->n; i++) {
		const struct job_rcpt	*r = &j->rcpts[i];

		chan_u32(c, r->index);
		chan_u16(c, r->code != 0 ? r->code : 451);
		chan_bytes(c, r->code != 0 ? r->status : SPAN("4.4.5"));
		chan_bytes(c, r->code != 0 ? r->text : span_of(why));
		chan_bytes(c, r->mta);
	}
	chan_end(c);
}

static void
forget(struct cuts *k, struct cut *c)
{
	TAILQ_REMOVE(&k->open, c, entry);
	(void)htab_del(&k->by_id, id_of(c->job));
	k->nopen--;
	c->hop->open--;
	cuts_ended(k, c->job->hop);
	free(c);
	if (k->nopen == 0)
		timer_stop(&k->timer);
}

static void
give_up(struct cuts *k, struct cut *c, const char *why)
{
	struct job	*j = c->job;

	in_trouble(c->hop);
	refuse(k, c->chan, c->ticket, j, why);
	c->chan = NULL;
	if (!conns_take_back(k->conns, j)) {
		k->count.late++;	/* its end will be told to nobody */
		return;
	}
	forget(k, c);
	job_free(&j);
}

void
cuts_done(struct cuts *k, struct job *j)
{
	struct cut	*c = htab_get(&k->by_id, id_of(j));

	learn(c->hop, j);
	if (c->chan != NULL) {
		k->count.taken += j->rcpts[0].code / 100 == 2;
		tell(c->chan, c->ticket, j);
	} else {
		log_info("event=cut-late job=%016llx hop=%s mta=%s code=%u "
		    "text=%s", (unsigned long long)j->qid, log_quote(j->hop),
		    log_quote(j->mta), j->rcpts[0].code,
		    log_quote(j->rcpts[0].text));
	}
	forget(k, c);
	job_free(&j);
}

/* --- the question */

/* NULL: it may be tried now. */
static const char *
refusal(const struct cuts *k, const struct cut_hop *h)
{
	if (k->stopping)
		return "the server is closing down";
	if (h == NULL || k->nopen >= CUTS_OPEN_MAX)
		return "too many messages are being cut through";
	if (h->rests_until_ms > loop_now_ms() || (h->trouble && h->open > 0))
		return "the next hop was in trouble";
	return is_full(k, h) ? "all connections to the next hop are in use" :
	    NULL;
}

static void
begin(struct cuts *k, struct chan *chan, uint64_t ticket, struct cut_hop *h,
    struct job *j)
{
	struct cut	*c = xcalloc(1, sizeof(*c));

	c->chan = chan;
	c->ticket = ticket;
	c->since_ms = loop_now_ms();
	c->hop = h;
	c->job = j;
	j->id = ++k->last_id;
	TAILQ_INSERT_TAIL(&k->open, c, entry);
	(void)htab_put(&k->by_id, id_of(j), c);
	k->nopen++;
	h->open++;
	if (!timer_pending(&k->timer))
		timer_set(&k->timer, TICK_MS, on_tick, k);
	conns_take(k->conns, j);
}

bool
cuts_ask(struct cuts *k, struct chan *c, struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	uint32_t	 connections;
	struct job	*j = job_read_cut(m, &connections);
	struct cut_hop	*h;
	const char	*why;

	if (j == NULL)
		return false;
	k->count.asked++;
	if ((h = hop_of(k, j->hop)) != NULL)
		h->connections = connections;
	if ((why = refusal(k, h)) == NULL) {
		begin(k, c, ticket, h, j);
		return true;
	}
	refuse(k, c, ticket, j, why);
	job_free(&j);
	return true;
}

void
cuts_gone(struct cuts *k, const struct chan *chan)
{
	struct cut	*c, *next;
	struct job	*j;

	for (c = TAILQ_FIRST(&k->open); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->chan != chan)
			continue;
		c->chan = NULL;
		j = c->job;
		if (conns_take_back(k->conns, j)) {
			forget(k, c);
			job_free(&j);
		}
	}
}

/* --- time */

static void
tick_cut(struct cuts *k, struct cut *c, int64_t age)
{
	if (age >= CUT_ANSWER_MS)
		give_up(k, c, "the next hop has not answered in time");
	else if (age >= CUT_SENT_MS && conns_can_take_back(k->conns, c->job))
		give_up(k, c, "the next hop is slow");
	else if (age >= CUT_BEGIN_MS && !c->job->begun)
		give_up(k, c, "no connection to the next hop in time");
}

void
cuts_tick(struct cuts *k, int64_t now_ms)
{
	struct cut	*c, *next;

	for (c = TAILQ_FIRST(&k->open); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->chan != NULL)
			tick_cut(k, c, now_ms - c->since_ms);
	}
}

static void
on_tick(void *arg)
{
	struct cuts	*k = arg;

	cuts_tick(k, loop_now_ms());
	if (k->nopen > 0)
		timer_set(&k->timer, TICK_MS, on_tick, k);
}

/* --- the end */

void
cuts_stop(struct cuts *k)
{
	struct cut	*c, *next;

	k->stopping = true;
	cuts_forget_queue(k);
	for (c = TAILQ_FIRST(&k->open); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->chan != NULL && !c->job->begun)
			give_up(k, c, "the server is closing down");
	}
}

void
cuts_free(struct cuts **kp)
{
	struct cuts	*k = *kp;
	struct cut	*c;
	struct cut_hop	*h;

	*kp = NULL;
	if (k == NULL)
		return;
	while ((c = TAILQ_FIRST(&k->open)) != NULL) {
		struct job	*j = c->job;
		bool		 mine = conns_take_back(k->conns, j);

		forget(k, c);
		if (mine)
			job_free(&j);
	}
	while ((h = TAILQ_FIRST(&k->hops)) != NULL) {
		TAILQ_REMOVE(&k->hops, h, entry);
		drop_held(h);
		free(h);
	}
	htab_clear(&k->by_id);
	htab_clear(&k->by_hop);
	timer_clear(&k->timer);
	free(k);
}

const struct cuts_counters *
cuts_counters(const struct cuts *k)
{
	return &k->count;
}
