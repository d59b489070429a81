/*
 * types_block.c - types in rules, tags and option blocks, one after the other.
 */
#include "cf/listen.h"
#include "cf/types_int.h"

static void
type_let(struct cf *cf, struct cf_rule *r)
{
	struct cf_sym	*sym = r->sym;

	cf_type_expr(cf, r->cond);
	if (sym == NULL)
		return;
	sym->type = r->cond->type;
	sym->tainted = r->cond->tainted;
	sym->asked = r->cond->asked;
	sym->table = r->cond->table;
	sym->may_fail = r->cond->may_fail;
	sym->nothing = r->cond->nothing;
	if (!type_is_bad(r->cond) && !sym->used)
		cf_warn(cf, r->loc, "let '%.*s' is never used",
		    SPAN_ARG(sym->name));
}

static void
type_rules(struct cf *cf, struct cf_rule *r, enum rs_hook hook,
    unsigned result)
{
	for (; r != NULL; r = r->next) {
		if (r->is_let) {
			type_let(cf, r);
			continue;
		}
		cf_type_expr(cf, r->cond);
		(void)cf_type_want(cf, r->cond, RS_T_BOOL, "a condition");
		cf_type_actions(cf, r->actions, hook, result);
		cf_type_actions(cf, r->failing, hook, result);
		if (!r->has_failing || type_is_bad(r->cond) ||
		    r->cond->may_fail)
			continue;
		if (r->goes_on) {	/* said of the tables behind it */
			r->has_failing = false;
			r->failing = NULL;
		} else {
			cf_error(cf, r->failing != NULL ? r->failing->loc :
			    r->loc, "never reached: this rule asks nothing "
			    "that could fail");
		}
	}
}

static void
type_ruleset(struct cf *cf, struct cf_sym *sym)
{
	const struct cf_rule	*r;

	type_rules(cf, sym->decl->rules, RS_NHOOKS, sym->type);
	for (r = sym->decl->rules; r != NULL; r = r->next) {
		sym->may_fail |= r->cond->may_fail;
		if (r->is_let || r->actions == NULL ||
		    sym->type == RS_T_VERDICT)
			continue;
		sym->tainted |= r->actions->expr->tainted;
		sym->asked |= r->actions->expr->asked;
		sym->may_fail |= r->actions->expr->may_fail;
		sym->nothing |= r->actions->expr->nothing;
	}
}

static void
type_tag(struct cf *cf, struct cf_sym *sym)
{
	struct cf_scope	 s = { .quiet = true };
	struct cf_expr	*e = sym->decl->expr;

	if (e == NULL)
		return;
	cf_resolve(cf, &s, e);
	cf_type_expr(cf, e);
	if (!cf_type_want(cf, e, sym->type, "this tag") || type_is_const(e))
		return;
	cf_error(cf, e->loc, "a tag's default is a constant");
}

/* Whether what it comes to may differ from account to account. */
static bool
tells_accounts_apart(const struct cf_expr *e)
{
	const struct cf_expr	*i;

	if (e == NULL)
		return false;
	if (e->kind == CF_E_BAD)
		return true;
	if (e->kind == CF_E_NAME)
		return e->ref != CF_R_FACT || e->fact == RS_FACT_USER ||
		    e->fact == RS_FACT_ACCOUNT || e->fact == RS_FACT_RCPT;
	if (e->kind == CF_E_INDEX)
		return tells_accounts_apart(e->b);	/* not: whose table */
	for (i = e->list; i != NULL; i = i->next) {
		if (tells_accounts_apart(i))
			return true;
	}
	return tells_accounts_apart(e->a) || tells_accounts_apart(e->b);
}

/* One account may have one path. */
static bool
has_one_account(const struct cf_object *mailbox)
{
	const struct cf_set_opt	*set = cf_option(mailbox,
				    RS_OPT_MAILBOX_accounts);
	const struct cf_decl	*d;

	if (set == NULL || set->nplaces == 0)
		return true;	/* told already */
	d = set->places[0]->sym->decl;
	return d->in_place && (d->items == NULL || d->items->next == NULL);
}

static void
check_path(struct cf *cf, const struct cf_object *o, const struct cf_expr *e)
{
	if (tells_accounts_apart(e) || has_one_account(o))
		return;
	cf_warn(cf, e->loc, "all accounts of %s get their mail into one and "
	    "the same path", cf_object_what(cf, o));
	cf_help(cf, "name the account in it: path \"/var/mail/{user}\"");
}

/* Expressions in blocks of options are asked anew for each message. */
static void
type_place(struct cf *cf, const struct cf_object *o, enum rs_option option,
    char letter, struct cf_expr *e)
{
	struct cf_scope		 s = { .hook = RS_HOOK_ROUTE };
	const struct cf_expr	*taint;

	if (o->kind == RS_O_MAILBOX)
		s.hook = RS_HOOK_MAILBOX;
	else if (o->kind == RS_O_RELAY)
		s.hook = RS_HOOK_RELAY_BLOCK;
	cf_resolve(cf, &s, e);
	cf_type_expr(cf, e);
	if (!cf_type_want(cf, e, letter == 'Z' ? RS_T_SIZE : RS_T_TEXT,
	    arena_printf(&cf->arena, "'%s'",
	    rs_options[option].word).p))
		return;
	if (option == RS_OPT_MAILBOX_path)
		check_path(cf, o, e);
	if (option != RS_OPT_RELAY_host ||
	    (taint = cf_type_taint(e)) == NULL)
		return;
	cf_error(cf, e->loc, "the client could choose this host: it comes "
	    "from %s", type_text_of(cf, taint));
	cf_help(cf, "take hosts from constants and tables only");
}

static void
type_option(struct cf *cf, const struct cf_object *o,
    const struct cf_set_opt *set)
{
	char	 letter;
	size_t	 i;

	for (i = 0; i < set->nplaces; i++) {
		letter = rs_option_letter(set->option, (unsigned)i);
		if (set->places[i] != NULL && (letter == 'T' ||
		    letter == 'S' || letter == 'Z'))
			type_place(cf, o, set->option, letter, set->places[i]);
	}
}

static void
type_objects(struct cf *cf)
{
	const struct cf_object	*o;
	const struct cf_set_opt	*set;

	for (o = cf->objects; o != NULL; o = o->next) {
		for (set = o->opts; set != NULL; set = set->next)
			type_option(cf, o, set);
	}
}

void
cf_types(struct cf *cf)
{
	struct cf_decl	*d;
	unsigned	 h;
	size_t		 i;

	for (i = 0; i < cf->nsyms; i++) {
		if (cf->syms[i]->kind == CF_S_TAG)
			type_tag(cf, cf->syms[i]);
	}
	for (i = 0; i < cf->nrulesets; i++)
		type_ruleset(cf, cf->rulesets[i]);
	for (h = 0; h < RS_NHOOKS; h++) {
		if (cf->hooks[h] != NULL)
			type_rules(cf, cf->hooks[h]->rules, (enum rs_hook)h,
			    RS_T_NONE);
	}
	for (d = cf->decls; d != NULL; d = d->next) {
		if (d->kind == CF_D_REWRITE)
			cf_rewrite_types(cf, d);
	}
	type_objects(cf);
}
