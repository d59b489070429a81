/*
 * tokens.c - questions to the verifier of tokens.
 *
 * A connection that was good before and is lost under a question costs that
 * another try; any other failure is the question's end, and the next wait.
 */
#include "config.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/asked/dial.h"
#include "maps/asked/socketmap.h"

#include "mta/auth/secret.h"
#include "mta/auth/tokens.h"

#define READ_SIZE	4096
#define REPLY_MAX	8192	/* octets; a name and its netstring */
#define IDLE_MS		60000	/* then a connection is closed */

struct token_ask {
	TAILQ_ENTRY(token_ask)	 entry;		/* of those that wait */
	int64_t			 until_ms;
	struct buf		 request;
	bool			 again;		/* was lost once */
	tokens_cb		*cb;
	void			*arg;
};

struct conn {
	TAILQ_ENTRY(conn)	 entry;
	struct tokens		*tokens;
	struct asked_dial	*dial;		/* is being opened */
	int			 fd;
	struct watch		 watch;
	struct timer		 timer;		/* of the question, or idle */
	struct token_ask	*ask;		/* NULL: idle */
	bool			 served;
	size_t			 sent;
	struct buf		 in;
};

TAILQ_HEAD(token_asks, token_ask);

struct tokens {
	char			*where;
	struct asked_place	 place;
	const struct asked_names *names;
	TAILQ_HEAD(, conn)	 conns;
	size_t			 nconns;
	struct token_asks	 waiting;
	size_t			 nwaiting;
	struct timer		 timer;		/* the first that waits */
	unsigned		 failures;	/* in a row */
	int64_t			 retry_ms;	/* nothing is tried before */
};

static void	 dispatch(struct tokens *);
static void	 on_ready(void *, int);

/* --- the end of a question */

static void
answer(struct token_ask *a, enum auth_result is, struct span name)
{
	secret_buf_clear(&a->request);
	a->cb(a->arg, is, name);
	free(a);
}

static void
fail_waiting(struct tokens *t)
{
	struct token_asks	 all;
	struct token_ask	*a;

	TAILQ_INIT(&all);
	TAILQ_CONCAT(&all, &t->waiting, entry);
	t->nwaiting = 0;
	timer_stop(&t->timer);
	while ((a = TAILQ_FIRST(&all)) != NULL) {
		TAILQ_REMOVE(&all, a, entry);
		answer(a, AUTH_CANNOT, SPAN_NONE);
	}
}

/* --- connections */

static void
conn_free(struct conn *c)
{
	struct tokens	*t = c->tokens;

	TAILQ_REMOVE(&t->conns, c, entry);
	t->nconns--;
	asked_dial_free(&c->dial);
	watch_clear(&c->watch);
	timer_clear(&c->timer);
	if (c->fd != -1)
		close(c->fd);
	buf_clear(&c->in);
	free(c);
}

static void
has_failed(struct tokens *t, const char *why)
{
	int64_t		 ms = TOKENS_BACKOFF_MS;
	unsigned	 i;

	if (t->failures++ == 0)
		log_warnx("tokens=%s event=down why=%s",
		    log_quote(span_of(t->where)), log_quote(span_of(why)));
	for (i = 1; i < t->failures && ms < TOKENS_BACKOFF_MAX_MS; i++)
		ms *= 2;
	t->retry_ms = loop_now_ms() +
	    (ms < TOKENS_BACKOFF_MAX_MS ? ms : TOKENS_BACKOFF_MAX_MS);
	if (t->nconns == 0)
		fail_waiting(t);
}

static void
is_up(struct tokens *t)
{
	if (t->failures > 0)
		log_info("tokens=%s event=up", log_quote(span_of(t->where)));
	t->failures = 0;
	t->retry_ms = 0;
}

/* It is of no more use; what it was asked is asked once more, or given up. */
static void
lost(struct conn *c, const char *why)
{
	struct tokens		*t = c->tokens;
	struct token_ask	*a = c->ask;
	bool			 again = c->served && a != NULL && !a->again;

	conn_free(c);
	if (a == NULL)
		return;		/* it had nothing to do */
	if (again) {
		a->again = true;
		TAILQ_INSERT_HEAD(&t->waiting, a, entry);
		t->nwaiting++;
		dispatch(t);
		return;
	}
	has_failed(t, why);
	if (a != NULL)
		answer(a, AUTH_CANNOT, SPAN_NONE);
}

static void
on_time(void *arg)
{
	struct conn	*c = arg;

	c->served = false;	/* a server that is silent is asked no more */
	lost(c, "no answer in time");
}

static void
watch_again(struct conn *c)
{
	bool	 writes = c->ask != NULL && c->sent < c->ask->request.n;

	watch_set(&c->watch, c->fd, LOOP_READ | (writes ? LOOP_WRITE : 0),
	    on_ready, c);
}

/* false: c is gone. */
static bool
write_more(struct conn *c)
{
	struct span	 left = span_from(buf_span(&c->ask->request), c->sent);
	ssize_t		 n = send(c->fd, left.p, left.n,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		lost(c, strerror(errno));
		return false;
	}
	if (n > 0)
		c->sent += (size_t)n;
	watch_again(c);
	return true;
}

static void
give(struct conn *c, struct token_ask *a)
{
	int64_t	 left = a->until_ms - loop_now_ms();

	c->ask = a;
	c->sent = 0;
	timer_set(&c->timer, left > 1 ? left : 1, on_time, c);
	(void)write_more(c);
}

static enum auth_result
result_of(enum map_result is)
{
	return is == MAP_FOUND ? AUTH_RIGHT : is == MAP_NONE ? AUTH_WRONG :
	    AUTH_CANNOT;
}

static void
take_reply(struct conn *c, const struct socketmap_reply *r)
{
	struct tokens		*t = c->tokens;
	struct token_ask	*a = c->ask;
	struct buf		 in = c->in;

	c->in = (struct buf){ 0 };
	c->ask = NULL;
	c->served = true;
	timer_set(&c->timer, IDLE_MS, on_time, c);
	is_up(t);
	if (result_of(r->result) == AUTH_CANNOT)
		log_warnx("tokens=%s event=cannot why=%s",
		    log_quote(span_of(t->where)), log_quote(r->text));
	answer(a, result_of(r->result), r->text);
	buf_clear(&in);
	dispatch(t);
}

static void
take_replies(struct conn *c)
{
	struct socketmap_reply	 r;
	const char		*why = "a reply of more than 8 KiB";
	size_t			 used;
	int			 rc;

	rc = socketmap_parse(buf_span(&c->in), &used, &r, &why);
	if (rc == 0 && c->in.n <= REPLY_MAX)
		return;
	c->served = false;	/* who speaks nonsense is not asked again */
	if (rc == 1 && used == c->in.n)
		take_reply(c, &r);
	else
		lost(c, rc == 1 ? "more than one reply" : why);
}

static void
read_more(struct conn *c)
{
	ssize_t	 n = recv(c->fd, buf_reserve(&c->in, READ_SIZE), READ_SIZE,
	    MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1)
		lost(c, strerror(errno));
	else if (n == 0)
		lost(c, "the connection was closed");
	else if (c->ask == NULL)
		lost(c, "an answer without a question");
	else {
		buf_grown(&c->in, (size_t)n);
		take_replies(c);
	}
}

static void
on_ready(void *arg, int what)
{
	struct conn	*c = arg;

	if ((what & LOOP_WRITE) != 0 && c->ask != NULL && !write_more(c))
		return;
	if (what & LOOP_READ)
		read_more(c);
}

static void
on_dialled(void *arg, int fd, const char *why)
{
	struct conn	*c = arg;
	struct tokens	*t = c->tokens;

	if (fd == -1) {
		has_failed(t, why);
		conn_free(c);
		if (t->nconns == 0)
			fail_waiting(t);
		return;
	}
	c->fd = fd;
	asked_dial_free(&c->dial);
	timer_set(&c->timer, IDLE_MS, on_time, c);
	watch_again(c);
	dispatch(t);
}

static void
conn_open(struct tokens *t)
{
	struct conn	*c = xcalloc(1, sizeof(*c));

	c->tokens = t;
	c->fd = -1;
	TAILQ_INSERT_TAIL(&t->conns, c, entry);
	t->nconns++;
	c->dial = asked_dial_new(&t->place, t->names, TOKENS_WAIT_MS / 2,
	    on_dialled, c);
}

/* --- questions */

static struct conn *
idle_of(struct tokens *t)
{
	struct conn	*c;

	TAILQ_FOREACH(c, &t->conns, entry)
		if (c->fd != -1 && c->ask == NULL)
			return c;
	return NULL;
}

static size_t
opening(const struct tokens *t)
{
	const struct conn	*c;
	size_t			 n = 0;

	TAILQ_FOREACH(c, &t->conns, entry)
		n += c->fd == -1;
	return n;
}

static void
late(void *arg)
{
	struct tokens		*t = arg;
	struct token_ask	*a;
	int64_t			 now = loop_now_ms();

	while ((a = TAILQ_FIRST(&t->waiting)) != NULL && a->until_ms <= now) {
		TAILQ_REMOVE(&t->waiting, a, entry);
		t->nwaiting--;
		answer(a, AUTH_CANNOT, SPAN_NONE);
	}
	if (a != NULL)
		timer_set(&t->timer, a->until_ms - now, late, t);
}

static void
dispatch(struct tokens *t)
{
	struct token_ask	*a;
	struct conn		*c;

	while ((a = TAILQ_FIRST(&t->waiting)) != NULL &&
	    (c = idle_of(t)) != NULL) {
		TAILQ_REMOVE(&t->waiting, a, entry);
		t->nwaiting--;
		give(c, a);
	}
	while (t->nwaiting > opening(t) && t->nconns < TOKENS_CONNECTIONS &&
	    loop_now_ms() >= t->retry_ms)
		conn_open(t);
	if (t->nwaiting > 0 && t->nconns == 0)
		fail_waiting(t);
	else if (t->nwaiting > 0 && !timer_pending(&t->timer))
		timer_set(&t->timer, TAILQ_FIRST(&t->waiting)->until_ms -
		    loop_now_ms(), late, t);
}

/* A blank would end the name, or the token. */
static bool
is_word(struct span s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static struct token_ask *
ask_new(struct span user, struct span token, tokens_cb *cb, void *arg)
{
	struct token_ask	*a = xcalloc(1, sizeof(*a));
	struct buf		 key = { 0 };

	a->cb = cb;
	a->arg = arg;
	a->until_ms = loop_now_ms() + TOKENS_WAIT_MS;
	/* In one piece: what grows leaves copies behind. */
	(void)buf_reserve(&key, user.n + token.n + 2);
	(void)buf_reserve(&a->request, user.n + token.n + 64);
	buf_add_span(&key, user);
	buf_add_char(&key, ' ');
	buf_add_span(&key, token);
	socketmap_request(&a->request, SPAN("oauth"), buf_span(&key));
	secret_buf_clear(&key);
	return a;
}

void
tokens_ask(struct tokens *t, struct span user, struct span token,
    tokens_cb *cb, void *arg)
{
	struct token_ask	*a;

	if (token.n == 0 || !is_word(user) || !is_word(token)) {
		cb(arg, AUTH_WRONG, SPAN_NONE);
		return;
	}
	if (t->nwaiting >= TOKENS_WAITING_MAX) {
		cb(arg, AUTH_CANNOT, SPAN_NONE);
		return;
	}
	a = ask_new(user, token, cb, arg);
	TAILQ_INSERT_TAIL(&t->waiting, a, entry);
	t->nwaiting++;
	dispatch(t);
}

/* --- */

struct tokens *
tokens_new(struct span where, const struct asked_names *names,
    const char **why)
{
	struct tokens	*t = xcalloc(1, sizeof(*t));

	TAILQ_INIT(&t->conns);
	TAILQ_INIT(&t->waiting);
	t->names = names;
	t->where = xstrndup(where.n > 0 ? where.p : "", where.n);
	if (asked_place_parse(span_from(where, span_prefix(where,
	    SPAN("inet6:")) ? 6 : 0), 0, &t->place, why) == -1)
		tokens_free(&t);
	return t;
}

void
tokens_free(struct tokens **tp)
{
	struct tokens		*t = *tp;
	struct conn		*c;
	struct token_ask	*a;

	*tp = NULL;
	if (t == NULL)
		return;
	while ((c = TAILQ_FIRST(&t->conns)) != NULL) {
		a = c->ask;
		conn_free(c);
		if (a != NULL)
			answer(a, AUTH_CANNOT, SPAN_NONE);
	}
	fail_waiting(t);
	timer_clear(&t->timer);
	asked_place_clear(&t->place);
	free(t->where);
	free(t);
}

bool
tokens_down(const struct tokens *t)
{
	return t->failures > 0;
}

struct span
tokens_where(const struct tokens *t)
{
	return span_of(t->where);
}
