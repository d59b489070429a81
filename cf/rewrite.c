/*
 * rewrite.c - blocks that rewrite addresses: which directions and targets there
 * are, and what may stand in them.
 *
 * A block becomes a function for each of its targets, whose argument is the
 * address; of a direction and target there is one block, read from the top, as
 * with hooks.  Its rules are `ADDRESS like PATTERN => NEW ADDRESS`.
 */
#include "cf/names.h"
#include "cf/pattern.h"
#include "cf/types.h"

/* The hook of `rewrite DIRECTION TARGET`; RS_NHOOKS: there is none. */
static enum rs_hook
hook_of(struct span direction, struct span target)
{
	struct span	 name;
	unsigned	 h;

	for (h = RS_HOOK_REWRITE_IN_SENDER; h < RS_NHOOKS; h++) {
		name = span_from(span_of(rs_hook_names[h]),
		    strlen("rewrite "));
		if (name.n == direction.n + 1 + target.n &&
		    span_prefix(name, direction) &&
		    span_eq(span_from(name, direction.n + 1), target))
			break;
	}
	return (enum rs_hook)h;
}

static void
error_no_target(struct cf *cf, const struct cf_target *t)
{
	static const char *const	 targets[] = {
		"sender", "rcpt", "header"
	};
	struct cf_near			 near;
	size_t				 i;

	cf_near_begin(&near, t->name);
	for (i = 0; i < 3; i++)
		cf_near_try(&near, span_of(targets[i]));
	if (near.best.n > 0)
		cf_error(cf, t->loc, "no '%.*s' to rewrite; did you mean "
		    "'%.*s'?", SPAN_ARG(t->name), SPAN_ARG(near.best));
	else
		cf_error(cf, t->loc, "no '%.*s' to rewrite; there are sender, "
		    "rcpt and header", SPAN_ARG(t->name));
}

/* No name of a policy has a blank. */
#define ADDRESS_NAME	SPAN("the address")

/* `=> srs`: what the scheme makes of the address. */
static void
make_srs(struct cf *cf, const struct cf_decl *d, struct cf_action *a)
{
	const struct cf_expr	*e = a->expr;

	if (e == NULL || e->kind != CF_E_NAME || !span_eq(e->name,
	    SPAN("srs")))
		return;
	if (!span_eq(d->name, SPAN("outbound")) || d->targets == NULL ||
	    d->targets->next != NULL ||
	    !span_eq(d->targets->name, SPAN("sender"))) {
		cf_error(cf, e->loc, "'srs' stands only in 'rewrite outbound "
		    "sender'");
		cf_help(cf, "a sender is what the next hop holds against SPF, "
		    "and where a bounce comes back to");
	}
	a->expr = cf_one(cf, e->loc, CF_E_SRS, cf_name(cf, e->loc,
	    rs_text(RS_T_TEXT, ADDRESS_NAME)));
}

/* Patterns become conditions on the argument. */
static void
make_rules(struct cf *cf, struct cf_decl *d)
{
	struct cf_arg	*arg = arena_alloc(&cf->arena, sizeof(*arg));
	struct cf_expr	*address;
	struct cf_rule	*r;

	arg->sym = cf_sym_new(cf, CF_S_ARG, ADDRESS_NAME, d->loc);
	arg->sym->type = RS_T_ADDRESS;
	arg->sym->tainted = true;
	d->args = arg;
	for (r = d->rules; r != NULL; r = r->next) {
		if (r->actions != NULL)
			make_srs(cf, d, r->actions);
		address = cf_name(cf, r->cond->loc, rs_text(RS_T_TEXT,
		    ADDRESS_NAME));
		r->cond = cf_pair(cf, r->cond->loc, CF_E_LIKE, address,
		    r->cond, false);
	}
}

void
cf_rewrite_declare(struct cf *cf, struct cf_decl *d)
{
	const struct cf_target	*t;
	struct cf_decl		**slot;
	enum rs_hook		 hook;

	make_rules(cf, d);
	for (t = d->targets; t != NULL; t = t->next) {
		hook = hook_of(d->name, t->name);
		if (hook == RS_NHOOKS) {
			error_no_target(cf, t);
			continue;
		}
		slot = &cf->rewrites[hook];
		if (*slot == NULL) {
			*slot = d;
			d->hook = hook;
			continue;
		}
		cf_error(cf, t->loc, "'%s' stands twice; the first is in %s",
		    rs_hook_names[hook], cf_where(cf, (*slot)->loc, t->loc));
		cf_help(cf, "a rewriting is one block, read from the top: the "
		    "first pattern that matches counts");
	}
}

bool
cf_rewrites(const struct cf_rule *r)
{
	return r->cond->kind == CF_E_LIKE && r->cond->a->kind == CF_E_NAME &&
	    span_eq(r->cond->a->name, ADDRESS_NAME);
}

void
cf_rewrite_resolve(struct cf *cf, struct cf_decl *d)
{
	struct cf_scope	 s = { .hook = d->hook };

	if (d->hook == RS_HOOK_CONNECT)
		return;		/* it has no target: reported */
	cf_resolve_block(cf, &s, d->args, d->rules);
}

/* The new address. */

/* The '@' signs in the constant parts of a text. */
static unsigned
count_at(const struct cf_expr *text)
{
	const struct cf_expr	*part;
	unsigned		 n = 0;
	size_t			 i;

	for (part = text->list; part != NULL; part = part->next) {
		for (i = 0; part->kind == CF_E_CONST &&
		    part->type == RS_T_TEXT && i < part->value.s.n; i++)
			n += part->value.s.p[i] == '@';
	}
	return n;
}

static struct cf_expr *
text_node(struct cf *cf, struct cf_loc loc)
{
	struct cf_expr	*e;

	e = cf_text_begin(cf, loc, rs_text(RS_T_TEXT, SPAN_NONE));
	e->type = RS_T_TEXT;
	e->typed = true;
	return e;
}

static void
add_part(struct cf_expr *text, struct cf_expr *part)
{
	part->next = NULL;
	if (text->last == NULL)
		text->list = part;
	else
		text->last->next = part;
	text->last = part;
	text->tainted |= part->tainted;
	text->may_fail |= part->may_fail;
}

static void
add_const(struct cf *cf, struct cf_expr *text, struct cf_loc loc,
    struct span s)
{
	struct cf_expr	*part;

	if (s.n == 0)
		return;
	part = cf_const(cf, loc, rs_text(RS_T_TEXT, s));
	part->type = RS_T_TEXT;
	part->typed = true;
	add_part(text, part);
}

/* A text of one part that is text itself is that part. */
static struct cf_expr *
single(struct cf_expr *text)
{
	struct cf_expr	*part = text->list;

	if (part == NULL || part->next != NULL ||
	    (part->type != RS_T_TEXT && part->type != RS_T_DOMAIN))
		return text;
	return part;
}

/* "a@b" becomes a node of its two sides, which are texts. */
static void
split(struct cf *cf, struct cf_expr *e)
{
	struct cf_expr	*side = text_node(cf, e->loc), *part, *next;
	ptrdiff_t	 at;

	e->a = side;
	for (part = e->list; part != NULL; part = next) {
		next = part->next;
		at = part->kind == CF_E_CONST && part->type == RS_T_TEXT ?
		    span_index(part->value.s, '@') : -1;
		if (at < 0) {
			add_part(side, part);
			continue;
		}
		add_const(cf, side, part->loc,
		    (struct span){ part->value.s.p, (size_t)at });
		side = e->b = text_node(cf, e->loc);
		add_const(cf, side, part->loc,
		    span_from(part->value.s, (size_t)at + 1));
	}
	e->a = single(e->a);
	e->b = single(e->b);
	e->kind = CF_E_ADDRESS;
	e->list = e->last = NULL;
	e->type = RS_T_ADDRESS;
	e->may_fail = true;	/* it may come out as no address */
}

static void
error_no_at(struct cf *cf, const struct cf_expr *e, unsigned n)
{
	cf_error(cf, e->loc, n == 0 ? "this is no address: an '@' belongs "
	    "between its local part and its domain" :
	    "this is no address: it has more than one '@'");
	if (n == 0 && e->list != NULL && e->list->next == NULL)
		cf_help(cf, "what a table says is written without quotes");
}

/* A fact below e; NULL: none.  Rewriting is asked where there are none. */
static const struct cf_expr *
fact_in(const struct cf_expr *e)
{
	const struct cf_expr	*x, *found = NULL;

	if (e == NULL || e->ref == CF_R_FACT)
		return e;
	if ((found = fact_in(e->a)) != NULL ||
	    (found = fact_in(e->b)) != NULL)
		return found;
	for (x = e->list; x != NULL && found == NULL; x = x->next)
		found = fact_in(x);
	return found;
}

static bool
rewrites(const struct cf *cf, const struct cf_decl *d, enum rs_hook hook)
{
	return cf->rewrites[hook] == d;
}

/* Mail must not go where a client says. */
static void
check_domain(struct cf *cf, const struct cf_expr *e)
{
	const struct cf_expr	*domain = e->kind == CF_E_ADDRESS ? e->b : e;
	const struct cf_expr	*taint = cf_type_taint(domain);

	if (taint == NULL)
		return;
	cf_error(cf, e->loc, "the client could choose this domain: it comes "
	    "from %s", cf_expr_text(cf, taint).p);
	cf_help(cf, "'rewrite outbound rcpt' takes domains from constants and "
	    "tables only");
}

static void
type_new(struct cf *cf, const struct cf_decl *d, struct cf_expr *e)
{
	const struct cf_expr	*fact;

	cf_type_expr(cf, e);
	if (e->kind == CF_E_BAD || (e->kind == CF_E_SRS &&
	    !cf_srs_need(cf, e->loc)))
		return;
	if ((fact = fact_in(e)) != NULL) {
		if (!cf_known_in(fact->fact, d->hook))
			return;		/* reported */
		cf_error(cf, fact->loc, "%s cannot stand here: an address is "
		    "rewritten with what its pattern has taken, tables and "
		    "constants", cf_expr_text(cf, fact).p);
		return;
	}
	if (e->kind == CF_E_TEXT && count_at(e) == 1)
		split(cf, e);
	else if (e->kind == CF_E_TEXT)
		error_no_at(cf, e, count_at(e));
	else if (!cf_type_want(cf, e, RS_T_ADDRESS, "the new address"))
		return;
	if (rewrites(cf, d, RS_HOOK_REWRITE_OUT_RCPT))
		check_domain(cf, e);
}

#define GENERAL_MAX	64	/* patterns with which later ones are compared */

/* The patterns of a block so far. */
struct patterns {
	struct htab		 same;		/* by text */
	const struct cf_rule	*general[GENERAL_MAX];
	unsigned		 n;
};

/* The rule before that leaves nothing to this pattern; NULL: none. */
static const struct cf_rule *
covering(struct patterns *p, const struct cf_rule *r)
{
	unsigned	 i;

	for (i = 0; i < p->n; i++) {
		if (cf_pattern_covers(p->general[i]->cond->pattern,
		    r->cond->pattern))
			return p->general[i];
	}
	return NULL;
}

/* A pattern that is never reached is meant otherwise. */
static void
check_reached(struct cf *cf, struct patterns *p, struct cf_rule *r)
{
	const struct cf_rule	*first;
	struct span		 text;

	if (r->cond->kind != CF_E_LIKE)
		return;		/* reported */
	text = cf_expr_text(cf, r->cond->b);
	if ((first = htab_get(&p->same, text)) != NULL) {
		cf_error(cf, r->loc, "never reached: %s has the same pattern",
		    cf_where(cf, first->loc, r->loc));
		return;
	}
	htab_put(&p->same, text, r);
	if ((first = covering(p, r)) != NULL) {
		cf_error(cf, r->loc, "never reached: the pattern of %s takes "
		    "all that this one takes", cf_where(cf, first->loc,
		    r->loc));
		cf_help(cf, "the first that matches is taken: put the "
		    "special before the general");
	} else if (p->n < GENERAL_MAX &&
	    cf_pattern_is_general(r->cond->pattern)) {
		p->general[p->n++] = r;
	}
}

void
cf_rewrite_types(struct cf *cf, struct cf_decl *d)
{
	struct patterns	 seen = { .n = 0 };
	struct cf_rule	*r;

	if (d->hook == RS_HOOK_CONNECT)
		return;
	for (r = d->rules; r != NULL; r = r->next) {
		cf_type_expr(cf, r->cond);
		if (r->actions == NULL)
			continue;
		type_new(cf, d, r->actions->expr);
		check_reached(cf, &seen, r);
	}
	htab_clear(&seen.same);
}
