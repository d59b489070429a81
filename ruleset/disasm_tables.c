/*
 * disasm_tables.c - the tables of an image as text.
 */
#include "ruleset/disasm_int.h"

void
dis_quoted(struct listing *l, struct span s)
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

void
dis_string(struct listing *l, uint32_t i)
{
	buf_add_span(l->out, rs_string(l->im, i));
}

void
dis_const(struct listing *l, uint32_t i)
{
	struct rs_value	v = rs_const(l->im, i);

	buf_addf(l->out, "%s", rs_type_name(v.type));
	if (v.type == RS_T_NONE)
		return;
	buf_add_char(l->out, ' ');
	if (rs_has_span(v.type))
		dis_quoted(l, v.s);
	else
		buf_add_span(l->out, rs_format(&v, &l->scratch));
}

static void
put_files(struct listing *l)
{
	for (uint32_t i = 0; i < rs_nfile(l->im); i++) {
		const struct rs_file	*f = rs_file(l->im, i);

		buf_addf(l->out, "file %u role %u ", i, f->role);
		dis_quoted(l, rs_string(l->im, f->path));
		buf_add_char(l->out, '\n');
	}
}

static void
put_map(struct listing *l, uint32_t i)
{
	const struct rs_map_decl	*m = rs_map(l->im, i);
	struct span			 key, value;

	buf_addf(l->out, "map %u ", i);
	dis_string(l, m->name);
	buf_add_str(l->out, ": ");
	dis_string(l, m->driver);
	buf_add_str(l->out, " as ");
	dis_string(l, m->kind);
	if (rs_string(l->im, m->where).n > 0) {
		buf_add_char(l->out, ' ');
		dis_quoted(l, rs_string(l->im, m->where));
	}
	if (m->file != RS_NO_INDEX)
		buf_addf(l->out, ", file %u", m->file);
	if (m->object != RS_NO_INDEX)
		buf_addf(l->out, ", object %u", m->object);
	buf_addf(l->out, ", line %u\n", m->line);
	for (uint32_t k = 0; k < m->nentries; k++) {
		rs_map_entry(l->im, m->first_entry + k, &key, &value);
		buf_add_str(l->out, "    ");
		dis_quoted(l, key);
		buf_add_str(l->out, " = ");
		dis_quoted(l, value);
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
		dis_string(l, set->name);
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
		dis_string(l, d->name);
		buf_add_str(l->out, ": ");
		dis_quoted(l, rs_string(l->im, d->zone));
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
			dis_quoted(l, rs_string(l->im, t->string));
		return;
	}
	buf_add_char(l->out, '{');
	dis_string(l, t->string);
	buf_add_str(l->out, after[t->kind]);
	if (t->kind == RS_TOK_IN_SET || t->kind == RS_TOK_NOT_SET)
		buf_add_span(l->out, rs_set_name(l->im, t->index));
	else if (t->kind == RS_TOK_IN_MAP || t->kind == RS_TOK_NOT_MAP)
		dis_string(l, rs_map(l->im, t->index)->name);
	buf_add_char(l->out, '}');
}

static void
put_patterns(struct listing *l)
{
	for (uint32_t i = 0; i < rs_npattern(l->im); i++) {
		const struct rs_pattern	*p = rs_pattern(l->im, i);

		buf_addf(l->out, "pattern %u ", i);
		dis_quoted(l, rs_string(l->im, p->text));
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
		dis_string(l, t->name);
		buf_addf(l->out, ": %s = ", rs_type_name(t->type));
		dis_const(l, t->dflt);
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
			dis_const(l, p.index);
	}
	buf_add_str(l->out, v->is_default ? "  (default)\n" : "\n");
}

static void
put_objects(struct listing *l)
{
	for (uint32_t i = 0; i < rs_nobject(l->im); i++) {
		const struct rs_object	*o = rs_object(l->im, i);

		buf_addf(l->out, "object %u %s ", i, rs_object_names[o->kind]);
		dis_quoted(l, rs_string(l->im, o->name));
		buf_addf(l->out, ", line %u\n", o->line);
		for (uint32_t k = 0; k < o->noptions; k++)
			put_option(l, RS_REC(l->im, OPTIONS, struct rs_optval,
			    o->first_option + k));
	}
}

void
dis_tables(struct listing *l)
{
	put_files(l);
	for (uint32_t i = 0; i < rs_nmap(l->im); i++)
		put_map(l, i);
	put_sets(l);
	put_lists(l);
	put_patterns(l);
	put_tags(l);
	put_objects(l);
}
