/*
 * emit_expr.c - expressions as instructions.
 *
 * Conditions stop as soon as they are decided, and keep three values: what is
 * unknown goes on, since `? and false` is false.  A fact is loaded once: it is
 * taken again from its register where its loading lies on every path.
 */
#include "cf/emit_int.h"

#include <string.h>

#define JOINED_MAX	64	/* parts joined by one instruction */

void
emit_begin(struct emit *f, struct cf *cf, struct rs_build *b,
    struct cf_loc loc)
{
	memset(f, 0, sizeof(*f));
	f->cf = cf;
	f->b = b;
	f->loc = loc;
	f->line = cf_line(cf, loc);
	f->let_regs = arena_alloc(&cf->arena, cf->most_locals + 1);
	f->let_has = arena_alloc(&cf->arena, cf->most_locals + 1);
}

uint32_t
emit_op(struct emit *f, enum rs_op op, unsigned a, unsigned b, uint32_t c)
{
	return rs_build_emit(f->b, op, a, b, c, f->line);
}

static bool
is_free(const struct emit *f, unsigned reg)
{
	return (f->used[reg / 64] >> (reg % 64) & 1) == 0;
}

unsigned
emit_reg(struct emit *f, unsigned n)
{
	unsigned	 reg, i;

	for (reg = 0; reg + n <= RS_REGISTERS; reg++) {
		for (i = 0; i < n && is_free(f, reg + i); i++)
			continue;
		if (i < n)
			continue;
		for (i = 0; i < n; i++)
			f->used[(reg + i) / 64] |=
			    UINT64_C(1) << ((reg + i) % 64);
		return reg;
	}
	if (!f->full)
		cf_error(f->cf, f->loc, "this block needs more than %d values "
		    "at once", RS_REGISTERS);
	f->full = true;
	return 0;
}

static void
free_reg(struct emit *f, unsigned reg)
{
	f->used[reg / 64] &= ~(UINT64_C(1) << (reg % 64));
}

void
emit_release(struct emit *f, struct emit_op op)
{
	if (op.temp && !f->full)
		free_reg(f, op.reg);
}

static uint32_t
constant(struct emit *f, const struct rs_value *v)
{
	return rs_build_const(f->b, v);
}

static void
load(struct emit *f, const struct rs_value *v, unsigned reg)
{
	emit_op(f, RS_LOAD, reg, 0, constant(f, v));
}

/* Facts. */

int
emit_slot_of(const struct cf_expr *e)
{
	if (e->ref == CF_R_FACT)
		return (int)e->fact;
	if (e->ref != CF_R_PART || e->a->ref != CF_R_FACT ||
	    e->a->kind != CF_E_NAME)
		return -1;
	if (e->a->fact == RS_FACT_SENDER)
		return RS_NFACTS + (int)e->part;
	if (e->a->fact == RS_FACT_RCPT)
		return RS_NFACTS + RS_NFIELDS + (int)e->part;
	return -1;
}

static void
emit_part(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	struct emit_op	 a = emit_expr(f, e->a);

	emit_op(f, RS_FIELD, reg, a.reg, e->part);
	emit_release(f, a);
}

/* The register in which the slot's value is, loaded when it is not. */
static unsigned
slot_reg(struct emit *f, const struct cf_expr *e, int slot)
{
	if (!f->slot_has[slot]) {
		f->slot_reg[slot] = (uint8_t)emit_reg(f, 1);
		f->slot_has[slot] = true;
	}
	if ((f->loaded >> slot & 1) == 0) {
		if (e->ref == CF_R_FACT)
			emit_op(f, RS_FACT, f->slot_reg[slot], e->fact, 0);
		else
			emit_part(f, e, f->slot_reg[slot]);
		f->loaded |= UINT64_C(1) << slot;
	}
	return f->slot_reg[slot];
}

/* A value that has a register of its own; -1: it has not. */
static int
home_of(struct emit *f, const struct cf_expr *e)
{
	int	 slot;

	if (e->kind != CF_E_NAME && e->kind != CF_E_FIELD)
		return -1;
	if ((slot = emit_slot_of(e)) >= 0)
		return (int)slot_reg(f, e, slot);
	if (e->ref == CF_R_CAPTURE)
		return f->let_regs[e->sym->index];
	if (e->ref != CF_R_SYM)
		return -1;
	if (e->sym->kind == CF_S_ARG)
		return (int)e->sym->index;
	if (e->sym->kind == CF_S_LET)
		return f->let_regs[e->sym->index];
	return -1;
}

struct emit_op
emit_expr(struct emit *f, const struct cf_expr *e)
{
	struct emit_op	 op = { 0, false };
	int		 home = home_of(f, e);

	if (home >= 0) {
		op.reg = (uint8_t)home;
		return op;
	}
	op.reg = (uint8_t)emit_reg(f, 1);
	op.temp = true;
	emit_into(f, e, op.reg);
	return op;
}

/* Texts and calls: values in a row of registers. */

static unsigned
count_list(const struct cf_expr *e)
{
	unsigned	 n = 0;

	for (e = e->list; e != NULL; e = e->next)
		n++;
	return n;
}

static void
emit_text(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	const struct cf_expr	*part = e->list;
	unsigned		 n = count_list(e), row, i;

	if (n > JOINED_MAX)
		n = JOINED_MAX;
	row = emit_reg(f, n + 1);
	for (i = 0; part != NULL; part = part->next) {
		emit_into(f, part, row + i++);
		if (i < n || part->next == NULL)
			continue;
		/* A very long text is joined piece by piece. */
		emit_op(f, RS_JOIN, row, row, i);
		i = 1;
	}
	emit_op(f, RS_JOIN, reg, row, i);
	for (i = 0; i <= n && !f->full; i++)
		free_reg(f, row + i);
}

static bool
is_const_text(const struct cf_expr *e)
{
	return e->kind == CF_E_CONST && e->value.type == RS_T_TEXT &&
	    e->value.s.n > 0;
}

struct emit_op
emit_command(struct emit *f, const struct cf_expr *e)
{
	const struct cf_expr	*part;
	struct emit_op		 out, op;

	if (e->kind != CF_E_TEXT || !is_const_text(e->list))
		return emit_expr(f, e);
	out = (struct emit_op){ (uint8_t)emit_reg(f, 2), true };
	emit_into(f, e->list, out.reg);
	for (part = e->list->next; part != NULL; part = part->next) {
		op = emit_expr(f, part);
		if (part->kind == CF_E_CONST)
			emit_op(f, RS_MOVE, out.reg + 1, op.reg, 0);
		else
			emit_op(f, RS_ARGUMENT, out.reg + 1, op.reg, 0);
		emit_release(f, op);
		emit_op(f, RS_JOIN, out.reg, out.reg, 2);
	}
	if (!f->full)
		free_reg(f, out.reg + 1);
	return out;
}

/* A call whose value goes into reg; of an `apply`, which has none: APPLY. */
static void
emit_calling(struct emit *f, enum rs_op op, const struct cf_expr *e,
    unsigned reg)
{
	const struct cf_expr	*arg;
	unsigned		 n = count_list(e), row = 0, i = 0;

	if (n > 0)
		row = emit_reg(f, n);
	for (arg = e->list; arg != NULL; arg = arg->next)
		emit_into(f, arg, row + i++);
	emit_op(f, op, reg, row, e->sym->index);
	for (i = 0; i < n && !f->full; i++)
		free_reg(f, row + i);
}

void
emit_apply(struct emit *f, const struct cf_expr *call)
{
	emit_calling(f, RS_APPLY, call, 0);
}

/* One or two operands. */

static void
emit_one(struct emit *f, enum rs_op op, const struct cf_expr *a, uint32_t c,
    unsigned reg)
{
	struct emit_op	 in = emit_expr(f, a);

	emit_op(f, op, reg, in.reg, c);
	emit_release(f, in);
}

static void
emit_two(struct emit *f, enum rs_op op, const struct cf_expr *e, unsigned reg)
{
	struct emit_op	 a = emit_expr(f, e->a), b = emit_expr(f, e->b);

	emit_op(f, op, reg, a.reg, b.reg);
	emit_release(f, a);
	emit_release(f, b);
}

static uint32_t
field_string(struct emit *f, const struct cf_expr *e)
{
	return rs_build_string(f->b, e->value.s);
}

static void
emit_eq(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	if (e->a->ref == CF_R_LIST)
		emit_one(f, RS_LIST_EQ, e->b, e->a->listof, reg);
	else if (e->a->ref == CF_R_HEADER)
		emit_one(f, RS_HEADER_EQ, e->b, field_string(f, e->a), reg);
	else if (e->b->ref == CF_R_HEADER)
		emit_one(f, RS_HEADER_EQ, e->a, field_string(f, e->b), reg);
	else
		emit_two(f, RS_EQ, e, reg);
	if (e->negated)
		emit_op(f, RS_NOT, reg, reg, 0);
}

/* A network that stands in the condition itself. */
static uint32_t
nets_of(struct emit *f, const struct cf_expr *e)
{
	struct ipnet	 net = { e->value.ip, e->value.bits };

	return rs_build_nets(f->b, cf_expr_text(f->cf, e), &net, 1);
}

static void
emit_in(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	const struct cf_sym	*sym = e->b->ref == CF_R_SYM ? e->b->sym : NULL;

	if (sym == NULL)
		emit_one(f, RS_IN_NETS, e->a, nets_of(f, e->b), reg);
	else if (sym->kind == CF_S_NET)
		emit_one(f, RS_IN_NETS, e->a, sym->index, reg);
	else if (sym->kind == CF_S_MAP && emit_role(sym, e->a) < RS_NROLES)
		emit_op(f, RS_ACCESS_HAS, reg, emit_role(sym, e->a),
		    sym->index);
	else if (sym->kind == CF_S_MAP)
		emit_one(f, RS_MAP_HAS, e->a, sym->index, reg);
	else if (e->a->ref == CF_R_LIST)
		emit_op(f, RS_LIST_IN, reg, sym->index, e->a->listof);
	else if (e->a->ref == CF_R_HEADER)
		emit_op(f, RS_HEADER_IN, reg, sym->index,
		    field_string(f, e->a));
	else
		emit_one(f, RS_IN_SET, e->a, sym->index, reg);
	if (e->negated)
		emit_op(f, RS_NOT, reg, reg, 0);
}

/* and, or: as soon as it is decided the rest is skipped. */
static void
emit_chain(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	bool			 is_and = e->kind == CF_E_AND;
	bool			 unknown = e->list->may_fail;
	unsigned		 n = count_list(e), i = 0;
	const struct cf_expr	*part;
	struct emit_op		 op;
	uint32_t		*jumps;
	uint64_t		 loaded;

	if (emit_as_set(f, e, reg))
		return;
	jumps = arena_alloc(&f->cf->arena, n * sizeof(*jumps));
	emit_into(f, e->list, reg);
	loaded = f->loaded;
	for (part = e->list->next; part != NULL; part = part->next) {
		jumps[i++] = emit_op(f, is_and ? RS_JUMP_FALSE : RS_JUMP_TRUE,
		    reg, 0, 0);
		if (!unknown) {
			emit_into(f, part, reg);
		} else {
			op = emit_expr(f, part);
			emit_op(f, is_and ? RS_AND : RS_OR, reg, reg, op.reg);
			emit_release(f, op);
		}
		unknown |= part->may_fail;
	}
	while (i > 0)
		rs_build_land(f->b, jumps[--i]);
	f->loaded = loaded;
}

/* What is not there is looked for further on; what cannot be said is not. */
static void
emit_else(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	uint32_t	 some, unknown = 0;
	uint64_t	 loaded;

	emit_into(f, e->a, reg);
	some = emit_op(f, RS_JUMP_SOME, reg, 0, 0);
	if (e->a->may_fail)
		unknown = emit_op(f, RS_JUMP_UNKNOWN, reg, 0, 0);
	loaded = f->loaded;
	emit_into(f, e->b, reg);
	f->loaded = loaded;
	rs_build_land(f->b, some);
	if (e->a->may_fail)
		rs_build_land(f->b, unknown);
}

static void
emit_index(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	if (e->ref == CF_R_HEADER)
		emit_op(f, RS_HEADER, reg, 0, field_string(f, e));
	else if (emit_role(e->sym, e->b) < RS_NROLES)
		emit_op(f, RS_ACCESS_GET, reg, emit_role(e->sym, e->b),
		    e->sym->index);
	else
		emit_one(f, RS_MAP_GET, e->b, e->sym->index, reg);
}

static void
emit_field(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	if (e->ref == CF_R_COLUMN)
		emit_one(f, RS_COLUMN, e->a, rs_build_string(f->b, e->name),
		    reg);
	else
		emit_part(f, e, reg);
}

static void
emit_tag(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	struct rs_value	 number = rs_int(RS_T_INT, e->sym->index);

	emit_op(f, RS_TAG_GET, reg, 0, constant(f, &number));
}

void
emit_into(struct emit *f, const struct cf_expr *e, unsigned reg)
{
	struct rs_value	 yes = rs_bool(true);
	int		 home = home_of(f, e);

	if (home >= 0) {
		emit_op(f, RS_MOVE, reg, (unsigned)home, 0);
		return;
	}
	switch (e->kind) {
	case CF_E_BAD:
		break;
	case CF_E_CONST:
		load(f, &e->value, reg);
		break;
	case CF_E_OTHERWISE:
		load(f, &yes, reg);
		break;
	case CF_E_TEXT:
		emit_text(f, e, reg);
		break;
	case CF_E_NAME:
		emit_tag(f, e, reg);
		break;
	case CF_E_FIELD:
		emit_field(f, e, reg);
		break;
	case CF_E_INDEX:
		emit_index(f, e, reg);
		break;
	case CF_E_CALL:
		emit_calling(f, RS_CALL, e, reg);
		break;
	case CF_E_ELSE:
		emit_else(f, e, reg);
		break;
	case CF_E_MASK:
		emit_one(f, RS_MASK, e->a,
		    e->bits4 | (uint32_t)e->bits6 << 8, reg);
		break;
	case CF_E_EQ:
		emit_eq(f, e, reg);
		break;
	case CF_E_ORDER:
		emit_two(f, (enum rs_op)e->op, e, reg);
		break;
	case CF_E_IN:
		emit_in(f, e, reg);
		break;
	case CF_E_NOT:
		emit_one(f, RS_NOT, e->a, 0, reg);
		break;
	case CF_E_AND: case CF_E_OR:
		emit_chain(f, e, reg);
		break;
	case CF_E_UNKNOWN:
		emit_op(f, RS_RCPT_UNKNOWN, reg, 0, 0);
		break;
	case CF_E_SRS:
		emit_one(f, RS_SRS, e->a, 0, reg);
		break;
	case CF_E_ADDRESS:
		emit_two(f, RS_ADDRESS, e, reg);
		break;
	case CF_E_CONVERT:
		emit_one(f, RS_CONVERT, e->a, e->type, reg);
		break;
	default:
		emit_cond(f, e, reg);
		break;
	}
}
