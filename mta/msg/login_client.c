/*
 * login_client.c - relay's logins that are under way.
 */
#include "mta/msg/login.h"

#include <sys/queue.h>

#include <stdlib.h>

#include "base/hash.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

struct login {
	TAILQ_ENTRY(login)	 entry;
	struct login_client	*client;
	const struct login_ops	*ops;
	void			*arg;
	uint64_t		 ticket;
	int64_t			 until_ms;	/* of the question that is open; 0: the hop is to answer */
	bool			 said;		/* something has been said to the hop */
	bool			 ended;
	struct login_ask	 asks;		/* its octets lie behind it */
	char			 octets[];
};

struct login_client {
	struct chan		*chan;		/* NULL: it is not there */
	TAILQ_HEAD(, login)	 open;
	struct htab		 by_ticket;
	uint64_t		 last_ticket;
	struct timer		 timer;
};

static void on_time(void *);

static struct span
key_of(const uint64_t *ticket)
{
	return span_mem(ticket, sizeof(*ticket));
}

struct login_client *
login_client_new(void)
{
	struct login_client	*c = xcalloc(1, sizeof(*c));

	TAILQ_INIT(&c->open);
	return c;
}

void
login_client_free(struct login_client **cp)
{
	struct login_client	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	timer_clear(&c->timer);
	htab_clear(&c->by_ticket);
	chan_free(&c->chan);
	free(c);
}

/* --- ends */

static void
forget(struct login *l)
{
	struct login_client	*c = l->client;

	if (l->ended)
		return;
	l->ended = true;
	TAILQ_REMOVE(&c->open, l, entry);
	(void)htab_del(&c->by_ticket, key_of(&l->ticket));
	if (TAILQ_EMPTY(&c->open))
		timer_stop(&c->timer);
}

static void
end(struct login *l, enum login_end how, struct span told)
{
	forget(l);
	l->ops->ended(l->arg, how, told);
}

void
login_free(struct login **lp)
{
	struct login	*l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	if (!l->ended && l->client->chan != NULL) {
		chan_begin(l->client->chan, MSG_LOGIN_DROP);
		chan_u64(l->client->chan, l->ticket);
		chan_end(l->client->chan);
	}
	forget(l);
	free(l);
}

/* The first that is late; others follow in the next second. */
static struct login *
late_one(struct login_client *c)
{
	struct login	*l;

	TAILQ_FOREACH(l, &c->open, entry)
		if (l->until_ms != 0 && l->until_ms <= loop_now_ms())
			return l;
	return NULL;
}

static void
on_time(void *arg)
{
	struct login_client	*c = arg;
	struct login		*l;

	while ((l = late_one(c)) != NULL)
		end(l, LOGIN_LATER,
		    SPAN("the credentials process has not answered in time"));
	if (!TAILQ_EMPTY(&c->open))
		timer_set(&c->timer, 1000, on_time, c);
}

static void
wait_for(struct login *l, enum msg_type type)
{
	l->until_ms = loop_now_ms() + (int64_t)msg_timeout_s(type) * 1000;
	if (!timer_pending(&l->client->timer))
		timer_set(&l->client->timer, 1000, on_time, l->client);
}

/* --- what it says */

static bool
on_step(struct login_client *c, struct msg *m)
{
	uint64_t		 ticket = msg_u64(m);
	struct login_step	 s = { .say = (enum login_say)msg_u8(m) };
	struct login		*l;

	s.mechanism = msg_bytes(m, LOGIN_NAME_MAX);
	s.has_octets = msg_u8(m) != 0;
	s.octets = msg_bytes(m, LOGIN_OCTETS_MAX);
	if (!msg_end(m) || s.say > LOGIN_SAY_CANCEL ||
	    span_has_control(s.mechanism))
		return false;
	if ((l = htab_get(&c->by_ticket, key_of(&ticket))) == NULL)
		return true;	/* it was given up */
	l->until_ms = 0;
	l->said = true;
	l->ops->step(l->arg, &s);
	return true;
}

static bool
on_end(struct login_client *c, struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	uint8_t		 how = msg_u8(m);
	struct span	 told = msg_bytes(m, LOGIN_TEXT_MAX);
	struct login	*l;

	if (!msg_end(m) || how > LOGIN_UNFIT)
		return false;
	if ((l = htab_get(&c->by_ticket, key_of(&ticket))) != NULL)
		end(l, (enum login_end)how, told);
	return true;
}

static bool
on_message(struct chan *chan, struct msg *m, void *arg)
{
	(void)chan;
	if (m->type == MSG_LOGIN_STEP)
		return on_step(arg, m);
	return m->type == MSG_LOGIN_END && on_end(arg, m);
}

/* Those of which the hop has heard; another process knows nothing of them. */
static struct login *
torn_one(struct login_client *c)
{
	struct login	*l;

	TAILQ_FOREACH(l, &c->open, entry)
		if (l->said)
			return l;
	return NULL;
}

static void
on_closed(struct chan *chan, void *arg)
{
	struct login_client	*c = arg;
	struct login		*l;

	(void)chan;
	c->chan = NULL;
	while ((l = torn_one(c)) != NULL)
		end(l, LOGIN_LATER, SPAN("the credentials process has ended"));
}

/* --- asking */

static void
send_begin(struct login *l)
{
	struct chan		*c = l->client->chan;
	const struct login_ask	*a = &l->asks;

	if (c == NULL)
		return;
	chan_begin(c, MSG_LOGIN_BEGIN);
	chan_u64(c, l->ticket);
	chan_bytes(c, a->relay);
	chan_bytes(c, a->login);
	chan_bytes(c, a->host);
	chan_u16(c, a->port);
	chan_bytes(c, a->facts);
	chan_bytes(c, a->mechanisms);
	chan_u8(c, (uint8_t)a->flags);
	chan_bytes(c, a->binding);
	chan_end(c);
}

void
login_client_attach(struct login_client *c, int fd)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct login			*l;

	if (c->chan != NULL) {
		chan_free(&c->chan);
		on_closed(NULL, c);
	}
	c->chan = chan_new(fd, "credentials", &ops, c);
	chan_secret(c->chan);
	TAILQ_FOREACH(l, &c->open, entry)
		send_begin(l);
}

/* Behind the login; longer than the reader takes it is cut. */
static struct span
keep(char **at, struct span s, size_t max)
{
	char	*p = *at;

	if (s.n > max)
		s.n = max;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	*at = p + s.n;
	return span_mem(p, s.n);
}

struct login *
login_begin(struct login_client *c, const struct login_ask *a,
    const struct login_ops *ops, void *arg)
{
	size_t		 n = a->relay.n + a->login.n + a->host.n + a->facts.n +
			    a->mechanisms.n + a->binding.n;
	struct login	*l = xcalloc(1, sizeof(*l) + n);
	char		*at = l->octets;

	l->client = c;
	l->ops = ops;
	l->arg = arg;
	l->asks = *a;
	l->asks.relay = keep(&at, a->relay, LOGIN_NAME_MAX);
	l->asks.login = keep(&at, a->login, LOGIN_LOGIN_MAX);
	l->asks.host = keep(&at, a->host, LOGIN_NAME_MAX);
	l->asks.facts = keep(&at, a->facts, LOGIN_FACTS_MAX);
	l->asks.mechanisms = keep(&at, a->mechanisms, LOGIN_MECHANISMS_MAX);
	l->asks.binding = keep(&at, a->binding, LOGIN_BINDING_MAX);
	l->ticket = ++c->last_ticket;
	TAILQ_INSERT_TAIL(&c->open, l, entry);
	(void)htab_put(&c->by_ticket, key_of(&l->ticket), l);
	wait_for(l, MSG_LOGIN_BEGIN);
	send_begin(l);
	return l;
}

void
login_challenge(struct login *l, struct span octets)
{
	struct chan	*c = l->client->chan;

	if (l->ended || c == NULL)
		return;
	wait_for(l, MSG_LOGIN_CHALLENGE);
	chan_begin(c, MSG_LOGIN_CHALLENGE);
	chan_u64(c, l->ticket);
	chan_bytes(c, octets);
	chan_end(c);
}

void
login_result(struct login *l, unsigned code, struct span status,
    struct span text)
{
	struct chan	*c = l->client->chan;

	if (l->ended || c == NULL)
		return;
	wait_for(l, MSG_LOGIN_RESULT);
	chan_begin(c, MSG_LOGIN_RESULT);
	chan_u64(c, l->ticket);
	chan_u16(c, (uint16_t)code);
	chan_bytes(c, status);
	chan_bytes(c, text);
	chan_end(c);
}
