/*
 * disasm.c - an image as text: its tables (disasm_tables.c), then its
 * functions, each instruction with what its operands mean.
 *
 * Instructions are numbered from the start of their function, so that a change
 * elsewhere does not move them in a golden file.
 */
#include "ruleset/disasm_int.h"

static const char *const field_names[RS_NFIELDS] = {
	[RS_F_USER] = "user", [RS_F_DETAIL] = "detail",
	[RS_F_DOMAIN] = "domain", [RS_F_LOCAL] = "local",
};

static void
put_rule(struct listing *l, uint32_t i)
{
	const struct rs_rule	*rule = rs_rule(l->im, i);

	buf_addf(l->out, "%u: ", i);
	dis_string(l, rule->text);
}

static void
put_reply(struct listing *l, uint32_t i)
{
	const struct rs_reply	*reply = rs_reply(l->im, i);

	buf_addf(l->out, "%u ", reply->code);
	dis_string(l, reply->status);
}

static void
put_regex(struct listing *l, uint32_t i)
{
	const struct rs_regex	*r = rs_regex(l->im, i);

	buf_add_char(l->out, '/');
	dis_string(l, r->text);
	buf_add_str(l->out, r->flags & RS_REGEX_ICASE ? "/i" : "/");
}

static void
put_rate(struct listing *l, uint32_t i)
{
	const struct rs_rate	*r = rs_rate(l->im, i);
	struct rs_value		 v = rs_int(RS_T_RATE, r->rate);

	dis_quoted(l, rs_string(l->im, r->name));
	buf_add_str(l->out, " over ");
	buf_add_span(l->out, rs_format(&v, &l->scratch));
}

static void
put_case(struct listing *l, unsigned type, struct span key)
{
	struct rs_value	v = rs_case_value(type, key);

	if (rs_has_span(type))
		dis_quoted(l, key);
	else
		buf_add_span(l->out, rs_format(&v, &l->scratch));
}

/* In the order of the hash table: that of a golden file does not change. */
static void
put_cases(struct listing *l, uint32_t n, uint32_t at)
{
	const struct rs_switch	*sw = RS_REC(l->im, SWITCHES,
	    struct rs_switch, n);
	const char		*before = "{ ";

	for (uint32_t i = 0; i < sw->ncases; i++) {
		const struct rs_case	*c = RS_REC(l->im, CASES,
		    struct rs_case, sw->first_case + i);

		if (c->string == RS_NO_INDEX)
			continue;
		buf_add_str(l->out, before);
		put_case(l, sw->type, rs_string(l->im, c->string));
		buf_addf(l->out, " -> %u", at + 1 + c->skip);
		before = ", ";
	}
	buf_add_str(l->out, " }");
}

/* One operand; `at` is the instruction's number in its function. */
static void
put_operand(struct listing *l, unsigned kind, uint32_t n, uint32_t at)
{
	switch (kind) {
	case RS_OUT_:
	case RS_IN_:
	case RS_IN0_:
		buf_addf(l->out, "r%u", n);
		break;
	case RS_CONST_:
		dis_const(l, n);
		break;
	case RS_FACT_:
		buf_add_str(l->out, rs_facts[n].name);
		break;
	case RS_FIELD_:
		buf_add_str(l->out, field_names[n]);
		break;
	case RS_SET_:
		buf_add_span(l->out, rs_set_name(l->im, n));
		break;
	case RS_NETS_:
		buf_add_span(l->out, rs_nets_name(l->im, n));
		break;
	case RS_MAP_:
		dis_string(l, rs_map(l->im, n)->name);
		break;
	case RS_FUNC_:
		dis_string(l, rs_func(l->im, n)->name);
		break;
	case RS_RULE_:
		put_rule(l, n);
		break;
	case RS_REPLY_:
		put_reply(l, n);
		break;
	case RS_STR_:
		dis_quoted(l, rs_string(l->im, n));
		break;
	case RS_OBJECT_:
		dis_string(l, rs_object(l->im, n)->name);
		break;
	case RS_TYPE_:
		buf_add_str(l->out, rs_type_name(n));
		break;
	case RS_MASK_:
		buf_addf(l->out, "/%u/%u", n & 0xff, n >> 8);
		break;
	case RS_COUNT_:
	case RS_FLAG_:
		buf_addf(l->out, "%u", n);
		break;
	case RS_JUMP_:
		buf_addf(l->out, "-> %u", at + 1 + n);
		break;
	case RS_SWITCH_:
		put_cases(l, n, at);
		break;
	case RS_REGEX_:
		put_regex(l, n);
		break;
	case RS_PATTERN_:
		dis_quoted(l, rs_string(l->im, rs_pattern(l->im, n)->text));
		break;
	case RS_LIST_:
		dis_string(l, rs_list(l->im, n)->name);
		break;
	case RS_RATE_:
		put_rate(l, n);
		break;
	case RS_LISTOF_:
		buf_add_str(l->out, rs_listof_names[n]);
		break;
	case RS_ROLE_:
		buf_add_str(l->out, rs_role_names[n]);
		break;
	case RS_NONE_:
	case RS_NOPERANDS:
		break;
	}
}

static void
put_insn(struct listing *l, uint32_t i, uint32_t at)
{
	const struct rs_insn	*in = rs_insn(l->im, i);
	const struct rs_op_info	*op = &rs_ops[in->op];
	const unsigned		 kinds[] = { op->a, op->b, op->c };
	const uint32_t		 values[] = { in->a, in->b, in->c };
	const char		*before = "";

	if (op->a == RS_NONE_ && op->b == RS_NONE_ && op->c == RS_NONE_) {
		buf_addf(l->out, "  %5u  %s\n", at, op->name);
		return;
	}
	buf_addf(l->out, "  %5u  %-13s", at, op->name);
	for (unsigned k = 0; k < 3; k++) {
		if (kinds[k] == RS_NONE_)
			continue;
		buf_add_str(l->out, before);
		put_operand(l, kinds[k], values[k], at);
		before = ", ";
	}
	buf_add_char(l->out, '\n');
}

/*
 * The n-th line of the source, without the blanks around it; empty beyond the
 * end.
 */
static struct span
source_line(struct span source, uint32_t n)
{
	ptrdiff_t	eol;

	for (; n > 1 && source.n > 0; n--) {
		eol = span_index(source, '\n');
		source = span_from(source, eol < 0 ? source.n :
		    (size_t)eol + 1);
	}
	eol = span_index(source, '\n');
	return span_trim(eol < 0 ? source : span_mem(source.p, (size_t)eol));
}

static void
put_line(struct listing *l, uint32_t file, uint32_t line)
{
	buf_addf(l->out, "  ; %u", line);
	if (file == 0 && l->source.n > 0) {
		buf_add_str(l->out, ": ");
		buf_add_span(l->out, source_line(l->source, line));
	}
	buf_add_char(l->out, '\n');
}

/* In which file its rules stand: a function lies in one. */
static uint32_t
func_file(const struct listing *l, const struct rs_func *f)
{
	for (uint32_t i = f->start; i < f->end; i++) {
		const struct rs_insn	*in = rs_insn(l->im, i);

		if (in->op == RS_RULE)
			return rs_rule(l->im, in->c)->file;
	}
	return 0;
}


static void
put_func(struct listing *l, uint32_t n)
{
	static const char *const kinds[] = { "hook", "ruleset", "expression" };
	const struct rs_func	*f = rs_func(l->im, n);
	uint32_t		 line = 0, file = func_file(l, f);

	buf_addf(l->out, "\nfunction %u ", n);
	dis_quoted(l, rs_string(l->im, f->name));
	buf_addf(l->out, ": %s", kinds[f->kind]);
	for (unsigned i = 0; i < f->nargs; i++)
		buf_addf(l->out, "%s%s", i == 0 ? " of " : ", ",
		    rs_type_name(f->arg_types[i]));
	if (f->kind != RS_FUNC_HOOK)
		buf_addf(l->out, ", gives %s", rs_type_name(f->result));
	buf_addf(l->out, ", %u registers\n", f->nregs);
	for (uint32_t i = f->start; i < f->end; i++) {
		if (rs_insn_line(l->im, i) != line &&
		    rs_insn_line(l->im, i) != 0) {
			line = rs_insn_line(l->im, i);
			put_line(l, file, line);
		}
		put_insn(l, i, i - f->start);
	}
}

void
rs_disasm(const struct rs_image *im, struct span source, struct buf *out)
{
	struct listing	l = { .im = im, .source = source, .out = out };

	buf_addf(out, "image version %u\n", RS_IMAGE_VERSION);
	dis_tables(&l);
	for (uint32_t i = 0; i < rs_nfunc(im); i++)
		put_func(&l, i);
	arena_clear(&l.scratch);
}
