/*
 * resolve_cond.c - conditions that ask more than a comparison: what they name,
 * and where they make sense.
 */
#include "base/regex.h"
#include "cf/names.h"
#include "cf/pattern.h"

#define BITS(from, to)	((1u << ((to) + 1)) - (1u << (from)))

/* Questions of a session; a route is asked again, long after it. */
#define IN_SESSION(from)	BITS(from, RS_HOOK_CONTENT)

/* Matches. */

/* Octets of s as written between slashes: each '/' in it has a '\' before. */
static uint32_t
written(struct span s)
{
	uint32_t	 n = (uint32_t)s.n;
	size_t		 i;

	for (i = 0; i < s.n; i++)
		n += s.p[i] == '/';
	return n;
}

/* Where octet `at` of the expression stands in the policy. */
static struct cf_loc
place_in(const struct cf_expr *e, size_t at)
{
	struct span	 text = e->value.s;
	uint32_t	 end, pos;

	end = e->loc.end - 1 - (e->value.bits & RS_REGEX_ICASE);
	if (at > text.n)
		at = text.n;
	pos = end - written(span_from(text, at));
	return (struct cf_loc){ pos, at < text.n ? pos + 1 : end + 1 };
}

static void
capture_groups(struct cf *cf, struct cf_scope *s, struct cf_expr *e,
    const struct regex *re)
{
	unsigned	 i;
	struct span	 name;

	for (i = 1; i <= regex_ngroups(re); i++) {
		name = arena_printf(&cf->arena, "%u", i);
		(void)cf_capture(cf, s, name, e->loc, &e->captured);
		name = regex_group_name(re, i);
		if (name.n > 0)
			(void)cf_capture(cf, s, arena_span(&cf->arena, name),
			    e->loc, &e->captured);
	}
	cf_captures_enter(cf, s, e->captured);
}

static void
resolve_matches(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct cf_local	*before;
	struct regex	*re;
	char		 why[160];
	size_t		 at = 0;

	cf_resolve(cf, s, e->a);
	before = s->locals;
	re = regex_compile(e->value.s, e->value.bits & RS_REGEX_ICASE, &at,
	    why, sizeof(why));
	if (re == NULL) {
		cf_error(cf, place_in(e, at), "in this regular expression: %s",
		    why);
		e->kind = CF_E_BAD;
		return;
	}
	capture_groups(cf, s, e, re);
	if (e->negated) {
		cf_captures_lose(s, before);
		e->captured = NULL;
	}
	regex_free(&re);
}

static void
resolve_like(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct cf_local	*before;

	cf_resolve(cf, s, e->a);
	before = s->locals;
	e->pattern = cf_pattern(cf, s, e->b, &e->captured);
	cf_captures_enter(cf, s, e->captured);
	if (e->pattern == NULL)
		e->kind = CF_E_BAD;
	if (!e->negated)
		return;
	cf_captures_lose(s, before);
	e->captured = NULL;
}

/* Questions to others. */

static void
resolve_listed(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	cf_resolve(cf, s, e->a);
	e->sym = cf_need(cf, e->name, e->name_loc, CF_S_DNSLIST);
	if (e->sym == NULL)
		e->kind = CF_E_BAD;
	else
		cf_need_known(cf, s, e, "'listed by'", RS_HOOK_CONNECT,
		    IN_SESSION(RS_HOOK_CONNECT));
}

static void
resolve_keys(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	struct cf_expr	*key;

	for (key = e->list; key != NULL; key = key->next)
		cf_resolve(cf, s, key);
}

static bool
same_keys(struct cf *cf, const struct cf_expr *a, const struct cf_expr *b)
{
	a = a->list;
	b = b->list;
	for (; a != NULL && b != NULL; a = a->next, b = b->next) {
		if (!span_eq(cf_expr_text(cf, a), cf_expr_text(cf, b)))
			return false;
	}
	return a == NULL && b == NULL;
}

/* One counter for each name: it counts the same wherever it is asked. */
static void
same_rate(struct cf *cf, const struct cf_sym *sym, struct cf_expr *e)
{
	const char	*differs = NULL;

	if (sym->rate->value2.i != e->value2.i)
		differs = "goes over another rate";
	else if (!same_keys(cf, sym->rate, e))
		differs = "is by something else";
	if (differs == NULL)
		return;
	cf_error(cf, e->loc, "rate \"%.*s\" %s in line %u", SPAN_ARG(sym->name),
	    differs, cf_line(cf, sym->loc));
	cf_note(cf, sym->loc, "here");
	cf_help(cf, "a name is one counter: give this one another name");
}

static void
name_rate(struct cf *cf, struct cf_expr *e)
{
	e->sym = htab_get(&cf->rates, e->value.s);
	if (e->sym != NULL) {
		same_rate(cf, e->sym, e);
		return;
	}
	e->sym = cf_sym_new(cf, CF_S_RATE, e->value.s, e->loc);
	e->sym->rate = e;
	htab_put(&cf->rates, e->value.s, e->sym);
	if (cf->last_rate == NULL)
		cf->first_rate = e->sym;
	else
		cf->last_rate->next_rate = e->sym;
	cf->last_rate = e->sym;
}

static void
resolve_rate(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	resolve_keys(cf, s, e);
	if (e->value.s.n == 0) {
		cf_error(cf, e->loc, "a rate has a name, as in rate \"sent\" "
		    "by client.user over 100/1h");
		e->kind = CF_E_BAD;
		return;
	}
	name_rate(cf, e);
	/* In route it counts once for each message. */
	cf_need_known(cf, s, e, "'rate'", RS_HOOK_CONNECT,
	    IN_SESSION(RS_HOOK_CONNECT) | BITS(RS_HOOK_ROUTE, RS_HOOK_ROUTE) |
	    BITS(RS_HOOK_VRFY, RS_HOOK_EXPN));
}

static void
resolve_greylisted(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	resolve_keys(cf, s, e);
	cf_need_known(cf, s, e, "'greylisted'", RS_HOOK_CONNECT,
	    IN_SESSION(RS_HOOK_CONNECT));
}

/* The results of RFC 7208, 2.6; a temperror is 'cannot say'. */
static void
resolve_spf(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	static const char *const results[] = {
		"none", "neutral", "pass", "fail", "softfail", "permerror"
	};
	struct cf_near		 near;
	size_t			 i;

	cf_need_known(cf, s, e, "'spf'", RS_HOOK_MAIL, IN_SESSION(RS_HOOK_MAIL));
	cf_near_begin(&near, e->name);
	for (i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (span_eq(e->name, span_of(results[i])))
			return;
		cf_near_try(&near, span_of(results[i]));
	}
	e->kind = CF_E_BAD;
	if (span_eq(e->name, SPAN("temperror"))) {
		cf_error(cf, e->name_loc, "a temporary error of SPF is 'cannot "
		    "say'");
		cf_help(cf, "write failing => ... under the rule");
		return;
	}
	if (near.best.n > 0)
		cf_error(cf, e->name_loc, "no result '%.*s' of SPF; did you "
		    "mean '%.*s'?", SPAN_ARG(e->name), SPAN_ARG(near.best));
	else
		cf_error(cf, e->name_loc, "no result '%.*s' of SPF; there are "
		    "none, neutral, pass, fail, softfail and permerror",
		    SPAN_ARG(e->name));
}

static void
resolve_resolves(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	cf_resolve(cf, s, e->a);
	cf_need_known(cf, s, e, "'resolves'", RS_HOOK_CONNECT,
	    IN_SESSION(RS_HOOK_CONNECT));
}

static bool
is_fact(const struct cf_expr *e, unsigned fact)
{
	return e->kind == CF_E_NAME && e->ref == CF_R_FACT &&
	    e->fact == (enum rs_fact)fact;
}

/* An error of its own has been reported where that fact is not known. */
static bool
knows(const struct cf_scope *s, unsigned fact)
{
	return s->ruleset != NULL || s->quiet || cf_known_in(fact, s->hook);
}

static void
resolve_reachable(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	cf_resolve(cf, s, e->a);
	if (e->a->kind == CF_E_BAD) {
		e->kind = CF_E_BAD;
	} else if (e->a->ref == CF_R_FACT && !knows(s, e->a->fact)) {
		e->kind = CF_E_BAD;
	} else if (is_fact(e->a, RS_FACT_RCPT)) {
		cf_need_known(cf, s, e, "'rcpt reachable'", RS_HOOK_RCPT,
		    1u << RS_HOOK_RCPT);
	} else if (is_fact(e->a, RS_FACT_SENDER)) {
		cf_need_known(cf, s, e, "'sender reachable'", RS_HOOK_MAIL,
		    IN_SESSION(RS_HOOK_MAIL));
	} else {
		cf_error(cf, e->loc, "only 'sender' and 'rcpt' can be asked "
		    "whether they are reachable");
		e->kind = CF_E_BAD;
	}
}

static void
resolve_of(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	cf_resolve(cf, s, e->a);
	cf_resolve(cf, s, e->b);
	if (e->a->kind == CF_E_BAD || e->b->kind == CF_E_BAD) {
		e->kind = CF_E_BAD;
	} else if (!is_fact(e->b, RS_FACT_CLIENT_USER)) {
		cf_error(cf, e->b->loc, "addresses belong to who has logged "
		    "in: write 'of client.user'");
		e->kind = CF_E_BAD;
	} else {
		/* It asks the route, and cannot stand in it. */
		cf_need_known(cf, s, e, "'of client.user'", RS_HOOK_HELO,
		    IN_SESSION(RS_HOOK_HELO));
	}
}

void
cf_resolve_cond(struct cf *cf, struct cf_scope *s, struct cf_expr *e)
{
	switch (e->kind) {
	case CF_E_MATCHES:
		resolve_matches(cf, s, e);
		break;
	case CF_E_LIKE:
		resolve_like(cf, s, e);
		break;
	case CF_E_LISTED:
		resolve_listed(cf, s, e);
		break;
	case CF_E_RATE:
		resolve_rate(cf, s, e);
		break;
	case CF_E_GREYLISTED:
		resolve_greylisted(cf, s, e);
		break;
	case CF_E_SPF:
		resolve_spf(cf, s, e);
		break;
	case CF_E_RESOLVES:
		resolve_resolves(cf, s, e);
		break;
	case CF_E_REACHABLE:
		resolve_reachable(cf, s, e);
		break;
	case CF_E_OF:
		resolve_of(cf, s, e);
		break;
	default:
		cf_error(cf, e->loc, "this stands only in the pattern of an "
		    "address: like \"...\", rewrite");
		e->kind = CF_E_BAD;
		break;
	}
}
