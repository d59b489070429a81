/*
 * conns.c - sessions and the jobs that they carry.
 */
#include "mta/relay/conns.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/msg/relayed.h"
#include "mta/relay/client_auth.h"
#include "mta/relay/client_tls.h"
#include "mta/relay/conns_int.h"
#include "mta/relay/move.h"
#include "mta/relay/tls_want.h"

#define TICK_MS	1000

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
	move_end(j);
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
void
session_free(struct session *s)
{
	struct conns	*k = s->conns;

	tries_stop(s);
	leave_idle(s);
	hop_cancel(&s->query);
	client_free(&s->client);
	hop_list_free(&s->list);
	hop_addr_clear(&s->addr);
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

/*
 * No address took the message.  Where other hosts have answered before, their
 * word counts, and the hop was reached.
 */
void
session_give_up(struct session *s)
{
	struct job	*j = s->job;
	bool		 moved = j->moved != NULL;

	if (s->why.code == 0 && !moved)
		outcome_set(&s->why, 451, "4.4.1", "no time left to connect");
	assert(s->why.code >= 400 || moved);
	s->job = NULL;
	j->connected = moved || outcome_is_final(&s->why);	/* no trouble of the way */
	if (!moved)
		j->trouble = trouble_of(&s->why);
	if (s->why.code != 0)
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
	struct session	*s = arg;

	tell_report(s);
	if (tries_aside(s))
		return;
	tries_worked(s);
	s->job->begun = true;
	client_send(s->client, s->job);
}

static void
session_failed(void *arg, const struct outcome *why)
{
	struct session	*s = arg;
	struct outcome	 mine;
	bool		 clear;

	if (why == NULL || s->list == NULL) {	/* it was idle */
		client_free(&s->client);
		session_free(s);
		return;
	}
	tell_report(s);
	client_tell_tls(s->client, s->job);
	client_tell_login(s->client, s->job);
	mine = *why;	/* the client's */
	clear = client_wants_clear(s->client);
	client_free(&s->client);
	if (clear)
		tries_clear(s);
	else
		tries_failed(s, &mine);
}

/* The job has its results, or goes to another host with the rest. */
static void
end_job(struct session *s)
{
	struct job	*j = s->job;

	if (s->conns->ended == NULL && tries_move_on(s)) {
		s->job = NULL;
		j->begun = false;
		session_begin(s->conns, j);
	} else
		job_done(s->conns, &s->job);
}

static void
session_finished(void *arg, enum client_end end)
{
	struct session	*s = arg;

	if (end == CLIENT_STALE) {
		s->job->begun = false;
		client_free(&s->client);
		tries_begin(s);
		return;
	}
	if (++s->messages >= s->job->messages_max && s->job->messages_max > 0)
		s->old = true;
	if (end == CLIENT_IDLE && client_is_spent(s->client))
		s->old = true;
	end_job(s);
	if (end == CLIENT_IDLE)
		become_idle(s);
	else
		session_free(s);
}

const struct client_ops	session_ops = {
	session_ready, session_failed, session_finished
};

struct span
session_set(const struct session *s)
{
	return s->has_set ? span_mem(s->set, sizeof(s->set)) : SPAN_NONE;
}

void
session_resume(struct session *s, struct job *j)
{
	leave_idle(s);
	set_job(s, j);
	job_set_mx(j, session_set(s));
	j->begun = true;
	s->conns->n.reused++;
	client_send(s->client, j);
}

void
session_begin(struct conns *k, struct job *j)
{
	tries_begin(session_new(k, j));
}

struct session *
session_split(struct session *s)
{
	struct session	*new = session_new(s->conns, s->job);

	new->job_until_ms = s->job_until_ms;
	s->job = NULL;
	client_rest(s->client);
	become_idle(s);
	return new;
}

bool
session_reuse(struct conns *k, const struct hop_addr *a, struct job *j)
{
	struct session	*s;

	TAILQ_FOREACH(s, &k->idle, idle_entry)
		if (span_eq((struct span){ s->hop, s->hop_octets }, j->hop) &&
		    s->addr.port == a->port && ip_eq(&s->addr.ip, &a->ip) &&
		    tls_want_served(s->client, a, job_tls_flags(j)))
			break;
	if (s == NULL)
		return false;
	s->settled = true;
	session_resume(s, j);
	return true;
}

/* --- what the owner calls */

struct conns *
conns_new(const struct hops *hops, void (*done)(void *, struct job *),
    void *arg)
{
	struct conns	*k = xcalloc(1, sizeof(*k));

	k->hops = hops;
	k->health = health_new();
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
		    (s->settled || client_suits(s->client, j)) &&
		    tls_want_served(s->client, client_addr(s->client),
		    job_tls_flags(j)))
			return s;
	return NULL;
}

static void
start(struct conns *k, struct job *j)
{
	struct session	*s = find_idle(k, j);

	if (s == NULL)
		session_begin(k, j);
	else
		session_resume(s, j);
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
	health_free(&k->health);
	free(k);
}

const struct conns_counters *
conns_counters(struct conns *k)
{
	return &k->n;
}

const struct health *
conns_health(const struct conns *k)
{
	return k->health;
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
