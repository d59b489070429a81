/*
 * pool.c - connections to one server, and the keys that wait for one.
 *
 * A connection is opened when a key waits and all others are busy.  When none
 * can be opened the server is down: keys are answered MAP_LATER at once, with
 * the cause, and one connection at a time is tried, later and later.  So is a
 * server that takes connections and does not answer; it is up again when one
 * key was answered.
 *
 * A driver may call asked_conn_...() from inside of connect() and ask(), and
 * its state is freed only in a later turn; so it is never pulled away under
 * its feet, and no key is given to it while it is still telling an answer.
 */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/map_int.h"

#include "maps/asked/asked_int.h"

#define WHY_MAX	200	/* octets of a cause that are kept */

enum conn_state { CONN_OPENS, CONN_IDLE, CONN_BUSY, CONN_DEAD };

TAILQ_HEAD(conns, asked_conn);

struct asked_conn {
	TAILQ_ENTRY(asked_conn)	 entry;
	struct asked_pool	*pool;
	enum conn_state		 state;
	void			*own;		/* driver's */
	struct asked_ask	*ask;		/* BUSY; NULL: nobody waits any more */
	bool			 served;	/* it has answered before */
	int64_t			 since_ms;	/* in this state */
	uint64_t		 heard;		/* the pool's, when it was asked */
	struct timer		 timer;		/* OPENS, BUSY */
	char			 key[MAP_KEY_MAX];
};

struct asked_pool {
	struct asked_pool_settings	 is;
	struct conns			 at_work;	/* OPENS, BUSY */
	struct conns			 idle;		/* the latest first */
	struct conns			 dead;		/* to be freed */
	uint32_t			 nopening, nbusy, nidle;
	TAILQ_HEAD(, asked_ask)		 asks;
	uint32_t			 nasks;
	unsigned			 inside;	/* of calls of drivers, or by them */
	struct timer			 kick, retry, sweep;
	unsigned			 failures;	/* since the last success */
	bool				 down;
	bool				 silent;	/* down since it does not answer */
	bool				 trying;	/* one key may be asked */
	uint64_t			 heard;		/* answers */
	char				 why[WHY_MAX];
};

static void	dispatch(struct asked_pool *);
static void	kicked(void *);
static void	conn_timeout(void *);

static void
kick(struct asked_pool *p)
{
	if (!timer_pending(&p->kick))
		timer_set(&p->kick, 0, kicked, p);
}

/* --- the states of a connection */

static uint32_t *
counter(struct asked_pool *p, enum conn_state st)
{
	static uint32_t	 none;

	return st == CONN_OPENS ? &p->nopening : st == CONN_BUSY ? &p->nbusy :
	    st == CONN_IDLE ? &p->nidle : &none;
}

static struct conns *
list_of(struct asked_pool *p, enum conn_state st)
{
	return st == CONN_IDLE ? &p->idle : st == CONN_DEAD ? &p->dead :
	    &p->at_work;
}

static void
conn_becomes(struct asked_conn *c, enum conn_state st)
{
	struct asked_pool	*p = c->pool;

	TAILQ_REMOVE(list_of(p, c->state), c, entry);
	--*counter(p, c->state);
	c->state = st;
	c->since_ms = loop_now_ms();
	timer_stop(&c->timer);
	TAILQ_INSERT_HEAD(list_of(p, st), c, entry);
	++*counter(p, st);
	if (st == CONN_DEAD)
		kick(p);
}

/* Those that wait to be freed; the driver is in none of its functions. */
static void
bury(struct asked_pool *p)
{
	struct asked_conn	*c;

	while ((c = TAILQ_FIRST(&p->dead)) != NULL) {
		TAILQ_REMOVE(&p->dead, c, entry);
		if (c->own != NULL)
			p->is.driver->disconnect(c->own);
		timer_clear(&c->timer);
		free(c);
	}
}

/* --- up and down */

/* Half of it certain, half by chance: servers are not stormed by all at once. */
static int64_t
backoff_ms(const struct asked_pool *p)
{
	int64_t		 ms = p->is.first_ms;
	unsigned	 i;
	uint32_t	 chance;

	for (i = 1; i < p->failures && ms < p->is.most_ms; i++)
		ms *= 2;
	if (ms > p->is.most_ms)
		ms = p->is.most_ms;
	random_bytes(&chance, sizeof(chance));
	return ms / 2 + (int64_t)(chance % (uint32_t)(ms / 2 + 1));
}

static void
take_out(struct asked_pool *p, struct asked_ask *ask)
{
	TAILQ_REMOVE(&p->asks, ask, entry);
	ask->waits = false;
	p->nasks--;
}

static void
fail_waiting(struct asked_pool *p)
{
	struct asked_ask	*ask;

	while ((ask = TAILQ_FIRST(&p->asks)) != NULL) {
		take_out(p, ask);
		ask->done(ask, MAP_LATER, NULL, p->why);
	}
}

static void
goes_down(struct asked_pool *p)
{
	p->trying = false;
	if (!p->down) {
		p->down = true;
		if (p->is.state != NULL)
			p->is.state(p->is.arg, p->why);
	}
	fail_waiting(p);
}

static void
is_up(struct asked_pool *p)
{
	p->failures = 0;
	p->silent = p->trying = false;
	if (!p->down)
		return;
	timer_stop(&p->retry);
	p->down = false;
	if (p->is.state != NULL)
		p->is.state(p->is.arg, NULL);
}

static void	retries(void *);

static void
has_failed(struct asked_pool *p, const char *why)
{
	snprintf(p->why, sizeof(p->why), "%s", why);
	if (p->failures < 32)
		p->failures++;
	timer_set(&p->retry, backoff_ms(p), retries, p);
	if (p->silent || p->nidle + p->nbusy + p->nopening == 0)
		goes_down(p);
}

/* --- opening */

static void
open_one(struct asked_pool *p)
{
	struct asked_conn	*c = xcalloc(1, sizeof(*c));

	c->pool = p;
	c->state = CONN_OPENS;
	c->since_ms = loop_now_ms();
	TAILQ_INSERT_HEAD(&p->at_work, c, entry);
	p->nopening++;
	timer_set(&c->timer, p->is.connect_ms, conn_timeout, c);
	p->inside++;
	p->is.driver->connect(p->is.table, c);
	p->inside--;
}

/* The time for another try. */
static void
retries(void *arg)
{
	struct asked_pool	*p = arg;

	if (p->down && p->nopening + p->nidle == 0)
		open_one(p);
	dispatch(p);
}

static bool
another_is_wanted(const struct asked_pool *p)
{
	if (p->down || timer_pending(&p->retry) ||
	    p->nasks <= p->nopening)
		return false;
	return p->nopening + p->nidle + p->nbusy < p->is.connections;
}

void
asked_conn_up(struct asked_conn *c)
{
	struct asked_pool	*p = c->pool;

	if (c->state != CONN_OPENS)
		return;
	conn_becomes(c, CONN_IDLE);
	if (p->silent)
		p->trying = true;
	else
		is_up(p);
	kick(p);
}

/* --- asking */

static void
give(struct asked_conn *c, struct asked_ask *ask)
{
	struct asked_pool	*p = c->pool;
	int64_t			 left = ask->until_ms - loop_now_ms();

	take_out(p, ask);
	conn_becomes(c, CONN_BUSY);
	c->ask = ask;
	c->heard = p->heard;
	ask->conn = c;
	memcpy(c->key, ask->key.p, ask->key.n);
	timer_set(&c->timer, left > 1 ? left : 1, conn_timeout, c);
	p->inside++;
	p->is.driver->ask(c, span_mem(c->key, ask->key.n));
	p->inside--;
}

static void
dispatch(struct asked_pool *p)
{
	struct asked_conn	*c;
	struct asked_ask	*ask;

	if (p->inside > 0) {
		kick(p);
		return;
	}
	for (;;) {
		while ((ask = TAILQ_FIRST(&p->asks)) != NULL &&
		    (c = TAILQ_FIRST(&p->idle)) != NULL)
			give(c, ask);
		if (!another_is_wanted(p))
			return;
		open_one(p);
	}
}

static void	sweeps(void *);

/* In a turn of its own: no driver is on the stack. */
static void
kicked(void *arg)
{
	struct asked_pool	*p = arg;

	assert(p->inside == 0);
	bury(p);
	dispatch(p);
	if (p->nidle > 0 && !timer_pending(&p->sweep))
		timer_set(&p->sweep, p->is.idle_ms, sweeps, p);
}

/* Closes those that had nothing to do for so long. */
static void
sweeps(void *arg)
{
	struct asked_pool	*p = arg;
	struct asked_conn	*c;
	int64_t			 end = loop_now_ms() - p->is.idle_ms;

	if (p->down)	/* it is there to be tried */
		return;
	while ((c = TAILQ_LAST(&p->idle, conns)) != NULL &&
	    c->since_ms <= end)
		conn_becomes(c, CONN_DEAD);
	if (c != NULL)
		timer_set(&p->sweep, c->since_ms - end, sweeps, p);
}

void
asked_pool_ask(struct asked_pool *p, struct asked_ask *ask)
{
	assert(ask->key.n > 0 && ask->key.n <= MAP_KEY_MAX);
	ask->conn = NULL;
	ask->waits = ask->again = false;
	if (p->down && (!p->trying || p->nasks + p->nbusy > 0)) {
		ask->done(ask, MAP_LATER, NULL, p->why);
		return;
	}
	TAILQ_INSERT_TAIL(&p->asks, ask, entry);
	ask->waits = true;
	p->nasks++;
	dispatch(p);
}

void
asked_pool_forget(struct asked_pool *p, struct asked_ask *ask)
{
	if (ask->waits)
		take_out(p, ask);
	if (ask->conn != NULL)
		ask->conn->ask = NULL;
	ask->conn = NULL;
}

/* --- answers */

/* The key that the connection was asked; it is its no longer. */
static struct asked_ask *
take_ask(struct asked_conn *c)
{
	struct asked_ask	*ask = c->ask;

	c->ask = NULL;
	if (ask != NULL)
		ask->conn = NULL;
	return ask;
}

void
asked_conn_answer(struct asked_conn *c, enum map_result is,
    const struct asked_rows *rows, const char *why)
{
	struct asked_pool	*p = c->pool;
	struct asked_ask	*ask;

	if (c->state == CONN_DEAD)
		return;
	assert(c->state == CONN_BUSY);
	ask = take_ask(c);
	c->served = true;
	conn_becomes(c, CONN_IDLE);
	p->heard++;
	if (p->down)
		is_up(p);
	p->inside++;
	if (ask != NULL)
		ask->done(ask, is, rows, why);
	p->inside--;
	kick(p);
}

/* Those that stood idle with it are as suspect. */
static void
drop_idle(struct asked_pool *p)
{
	struct asked_conn	*c;

	while ((c = TAILQ_FIRST(&p->idle)) != NULL)
		conn_becomes(c, CONN_DEAD);
}

/* A key under way is asked once more, on a new connection. */
static void
lost_busy(struct asked_conn *c, const char *why)
{
	struct asked_pool	*p = c->pool;
	struct asked_ask	*ask = take_ask(c);
	bool			 served = c->served;

	conn_becomes(c, CONN_DEAD);
	if (served)
		drop_idle(p);
	if (ask == NULL)
		return;
	if (ask->again || p->down) {
		if (p->down)
			has_failed(p, why);
		ask->done(ask, MAP_LATER, NULL, why);
		return;
	}
	ask->again = true;
	TAILQ_INSERT_HEAD(&p->asks, ask, entry);
	ask->waits = true;
	p->nasks++;
	kick(p);
}

void
asked_conn_down(struct asked_conn *c, const char *why)
{
	struct asked_pool	*p = c->pool;

	p->inside++;
	switch (c->state) {
	case CONN_OPENS:
		conn_becomes(c, CONN_DEAD);
		has_failed(p, why);
		break;
	case CONN_IDLE:
		conn_becomes(c, CONN_DEAD);
		if (p->down)	/* it was tried, and nobody had asked yet */
			has_failed(p, why);
		break;
	case CONN_BUSY:
		lost_busy(c, why);
		break;
	case CONN_DEAD:
		break;
	}
	p->inside--;
}

/* Not opened, or not answered, in time. */
static void
conn_timeout(void *arg)
{
	struct asked_conn	*c = arg;
	struct asked_pool	*p = c->pool;
	struct asked_ask	*ask = take_ask(c);
	bool			 opens = c->state == CONN_OPENS;
	bool			 silent = !opens && p->heard == c->heard;
	char			 why[WHY_MAX];

	snprintf(why, sizeof(why), opens ? "no connection within %lld ms" :
	    "no answer within %lld ms",
	    (long long)(loop_now_ms() - c->since_ms));
	p->inside++;
	conn_becomes(c, CONN_DEAD);
	if (ask != NULL)
		ask->done(ask, MAP_LATER, NULL, why);
	if (silent && !p->is.driver->no_connection) {
		p->silent = true;
		drop_idle(p);
	}
	if (opens || p->silent)
		has_failed(p, why);
	p->inside--;
}

/* --- a driver's state */

void
asked_conn_set(struct asked_conn *c, void *state)
{
	c->own = state;
}

void *
asked_conn_get(const struct asked_conn *c)
{
	return c->own;
}

void *
asked_conn_table(const struct asked_conn *c)
{
	return c->pool->is.table;
}

struct span
asked_conn_password(const struct asked_conn *c)
{
	return c->ask == NULL ? SPAN_NONE : c->ask->password;
}

const struct asked_names *
asked_conn_names(const struct asked_conn *c)
{
	return c->pool->is.names;
}

/* --- the pool */

struct asked_pool *
asked_pool_new(const struct asked_pool_settings *is)
{
	struct asked_pool	*p = xcalloc(1, sizeof(*p));

	p->is = *is;
	if (is->driver->no_connection)
		p->is.connections = ASKED_QUESTIONS_MAX;
	else if (p->is.connections == 0)
		p->is.connections = 1;
	TAILQ_INIT(&p->at_work);
	TAILQ_INIT(&p->idle);
	TAILQ_INIT(&p->dead);
	TAILQ_INIT(&p->asks);
	return p;
}

void
asked_pool_free(struct asked_pool **pp)
{
	struct asked_pool	*p = *pp;
	struct asked_conn	*c;
	struct asked_ask	*ask;

	*pp = NULL;
	if (p == NULL)
		return;
	while ((ask = TAILQ_FIRST(&p->asks)) != NULL)
		take_out(p, ask);
	drop_idle(p);
	while ((c = TAILQ_FIRST(&p->at_work)) != NULL) {
		(void)take_ask(c);
		conn_becomes(c, CONN_DEAD);
	}
	bury(p);
	timer_clear(&p->kick);
	timer_clear(&p->retry);
	timer_clear(&p->sweep);
	free(p);
}

bool
asked_pool_room(const struct asked_pool *p)
{
	return p->nasks == 0 && (p->nidle > 0 ||
	    p->is.driver->no_connection);
}

void
asked_pool_stats(const struct asked_pool *p, struct asked_stats *st)
{
	st->connections = p->nidle + p->nbusy;
	st->waiting = p->nasks;
	st->down = p->down;
	st->why = p->why;
}
