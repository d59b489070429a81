/*
 * answer.c - a question is decided: counts, the log, and when it is told.
 */
#include "config.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"

#include "mta/auth/asking_int.h"

/* --- who failed */

static struct failures_who
who_of(const struct asking *a)
{
	return (struct failures_who){ a->q.client, a->q.map, a->q.user };
}

bool
asking_is_refused(const struct asking *a)
{
	struct failures_who	 who = who_of(a);

	return a->q.ask != AUTH_ASK_KNOWN &&
	    failures_refused(a->service->failures,
	    &a->service->settings.limits, &who, loop_now_ms());
}

/* It shows something that could be guessed. */
static bool
is_try(const struct asking *a)
{
	return a->q.ask != AUTH_ASK_SCRAM && a->q.ask != AUTH_ASK_KNOWN;
}

/* Of proofs nobody can tell whether they are of the same password. */
static uint64_t
tried(const struct asking *a)
{
	uint64_t	 parts[2];

	if (a->q.ask != AUTH_ASK_PASSWORD && a->q.ask != AUTH_ASK_TOKEN)
		return 0;
	parts[0] = hash_keyed(a->q.user);
	parts[1] = hash_keyed(a->q.secret);
	return hash_keyed(span_mem(parts, sizeof(parts))) | 1;
}

/*
 * What fits no secret that can be read is a guess, also where another secret is
 * broken: such an account is no place to guess at for nothing.
 */
static bool
is_guess(const struct asking *a)
{
	return a->verdict.result == AUTH_WRONG ||
	    (a->verdict.result == AUTH_CANNOT && a->proof.refuted);
}

static void
count_failures(const struct asking *a)
{
	struct auth_service	*s = a->service;
	struct failures_who	 who = who_of(a);
	int64_t			 now = loop_now_ms();

	if (is_guess(a))
		failures_add(s->failures, &s->settings.limits, &who, tried(a),
		    now);
	else if (a->verdict.result == AUTH_RIGHT)
		failures_right(s->failures, &who, now);
}

/* --- counts and the log */

static void
count(struct asking *a)
{
	struct auth_counts	*c = &a->service->counts;
	enum auth_result	 is = a->verdict.result;

	c->right += is == AUTH_RIGHT;
	c->wrong += is == AUTH_WRONG;
	c->cannot += is == AUTH_CANNOT;
	c->slow += is == AUTH_SLOW;
	c->cached += is == AUTH_RIGHT && a->cached;
}

/*
 * doc/security.md has it as a regular expression: it stays as it is.  Who is
 * right is told of by who asked.
 */
static void
tell_log(const struct asking *a)
{
	const struct auth_question	*q = &a->q;
	const char			*why = NULL;
	char				 text[IP_TEXT_MAX] = "-";

	if (a->verdict.result == AUTH_RIGHT)
		return;
	if (a->verdict.result == AUTH_CANNOT)
		why = a->why;
	if (q->client.family != 0)
		(void)ip_format(&q->client, text);
	log_info("login result=%s client=%s user=%s mechanism=%s service=%s "
	    "map=%s why=%s", auth_result_name(a->verdict.result), text,
	    log_quote(q->user), log_quote(q->mechanism),
	    log_quote(q->service), log_quote(q->map),
	    why == NULL ? "-" : log_quote(span_of(why)));
}

/* --- telling it */

static void
asking_free(struct asking *a)
{
	struct auth_peer	*k = a->peer;

	timer_clear(&a->timer);
	free(a);
	k->questions--;
	auth_peer_release(k);
}

static void
tell(struct asking *a)
{
	if (a->peer->chan != NULL)
		auth_verdict_put(a->peer->chan, a->ticket, a->q.ask,
		    &a->verdict);
	asking_free(a);
}

static void
let_go(struct asking *a)
{
	TAILQ_REMOVE(&a->service->held_back, a, entry);
	a->service->held--;
}

static void
on_time(void *arg)
{
	let_go(arg);
	tell(arg);
}

static void
hold(struct asking *a, int64_t ms)
{
	TAILQ_INSERT_TAIL(&a->service->held_back, a, entry);
	a->service->held++;
	timer_set(&a->timer, ms, on_time, a);
}

void
asking_drop_held(struct auth_service *s)
{
	struct asking	*a;

	while ((a = TAILQ_FIRST(&s->held_back)) != NULL) {
		let_go(a);
		asking_free(a);
	}
}

/*
 * How long it waits.  What was wrong is told at the next multiple of a time
 * that is longer than what a hash takes: how long it took is nobody's matter.
 */
static int64_t
wait_ms(struct asking *a)
{
	struct auth_service	*s = a->service;
	struct failures_who	 who = who_of(a);
	int64_t			 now = loop_now_ms(), wait, grid;

	if (!is_try(a) || a->verdict.result == AUTH_SLOW)
		return 0;
	wait = failures_wait_ms(s->failures, &s->settings.limits, &who, now);
	if (wait > 0)
		s->counts.slowed++;
	grid = AUTH_GRID_MS - (now - a->began_ms) % AUTH_GRID_MS;
	return a->verdict.result == AUTH_RIGHT && wait == 0 ? 0 : wait + grid;
}

void
asking_ends(struct asking *a, enum auth_result is)
{
	struct auth_service	*s = a->service;
	int64_t			 wait;

	if (a->nobody && is == AUTH_RIGHT && a->q.ask != AUTH_ASK_SCRAM)
		is = AUTH_WRONG;
	a->verdict.result = is;
	if (is_try(a) || is == AUTH_SLOW) {
		count(a);
		tell_log(a);
	}
	wait = wait_ms(a);
	if (is_try(a))
		count_failures(a);
	asking_wipe(a);
	s->waiting--;
	if (wait > 0 && s->held >= AUTH_HELD_MAX) {
		a->verdict.result = AUTH_SLOW;
		wait = 0;
	}
	if (wait > 0)
		hold(a, wait);
	else
		tell(a);
}
