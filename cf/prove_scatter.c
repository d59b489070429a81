/*
 * prove_scatter.c - backscatter: mail that is taken for nobody is returned to
 * a sender who never wrote it.
 *
 * A stranger writes to a recipient who does not exist: one that is in no table,
 * set or constant, and `rcpt unknown`.  Where he is accepted all the same, and
 * the route would deliver such mail here, nothing on his path has asked whether
 * the recipient is known.
 */
#include "base/xalloc.h"
#include "cf/prove_int.h"
#include "cf/types.h"

#include <stdlib.h>

struct scatter {
	struct prover		 p;
	bdd_node		 delivers;	/* the route ends in a mailbox here */
	const struct cf_action	*deliver;	/* one that does */
	bool			 said;
};

static const struct cf_action *
action_of(const struct cf_action *a, enum cf_action_kind kind)
{
	for (; a != NULL; a = a->next) {
		if (a->kind == kind)
			return a;
		if (cf_action_is_final(a))
			return NULL;
	}
	return NULL;
}

static bool
any_accepts(const struct cf_action *a)
{
	for (; a != NULL && !cf_action_is_final(a); a = a->next)
		;
	return a != NULL && cf_action_accepts(a);
}

static void
walk_route(struct scatter *s, const struct cf_rule *r)
{
	struct bdd		*b = s->p.bdd;
	bdd_node		 left = BDD_TRUE, c;
	const struct cf_action	*a;
	prove_env		 x = NULL;

	for (; r != NULL; r = r->next) {
		if (r->is_let) {
			x = prove_bind_let(&s->p, x, r);
			continue;
		}
		c = prove_truth(&s->p, x, r->cond);
		if ((a = action_of(r->actions, CF_A_DELIVER)) != NULL) {
			s->delivers = bdd_or(b, s->delivers,
			    bdd_and(b, left, c));
			s->deliver = a;
		}
		left = bdd_and(b, left, bdd_not(b, bdd_and(b, c,
		    prove_actions_end(&s->p, x, r->actions))));
	}
}

static void
check_accept(struct scatter *s, const struct cf_rule *r, bdd_node taken)
{
	struct cf	*cf = s->p.cf;
	bdd_node	 both = bdd_and(s->p.bdd, taken, s->delivers);

	if (s->said || both == BDD_FALSE || both == BDD_TOO_MUCH)
		return;
	s->said = true;
	cf_warn(cf, r->loc, "a stranger's mail is taken here without asking "
	    "whether the recipient exists; what cannot be delivered would be "
	    "returned to senders who never wrote it (backscatter)");
	cf_help(cf, "before it: rcpt unknown => reject 550 5.1.1");
	cf_note(cf, s->deliver->loc, "it would be delivered here");
}

static void	walk_rules(struct scatter *, prove_env,
		    const struct cf_rule *, bdd_node);

static void
look_into(struct scatter *s, prove_env x, const struct cf_action *a,
    bdd_node taken)
{
	for (; a != NULL; a = a->next) {
		if (a->kind == CF_A_APPLY && a->expr->kind == CF_E_CALL &&
		    a->expr->sym != NULL)
			walk_rules(s, prove_enter(&s->p, x, a->expr),
			    a->expr->sym->decl->rules, taken);
	}
}

static void
walk_rules(struct scatter *s, prove_env x, const struct cf_rule *r,
    bdd_node left)
{
	struct bdd	*b = s->p.bdd;
	bdd_node	 c, taken;

	for (; r != NULL && left != BDD_FALSE && left != BDD_TOO_MUCH;
	    r = r->next) {
		if (r->is_let) {
			x = prove_bind_let(&s->p, x, r);
			continue;
		}
		c = prove_truth(&s->p, x, r->cond);
		taken = bdd_and(b, left, c);
		if (any_accepts(r->actions))
			check_accept(s, r, taken);
		look_into(s, x, r->actions, taken);
		left = bdd_and(b, left, bdd_not(b, bdd_and(b, c,
		    prove_actions_end(&s->p, x, r->actions))));
		if (prove_has_effects(r))
			s->p.version++;
	}
}

void
prove_scatter(struct cf *cf)
{
	struct scatter	 s = { .delivers = BDD_FALSE };

	if (cf->hooks[RS_HOOK_ROUTE] == NULL || cf->nerrors > 0)
		return;
	prove_begin(&s.p, cf, PROVE_NOBODY);
	walk_route(&s, cf->hooks[RS_HOOK_ROUTE]->rules);
	if (s.delivers != BDD_FALSE && s.delivers != BDD_TOO_MUCH)
		walk_rules(&s, NULL, cf->hooks[RS_HOOK_RCPT]->rules, BDD_TRUE);
	prove_end(&s.p);
}
