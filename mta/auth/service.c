/*
 * service.c - AUTH_VERIFY of one channel.
 *
 * A question is a copy of what was asked and of the user's secrets, so that it
 * lives on when the table or the channel goes; it is wiped.
 */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/auth/pam.h"
#include "mta/auth/rows.h"
#include "mta/auth/secret.h"
#include "mta/auth/service.h"

#define COMPLAIN_MS	60000	/* between two lines about secrets that are none */

struct peer {
	struct auth_service	*service;
	struct chan		*chan;		/* NULL: it has gone */
	size_t			 waiting;
};

struct question {
	struct peer		*peer;
	uint64_t		 ticket;
	struct auth_verdict	 verdict;
	size_t			 from;		/* tables before it do not have him */
	struct span		 raw;		/* a file's entry; wiped and freed */
	struct auth_rows	*rows;		/* a server's, or NULL */
	const char		*why;		/* a server's secret is none; static */
	struct span		 map, user, password;	/* behind it */
	char			 octets[];
};

static void
peer_release(struct peer *k)
{
	if (k->chan == NULL && k->waiting == 0)
		free(k);
}

static void
count(struct auth_service *s, enum auth_result r)
{
	s->right += r == AUTH_RIGHT;
	s->wrong += r == AUTH_WRONG;
	s->cannot += r == AUTH_CANNOT;
}

static void
answer(struct peer *k, uint64_t ticket, const struct auth_verdict *v)
{
	count(k->service, v->result);
	if (k->chan != NULL)
		auth_verdict_put(k->chan, ticket, AUTH_ASK_PASSWORD, v);
}

static void
answer_at_once(struct peer *k, uint64_t ticket, enum auth_result r)
{
	struct auth_verdict	 v = { .result = r };

	answer(k, ticket, &v);
}

/* --- a question that waits */

static struct span
copied(char **to, struct span s)
{
	struct span	 copy = span_mem(*to, s.n);

	if (s.n > 0)
		memcpy(*to, s.p, s.n);
	*to += s.n;
	return copy;
}

static struct question *
question_new(struct peer *k, uint64_t ticket, struct span map,
    struct span user, struct span password)
{
	struct question	*q = xmalloc(sizeof(*q) + map.n + user.n +
	    password.n);
	char		*to = q->octets;

	*q = (struct question){ .peer = k, .ticket = ticket };
	q->map = copied(&to, map);
	q->user = copied(&to, user);
	q->password = copied(&to, password);
	k->waiting++;
	k->service->waiting++;
	return q;
}

/* What a server has as secrets and is none; never a piece of it. */
static void
complain(struct auth_service *s, const struct question *q)
{
	int64_t	 now = loop_now_ms();

	if (s->complained_ms != 0 && now - s->complained_ms < COMPLAIN_MS)
		return;
	s->complained_ms = now;
	log_warnx("verify map=%s problem=%s", log_quote(q->map),
	    log_quote(span_of(q->why)));
}

static void
question_done(void *arg)
{
	struct question	*q = arg;
	struct peer	*k = q->peer;

	if (q->why != NULL)
		complain(k->service, q);
	answer(k, q->ticket, &q->verdict);
	k->waiting--;
	k->service->waiting--;
	if (q->raw.n > 0) {
		explicit_bzero((void *)(uintptr_t)q->raw.p, q->raw.n);
		free((void *)(uintptr_t)q->raw.p);
	}
	if (q->rows != NULL)
		auth_rows_clear(q->rows);
	free(q->rows);
	explicit_bzero(q->octets, q->map.n + q->user.n + q->password.n);
	free(q);
	peer_release(k);
}

static void
question_ends(struct question *q, enum auth_result is)
{
	q->verdict.result = is;
	question_done(q);
}

/* --- who is asked: a file's entry, and nobody's */

/* On a thread, as the next. */
static void
entry_work(void *arg)
{
	struct question	*q = arg;

	account_verify(q->raw, q->password, &q->verdict);
}

static void
rows_work(void *arg)
{
	struct question	*q = arg;

	account_verify_secrets(q->rows->v, q->rows->n, q->password,
	    &q->verdict, &q->why);
}

static void
ask_entry(struct question *q, struct span raw)
{
	char	*copy;

	if (raw.n > 0) {
		copy = xmalloc(raw.n);
		memcpy(copy, raw.p, raw.n);
		q->raw = span_mem(copy, raw.n);
	}
	pool_run(q->peer->service->pool, entry_work, question_done, q);
}

/* --- PAM */

static void
pam_says(void *arg, enum auth_result r)
{
	question_ends(arg, r);
}

static void
ask_pam(struct question *q, struct span name)
{
	struct auth_service	*s = q->peer->service;

	pam_ask(s->parent != NULL ? s->parent() : NULL, name, q->password,
	    pam_says, q);
}

/* --- a server */

static void	ask(struct question *);

static void
take_secrets(struct question *q, const struct asked_rows *rows)
{
	q->rows = xcalloc(1, sizeof(*q->rows));
	if (auth_rows_take(q->rows, rows, &q->why) == 0)
		pool_run(q->peer->service->pool, rows_work, question_done, q);
	else
		question_ends(q, AUTH_CANNOT);
}

static void
server_says(void *arg, enum asked_proof is, const struct asked_rows *rows)
{
	struct question	*q = arg;

	switch (is) {
	case ASKED_NOBODY:
		ask(q);
		break;
	case ASKED_SECRETS:
		take_secrets(q, rows);
		break;
	case ASKED_RIGHT:
		question_ends(q, AUTH_RIGHT);
		break;
	case ASKED_WRONG:
		question_ends(q, AUTH_WRONG);
		break;
	case ASKED_CANNOT:
		question_ends(q, AUTH_CANNOT);
		break;
	}
}

/* What can be no password is none: an empty one logs in nobody, somewhere. */
static void
ask_server(struct question *q, const struct auth_user *who)
{
	q->from = who->next;
	if (q->password.n == 0 || q->password.n > SECRET_PASSWORD_MAX ||
	    span_index(q->password, '\0') >= 0)
		question_ends(q, AUTH_WRONG);
	else
		asked_verify_ask(who->server, q->user, q->password,
		    server_says, q);
}

/* --- all of them */

/* A user whom nobody has takes as long as one of a file. */
static void
ask(struct question *q)
{
	struct auth_user	 who;
	enum map_result		 is;

	is = auth_tables_user(&q->peer->service->tables, q->map, q->user,
	    q->from, &who);
	if (is == MAP_NONE)
		ask_entry(q, SPAN_NONE);
	else if (is != MAP_FOUND)
		question_ends(q, AUTH_CANNOT);
	else if (who.way == AUTH_BY_PAM)
		ask_pam(q, who.name);
	else if (who.way == AUTH_BY_SERVER)
		ask_server(q, &who);
	else
		ask_entry(q, who.raw);
}

static void
verify(struct peer *k, uint64_t ticket, struct span map, struct span user,
    struct span password)
{
	struct auth_service	*s = k->service;

	if (s->waiting >= AUTH_WAITING_MAX) {
		s->busy++;
		answer_at_once(k, ticket, AUTH_CANNOT);
		return;
	}
	ask(question_new(k, ticket, map, user, password));
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct peer	*k = arg;
	uint64_t	 ticket;
	struct auth_question	 q;

	(void)c;
	if (!auth_question_read(m, &ticket, &q))
		return false;
	verify(k, ticket, q.map, q.user, q.secret);
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct peer	*k = arg;

	(void)c;
	k->chan = NULL;
	peer_release(k);
}

void
auth_service_peer(struct auth_service *s, int fd, const char *name)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct peer			*k = xcalloc(1, sizeof(*k));

	k->service = s;
	k->chan = chan_new(fd, name, &ops, k);
	chan_secret(k->chan);
}
