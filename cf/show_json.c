/*
 * show_json.c - the effective policy for programs.
 *
 * { "version": 1, "policy", "sets": [], "nets": [], "maps": [], "tags": [],
 *   "blocks": [{ "block", "name", "line", "options": [{ "option", "value",
 *   "default", "line" }] }], "rulesets": [], "rewrites": [{ "direction",
 *   "targets", "line", "rules" }], "hooks": [{ "hook", "line",
 *   "rules": [{ "line", "rule" }] }], "dnslists": [], "tests": [] }
 *
 * A "line" of an included file has "file" beside it.
 */
#include "base/json.h"
#include "cf/show.h"

static void
json_line(struct json *j, const struct show *s, struct cf_loc loc)
{
	const struct cf_source	*from = cf_source_at(s->cf, loc);

	if (loc.end > 0)
		json_uint(j, "line", cf_line(s->cf, loc));
	else
		json_null(j, "line");
	if (from != s->cf->sources)
		json_str(j, "file", from->path);
}

static void
options(struct json *j, struct show *s, const struct cf_object *o)
{
	const struct cf_set_opt	*set;
	struct buf		 value = { 0 };

	json_array(j, "options");
	for (set = o->opts; set != NULL; set = set->next) {
		show_values(set, &value);
		json_object(j, NULL);
		json_str(j, "option", rs_options[set->option].word);
		json_text(j, "value", span_trim(buf_span(&value)));
		json_bool(j, "default", set->is_default);
		if (!set->is_default)
			json_line(j, s, set->loc);
		json_object_end(j);
		buf_reset(&value);
	}
	json_array_end(j);
	buf_clear(&value);
}

static void
blocks(struct json *j, struct show *s)
{
	const struct cf_object	*o;

	json_array(j, "blocks");
	for (o = s->cf->objects; o != NULL; o = o->next) {
		json_object(j, NULL);
		json_str(j, "block", rs_object_names[o->kind]);
		if (o->name.n > 0)
			json_text(j, "name", o->name);
		json_line(j, s, o->loc);
		options(j, s, o);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
map_members(struct json *j, const struct show *s, const struct cf_sym *sym)
{
	struct buf	 where = { 0 };
	size_t		 i;

	json_text(j, "driver", sym->decl->in_place ? SPAN("inline") :
	    sym->decl->driver);
	json_text(j, "kind", sym->map_kind);
	if (sym->decl->in_place || sym->source != NULL)
		json_uint(j, "entries", sym->entries);
	if (sym->source != NULL)
		json_str(j, "file", sym->source->full);
	else if (sym->decl->has_where) {
		show_where(s, sym, &where);
		json_text(j, "where", buf_span(&where));
		buf_clear(&where);
	}
	if (sym->nmembers > 0)
		json_array(j, "of");
	for (i = 0; i < sym->nmembers; i++)
		json_text(j, NULL, sym->members[i]->name);
	if (sym->nmembers > 0)
		json_array_end(j);
}

static void
syms(struct json *j, struct show *s, const char *key, enum cf_sym_kind kind)
{
	const struct cf_sym	*sym;
	size_t			 i;

	json_array(j, key);
	for (i = 0; i < s->cf->nsyms; i++) {
		sym = s->cf->syms[i];
		if (sym->kind != kind)
			continue;
		json_object(j, NULL);
		json_text(j, "name", sym->name);
		json_line(j, s, sym->loc);
		if (kind == CF_S_MAP)
			map_members(j, s, sym);
		else if (kind == CF_S_DNSLIST)
			json_text(j, "zone", sym->decl->where);
		else
			json_str(j, "type", rs_type_name(sym->type));
		if (kind == CF_S_SET || kind == CF_S_NET)
			json_uint(j, "items", sym->n);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
rules(struct json *j, struct show *s, const struct cf_rule *r)
{
	struct buf	 text = { 0 };
	struct show	 one = { s->cf, &text };

	json_array(j, "rules");
	for (; r != NULL; r = r->next) {
		show_rule(&one, r);
		json_object(j, NULL);
		json_line(j, s, r->loc);
		json_text(j, "rule", buf_span(&text));
		json_object_end(j);
		buf_reset(&text);
	}
	json_array_end(j);
	buf_clear(&text);
}

static void
rulesets(struct json *j, struct show *s)
{
	const struct cf_decl	*d;

	json_array(j, "rulesets");
	for (d = s->cf->decls; d != NULL; d = d->next) {
		if (d->kind != CF_D_RULESET)
			continue;
		json_object(j, NULL);
		json_text(j, "name", d->name);
		json_line(j, s, d->loc);
		rules(j, s, d->rules);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
rewrites(struct json *j, struct show *s)
{
	const struct cf_decl	*d;
	const struct cf_target	*t;

	json_array(j, "rewrites");
	for (d = s->cf->decls; d != NULL; d = d->next) {
		if (d->kind != CF_D_REWRITE)
			continue;
		json_object(j, NULL);
		json_text(j, "direction", d->name);
		json_array(j, "targets");
		for (t = d->targets; t != NULL; t = t->next)
			json_text(j, NULL, t->name);
		json_array_end(j);
		json_line(j, s, d->loc);
		rules(j, s, d->rules);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
hooks(struct json *j, struct show *s)
{
	unsigned	 h;

	json_array(j, "hooks");
	for (h = 0; h < RS_NHOOKS; h++) {
		if (s->cf->hooks[h] == NULL)
			continue;
		json_object(j, NULL);
		json_str(j, "hook", rs_hook_names[h]);
		json_line(j, s, s->cf->hooks[h]->loc);
		rules(j, s, s->cf->hooks[h]->rules);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
tests(struct json *j, struct show *s)
{
	size_t	 i;

	json_array(j, "tests");
	for (i = 0; i < s->cf->ntests; i++) {
		json_object(j, NULL);
		json_text(j, "name", s->cf->tests[i].name);
		json_uint(j, "line", s->cf->tests[i].line);
		json_object_end(j);
	}
	json_array_end(j);
}

void
show_json(struct show *s)
{
	struct json	 j;

	json_init(&j, s->out);
	json_object(&j, NULL);
	json_uint(&j, "version", 1);
	json_str(&j, "policy", s->cf->path);
	syms(&j, s, "sets", CF_S_SET);
	syms(&j, s, "nets", CF_S_NET);
	syms(&j, s, "maps", CF_S_MAP);
	syms(&j, s, "tags", CF_S_TAG);
	syms(&j, s, "dnslists", CF_S_DNSLIST);
	blocks(&j, s);
	rulesets(&j, s);
	rewrites(&j, s);
	hooks(&j, s);
	tests(&j, s);
	json_object_end(&j);
	buf_add_char(s->out, '\n');
}
