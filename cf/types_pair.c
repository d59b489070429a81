/*
 * types_pair.c - what has two sides: comparisons, membership, else, and, or.
 */
#include "cf/kinds.h"
#include "cf/literal.h"
#include "cf/types_int.h"

/* An address or network in quotes, or one to be asked with 'in'. */
static void
help_mismatch(struct cf *cf, const struct cf_expr *a, const struct cf_expr *b)
{
	if (a->type != RS_T_IP)
		return;
	if (type_is_const(b) && b->type == RS_T_NET)
		cf_help(cf, "write: %s in %s", type_text_of(cf, a),
		    type_text_of(cf, b));
	else if (type_is_const(b) && b->type == RS_T_TEXT)
		cf_help(cf, "addresses and networks stand without quotes");
}

static void
type_mismatch(struct cf *cf, struct cf_expr *at, const struct cf_expr *a,
    const struct cf_expr *b)
{
	cf_error(cf, at->loc, "%s is %s and %s %s", type_text_of(cf, a),
	    cf_type_what(a->type), type_text_of(cf, b), cf_type_what(b->type));
	help_mismatch(cf, a, b);
	help_mismatch(cf, b, a);
	type_bad(at);
}

/* Brings both sides to one type; false where they have none in common. */
static bool
unify(struct cf *cf, struct cf_expr *a, struct cf_expr *b)
{
	if (a->type == b->type)
		return true;
	if (a->table && b->type != RS_T_TEXT)
		return type_adapt(cf, a, b->type);
	if (b->table && a->type != RS_T_TEXT)
		return type_adapt(cf, b, a->type);
	if (type_is_const(a) && !type_is_const(b) && b->type != RS_T_TEXT &&
	    type_adapt(cf, a, b->type))
		return true;
	if (!type_is_bad(a) && type_is_const(b) && a->type != RS_T_TEXT &&
	    type_adapt(cf, b, a->type))
		return true;
	if (type_is_bad(a) || type_is_bad(b))
		return false;
	return (a->type == RS_T_TEXT && type_is_textual(b->type)) ||
	    (b->type == RS_T_TEXT && type_is_textual(a->type));
}

static bool
type_both(struct cf *cf, struct cf_expr *e)
{
	cf_type_expr(cf, e->a);
	cf_type_expr(cf, e->b);
	if (type_is_bad(e->a) || type_is_bad(e->b)) {
		type_bad(e);
		return false;
	}
	type_take_flags(e, e->a);
	type_take_flags(e, e->b);
	if (unify(cf, e->a, e->b)) {
		type_take_flags(e, e->a);
		type_take_flags(e, e->b);
		return true;
	}
	if (type_is_bad(e->a) || type_is_bad(e->b))
		type_bad(e);
	else
		type_mismatch(cf, e, e->a, e->b);
	return false;
}

void
type_else(struct cf *cf, struct cf_expr *e)
{
	if (!type_both(cf, e))
		return;
	e->type = e->a->type;
	if (e->b->type != e->type) {
		/* a text and a domain or address have text in common */
		(void)type_adapt(cf, e->a, RS_T_TEXT);
		(void)type_adapt(cf, e->b, RS_T_TEXT);
		e->type = RS_T_TEXT;
	}
	e->table = e->a->table && e->b->table;
	e->nothing = e->b->nothing;
	if (type_is_const(e->a))
		type_fold(cf, e, e->a->value);
}

/* `attachments == "a.exe"`: the list on the left, a text on the right. */
static void
eq_list(struct cf *cf, struct cf_expr *e)
{
	struct cf_expr	*swap = e->a;

	if (!type_is_list(e->a)) {
		e->a = e->b;
		e->b = swap;
	}
	cf_type_expr(cf, e->b);
	e->type = RS_T_BOOL;
	e->tainted = true;
	if (!cf_type_want(cf, e->b, RS_T_TEXT, type_text_of(cf, e->a)))
		type_bad(e);
	else
		type_take_flags(e, e->b);
}

/* Values that cannot be compared, whatever stands on the other side. */
static bool
is_incomparable(const struct cf_expr *e)
{
	return e->type == RS_T_CLIENT || e->type == RS_T_VERDICT ||
	    e->type == RS_T_RATE;
}

void
type_eq(struct cf *cf, struct cf_expr *e)
{
	struct rs_value	 v;

	if (type_is_list(e->a) || type_is_list(e->b)) {
		eq_list(cf, e);
		return;
	}
	if (!type_both(cf, e))
		return;
	e->type = RS_T_BOOL;
	if (is_incomparable(e->a)) {
		cf_error(cf, e->loc, "%s is %s, which equals nothing",
		    type_text_of(cf, e->a), cf_type_what(e->a->type));
		type_bad(e);
		return;
	}
	if (!type_is_const(e->a) || !type_is_const(e->b))
		return;
	v = rs_eq(&e->a->value, &e->b->value);
	type_fold(cf, e, e->negated ? rs_not(&v) : v);
}

void
type_order(struct cf *cf, struct cf_expr *e)
{
	unsigned	 type;

	if (!type_both(cf, e))
		return;
	if (e->a->table && e->b->table)
		type = RS_T_TEXT;
	else
		type = e->a->type;
	if (type != RS_T_INT && type != RS_T_SIZE && type != RS_T_TIME &&
	    type != RS_T_DATE) {
		cf_error(cf, e->loc, "%s is %s; only ints, sizes, times and "
		    "dates have an order", type_text_of(cf, e->a),
		    cf_type_what(e->a->type));
		type_bad(e);
		return;
	}
	e->type = RS_T_BOOL;
	if (type_is_const(e->a) && type_is_const(e->b))
		type_fold(cf, e, rs_order(e->op, &e->a->value, &e->b->value));
}

/* Membership. */

static void
mismatch_in(struct cf *cf, struct cf_expr *e, const char *what)
{
	const struct cf_expr	*a = e->a;

	if (e->b->ref == CF_R_SYM)
		cf_error(cf, e->loc, "%s is %s and '%.*s' %s", type_text_of(cf, a),
		    cf_type_what(a->type), SPAN_ARG(e->b->sym->name), what);
	else
		cf_error(cf, e->loc, "%s is %s and %s %s", type_text_of(cf, a),
		    cf_type_what(a->type), type_text_of(cf, e->b), what);
	if (a->type == RS_T_ADDRESS && e->b->ref == CF_R_SYM &&
	    e->b->sym->type == RS_T_DOMAIN)
		cf_help(cf, "ask for its domain: %s.domain in %.*s",
		    type_text_of(cf, a), SPAN_ARG(e->b->sym->name));
	type_bad(e);
}

/* Among texts a domain would never be found below a ".name". */
static bool
all_domains(struct cf *cf, struct cf_expr *e, const struct cf_sym *set)
{
	struct rs_value	 v;
	struct span	 item = SPAN_NONE;
	const char	*why = NULL;
	size_t		 i;

	for (i = 0; i < set->n; i++) {
		item = set->values[i].s;
		if (!cf_lit_domain(cf, span_from(item, item.n > 1 &&
		    item.p[0] == '.'), &v, &why))
			break;
	}
	if (i == set->n)
		return true;
	cf_error(cf, e->loc, "%s is a domain, and the item '%.*s' of '%.*s' "
	    "is no name of one: %s", type_text_of(cf, e->a), SPAN_ARG(item),
	    SPAN_ARG(set->name), why);
	if (item.n > 2 && item.p[0] == '*' && item.p[1] == '.')
		cf_help(cf, "for all below a domain write \"%.*s\"",
		    SPAN_ARG(span_from(item, 1)));
	type_bad(e);
	return false;
}

static void
in_set(struct cf *cf, struct cf_expr *e)
{
	const struct cf_sym	*set = e->b->sym;

	if (set->type == RS_T_NONE || set->type == RS_T_UNKNOWN)
		return;		/* its items are wrong: reported */
	if (e->a->ref == CF_R_HEADER && set->type != RS_T_TEXT) {
		cf_error(cf, e->loc, "%s is a text and '%.*s' %s",
		    type_text_of(cf, e->a), SPAN_ARG(set->name),
		    cf_sym_what(cf, set));
		type_bad(e);
		return;
	}
	if (set->type == RS_T_TEXT && e->a->type == RS_T_DOMAIN &&
	    !all_domains(cf, e, set))
		return;
	if (set->type == RS_T_TEXT && type_is_textual(e->a->type))
		return;
	if (!type_adapt(cf, e->a, set->type)) {
		if (type_is_bad(e->a))
			type_bad(e);
		else
			mismatch_in(cf, e, cf_sym_what(cf, set));
	}
}

/* `attachments in names`: a set of text. */
static void
in_list(struct cf *cf, struct cf_expr *e, const struct cf_sym *sym)
{
	e->type = RS_T_BOOL;
	e->tainted = true;
	if (sym != NULL && sym->kind == CF_S_SET) {
		if (sym->type == RS_T_TEXT || sym->type == RS_T_DOMAIN)
			return;
		if (sym->type == RS_T_NONE || sym->type == RS_T_UNKNOWN)
			return;
	}
	cf_error(cf, e->loc, "%s are texts, and can be asked for in a set of "
	    "text", type_text_of(cf, e->a));
	type_bad(e);
}

static void
in_map(struct cf *cf, struct cf_expr *e)
{
	if (e->a->ref == CF_R_HEADER) {
		cf_error(cf, e->loc, "a header field can be asked for in a "
		    "set, not in a map");
		type_bad(e);
	} else if (cf_kind(e->b->sym)->key == CF_KEY_TEXT &&
	    !type_is_key(e->a)) {
		mismatch_in(cf, e, "a map, asked with text");
	} else if (!type_map_key(cf, e->a, e->b->sym)) {
		type_bad(e);
	} else {
		e->may_fail = true;
	}
}

/* `x in "..."`, `x in 5`: what was meant by it. */
static void
help_in(struct cf *cf, const struct cf_expr *e)
{
	if (e->a->type == RS_T_IP && e->b->type == RS_T_TEXT)
		cf_help(cf, "addresses and networks stand without quotes");
	else if (e->b->type == e->a->type || type_is_const(e->b))
		cf_help(cf, "one value is compared by '=='");
}

void
type_in(struct cf *cf, struct cf_expr *e)
{
	const struct cf_sym	*sym = e->b->ref == CF_R_SYM ? e->b->sym : NULL;

	if (type_is_list(e->a) && !type_is_bad(e->b)) {
		in_list(cf, e, sym);
		return;
	}
	cf_type_expr(cf, e->a);
	if (type_is_bad(e->a) || type_is_bad(e->b)) {
		type_bad(e);
		return;
	}
	e->type = RS_T_BOOL;
	type_take_flags(e, e->a);
	if (sym != NULL && sym->kind == CF_S_SET) {
		in_set(cf, e);
	} else if (sym != NULL && sym->kind == CF_S_MAP) {
		in_map(cf, e);
	} else if ((sym != NULL && sym->kind == CF_S_NET) ||
	    (type_is_const(e->b) && e->b->value.type == RS_T_NET)) {
		if (!type_adapt(cf, e->a, RS_T_IP))
			mismatch_in(cf, e, sym != NULL ?
			    "a set of networks" : "a network");
	} else {
		cf_type_expr(cf, e->b);
		if (!type_is_bad(e->b))
			cf_error(cf, e->b->loc, "'in' asks a set, a net or a "
			    "map, and %s is %s", type_text_of(cf, e->b),
			    cf_type_what(e->b->type));
		if (!type_is_bad(e->b))
			help_in(cf, e);
		type_bad(e);
		return;
	}
	if (!type_is_bad(e))
		type_take_flags(e, e->a);
}

/* Truth. */

void
type_not(struct cf *cf, struct cf_expr *e)
{
	cf_type_expr(cf, e->a);
	if (!cf_type_want(cf, e->a, RS_T_BOOL, "'not'")) {
		type_bad(e);
		return;
	}
	type_take_flags(e, e->a);
	e->type = RS_T_BOOL;
	if (type_is_const(e->a))
		type_fold(cf, e, rs_not(&e->a->value));
}

/* Constants that say nothing are taken out; one that decides is the whole. */
static void
fold_chain(struct cf *cf, struct cf_expr *e)
{
	bool		  decides = e->kind == CF_E_OR;
	struct cf_expr	 *part, **link = &e->list;

	e->last = NULL;
	while ((part = *link) != NULL) {
		if (!type_is_const(part)) {
			e->last = part;
			link = &part->next;
		} else if ((part->value.i != 0) == decides) {
			type_fold(cf, e, rs_bool(decides));
			return;
		} else {
			*link = part->next;
		}
	}
	if (e->list == NULL)
		type_fold(cf, e, rs_bool(!decides));
}

void
type_chain(struct cf *cf, struct cf_expr *e)
{
	struct cf_expr	*part;
	bool		 ok = true;

	for (part = e->list; part != NULL; part = part->next) {
		cf_type_expr(cf, part);
		if (!cf_type_want(cf, part, RS_T_BOOL,
		    e->kind == CF_E_AND ? "'and'" : "'or'"))
			ok = false;
		type_take_flags(e, part);
	}
	e->type = RS_T_BOOL;
	if (ok)
		fold_chain(cf, e);
	else
		type_bad(e);
}
