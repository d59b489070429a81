/*
 * tree.c - building the tree: one call for each of the grammar's actions.
 * Here rules and declarations; expressions are in tree_expr.c, the statements
 * of tests in tree_steps.c.
 */
#include "cf/literal.h"
#include "cf/tree_int.h"

/* Rules. */

struct cf_action *
cf_action(struct cf *cf, struct cf_loc loc, enum cf_action_kind kind,
    struct cf_expr *e)
{
	struct cf_action	*a;

	a = arena_alloc(&cf->arena, sizeof(*a));
	a->kind = kind;
	a->loc = loc;
	a->expr = e;
	return a;
}

struct cf_action *
cf_action_name(struct cf *cf, struct cf_loc loc, enum cf_action_kind kind,
    struct rs_value name, struct cf_loc name_loc, struct cf_expr *e)
{
	struct cf_action	*a = cf_action(cf, loc, kind, e);

	a->name = name.s;
	a->name_loc = name_loc;
	return a;
}

struct cf_action *
cf_action_reply(struct cf *cf, struct cf_loc loc, enum cf_action_kind kind,
    struct cf_reply reply)
{
	struct cf_action	*a = cf_action(cf, loc, kind, reply.text);

	a->reply = reply;
	return a;
}

/* The word becomes the number that the image has. */
struct cf_action *
cf_action_priority(struct cf *cf, struct cf_loc loc, struct rs_value word,
    struct cf_loc word_loc)
{
	unsigned	n;

	for (n = 0; n < RS_NPRIORITIES; n++)
		if (span_eq(word.s, span_of(rs_priority_names[n])))
			break;
	if (n == RS_NPRIORITIES) {
		cf_error(cf, word_loc, "no priority '%.*s'; there are high, "
		    "normal and low", SPAN_ARG(word.s));
		n = 0;
	}
	return cf_action(cf, loc, CF_A_PRIORITY, cf_const(cf, word_loc,
	    rs_int(RS_T_INT, n)));
}

struct cf_action *
cf_action_hide(struct cf *cf, struct cf_loc loc, struct cf_targets extensions)
{
	struct cf_action	*a = cf_action(cf, loc, CF_A_HIDE, NULL);

	a->targets = extensions.first;
	return a;
}

struct cf_reply
cf_reply(const struct rs_value *code, struct cf_loc code_loc,
    const struct rs_value *status, struct cf_loc status_loc,
    struct cf_expr *text)
{
	struct cf_reply	 r = { 0 };

	r.code_loc = code_loc;
	r.status_loc = status_loc;
	r.text = text;
	if (code != NULL) {
		r.has_code = true;
		r.code = code->i;
	}
	if (status != NULL) {
		r.has_status = true;
		r.status = status->s;
	}
	return r;
}

struct cf_actions
cf_actions(struct cf_actions list, struct cf_action *a)
{
	APPEND(list, a);
	return list;
}

struct cf_rule *
cf_rule(struct cf *cf, struct cf_loc loc, struct cf_expr *cond,
    struct cf_actions actions)
{
	struct cf_rule	*r;

	r = arena_alloc(&cf->arena, sizeof(*r));
	r->loc = loc;
	r->cond = cond;
	r->actions = actions.first;
	return r;
}

struct cf_rule *
cf_let(struct cf *cf, struct cf_loc loc, struct rs_value name,
    struct cf_expr *e)
{
	struct cf_rule	*r = cf_rule(cf, loc, e, (struct cf_actions){ 0 });

	r->is_let = true;
	r->name = name.s;
	return r;
}

struct cf_rules
cf_rules(struct cf_rules list, struct cf_rule *r)
{
	APPEND(list, r);
	return list;
}

struct cf_rules
cf_rules_join(struct cf_rules a, struct cf_rules b)
{
	if (a.last == NULL)
		return b;
	if (b.first != NULL) {
		a.last->next = b.first;
		a.last = b.last;
	}
	return a;
}

/* The rules that were written as one with the last: theirs too. */
static void
failing_before(struct cf *cf, const struct cf_rules *list)
{
	struct cf_rule	*r, *first = NULL;

	for (r = list->first; r != NULL && r != list->last; r = r->next) {
		if (!r->goes_on)
			first = NULL;
		else if (first == NULL)
			first = r;
	}
	for (r = first; r != NULL && r != list->last; r = r->next) {
		r->failing = cf_actions_copy(cf, list->last->failing);
		r->has_failing = true;
	}
}

struct cf_rules
cf_failing(struct cf *cf, struct cf_loc loc, struct cf_rules list,
    struct cf_actions actions)
{
	if (list.last == NULL || list.last->is_let || list.last->has_failing) {
		cf_error(cf, loc, "'failing' belongs directly under a rule");
		return list;
	}
	list.last->failing = actions.first;
	list.last->has_failing = true;
	failing_before(cf, &list);
	return list;
}

/* Declarations. */

struct cf_item *
cf_item(struct cf *cf, struct cf_loc loc, enum cf_item_kind kind,
    struct rs_value value)
{
	struct cf_item	*i;

	i = arena_alloc(&cf->arena, sizeof(*i));
	i->kind = kind;
	i->loc = loc;
	i->value = value;
	return i;
}

struct cf_item *
cf_range(struct cf *cf, struct cf_loc loc, struct rs_value written)
{
	struct cf_item	*i = cf_item(cf, loc, CF_I_RANGE, written);
	struct ip	 first;
	const char	*why;

	if (!cf_lit_range(written.s, &first, &i->last, &why)) {
		cf_error(cf, loc, "%s", why);
		return NULL;
	}
	i->value = rs_ip(&first);
	return i;
}

struct span
tree_as_text(struct cf *cf, const struct rs_value *v)
{
	struct span	 s = rs_format(v, &cf->arena);

	return arena_span(&cf->arena, s);
}

struct cf_item *
cf_entry(struct cf *cf, struct cf_loc loc, struct rs_value key,
    struct rs_value value)
{
	struct cf_item	*i = cf_item(cf, loc, CF_I_ENTRY, value);

	i->key = key.s;
	i->text = tree_as_text(cf, &value);
	return i;
}

struct cf_items
cf_items(struct cf_items list, struct cf_item *i)
{
	APPEND(list, i);
	return list;
}

bool
cf_has_column(struct span record, struct span name)
{
	struct span	 line;
	ptrdiff_t	 end;

	for (; record.n > 0; record = span_from(record, line.n + (end >= 0))) {
		end = span_index(record, '\n');
		line = span_mem(record.p, end < 0 ? record.n : (size_t)end);
		if (line.n > name.n && line.p[name.n] == '=' &&
		    memcmp(line.p, name.p, name.n) == 0)
			return true;
	}
	return false;
}

struct rs_value
cf_record(struct cf *cf, struct cf_loc loc, struct rs_value record,
    struct rs_value name, struct rs_value value)
{
	struct span	 text = tree_as_text(cf, &value);

	if (cf_has_column(record.s, name.s))
		cf_error(cf, loc, "'%.*s' stands twice in this record",
		    SPAN_ARG(name.s));
	if (span_index(text, '\n') >= 0)
		cf_error(cf, loc, "a column of a record has one line");
	return rs_text(RS_T_TEXT, arena_printf(&cf->arena, "%.*s%s%.*s=%.*s",
	    SPAN_ARG(record.s), record.s.n > 0 ? "\n" : "",
	    SPAN_ARG(name.s), SPAN_ARG(text)));
}

struct cf_opt *
cf_opt(struct cf *cf, struct cf_loc loc, struct cf_exprs values)
{
	struct cf_opt	*o;

	o = arena_alloc(&cf->arena, sizeof(*o));
	o->loc = loc;
	o->values = values.first;
	return o;
}

struct cf_opt *
cf_opt_block(struct cf *cf, struct cf_loc loc, struct cf_exprs values,
    struct cf_opts block)
{
	struct cf_opt	*o = cf_opt(cf, loc, values);

	o->block = block.first;
	o->has_block = true;
	return o;
}

struct cf_targets
cf_targets(struct cf *cf, struct cf_targets list, struct rs_value word,
    struct cf_loc loc)
{
	struct cf_target	*t = arena_alloc(&cf->arena, sizeof(*t));

	t->name = word.s;
	t->loc = loc;
	APPEND(list, t);
	return list;
}

struct cf_opts
cf_opts(struct cf_opts list, struct cf_opt *o)
{
	APPEND(list, o);
	return list;
}

struct cf_arg *
cf_arg(struct cf *cf, struct rs_value name, struct cf_loc loc,
    struct rs_value type, struct cf_loc type_loc)
{
	struct cf_arg	*a;

	a = arena_alloc(&cf->arena, sizeof(*a));
	a->name = name.s;
	a->loc = loc;
	a->type_name = type.s;
	a->type_loc = type_loc;
	return a;
}

struct cf_args
cf_args(struct cf_args list, struct cf_arg *a)
{
	APPEND(list, a);
	return list;
}

struct cf_decl *
cf_decl(struct cf *cf, struct cf_loc loc, enum cf_decl_kind kind)
{
	struct cf_decl	*d;

	d = arena_alloc(&cf->arena, sizeof(*d));
	d->kind = kind;
	d->loc = loc;
	if (cf->last_decl == NULL)
		cf->decls = d;
	else
		cf->last_decl->next = d;
	cf->last_decl = d;
	return d;
}

struct cf_decl *
cf_decl_name(struct cf *cf, struct cf_loc loc, enum cf_decl_kind kind,
    struct rs_value name, struct cf_loc name_loc)
{
	struct cf_decl	*d = cf_decl(cf, loc, kind);

	d->name = name.s;
	d->name_loc = name_loc;
	return d;
}

void
cf_decl_items(struct cf_decl *d, struct cf_items items)
{
	d->items = items.first;
}

void
cf_decl_opts(struct cf_decl *d, struct cf_opts opts)
{
	d->opts = opts.first;
}

void
cf_decl_reports(struct cf *cf, struct cf_decl *d, struct rs_value word,
    struct cf_loc loc, struct cf_opts opts)
{
	if (!span_eq(word.s, SPAN("reports")))
		cf_error(cf, loc, "'tls %.*s' is no block; there are 'tls' and "
		    "'tls reports'", SPAN_ARG(word.s));
	cf_decl_opts(d, opts);
}

void
cf_decl_rules(struct cf_decl *d, struct cf_rules rules)
{
	d->rules = rules.first;
}

void
cf_decl_rewrite(struct cf_decl *d, struct cf_targets targets,
    struct cf_rules rules)
{
	d->targets = targets.first;
	d->rules = rules.first;
}

void
cf_decl_dnslist(struct cf_decl *d, struct rs_value zone, struct cf_loc loc,
    struct cf_items codes)
{
	d->where = zone.s;
	d->where_loc = loc;
	d->has_where = true;
	d->items = codes.first;
}

void
cf_decl_steps(struct cf_decl *d, struct cf_tnodes steps)
{
	d->steps = steps.first;
}

struct rs_value
cf_type_of(struct cf *cf, struct rs_value what, struct rs_value of)
{
	return rs_text(RS_T_TEXT, arena_printf(&cf->arena, "%.*s of %.*s",
	    SPAN_ARG(what.s), SPAN_ARG(of.s)));
}

void
cf_decl_type(struct cf_decl *d, struct rs_value type, struct cf_loc loc)
{
	d->type_name = type.s;
	d->type_loc = loc;
}

void
cf_decl_tag(struct cf_decl *d, struct rs_value type, struct cf_loc loc,
    struct cf_expr *dflt)
{
	cf_decl_type(d, type, loc);
	d->expr = dflt;
}

struct cf_decl *
cf_decl_ruleset(struct cf_decl *d, struct cf_args args, struct rs_value type,
    struct cf_loc loc)
{
	d->args = args.first;
	cf_decl_type(d, type, loc);
	return d;
}

void
cf_decl_map(struct cf_decl *d, struct rs_value driver, struct cf_loc loc,
    const struct rs_value *where, struct cf_loc where_loc)
{
	d->driver = driver.s;
	d->driver_loc = loc;
	d->where_loc = where_loc;
	if (where != NULL) {
		d->has_where = true;
		d->where = where->s;
	}
}

void
cf_decl_queue_for(struct cf *cf, struct cf_decl *d, struct cf_loc loc,
    struct cf_exprs whom, struct cf_opts opts)
{
	d->expr = whom.first;
	d->name_loc = loc;
	if (whom.first != NULL) {
		d->name_loc.pos = whom.first->loc.pos;
		d->name_loc.end = whom.last->loc.end;
	}
	d->name = cf_written(cf, d->name_loc);
	d->opts = opts.first;
}

void
cf_decl_made(struct cf_decl *d, struct rs_value how, struct cf_loc loc,
    struct cf_targets of)
{
	cf_decl_map(d, how, loc, NULL, loc);
	d->targets = of.first;
}

void
cf_setting(struct cf *cf, struct cf_loc loc, struct rs_value word,
    struct cf_loc word_loc, struct cf_exprs values)
{
	struct cf_exprs	 all = { 0 };

	all.first = all.last = cf_name(cf, word_loc, word);
	all.first->next = values.first;
	cf_decl(cf, loc, CF_D_SETTING)->opts = cf_opt(cf, loc, all);
}

void
cf_decl_listen(struct cf *cf, struct cf_decl *d, struct rs_value kind,
    struct cf_loc on, struct cf_exprs values, struct cf_opts opts)
{
	struct cf_exprs	 all = { 0 };

	d->where = kind.s;
	all.first = cf_name(cf, on, rs_text(RS_T_TEXT, SPAN("on")));
	all.first->next = values.first;
	d->opts = cf_opt(cf, on, all);
	if (values.last != NULL)
		d->opts->loc.end = values.last->loc.end;
	d->opts->next = opts.first;
}

void
cf_decl_programs(struct cf_decl *d, struct rs_value kind, struct cf_opts opts)
{
	d->where = kind.s;
	d->opts = opts.first;
}
