/*
 * tree_else.c - `m[k] else n[k] else accept`: the verdict of the first table
 * that has the key.
 *
 * It is what these rules say, and is made of them, so that every pass knows it:
 *
 *	c                              => m[k]
 *	c and k not in m               => n[k]
 *	c and k not in m and k not in n => accept
 */
#include "cf/cf_int.h"

/* Before names are resolved a tree is nothing but what was written. */
static struct cf_expr *
copy(struct cf *cf, const struct cf_expr *e)
{
	struct cf_expr		*c, *part;
	const struct cf_expr	*i;

	if (e == NULL)
		return NULL;
	c = arena_alloc(&cf->arena, sizeof(*c));
	*c = *e;
	c->a = copy(cf, e->a);
	c->b = copy(cf, e->b);
	c->list = c->last = c->next = NULL;
	for (i = e->list; i != NULL; i = i->next) {
		part = copy(cf, i);
		if (c->last == NULL)
			c->list = part;
		else
			c->last->next = part;
		c->last = part;
	}
	return c;
}

/* c and k not in m: where the table of `at` has no such key. */
static struct cf_expr *
and_not_in(struct cf *cf, struct cf_loc loc, struct cf_expr *c,
    const struct cf_expr *at)
{
	struct cf_expr	*not_in;

	if (at->kind != CF_E_INDEX)
		return c;
	not_in = cf_pair(cf, at->loc, CF_E_IN, copy(cf, at->b),
	    copy(cf, at->a), true);
	if (c->kind == CF_E_OTHERWISE)
		return not_in;
	return cf_chain(cf, loc, CF_E_AND, c, not_in);
}

struct cf_rules
cf_rules_else(struct cf *cf, struct cf_loc loc, struct cf_expr *cond,
    struct cf_exprs tables, struct cf_actions last)
{
	struct cf_rules		 rules = { 0 };
	struct cf_expr		*at, *next, *key;
	struct cf_action	*a;
	struct cf_rule		*r;

	for (at = tables.first; at != NULL; at = next) {
		next = at->next;
		at->next = NULL;
		key = copy(cf, at);
		a = cf_action(cf, at->loc, CF_A_VERDICT, at);
		r = cf_rule(cf, loc, copy(cf, cond),
		    cf_actions((struct cf_actions){ 0 }, a));
		r->goes_on = true;
		rules = cf_rules(rules, r);
		cond = and_not_in(cf, loc, cond, key);
	}
	return cf_rules(rules, cf_rule(cf, loc, cond, last));
}

struct cf_action *
cf_actions_copy(struct cf *cf, const struct cf_action *a)
{
	struct cf_actions	 list = { 0 };
	struct cf_action	*c;

	for (; a != NULL; a = a->next) {
		c = arena_alloc(&cf->arena, sizeof(*c));
		*c = *a;
		c->next = NULL;
		c->expr = copy(cf, a->expr);
		if (a->reply.text != NULL)
			c->reply.text = c->expr;
		list = cf_actions(list, c);
	}
	return list.first;
}
