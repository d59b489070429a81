/*
 * show.c - the whole effective policy, every default written out, each with
 * its origin; as text that compiles to the same decisions, or as JSON.
 */
#include "cf/drivers.h"
#include "cf/listen.h"
#include "cf/show.h"
#include "cf/types.h"

/* Where it is written; a place of no width: nowhere. */
static void
print_origin(struct show *s, struct cf_loc loc)
{
	const struct cf_source	*from = cf_source_at(s->cf, loc);

	if (loc.end == 0)
		buf_add_str(s->out, "\t# default");
	else if (from == s->cf->sources)
		buf_addf(s->out, "\t# line %u", cf_line(s->cf, loc));
	else
		buf_addf(s->out, "\t# line %u of %s", cf_line(s->cf, loc),
		    from->path);
}

static void
origin(struct show *s, struct cf_loc loc)
{
	print_origin(s, loc);
	buf_add_char(s->out, '\n');
}

/* Options. */

static void
print_place(const struct cf_expr *e, char letter, struct buf *out)
{
	char	 text[IP_TEXT_MAX];

	if (e->is_file)
		buf_add_str(out, "file ");
	if (letter == 'S' && e->kind == CF_E_CONST && !e->is_file)
		buf_add_str(out, "\"***\"");	/* a secret */
	else if (e->ref == CF_R_SYM)
		buf_add_span(out, e->sym->name);
	else if (letter == 'n')
		buf_add_str(out, ip_format(&e->value.ip, text));
	else if (letter == 'w')
		buf_add_span(out, e->value.s);
	else if (e->kind == CF_E_CONST && e->value.type == RS_T_TIME &&
	    e->value.i < 0)
		buf_add_str(out, "never");
	else
		cf_expr_print(e, out);
}

/* The values with the fixed words between them, as options.def has them. */
static void
print_places(const struct cf_set_opt *set, struct buf *out)
{
	const char	*p, *end, *word = NULL;
	size_t		 n = 0;

	for (p = rs_options[set->option].places; *p != '\0'; p++) {
		if (*p == '<') {
			end = strchr(p, '>');
			word = p + 1;
			if (end[1] == '\0')
				buf_addf(out, " %.*s", (int)(end - word),
				    word);
			p = end;
		} else if (*p != '[' && *p != ']' && n < set->nplaces) {
			if (set->places[n] != NULL && *p != 'y') {
				if (word != NULL)
					buf_addf(out, " %.*s", (int)(
					    strchr(word, '>') - word), word);
				buf_add_char(out, ' ');
				print_place(set->places[n], *p, out);
			}
			word = NULL;
			n++;
		}
	}
}

void
show_values(const struct cf_set_opt *set, struct buf *out)
{
	char	 letter = rs_options[set->option].places[0];
	size_t	 i;

	if (rs_options[set->option].repeat != RS_OPT_LIST) {
		print_places(set, out);
		return;
	}
	for (i = 0; i < set->nplaces; i++) {
		buf_add_str(out, i > 0 ? ", " : " ");
		print_place(set->places[i], letter, out);
	}
}

static void
show_options(struct show *s, const struct cf_object *o, const char *indent)
{
	const struct cf_set_opt	*set;

	for (set = o->opts; set != NULL; set = set->next) {
		if (set->option == RS_OPT_LISTEN_on ||
		    set->option == RS_OPT_LISTEN_kind ||
		    set->option == RS_OPT_QUEUE_for_domains ||
		    set->option == RS_OPT_QUEUE_for_relays)
			continue;
		buf_addf(s->out, "%s%s", indent, rs_options[set->option].word);
		show_values(set, s->out);
		origin(s, set->is_default ? (struct cf_loc){ 0, 0 } : set->loc);
	}
}

/* The certificates of other names, in the block of tls. */
static void
show_hosts(struct show *s)
{
	const struct cf_object	*o;

	for (o = s->cf->objects; o != NULL; o = o->next) {
		if (o->kind != RS_O_TLS || o->name.n == 0)
			continue;
		buf_add_str(s->out, "\tfor ");
		cf_quote(o->name, s->out);
		buf_add_str(s->out, " {");
		origin(s, o->loc);
		show_options(s, o, "\t\t");
		buf_add_str(s->out, "\t}\n");
	}
}

/* `smtp inside on "127.0.0.1:2525"`; the kind is the name that none has. */
static void
show_listen(struct show *s, const struct cf_object *o)
{
	const struct cf_set_opt	*kind = cf_option(o, RS_OPT_LISTEN_kind);
	const struct cf_set_opt	*on = cf_option(o, RS_OPT_LISTEN_on);
	struct span		 word = kind->places[0]->value.s;

	buf_addf(s->out, " %.*s", SPAN_ARG(word));
	if (!span_eq(word, o->name))
		buf_addf(s->out, " %.*s", SPAN_ARG(o->name));
	if (on != NULL) {
		buf_add_str(s->out, " on");
		show_values(on, s->out);
	}
}

static void
show_object(struct show *s, const struct cf_object *o)
{
	if (o->kind == RS_O_SERVER) {
		show_options(s, o, "");
		return;
	}
	buf_addf(s->out, "\n%s", o->kind == RS_O_RELAY && o->name.n == 0 ?
	    "mx" : rs_object_names[o->kind]);
	if (o->kind == RS_O_LISTEN)
		show_listen(s, o);
	else if (o->name.n > 0)
		buf_addf(s->out, "%s %.*s", o->kind == RS_O_QUEUE ? " for" :
		    "", SPAN_ARG(o->name));
	buf_add_str(s->out, " {");
	origin(s, o->loc);
	show_options(s, o, "\t");
	if (o->kind == RS_O_TLS)
		show_hosts(s);
	buf_add_str(s->out, "}\n");
}

/* Sets, networks, maps, tags. */

/* Absolute, wherever the text is compiled then. */
static void
full_path(const struct show *s, struct span name, struct buf *out)
{
	if (name.n == 0 || name.p[0] != '/')
		buf_addf(out, "%s/", s->cf->folder);
	buf_add_span(out, name);
}

void
show_where(const struct show *s, const struct cf_sym *map, struct buf *out)
{
	if (cf_driver_has_path(map->decl->driver))
		full_path(s, map->decl->where, out);
	else
		buf_add_span(out, map->decl->where);
}

static void
print_file(struct show *s, struct span name)
{
	struct buf	 full = { 0 };

	full_path(s, name, &full);
	cf_quote(buf_span(&full), s->out);
	buf_clear(&full);
}

static void
print_item(struct show *s, const struct cf_item *i)
{
	char	 text[IP_TEXT_MAX];

	switch (i->kind) {
	case CF_I_VALUE:
		cf_value_print(&i->value, s->out);
		break;
	case CF_I_FILE:
		buf_add_str(s->out, "file ");
		print_file(s, i->value.s);
		break;
	case CF_I_RANGE:
		buf_addf(s->out, "%s-", ip_format(&i->value.ip, text));
		buf_add_str(s->out, ip_format(&i->last, text));
		break;
	case CF_I_ENTRY:
		cf_quote(i->key, s->out);
		buf_add_str(s->out, " = ");
		cf_quote(i->text, s->out);
		break;
	}
}

/* One on the line of its set, several on lines of their own. */
static void
print_items(struct show *s, const struct cf_item *i)
{
	bool	 several = i != NULL && i->next != NULL;

	buf_add_char(s->out, '{');
	for (; i != NULL; i = i->next) {
		buf_add_str(s->out, several ? "\n\t" : " ");
		print_item(s, i);
		buf_add_str(s->out, i->next != NULL ? "," : several ? "\n" :
		    " ");
	}
	buf_add_char(s->out, '}');
}

/* Of which it is made. */
static void
print_members(struct show *s, const struct cf_sym *sym)
{
	size_t	 i;

	for (i = 0; i < sym->nmembers; i++)
		buf_addf(s->out, "%s%.*s", i == 0 ? " of " : ", ",
		    SPAN_ARG(sym->members[i]->name));
}

/* How much is in it, as far as it was read when the policy was compiled. */
static void
print_size(struct show *s, const struct cf_sym *sym)
{
	const struct cf_driver	*dr = cf_driver(sym->decl->driver);

	if (sym->decl->in_place || sym->source != NULL)
		buf_addf(s->out, ", %zu entr%s", sym->entries,
		    sym->entries == 1 ? "y" : "ies");
	else if (dr != NULL && dr->how == CF_ASKED)
		buf_add_str(s->out, ", asked of a server");
	if (sym->unbuilt)
		buf_add_str(s->out, "; not built: its text is read");
}

static void
show_map(struct show *s, const struct cf_sym *sym)
{
	const struct cf_decl	*d = sym->decl;
	struct buf		 where = { 0 };

	buf_addf(s->out, "map %.*s = ", SPAN_ARG(sym->name));
	if (d->in_place) {
		print_items(s, d->items);
	} else {
		buf_add_span(s->out, d->driver);
		print_members(s, sym);
		if (d->has_where) {
			show_where(s, sym, &where);
			buf_add_char(s->out, ' ');
			cf_quote(buf_span(&where), s->out);
			buf_clear(&where);
		}
	}
	buf_addf(s->out, " as %.*s", SPAN_ARG(sym->map_kind));
	if (sym->object != NULL)
		buf_add_str(s->out, " {");
	print_origin(s, sym->loc);
	print_size(s, sym);
	buf_add_char(s->out, '\n');
	if (sym->object == NULL)
		return;
	show_options(s, sym->object, "\t");
	buf_add_str(s->out, "}\n");
}

static void
show_dnslist(struct show *s, const struct cf_sym *sym)
{
	const struct cf_item	*i;

	buf_addf(s->out, "dnslist %.*s = ", SPAN_ARG(sym->name));
	cf_quote(sym->decl->where, s->out);
	buf_add_str(s->out, " codes ");
	for (i = sym->decl->items; i != NULL; i = i->next) {
		print_item(s, i);
		if (i->next != NULL)
			buf_add_str(s->out, ", ");
	}
}

static void
show_tag(struct show *s, const struct cf_sym *sym)
{
	struct rs_value	 dflt = rs_empty((enum rs_type)sym->type);

	buf_addf(s->out, "tag %.*s: %s", SPAN_ARG(sym->name),
	    rs_type_name(sym->type));
	if (sym->decl->expr != NULL)
		dflt = sym->decl->expr->value;
	if (rs_is_void(&dflt) || dflt.type == RS_T_STATUS)
		return;		/* empty, and cannot be written */
	buf_add_str(s->out, " = ");
	cf_value_print(&dflt, s->out);
}

static void
show_sym(struct show *s, const struct cf_sym *sym)
{
	switch (sym->kind) {
	case CF_S_SET: case CF_S_NET:
		if (sym->decl->items == NULL)
			return;
		buf_addf(s->out, "%s %.*s = ", sym->kind == CF_S_SET ? "set" :
		    "net", SPAN_ARG(sym->name));
		print_items(s, sym->decl->items);
		break;
	case CF_S_MAP:
		show_map(s, sym);
		return;
	case CF_S_TAG:
		show_tag(s, sym);
		break;
	case CF_S_DNSLIST:
		show_dnslist(s, sym);
		break;
	default:
		return;
	}
	origin(s, sym->loc);
}

/* Blocks of rules. */

static void
show_rules(struct show *s, const struct cf_rule *r)
{
	for (; r != NULL; r = r->next) {
		buf_add_char(s->out, '\t');
		show_rule(s, r);
		origin(s, r->loc);
		if (!r->has_failing)
			continue;
		buf_add_str(s->out, "\tfailing => ");
		show_actions(s, r->failing);
		buf_add_char(s->out, '\n');
	}
	buf_add_str(s->out, "}\n");
}

/* What a block does when no rule ends it. */
static void
show_end(struct show *s, enum rs_hook hook)
{
	if (hook == RS_HOOK_RCPT)
		buf_add_str(s->out, "\t# else: reject 550 5.7.1\n");
	else if (hook == RS_HOOK_VRFY || hook == RS_HOOK_EXPN)
		buf_addf(s->out, "\t# else: %s\n", hook == RS_HOOK_VRFY ?
		    "252, which says nothing" : "502");
	else if (hook != RS_HOOK_ROUTE)
		buf_add_str(s->out, "\t# else: goes on\n");
}

static void
show_hook(struct show *s, const struct cf_decl *d)
{
	buf_addf(s->out, "\n%s {", rs_hook_names[d->hook]);
	origin(s, d->loc);
	show_end(s, d->hook);
	show_rules(s, d->rules);
}

static void
show_ruleset(struct show *s, const struct cf_decl *d)
{
	const struct cf_arg	*a;

	buf_addf(s->out, "\nruleset %.*s(", SPAN_ARG(d->name));
	for (a = d->args; a != NULL; a = a->next)
		buf_addf(s->out, "%.*s: %s%s", SPAN_ARG(a->name),
		    rs_type_name(a->sym->type), a->next != NULL ? ", " : "");
	buf_addf(s->out, ") -> %s {", rs_type_name(d->sym->type));
	origin(s, d->loc);
	show_rules(s, d->rules);
}

static void
show_rewrite(struct show *s, const struct cf_decl *d)
{
	const struct cf_target	*t;

	buf_addf(s->out, "\nrewrite %.*s ", SPAN_ARG(d->name));
	for (t = d->targets; t != NULL; t = t->next)
		buf_addf(s->out, "%.*s%s", SPAN_ARG(t->name),
		    t->next != NULL ? ", " : " {");
	origin(s, d->loc);
	buf_add_str(s->out, "\t# else: as it is\n");
	show_rules(s, d->rules);
}

static void
show_code(struct show *s)
{
	const struct cf_decl	*d;
	unsigned		 h;

	for (d = s->cf->decls; d != NULL; d = d->next) {
		if (d->kind == CF_D_RULESET)
			show_ruleset(s, d);
		else if (d->kind == CF_D_REWRITE)
			show_rewrite(s, d);
	}
	for (h = 0; h < RS_NHOOKS; h++) {
		if (s->cf->hooks[h] != NULL)
			show_hook(s, s->cf->hooks[h]);
	}
}

/* Tests stand as they were written: nothing is implied in them. */
static void
show_tests(struct show *s)
{
	const struct cf_decl	*d;

	for (d = s->cf->decls; d != NULL; d = d->next) {
		if (d->kind != CF_D_TEST)
			continue;
		buf_add_char(s->out, '\n');
		buf_add_span(s->out, cf_written(s->cf, d->loc));
		buf_add_char(s->out, '\n');
	}
}

static void
show_text(struct show *s)
{
	const struct cf_object	*o;
	size_t			 i;

	buf_addf(s->out, "# The effective policy of %s.\n\nedition 1\n",
	    s->cf->path);
	for (o = s->cf->objects; o != NULL; o = o->next) {
		if (o->kind == RS_O_SERVER)
			show_object(s, o);
	}
	buf_add_char(s->out, '\n');
	for (i = 0; i < s->cf->nsyms; i++)
		show_sym(s, s->cf->syms[i]);
	for (o = s->cf->objects; o != NULL; o = o->next) {
		if (o->kind != RS_O_SERVER && o->kind != RS_O_MAP && !o->made &&
		    (o->kind != RS_O_TLS || o->name.n == 0))
			show_object(s, o);
	}
	show_code(s);
	show_tests(s);
}

void
cf_show(const struct cf *cf, bool json, struct buf *out)
{
	struct show	 s = { cf, out };

	if (cf->nerrors > 0)
		return;
	if (json)
		show_json(&s);
	else
		show_text(&s);
}
