/*
 * before.c - `on deliver`: its refusal is the recipient's, its end lets go.
 */
#include "mta/route/before.h"

bool
before_wanted(const struct policy *p)
{
	return rs_hook(policy_image(p), RS_HOOK_DELIVER) != UINT32_MAX;
}

void
before_begin(struct before *b, struct policy *p, const struct policy_facts *f)
{
	*b = (struct before){ .policy = p, .facts = *f, .resume = b->resume,
	    .arg = b->arg };
}

/* What the hook has said of this target. */
static void
take(struct target *t, const struct rs_verdict *v, struct arena *ar)
{
	struct span	status, text;
	unsigned	code;

	switch (v->kind) {
	case RS_V_REJECT:
	case RS_V_DEFER:
		policy_reply(v, ar, &code, &status, &text);
		t->kind = v->kind == RS_V_DEFER ? TARGET_LATER : TARGET_FAIL;
		t->code = (uint16_t)code;
		t->status = arena_span(ar, status);
		t->text = arena_span(ar, text);
		break;
	case RS_V_DISCARD:
		t->kind = TARGET_DISCARD;
		break;
	default:
		break;
	}
}

static void
decided(void *arg, struct decision *d)
{
	struct before	*b = arg;

	(void)d;
	if (!b->in_ask)
		b->resume(b->arg);
}

/* False: an answer is waited for. */
static bool
ask(struct before *b, const struct target *t)
{
	if (b->decision == NULL) {
		b->facts.rcpt = t->address;
		b->facts.rcpt_at = rs_address(t->address).at;
		b->in_ask = true;
		b->decision = policy_decide(b->policy, RS_HOOK_DELIVER,
		    &b->facts, NULL, decided, b);
		b->in_ask = false;
	}
	return decision_done(b->decision);
}

bool
before_done(struct before *b, struct target *t, struct arena *ar)
{
	if (t->kind != TARGET_DELIVER)
		return true;
	if (!ask(b, t))
		return false;
	take(t, decision_verdict(b->decision), ar);
	decision_free(&b->decision);
	return true;
}

void
before_end(struct before *b)
{
	decision_free(&b->decision);
}
