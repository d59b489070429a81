/*
 * tree.c - building the tree: one call for each of the grammar's actions.
 */
#include "cf/cf_int.h"
#include "cf/literal.h"

#define APPEND(list, node) do {						\
	if ((node) != NULL) {						\
		if ((list).last == NULL)				\
			(list).first = (node);				\
		else							\
			(list).last->next = (node);			\
		(list).last = (node);					\
	}								\
} while (0)

/* Expressions. */

static struct cf_expr *
expr(struct cf *cf, struct cf_loc loc, enum cf_expr_kind kind)
{
	struct cf_expr	*e;

	e = arena_alloc(&cf->arena, sizeof(*e));
	e->kind = kind;
	e->loc = loc;
	e->depth = 1;
	return e;
}

struct cf_expr *
cf_bad(struct cf *cf, struct cf_loc loc)
{
	return expr(cf, loc, CF_E_BAD);
}

/* A node above e; one that would stand too high becomes a bad leaf. */
static struct cf_expr *
above(struct cf *cf, struct cf_expr *parent, const struct cf_expr *e)
{
	if (e == NULL || e->depth < parent->depth)
		return parent;
	parent->depth = (uint16_t)(e->depth + 1);
	if (parent->depth <= CF_TREE_DEPTH)
		return parent;
	if (!cf->said.too_deep)
		cf_error(cf, parent->loc, "this expression is nested deeper "
		    "than %d", CF_TREE_DEPTH);
	cf->said.too_deep = true;
	return cf_bad(cf, parent->loc);
}

struct cf_expr *
cf_const(struct cf *cf, struct cf_loc loc, struct rs_value value)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_CONST);

	e->value = value;
	return e;
}

struct cf_expr *
cf_name(struct cf *cf, struct cf_loc loc, struct rs_value word)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_NAME);

	e->name = word.s;
	return e;
}

struct cf_expr *
cf_field(struct cf *cf, struct cf_loc loc, struct cf_expr *a,
    struct rs_value word)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_FIELD);

	e->a = a;
	e->name = word.s;
	return above(cf, e, a);
}

struct cf_expr *
cf_index(struct cf *cf, struct cf_loc loc, struct cf_expr *a,
    struct cf_expr *b)
{
	return cf_pair(cf, loc, CF_E_INDEX, a, b, false);
}

struct cf_expr *
cf_call(struct cf *cf, struct cf_loc loc, struct rs_value word,
    struct cf_exprs args)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_CALL), *arg;

	e->name = word.s;
	e->list = args.first;
	e->last = args.last;
	for (arg = args.first; arg != NULL && e->kind != CF_E_BAD;
	    arg = arg->next)
		e = above(cf, e, arg);
	return e;
}

struct cf_expr *
cf_mask(struct cf *cf, struct cf_loc loc, struct cf_expr *a,
    struct rs_value bits4, const struct rs_value *bits6)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_MASK);

	if (bits4.i > 32 || (bits6 != NULL && bits6->i > 128)) {
		cf_error(cf, loc, "a mask has at most 32 bits for IPv4 and "
		    "128 for IPv6");
		return cf_bad(cf, loc);
	}
	e->a = a;
	e->bits4 = (uint8_t)bits4.i;
	e->bits6 = (uint8_t)(bits6 != NULL ? bits6->i : 64);
	return above(cf, e, a);
}

struct cf_expr *
cf_pair(struct cf *cf, struct cf_loc loc, enum cf_expr_kind kind,
    struct cf_expr *a, struct cf_expr *b, bool negated)
{
	struct cf_expr	*e = expr(cf, loc, kind);

	e->a = a;
	e->b = b;
	e->negated = negated;
	e = above(cf, e, a);
	return e->kind == CF_E_BAD ? e : above(cf, e, b);
}

struct cf_expr *
cf_order(struct cf *cf, struct cf_loc loc, unsigned op, struct cf_expr *a,
    struct cf_expr *b)
{
	struct cf_expr	*e = cf_pair(cf, loc, CF_E_ORDER, a, b, false);

	e->op = (uint8_t)op;
	return e;
}

struct cf_expr *
cf_one(struct cf *cf, struct cf_loc loc, enum cf_expr_kind kind,
    struct cf_expr *a)
{
	return cf_pair(cf, loc, kind, a, NULL, false);
}

struct cf_expr *
cf_matches(struct cf *cf, struct cf_loc loc, struct cf_expr *a,
    struct rs_value regex, bool negated)
{
	struct cf_expr	*e = cf_pair(cf, loc, CF_E_MATCHES, a, NULL, negated);

	e->value = regex;
	return e;
}

struct cf_expr *
cf_listed(struct cf *cf, struct cf_loc loc, struct cf_expr *a,
    struct rs_value list, struct cf_loc list_loc, bool negated)
{
	struct cf_expr	*e = cf_pair(cf, loc, CF_E_LISTED, a, NULL, negated);

	e->name = list.s;
	e->name_loc = list_loc;
	return e;
}

static struct cf_expr *
keyed(struct cf *cf, struct cf_loc loc, enum cf_expr_kind kind,
    struct cf_exprs keys)
{
	struct cf_expr	*e = expr(cf, loc, kind), *key;

	e->list = keys.first;
	e->last = keys.last;
	for (key = keys.first; key != NULL && e->kind != CF_E_BAD;
	    key = key->next)
		e = above(cf, e, key);
	return e;
}

struct cf_expr *
cf_rate(struct cf *cf, struct cf_loc loc, struct rs_value name,
    struct cf_exprs keys, struct rs_value rate)
{
	struct cf_expr	*e = keyed(cf, loc, CF_E_RATE, keys);

	e->value = name;
	e->value2 = rate;
	return e;
}

struct cf_expr *
cf_greylisted(struct cf *cf, struct cf_loc loc, struct cf_exprs keys,
    struct rs_value wait)
{
	struct cf_expr	*e = keyed(cf, loc, CF_E_GREYLISTED, keys);

	e->value = wait;
	return e;
}

struct cf_expr *
cf_spf(struct cf *cf, struct cf_loc loc, struct rs_value result,
    struct cf_loc result_loc)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_SPF);

	e->name = result.s;
	e->name_loc = result_loc;
	return e;
}

struct cf_expr *
cf_patvar(struct cf *cf, struct cf_loc loc, struct cf_expr *name, int op)
{
	struct cf_expr	*e;

	if (name->kind == CF_E_BAD)
		return name;
	if (name->kind != CF_E_NAME) {
		cf_error(cf, loc, "only a name can stand before the '%c' of a "
		    "pattern", op);
		return cf_bad(cf, loc);
	}
	e = expr(cf, loc, CF_E_PATVAR);
	e->name = name->name;
	e->op = (uint8_t)op;
	return e;
}

struct cf_expr *
cf_chain(struct cf *cf, struct cf_loc loc, enum cf_expr_kind kind,
    struct cf_expr *a, struct cf_expr *b)
{
	struct cf_expr	*e = a;

	if (a->kind != kind) {
		e = expr(cf, loc, kind);
		e->list = e->last = a;
		e = above(cf, e, a);
	}
	if (e->kind != kind)
		return e;
	e->loc.end = loc.end;
	e->last->next = b;
	e->last = b;
	return above(cf, e, b);
}

static void
text_part(struct cf *cf, struct cf_expr *e, struct cf_loc loc,
    struct rs_value v)
{
	struct cf_expr	*part;

	if (v.s.n == 0)
		return;
	part = cf_const(cf, loc, v);
	if (e->last == NULL)
		e->list = part;
	else
		e->last->next = part;
	e->last = part;
}

struct cf_expr *
cf_text_begin(struct cf *cf, struct cf_loc loc, struct rs_value head)
{
	struct cf_expr	*e = expr(cf, loc, CF_E_TEXT);

	text_part(cf, e, loc, head);
	return e;
}

struct cf_expr *
cf_text_add(struct cf *cf, struct cf_loc loc, struct cf_expr *text,
    struct cf_expr *e, struct rs_value more)
{
	if (text->kind != CF_E_TEXT)
		return text;
	text->loc = loc;
	if (text->last == NULL)
		text->list = e;
	else
		text->last->next = e;
	text->last = e;
	text_part(cf, text, loc, more);
	return above(cf, text, e);
}

struct cf_exprs
cf_exprs(struct cf_exprs list, struct cf_expr *e)
{
	APPEND(list, e);
	return list;
}

struct cf_exprs
cf_comma(struct cf_exprs list, struct cf_expr *e)
{
	e->comma = true;
	return cf_exprs(list, e);
}

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
cf_failing(struct cf *cf, struct cf_loc loc, struct cf_rules list,
    struct cf_actions actions)
{
	if (list.last == NULL || list.last->is_let || list.last->has_failing) {
		cf_error(cf, loc, "'failing' belongs directly under a rule");
		return list;
	}
	list.last->failing = actions.first;
	list.last->has_failing = true;
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

/* As it would stand in a table. */
static struct span
as_text(struct cf *cf, const struct rs_value *v)
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
	i->text = as_text(cf, &value);
	return i;
}

struct cf_items
cf_items(struct cf_items list, struct cf_item *i)
{
	APPEND(list, i);
	return list;
}

struct rs_value
cf_record(struct cf *cf, struct rs_value record, struct rs_value name,
    struct rs_value value)
{
	struct span	 text = as_text(cf, &value);

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
cf_setting(struct cf *cf, struct cf_loc loc, struct rs_value word,
    struct cf_loc word_loc, struct cf_exprs values)
{
	struct cf_exprs	 all = { 0 };

	all.first = all.last = cf_name(cf, word_loc, word);
	all.first->next = values.first;
	cf_decl(cf, loc, CF_D_SETTING)->opts = cf_opt(cf, loc, all);
}

void
cf_decl_listen(struct cf *cf, struct cf_decl *d, struct cf_loc on,
    struct cf_exprs values, struct cf_opts opts)
{
	struct cf_exprs	 all = { 0 };

	all.first = cf_name(cf, on, rs_text(RS_T_TEXT, SPAN("on")));
	all.first->next = values.first;
	d->opts = cf_opt(cf, on, all);
	if (values.last != NULL)
		d->opts->loc.end = values.last->loc.end;
	d->opts->next = opts.first;
}

/* Tests. */

struct cf_tnode *
cf_tnode(struct cf *cf, struct cf_loc loc, enum cf_tnode_kind kind)
{
	struct cf_tnode	*t;

	t = arena_alloc(&cf->arena, sizeof(*t));
	t->kind = kind;
	t->loc = loc;
	return t;
}

struct cf_tnode *
cf_tnode1(struct cf *cf, struct cf_loc loc, enum cf_tnode_kind kind,
    struct rs_value value, struct cf_loc value_loc)
{
	struct cf_tnode	*t = cf_tnode(cf, loc, kind);

	t->value = value;
	t->value_loc = value_loc;
	return t;
}

struct cf_tnode *
cf_tnode2(struct cf *cf, struct cf_loc loc, enum cf_tnode_kind kind,
    struct rs_value value, struct cf_loc value_loc, struct rs_value value2,
    struct cf_loc value2_loc)
{
	struct cf_tnode	*t = cf_tnode1(cf, loc, kind, value, value_loc);

	t->value2 = value2;
	t->value2_loc = value2_loc;
	return t;
}

struct cf_tnode *
cf_tnode_map(struct cf *cf, struct cf_loc loc, struct rs_value map,
    struct cf_loc map_loc, struct rs_value key, struct rs_value value)
{
	struct cf_tnode	*t = cf_tnode1(cf, loc, CF_TN_MAP, map, map_loc);

	t->value2 = key;
	t->value3 = rs_text(RS_T_TEXT, as_text(cf, &value));
	return t;
}

struct cf_tnode *
cf_tnode_client(struct cf *cf, struct cf_loc loc, struct rs_value ip,
    struct rs_value login, struct cf_loc login_loc, struct rs_value listener,
    struct cf_loc listener_loc)
{
	struct cf_tnode	*t;

	t = cf_tnode2(cf, loc, CF_TN_CLIENT, ip, loc, login, login_loc);
	t->value3 = listener;
	t->value_loc = listener_loc;
	return t;
}

struct cf_tnode *
cf_tnode_expr(struct cf *cf, struct cf_loc loc, enum cf_tnode_kind kind,
    struct cf_expr *e)
{
	struct cf_tnode	*t = cf_tnode(cf, loc, kind);

	t->expr = e;
	return t;
}

struct cf_tnode *
cf_tnode_reply(struct cf *cf, struct cf_loc loc, enum cf_tnode_kind kind,
    struct cf_reply reply)
{
	struct cf_tnode	*t = cf_tnode(cf, loc, kind);

	t->reply = reply;
	return t;
}

struct cf_tnode *
cf_tnode_milter(struct cf *cf, struct cf_loc loc, struct rs_value milter,
    struct cf_loc milter_loc, enum cf_tnode_kind answer, struct cf_reply reply)
{
	struct cf_tnode	*t = cf_tnode1(cf, loc, CF_TN_MILTER, milter,
	    milter_loc);

	t->value2 = rs_int(RS_T_INT, answer);
	t->reply = reply;
	return t;
}

struct cf_tnode *
cf_tnode_tag(struct cf *cf, struct cf_loc loc, struct rs_value tag,
    struct cf_loc tag_loc, struct cf_expr *e)
{
	struct cf_tnode	*t = cf_tnode1(cf, loc, CF_TN_TAG, tag, tag_loc);

	t->expr = e;
	return t;
}

struct cf_tnode *
cf_tnode_dns(struct cf *cf, struct cf_loc loc, struct rs_value name,
    struct cf_loc name_loc, struct rs_value type, struct cf_loc type_loc,
    struct cf_exprs values)
{
	struct cf_tnode	*t;

	t = cf_tnode2(cf, loc, CF_TN_DNS, name, name_loc, type, type_loc);
	t->list = values.first;
	return t;
}

struct cf_tnodes
cf_tnodes(struct cf_tnodes list, struct cf_tnode *t)
{
	APPEND(list, t);
	return list;
}

struct cf_tnodes
cf_tnodes_join(struct cf_tnodes a, struct cf_tnodes b)
{
	if (a.first == NULL)
		return b;
	if (b.first == NULL)
		return a;
	a.last->next = b.first;
	a.last = b.last;
	return a;
}
