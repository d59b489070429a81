/*
 * tree_steps.c - building the tree: statements of test blocks.
 */
#include "cf/tree_int.h"

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
	t->value3 = rs_text(RS_T_TEXT, tree_as_text(cf, &value));
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
cf_tnode_hide(struct cf *cf, struct cf_loc loc, struct cf_targets extensions)
{
	struct cf_tnode	*t = cf_tnode(cf, loc, CF_TN_HIDE);

	t->extensions = extensions.first;
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
    struct cf_loc milter_loc, enum cf_tnode_kind answer, struct cf_reply reply,
    struct rs_value stage, struct cf_loc stage_loc)
{
	struct cf_tnode	*t = cf_tnode1(cf, loc, CF_TN_MILTER, milter,
	    milter_loc);

	t->value2 = rs_int(RS_T_INT, answer);
	t->value2_loc = stage_loc;
	t->value3 = stage;
	t->reply = reply;
	return t;
}

struct cf_tnode *
cf_tnode_waited(struct cf *cf, struct cf_loc loc, enum cf_tnode_kind kind,
    struct cf_tnode *waited)
{
	struct cf_tnode	*t = cf_tnode(cf, loc, kind);

	t->waited = waited;
	return t;
}

struct cf_tnode *
cf_tnode_hop(struct cf *cf, struct cf_loc loc, struct rs_value name,
    struct rs_value ip, struct cf_tnode *tls, struct cf_tnode *waited)
{
	struct cf_tnode	*t = cf_tnode2(cf, loc, CF_TN_HOP, name, loc, ip, loc);

	t->tls = tls;
	t->waited = waited;
	return t;
}

struct cf_tnode *
cf_tnode_expect(struct cf_loc loc, struct cf_tnode *t, bool negated)
{
	t->loc = loc;
	t->negated = negated;
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
