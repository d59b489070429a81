/*
 * emit_cond.c - the conditions that ask more than a comparison.
 *
 * What a match captures is taken into registers at once, so that another match
 * of the same rule does not take its place.
 */
#include "cf/emit_int.h"
#include "cf/kinds.h"
#include "cf/pattern.h"

/* Between the parts of a key; no part has it (a control character). */
#define KEY_SEPARATOR	"\x1f"

/* Captures. */

static unsigned
capture_reg(struct emit *f, const struct cf_sym *sym)
{
	uint8_t	*reg = &f->let_regs[sym->index];

	if (!f->let_has[sym->index]) {
		*reg = (uint8_t)emit_reg(f, 1);
		f->let_has[sym->index] = true;
	}
	return *reg;
}

static void
take_captures(struct emit *f, const struct cf_expr *e)
{
	const struct cf_local	*l;
	uint8_t			 reg;

	for (l = e->captured; l != NULL; l = l->next) {
		if (!l->sym->used)
			continue;
		reg = capture_reg(f, l->sym);
		emit_op(f, RS_CAPTURE, reg, 0,
		    rs_build_string(f->b, l->sym->name));
		if (l->sym->type != RS_T_TEXT)	/* a whole address */
			emit_op(f, RS_CONVERT, reg, reg, l->sym->type);
	}
}

/* On a path that does not match nothing is taken: it is read on none. */
void
emit_captures_begin(struct emit *f, const struct cf_rule *r)
{
	struct rs_value		 none;
	const struct cf_local	*l;

	if (r->cond->kind == CF_E_MATCHES || r->cond->kind == CF_E_LIKE)
		return;		/* it takes them on every path */
	for (l = r->captured; l != NULL; l = l->next) {
		none = rs_empty(l->sym->type);
		if (l->sym->used && !f->let_has[l->sym->index])
			emit_op(f, RS_LOAD, capture_reg(f, l->sym), 0,
			    rs_build_const(f->b, &none));
	}
}

void
emit_captures_end(struct emit *f, const struct cf_rule *r)
{
	const struct cf_local	*l;
	struct emit_op		 op = { 0, true };

	for (l = r->captured; l != NULL; l = l->next) {
		if (!f->let_has[l->sym->index])
			continue;
		f->let_has[l->sym->index] = false;
		op.reg = f->let_regs[l->sym->index];
		emit_release(f, op);
	}
}

/* Conditions. */

enum rs_role
emit_role(const struct cf_sym *map, const struct cf_expr *key)
{
	if (cf_kind(map)->key != CF_KEY_CLIENT)
		return RS_NROLES;
	if (key->fact == RS_FACT_SENDER)
		return RS_ROLE_SENDER;
	return key->fact == RS_FACT_RCPT ? RS_ROLE_RCPT : RS_ROLE_CLIENT;
}

static void
emit_matches(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	uint32_t	 re;
	struct emit_op	 in;

	re = rs_build_regex(f->b, e->value.s, e->value.bits & RS_REGEX_ICASE);
	if (e->a->ref == CF_R_HEADER) {
		emit_op(f, RS_HEADER_MATCH, reg, re,
		    rs_build_string(f->b, e->a->value.s));
	} else if (e->a->ref == CF_R_LIST) {
		emit_op(f, RS_LIST_MATCH, reg, re, e->a->listof);
	} else {
		in = emit_expr(f, e->a);
		emit_op(f, RS_MATCH, reg, in.reg, re);
		emit_release(f, in);
	}
	take_captures(f, e);
}

static void
emit_like(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	struct emit_op	 in = emit_expr(f, e->a);

	emit_op(f, RS_LIKE, reg, in.reg, cf_pattern_emit(e->pattern, f->b));
	emit_release(f, in);
	take_captures(f, e);
}

/* What is counted: a text; several values as one. */
static struct emit_op
emit_key(struct emit *f, const struct cf_expr *e)
{
	struct cf_expr	*text, *part;
	const struct cf_expr *key = e->list;
	struct cf	*cf = f->cf;
	struct rs_value	 between = rs_text(RS_T_TEXT, SPAN(KEY_SEPARATOR));

	if (key->next == NULL && rs_has_span(key->type))
		return emit_expr(f, key);
	text = cf_text_begin(cf, e->loc, rs_text(RS_T_TEXT, SPAN("")));
	text->type = RS_T_TEXT;
	for (; key != NULL; key = key->next) {
		part = arena_alloc(&cf->arena, sizeof(*part));
		*part = *key;
		part->next = NULL;
		text = cf_text_add(cf, e->loc, text, part, key->next != NULL ?
		    between : rs_text(RS_T_TEXT, SPAN("")));
	}
	return emit_expr(f, text);
}

static void
emit_counted(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	struct emit_op	 key = emit_key(f, e);

	if (e->kind == CF_E_RATE)
		emit_op(f, RS_RATE, reg, key.reg, e->sym->index);
	else
		emit_op(f, RS_GREYLISTED, reg, key.reg,
		    rs_build_const(f->b, &e->value));
	emit_release(f, key);
}

static void
emit_spf(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	struct rs_value	 word = rs_text(RS_T_TEXT, e->name);
	unsigned	 other = emit_reg(f, 1);
	struct emit_op	 op = { (uint8_t)other, true };

	emit_op(f, RS_SPF, reg, 0, 0);
	emit_op(f, RS_LOAD, other, 0, rs_build_const(f->b, &word));
	emit_op(f, RS_EQ, reg, reg, other);
	emit_release(f, op);
}

static void
emit_asking(struct emit *f, enum rs_op op, const struct cf_expr *a,
    uint32_t c, unsigned reg)
{
	struct emit_op	 in = emit_expr(f, a);

	emit_op(f, op, reg, in.reg, c);
	emit_release(f, in);
}

static void
emit_of(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	struct emit_op	 user = emit_expr(f, e->b);

	emit_asking(f, RS_OWNED, e->a, user.reg, reg);
	emit_release(f, user);
}

void
emit_cond(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	switch (e->kind) {
	case CF_E_MATCHES:
		emit_matches(f, e, reg);
		break;
	case CF_E_LIKE:
		emit_like(f, e, reg);
		break;
	case CF_E_LISTED:
		emit_asking(f, RS_LISTED, e->a, e->sym->index, reg);
		break;
	case CF_E_RATE: case CF_E_GREYLISTED:
		emit_counted(f, e, reg);
		break;
	case CF_E_SPF:
		emit_spf(f, e, reg);
		break;
	case CF_E_RESOLVES:
		emit_asking(f, RS_RESOLVES, e->a, 0, reg);
		break;
	case CF_E_REACHABLE:
		emit_asking(f, RS_REACHABLE, e->a,
		    e->a->fact == RS_FACT_RCPT, reg);
		break;
	case CF_E_OF:
		emit_of(f, e, reg);
		break;
	default:
		return;
	}
	if (e->negated)
		emit_op(f, RS_NOT, reg, reg, 0);
}
