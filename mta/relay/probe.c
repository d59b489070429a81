/*
 * probe.c - trying a next hop without a message; probe.h.
 */
#include "mta/relay/probe.h"

#include <sys/queue.h>

#include <stdlib.h>

#include "base/json.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/login.h"
#include "mta/msg/msg.h"
#include "mta/relay/client_auth.h"
#include "mta/relay/client_probe.h"
#include "mta/relay/conns_int.h"
#include "mta/relay/dial.h"
#include "mta/relay/move.h"
#include "mta/relay/tls_want.h"

#define TICK_MS	1000

/* Finds its addresses (query), then has a session with one of them (client). */
struct probe {
	TAILQ_ENTRY(probe)	 entry;
	struct probes		*probes;
	uint64_t		 ticket;
	struct job		*job;		/* its hop and facts; never sent */
	bool			 every;		/* go on behind the first that serves */
	struct hop_query	*query;
	struct hop_list		*list;
	bool			*out;		/* by address: no message would get there */
	size_t			 at;
	struct client		*client;
	bool			 clear;		/* this address once more without TLS */
	bool			 quitting;
	bool			 goes;
	struct outcome		 why;		/* why not */
	int64_t			 until_ms, address_until_ms;
	struct buf		 out_text;
	struct json		 json;
};

struct probes {
	const struct hops	*hops;
	const struct conns	*conns;
	probes_tell		*tell;
	void			*arg;
	TAILQ_HEAD(, probe)	 all;
	size_t			 n;
	struct timer		 tick;
};

static void	try_next(struct probe *);

/* --- the end */

static void
probe_free(struct probe *p)
{
	TAILQ_REMOVE(&p->probes->all, p, entry);
	p->probes->n--;
	hop_cancel(&p->query);
	client_free(&p->client);
	hop_list_free(&p->list);
	job_free(&p->job);
	free(p->out);
	buf_clear(&p->out_text);
	free(p);
}

static void
put_outcome(struct json *j, const struct outcome *why)
{
	json_uint(j, "code", why->code);
	json_str(j, "status", why->status);
	json_str(j, "text", why->text);
}

static void
finish(struct probe *p)
{
	if (!p->goes && p->why.code == 0)
		outcome_set(&p->why, 451, "4.4.1",
		    "no time left to connect");
	json_array_end(&p->json);
	json_bool(&p->json, "goes", p->goes);
	if (!p->goes)
		put_outcome(&p->json, &p->why);
	json_object_end(&p->json);
	p->probes->tell(p->probes->arg, p->ticket, buf_span(&p->out_text));
	probe_free(p);
}

/* --- one address */

/* A passing trouble outweighs another's final no. */
static void
keep_outcome(struct probe *p, const struct outcome *why)
{
	if (!p->out[p->at] && (!outcome_is_final(why) || p->why.code == 0 ||
	    outcome_is_final(&p->why)))
		p->why = *why;
}

/* As a message goes on, or does not: the addresses behind this failure. */
static void
leave_out(struct probe *p, unsigned move)
{
	const struct hop_addr	*at = p->list->at, *failed = &at[p->at];
	bool			 goes = failed->way == NULL ||
				    (failed->way->terms->move_on & move) != 0;
	size_t			 i;
	bool			 same;

	if (p->out[p->at])
		return;
	for (i = p->at + 1; i < p->list->n; i++) {
		same = at[i].host == failed->host;
		if ((same && move == MOVE_LOGIN) || (!same && !goes))
			p->out[i] = true;
	}
}

static void
failed_there(struct probe *p, const struct outcome *why, unsigned move)
{
	put_outcome(&p->json, why);
	json_bool(&p->json, "serves", false);
	json_object_end(&p->json);
	keep_outcome(p, why);
	leave_out(p, move);
	p->at++;
}

static void
on_ready(void *arg)
{
	struct probe	*p = arg;

	client_probe_tell(p->client, &p->json);
	json_bool(&p->json, "serves", true);
	json_object_end(&p->json);
	p->goes = p->goes || !p->out[p->at];
	p->quitting = true;
	client_quit(p->client);
}

static void
on_failed(void *arg, const struct outcome *why)
{
	struct probe	*p = arg;
	struct outcome	 mine;

	if (p->quitting) {
		p->quitting = p->clear = false;
		client_free(&p->client);
		p->at++;
		try_next(p);
		return;
	}
	if (why != NULL)
		mine = *why;	/* the client's */
	else
		outcome_set(&mine, 451, "4.4.2", "connection lost");
	client_probe_tell(p->client, &p->json);
	p->clear = !p->clear && client_wants_clear(p->client);
	client_free(&p->client);
	if (p->clear) {
		put_outcome(&p->json, &mine);
		json_bool(&p->json, "serves", false);
		json_object_end(&p->json);
	} else
		failed_there(p, &mine, move_of(&mine));
	try_next(p);
}

/* No message was given. */
static void
on_finished(void *arg, enum client_end end)
{
	(void)end;
	on_failed(arg, NULL);
}

static void
put_address(struct probe *p, const struct hop_addr *a)
{
	struct health_key	key = { a->ip, a->port };
	char			ip[IP_TEXT_MAX];

	json_object(&p->json, NULL);
	json_str(&p->json, "host", a->name);
	if (!hop_is_local(a)) {
		json_str(&p->json, "address", ip_format(&a->ip, ip));
		json_uint(&p->json, "port", a->port);
		json_bool(&p->json, "rests", health_rests(conns_health(
		    p->probes->conns), &key, loop_now_ms()));
	}
	json_bool(&p->json, "left_out", p->out[p->at]);
	json_bool(&p->json, "clear", p->clear);
}

/* true: a session is under way. */
static bool
try_address(struct probe *p, const struct hop_addr *a)
{
	static const struct client_ops	 ops = { on_ready, on_failed,
					    on_finished };
	struct client_tls_want		 tls;
	struct outcome			 why;
	int				 fd;
	bool				 begun = false;

	put_address(p, a);
	if (!tls_want(a, 0, p->clear, &tls, &why)) {
		failed_there(p, &why, MOVE_TLS);
	} else if (dial(a, &fd, &why) != DIAL_BEGUN) {
		failed_there(p, &why, MOVE_CONNECT);
	} else {
		p->client = client_new(fd, a, p->probes->hops->self, &ops, p);
		client_want_tls(p->client, &tls);
		client_want_login(p->client, p->probes->hops->logins, p->job);
		p->address_until_ms = loop_now_ms() + PROBE_ADDRESS_MS;
		begun = true;
	}
	tls_want_clear(&tls);
	return begun;
}

static void
try_next(struct probe *p)
{
	while (p->at < p->list->n && loop_now_ms() < p->until_ms &&
	    (p->every || !p->goes)) {
		if (p->out[p->at] && !p->every)
			p->at++;
		else if (try_address(p, &p->list->at[p->at]))
			return;
	}
	finish(p);
}

/* --- addresses */

static void
got_addresses(void *arg, struct hop_list *list, const struct outcome *why)
{
	struct probe	*p = arg;

	p->query = NULL;
	if (list == NULL) {
		p->why = *why;
		finish(p);
		return;
	}
	tries_rested_last(p->probes->conns, list);
	p->list = list;
	p->out = xcalloc(list->n, sizeof(*p->out));
	try_next(p);
}

/* --- time */

static void	on_tick(void *);

static void
tick(struct probe *p, int64_t now_ms)
{
	if (p->client != NULL && now_ms >= p->address_until_ms)
		client_expire(p->client);
	else if (p->client != NULL)
		client_tick(p->client, now_ms);
	else if (p->query != NULL && now_ms >= p->until_ms) {
		outcome_set(&p->why, 451, "4.4.3",
		    "no answer of DNS in time");
		finish(p);
	}
}

static void
set_tick(struct probes *all)
{
	if (all->n > 0 && !timer_pending(&all->tick))
		timer_set(&all->tick, TICK_MS, on_tick, all);
}

static void
on_tick(void *arg)
{
	struct probes	*all = arg;
	struct probe	*p, *next;

	for (p = TAILQ_FIRST(&all->all); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		tick(p, loop_now_ms());
	}
	set_tick(all);
}

/* --- what the owner calls */

struct probes *
probes_new(const struct hops *hops, const struct conns *conns,
    probes_tell *tell, void *arg)
{
	struct probes	*all = xcalloc(1, sizeof(*all));

	*all = (struct probes){ .hops = hops, .conns = conns, .tell = tell,
	    .arg = arg };
	TAILQ_INIT(&all->all);
	return all;
}

static struct probe *
probe_new(struct probes *all, uint64_t ticket, struct span hop,
    struct span facts)
{
	struct probe	*p = xcalloc(1, sizeof(*p));

	p->probes = all;
	p->ticket = ticket;
	p->job = job_probe(ticket, hop, SPAN(""));
	p->job->facts = arena_span(&p->job->arena, facts);
	p->until_ms = loop_now_ms() + PROBE_MS;
	json_init(&p->json, &p->out_text);
	json_object(&p->json, NULL);
	json_array(&p->json, "hosts");
	TAILQ_INSERT_TAIL(&all->all, p, entry);
	all->n++;
	set_tick(all);
	return p;
}

bool
probes_ask(struct probes *all, struct msg *m)
{
	uint64_t		 ticket = msg_u64(m);
	struct span		 hop = msg_bytes(m, HOP_TEXT_MAX);
	struct span		 facts = msg_bytes(m, LOGIN_FACTS_MAX);
	bool			 every = msg_u8(m) != 0;
	struct probe		*p;
	struct hop_query	*q;

	if (!msg_end(m) || hop.n == 0)
		return false;
	if (all->n >= PROBES_MAX) {
		all->tell(all->arg, ticket, SPAN("{\"error\":\"too many "
		    "probes are under way; ask again\"}"));
		return true;
	}
	p = probe_new(all, ticket, hop, facts);
	p->every = every;
	q = hop_resolve(all->hops, p->job->hop, got_addresses, p);
	if (q != NULL)		/* else it may be gone */
		p->query = q;
	return true;
}

void
probes_drop(struct probes *all)
{
	struct probe	*p;

	while ((p = TAILQ_FIRST(&all->all)) != NULL)
		probe_free(p);
}

void
probes_free(struct probes **allp)
{
	struct probes	*all = *allp;

	*allp = NULL;
	if (all == NULL)
		return;
	probes_drop(all);
	timer_clear(&all->tick);
	free(all);
}
