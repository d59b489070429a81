/*
 * conns.c - sessions and the jobs that they carry.
 */
#include "mta/relay/conns.h"

#include <assert.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/msg/relayed.h"
#include "mta/relay/client_auth.h"
#include "mta/relay/client_tls.h"
#include "mta/relay/dead.h"
#include "mta/relay/dial.h"
#include "mta/relay/tls_report.h"
#include "mta/relay/tls_want.h"

#define TICK_MS	1000

/*
 * A session has a job, or is idle, or is about to end.  While it finds its
 * address it has a query or a list, then a client.
 */
struct session {
	TAILQ_ENTRY(session)	 entry;		/* in conns->all */
	TAILQ_ENTRY(session)	 idle_entry;	/* latest first */
	struct conns		*conns;
	char			*hop;
	size_t			 hop_octets;
	struct job		*job;
	int64_t			 job_until_ms;
	struct hop_query	*query;
	struct hop_list		*list;
	size_t			 at, tries;	/* in list */
	struct outcome		 why;		/* of the address tried last */
	struct client		*client;
	bool			 idle, old;	/* old: not for another message */
	bool			 has_set;
	uint8_t			 set[MX_SET];	/* of its MX hosts */
	uint32_t		 messages;	/* that it has carried */
	int64_t			 idle_until_ms;
};

TAILQ_HEAD(sessions, session);

struct conns {
	const struct hops	*hops;
	void			(*done)(void *, struct job *);
	void			(*ended)(void *);	/* not NULL: stopping */
	void			*arg;
	struct sessions		 all, idle;
	TAILQ_HEAD(, job)	 waiting;
	bool			 called;	/* start_waiting() will come */
	struct dead		 dead;
	struct dead		 clear;		/* a handshake has failed there */
	struct timer		 tick;
	struct conns_counters	 n;
};

static void	try_next(struct session *);
static void	mark_dead(struct conns *, const struct hop_addr *);
static void	find_addresses(struct session *);
static void	on_tick(void *);
static void	start(struct conns *, struct job *);

/* --- jobs */

static void
count(struct conns *k, const struct job *j)
{
	size_t	i;

	for (i = 0; i < j->n; i++) {
		if (j->rcpts[i].code >= 500)
			k->n.failed++;
		else if (j->rcpts[i].code >= 400)
			k->n.deferred++;
		else if (j->rcpts[i].code != 0)
			k->n.delivered++;
	}
}

static void
job_done(struct conns *k, struct job **jp)
{
	struct job	*j = *jp;

	*jp = NULL;
	count(k, j);
	k->done(k->arg, j);
}

/* --- sessions */

static void
set_job(struct session *s, struct job *j)
{
	s->job = j;
	s->job_until_ms = loop_now_ms() + CONNS_JOB_MS;
}

static struct session *
session_new(struct conns *k, struct job *j)
{
	struct session	*s = xcalloc(1, sizeof(*s));

	s->conns = k;
	s->hop = xstrndup(j->hop.p, j->hop.n);
	s->hop_octets = j->hop.n;
	set_job(s, j);
	TAILQ_INSERT_TAIL(&k->all, s, entry);
	k->n.sessions++;
	if (!timer_pending(&k->tick))
		timer_set(&k->tick, TICK_MS, on_tick, k);
	return s;
}

static bool
has_room(const struct conns *k)
{
	return k->n.sessions - k->n.idle < CONNS_MAX;
}

static void
leave_idle(struct session *s)
{
	if (!s->idle)
		return;
	s->idle = false;
	TAILQ_REMOVE(&s->conns->idle, s, idle_entry);
	s->conns->n.idle--;
}

static void
start_waiting(void *arg)
{
	struct conns	*k = arg;
	struct job	*j;

	k->called = false;
	while ((j = TAILQ_FIRST(&k->waiting)) != NULL && has_room(k)) {
		TAILQ_REMOVE(&k->waiting, j, entry);
		k->n.waiting--;
		start(k, j);
	}
}

/* There may be room for a job that waits; not from within another's end. */
static void
call_waiting(struct conns *k)
{
	if (TAILQ_EMPTY(&k->waiting) || k->called)
		return;
	k->called = true;
	loop_soon(start_waiting, k);
}

/* Its job, if any, is answered or given away. */
static void
session_free(struct session *s)
{
	struct conns	*k = s->conns;

	leave_idle(s);
	hop_cancel(&s->query);
	client_free(&s->client);
	hop_list_free(&s->list);
	free(s->hop);
	TAILQ_REMOVE(&k->all, s, entry);
	k->n.sessions--;
	free(s);
	call_waiting(k);
	if (k->ended != NULL && k->n.sessions == 0)
		k->ended(k->arg);
}

/* QUIT; the session goes when the hop has answered. */
static void
say_goodbye(struct session *s)
{
	leave_idle(s);
	client_quit(s->client);
}

static void
become_idle(struct session *s)
{
	struct conns	*k = s->conns;

	if (s->old || k->ended != NULL) {
		say_goodbye(s);
		return;
	}
	if (k->n.idle >= CONNS_IDLE_MAX)
		say_goodbye(TAILQ_LAST(&k->idle, sessions));
	s->idle = true;
	s->idle_until_ms = loop_now_ms() + CONNS_IDLE_MS;
	TAILQ_INSERT_HEAD(&k->idle, s, idle_entry);
	k->n.idle++;
	call_waiting(k);
}

static uint8_t
trouble_of(const struct outcome *why)
{
	if (why->trouble != RELAY_TROUBLE_NONE)
		return why->trouble;
	return why->code == 421 ? RELAY_TROUBLE_BUSY : RELAY_TROUBLE_CONNECT;
}

/* No address took the message. */
static void
give_up(struct session *s)
{
	struct job	*j = s->job;

	if (s->why.code == 0)
		outcome_set(&s->why, 451, "4.4.1", "no time left to connect");
	assert(s->why.code >= 400);
	s->job = NULL;
	j->connected = outcome_is_final(&s->why);	/* no trouble of the way */
	j->trouble = trouble_of(&s->why);
	job_result_rest(j, &s->why);
	job_done(s->conns, &j);
	session_free(s);
}

/* --- what the client tells */

static void
tell_report(const struct session *s)
{
	client_tls_report(s->client, span_mem(s->hop, s->hop_octets),
	    s->job->flags);
}

static void
session_ready(void *arg)
{
	struct session		*s = arg;
	const struct hop_addr	*a = &s->list->at[s->at];

	dead_clear(&s->conns->dead, &a->ip, a->port);
	hop_list_free(&s->list);
	s->job->begun = true;
	tell_report(s);
	client_send(s->client, s->job);
}

/* A passing trouble of one address outweighs another's final no. */
static void
keep_outcome(struct session *s, const struct outcome *why)
{
	if (!outcome_is_final(why) || s->why.code == 0 ||
	    outcome_is_final(&s->why))
		s->why = *why;
}

static void
session_failed(void *arg, const struct outcome *why)
{
	struct session		*s = arg;
	const struct hop_addr	*a;

	if (why == NULL || s->list == NULL) {	/* it was idle */
		client_free(&s->client);
		session_free(s);
		return;
	}
	tell_report(s);
	client_tell_tls(s->client, s->job);
	client_tell_login(s->client, s->job);
	a = &s->list->at[s->at];
	if (client_wants_clear(s->client)) {
		client_free(&s->client);
		dead_mark_until(&s->conns->clear, &a->ip, a->port,
		    loop_now_ms() + CONNS_CLEAR_MS);
		try_next(s);	/* the same once more */
		return;
	}
	client_free(&s->client);
	/* One message is refused, or one login, not the host dead. */
	if (!outcome_is_final(why) && why->trouble != RELAY_TROUBLE_LOGIN)
		mark_dead(s->conns, a);
	keep_outcome(s, why);
	s->at++;
	try_next(s);
}

static void
session_finished(void *arg, enum client_end end)
{
	struct session	*s = arg;

	if (end == CLIENT_STALE) {
		s->job->begun = false;
		client_free(&s->client);
		find_addresses(s);
		return;
	}
	if (++s->messages >= s->job->messages_max && s->job->messages_max > 0)
		s->old = true;
	if (end == CLIENT_IDLE && client_is_spent(s->client))
		s->old = true;
	job_done(s->conns, &s->job);
	if (end == CLIENT_IDLE)
		become_idle(s);
	else
		session_free(s);
}

/* --- connecting */

static void
tell_mta(struct session *s, const struct hop_addr *a)
{
	char	text[HOP_ADDR_TEXT];

	job_set_mta(s->job, span_of(hop_addr_text(a, hop_addr_name(a), text)));
}

/* A local socket has no other address in whose favour it is passed over. */
static void
mark_dead(struct conns *k, const struct hop_addr *a)
{
	if (!hop_is_local(a))
		dead_mark(&k->dead, &a->ip, a->port, loop_now_ms());
}

static bool
dial_for(struct session *s, const struct hop_addr *a,
    const struct client_tls_want *tls)
{
	static const struct client_ops	ops = {
		session_ready, session_failed, session_finished
	};
	struct outcome			why;
	enum dial_result		result;
	int				fd;

	if ((result = dial(a, &fd, &why)) != DIAL_BEGUN) {
		keep_outcome(s, &why);
		if (result == DIAL_FAILED)
			mark_dead(s->conns, a);
		return false;
	}
	s->conns->n.connects++;
	s->client = client_new(fd, a, s->conns->hops->self, &ops, s);
	client_want_tls(s->client, tls);
	client_want_login(s->client, s->conns->hops->logins, s->job);
	return true;
}

/* No session came about, since its policy could not be kept. */
static void
tell_unusable(const struct session *s, const struct hop_addr *a,
    const struct client_tls_want *tls)
{
	const struct tls_report	r = {
		.hop = span_mem(s->hop, s->hop_octets),
		.flags = s->job->flags, .facts = tls->facts, .addr = a,
		.class = tls->level.report, .why = tls->level.why
	};

	if (r.class != TLS_CLASS_NONE)
		tls_report(&r);
}

/* false: not even begun; s->why says why. */
static bool
try_address(struct session *s, const struct hop_addr *a)
{
	struct client_tls_want	tls;
	struct outcome		why;
	bool			begun = false;

	s->tries++;
	tell_mta(s, a);
	if (tls_want(a, job_tls_flags(s->job), dead_has(&s->conns->clear, &a->ip,
	    a->port, loop_now_ms()), &tls, &why))
		begun = dial_for(s, a, &tls);
	else {
		tell_unusable(s, a, &tls);
		keep_outcome(s, &why);
	}
	tls_want_clear(&tls);
	return begun;
}

static void
try_next(struct session *s)
{
	while (s->at < s->list->n && s->tries < CONNS_TRIES_MAX &&
	    loop_now_ms() < s->job_until_ms) {
		if (try_address(s, &s->list->at[s->at]))
			return;
		s->at++;
	}
	give_up(s);
}

/* Without those that are dead, unless all are. */
static void
drop_dead(const struct conns *k, struct hop_list *list)
{
	int64_t	now = loop_now_ms();
	size_t	i, n = 0;

	for (i = 0; i < list->n; i++)
		if (!dead_has(&k->dead, &list->at[i].ip, list->at[i].port, now))
			n++;
	if (n == 0 || n == list->n)
		return;
	for (i = n = 0; i < list->n; i++)
		if (dead_has(&k->dead, &list->at[i].ip, list->at[i].port, now))
			hop_addr_clear(&list->at[i]);
		else
			list->at[n++] = list->at[i];
	list->n = n;
}

/* It has the TLS that a message wants of it there. */
static bool
serves(const struct session *s, const struct hop_list *list,
    const struct job *j)
{
	const struct hop_addr	*at = client_addr(s->client);
	size_t			 i;

	for (i = 0; i < list->n; i++)
		if (list->at[i].port == at->port &&
		    ip_eq(&list->at[i].ip, &at->ip))
			return tls_want_served(s->client, &list->at[i],
			    j->flags);
	return false;
}

static struct span
set_of(const struct session *s)
{
	return s->has_set ? span_mem(s->set, sizeof(s->set)) : SPAN_NONE;
}

static void
resume(struct session *s, struct job *j)
{
	leave_idle(s);
	set_job(s, j);
	job_set_mx(j, set_of(s));
	j->begun = true;
	s->conns->n.reused++;
	client_send(s->client, j);
}

/* What its block and the block's expressions say. */
static struct span
params_of(const struct session *s)
{
	struct hop_text	hop;

	return hop_parse(span_mem(s->hop, s->hop_octets), &hop) ? hop.params :
	    SPAN_NONE;
}

static bool
same_way(const struct session *idle, const struct session *s)
{
	return span_eq(set_of(idle), set_of(s)) &&
	    span_eq(params_of(idle), params_of(s));
}

/*
 * Its MX hosts are known: one that is idle there, for whatever domain, takes
 * the job.  True: both are gone.
 */
static bool
hand_over(struct session *s, struct hop_list *list)
{
	struct session	*other;
	struct job	*j = s->job;

	s->has_set = true;
	memcpy(s->set, list->set, sizeof(s->set));
	job_set_mx(j, set_of(s));
	TAILQ_FOREACH(other, &s->conns->idle, idle_entry)
		if (same_way(other, s) && serves(other, list, j))
			break;
	if (other == NULL)
		return false;
	free(other->hop);
	other->hop = xstrndup(j->hop.p, j->hop.n);
	other->hop_octets = j->hop.n;
	s->job = NULL;
	hop_list_free(&list);
	session_free(s);
	resume(other, j);
	return true;
}

static void
got_addresses(void *arg, struct hop_list *list, const struct outcome *why)
{
	struct session	*s = arg;

	s->query = NULL;
	if (list == NULL) {
		s->why = *why;
		give_up(s);
		return;
	}
	if (list->has_set && hand_over(s, list))
		return;
	drop_dead(s->conns, list);
	s->list = list;
	try_next(s);
}

/* The session may be gone when this returns. */
static void
find_addresses(struct session *s)
{
	struct hop_query	*q;
	struct span		 hop = { s->hop, s->hop_octets };

	s->at = s->tries = 0;
	s->why = (struct outcome){ 0 };
	q = hop_resolve(s->conns->hops, hop, got_addresses, s);
	if (q != NULL)
		s->query = q;
}

/* --- what the owner calls */

struct conns *
conns_new(const struct hops *hops, void (*done)(void *, struct job *),
    void *arg)
{
	struct conns	*k = xcalloc(1, sizeof(*k));

	k->hops = hops;
	k->done = done;
	k->arg = arg;
	TAILQ_INIT(&k->all);
	TAILQ_INIT(&k->idle);
	TAILQ_INIT(&k->waiting);
	return k;
}

static struct session *
find_idle(struct conns *k, const struct job *j)
{
	struct session	*s;

	TAILQ_FOREACH(s, &k->idle, idle_entry)
		if (span_eq((struct span){ s->hop, s->hop_octets }, j->hop) &&
		    tls_want_served(s->client, client_addr(s->client),
		    j->flags))
			return s;
	return NULL;
}

static void
start(struct conns *k, struct job *j)
{
	struct session	*s = find_idle(k, j);

	if (s == NULL) {
		find_addresses(session_new(k, j));
		return;
	}
	resume(s, j);
}

void
conns_take(struct conns *k, struct job *j)
{
	if (k->ended != NULL) {
		job_free(&j);
	} else if (has_room(k)) {
		start(k, j);
	} else {
		TAILQ_INSERT_TAIL(&k->waiting, j, entry);
		k->n.waiting++;
	}
}

void
conns_renew(struct conns *k)
{
	struct session	*s;

	while ((s = TAILQ_FIRST(&k->idle)) != NULL)
		say_goodbye(s);
	TAILQ_FOREACH(s, &k->all, entry)
		s->old = true;
}

static bool
all_jobs(const struct job *j)
{
	(void)j;
	return true;
}

static void
leave_waiting(struct conns *k, struct job *j)
{
	TAILQ_REMOVE(&k->waiting, j, entry);
	k->n.waiting--;
}

static void
drop_waiting(struct conns *k, bool (*mine)(const struct job *))
{
	struct job	*j, *next;

	for (j = TAILQ_FIRST(&k->waiting); j != NULL; j = next) {
		next = TAILQ_NEXT(j, entry);
		if (!mine(j))
			continue;
		leave_waiting(k, j);
		job_free(&j);
	}
}

/* A job that may still be taken back, as far as the hop knows. */
static bool
can_drop(const struct session *s)
{
	return s->job != NULL &&
	    (s->client == NULL || !client_at_dot(s->client));
}

void
conns_abandon(struct conns *k, bool (*mine)(const struct job *))
{
	struct session	*s, *next;

	drop_waiting(k, mine);
	for (s = TAILQ_FIRST(&k->all); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (can_drop(s) && mine(s->job)) {
			job_free(&s->job);
			session_free(s);
		}
	}
}

/* NULL: it waits. */
static struct session *
session_of(const struct conns *k, const struct job *j)
{
	struct session	*s;

	TAILQ_FOREACH(s, &k->all, entry)
		if (s->job == j)
			break;
	return s;
}

bool
conns_can_take_back(const struct conns *k, const struct job *j)
{
	const struct session	*s = session_of(k, j);

	return s == NULL || can_drop(s);
}

bool
conns_take_back(struct conns *k, struct job *j)
{
	struct session	*s = session_of(k, j);

	if (s == NULL) {
		leave_waiting(k, j);
		return true;
	}
	if (!can_drop(s))
		return false;
	s->job = NULL;
	session_free(s);
	return true;
}

size_t
conns_busy(const struct conns *k, struct span hop)
{
	const struct session	*s;
	size_t			 n = 0;

	TAILQ_FOREACH(s, &k->all, entry)
		n += s->job != NULL && span_eq(s->job->hop, hop);
	return n;
}

void
conns_stop(struct conns *k, void (*ended)(void *))
{
	drop_waiting(k, all_jobs);
	conns_renew(k);
	k->ended = ended;
	if (k->n.sessions == 0)
		ended(k->arg);
}

void
conns_free(struct conns **kp)
{
	struct conns	*k = *kp;
	struct session	*s;

	*kp = NULL;
	drop_waiting(k, all_jobs);
	k->ended = NULL;
	while ((s = TAILQ_FIRST(&k->all)) != NULL) {
		job_free(&s->job);
		session_free(s);
	}
	timer_clear(&k->tick);
	free(k);
}

const struct conns_counters *
conns_counters(struct conns *k)
{
	return &k->n;
}

/* A hop that says something now and then holds no message for ever. */
static void
tick_session(struct session *s, int64_t now_ms)
{
	if (s->client == NULL)
		return;
	if (s->job != NULL && now_ms >= s->job_until_ms &&
	    !client_at_dot(s->client))
		client_expire(s->client);
	else
		client_tick(s->client, now_ms);
}

void
conns_tick(struct conns *k, int64_t now_ms)
{
	struct session	*s, *next;

	while ((s = TAILQ_LAST(&k->idle, sessions)) != NULL &&
	    now_ms >= s->idle_until_ms)
		say_goodbye(s);
	for (s = TAILQ_FIRST(&k->all); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		tick_session(s, now_ms);
	}
}

static void
on_tick(void *arg)
{
	struct conns	*k = arg;

	conns_tick(k, loop_now_ms());
	if (!TAILQ_EMPTY(&k->all))
		timer_set(&k->tick, TICK_MS, on_tick, k);
}
