/*
 * counted.c - `rate` and `greylisted`: what the counters say.
 *
 * The counters are the limits process, or a test's own.  Without any (explain)
 * nothing has ever been counted: no rate is exceeded, and who comes comes for
 * the first time.
 *
 * A key is compared without regard to ASCII case: who writes his address in
 * another way is not another.  An empty one (no login, the null sender) is
 * nobody, and not counted.
 */
#include "mta/policy/policy_int.h"

static struct span
folded(const struct rs_value *key, struct arena *ar)
{
	struct span	s = arena_span(ar, rs_format(key, ar));
	char		*p = (char *)(uintptr_t)s.p;
	size_t		i;

	for (i = 0; i < s.n; i++)
		p[i] = ascii_lower(p[i]);
	return s;
}

/* From the loop, or while it is being asked. */
static void
answered(void *arg, enum limits_answer answer)
{
	struct asking	*a = arg;

	a->counted.is = COUNTED_ANSWERED;
	a->counted.answer = answer;
	if (!a->counted.in_ask)
		a->resume(a->arg);
}

void
counted_stop(struct asking *a)
{
	const struct policy_limits	*l = &a->policy->limits;

	if (a->counted.is == COUNTED_ASKED && l->cancel != NULL)
		l->cancel(l->ctx, a->counted.ticket);
	a->counted.is = COUNTED_NONE;
}

/* The answer, if it is there: each is taken once. */
static enum rs_answer
take(struct asking *a, struct rs_value *out)
{
	if (a->counted.is != COUNTED_ANSWERED)
		return RS_WAIT;
	a->counted.is = COUNTED_NONE;
	if (a->counted.answer == LIMITS_CANNOT)
		return RS_CANNOT;
	*out = rs_bool(a->counted.answer == LIMITS_YES);
	return RS_HAVE;
}

enum rs_answer
world_greylisted(void *ctx, struct rs_eval *e, const struct rs_value *key,
    int64_t wait_ms, struct rs_value *out)
{
	struct asking			*a = ctx;
	const struct policy_limits	*l = &a->policy->limits;

	if (a->counted.is == COUNTED_NONE) {
		*out = rs_bool(wait_ms > 0);
		if (l->greylisted == NULL)
			return RS_HAVE;
		a->counted.is = COUNTED_ASKED;
		a->counted.in_ask = true;
		a->counted.ticket = l->greylisted(l->ctx,
		    folded(key, rs_eval_arena(e)), wait_ms,
		    a->peeks || a->facts->tx == 0, answered, a);
		a->counted.in_ask = false;
	}
	return take(a, out);
}

/* --- by the limits process */

static uint64_t
ask_by_rate(void *ctx, const struct limits_rate *q, limits_cb *cb, void *arg)
{
	return limits_rate(ctx, q, cb, arg);
}

static uint64_t
ask_by_grey(void *ctx, struct span key, int64_t wait_ms, bool peek,
    limits_cb *cb, void *arg)
{
	return limits_grey(ctx, key, wait_ms, peek, cb, arg);
}

static void
cancel_by(void *ctx, uint64_t ticket)
{
	limits_cancel(ctx, ticket);
}

struct policy_limits
policy_limits_by(struct limits_client *l)
{
	if (l == NULL)
		return (struct policy_limits){ .ctx = NULL };
	return (struct policy_limits){ ask_by_rate, ask_by_grey, cancel_by,
	    l };
}
