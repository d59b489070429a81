/*
 * lookup.c - asking the lookup process for what servers' tables say.
 */
#include "mta/msg/lookup.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/msg/asker.h"
#include "mta/msg/msg.h"

#define DETAIL_MAX	64	/* octets that divide user and detail */

struct lookup {
	struct question		 q;
	uint32_t		 generation, map;
	struct map_question	 asks;		/* key and detail lie behind */
	lookup_client_cb	*cb;
	void			*arg;
};

struct lookup_client {
	struct asker	asker;
};

static struct span
ip_octets(const struct ip *ip)
{
	return span_mem(ip->a, ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0);
}

static void
send_question(struct chan *c, const struct question *q)
{
	const struct lookup	*l = (const struct lookup *)q;

	chan_begin(c, MSG_LOOKUP);
	chan_u64(c, q->ticket);
	chan_u32(c, l->generation);
	chan_u32(c, l->map);
	chan_u8(c, (uint8_t)l->asks.ask);
	chan_u8(c, (uint8_t)l->asks.role);
	chan_u32(c, (uint32_t)l->asks.at);
	chan_bytes(c, l->asks.key);
	chan_bytes(c, l->asks.detail_chars);
	chan_bytes(c, ip_octets(&l->asks.ip));
	chan_end(c);
}

/* No answer; or it was never sent, since no table has so long a key. */
static void
give_up(struct question *q)
{
	struct lookup	*l = (struct lookup *)q;

	l->cb(l->arg, q->unsent ? MAP_NONE : MAP_LATER, NULL);
}

static bool
on_message(void *client, struct msg *m)
{
	struct lookup_client	*c = client;
	struct map_answer	 a = { .line = 0 };
	uint64_t		 ticket;
	unsigned		 result, rank;
	struct lookup		*l;

	if (m->type != MSG_LOOKED_UP)
		return false;
	ticket = msg_u64(m);
	result = msg_u8(m);
	rank = msg_u8(m);
	a.line = msg_u32(m);
	a.key = msg_bytes(m, LOOKUP_KEY_MAX);
	a.value = msg_bytes(m, LOOKUP_VALUE_MAX);
	if (!msg_end(m) || result > MAP_BROKEN || rank > MAP_CATCH_ALL)
		return false;
	a.rank = (enum map_rank)rank;
	l = (struct lookup *)asker_take(&c->asker, ticket);
	if (l != NULL)		/* else cancelled, or too late */
		l->cb(l->arg, (enum map_result)result,
		    result == MAP_FOUND || (result != MAP_NONE &&
		    a.value.n > 0) ? &a : NULL);
	free(l);
	return true;
}

struct lookup_client *
lookup_client_new(void)
{
	static const struct asker_ops	 ops = {
		.send = send_question, .give_up = give_up,
		.message = on_message
	};
	struct lookup_client		*c = xcalloc(1, sizeof(*c));

	asker_init(&c->asker, "lookup",
	    (int64_t)msg_timeout_s(MSG_LOOKUP) * 1000, &ops, c);
	return c;
}

void
lookup_client_attach(struct lookup_client *c, int fd)
{
	asker_attach(&c->asker, fd);
}

void
lookup_client_free(struct lookup_client **cp)
{
	struct lookup_client	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	asker_clear(&c->asker);
	free(c);
}

static struct span
copied(char *to, struct span s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return span_mem(to, s.n);
}

uint64_t
lookup_client_ask(struct lookup_client *c, uint32_t generation, uint32_t map,
    const struct map_question *asks, lookup_client_cb *cb, void *arg)
{
	struct span	 key = asks->key, detail = asks->detail_chars;
	struct lookup	*l;
	char		*p;
	bool		 fits = key.n <= LOOKUP_KEY_MAX;

	if (detail.n > DETAIL_MAX)
		detail.n = DETAIL_MAX;
	if (!fits)
		key = SPAN_NONE;
	l = xmalloc(sizeof(*l) + key.n + detail.n + 1);
	p = (char *)(l + 1);
	*l = (struct lookup){ .q.unsent = !fits, .generation = generation,
	    .map = map, .asks = *asks, .cb = cb, .arg = arg };
	l->asks.key = copied(p, key);
	l->asks.detail_chars = copied(p + key.n, detail);
	if (l->asks.at > key.n)
		l->asks.at = key.n;
	return asker_ask(&c->asker, &l->q);
}

void
lookup_client_cancel(struct lookup_client *c, uint64_t ticket)
{
	asker_cancel(&c->asker, ticket);
}
