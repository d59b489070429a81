/*
 * types_cond.c - types of the conditions that ask more than a comparison.
 */
#include "base/regex.h"
#include "cf/pattern.h"
#include "cf/types_int.h"

/* The subject of a condition, typed; false: in error. */
static bool
type_subject(struct cf *cf, struct cf_expr *e, struct cf_expr *a)
{
	cf_type_expr(cf, a);
	e->type = RS_T_BOOL;
	if (type_is_bad(a)) {
		type_bad(e);
		return false;
	}
	type_take_flags(e, a);
	return true;
}

static void
error_subject(struct cf *cf, struct cf_expr *e, const struct cf_expr *a,
    const char *wanted)
{
	cf_error(cf, a->loc, "%s is %s, and %s", type_text_of(cf, a),
	    cf_type_what(a->type), wanted);
	type_bad(e);
}

/* Matches. */

static void
fold_matches(struct cf *cf, struct cf_expr *e)
{
	struct span	 groups[REGEX_GROUPS_MAX];
	struct regex	*re;
	unsigned	 n;
	char		 why[80];
	size_t		 at;
	bool		 yes;

	if (!type_is_const(e->a) || e->captured != NULL)
		return;
	re = regex_compile(e->value.s, e->value.bits & RS_REGEX_ICASE, &at,
	    why, sizeof(why));
	if (re == NULL)
		return;
	yes = regex_match(re, e->a->value.s, groups, &n) == REGEX_YES;
	regex_free(&re);
	type_fold(cf, e, rs_bool(yes != e->negated));
}

/* An expression that is too much work is given up: the rule is not taken. */
static void
type_matches(struct cf *cf, struct cf_expr *e)
{
	e->may_fail = true;
	e->type = RS_T_BOOL;
	if (type_is_list(e->a) || !type_subject(cf, e, e->a))
		return;
	if (type_is_textual(e->a->type)) {
		fold_matches(cf, e);
		return;
	}
	error_subject(cf, e, e->a, "a text is wanted for 'matches'");
}

static void
type_like(struct cf *cf, struct cf_expr *e)
{
	const struct cf_expr	*a = e->a;

	if (!type_subject(cf, e, e->a))
		return;
	e->may_fail = true;
	if (a->type == RS_T_ADDRESS || a->type == RS_T_TEXT)
		return;
	error_subject(cf, e, a, "a pattern takes an address apart");
	if (a->type == RS_T_DOMAIN)
		cf_help(cf, "ask a set of domains: %s in SET, or 'matches'",
		    type_text_of(cf, a));
}

/* Questions to others. */

static void
type_listed(struct cf *cf, struct cf_expr *e)
{
	struct cf_expr	*a = e->a;

	if (!type_subject(cf, e, a))
		return;
	e->may_fail = true;
	if (a->type == RS_T_IP || a->type == RS_T_DOMAIN)
		return;
	error_subject(cf, e, a, "a DNS list is asked for an ip or a domain");
	if (a->type == RS_T_ADDRESS)
		cf_help(cf, "ask for its domain: %s.domain",
		    type_text_of(cf, a));
}

/* What is counted by: anything that can be written as text. */
static void
type_keys(struct cf *cf, struct cf_expr *e)
{
	struct cf_expr	*key;

	e->type = RS_T_BOOL;
	e->may_fail = true;
	for (key = e->list; key != NULL; key = key->next) {
		cf_type_expr(cf, key);
		type_take_flags(e, key);
		if (!type_is_bad(key) && !type_is_text_part(cf, key))
			type_bad(key);
		if (type_is_bad(key)) {
			type_bad(e);
			return;
		}
	}
}

/* A pair that is forgotten before its time has passed never gets through. */
#define WAIT_MAX_MS	(INT64_C(36) * 86400000)

static void
type_greylisted(struct cf *cf, struct cf_expr *e)
{
	type_keys(cf, e);
	if (e->value.i < 1)
		cf_error(cf, e->loc, "greylisted for no time is never true");
	else if (e->value.i >= WAIT_MAX_MS)
		cf_error(cf, e->loc, "who waits so long is forgotten, after "
		    "36 days, and never gets through");
}

static void
type_resolves(struct cf *cf, struct cf_expr *e)
{
	struct cf_expr	*a = e->a;

	if (!type_subject(cf, e, a))
		return;
	e->may_fail = true;
	if (a->type == RS_T_DOMAIN || a->type == RS_T_TEXT)
		return;
	error_subject(cf, e, a, "only a domain resolves");
	if (a->type == RS_T_ADDRESS)
		cf_help(cf, "ask for its domain: %s.domain resolves",
		    type_text_of(cf, a));
}

static void
type_of(struct cf *cf, struct cf_expr *e)
{
	if (!type_subject(cf, e, e->a) || !type_subject(cf, e, e->b))
		return;
	e->may_fail = true;
	if (!cf_type_want(cf, e->a, RS_T_ADDRESS, "'of client.user'"))
		type_bad(e);
}

void
type_cond(struct cf *cf, struct cf_expr *e)
{
	switch (e->kind) {
	case CF_E_MATCHES:
		type_matches(cf, e);
		break;
	case CF_E_LIKE:
		type_like(cf, e);
		break;
	case CF_E_LISTED:
		type_listed(cf, e);
		break;
	case CF_E_RATE:
		type_keys(cf, e);
		break;
	case CF_E_GREYLISTED:
		type_greylisted(cf, e);
		break;
	case CF_E_RESOLVES:
		type_resolves(cf, e);
		break;
	case CF_E_OF:
		type_of(cf, e);
		break;
	default:			/* SPF, REACHABLE */
		e->type = RS_T_BOOL;
		e->may_fail = true;
		if (e->a != NULL)
			(void)type_subject(cf, e, e->a);
		break;
	}
}

/* What can stand in texts. */

bool
type_is_list(const struct cf_expr *e)
{
	return e->kind == CF_E_NAME && e->ref == CF_R_LIST;
}

/* Values that only some conditions and actions can use are no text. */
bool
type_is_text_part(struct cf *cf, const struct cf_expr *e)
{
	switch (e->type) {
	case RS_T_CLIENT:
		cf_error(cf, e->loc, "%s is a client, which is no text",
		    type_text_of(cf, e));
		cf_help(cf, "write client.ip or client.verified_name");
		return false;
	case RS_T_VERDICT:
		cf_error(cf, e->loc, "%s is a verdict, which is no text",
		    type_text_of(cf, e));
		cf_help(cf, "a verdict stands behind '=>', as an action");
		return false;
	default:
		return true;
	}
}
