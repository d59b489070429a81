/*
 * prove_apply.c - rulesets of verdicts: `apply` ends a block where they do.
 */
#include "cf/prove_int.h"
#include "cf/types.h"

bool
prove_is_final(const struct cf_action *a)
{
	for (; a != NULL; a = a->next) {
		if (cf_action_is_final(a))
			return true;
	}
	return false;
}

prove_env
prove_enter(struct prover *p, prove_env x, const struct cf_expr *call)
{
	struct buf	 key = { 0 };
	prove_env	 inner = prove_bind_call(p, x, call, &key);

	buf_clear(&key);
	return inner;
}

static bdd_node
rules_end(struct prover *p, prove_env x, const struct cf_rule *r)
{
	struct bdd	*b = p->bdd;
	bdd_node	 left = BDD_TRUE, ends = BDD_FALSE, c, fails, e;

	for (; r != NULL; r = r->next) {
		if (r->is_let) {
			x = prove_bind_let(p, x, r);
			continue;
		}
		c = prove_truth(p, x, r->cond);
		e = bdd_and(b, c, prove_actions_end(p, x, r->actions));
		if (r->has_failing) {
			fails = prove_fails(p, r);
			e = bdd_ite(b, fails,
			    prove_actions_end(p, x, r->failing), e);
		}
		ends = bdd_or(b, ends, bdd_and(b, left, e));
		left = bdd_and(b, left, bdd_not(b, e));
		if (prove_has_effects(r))
			p->version++;
	}
	return ends;
}

static bdd_node
call_ends(struct prover *p, prove_env x, const struct cf_expr *call)
{
	struct buf	 key = { 0 };
	prove_env	 inner;
	uintptr_t	 is;

	if (call == NULL || call->kind != CF_E_CALL || call->sym == NULL)
		return BDD_FALSE;
	buf_add_str(&key, "ends:");
	inner = prove_bind_call(p, x, call, &key);
	is = (uintptr_t)htab_get(&p->calls, buf_span(&key));
	if (is == 0) {
		is = (uintptr_t)rules_end(p, inner,
		    call->sym->decl->rules) + 1;
		htab_put(&p->calls, buf_span(&key), (void *)is);
	}
	buf_clear(&key);
	return (bdd_node)(is - 1);
}

bdd_node
prove_actions_end(struct prover *p, prove_env x, const struct cf_action *a)
{
	bdd_node	 ends = BDD_FALSE;

	if (prove_is_final(a))
		return BDD_TRUE;
	for (; a != NULL; a = a->next) {
		ends = bdd_or(p->bdd, ends, prove_action_ends(p, x, a));
		if (prove_is_effect(a))
			p->version++;
	}
	return ends;
}

bdd_node
prove_action_ends(struct prover *p, prove_env x, const struct cf_action *a)
{
	if (cf_action_is_final(a))
		return BDD_TRUE;
	return a->kind == CF_A_APPLY ? call_ends(p, x, a->expr) : BDD_FALSE;
}

bool
prove_is_effect(const struct cf_action *a)
{
	return a->kind == CF_A_TAG || a->kind == CF_A_ADD ||
	    a->kind == CF_A_SET || a->kind == CF_A_REMOVE;
}

bool
prove_has_effects(const struct cf_rule *r)
{
	const struct cf_action	*lists[2] = { r->actions, r->failing }, *a;
	unsigned		 i;

	for (i = 0; i < 2; i++) {
		for (a = lists[i]; a != NULL; a = a->next) {
			if (prove_is_effect(a) || a->kind == CF_A_APPLY)
				return true;
		}
	}
	return false;
}
