/*
 * emit_chain.c - long chains of rules that ask one value for constants, which
 * must not cost more than short ones: they get a SWITCH before them, which
 * leads to the first rule that can be taken; `or` becomes a set.
 *
 * A rule of a chain begins with `x == c`, with several of these by `or`, or
 * with `x in SET`; more may follow by `and`.  One that has been taken and goes
 * on leads to the next rule for the same constant.
 */
#include "cf/emit_int.h"

#define CHAIN_MIN	4	/* rules; fewer are as fast one by one */
#define CASES_MAX	200000u	/* constants of one chain */

/* Which constants a condition asks a fact for, or a part of one. */
struct question {
	const struct cf_expr	*what;
	const struct rs_value	*values;
	size_t			 n;
	unsigned		 type;		/* of all of them */
};

static bool
is_case(const struct rs_value *v)
{
	switch (v->type) {
	case RS_T_TEXT: case RS_T_DOMAIN: case RS_T_ADDRESS:
		return v->s.n > 0;
	case RS_T_INT: case RS_T_SIZE:
		return true;
	case RS_T_IP:
		return v->ip.family != 0;
	default:
		return false;
	}
}

static bool
is_case_const(const struct cf_expr *e)
{
	return e->kind == CF_E_CONST && is_case(&e->value);
}

/* A fact that is loaded once, in the type of the constants or as text. */
static bool
is_asked(const struct cf_expr *e, unsigned type)
{
	if ((e->kind != CF_E_NAME && e->kind != CF_E_FIELD) ||
	    emit_slot_of(e) < 0)
		return false;
	return e->type == type || (rs_has_span(e->type) && rs_has_span(type));
}

static bool
take_eq(const struct cf_expr *e, struct question *q)
{
	const struct cf_expr	*constant = e->b;

	if (e->kind != CF_E_EQ || e->negated)
		return false;
	q->what = e->a;
	if (is_case_const(e->a)) {
		q->what = e->b;
		constant = e->a;
	}
	q->values = &constant->value;
	q->n = 1;
	q->type = constant->value.type;
	return is_case_const(constant) && is_asked(q->what, q->type);
}

/* A set of exact items: each is a case. */
static bool
take_in(const struct cf_expr *e, struct question *q)
{
	const struct cf_sym	*set;
	size_t			 i;

	if (e->kind != CF_E_IN || e->negated || e->b->ref != CF_R_SYM ||
	    e->b->sym->kind != CF_S_SET || e->b->sym->n == 0 ||
	    e->b->sym->n > CASES_MAX)
		return false;
	set = e->b->sym;
	q->what = e->a;
	q->values = set->values;
	q->n = set->n;
	q->type = set->type;
	if (!is_asked(e->a, set->type) || e->a->type != set->type)
		return false;
	for (i = 0; i < set->n; i++) {
		if (!is_case(&set->values[i]) || (set->type == RS_T_DOMAIN &&
		    set->values[i].s.p[0] == '.'))
			return false;
	}
	return true;
}

/* Whether both ask the same fact for constants of the same type. */
static bool
same_question(const struct question *a, const struct question *b)
{
	return emit_slot_of(a->what) == emit_slot_of(b->what) &&
	    a->type == b->type;
}

static bool
take_or(struct emit *f, const struct cf_expr *e, struct question *q)
{
	const struct cf_expr	*part;
	struct question		 one;
	struct rs_value		*values;
	size_t			 n = 0;

	if (e->kind != CF_E_OR || !take_eq(e->list, q))
		return false;
	for (part = e->list; part != NULL; part = part->next, n++) {
		if (!take_eq(part, &one) || !same_question(q, &one))
			return false;
	}
	values = arena_alloc(&f->cf->arena, n * sizeof(*values));
	n = 0;
	for (part = e->list; part != NULL; part = part->next) {
		if (take_eq(part, &one))
			values[n++] = *one.values;
	}
	q->values = values;
	q->n = n;
	return true;
}

static bool
take_question(struct emit *f, const struct cf_rule *r, struct question *q)
{
	const struct cf_expr	*e = r->cond;

	if (r->is_let)
		return false;
	if (e->kind == CF_E_AND)
		e = e->list;
	return take_eq(e, q) || take_in(e, q) || take_or(f, e, q);
}

unsigned
emit_chain_length(struct emit *f, const struct cf_rule *r)
{
	struct question	 first, one;
	size_t		 cases = 0;
	unsigned	 n = 0;

	if (!take_question(f, r, &first))
		return 0;
	for (; r != NULL && take_question(f, r, &one) &&
	    same_question(&first, &one); r = r->next) {
		cases += one.n;
		if (cases > CASES_MAX)
			break;
		n++;
	}
	return n < CHAIN_MIN ? 0 : n;
}

/* Equal constants have equal keys: letters are folded. */
static struct span
key_of(struct emit *f, const struct rs_value *v)
{
	struct span	 s = rs_format(v, &f->cf->arena);
	char		*p = arena_alloc(&f->cf->arena, s.n + 1);
	size_t		 i;

	for (i = 0; i < s.n; i++)
		p[i] = ascii_lower(s.p[i]);
	return span_mem(p, s.n);
}

/* Jumps that wait for the next rule with this constant, or the chain's end. */
struct waiting {
	uint32_t	 insn;
	bool		 landed;
	struct waiting	*next;		/* of all of the chain */
};

static void
land(struct emit *f, struct waiting *w)
{
	if (w != NULL && !w->landed)
		rs_build_land(f->b, w->insn);
	if (w != NULL)
		w->landed = true;
}

static void
add_cases(struct emit *f, const struct question *q)
{
	struct span	 key;
	size_t		 i;

	for (i = 0; i < q->n; i++) {
		rs_build_case(f->b, &q->values[i]);
		key = key_of(f, &q->values[i]);
		land(f, htab_get(&f->waiting, key));
	}
}

void
emit_switch(struct emit *f, const struct cf_rule *r)
{
	struct question	 q;

	if (!take_question(f, r, &q))
		return;
	/* it has a register of its own, which stays loaded for all rules */
	(void)rs_build_switch(f->b, emit_expr(f, q.what).reg,
	    (enum rs_type)q.type, f->line);
	add_cases(f, &q);
}

void
emit_case(struct emit *f, const struct cf_rule *r)
{
	struct question	 q;

	if (take_question(f, r, &q))
		add_cases(f, &q);
}

bool
emit_chain_leave(struct emit *f, const struct cf_rule *r)
{
	struct question	 q;
	struct waiting	*w;

	/* Of several constants it is not known which one it was. */
	if (f->chain <= 1 || !take_question(f, r, &q) || q.n != 1)
		return false;
	w = arena_alloc(&f->cf->arena, sizeof(*w));
	w->insn = emit_op(f, RS_JUMP, 0, 0, 0);
	w->next = f->all_waiting;
	f->all_waiting = w;
	htab_put(&f->waiting, key_of(f, q.values), w);
	return true;
}

void
emit_chain_end(struct emit *f)
{
	struct waiting	*w;

	for (w = f->all_waiting; w != NULL; w = w->next)
		land(f, w);
	f->all_waiting = NULL;
	htab_clear(&f->waiting);
	rs_build_switch_end(f->b);
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
	struct question	 q;
	struct emit_op	 what;

	if (!take_or(f, e, &q) || q.n < CHAIN_MIN || !rs_has_span(q.type))
		return false;
	what = emit_expr(f, q.what);
	emit_op(f, RS_IN_SET, reg, what.reg, build_set(f, q.values, q.n));
	emit_release(f, what);
	return true;
}
