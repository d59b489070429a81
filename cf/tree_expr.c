/*
 * tree_expr.c - building the tree: expressions.
 */
#include "cf/tree_int.h"

/* Expressions. */

static struct cf_expr *
expr(struct cf *cf, struct cf_loc loc, enum cf_expr_kind kind)
{
	struct cf_expr	*e;

	e = arena_alloc(&cf->arena, sizeof(*e));
	e->kind = kind;
	e->loc = loc;
	e->depth = 1;
	return e;
}

struct cf_expr *
cf_bad(struct cf *cf, struct cf_loc loc)
{
	return expr(cf, loc, CF_E_BAD);
}

/* A node above e; one that would stand too high becomes a bad leaf. */
static struct cf_expr *
above(struct cf *cf, struct cf_expr *parent, const struct cf_expr *e)
{
	if (e == NULL || e->depth < parent->depth)
		return parent;
	parent->depth = (uint16_t)(e->depth + 1);
	if (parent->depth <= CF_TREE_DEPTH)
		return parent;
	if (!cf->said.too_deep)
		cf_error(cf, parent->loc, "this expression is nested deeper "
		    "than %d", CF_TREE_DEPTH);
	cf->said.too_deep = true;
	return cf_bad(cf, parent->loc);
}

struct cf_expr *
cf_const(struct cf *cf, struct cf_loc loc, struct rs_value value)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_CONST);

	e->value = value;
	return e;
}

struct cf_expr *
cf_name(struct cf *cf, struct cf_loc loc, struct rs_value word)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_NAME);

	e->name = word.s;
	return e;
}

struct cf_expr *
cf_field(struct cf *cf, struct cf_loc loc, struct cf_expr *a,
    struct rs_value word)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_FIELD);

	e->a = a;
	e->name = word.s;
	return above(cf, e, a);
}

struct cf_expr *
cf_index(struct cf *cf, struct cf_loc loc, struct cf_expr *a,
    struct cf_expr *b)
{
	return cf_pair(cf, loc, CF_E_INDEX, a, b, false);
}

struct cf_expr *
cf_call(struct cf *cf, struct cf_loc loc, struct rs_value word,
    struct cf_exprs args)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_CALL), *arg;

	e->name = word.s;
	e->list = args.first;
	e->last = args.last;
	for (arg = args.first; arg != NULL && e->kind != CF_E_BAD;
	    arg = arg->next)
		e = above(cf, e, arg);
	return e;
}

struct cf_expr *
cf_mask(struct cf *cf, struct cf_loc loc, struct cf_expr *a,
    struct rs_value bits4, const struct rs_value *bits6)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_MASK);

	if (bits4.i > 32 || (bits6 != NULL && bits6->i > 128)) {
		cf_error(cf, loc, "a mask has at most 32 bits for IPv4 and "
		    "128 for IPv6");
		return cf_bad(cf, loc);
	}
	e->a = a;
	e->bits4 = (uint8_t)bits4.i;
	e->bits6 = (uint8_t)(bits6 != NULL ? bits6->i : 64);
	return above(cf, e, a);
}

struct cf_expr *
cf_pair(struct cf *cf, struct cf_loc loc, enum cf_expr_kind kind,
    struct cf_expr *a, struct cf_expr *b, bool negated)
{
	struct cf_expr	*e = expr(cf, loc, kind);

	e->a = a;
	e->b = b;
	e->negated = negated;
	e = above(cf, e, a);
	return e->kind == CF_E_BAD ? e : above(cf, e, b);
}

struct cf_expr *
cf_order(struct cf *cf, struct cf_loc loc, unsigned op, struct cf_expr *a,
    struct cf_expr *b)
{
	struct cf_expr	*e = cf_pair(cf, loc, CF_E_ORDER, a, b, false);

	e->op = (uint8_t)op;
	return e;
}

struct cf_expr *
cf_one(struct cf *cf, struct cf_loc loc, enum cf_expr_kind kind,
    struct cf_expr *a)
{
	return cf_pair(cf, loc, kind, a, NULL, false);
}

struct cf_expr *
cf_matches(struct cf *cf, struct cf_loc loc, struct cf_expr *a,
    struct rs_value regex, bool negated)
{
	struct cf_expr	*e = cf_pair(cf, loc, CF_E_MATCHES, a, NULL, negated);

	e->value = regex;
	return e;
}

struct cf_expr *
cf_listed(struct cf *cf, struct cf_loc loc, struct cf_expr *a,
    struct rs_value list, struct cf_loc list_loc, bool negated)
{
	struct cf_expr	*e = cf_pair(cf, loc, CF_E_LISTED, a, NULL, negated);

	e->name = list.s;
	e->name_loc = list_loc;
	return e;
}

static struct cf_expr *
keyed(struct cf *cf, struct cf_loc loc, enum cf_expr_kind kind,
    struct cf_exprs keys)
{
	struct cf_expr	*e = expr(cf, loc, kind), *key;

	e->list = keys.first;
	e->last = keys.last;
	for (key = keys.first; key != NULL && e->kind != CF_E_BAD;
	    key = key->next)
		e = above(cf, e, key);
	return e;
}

struct cf_expr *
cf_rate(struct cf *cf, struct cf_loc loc, struct rs_value name,
    struct cf_exprs keys, struct rs_value rate)
{
	struct cf_expr	*e = keyed(cf, loc, CF_E_RATE, keys);

	e->value = name;
	e->value2 = rate;
	return e;
}

struct cf_expr *
cf_greylisted(struct cf *cf, struct cf_loc loc, struct cf_exprs keys,
    struct rs_value wait)
{
	struct cf_expr	*e = keyed(cf, loc, CF_E_GREYLISTED, keys);

	e->value = wait;
	return e;
}

struct cf_expr *
cf_spf(struct cf *cf, struct cf_loc loc, struct rs_value result,
    struct cf_loc result_loc)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_SPF);

	e->name = result.s;
	e->name_loc = result_loc;
	return e;
}

struct cf_expr *
cf_patvar(struct cf *cf, struct cf_loc loc, struct cf_expr *name, int op)
{
	struct cf_expr	*e;

	if (name->kind == CF_E_BAD)
		return name;
	if (name->kind != CF_E_NAME) {
		cf_error(cf, loc, "only a name can stand before the '%c' of a "
		    "pattern", op);
		return cf_bad(cf, loc);
	}
	e = expr(cf, loc, CF_E_PATVAR);
	e->name = name->name;
	e->op = (uint8_t)op;
	return e;
}

struct cf_expr *
cf_chain(struct cf *cf, struct cf_loc loc, enum cf_expr_kind kind,
    struct cf_expr *a, struct cf_expr *b)
{
	struct cf_expr	*e = a;

	if (a->kind != kind) {
		e = expr(cf, loc, kind);
		e->list = e->last = a;
		e = above(cf, e, a);
	}
	if (e->kind != kind)
		return e;
	e->loc.end = loc.end;
	e->last->next = b;
	e->last = b;
	return above(cf, e, b);
}

static void
text_part(struct cf *cf, struct cf_expr *e, struct cf_loc loc,
    struct rs_value v)
{
	struct cf_expr	*part;

	if (v.s.n == 0)
		return;
	part = cf_const(cf, loc, v);
	if (e->last == NULL)
		e->list = part;
	else
		e->last->next = part;
	e->last = part;
}

struct cf_expr *
cf_text_begin(struct cf *cf, struct cf_loc loc, struct rs_value head)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_TEXT);

	text_part(cf, e, loc, head);
	return e;
}

struct cf_expr *
cf_text_add(struct cf *cf, struct cf_loc loc, struct cf_expr *text,
    struct cf_expr *e, struct rs_value more)
{
	if (text->kind != CF_E_TEXT)
		return text;
	text->loc = loc;
	if (text->last == NULL)
		text->list = e;
	else
		text->last->next = e;
	text->last = e;
	text_part(cf, text, loc, more);
	return above(cf, text, e);
}

struct cf_exprs
cf_exprs(struct cf_exprs list, struct cf_expr *e)
{
	APPEND(list, e);
	return list;
}

struct cf_exprs
cf_comma(struct cf_exprs list, struct cf_expr *e)
{
	e->comma = true;
	return cf_exprs(list, e);
}
