/*
 * logins.c - LOGIN_BEGIN to LOGIN_END, many at once.
 */
#include "config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/credentials/login.h"

#define SAME_MS		600000	/* the same complaint is logged so often */

struct logins *
logins_new(struct tokens *tokens)
{
	struct logins	*all = xcalloc(1, sizeof(*all));

	all->tokens = tokens;
	all->gate = gate_new(clock_boot_ms);
	TAILQ_INIT(&all->open);
	return all;
}

static void
forget(struct login *l)
{
	TAILQ_REMOVE(&l->all->open, l, entry);
	l->all->counts.open--;
	login_drop(l);
}

static void
forget_all(struct logins *all)
{
	while (!TAILQ_EMPTY(&all->open))
		forget(TAILQ_FIRST(&all->open));
}

void
logins_free(struct logins **allp)
{
	struct logins	*all = *allp;

	*allp = NULL;
	if (all == NULL)
		return;
	forget_all(all);
	chan_free(&all->chan);
	gate_free(&all->gate);
	sources_clear(&all->sources);
	policy_unref(&all->policy);
	buf_clear(&all->said);
	free(all);
}

void
logins_renew(struct logins *all, struct sources *sources,
    struct policy *policy)
{
	sources_clear(&all->sources);
	policy_unref(&all->policy);
	all->sources = *sources;
	*sources = (struct sources){ .n = 0 };
	all->policy = policy;
}

const struct logins_counts *
logins_counts(const struct logins *all)
{
	return &all->counts;
}

/* --- ends */

/* A refusal each time; what else is in the way once, while it stays the same. */
static bool
is_news(const struct login *l, enum login_end how, struct span told)
{
	struct logins	*all = l->all;
	int64_t		 now = clock_boot_ms();

	if (l->quiet)
		return false;
	if (how == LOGIN_REFUSED)
		return true;
	if (span_eq(buf_span(&all->said), told) &&
	    now - all->said_ms < SAME_MS)
		return false;
	buf_reset(&all->said);
	buf_add_span(&all->said, told);
	all->said_ms = now;
	return true;
}

static void
complain(struct login *l, enum login_end how, struct span told)
{
	static const char *const	events[] = {
		[LOGIN_OK] = "login", [LOGIN_LATER] = "login-later",
		[LOGIN_REFUSED] = "login-refused",
		[LOGIN_UNFIT] = "login-unfit"
	};

	if (is_news(l, how, told))
		log_warnx("event=%s relay=%s host=%s login=%s", events[how],
		    log_quote(l->asks.relay), log_quote(l->asks.host),
		    log_quote(told));
}

static void
count(struct logins_counts *n, enum login_end how)
{
	switch (how) {
	case LOGIN_OK:
		n->good++;
		break;
	case LOGIN_LATER:
		n->later++;
		break;
	case LOGIN_REFUSED:
		n->refused++;
		break;
	case LOGIN_UNFIT:
		n->unfit++;
		break;
	}
}

void
logins_ended(struct login *l, enum login_end how, struct span told)
{
	count(&l->all->counts, how);
	if (how != LOGIN_OK)
		complain(l, how, told);
	if (l->all->chan != NULL)
		login_end_put(l->all->chan, l->ticket, how, told);
	forget(l);
}

/* --- what relay says */

static struct login *
find(struct logins *all, uint64_t ticket)
{
	struct login	*l;

	TAILQ_FOREACH(l, &all->open, entry)
		if (l->ticket == ticket)
			return l;
	return NULL;
}

static void
keep_ask(struct login *l, const struct login_ask *a)
{
	l->asks = *a;
	l->asks.relay = arena_span(&l->arena, a->relay);
	l->asks.login = arena_span(&l->arena, a->login);
	l->asks.host = arena_span(&l->arena, a->host);
	l->asks.facts = arena_span(&l->arena, a->facts);
	l->asks.mechanisms = arena_span(&l->arena, a->mechanisms);
	l->asks.binding = arena_span(&l->arena, a->binding);
}

static bool
on_begin(struct logins *all, struct msg *m)
{
	struct login_ask	 a;
	uint64_t		 ticket;
	struct login		*l;

	if (!login_ask_read(m, &ticket, &a))
		return false;
	if (all->counts.open >= LOGINS_MAX) {
		login_end_put(all->chan, ticket, LOGIN_LATER,
		    SPAN("too many logins are under way"));
		return true;
	}
	l = xcalloc(1, sizeof(*l));
	l->all = all;
	l->ticket = ticket;
	TAILQ_INSERT_TAIL(&all->open, l, entry);
	all->counts.open++;
	all->counts.begun++;
	keep_ask(l, &a);
	login_start(l);
	return true;
}

static bool
on_challenge(struct logins *all, struct msg *m)
{
	struct span	 octets;
	uint64_t	 ticket;
	struct login	*l;

	if (!login_challenge_read(m, &ticket, &octets))
		return false;
	if ((l = find(all, ticket)) != NULL)
		login_challenged(l, octets);
	return true;
}

static bool
on_result(struct logins *all, struct msg *m)
{
	struct span	 status, text;
	uint64_t	 ticket;
	unsigned	 code;
	struct login	*l;

	if (!login_result_read(m, &ticket, &code, &status, &text))
		return false;
	if ((l = find(all, ticket)) != NULL)
		login_answered(l, code, status, text);
	return true;
}

static bool
on_drop(struct logins *all, struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	struct login	*l;

	if (!msg_end(m))
		return false;
	if ((l = find(all, ticket)) != NULL)
		forget(l);
	return true;
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	switch (m->type) {
	case MSG_LOGIN_BEGIN:
		return on_begin(arg, m);
	case MSG_LOGIN_CHALLENGE:
		return on_challenge(arg, m);
	case MSG_LOGIN_RESULT:
		return on_result(arg, m);
	case MSG_LOGIN_DROP:
		return on_drop(arg, m);
	}
	return false;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct logins	*all = arg;

	(void)c;
	all->chan = NULL;
	forget_all(all);
}

void
logins_attach(struct logins *all, int fd)
{
	static const struct chan_ops	ops = { on_message, on_closed };

	forget_all(all);
	chan_free(&all->chan);
	all->chan = chan_new(fd, "relay", &ops, all);
	chan_secret(all->chan);
}
