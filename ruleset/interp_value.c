/*
 * interp_value.c - instructions that make values of values.
 */
#include "base/command.h"
#include "ruleset/interp_int.h"

bool
has_room(const struct rs_eval *ev, size_t n)
{
	return n <= RS_TEXT_MAX && ev->arena.total <= RS_EVAL_MAX;
}

void
do_convert(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	const struct rs_value	*v = &f->r[in->b];
	struct rs_value		 out;

	if (v->type == RS_T_NONE || v->type == RS_T_UNKNOWN)
		f->r[in->a] = *v;
	else if (has_room(ev, 0) &&
	    rs_convert(v, (enum rs_type)in->c, &ev->arena, &out))
		f->r[in->a] = out;
	else
		f->r[in->a] = rs_unknown(RS_WHY_TABLE);
}

/* It may be tainted: what it becomes can be nothing but an argument. */
void
do_argument(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	const struct rs_value	*v = &f->r[in->b];
	struct span		 s;

	if (v->type == RS_T_UNKNOWN) {
		f->r[in->a] = *v;
		return;
	}
	s = v->type == RS_T_NONE ? SPAN_NONE : rs_format(v, &ev->arena);
	f->r[in->a] = has_room(ev, 2 * s.n + 2) ?
	    rs_text(RS_T_TEXT, command_argument(s, &ev->arena)) :
	    rs_unknown(RS_WHY_TABLE);
}

/* The octets of all parts, one after the other. */
static struct span
concatenate(struct arena *arena, const struct span *parts, uint32_t nparts,
    size_t n)
{
	char	*p = arena_alloc(arena, n + 1);
	size_t	 at = 0;

	for (uint32_t i = 0; i < nparts; i++) {
		if (parts[i].n > 0)
			memcpy(p + at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	return span_mem(p, n);
}

/*
 * Registers b to b + c - 1 as one text; unknown when one of them is, or when
 * it grows beyond all measure.
 */
void
do_join(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	struct rs_value	out = rs_empty(RS_T_TEXT);
	struct span	parts[RS_REGISTERS];
	size_t		n = 0;
	int64_t		why = has_room(ev, 0) ? 0 : RS_WHY_TABLE;

	for (uint32_t i = 0; i < in->c && why == 0; i++) {
		const struct rs_value	*v = &f->r[in->b + i];

		parts[i] = rs_format(v, &ev->arena);
		n += parts[i].n;
		out.tainted |= v->tainted;
		if (v->type == RS_T_UNKNOWN)
			why = v->i;
		else if (!has_room(ev, n))
			why = RS_WHY_TABLE;
	}
	if (why != 0)
		f->r[in->a] = rs_unknown((enum rs_why)why);
	else {
		out.s = concatenate(&ev->arena, parts, in->c, n);
		f->r[in->a] = out;
	}
}

void
do_in_set(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	const struct rs_value	*v = &f->r[in->b];
	struct rs_value		 result = *v;

	if (v->type != RS_T_UNKNOWN)
		result = rs_bool(rs_set_has(ev->im, in->c, v));
	note(ev, RS_STEP_SET, in->c, here(ev, f), v, &result);
	f->r[in->a] = result;
}

void
do_in_nets(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	const struct rs_value	*v = &f->r[in->b];
	struct rs_value		 result = *v;

	if (v->type != RS_T_UNKNOWN)
		result = rs_bool(v->type == RS_T_IP &&
		    rs_nets_has(ev->im, in->c, &v->ip));
	note(ev, RS_STEP_NETS, in->c, here(ev, f), v, &result);
	f->r[in->a] = result;
}

/* A record is text: name=value, one for each line. */
static struct rs_value
column_of(const struct rs_value *v, struct span name)
{
	struct rs_value	out = *v;
	struct span	rest = v->s, line;
	ptrdiff_t	eol;

	if (v->type != RS_T_TEXT)
		return v->type == RS_T_UNKNOWN ? *v : rs_empty(RS_T_NONE);
	while (rest.n > 0) {
		eol = span_index(rest, '\n');
		line = span_mem(rest.p, eol < 0 ? rest.n : (size_t)eol);
		rest = span_from(rest, line.n + 1);
		if (!span_prefix(line, name) || line.n <= name.n ||
		    line.p[name.n] != '=')
			continue;
		out.s = span_from(line, name.n + 1);
		return out;
	}
	return rs_empty(RS_T_NONE);
}

void
do_compare(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	const struct rs_value	*a = &f->r[in->b], *b = &f->r[in->c];

	note(ev, RS_STEP_COMPARE, in->op, here(ev, f), a, b);
	f->r[in->a] = in->op == RS_EQ ? rs_eq(a, b) : rs_order(in->op, a, b);
}

void
do_column(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	f->r[in->a] = column_of(&f->r[in->b], rs_string(ev->im, in->c));
}
