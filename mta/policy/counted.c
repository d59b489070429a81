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

#define HOOK_BITS	5	/* of a step, below the command's number */

_Static_assert(RS_NHOOKS < 1 << HOOK_BITS, "hooks fit into a step");

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

static bool
is_nobody(struct span key)
{
	return key.n == 0 || span_eq(key, SPAN("<>"));
}

static void
answered(void *arg, enum limits_answer answer)
{
	asked_told(arg, answer == LIMITS_CANNOT ? RS_CANNOT : RS_HAVE,
	    answer == LIMITS_YES);
}

static void
ask_rate(struct asking *a, const struct rs_rate *r, struct span key)
{
	const struct policy_limits	*l = &a->policy->limits;
	const struct policy_facts	*f = a->facts;
	struct limits_rate		 q = {
		.name = rs_string(a->policy->image, r->name), .key = key,
		.count = (uint32_t)RS_RATE_COUNT(r->rate),
		.period_ms = RS_RATE_MS(r->rate), .tx = f->tx,
		.step = f->command << HOOK_BITS | a->hook,
		.peek = a->peeks || f->tx == 0,
	};

	asked_begin(a, l->cancel, l->ctx);
	asked_ticket(a, l->rate(l->ctx, &q, answered, a));
}

enum rs_answer
world_rate(void *ctx, struct rs_eval *e, uint32_t rate,
    const struct rs_value *key, struct rs_value *out)
{
	struct asking	*a = ctx;
	struct span	 text;

	if (a->asked.is == ASKED_NOTHING) {
		*out = rs_bool(false);
		text = folded(key, rs_eval_arena(e));
		if (a->policy->limits.rate == NULL || is_nobody(text))
			return RS_HAVE;
		ask_rate(a, rs_rate(a->policy->image, rate), text);
	}
	return asked_take(a, out);
}

enum rs_answer
world_greylisted(void *ctx, struct rs_eval *e, const struct rs_value *key,
    int64_t wait_ms, struct rs_value *out)
{
	struct asking			*a = ctx;
	const struct policy_limits	*l = &a->policy->limits;

	if (a->asked.is == ASKED_NOTHING) {
		*out = rs_bool(wait_ms > 0);
		if (l->greylisted == NULL)
			return RS_HAVE;
		asked_begin(a, l->cancel, l->ctx);
		asked_ticket(a, l->greylisted(l->ctx,
		    folded(key, rs_eval_arena(e)), wait_ms,
		    a->peeks || a->facts->tx == 0, answered, a));
	}
	return asked_take(a, out);
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
