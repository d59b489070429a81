/*
 * prove.c - walks each block of rules: what is never reached, and what ends
 * without a verdict.  The relay proof is prove_relay.c.
 *
 * `left` is what no rule before has taken.  Where that is nothing, or nothing
 * of what a rule asks for, the rule is dead.
 */
#include "cf/prove_int.h"
#include "cf/types.h"

/* One block under way. */
struct walk {
	struct prover			 p;
	const struct cf_rule		*rules;
	const struct prove_binding	*x;
	struct prove_left		 left;
	bdd_node			*taken;		/* by rule; of final ones */
	size_t				 n;		/* rules walked */
	bool				 dead;		/* said */
};

/* The rules before that leave nothing of `what`: "line 6 already takes". */
static const char *
takers(struct walk *w, bdd_node what)
{
	struct arena		*ar = &w->p.cf->arena;
	const struct cf_rule	*r = w->rules, *last = NULL;
	struct span		 list = SPAN_NONE;
	bdd_node		 rest = what, less;
	unsigned		 lines = 0;
	size_t			 i;

	for (i = 0; i < w->n; i++, r = r->next) {
		if (r->is_let || w->taken[i] == BDD_FALSE)
			continue;
		less = bdd_and(w->p.bdd, rest, bdd_not(w->p.bdd, w->taken[i]));
		if (bdd_and(w->p.bdd, what, bdd_not(w->p.bdd, w->taken[i])) ==
		    BDD_FALSE)
			return arena_printf(ar, "line %u already takes",
			    cf_line(w->p.cf, r->loc)).p;
		if (less == rest)
			continue;
		rest = less;
		if (last != NULL && lines++ < 8)
			list = arena_printf(ar, "%.*s%s%u", SPAN_ARG(list),
			    list.n > 0 ? ", " : "",
			    cf_line(w->p.cf, last->loc));
		last = r;
	}
	if (last == NULL || list.n == 0)
		return "the rules before already take";
	return arena_printf(ar, "lines %.*s and %u together already take",
	    SPAN_ARG(list), cf_line(w->p.cf, last->loc)).p;
}

/* The condition as it is before what earlier rules took. */
static void
check_dead(struct walk *w, const struct cf_rule *r, bdd_node c)
{
	struct cf	*cf = w->p.cf;

	if (w->dead)
		return;
	if (w->left.none == BDD_FALSE) {
		cf_error(cf, r->loc, "never reached: %s every case",
		    takers(w, BDD_TRUE));
	} else if (c == BDD_FALSE) {
		cf_error(cf, r->cond->loc, "never taken: this condition is "
		    "never true");
	} else if (prove_left_meet(&w->left, c) == BDD_FALSE) {
		cf_error(cf, r->loc, "never taken: %s every such case",
		    takers(w, c));
	} else {
		if (c == BDD_TRUE && r->cond->kind != CF_E_OTHERWISE) {
			cf_warn(cf, r->cond->loc, "this condition is always "
			    "true");
			cf_help(cf, "write 'otherwise' where that is meant");
		}
		return;
	}
	w->dead = true;
}

/*
 * What goes on behind a rule: those for whom it cannot be decided, when
 * `failing` lets them; of the others those whom it does not take.
 */
static bdd_node
goes_on(struct walk *w, const struct cf_rule *r, bdd_node c)
{
	struct bdd	*b = w->p.bdd;
	bdd_node	 on;

	on = bdd_not(b, bdd_and(b, c,
	    prove_actions_end(&w->p, w->x, r->actions)));
	if (!r->has_failing)
		return on;
	return bdd_ite(b, prove_fails(&w->p, r),
	    bdd_not(b, prove_actions_end(&w->p, w->x, r->failing)), on);
}

static void
walk_rule(struct walk *w, const struct cf_rule *r)
{
	bdd_node	 c = prove_truth(&w->p, w->x, r->cond);

	check_dead(w, r, c);
	w->taken[w->n] = bdd_and(w->p.bdd, c,
	    prove_actions_end(&w->p, w->x, r->actions));
	prove_left_and(&w->left, goes_on(w, r, c));
	if (prove_has_effects(r))
		w->p.version++;
}

static size_t
count_rules(const struct cf_rule *r)
{
	size_t	 n = 0;

	for (; r != NULL; r = r->next)
		n++;
	return n;
}

/* What is left at the end, of a block that must not end so. */
static void
check_end(struct walk *w, const struct cf_decl *d)
{
	struct cf	*cf = w->p.cf;

	if (w->left.none == BDD_FALSE || w->dead)
		return;
	if (d->kind == CF_D_ROUTE)
		cf_error(cf, (struct cf_loc){ d->loc.pos, d->loc.pos + 5 },
		    "this route can end without saying where the mail goes");
	else
		cf_error(cf, d->name_loc, "'%.*s' can end without a value",
		    SPAN_ARG(d->name));
	cf_help(cf, "let its last rule be: otherwise => %s",
	    d->kind == CF_D_ROUTE ? "mx, relay NAME, reject ..." : "VALUE");
}

static void
walk_block(struct cf *cf, const struct cf_decl *d)
{
	struct walk		 w = { .rules = d->rules };
	const struct cf_rule	*r;

	prove_begin(&w.p, cf, PROVE_ANY);
	prove_left_begin(&w.left, w.p.bdd);
	w.taken = arena_alloc(&cf->arena,
	    (count_rules(d->rules) + 1) * sizeof(*w.taken));
	if (d->kind == CF_D_RULESET)
		w.x = prove_bind_args(&w.p, d->sym);
	for (r = d->rules; r != NULL; r = r->next, w.n++) {
		if (r->is_let) {
			w.x = prove_bind_let(&w.p, w.x, r);
			w.taken[w.n] = BDD_FALSE;
		} else {
			walk_rule(&w, r);
		}
	}
	if (d->kind == CF_D_ROUTE || (d->kind == CF_D_RULESET &&
	    d->sym->type != RS_T_VERDICT))
		check_end(&w, d);
	prove_left_end(&w.left);
	prove_end(&w.p);
}

static void
check_hooks(struct cf *cf)
{
	struct cf_loc	 top = { 0, 0 };

	if (cf->hooks[RS_HOOK_ROUTE] == NULL) {
		cf_error(cf, top, "'route' is missing: nothing says where "
		    "mail goes");
		cf_help(cf, "the least is: route { otherwise => mx }");
	}
	if (cf->hooks[RS_HOOK_RCPT] == NULL)
		cf_warn(cf, top, "without 'on rcpt' every recipient is "
		    "refused");
}

void
cf_prove(struct cf *cf)
{
	const struct cf_decl	*d;

	check_hooks(cf);
	for (d = cf->decls; d != NULL; d = d->next) {
		if (d->kind == CF_D_HOOK || d->kind == CF_D_ROUTE ||
		    d->kind == CF_D_RULESET)
			walk_block(cf, d);
	}
	prove_failing(cf);
	prove_loops(cf);
	prove_filters(cf);
	prove_trusted(cf);
	if (cf->hooks[RS_HOOK_RCPT] == NULL)
		return;
	prove_relay(cf, cf->hooks[RS_HOOK_RCPT]);
	prove_scatter(cf);
}
