/*
 * emit_chain.c - long chains of comparisons of one value with constants, which
 * must not cost more than short ones: rules get a SWITCH before them, `or`
 * becomes a set.
 */
#include "cf/emit_int.h"

#define CHAIN_MIN	4	/* comparisons; fewer are as fast one by one */

/* A comparison of a fact, or a part of one, with a constant text. */
struct comparison {
	const struct cf_expr	*what;
	const struct rs_value	*constant;
};

static bool
is_text_constant(const struct cf_expr *e)
{
	return e->kind == CF_E_CONST && (e->value.type == RS_T_TEXT ||
	    e->value.type == RS_T_DOMAIN || e->value.type == RS_T_ADDRESS) &&
	    e->value.s.n > 0;
}

static bool
take_comparison(const struct cf_expr *e, struct comparison *out)
{
	if (e == NULL || e->kind != CF_E_EQ || e->negated)
		return false;
	out->what = e->a;
	out->constant = &e->b->value;
	if (is_text_constant(e->a)) {
		out->what = e->b;
		out->constant = &e->a->value;
	} else if (!is_text_constant(e->b))
		return false;
	return (out->what->kind == CF_E_NAME ||
	    out->what->kind == CF_E_FIELD) && emit_slot_of(out->what) >= 0;
}

/* Whether e goes on with the chain that `first` begins. */
static bool
goes_on(const struct comparison *first, const struct cf_expr *e,
    struct comparison *out)
{
	return take_comparison(e, out) &&
	    emit_slot_of(out->what) == emit_slot_of(first->what) &&
	    out->constant->type == first->constant->type;
}

unsigned
emit_chain_length(const struct cf_rule *r)
{
	struct comparison	first, one;
	unsigned		n = 0;

	if (r->is_let || !take_comparison(r->cond, &first))
		return 0;
	for (; r != NULL && !r->is_let && goes_on(&first, r->cond, &one);
	    r = r->next)
		n++;
	return n < CHAIN_MIN ? 0 : n;
}

void
emit_switch(struct emit *f, const struct cf_rule *r)
{
	struct comparison	c;

	if (!take_comparison(r->cond, &c))
		return;
	/* it has a register of its own, which stays loaded for all rules */
	(void)rs_build_switch(f->b, emit_expr(f, c.what).reg,
	    (enum rs_type)c.constant->type, f->line);
	rs_build_case(f->b, c.constant->s);
}

void
emit_case(struct emit *f, const struct cf_rule *r)
{
	struct comparison	 c;

	if (take_comparison(r->cond, &c))
		rs_build_case(f->b, c.constant->s);
}

/* For records: `{ a.example, b.example, ... }`. */
static struct span
set_name(struct emit *f, const struct rs_value *values, size_t n)
{
	return arena_printf(&f->cf->arena, "{ %.*s, %.*s%s }",
	    SPAN_ARG(values[0].s), SPAN_ARG(values[1].s),
	    n > 2 ? ", ..." : "");
}

static uint32_t
build_set(struct emit *f, const struct rs_value *values, size_t n)
{
	struct span	*domains;
	size_t		 i;

	if (values[0].type != RS_T_DOMAIN)
		return rs_build_values(f->b, set_name(f, values, n),
		    (enum rs_type)values[0].type, values, n);
	domains = arena_alloc(&f->cf->arena, n * sizeof(*domains));
	for (i = 0; i < n; i++)
		domains[i] = values[i].s;
	return rs_build_domains(f->b, set_name(f, values, n), domains, n);
}

bool
emit_as_set(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	const struct cf_expr	*part;
	struct comparison	 first, one;
	struct rs_value		*values;
	struct emit_op		 what;
	size_t			 n = 0;

	if (e->kind != CF_E_OR || !take_comparison(e->list, &first))
		return false;
	for (part = e->list; part != NULL; part = part->next, n++) {
		if (!goes_on(&first, part, &one))
			return false;
	}
	if (n < CHAIN_MIN)
		return false;
	values = arena_alloc(&f->cf->arena, n * sizeof(*values));
	n = 0;
	for (part = e->list; part != NULL; part = part->next) {
		if (take_comparison(part, &one))
			values[n++] = *one.constant;
	}
	what = emit_expr(f, first.what);
	emit_op(f, RS_IN_SET, reg, what.reg, build_set(f, values, n));
	emit_release(f, what);
	return true;
}
