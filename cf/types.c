/*
 * types.c - types of expressions, constant folding, and the blocks in turn.
 *
 * Types are inferred.  Text out of a table is read as the type that is wanted
 * where it stands; a constant text is read as a domain or address when the
 * policy is compiled.  A mismatch names both sides.  The operators are those of
 * ruleset/value.h, so that folding and running cannot differ.
 */
#include "cf/literal.h"
#include "cf/types.h"

#include <assert.h>

static void
bad(struct cf_expr *e)
{
	e->kind = CF_E_BAD;
	e->type = RS_T_NONE;
	e->list = NULL;
	e->a = e->b = NULL;
}

static bool
is_bad(const struct cf_expr *e)
{
	return e->kind == CF_E_BAD;
}

static bool
is_const(const struct cf_expr *e)
{
	return e->kind == CF_E_CONST;
}

static const char *
text_of(struct cf *cf, const struct cf_expr *e)
{
	struct span	 s = cf_expr_text(cf, e);

	if (s.n > 60)
		return arena_printf(&cf->arena, "%.57s...", s.p).p;
	return s.p;
}

/* e becomes a constant in place. */
static void
fold(struct cf *cf, struct cf_expr *e, struct rs_value v)
{
	e->kind = CF_E_CONST;
	e->value = rs_copy(&v, &cf->arena);
	e->type = v.type;
	e->ref = CF_R_NONE;
	e->a = e->b = NULL;
	e->list = e->last = NULL;
	e->may_fail = e->nothing = e->tainted = e->table = false;
}

/* e goes below a node that reads it as another type. */
static void
convert(struct cf *cf, struct cf_expr *e, unsigned type)
{
	struct cf_expr	*inner;

	inner = arena_alloc(&cf->arena, sizeof(*inner));
	*inner = *e;
	inner->next = NULL;
	e->kind = CF_E_CONVERT;
	e->a = inner;
	e->b = e->list = e->last = NULL;
	e->ref = CF_R_NONE;
	e->type = (uint8_t)type;
	e->table = false;
	e->may_fail |= inner->table;
}

static void
mismatch(struct cf *cf, struct cf_expr *at, const struct cf_expr *a,
    const struct cf_expr *b)
{
	cf_error(cf, at->loc, "%s is %s and %s %s", text_of(cf, a),
	    cf_type_what(a->type), text_of(cf, b), cf_type_what(b->type));
	bad(at);
}

static bool
is_textual(unsigned type)
{
	return type == RS_T_TEXT || type == RS_T_DOMAIN ||
	    type == RS_T_ADDRESS || type == RS_T_STATUS;
}

/* A constant read as another type; false, reported, when it cannot be. */
static bool
read_const(struct cf *cf, struct cf_expr *e, unsigned type)
{
	struct rs_value	 v;
	const char	*why;

	if (type == RS_T_DOMAIN) {
		if (cf_lit_domain(cf, e->value.s, &v, &why)) {
			fold(cf, e, v);
			return true;
		}
		cf_error(cf, e->loc, "'%.*s' is no name of a domain: %s",
		    SPAN_ARG(e->value.s), why);
	} else {
		if (cf_lit_address(cf, e->value.s, &v, &why)) {
			fold(cf, e, v);
			return true;
		}
		cf_error(cf, e->loc, "'%.*s' is no address: %s",
		    SPAN_ARG(e->value.s), why);
	}
	bad(e);
	return false;
}

/* As cf_type_want(), but silent where the type does not fit. */
static bool
adapt(struct cf *cf, struct cf_expr *e, unsigned type)
{
	if (e->type == type && !(e->table && type != RS_T_TEXT))
		return true;
	if (e->table) {
		convert(cf, e, type);
		return true;
	}
	if (type == RS_T_TEXT && is_textual(e->type)) {
		if (is_const(e))
			fold(cf, e, rs_text(RS_T_TEXT, e->value.s));
		else
			convert(cf, e, RS_T_TEXT);
		return true;
	}
	if (!is_const(e))
		return false;
	if (e->type == RS_T_TEXT &&
	    (type == RS_T_DOMAIN || type == RS_T_ADDRESS))
		return read_const(cf, e, type);
	if (e->type == RS_T_INT && type == RS_T_SIZE) {
		e->type = e->value.type = RS_T_SIZE;
		return true;
	}
	return false;
}

bool
cf_type_want(struct cf *cf, struct cf_expr *e, unsigned type,
    const char *where)
{
	if (is_bad(e) || type == RS_T_NONE)
		return false;
	if (adapt(cf, e, type))
		return true;
	if (!is_bad(e))
		cf_error(cf, e->loc, "%s is %s, and %s is wanted for %s",
		    text_of(cf, e), cf_type_what(e->type), cf_type_what(type),
		    where);
	bad(e);
	return false;
}

const struct cf_expr *
cf_type_taint(const struct cf_expr *e)
{
	const struct cf_expr	*part, *found;

	if (!e->tainted)
		return NULL;
	if (e->ref == CF_R_FACT || e->ref == CF_R_SYM || e->ref == CF_R_PART)
		return e;
	for (part = e->list; part != NULL; part = part->next) {
		if ((found = cf_type_taint(part)) != NULL)
			return found;
	}
	if (e->a != NULL && (found = cf_type_taint(e->a)) != NULL)
		return found;
	if (e->b != NULL && (found = cf_type_taint(e->b)) != NULL)
		return found;
	return e;
}

/* Leaves. */

/* Numbers that the server itself knows, and whether there is a login, are clean. */
static bool
fact_tainted(unsigned fact)
{
	switch (fact) {
	case RS_FACT_LISTENER: case RS_FACT_TIME_HOUR:
	case RS_FACT_RCPTS_COUNT: case RS_FACT_CLIENT_AUTHENTICATED:
	case RS_FACT_MESSAGE_SIZE: case RS_FACT_MESSAGE_LINES:
	case RS_FACT_MESSAGE_HOPS: case RS_FACT_CLIENT_PORT:
		return false;
	default:
		return true;
	}
}

static void
type_sym(struct cf *cf, struct cf_expr *e)
{
	const struct cf_sym	*sym = e->sym;

	switch (sym->kind) {
	case CF_S_TAG: case CF_S_LET: case CF_S_ARG:
		e->type = sym->type;
		e->tainted = sym->tainted;
		e->table = sym->table;
		e->may_fail = sym->may_fail;
		e->nothing = sym->nothing;
		if (sym->kind == CF_S_ARG)
			e->may_fail = e->nothing = true;
		if (e->type == RS_T_NONE)
			bad(e);
		break;
	default:
		cf_error(cf, e->loc, "'%.*s' is %s, and a value is wanted "
		    "here", SPAN_ARG(sym->name), cf_sym_what(cf, sym));
		if (sym->kind != CF_S_MAILBOX && sym->kind != CF_S_RELAY)
			cf_help(cf, sym->kind == CF_S_RULESET ?
			    "call it: %.*s(...)" : sym->kind == CF_S_MAP ?
			    "ask it: X in %.*s, or %.*s[X]" :
			    "ask it: X in %.*s", SPAN_ARG(sym->name),
			    SPAN_ARG(sym->name));
		bad(e);
	}
}

static void
type_name(struct cf *cf, struct cf_expr *e)
{
	if (e->ref == CF_R_SYM) {
		type_sym(cf, e);
		return;
	}
	if (e->ref != CF_R_FACT) {
		bad(e);
		return;
	}
	e->type = rs_facts[e->fact].type;
	e->tainted = fact_tainted(e->fact);
	e->may_fail = e->fact == RS_FACT_CLIENT_NAME ||
	    e->fact == RS_FACT_CLIENT_VERIFIED_NAME;
}

static void
take_flags(struct cf_expr *e, const struct cf_expr *from)
{
	e->tainted |= from->tainted;
	e->may_fail |= from->may_fail;
}

static void
type_field(struct cf *cf, struct cf_expr *e)
{
	cf_type_expr(cf, e->a);
	if (is_bad(e->a)) {
		bad(e);
		return;
	}
	take_flags(e, e->a);
	if (e->ref == CF_R_COLUMN) {
		e->type = RS_T_TEXT;
		e->table = e->nothing = true;
		return;
	}
	if (e->a->table)
		convert(cf, e->a, RS_T_ADDRESS);
	if (e->a->type != RS_T_ADDRESS) {
		cf_error(cf, e->loc, "%s is %s, and only an address has .%.*s",
		    text_of(cf, e->a), cf_type_what(e->a->type),
		    SPAN_ARG(e->name));
		bad(e);
		return;
	}
	e->type = e->part == RS_F_DOMAIN ? RS_T_DOMAIN : RS_T_TEXT;
	e->nothing = e->a->nothing;
}

/* What a map can be asked for. */
static bool
is_key(const struct cf_expr *e)
{
	return is_textual(e->type) || e->type == RS_T_IP ||
	    e->type == RS_T_INT;
}

static void
type_index(struct cf *cf, struct cf_expr *e)
{
	if (e->ref == CF_R_HEADER) {
		e->type = RS_T_TEXT;
		e->tainted = true;
		return;
	}
	cf_type_expr(cf, e->b);
	if (is_bad(e->b)) {
		bad(e);
		return;
	}
	if (!is_key(e->b)) {
		cf_error(cf, e->b->loc, "%s is %s, and '%.*s' is asked with "
		    "text", text_of(cf, e->b), cf_type_what(e->b->type),
		    SPAN_ARG(e->sym->name));
		bad(e);
		return;
	}
	e->type = RS_T_TEXT;
	e->table = e->nothing = e->may_fail = true;
}

static void
type_call(struct cf *cf, struct cf_expr *e)
{
	const struct cf_arg	*param = e->sym->decl->args;
	struct cf_expr		*arg;

	for (arg = e->list; arg != NULL; arg = arg->next) {
		cf_type_expr(cf, arg);
		take_flags(e, arg);
		if (param == NULL) {
			cf_error(cf, arg->loc, "this is more than '%.*s' takes",
			    SPAN_ARG(e->name));
			break;
		}
		(void)cf_type_want(cf, arg, param->sym->type,
		    arena_printf(&cf->arena, "'%.*s' of %.*s()",
		    SPAN_ARG(param->name), SPAN_ARG(e->name)).p);
		param = param->next;
	}
	if (arg == NULL && param != NULL)
		cf_error(cf, e->loc, "'%.*s' is missing for %.*s()",
		    SPAN_ARG(param->name), SPAN_ARG(e->name));
	e->type = e->sym->type;
	e->tainted = e->sym->tainted;
	e->may_fail |= e->sym->may_fail;
	e->nothing = e->sym->nothing;
	if (arg != NULL || param != NULL || e->type == RS_T_NONE)
		bad(e);
}

/* Texts and masks. */

static void
fold_text(struct cf *cf, struct cf_expr *e)
{
	const struct cf_expr	*part;
	struct buf		 text = { 0 };

	for (part = e->list; part != NULL; part = part->next) {
		if (!is_const(part))
			return;
	}
	for (part = e->list; part != NULL; part = part->next)
		buf_add_span(&text, rs_format(&part->value, &cf->arena));
	fold(cf, e, rs_text(RS_T_TEXT, buf_span(&text)));
	buf_clear(&text);
}

static void
type_text(struct cf *cf, struct cf_expr *e)
{
	struct cf_expr	*part;

	for (part = e->list; part != NULL; part = part->next) {
		cf_type_expr(cf, part);
		take_flags(e, part);
		if (is_const(part) && part->type == RS_T_INT) {
			cf_error(cf, part->loc, "{%lld} is a capture of "
			    "'matches', which is part of the language, but "
			    "this version does not have it",
			    (long long)part->value.i);
			bad(part);
		}
		if (is_bad(part)) {
			bad(e);
			return;
		}
	}
	e->type = RS_T_TEXT;
	fold_text(cf, e);
}

static void
type_mask(struct cf *cf, struct cf_expr *e)
{
	cf_type_expr(cf, e->a);
	if (is_bad(e->a)) {
		bad(e);
		return;
	}
	if (!adapt(cf, e->a, RS_T_IP)) {
		cf_error(cf, e->loc, "%s is %s, and only an ip has a network "
		    "around it", text_of(cf, e->a),
		    cf_type_what(e->a->type));
		bad(e);
		return;
	}
	take_flags(e, e->a);
	e->type = RS_T_NET;
	if (is_const(e->a))
		fold(cf, e, rs_mask(&e->a->value, e->bits4, e->bits6));
}

/* Pairs. */

/* Brings both sides to one type; false where they have none in common. */
static bool
unify(struct cf *cf, struct cf_expr *a, struct cf_expr *b)
{
	if (a->type == b->type)
		return true;
	if (a->table && b->type != RS_T_TEXT)
		return adapt(cf, a, b->type);
	if (b->table && a->type != RS_T_TEXT)
		return adapt(cf, b, a->type);
	if (is_const(a) && !is_const(b) && b->type != RS_T_TEXT &&
	    adapt(cf, a, b->type))
		return true;
	if (!is_bad(a) && is_const(b) && a->type != RS_T_TEXT &&
	    adapt(cf, b, a->type))
		return true;
	if (is_bad(a) || is_bad(b))
		return false;
	return (a->type == RS_T_TEXT && is_textual(b->type)) ||
	    (b->type == RS_T_TEXT && is_textual(a->type));
}

static bool
type_both(struct cf *cf, struct cf_expr *e)
{
	cf_type_expr(cf, e->a);
	cf_type_expr(cf, e->b);
	if (is_bad(e->a) || is_bad(e->b)) {
		bad(e);
		return false;
	}
	take_flags(e, e->a);
	take_flags(e, e->b);
	if (unify(cf, e->a, e->b)) {
		take_flags(e, e->a);
		take_flags(e, e->b);
		return true;
	}
	if (is_bad(e->a) || is_bad(e->b))
		bad(e);
	else
		mismatch(cf, e, e->a, e->b);
	return false;
}

static void
type_else(struct cf *cf, struct cf_expr *e)
{
	if (!type_both(cf, e))
		return;
	e->type = e->a->type;
	if (e->b->type != e->type) {
		/* a text and a domain or address have text in common */
		(void)adapt(cf, e->a, RS_T_TEXT);
		(void)adapt(cf, e->b, RS_T_TEXT);
		e->type = RS_T_TEXT;
	}
	e->table = e->a->table && e->b->table;
	e->nothing = e->b->nothing;
	if (is_const(e->a))
		fold(cf, e, e->a->value);
}

static void
type_eq(struct cf *cf, struct cf_expr *e)
{
	struct rs_value	 v;

	if (!type_both(cf, e))
		return;
	e->type = RS_T_BOOL;
	if (!is_const(e->a) || !is_const(e->b))
		return;
	v = rs_eq(&e->a->value, &e->b->value);
	fold(cf, e, e->negated ? rs_not(&v) : v);
}

static void
type_order(struct cf *cf, struct cf_expr *e)
{
	unsigned	 type;

	if (!type_both(cf, e))
		return;
	if (e->a->table && e->b->table)
		type = RS_T_TEXT;
	else
		type = e->a->type;
	if (type != RS_T_INT && type != RS_T_SIZE && type != RS_T_TIME) {
		cf_error(cf, e->loc, "%s is %s; only ints, sizes and times "
		    "have an order", text_of(cf, e->a),
		    cf_type_what(e->a->type));
		bad(e);
		return;
	}
	e->type = RS_T_BOOL;
	if (is_const(e->a) && is_const(e->b))
		fold(cf, e, rs_order(e->op, &e->a->value, &e->b->value));
}

/* Membership. */

static void
mismatch_in(struct cf *cf, struct cf_expr *e, const char *what)
{
	const struct cf_expr	*a = e->a;

	if (e->b->ref == CF_R_SYM)
		cf_error(cf, e->loc, "%s is %s and '%.*s' %s", text_of(cf, a),
		    cf_type_what(a->type), SPAN_ARG(e->b->sym->name), what);
	else
		cf_error(cf, e->loc, "%s is %s and %s %s", text_of(cf, a),
		    cf_type_what(a->type), text_of(cf, e->b), what);
	if (a->type == RS_T_ADDRESS && e->b->ref == CF_R_SYM &&
	    e->b->sym->type == RS_T_DOMAIN)
		cf_help(cf, "ask for its domain: %s.domain in %.*s",
		    text_of(cf, a), SPAN_ARG(e->b->sym->name));
	bad(e);
}

static void
in_set(struct cf *cf, struct cf_expr *e)
{
	const struct cf_sym	*set = e->b->sym;

	if (set->type == RS_T_NONE || set->type == RS_T_UNKNOWN)
		return;		/* its items are wrong: reported */
	if (e->a->ref == CF_R_HEADER && set->type != RS_T_TEXT) {
		cf_error(cf, e->loc, "%s is a text and '%.*s' %s",
		    text_of(cf, e->a), SPAN_ARG(set->name),
		    cf_sym_what(cf, set));
		bad(e);
		return;
	}
	if (set->type == RS_T_TEXT && is_textual(e->a->type))
		return;
	if (!adapt(cf, e->a, set->type)) {
		if (is_bad(e->a))
			bad(e);
		else
			mismatch_in(cf, e, cf_sym_what(cf, set));
	}
}

static void
in_map(struct cf *cf, struct cf_expr *e)
{
	if (e->a->ref == CF_R_HEADER) {
		cf_error(cf, e->loc, "a header field can be asked for in a "
		    "set, not in a map");
		bad(e);
	} else if (!is_key(e->a)) {
		mismatch_in(cf, e, "a map, asked with text");
	} else {
		e->may_fail = true;
	}
}

static void
type_in(struct cf *cf, struct cf_expr *e)
{
	const struct cf_sym	*sym = e->b->ref == CF_R_SYM ? e->b->sym : NULL;

	cf_type_expr(cf, e->a);
	if (is_bad(e->a) || is_bad(e->b)) {
		bad(e);
		return;
	}
	e->type = RS_T_BOOL;
	take_flags(e, e->a);
	if (sym != NULL && sym->kind == CF_S_SET) {
		in_set(cf, e);
	} else if (sym != NULL && sym->kind == CF_S_MAP) {
		in_map(cf, e);
	} else if ((sym != NULL && sym->kind == CF_S_NET) ||
	    (is_const(e->b) && e->b->value.type == RS_T_NET)) {
		if (!adapt(cf, e->a, RS_T_IP))
			mismatch_in(cf, e, sym != NULL ?
			    "a set of networks" : "a network");
	} else {
		cf_type_expr(cf, e->b);
		if (!is_bad(e->b))
			cf_error(cf, e->b->loc, "'in' asks a set, a net or a "
			    "map, and %s is %s", text_of(cf, e->b),
			    cf_type_what(e->b->type));
		bad(e);
		return;
	}
	if (!is_bad(e))
		take_flags(e, e->a);
}

/* Truth. */

static void
type_not(struct cf *cf, struct cf_expr *e)
{
	cf_type_expr(cf, e->a);
	if (!cf_type_want(cf, e->a, RS_T_BOOL, "'not'")) {
		bad(e);
		return;
	}
	take_flags(e, e->a);
	e->type = RS_T_BOOL;
	if (is_const(e->a))
		fold(cf, e, rs_not(&e->a->value));
}

/* Constants that say nothing are taken out; one that decides is the whole. */
static void
fold_chain(struct cf *cf, struct cf_expr *e)
{
	bool		  decides = e->kind == CF_E_OR;
	struct cf_expr	 *part, **link = &e->list;

	e->last = NULL;
	while ((part = *link) != NULL) {
		if (!is_const(part)) {
			e->last = part;
			link = &part->next;
		} else if ((part->value.i != 0) == decides) {
			fold(cf, e, rs_bool(decides));
			return;
		} else {
			*link = part->next;
		}
	}
	if (e->list == NULL)
		fold(cf, e, rs_bool(!decides));
}

static void
type_chain(struct cf *cf, struct cf_expr *e)
{
	struct cf_expr	*part;
	bool		 ok = true;

	for (part = e->list; part != NULL; part = part->next) {
		cf_type_expr(cf, part);
		if (!cf_type_want(cf, part, RS_T_BOOL,
		    e->kind == CF_E_AND ? "'and'" : "'or'"))
			ok = false;
		take_flags(e, part);
	}
	e->type = RS_T_BOOL;
	if (ok)
		fold_chain(cf, e);
	else
		bad(e);
}

void
cf_type_expr(struct cf *cf, struct cf_expr *e)
{
	if (e->typed)
		return;
	e->typed = true;
	switch (e->kind) {
	case CF_E_BAD: case CF_E_CONVERT:
		break;
	case CF_E_CONST:
		e->type = e->value.type;
		break;
	case CF_E_TEXT:
		type_text(cf, e);
		break;
	case CF_E_NAME:
		type_name(cf, e);
		break;
	case CF_E_FIELD:
		type_field(cf, e);
		break;
	case CF_E_INDEX:
		type_index(cf, e);
		break;
	case CF_E_CALL:
		type_call(cf, e);
		break;
	case CF_E_ELSE:
		type_else(cf, e);
		break;
	case CF_E_MASK:
		type_mask(cf, e);
		break;
	case CF_E_EQ:
		type_eq(cf, e);
		break;
	case CF_E_ORDER:
		type_order(cf, e);
		break;
	case CF_E_IN:
		type_in(cf, e);
		break;
	case CF_E_NOT:
		type_not(cf, e);
		break;
	case CF_E_AND: case CF_E_OR:
		type_chain(cf, e);
		break;
	case CF_E_UNKNOWN:
		e->type = RS_T_BOOL;
		e->may_fail = true;
		break;
	case CF_E_OTHERWISE:
		e->type = RS_T_BOOL;
		break;
	}
}

/* Blocks. */

static void
type_let(struct cf *cf, struct cf_rule *r)
{
	struct cf_sym	*sym = r->sym;

	cf_type_expr(cf, r->cond);
	if (sym == NULL)
		return;
	sym->type = r->cond->type;
	sym->tainted = r->cond->tainted;
	sym->table = r->cond->table;
	sym->may_fail = r->cond->may_fail;
	sym->nothing = r->cond->nothing;
	if (!is_bad(r->cond) && !sym->used)
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
		if (r->has_failing && !is_bad(r->cond) && !r->cond->may_fail) {
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
		if (r->is_let || r->actions == NULL)
			continue;
		sym->tainted |= r->actions->expr->tainted;
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
	if (!cf_type_want(cf, e, sym->type, "this tag") || is_const(e))
		return;
	cf_error(cf, e->loc, "a tag's default is a constant");
}

/* Expressions in blocks of options are asked anew for each message. */
static void
type_place(struct cf *cf, const struct cf_object *o, enum rs_option option,
    struct cf_expr *e)
{
	struct cf_scope		 s = { .hook = RS_HOOK_ROUTE };
	const struct cf_expr	*taint;

	if (o->kind == RS_O_MAILBOX)
		s.hook = RS_HOOK_MAILBOX;
	cf_resolve(cf, &s, e);
	cf_type_expr(cf, e);
	if (!cf_type_want(cf, e, RS_T_TEXT, arena_printf(&cf->arena, "'%s'",
	    rs_options[option].word).p))
		return;
	if (option != RS_OPT_RELAY_host ||
	    (taint = cf_type_taint(e)) == NULL)
		return;
	cf_error(cf, e->loc, "the client could choose this host: it comes "
	    "from %s", text_of(cf, taint));
	cf_help(cf, "take hosts from constants and tables only");
}

static void
type_objects(struct cf *cf)
{
	const struct cf_object	*o;
	const struct cf_set_opt	*set;
	size_t			 i;

	for (o = cf->objects; o != NULL; o = o->next) {
		for (set = o->opts; set != NULL; set = set->next) {
			for (i = 0; i < set->nplaces; i++) {
				if (set->places[i] != NULL &&
				    rs_option_letter(set->option,
				    (unsigned)i) == 'T')
					type_place(cf, o, set->option,
					    set->places[i]);
			}
		}
	}
}

void
cf_types(struct cf *cf)
{
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
	type_objects(cf);
}
