/*
 * captures.c - what a match takes out of its subject, and where it can be
 * named.
 *
 * A capture can be named where the match has held: in what stands behind it in
 * the same `and`, and in the actions of its rule.  Of `or` hold those that each
 * of its sides takes; of `not` none.  Those that are lost are remembered as
 * long as the rule lasts, to say so.
 */
#include "cf/names.h"

static struct cf_local *
add(struct cf *cf, struct cf_local **list, struct cf_sym *sym)
{
	struct cf_local	*l;

	l = arena_alloc(&cf->arena, sizeof(*l));
	l->sym = sym;
	l->next = *list;
	*list = l;
	return l;
}

static struct cf_sym *
named(const struct cf_local *l, const struct cf_local *end, struct span name)
{
	for (; l != end; l = l->next) {
		if (span_eq(l->sym->name, name))
			return l->sym;
	}
	return NULL;
}

static bool
is_number(struct span name)
{
	return name.p[0] >= '0' && name.p[0] <= '9';
}

/* These are the server's only inside a mailbox block. */
static bool
is_free_word(const struct cf_scope *s, struct span name)
{
	if (s->ruleset == NULL && s->hook == RS_HOOK_MAILBOX)
		return false;
	return span_eq(name, SPAN("user")) || span_eq(name, SPAN("domain")) ||
	    span_eq(name, SPAN("account")) || span_eq(name, SPAN("key"));
}

static bool
may_capture(struct cf *cf, const struct cf_scope *s, struct span name,
    struct cf_loc loc, const struct cf_sym *before)
{
	if (before != NULL && before->kind == CF_S_CAPTURE) {
		cf_error(cf, loc, "'%.*s' is captured twice in this rule",
		    SPAN_ARG(name));
		return false;
	}
	if (before != NULL) {
		cf_error(cf, loc, "the capture '%.*s' would hide %s '%.*s' "
		    "(line %u)", SPAN_ARG(name),
		    before->kind == CF_S_ARG ? "the argument" : "the let",
		    SPAN_ARG(name), cf_line(cf, before->loc));
		return false;
	}
	return is_free_word(s, name) || cf_may_declare(cf, name, loc);
}

struct cf_sym *
cf_capture(struct cf *cf, struct cf_scope *s, struct span name,
    struct cf_loc loc, struct cf_local **list)
{
	struct cf_sym	*sym = cf_local_named(s, name);

	/* Of two matches that both hold, whose would {1} be? */
	if (is_number(name) && sym != NULL)
		sym->twice = true;
	else if (!is_number(name) && !may_capture(cf, s, name, loc, sym))
		return NULL;
	if (named(*list, NULL, name) != NULL) {
		cf_error(cf, loc, "'%.*s' is captured twice in this pattern",
		    SPAN_ARG(name));
		return NULL;
	}
	if (sym == NULL)
		sym = named(s->others, NULL, name);
	if (sym != NULL) {	/* whichever of them it is */
		sym->shared = true;
		sym->type = RS_T_TEXT;
	} else {
		sym = cf_sym_new(cf, CF_S_CAPTURE, name, loc);
		sym->type = RS_T_TEXT;
		sym->tainted = true;
		sym->index = cf_local_number(cf);
	}
	add(cf, list, sym);
	return sym;
}

void
cf_captures_enter(struct cf *cf, struct cf_scope *s,
    const struct cf_local *list)
{
	for (; list != NULL; list = list->next) {
		add(cf, &s->locals, list->sym);
		add(cf, &s->captured, list->sym);
	}
}

void
cf_captures_lose(struct cf_scope *s, struct cf_local *before)
{
	s->locals = before;
}

/* The captures of `kept` that are also on the way from `l` to `before`. */
static struct cf_local *
meet(struct cf *cf, const struct cf_local *kept, const struct cf_local *l,
    const struct cf_local *before)
{
	struct cf_local	*both = NULL;

	for (; l != before; l = l->next) {
		if (named(kept, NULL, l->sym->name) != NULL)
			add(cf, &both, l->sym);
	}
	return both;
}

static struct cf_local *
since(struct cf *cf, const struct cf_local *l, const struct cf_local *before)
{
	struct cf_local	*copy = NULL;

	for (; l != before; l = l->next)
		add(cf, &copy, l->sym);
	return copy;
}

/* The sides of `or` each begin with what stood before it. */
static void
resolve_or(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct cf_local	*before = s->locals, *others = s->others;
	struct cf_local	*kept = NULL, *l;
	struct cf_expr	*part;

	for (part = e->list; part != NULL; part = part->next) {
		s->locals = before;
		cf_resolve(cf, s, part);
		kept = part == e->list ? since(cf, s->locals, before) :
		    meet(cf, kept, s->locals, before);
		for (l = kept; l != NULL; l = l->next)
			add(cf, &s->others, l->sym);
	}
	s->others = others;
	s->locals = before;
	for (l = kept; l != NULL; l = l->next)
		add(cf, &s->locals, l->sym);
}

void
cf_resolve_chain(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct cf_expr	*part;

	if (e->kind == CF_E_OR) {
		resolve_or(cf, s, e);
		return;
	}
	for (part = e->list; part != NULL; part = part->next)
		cf_resolve(cf, s, part);
}

/* The most groups of a match of this rule; 0: there is none. */
static int64_t
most_groups(const struct cf_scope *s)
{
	const struct cf_local	*l;
	int64_t			 most = 0;
	uint64_t		 n;

	for (l = s->captured; l != NULL; l = l->next) {
		if (is_number(l->sym->name) &&
		    span_u64(l->sym->name, INT32_MAX, &n) && (int64_t)n > most)
			most = (int64_t)n;
	}
	return most;
}

bool
cf_error_captured(struct cf *cf, const struct cf_scope *s, struct span name,
    struct cf_loc loc)
{
	if (s == NULL || named(s->captured, NULL, name) == NULL)
		return false;
	cf_error(cf, loc, "'%.*s' may not be captured here: its match stands "
	    "under 'or' or 'not'", SPAN_ARG(name));
	return true;
}

static void
error_no_number(struct cf *cf, const struct cf_scope *s,
    const struct cf_expr *e)
{
	int64_t	 most = most_groups(s);

	if (cf_error_captured(cf, s, e->name, e->loc))
		return;
	if (most > 0 && e->value.i == 0) {
		cf_error(cf, e->loc, "no capture {0}: they count from {1}");
		return;
	}
	if (most > 0) {
		cf_error(cf, e->loc, "no capture {%.*s}: the regular expression "
		    "of this rule has %lld", SPAN_ARG(e->name),
		    (long long)most);
		return;
	}
	cf_error(cf, e->loc, "{%.*s} is what a 'matches' of this rule takes "
	    "with ( ), and it has none", SPAN_ARG(e->name));
}

void
cf_resolve_number(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct cf_sym	*sym;

	e->name = arena_printf(&cf->arena, "%lld", (long long)e->value.i);
	sym = cf_local_named(s, e->name);
	if (sym != NULL && sym->twice) {
		cf_error(cf, e->loc, "two matches of this rule have a {%.*s}",
		    SPAN_ARG(e->name));
		cf_help(cf, "name what is meant: (?<name>...), and {name}");
		sym = NULL;
	} else if (sym == NULL) {
		error_no_number(cf, s, e);
	}
	if (sym == NULL) {
		e->kind = CF_E_BAD;
		return;
	}
	sym->used = true;
	e->kind = CF_E_NAME;
	e->ref = CF_R_CAPTURE;
	e->sym = sym;
}
