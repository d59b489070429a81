/*
 * auth_client.c - open questions to the auth process, and what it offers.
 */
#include "mta/msg/auth.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/msg/asker.h"
#include "mta/msg/msg.h"

/* All texts lie behind it. */
struct asking {
	struct question		 q;
	struct auth_question	 asks;
	auth_cb			*cb;
	void			*arg;
	size_t			 n;
	char			 octets[];
};

struct offered {
	char			*map;
	struct auth_offers	 offers;
};

struct auth_client {
	struct asker	 asker;
	struct offered	*offers;
	size_t		 noffers;
};

static void
send_question(struct chan *c, const struct question *q)
{
	const struct asking	*a = (const struct asking *)q;

	(void)auth_question_put(c, q->ticket, &a->asks);
}

static void
wipe(struct question *q)
{
	struct asking	*a = (struct asking *)q;

	explicit_bzero(a->octets, a->n);
}

/* No answer; or it was never sent: nobody has so long a name or password. */
static void
give_up(struct question *q)
{
	struct asking			*a = (struct asking *)q;
	const struct auth_verdict	 v = {
		.result = q->unsent ? AUTH_WRONG : AUTH_CANNOT
	};

	a->cb(a->arg, &v);
}

/* --- what it offers */

static void
offers_clear(struct auth_client *c)
{
	size_t	 i;

	for (i = 0; i < c->noffers; i++)
		free(c->offers[i].map);
	free(c->offers);
	c->offers = NULL;
	c->noffers = 0;
}

static bool
on_offers(struct auth_client *c, struct msg *m)
{
	struct auth_offer	 o[AUTH_OFFERS_MAX];
	int			 n = auth_offers_read(m, o), i;

	if (n == -1)
		return false;
	offers_clear(c);
	c->offers = xcalloc((size_t)n + 1, sizeof(*c->offers));
	for (i = 0; i < n; i++) {
		c->offers[i].map = xstrndup(o[i].map.n > 0 ? o[i].map.p : "",
		    o[i].map.n);
		c->offers[i].offers = o[i].offers;
	}
	c->noffers = (size_t)n;
	return true;
}

static bool
offers_of(const struct auth_client *c, struct span map,
    struct auth_offers *out)
{
	size_t	 i;

	for (i = 0; i < c->noffers; i++)
		if (span_eq(map, span_of(c->offers[i].map))) {
			*out = c->offers[i].offers;
			return true;
		}
	return false;
}

/* Who has his account in any of them can use what all of them have. */
bool
auth_client_offers(const struct auth_client *c, struct span maps,
    struct auth_offers *out)
{
	struct auth_offers	 of;
	struct span		 map;

	*out = (struct auth_offers){ ~0u, 0 };
	do {
		map = auth_next_map(&maps);
		if (!offers_of(c, map, &of))
			return false;
		out->sane &= of.sane;
		out->could |= of.could;
	} while (maps.n > 0);
	return true;
}

/* --- answers */

static bool
on_verdict(struct auth_client *c, struct msg *m)
{
	struct auth_verdict	 v;
	struct asking		*a;
	uint64_t		 ticket;
	bool			 scram = m->type == MSG_AUTH_SCRAM;

	if (!auth_verdict_read(m, &ticket, &v))
		return false;
	a = (struct asking *)asker_find(&c->asker, ticket);
	if (a == NULL)
		return true;		/* cancelled, or too late */
	if (scram != (a->asks.ask == AUTH_ASK_SCRAM))
		return false;
	(void)asker_take(&c->asker, ticket);
	a->cb(a->arg, &v);
	wipe(&a->q);
	free(a);
	return true;
}

static bool
on_message(void *client, struct msg *m)
{
	return m->type == MSG_AUTH_OFFERS ? on_offers(client, m) :
	    on_verdict(client, m);
}

/* --- the client */

struct auth_client *
auth_client_new(void)
{
	static const struct asker_ops	 ops = {
		.send = send_question, .give_up = give_up,
		.message = on_message, .wipe = wipe
	};
	struct auth_client		*c = xcalloc(1, sizeof(*c));

	asker_init(&c->asker, "auth",
	    (int64_t)msg_timeout_s(MSG_AUTH_VERIFY) * 1000, &ops, c);
	return c;
}

void
auth_client_attach(struct auth_client *c, int fd)
{
	asker_attach_secret(&c->asker, fd);
}

void
auth_client_free(struct auth_client **cp)
{
	struct auth_client	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	asker_clear(&c->asker);
	offers_clear(c);
	free(c);
}

static struct asking *
asking_new(const struct auth_question *asks)
{
	size_t		 n = auth_question_octets(asks);
	struct asking	*a = xmalloc(sizeof(*a) + n);

	*a = (struct asking){ .asks = *asks, .n = n };
	auth_question_copy(&a->asks, a->octets);
	return a;
}

uint64_t
auth_client_ask(struct auth_client *c, const struct auth_question *asks,
    auth_cb *cb, void *arg)
{
	const struct auth_question	 none = { .ask = asks->ask };
	bool				 fits = auth_question_fits(asks);
	struct asking			*a = asking_new(fits ? asks : &none);

	a->q.unsent = !fits;
	a->cb = cb;
	a->arg = arg;
	return asker_ask(&c->asker, &a->q);
}

void
auth_client_cancel(struct auth_client *c, uint64_t ticket)
{
	asker_cancel(&c->asker, ticket);
}
