/*
 * service.c - AUTH_VERIFY of one channel.
 *
 * A question is a copy of the user's entry and of the password, so that it
 * lives on when the table or the channel goes; both are wiped.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/auth/pam.h"
#include "mta/auth/service.h"

struct peer {
	struct auth_service	*service;
	struct chan		*chan;		/* NULL: it has gone */
	size_t			 waiting;
};

struct question {
	struct peer		*peer;
	uint64_t		 ticket;
	struct auth_verdict	 verdict;
	struct span		 raw, password;	/* behind it */
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
		auth_answer(k->chan, ticket, v);
}

static void
answer_at_once(struct peer *k, uint64_t ticket, enum auth_result r)
{
	struct auth_verdict	 v = { .result = r };

	answer(k, ticket, &v);
}

/* --- a question that waits */

static struct question *
question_new(struct peer *k, uint64_t ticket, struct span raw,
    struct span password)
{
	struct question	*q = xmalloc(sizeof(*q) + raw.n + password.n);

	*q = (struct question){ .peer = k, .ticket = ticket };
	q->raw = span_mem(q->octets, raw.n);
	q->password = span_mem(q->octets + raw.n, password.n);
	if (raw.n > 0)
		memcpy(q->octets, raw.p, raw.n);
	if (password.n > 0)
		memcpy(q->octets + raw.n, password.p, password.n);
	k->waiting++;
	k->service->waiting++;
	return q;
}

static void
question_done(void *arg)
{
	struct question	*q = arg;
	struct peer	*k = q->peer;

	answer(k, q->ticket, &q->verdict);
	k->waiting--;
	k->service->waiting--;
	explicit_bzero(q->octets, q->raw.n + q->password.n);
	free(q);
	peer_release(k);
}

/* On a thread. */
static void
question_work(void *arg)
{
	struct question	*q = arg;

	account_verify(q->raw, q->password, &q->verdict);
}

static void
pam_says(void *arg, enum auth_result r)
{
	struct question	*q = arg;

	q->verdict.result = r;
	question_done(q);
}

/* --- who is asked */

/* A user whom nobody has takes as long as one of a file. */
static void
verify(struct peer *k, uint64_t ticket, struct span map, struct span user,
    struct span password)
{
	struct auth_service	*s = k->service;
	struct auth_user	 who;
	enum map_result		 is;

	if (s->waiting >= AUTH_WAITING_MAX) {
		s->busy++;
		answer_at_once(k, ticket, AUTH_CANNOT);
		return;
	}
	is = auth_tables_user(&s->tables, map, user, &who);
	if (is == MAP_FOUND && who.way == AUTH_BY_PAM)
		pam_ask(s->parent != NULL ? s->parent() : NULL, who.name,
		    password, pam_says,
		    question_new(k, ticket, SPAN_NONE, SPAN_NONE));
	else if (is == MAP_FOUND || is == MAP_NONE)
		pool_run(s->pool, question_work, question_done,
		    question_new(k, ticket, is == MAP_FOUND ? who.raw :
		    SPAN_NONE, password));
	else
		answer_at_once(k, ticket, AUTH_CANNOT);
}

/* The password lies in the channel's buffer, which is read no more. */
static void
wipe(struct span s)
{
	if (s.n > 0)
		explicit_bzero((void *)(uintptr_t)s.p, s.n);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct peer	*k = arg;
	uint64_t	 ticket;
	struct span	 map, user, password;

	(void)c;
	if (m->type != MSG_AUTH_VERIFY)
		return false;
	ticket = msg_u64(m);
	map = msg_bytes(m, AUTH_MAP_MAX);
	user = msg_bytes(m, AUTH_USER_MAX);
	password = msg_bytes(m, AUTH_PASSWORD_MAX);
	if (!msg_end(m)) {
		wipe(password);
		return false;
	}
	verify(k, ticket, map, user, password);
	wipe(password);
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
}
