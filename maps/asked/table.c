/*
 * table.c - questions to a table that a server has.
 *
 * A question is looked for as the table's kind says (map_look), with what the
 * server has said of keys so far.  A key that has not been asked yet is taken
 * for "not there" at first, so that one run finds all the keys that may be
 * wanted: the first of them is asked, the others beside it when a connection
 * has nothing to do.  The run whose keys are all known is the answer.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/map_int.h"

#include "maps/asked/asked_int.h"

#define CACHE_ENTRIES_MAX	10000
#define CACHE_OCTETS_MAX	(8u << 20)
#define CONNECT_MS_MAX		10000
#define IDLE_MS			60000
#define FIRST_MS		500	/* from a failure to the next try */
#define MOST_MS			60000

struct question;

/* A key of a question. */
struct key {
	struct asked_ask	 ask;
	struct key		*next;
	struct question		*question;
	bool			 begun;
	enum map_result		 is;	/* MAP_WAIT: not known yet */
	struct span		 value;
	const char		*why;
};

struct question {
	TAILQ_ENTRY(question)	 entry;
	struct asked_table	*table;
	uint64_t		 ticket;
	int64_t			 until_ms;
	struct arena		 arena;
	struct map_question	 asks;
	struct key		*keys, **end;
	size_t			 unknown;	/* keys, in this run */
	const char		*why;		/* of the key that failed */
	bool			 running, again;
	asked_cb		*cb;
	void			*arg;
};

struct asked_table {
	const struct asked_driver	*driver;
	void				*own;	/* driver's */
	char				*name;
	struct asked_label		 label;
	struct map			*map;	/* its kind's order of keys */
	struct asked_pool		*pool;
	struct asked_cache		*cache;
	int64_t				 timeout_ms, cache_ms, cache_none_ms;
	TAILQ_HEAD(, question)		 questions;	/* the oldest first */
	uint32_t			 nquestions;
	uint64_t			 last_ticket;
	struct timer			 timer;
	struct asked_stats		 stats;
	/* A time of failures, from the first to a minute without one. */
	bool				 failing, closing;
	uint64_t			 cause;		/* hash of the one told */
	int64_t				 complained_ms, failed_ms, calm_ms;
	uint64_t			 failures;
};

/* --- opening */

static void
state_changes(void *arg, const char *why)
{
	const struct asked_label	*l = arg;

	if (why != NULL)
		log_warnx("table map=%s driver=%s state=down problem=%s",
		    log_quote(span_of(l->name)), l->driver,
		    log_quote(span_of(why)));
	else
		log_info("table map=%s driver=%s state=up",
		    log_quote(span_of(l->name)), l->driver);
}

struct asked_pool *
asked_pool_of(const struct asked_driver *driver, void *own,
    const struct asked_source *src, const struct asked_label *label)
{
	int64_t				 timeout_ms = src->timeout_ms > 0 ?
	    src->timeout_ms : 5000;
	struct asked_pool_settings	 is = {
		.driver = driver, .table = own, .names = src->names,
		.connections = src->connections,
		.connect_ms = timeout_ms - timeout_ms / 5,
		.idle_ms = IDLE_MS, .first_ms = FIRST_MS, .most_ms = MOST_MS,
		.state = state_changes, .arg = (void *)(uintptr_t)label
	};

	if (is.connect_ms > CONNECT_MS_MAX)
		is.connect_ms = CONNECT_MS_MAX;
	return asked_pool_new(&is);
}

static struct map *
kind_of(const struct asked_source *src)
{
	struct map_source	 ms = {
		.name = src->name, .driver = src->driver,
		.kind = src->kind, .host = src->host, .fd = -1
	};

	return map_open(&ms);
}

struct asked_table *
asked_open_with(const struct asked_driver *driver,
    const struct asked_source *src, const char **why)
{
	struct asked_table	*t;
	void			*own = driver->open(src, why);

	if (own == NULL)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->driver = driver;
	t->own = own;
	t->name = xstrndup(src->name.n > 0 ? src->name.p : "", src->name.n);
	t->timeout_ms = src->timeout_ms > 0 ? src->timeout_ms : 5000;
	t->cache_ms = src->cache_ms;
	t->cache_none_ms = src->cache_none_ms;
	t->calm_ms = ASKED_COMPLAIN_MS;
	t->map = kind_of(src);
	t->label = (struct asked_label){ t->name, driver->name };
	t->pool = asked_pool_of(driver, own, src, &t->label);
	t->cache = asked_cache_new(CACHE_ENTRIES_MAX, CACHE_OCTETS_MAX);
	TAILQ_INIT(&t->questions);
	return t;
}

/* --- the end of a question */

static void
question_free(struct question *q)
{
	struct asked_table	*t = q->table;
	struct key		*k;

	for (k = q->keys; k != NULL; k = k->next)
		if (k->begun)
			asked_pool_forget(t->pool, &k->ask);
	TAILQ_REMOVE(&t->questions, q, entry);
	t->nquestions--;
	arena_clear(&q->arena);
	free(q);
}

void
asked_calm(struct asked_table *t, int64_t ms)
{
	t->calm_ms = ms;
}

/* The first failure is told, and another cause. */
static bool
is_news(const struct asked_table *t, uint64_t cause, int64_t now)
{
	return !t->failing || (cause != t->cause &&
	    now - t->complained_ms >= t->calm_ms);
}

/* A server that is down says so itself. */
static void
complain(struct asked_table *t, const struct question *q, const char *why)
{
	struct asked_stats	 st;
	int64_t			 now = loop_now_ms();
	uint64_t		 cause = hash_fixed(span_of(why));

	asked_pool_stats(t->pool, &st);
	if (st.down || t->closing)
		return;
	t->failed_ms = now;
	t->failures++;
	if (!is_news(t, cause, now))
		return;
	t->failing = true;
	t->cause = cause;
	t->complained_ms = now;
	log_warnx("table map=%s driver=%s state=failing key=%s failed=%" PRIu64
	    " problem=%s", log_quote(span_of(t->name)), t->driver->name,
	    log_quote(q->asks.key), t->failures, log_quote(span_of(why)));
}

/* It answers again: not when some answers come between failures. */
static void
content(struct asked_table *t)
{
	if (!t->failing || loop_now_ms() - t->failed_ms < t->calm_ms)
		return;
	log_info("table map=%s driver=%s state=answers failed=%" PRIu64,
	    log_quote(span_of(t->name)), t->driver->name, t->failures);
	t->failing = false;
	t->failures = 0;
}

static void
ends(struct question *q, enum map_result is, const struct map_answer *answer)
{
	const char	*why = q->why != NULL ? q->why : "it cannot be asked";

	if (is == MAP_LATER || is == MAP_BROKEN)
		complain(q->table, q, why);
	else
		content(q->table);
	q->cb(q->arg, is, is == MAP_FOUND ? answer : NULL,
	    is == MAP_LATER || is == MAP_BROKEN ? why : NULL);
	question_free(q);
}

/* --- keys */

static struct key *
key_of(const struct question *q, struct span octets)
{
	struct key	*k;

	for (k = q->keys; k != NULL; k = k->next)
		if (span_eq(k->ask.key, octets))
			return k;
	return NULL;
}

static void	key_done(struct asked_ask *, enum map_result,
		    const struct asked_rows *, const char *);

/* What is kept of it, or nothing yet. */
static struct key *
key_new(struct question *q, struct span octets)
{
	struct asked_table	*t = q->table;
	struct key		*k = arena_alloc(&q->arena, sizeof(*k));
	struct span		 value = SPAN_NONE;

	k->question = q;
	k->ask.key = arena_span(&q->arena, octets);
	k->ask.until_ms = q->until_ms;
	k->ask.done = key_done;
	k->is = asked_cache_get(t->cache, octets, loop_now_ms(), &value);
	if (k->is == MAP_FOUND)
		k->value = arena_span(&q->arena, value);
	if (k->is != MAP_WAIT)
		t->stats.cached++;
	*q->end = k;
	q->end = &k->next;
	return k;
}

/* map_look's find(). */
static enum map_result
find(void *ctx, struct span key, struct map_answer *out)
{
	struct question	*q = ctx;
	struct key	*k;
	char		 spelt[MAP_KEY_MAX];
	struct span	 s;

	if (memchr(key.p, '\0', key.n) != NULL)
		return MAP_NONE;
	s = asked_spelling(map_kind(q->table->map), key, spelt);
	if ((k = key_of(q, s)) == NULL)
		k = key_new(q, s);
	if (k->is == MAP_WAIT) {
		q->unknown++;
		return MAP_NONE;
	}
	*out = (struct map_answer){ .key = k->ask.key, .value = k->value };
	q->why = k->why;
	return k->is;
}

static void
begin(struct asked_table *t, struct key *k)
{
	k->begun = true;
	t->stats.asked++;
	asked_pool_ask(t->pool, &k->ask);
}

/* The first one that is wanted, and more where there is room. */
static void
begin_keys(struct question *q)
{
	struct asked_table	*t = q->table;
	struct key		*k;
	bool			 first = true;

	for (k = q->keys; k != NULL && !q->again; k = k->next) {
		if (k->is == MAP_WAIT && !k->begun &&
		    (first || asked_pool_room(t->pool)))
			begin(t, k);
		if (k->is == MAP_WAIT)
			first = false;
	}
}

/* One more run with what is known; true: that was the last. */
static bool
run(struct question *q)
{
	struct map_look		 look = { q->table->map, &q->arena, find, q };
	struct map_answer	 answer;
	enum map_result		 is;

	q->running = true;
	do {
		q->again = false;
		q->unknown = 0;
		q->why = NULL;
		is = map_look(&look, &q->asks, &answer);
		if (q->unknown == 0) {
			ends(q, is, &answer);
			return true;
		}
		begin_keys(q);
	} while (q->again);
	q->running = false;
	return false;
}

/* --- what the server says of a key */

static void
keep(struct asked_table *t, const struct key *k, int64_t ttl_ms)
{
	int64_t	 ms = k->is == MAP_FOUND ? t->cache_ms : t->cache_none_ms;

	if (ttl_ms > 0 && ttl_ms < ms)
		ms = ttl_ms;
	if (ms > 0)
		asked_cache_put(t->cache, k->ask.key, k->is, k->value,
		    loop_now_ms() + ms);
}

static void
take_rows(struct key *k, const struct asked_rows *rows)
{
	struct question	*q = k->question;
	struct span	 kind = map_kind(q->table->map);

	k->is = asked_rows_value(rows, kind, &q->arena, &k->value, &k->why);
	if (k->is == MAP_FOUND)
		k->is = asked_rows_check(kind, k->ask.key, &q->arena,
		    &k->value, &k->why);
}

static void
count(struct asked_stats *st, enum map_result is)
{
	if (is == MAP_FOUND)
		st->found++;
	else if (is == MAP_NONE)
		st->none++;
	else
		st->failed++;
}

static void
key_done(struct asked_ask *ask, enum map_result is,
    const struct asked_rows *rows, const char *why)
{
	struct key		*k = (struct key *)ask;
	struct question		*q = k->question;
	struct asked_table	*t = q->table;

	k->is = is;
	if (is == MAP_FOUND && rows != NULL)
		take_rows(k, rows);
	else if (is == MAP_FOUND)
		k->is = MAP_NONE;
	else if (is != MAP_NONE)
		k->why = arena_strdup(&q->arena, why != NULL ? why :
		    "the server cannot say");
	count(&t->stats, k->is);
	if (k->is == MAP_FOUND || k->is == MAP_NONE)
		keep(t, k, rows != NULL ? rows->ttl_ms : 0);
	if (q->running)
		q->again = true;
	else
		(void)run(q);
}

/* --- questions */

static void
copy_question(struct question *q, const struct map_question *asks)
{
	q->asks = *asks;
	q->asks.key = arena_span(&q->arena, asks->key);
	q->asks.detail_chars = arena_span(&q->arena, asks->detail_chars);
	if (q->asks.at > q->asks.key.n)
		q->asks.at = q->asks.key.n;
}

/* What the oldest has been waiting for: a free connection, or the server. */
static const char *
late(struct question *q)
{
	const struct key	*k;

	for (k = q->keys; k != NULL; k = k->next)
		if (k->begun && k->ask.conn != NULL)
			return arena_printf(&q->arena,
			    "no answer within %" PRId64 " ms",
			    q->table->timeout_ms).p;
	return arena_printf(&q->arena, "no connection was free within "
	    "%" PRId64 " ms", q->table->timeout_ms).p;
}

/* All wait equally long: the first of the list runs out first. */
static void
time_over(void *arg)
{
	struct asked_table	*t = arg;
	struct question		*q;
	int64_t			 now = loop_now_ms();

	while ((q = TAILQ_FIRST(&t->questions)) != NULL &&
	    q->until_ms <= now) {
		t->stats.failed++;
		q->why = late(q);
		ends(q, MAP_LATER, NULL);
	}
	if (q != NULL)
		timer_set(&t->timer, q->until_ms - now, time_over, t);
}

uint64_t
asked_ask(struct asked_table *t, const struct map_question *asks,
    asked_cb *cb, void *arg)
{
	struct question	*q;
	uint64_t	 ticket;

	if (t->nquestions >= ASKED_QUESTIONS_MAX) {
		t->stats.failed++;
		cb(arg, MAP_LATER, NULL, "too many questions wait already");
		return 0;
	}
	q = xcalloc(1, sizeof(*q));
	q->table = t;
	q->ticket = ticket = ++t->last_ticket;
	q->until_ms = loop_now_ms() + t->timeout_ms;
	q->end = &q->keys;
	q->cb = cb;
	q->arg = arg;
	copy_question(q, asks);
	TAILQ_INSERT_TAIL(&t->questions, q, entry);
	t->nquestions++;
	if (!timer_pending(&t->timer))
		timer_set(&t->timer, t->timeout_ms, time_over, t);
	return run(q) ? 0 : ticket;
}

void
asked_cancel(struct asked_table *t, uint64_t ticket)
{
	struct question	*q;

	TAILQ_FOREACH(q, &t->questions, entry)
		if (q->ticket == ticket) {
			question_free(q);
			return;
		}
}

void
asked_close(struct asked_table **tp)
{
	struct asked_table	*t = *tp;
	struct question		*q;

	*tp = NULL;
	if (t == NULL)
		return;
	t->closing = true;	/* that is no failure */
	while ((q = TAILQ_FIRST(&t->questions)) != NULL) {
		q->why = "the table is being closed";
		ends(q, MAP_LATER, NULL);
	}
	asked_pool_free(&t->pool);
	t->driver->close(t->own);
	asked_cache_free(&t->cache);
	timer_clear(&t->timer);
	map_close(&t->map);
	free(t->name);
	free(t);
}

void
asked_stats(const struct asked_table *t, struct asked_stats *st)
{
	*st = t->stats;
	asked_pool_stats(t->pool, st);
	st->waiting = t->nquestions;
}
