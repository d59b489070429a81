/*
 * service.c - LOOKUP of one channel, and LOOKED_UP.
 */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/lookup.h"
#include "mta/msg/msg.h"

#include "mta/lookup/service.h"

#define WHY_MAX		300		/* octets of a cause */
#define DETAIL_MAX	64		/* octets */
#define EARLY_MAX	10000		/* questions */
#define BACKLOG_MAX	(256u << 20)	/* octets that a peer has not read */

TAILQ_HEAD(peer_asks, ask);

struct peer {
	struct service		*service;
	struct chan		*chan;
	struct peer_asks	 asks;
};

/* A question under way; key and detail lie behind it. */
struct ask {
	TAILQ_ENTRY(ask)	 entry;		/* of the peer's */
	TAILQ_ENTRY(ask)	 early;
	bool			 is_early;
	struct peer		*peer;
	uint64_t		 ticket;	/* the peer's */
	uint32_t		 generation, map;
	struct map_question	 asks;
	struct asked_table	*table;		/* that is asked */
	uint64_t		 asked;		/* its ticket; 0: answered at once */
};

/* --- answers */

static void
answer(struct ask *a, enum map_result is, const struct map_answer *ans,
    const char *why)
{
	struct map_answer	 none = { .line = 0 };
	struct chan		*c = a->peer->chan;

	if (is == MAP_FOUND && (ans->value.n > LOOKUP_VALUE_MAX ||
	    ans->key.n > LOOKUP_KEY_MAX))
		is = MAP_BROKEN;
	else if (is == MAP_FOUND && chan_backlog(c) > BACKLOG_MAX)
		is = MAP_LATER;
	if (is != MAP_FOUND) {
		if (why != NULL)
			none.value = span_mem(why, strnlen(why, WHY_MAX));
		ans = &none;
	}
	chan_begin(c, MSG_LOOKED_UP);
	chan_u64(c, a->ticket);
	chan_u8(c, (uint8_t)is);
	chan_u8(c, (uint8_t)ans->rank);
	chan_u32(c, ans->line);
	chan_bytes(c, ans->key);
	chan_bytes(c, ans->value);
	chan_end(c);
}

static void
ask_free(struct ask *a)
{
	if (a->is_early) {
		TAILQ_REMOVE(&a->peer->service->early, a, early);
		a->peer->service->nearly--;
	}
	TAILQ_REMOVE(&a->peer->asks, a, entry);
	free(a);
}

/* The table says itself, once, when its server goes down. */
static void
answered(void *arg, enum map_result is, const struct map_answer *ans,
    const char *why)
{
	struct ask	*a = arg;

	if (why != NULL)
		log_debug("lookup key=%s why=%s", log_quote(a->asks.key),
		    log_quote(span_of(why)));
	answer(a, is, ans, why);
	ask_free(a);
}

/* --- questions */

static void
begin(struct ask *a)
{
	struct service	*s = a->peer->service;
	const char	*why;
	bool		 later;
	uint64_t	 ticket;

	a->table = tables_find(s->tables, a->generation, a->map, &why,
	    &later);
	if (a->table == NULL && later && s->nearly < EARLY_MAX) {
		TAILQ_INSERT_TAIL(&s->early, a, early);
		a->is_early = true;
		s->nearly++;
		return;
	}
	if (a->table == NULL) {
		answered(a, MAP_LATER, NULL, why);
		return;
	}
	/* 0: a has been answered, and is gone. */
	if ((ticket = asked_ask(a->table, &a->asks, answered, a)) != 0)
		a->asked = ticket;
}

void
service_generation(struct service *s)
{
	struct asks	 now;
	struct ask	*a;

	TAILQ_INIT(&now);
	TAILQ_CONCAT(&now, &s->early, early);
	s->nearly = 0;
	while ((a = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, a, early);
		a->is_early = false;
		begin(a);
	}
}

static bool
read_ip(struct span octets, struct ip *ip)
{
	*ip = (struct ip){ .family = octets.n == 4 ? 4 :
	    octets.n == 16 ? 6 : 0 };
	if (octets.n != 0 && ip->family == 0)
		return false;
	if (octets.n > 0)
		memcpy(ip->a, octets.p, octets.n);
	return true;
}

static struct span
copied(char *to, struct span s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return span_mem(to, s.n);
}

static struct ask *
ask_new(struct peer *k, const struct map_question *q)
{
	struct ask	*a = xcalloc(1, sizeof(*a) + q->key.n +
	    q->detail_chars.n + 1);
	char		*p = (char *)(a + 1);

	a->peer = k;
	a->asks = *q;
	a->asks.key = copied(p, q->key);
	a->asks.detail_chars = copied(p + q->key.n, q->detail_chars);
	TAILQ_INSERT_TAIL(&k->asks, a, entry);
	k->service->asked++;
	return a;
}

static bool
on_lookup(struct peer *k, struct msg *m)
{
	struct map_question	 q = { .ask = MAP_ASK_KEY };
	uint64_t		 ticket = msg_u64(m);
	uint32_t		 generation = msg_u32(m), map = msg_u32(m);
	unsigned		 ask = msg_u8(m), role = msg_u8(m);
	struct span		 ip;
	struct ask		*a;

	q.at = msg_u32(m);
	q.key = msg_bytes(m, LOOKUP_KEY_MAX);
	q.detail_chars = msg_bytes(m, DETAIL_MAX);
	ip = msg_bytes(m, 16);
	if (!msg_end(m) || ask > MAP_ASK_ACCESS_ADDRESS || role > MAP_TO ||
	    q.at > q.key.n || !read_ip(ip, &q.ip) ||
	    (ask == MAP_ASK_ACCESS_IP && q.ip.family == 0))
		return false;
	q.ask = (enum map_ask)ask;
	q.role = (enum map_role)role;
	a = ask_new(k, &q);
	a->ticket = ticket;
	a->generation = generation;
	a->map = map;
	begin(a);
	return true;
}

/* --- channels */

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	return m->type == MSG_LOOKUP && on_lookup(arg, m);
}

static void
on_closed(struct chan *c, void *arg)
{
	struct peer	*k = arg;
	struct ask	*a;

	(void)c;
	while ((a = TAILQ_FIRST(&k->asks)) != NULL) {
		if (a->asked != 0)
			asked_cancel(a->table, a->asked);
		ask_free(a);
	}
	free(k);
}

void
service_peer(struct service *s, int fd, const char *name)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	struct peer			*k = xcalloc(1, sizeof(*k));

	k->service = s;
	TAILQ_INIT(&k->asks);
	k->chan = chan_new(fd, name, &ops, k);
}

void
service_init(struct service *s, struct tables *tables)
{
	*s = (struct service){ .tables = tables };
	TAILQ_INIT(&s->early);
}
