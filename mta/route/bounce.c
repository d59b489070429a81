/*
 * bounce.c - BOUNCE_ASK, the hook, BOUNCE_ANSWER; bounce.h.
 *
 * A hook that cannot be decided (a table, DNS) lets the notification be
 * written as ever: whom it concerns would otherwise never hear of it.
 *
 * Owns: the questions under way, each with the policy that it began with.
 */
#include <sys/queue.h>

#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/bounce.h"
#include "mta/msg/msg.h"
#include "mta/route/bounce.h"
#include "mta/route/frozen.h"
#include "mta/spool/envelope.h"

#define STATUS_MAX	16
#define LANGUAGE_MAX	35	/* RFC 5646, 4.4.1 */
#define UNDER_WAY_MAX	2000

struct question {
	TAILQ_ENTRY(question)	 entry;
	struct chan		*queue;
	uint64_t		 ticket;
	struct policy		*policy;
	struct arena		 arena;
	struct envelope		 env;
	struct span		 kind, status;
	struct policy_facts	 facts;
	struct decision		*decision;
};

static TAILQ_HEAD(, question)	questions = TAILQ_HEAD_INITIALIZER(questions);
static unsigned			under_way;

static void
question_free(struct question **qp)
{
	struct question	*q = *qp;

	*qp = NULL;
	TAILQ_REMOVE(&questions, q, entry);
	under_way--;
	decision_free(&q->decision);
	policy_names_free(&q->facts.names);
	policy_unref(&q->policy);
	arena_clear(&q->arena);
	free(q);
}

void
bounces_drop(void)
{
	struct question	*q;

	while ((q = TAILQ_FIRST(&questions)) != NULL)
		question_free(&q);
}

/* --- the answer */

static void
as_ever(struct chan *queue, uint64_t ticket)
{
	chan_begin(queue, MSG_BOUNCE_ANSWER);
	chan_u64(queue, ticket);
	chan_u8(queue, BOUNCE_WRITE);
	chan_u8(queue, 0);
	chan_bytes(queue, SPAN_NONE);
	chan_u32(queue, 0);
	chan_end(queue);
}

static struct span
language_of(const struct policy_effect *ef, size_t n)
{
	struct span	last = SPAN_NONE;
	size_t		i;

	for (i = 0; i < n; i++)
		if (ef[i].kind == RS_E_LANGUAGE &&
		    ef[i].value.s.n <= LANGUAGE_MAX)
			last = ef[i].value.s;
	return last;
}

static bool
has(const struct policy_effect *ef, size_t n, enum rs_effect kind)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (ef[i].kind == kind)
			return true;
	return false;
}

static void
put_copies(struct chan *queue, const struct policy_effect *ef, size_t n)
{
	size_t	i, copies = 0;

	for (i = 0; i < n; i++)
		copies += ef[i].kind == RS_E_BCC;
	if (copies > BOUNCE_COPIES_MAX)
		copies = BOUNCE_COPIES_MAX;
	chan_u32(queue, (uint32_t)copies);
	for (i = 0; i < n && copies > 0; i++)
		if (ef[i].kind == RS_E_BCC) {
			chan_bytes(queue, ef[i].value.s);
			copies--;
		}
}

static void
answer(struct question *q, const struct decision *d)
{
	const struct rs_verdict		*v = decision_verdict(d);
	const struct policy_effect	*ef;
	size_t				 n;

	if (v->kind == RS_V_DEFER) {	/* it cannot be said */
		as_ever(q->queue, q->ticket);
		return;
	}
	ef = decision_effects(d, &n);
	chan_begin(q->queue, MSG_BOUNCE_ANSWER);
	chan_u64(q->queue, q->ticket);
	chan_u8(q->queue, v->kind == RS_V_DISCARD ? BOUNCE_DISCARD :
	    BOUNCE_WRITE);
	chan_u8(q->queue, has(ef, n, RS_E_HEADERS_ONLY));
	chan_bytes(q->queue, language_of(ef, n));
	put_copies(q->queue, ef, n);
	chan_end(q->queue);
}

static void
decided(void *arg, struct decision *d)
{
	struct question	*q = arg;

	answer(q, d);
	if (q->decision == NULL)	/* at once: policy_decide() returns it */
		return;
	question_free(&q);
}

/* --- the question */

static bool
parse(struct question *q, struct msg *m, uint32_t *attempts)
{
	struct span	env;
	uint8_t		kind;

	env = arena_span(&q->arena, msg_bytes(m, ENVELOPE_MAX));
	*attempts = msg_u32(m);
	kind = msg_u8(m);
	q->status = arena_span(&q->arena, msg_bytes(m, STATUS_MAX));
	if (m->bad || !msg_end(m) || kind >= BOUNCE_NKINDS)
		return false;
	q->kind = bounce_kind_name((enum bounce_kind)kind);
	return
	    envelope_parse(env, &q->arena, &q->env) != -1;
}

bool
bounce_asked(struct chan *queue, struct policy *policy, struct msg *m)
{
	struct question	*q = xcalloc(1, sizeof(*q));
	struct decision	*d;
	uint32_t	 attempts;

	TAILQ_INSERT_TAIL(&questions, q, entry);
	under_way++;
	q->queue = queue;
	q->ticket = msg_u64(m);
	if (!parse(q, m, &attempts)) {
		log_warnx("event=bounce a question that makes no sense");
		question_free(&q);
		return false;
	}
	if (policy == NULL || under_way > UNDER_WAY_MAX) {
		as_ever(queue, q->ticket);
		question_free(&q);
		return true;
	}
	q->policy = policy_ref(policy);
	frozen_facts(policy, &q->env, attempts, &q->arena, &q->facts);
	q->facts.bounce_kind = q->kind;
	q->facts.bounce_status = q->status;
	d = policy_decide(policy, RS_HOOK_BOUNCE, &q->facts, NULL, decided, q);
	q->decision = d;
	if (d != NULL && decision_done(d))
		question_free(&q);
	return true;
}
