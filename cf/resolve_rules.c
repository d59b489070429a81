/*
 * resolve_rules.c - names in blocks of rules: lets, actions, rulesets.
 */
#include "cf/names.h"
#include "cf/types.h"

static void
push_local(struct cf *cf, struct cf_scope *s, struct cf_sym *sym)
{
	struct cf_local	*l;

	if (cf_local_named(s, sym->name) != NULL) {
		cf_error(cf, sym->loc, "'%.*s' is declared already in this "
		    "block", SPAN_ARG(sym->name));
		sym->used = true;
		return;
	}
	if (!cf_may_declare(cf, sym->name, sym->loc)) {
		sym->used = true;
		return;
	}
	l = arena_alloc(&cf->arena, sizeof(*l));
	l->sym = sym;
	l->next = s->locals;
	s->locals = l;
}

static void
resolve_let(struct cf *cf, struct cf_scope *s, struct cf_rule *r)
{
	struct cf_local	*before = s->locals;

	cf_resolve(cf, s, r->cond);
	cf_captures_lose(s, before);
	r->captured = s->captured;
	s->captured = NULL;
	r->sym = cf_sym_new(cf, CF_S_LET, r->name, r->loc);
	r->sym->let = r;
	r->sym->index = cf_local_number(cf);
	push_local(cf, s, r->sym);
}

/* `relay NAME`: the name of a relay comes before all others. */
static void
resolve_relay(struct cf *cf, struct cf_scope *s, struct cf_action *a)
{
	struct cf_sym	*sym;

	if (a->expr->kind != CF_E_NAME) {
		cf_resolve(cf, s, a->expr);
		return;
	}
	sym = cf_local_named(s, a->expr->name);
	if (sym == NULL)
		sym = cf_find(cf, a->expr->name);
	if (sym == NULL && cf_fact_named(a->expr->name) == RS_NFACTS) {
		(void)cf_need(cf, a->expr->name, a->expr->loc, CF_S_RELAY);
		a->expr->kind = CF_E_BAD;
	} else if (sym != NULL && sym->kind == CF_S_RELAY) {
		sym->used = true;
		a->sym = sym;
	} else {
		cf_resolve(cf, s, a->expr);
	}
}

/* `MAP[key]`: a verdict comes out of maps of two kinds. */
static void
resolve_verdict(struct cf *cf, struct cf_scope *s, struct cf_action *a)
{
	struct cf_sym	*map;

	cf_resolve(cf, s, a->expr);
	if (a->expr->kind == CF_E_BAD)
		return;
	map = a->expr->ref == CF_R_MAP ? a->expr->sym : NULL;
	if (map != NULL && (span_eq(map->map_kind, SPAN("access")) ||
	    span_eq(map->map_kind, SPAN("routes")))) {
		a->sym = map;
		return;
	}
	cf_error(cf, a->loc, "a verdict comes out of a map of kind access or "
	    "routes, and %s is none", map != NULL ? arena_printf(&cf->arena,
	    "'%.*s' (kind %.*s)", SPAN_ARG(map->name),
	    SPAN_ARG(map->map_kind)).p : "this");
	a->expr->kind = CF_E_BAD;
}

/* `apply RULESET(...)`: one whose rules are actions. */
static void
resolve_apply(struct cf *cf, struct cf_scope *s, struct cf_action *a)
{
	struct cf_expr	*call = a->expr;

	if (call->kind != CF_E_CALL)
		return;
	s->applying = true;
	cf_resolve(cf, s, call);
	s->applying = false;
	if (call->kind != CF_E_CALL)
		return;
	a->sym = call->sym;
	if (a->sym->type == RS_T_VERDICT || a->sym->type == RS_T_NONE)
		return;
	cf_error(cf, call->loc, "'%.*s' gives %s; only a ruleset '-> verdict' "
	    "is applied", SPAN_ARG(call->name), cf_type_what(a->sym->type));
	call->kind = CF_E_BAD;
}

/* A ruleset of actions may be applied where each of them may stand. */
static void
bar(struct cf *cf, struct cf_sym *ruleset, struct cf_action *a)
{
	uint32_t	 hooks = cf_action_hooks(a);
	unsigned	 h;

	for (h = 0; h < RS_NHOOKS; h++) {
		if ((hooks >> h & 1) == 0 && ruleset->barred[h] == NULL)
			ruleset->barred[h] = a;
	}
	if (ruleset->hooks != 0 && (ruleset->hooks & hooks) == 0)
		cf_error(cf, a->loc, "there is no hook in which all that "
		    "'%.*s' does and names may stand",
		    SPAN_ARG(ruleset->name));
	ruleset->hooks &= hooks;
}

static void
resolve_inner(struct cf *cf, struct cf_scope *s, struct cf_action *a)
{
	switch (a->kind) {
	case CF_A_RELAY:
		resolve_relay(cf, s, a);
		return;
	case CF_A_VERDICT:
		resolve_verdict(cf, s, a);
		return;
	case CF_A_APPLY:
		resolve_apply(cf, s, a);
		return;
	case CF_A_EXPAND:
		if (span_eq(a->name, SPAN("srs")) &&
		    htab_get(&cf->names, a->name) == NULL) {
			a->kind = CF_A_SRS;
			(void)cf_srs_need(cf, a->name_loc);
			return;
		}
		a->sym = cf_need(cf, a->name, a->name_loc, CF_S_MAP);
		return;
	case CF_A_DELIVER:
		a->sym = cf_need(cf, a->name, a->name_loc, CF_S_MAILBOX);
		return;
	case CF_A_FILTER:
		a->sym = cf_need(cf, a->name, a->name_loc, CF_S_FILTER);
		return;
	case CF_A_USE: case CF_A_SKIP:
		a->sym = cf_need(cf, a->name, a->name_loc, CF_S_MILTER);
		return;
	case CF_A_TAG:
		a->sym = cf_need(cf, a->name, a->name_loc, CF_S_TAG);
		if (a->sym != NULL)
			a->sym->is_set = true;
		break;
	default:
		break;
	}
	if (a->expr != NULL)
		cf_resolve(cf, s, a->expr);
}

static void
resolve_action(struct cf *cf, struct cf_scope *s, struct cf_action *a)
{
	resolve_inner(cf, s, a);
	if (s->ruleset != NULL && a->kind != CF_A_VALUE)
		bar(cf, s->ruleset, a);
}

static void
resolve_rules(struct cf *cf, struct cf_scope *s, struct cf_rule *r)
{
	uint32_t		 outer = cf->nlocals;
	struct cf_local		*before;
	struct cf_action	*a;

	cf->nlocals = 0;
	for (; r != NULL; r = r->next) {
		if (r->is_let) {
			resolve_let(cf, s, r);
			continue;
		}
		before = s->locals;
		cf_resolve(cf, s, r->cond);
		for (a = r->actions; a != NULL; a = a->next)
			resolve_action(cf, s, a);
		cf_captures_lose(s, before);
		for (a = r->failing; a != NULL; a = a->next)
			resolve_action(cf, s, a);
		r->captured = s->captured;
		s->captured = NULL;
	}
	cf->nlocals = outer;
}

void
cf_resolve_block(struct cf *cf, struct cf_scope *s, struct cf_arg *args,
    struct cf_rule *rules)
{
	for (; args != NULL; args = args->next)
		push_local(cf, s, args->sym);
	resolve_rules(cf, s, rules);
}

void
cf_resolve_ruleset(struct cf *cf, struct cf_sym *sym)
{
	struct cf_scope	 s = { .ruleset = sym };

	if (sym->mark != 0)
		return;
	if (cf->under_way >= RS_CALL_DEPTH - 2) {
		cf_error(cf, sym->loc, "rulesets call each other deeper than "
		    "%d", RS_CALL_DEPTH - 2);
		sym->mark = 2;
		return;
	}
	sym->mark = 1;
	cf->under_way++;
	cf_resolve_block(cf, &s, sym->decl->args, sym->decl->rules);
	sym->mark = 2;
	cf->under_way--;
	cf->rulesets[cf->nrulesets++] = sym;
}

void
cf_resolve_hooks(struct cf *cf)
{
	struct cf_scope	 s;
	struct cf_decl	*d;

	for (d = cf->decls; d != NULL; d = d->next) {
		if (d->kind == CF_D_REWRITE)
			cf_rewrite_resolve(cf, d);
		if (d->kind != CF_D_HOOK && d->kind != CF_D_ROUTE)
			continue;
		memset(&s, 0, sizeof(s));
		s.hook = d->hook;
		if (s.hook != RS_NHOOKS)
			resolve_rules(cf, &s, d->rules);
	}
}
