/*
 * types.c - types of expressions, and constant folding.
 *
 * Types are inferred.  Text out of a table is read as the type that is wanted
 * where it stands; a constant text is read as a domain or address when the
 * policy is compiled.  A mismatch names both sides.  The operators are those of
 * ruleset/value.h, so that folding and running cannot differ.
 */
#include "cf/literal.h"
#include "cf/types_int.h"

void
type_bad(struct cf_expr *e)
{
	e->kind = CF_E_BAD;
	e->type = RS_T_NONE;
	e->list = NULL;
	e->a = e->b = NULL;
}

bool
type_is_bad(const struct cf_expr *e)
{
	return e->kind == CF_E_BAD;
}

bool
type_is_const(const struct cf_expr *e)
{
	return e->kind == CF_E_CONST;
}

const char *
type_text_of(struct cf *cf, const struct cf_expr *e)
{
	struct span	 s = cf_expr_text(cf, e);

	if (s.n > 60)
		return arena_printf(&cf->arena, "%.57s...", s.p).p;
	return s.p;
}

/* e becomes a constant in place. */
void
type_fold(struct cf *cf, struct cf_expr *e, struct rs_value v)
{
	e->kind = CF_E_CONST;
	e->value = rs_copy(&v, &cf->arena);
	e->type = v.type;
	e->ref = CF_R_NONE;
	e->a = e->b = NULL;
	e->list = e->last = NULL;
	e->captured = NULL;
	e->may_fail = e->nothing = e->tainted = e->table = false;
	e->asked = false;
	e->negated = false;
}

/* e goes below a node that reads it as another type. */
void
type_convert(struct cf *cf, struct cf_expr *e, unsigned type)
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

bool
type_is_textual(unsigned type)
{
	return type == RS_T_TEXT || type == RS_T_DOMAIN ||
	    type == RS_T_ADDRESS || type == RS_T_STATUS;
}

/* What was meant by a domain that is none: "*.x", ".x", "@x". */
static void
help_domain(struct cf *cf, struct span s)
{
	size_t	 n = 0;

	while (n < s.n && (s.p[n] == '*' || s.p[n] == '.' || s.p[n] == '@'))
		n++;
	if (n == 0 || n == s.n)
		return;
	if (s.p[n - 1] == '@')
		cf_help(cf, "a domain stands alone: \"%.*s\"",
		    SPAN_ARG(span_from(s, n)));
	else
		cf_help(cf, "all below it are a set's item, \".%.*s\"; ask "
		    "that set by 'in'", SPAN_ARG(span_from(s, n)));
}

static void
help_address(struct cf *cf, const struct cf_expr *e)
{
	struct span	 s = e->value.s;

	if (s.n > 1 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		cf_help(cf, "addresses stand without quotes: %.*s",
		    SPAN_ARG(s));
	else if (span_index(s, '@') <= 0 && span_index(s, '.') >= 0)
		cf_help(cf, "a domain is compared with the domain: "
		    "sender.domain, rcpt.domain");
}

/* A constant read as another type; false, reported, when it cannot be. */
static bool
read_const(struct cf *cf, struct cf_expr *e, unsigned type)
{
	struct rs_value	 v;
	const char	*why;

	if (type == RS_T_DOMAIN) {
		if (cf_lit_domain(cf, e->value.s, &v, &why)) {
			type_fold(cf, e, v);
			return true;
		}
		cf_error(cf, e->loc, "'%.*s' is no name of a domain: %s",
		    SPAN_ARG(e->value.s), why);
		help_domain(cf, e->value.s);
	} else {
		if (cf_lit_address(cf, e->value.s, &v, &why)) {
			type_fold(cf, e, v);
			return true;
		}
		cf_error(cf, e->loc, "'%.*s' is no address: %s",
		    SPAN_ARG(e->value.s), why);
		help_address(cf, e);
	}
	type_bad(e);
	return false;
}

/* As cf_type_want(), but silent where the type does not fit. */
bool
type_adapt(struct cf *cf, struct cf_expr *e, unsigned type)
{
	if (e->type == type && !(e->table && type != RS_T_TEXT))
		return true;
	if (e->table) {
		type_convert(cf, e, type);
		return true;
	}
	if (type == RS_T_TEXT && type_is_textual(e->type)) {
		if (type_is_const(e))
			type_fold(cf, e, rs_text(RS_T_TEXT, e->value.s));
		else
			type_convert(cf, e, RS_T_TEXT);
		return true;
	}
	if (!type_is_const(e))
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
	if (type_is_bad(e) || type == RS_T_NONE)
		return false;
	if (type_adapt(cf, e, type))
		return true;
	if (!type_is_bad(e))
		cf_error(cf, e->loc, "%s is %s, and %s is wanted for %s",
		    type_text_of(cf, e), cf_type_what(e->type), cf_type_what(type),
		    where);
	type_bad(e);
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
	case RS_FACT_TLS_VERSION: case RS_FACT_TLS_CIPHER:
	case RS_FACT_TLS_VERIFIED: case RS_FACT_TIME_MINUTE:
	case RS_FACT_TIME_WEEKDAY: case RS_FACT_TIME_NOW:
	case RS_FACT_QUEUE_AGE: case RS_FACT_QUEUE_ATTEMPTS:
	case RS_FACT_BOUNCE_KIND:
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
		e->asked = sym->asked;
		e->table = sym->table;
		e->may_fail = sym->may_fail;
		e->nothing = sym->nothing;
		if (sym->kind == CF_S_ARG)
			e->may_fail = e->nothing = true;
		if (e->type == RS_T_NONE)
			type_bad(e);
		break;
	default:
		cf_error(cf, e->loc, "'%.*s' is %s, and a value is wanted "
		    "here", SPAN_ARG(sym->name), cf_sym_what(cf, sym));
		if (sym->kind != CF_S_MAILBOX && sym->kind != CF_S_RELAY)
			cf_help(cf, sym->kind == CF_S_RULESET ?
			    "call it: %.*s(...)" : sym->kind == CF_S_MAP ?
			    "ask it: X in %.*s, or %.*s[X]" :
			    sym->kind == CF_S_DNSLIST ?
			    "ask it: X listed by %.*s" :
			    "ask it: X in %.*s", SPAN_ARG(sym->name),
			    SPAN_ARG(sym->name));
		type_bad(e);
	}
}

static void
type_name(struct cf *cf, struct cf_expr *e)
{
	if (e->ref == CF_R_SYM) {
		type_sym(cf, e);
		return;
	}
	if (e->ref == CF_R_CAPTURE) {
		e->type = e->sym->type;
		e->tainted = true;
		return;
	}
	if (e->ref == CF_R_LIST) {
		cf_error(cf, e->loc, "a message has several %.*s; ask for one "
		    "of them with '==', 'in' or 'matches'", SPAN_ARG(e->name));
		type_bad(e);
		return;
	}
	if (e->ref != CF_R_FACT) {
		type_bad(e);
		return;
	}
	e->type = rs_facts[e->fact].type;
	e->tainted = fact_tainted(e->fact);
	e->may_fail = e->fact == RS_FACT_CLIENT_NAME ||
	    e->fact == RS_FACT_CLIENT_VERIFIED_NAME;
}

void
type_take_flags(struct cf_expr *e, const struct cf_expr *from)
{
	e->tainted |= from->tainted;
	e->asked |= from->asked;
	e->may_fail |= from->may_fail;
}

static void
type_field(struct cf *cf, struct cf_expr *e)
{
	if (e->ref == CF_R_COLUMN && !type_has_columns(cf, e))
		return;
	cf_type_expr(cf, e->a);
	if (type_is_bad(e->a)) {
		type_bad(e);
		return;
	}
	type_take_flags(e, e->a);
	if (e->ref == CF_R_COLUMN) {
		e->type = RS_T_TEXT;
		e->table = e->nothing = true;
		return;
	}
	if (e->a->table)
		type_convert(cf, e->a, RS_T_ADDRESS);
	if (e->a->type != RS_T_ADDRESS) {
		cf_error(cf, e->loc, "%s is %s, and only an address has .%.*s",
		    type_text_of(cf, e->a), cf_type_what(e->a->type),
		    SPAN_ARG(e->name));
		type_bad(e);
		return;
	}
	e->type = e->part == RS_F_DOMAIN ? RS_T_DOMAIN : RS_T_TEXT;
	e->nothing = e->a->nothing;
}

/* What a map can be asked for. */
bool
type_is_key(const struct cf_expr *e)
{
	return type_is_textual(e->type) || e->type == RS_T_IP ||
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
	if (type_is_bad(e->b)) {
		type_bad(e);
		return;
	}
	if (type_map_key(cf, e->b, e->sym))
		type_map_value(cf, e);
	else
		type_bad(e);
}

static void
type_call(struct cf *cf, struct cf_expr *e)
{
	const struct cf_arg	*param = e->sym->decl->args;
	struct cf_expr		*arg;

	for (arg = e->list; arg != NULL; arg = arg->next) {
		cf_type_expr(cf, arg);
		type_take_flags(e, arg);
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
	e->asked = e->sym->asked;
	e->may_fail |= e->sym->may_fail;
	e->nothing = e->sym->nothing;
	if (arg != NULL || param != NULL || e->type == RS_T_NONE)
		type_bad(e);
}

/* Texts and masks. */

static void
fold_text(struct cf *cf, struct cf_expr *e)
{
	const struct cf_expr	*part;
	struct buf		 text = { 0 };

	for (part = e->list; part != NULL; part = part->next) {
		if (!type_is_const(part))
			return;
	}
	for (part = e->list; part != NULL; part = part->next)
		buf_add_span(&text, rs_format(&part->value, &cf->arena));
	type_fold(cf, e, rs_text(RS_T_TEXT, buf_span(&text)));
	buf_clear(&text);
}

static void
type_text(struct cf *cf, struct cf_expr *e)
{
	struct cf_expr	*part;

	for (part = e->list; part != NULL; part = part->next) {
		cf_type_expr(cf, part);
		type_take_flags(e, part);
		if (!type_is_bad(part) && !type_is_text_part(cf, part))
			type_bad(part);
		if (type_is_bad(part)) {
			type_bad(e);
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
	if (type_is_bad(e->a)) {
		type_bad(e);
		return;
	}
	if (!type_adapt(cf, e->a, RS_T_IP)) {
		cf_error(cf, e->loc, "%s is %s, and only an ip has a network "
		    "around it", type_text_of(cf, e->a),
		    cf_type_what(e->a->type));
		type_bad(e);
		return;
	}
	type_take_flags(e, e->a);
	e->type = RS_T_NET;
	if (type_is_const(e->a))
		type_fold(cf, e, rs_mask(&e->a->value, e->bits4, e->bits6));
}

void
cf_type_expr(struct cf *cf, struct cf_expr *e)
{
	if (e->typed)
		return;
	e->typed = true;
	switch (e->kind) {
	default:
		break;
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
	case CF_E_SRS:
		cf_type_expr(cf, e->a);
		e->type = RS_T_ADDRESS;
		e->tainted = true;
		e->may_fail = true;	/* there is no secret */
		break;
	case CF_E_MATCHES: case CF_E_LIKE: case CF_E_LISTED: case CF_E_RATE:
	case CF_E_GREYLISTED: case CF_E_SPF: case CF_E_RESOLVES:
	case CF_E_REACHABLE: case CF_E_OF:
		type_cond(cf, e);
		break;
	}
}
