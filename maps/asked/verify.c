/*
 * verify.c - the secrets of an account that a server has, or its own word on
 * a password: for the auth process alone.
 *
 * The key is asked as it stands, in small letters, without a kind's other
 * keys and without a cache.  With `bind` the entry's name is searched by the
 * table's own login, and the password goes to connections of another pool,
 * each for one login, on which nothing is searched.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/map_int.h"

#include "maps/asked/asked_int.h"

/* The driver's words for one thing, and the connections for it. */
struct side {
	void			*own;
	struct asked_pool	*pool;
};

struct question {
	struct asked_ask	 ask;
	TAILQ_ENTRY(question)	 entry;
	struct asked_verify	*verify;
	const struct side	*side;		/* that is asked */
	struct span		 password;
	bool			 known;		/* there is none: is he there? */
	asked_verify_cb		*cb;
	void			*arg;
	size_t			 n;
	char			 key[MAP_KEY_MAX];	/* user, then DN */
};

struct asked_verify {
	const struct asked_driver	*driver;
	char				*name;
	struct asked_label		 label;
	struct side			 query, bind;	/* bind.pool NULL: rows are the secrets */
	int64_t				 timeout_ms;
	TAILQ_HEAD(, question)		 questions;	/* the oldest first */
	struct timer			 timer;
	uint64_t			 failed;
	int64_t				 complained_ms;	/* 0: not yet */
};

/* --- opening */

static int
side_open(struct asked_verify *v, struct side *s,
    const struct asked_source *src, const char **why)
{
	if ((s->own = v->driver->open(src, why)) == NULL)
		return -1;
	s->pool = asked_pool_of(v->driver, s->own, src, &v->label);
	return 0;
}

static void
side_close(struct asked_verify *v, struct side *s)
{
	asked_pool_free(&s->pool);
	if (s->own != NULL)
		v->driver->close(s->own);
	s->own = NULL;
}

/* The search for the entry, as `login`; and the login as it. */
static int
open_bind(struct asked_verify *v, const struct asked_source *src,
    const char **why)
{
	struct asked_source	 search = *src, bind = *src;

	search.want = ASKED_DN;
	search.attributes = SPAN_NONE;
	bind.login = bind.password = SPAN_NONE;
	return side_open(v, &v->query, &search, why) == -1 ? -1 :
	    side_open(v, &v->bind, &bind, why);
}

struct asked_verify *
asked_verify_open(const struct asked_source *src, const char **why)
{
	const struct asked_driver	*driver;
	struct asked_verify		*v;

	if ((driver = asked_driver_find(src->driver, why)) == NULL)
		return NULL;
	v = xcalloc(1, sizeof(*v));
	TAILQ_INIT(&v->questions);
	v->driver = driver;
	v->name = xstrndup(src->name.n > 0 ? src->name.p : "", src->name.n);
	v->label = (struct asked_label){ v->name, driver->name };
	v->timeout_ms = src->timeout_ms > 0 ? src->timeout_ms : 5000;
	if ((src->want == ASKED_BIND ? open_bind(v, src, why) :
	    side_open(v, &v->query, src, why)) == -1)
		asked_verify_close(&v);
	return v;
}

/* --- the end of a question */

static void
complain(struct asked_verify *v, const char *why)
{
	int64_t	 now = loop_now_ms();

	v->failed++;
	if (v->complained_ms != 0 &&
	    now - v->complained_ms < ASKED_COMPLAIN_MS)
		return;
	v->complained_ms = now;
	log_warnx("verify map=%s driver=%s failed=%" PRIu64 " problem=%s",
	    log_quote(span_of(v->name)), v->driver->name, v->failed,
	    log_quote(span_of(why)));
}

static void
ends(struct question *q, enum asked_proof is, const struct asked_rows *rows)
{
	if (q->side != NULL)
		asked_pool_forget(q->side->pool, &q->ask);
	TAILQ_REMOVE(&q->verify->questions, q, entry);
	q->cb(q->arg, is, rows);
	free(q);
}

static void
fails(struct question *q, const char *why)
{
	complain(q->verify, why != NULL ? why : "the server cannot say");
	ends(q, ASKED_CANNOT, NULL);
}

/* Values lie in memory of the driver, which is for nobody else. */
static void
wipe(const struct asked_rows *rows)
{
	size_t	 i;

	for (i = 0; i < rows->nrows * rows->ncolumns; i++)
		if (rows->values[i].n > 0)
			explicit_bzero((void *)(uintptr_t)rows->values[i].p,
			    rows->values[i].n);
}

/* --- what the server says */

static void
ask(struct question *q, const struct side *side,
    void (*done)(struct asked_ask *, enum map_result,
    const struct asked_rows *, const char *))
{
	q->side = side;
	q->ask.key = span_mem(q->key, q->n);
	q->ask.done = done;
	asked_pool_ask(side->pool, &q->ask);
}

static void
bind_done(struct asked_ask *a, enum map_result is,
    const struct asked_rows *rows, const char *why)
{
	struct question	*q = (struct question *)a;

	(void)rows;
	if (is == MAP_FOUND || is == MAP_NONE)
		ends(q, is == MAP_FOUND ? ASKED_RIGHT : ASKED_WRONG, NULL);
	else
		fails(q, why);
}

/* One entry, no more, is the user. */
static void
bind_as(struct question *q, const struct asked_rows *rows)
{
	struct span	 dn = rows->values[0];

	if (rows->nrows > 1) {
		fails(q, "the filter finds several entries for one user");
		return;
	}
	if (dn.n == 0 || dn.n > MAP_KEY_MAX) {
		fails(q, "the entry has no name, or one longer than 1024 "
		    "octets");
		return;
	}
	if (q->known) {
		ends(q, ASKED_RIGHT, NULL);
		return;
	}
	memcpy(q->key, dn.p, dn.n);
	q->n = dn.n;
	q->ask.password = q->password;
	ask(q, &q->verify->bind, bind_done);
}

static void
query_done(struct asked_ask *a, enum map_result is,
    const struct asked_rows *rows, const char *why)
{
	struct question	*q = (struct question *)a;

	if (is == MAP_NONE || (is == MAP_FOUND && (rows == NULL ||
	    rows->nrows == 0 || rows->ncolumns == 0)))
		ends(q, ASKED_NOBODY, NULL);
	else if (is != MAP_FOUND)
		fails(q, why);
	else if (q->verify->bind.pool != NULL)
		bind_as(q, rows);
	else {
		ends(q, ASKED_SECRETS, rows);
		wipe(rows);
	}
}

/* --- questions */

/* All wait equally long: the first of the list runs out first. */
static void
time_over(void *arg)
{
	struct asked_verify	*v = arg;
	struct question		*q;
	int64_t			 now = loop_now_ms();

	while ((q = TAILQ_FIRST(&v->questions)) != NULL &&
	    q->ask.until_ms <= now)
		fails(q, "no answer in time");
	if (q != NULL)
		timer_set(&v->timer, q->ask.until_ms - now, time_over, v);
}

static void
begin(struct asked_verify *v, struct span user, const struct question *as)
{
	struct question	*q;

	if (user.n == 0 || user.n > MAP_KEY_MAX ||
	    memchr(user.p, '\0', user.n) != NULL) {
		as->cb(as->arg, ASKED_NOBODY, NULL);
		return;
	}
	q = xmalloc(sizeof(*q));
	*q = *as;
	q->verify = v;
	q->n = asked_spelling(SPAN("accounts"), user, q->key).n;
	q->ask.until_ms = loop_now_ms() + v->timeout_ms;
	TAILQ_INSERT_TAIL(&v->questions, q, entry);
	if (!timer_pending(&v->timer))
		timer_set(&v->timer, v->timeout_ms, time_over, v);
	ask(q, &v->query, query_done);
}

void
asked_verify_ask(struct asked_verify *v, struct span user,
    struct span password, asked_verify_cb *cb, void *arg)
{
	const struct question	 as = {
		.password = password, .cb = cb, .arg = arg
	};

	begin(v, user, &as);
}

void
asked_verify_known(struct asked_verify *v, struct span user,
    asked_verify_cb *cb, void *arg)
{
	const struct question	 as = { .known = true, .cb = cb, .arg = arg };

	begin(v, user, &as);
}

bool
asked_verify_has_secrets(const struct asked_verify *v)
{
	return v->bind.pool == NULL;
}

void
asked_verify_close(struct asked_verify **vp)
{
	struct asked_verify	*v = *vp;
	struct question		*q;

	*vp = NULL;
	if (v == NULL)
		return;
	while ((q = TAILQ_FIRST(&v->questions)) != NULL)
		ends(q, ASKED_CANNOT, NULL);
	side_close(v, &v->query);
	side_close(v, &v->bind);
	timer_clear(&v->timer);
	free(v->name);
	free(v);
}
