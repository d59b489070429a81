/*
 * disasm.c - an image as text: its tables, then its functions, each
 * instruction with what its operands mean.
 *
 * Instructions are numbered from the start of their function, so that a change
 * elsewhere does not move them in a golden file.
 */
#include "ruleset/disasm.h"
#include "ruleset/image_int.h"

struct listing {
	const struct rs_image	*im;
	struct span		 source;
	struct buf		*out;
	struct arena		 scratch;
};

static void
put_quoted(struct listing *l, struct span s)
{
	buf_add_char(l->out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char	c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(l->out, "\\%c", c);
		else if (c == '\n')
			buf_add_str(l->out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_addf(l->out, "\\x%02x", c);
		else
			buf_add_char(l->out, (char)c);
	}
	buf_add_char(l->out, '"');
}

static void
put_string(struct listing *l, uint32_t i)
{
	buf_add_span(l->out, rs_string(l->im, i));
}

static void
put_const(struct listing *l, uint32_t i)
{
	struct rs_value	v = rs_const(l->im, i);

	buf_addf(l->out, "%s", rs_type_name(v.type));
	if (v.type == RS_T_NONE)
		return;
	buf_add_char(l->out, ' ');
	if (rs_has_span(v.type))
		put_quoted(l, v.s);
	else
		buf_add_span(l->out, rs_format(&v, &l->scratch));
}

/*
 * Tables.
 */

static void
put_files(struct listing *l)
{
	for (uint32_t i = 0; i < rs_nfile(l->im); i++) {
		const struct rs_file	*f = rs_file(l->im, i);

		buf_addf(l->out, "file %u role %u ", i, f->role);
		put_quoted(l, rs_string(l->im, f->path));
		buf_add_char(l->out, '\n');
	}
}

static void
put_map(struct listing *l, uint32_t i)
{
	const struct rs_map_decl	*m = rs_map(l->im, i);
	struct span			 key, value;

	buf_addf(l->out, "map %u ", i);
	put_string(l, m->name);
	buf_add_str(l->out, ": ");
	put_string(l, m->driver);
	buf_add_str(l->out, " as ");
	put_string(l, m->kind);
	if (rs_string(l->im, m->where).n > 0) {
		buf_add_char(l->out, ' ');
		put_quoted(l, rs_string(l->im, m->where));
	}
	if (m->file != RS_NO_INDEX)
		buf_addf(l->out, ", file %u", m->file);
	if (m->object != RS_NO_INDEX)
		buf_addf(l->out, ", object %u", m->object);
	buf_addf(l->out, ", line %u\n", m->line);
	for (uint32_t k = 0; k < m->nentries; k++) {
		rs_map_entry(l->im, m->first_entry + k, &key, &value);
		buf_add_str(l->out, "    ");
		put_quoted(l, key);
		buf_add_str(l->out, " = ");
		put_quoted(l, value);
		buf_add_char(l->out, '\n');
	}
}

static void
put_sets(struct listing *l)
{
	for (uint32_t i = 0; i < l->im->n[RS_S_SETS]; i++) {
		const struct rs_set	*set = RS_REC(l->im, SETS,
		    struct rs_set, i);

		buf_addf(l->out, "set %u ", i);
		put_string(l, set->name);
		buf_addf(l->out, ": %u of type %s\n", set->nitems,
		    rs_type_name(set->type));
	}
	for (uint32_t i = 0; i < l->im->n[RS_S_NETS]; i++) {
		buf_addf(l->out, "nets %u ", i);
		buf_add_span(l->out, rs_nets_name(l->im, i));
		buf_add_char(l->out, '\n');
	}
}

static void
put_lists(struct listing *l)
{
	for (uint32_t i = 0; i < rs_nlist(l->im); i++) {
		const struct rs_list	*d = rs_list(l->im, i);

		buf_addf(l->out, "dnslist %u ", i);
		put_string(l, d->name);
		buf_add_str(l->out, ": ");
		put_quoted(l, rs_string(l->im, d->zone));
		buf_add_str(l->out, " codes ");
		buf_add_span(l->out, rs_nets_name(l->im, d->codes));
		buf_addf(l->out, ", line %u\n", d->line);
	}
}

static void
put_token(struct listing *l, const struct rs_token *t)
{
	static const char *const	after[] = {
		[RS_TOK_SOME] = "", [RS_TOK_ANY] = "*", [RS_TOK_ONE] = ".",
		[RS_TOK_IN_SET] = " in ", [RS_TOK_IN_MAP] = " in ",
		[RS_TOK_NOT_SET] = " not in ", [RS_TOK_NOT_MAP] = " not in ",
	};

	if (t->kind == RS_TOK_AT || t->kind == RS_TOK_TEXT) {
		if (t->kind == RS_TOK_AT)
			buf_add_char(l->out, '@');
		else
			put_quoted(l, rs_string(l->im, t->string));
		return;
	}
	buf_add_char(l->out, '{');
	put_string(l, t->string);
	buf_add_str(l->out, after[t->kind]);
	if (t->kind == RS_TOK_IN_SET || t->kind == RS_TOK_NOT_SET)
		buf_add_span(l->out, rs_set_name(l->im, t->index));
	else if (t->kind == RS_TOK_IN_MAP || t->kind == RS_TOK_NOT_MAP)
		put_string(l, rs_map(l->im, t->index)->name);
	buf_add_char(l->out, '}');
}

static void
put_patterns(struct listing *l)
{
	for (uint32_t i = 0; i < rs_npattern(l->im); i++) {
		const struct rs_pattern	*p = rs_pattern(l->im, i);

		buf_addf(l->out, "pattern %u ", i);
		put_quoted(l, rs_string(l->im, p->text));
		buf_add_char(l->out, ':');
		for (uint32_t k = 0; k < p->n; k++) {
			buf_add_char(l->out, ' ');
			put_token(l, rs_token(l->im, p->first + k));
		}
		buf_add_char(l->out, '\n');
	}
}

static void
put_tags(struct listing *l)
{
	for (uint32_t i = 0; i < rs_ntag(l->im); i++) {
		const struct rs_tag	*t = rs_tag(l->im, i);

		buf_addf(l->out, "tag %u ", i);
		put_string(l, t->name);
		buf_addf(l->out, ": %s = ", rs_type_name(t->type));
		put_const(l, t->dflt);
		buf_add_char(l->out, '\n');
	}
}

static void
put_option(struct listing *l, const struct rs_optval *v)
{
	buf_addf(l->out, "    %s", rs_options[v->option].word);
	for (unsigned i = 0; i < v->nplaces; i++) {
		struct rs_place	p = rs_option_place(l->im, v, i);

		buf_add_str(l->out, i == 0 ? " " : ", ");
		if (p.index == RS_NO_INDEX)
			buf_add_char(l->out, '-');
		else if (p.is_func)
			buf_addf(l->out, "function %u", p.index);
		else
			put_const(l, p.index);
	}
	buf_add_str(l->out, v->is_default ? "  (default)\n" : "\n");
}

static void
put_objects(struct listing *l)
{
	for (uint32_t i = 0; i < rs_nobject(l->im); i++) {
		const struct rs_object	*o = rs_object(l->im, i);

		buf_addf(l->out, "object %u %s ", i, rs_object_names[o->kind]);
		put_quoted(l, rs_string(l->im, o->name));
		buf_addf(l->out, ", line %u\n", o->line);
		for (uint32_t k = 0; k < o->noptions; k++)
			put_option(l, RS_REC(l->im, OPTIONS, struct rs_optval,
			    o->first_option + k));
	}
}

/*
 * Code.
 */

static const char *const field_names[RS_NFIELDS] = {
	[RS_F_USER] = "user", [RS_F_DETAIL] = "detail",
	[RS_F_DOMAIN] = "domain", [RS_F_LOCAL] = "local",
};

static void
put_rule(struct listing *l, uint32_t i)
{
	const struct rs_rule	*rule = rs_rule(l->im, i);

	buf_addf(l->out, "%u: ", i);
	put_string(l, rule->text);
}

static void
put_reply(struct listing *l, uint32_t i)
{
	const struct rs_reply	*reply = rs_reply(l->im, i);

	buf_addf(l->out, "%u ", reply->code);
	put_string(l, reply->status);
}

static void
put_regex(struct listing *l, uint32_t i)
{
	const struct rs_regex	*r = rs_regex(l->im, i);

	buf_add_char(l->out, '/');
	put_string(l, r->text);
	buf_add_str(l->out, r->flags & RS_REGEX_ICASE ? "/i" : "/");
}

static void
put_rate(struct listing *l, uint32_t i)
{
	const struct rs_rate	*r = rs_rate(l->im, i);
	struct rs_value		 v = rs_int(RS_T_RATE, r->rate);

	put_quoted(l, rs_string(l->im, r->name));
	buf_add_str(l->out, " over ");
	buf_add_span(l->out, rs_format(&v, &l->scratch));
}

static void
put_case(struct listing *l, unsigned type, struct span key)
{
	struct rs_value	v = rs_case_value(type, key);

	if (rs_has_span(type))
		put_quoted(l, key);
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
		put_const(l, n);
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
		put_string(l, rs_map(l->im, n)->name);
		break;
	case RS_FUNC_:
		put_string(l, rs_func(l->im, n)->name);
		break;
	case RS_RULE_:
		put_rule(l, n);
		break;
	case RS_REPLY_:
		put_reply(l, n);
		break;
	case RS_STR_:
		put_quoted(l, rs_string(l->im, n));
		break;
	case RS_OBJECT_:
		put_string(l, rs_object(l->im, n)->name);
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
		put_quoted(l, rs_string(l->im, rs_pattern(l->im, n)->text));
		break;
	case RS_LIST_:
		put_string(l, rs_list(l->im, n)->name);
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
	put_quoted(l, rs_string(l->im, f->name));
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
	put_files(&l);
	for (uint32_t i = 0; i < rs_nmap(im); i++)
		put_map(&l, i);
	put_sets(&l);
	put_lists(&l);
	put_patterns(&l);
	put_tags(&l);
	put_objects(&l);
	for (uint32_t i = 0; i < rs_nfunc(im); i++)
		put_func(&l, i);
	arena_clear(&l.scratch);
}
