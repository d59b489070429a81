/*
 * prove_asked.c - questions that matching, DNS and counters answer.
 *
 * To the proofs each is open: it may come out as it likes.  The same question
 * is the same atom.  What cannot always say (a DNS list, SPF, a regular
 * expression or pattern that is too much work) has a second atom for that: the
 * rule is then not taken, whether it asks for yes or for no.
 */
#include "base/regex.h"
#include "cf/pattern.h"
#include "cf/prove_int.h"
#include "cf/types_int.h"

bool
prove_is_asked(const struct cf_expr *e)
{
	switch (e->kind) {
	case CF_E_MATCHES: case CF_E_LIKE: case CF_E_LISTED: case CF_E_RATE:
	case CF_E_GREYLISTED: case CF_E_SPF: case CF_E_RESOLVES:
	case CF_E_REACHABLE: case CF_E_OF:
		return true;
	default:
		return false;
	}
}

static bool
can_be_soft(const struct cf_expr *e)
{
	if (e->kind == CF_E_LIKE)
		return e->a->type != RS_T_ADDRESS || e->pattern == NULL ||
		    !cf_pattern_is_short(e->pattern);
	return e->kind == CF_E_MATCHES || e->kind == CF_E_LISTED ||
	    e->kind == CF_E_SPF;
}

/* The terms of all that the question is about. */
static void
add_terms(struct prover *p, prove_env x, const struct cf_expr *e,
    struct buf *key)
{
	const struct cf_expr	*i;

	if (e->a != NULL)
		buf_addf(key, ":%u", prove_value_of(p, x, e->a).term);
	if (e->kind == CF_E_OF)
		buf_addf(key, ":%u", prove_value_of(p, x, e->b).term);
	for (i = e->list; i != NULL; i = i->next)
		buf_addf(key, ":%u", prove_value_of(p, x, i).term);
}

static void
question(struct prover *p, prove_env x, const struct cf_expr *e,
    struct buf *key)
{
	buf_addf(key, "q%d", e->kind);
	add_terms(p, x, e, key);
	switch (e->kind) {
	case CF_E_MATCHES:
		buf_addf(key, "/%u/%.*s", e->value.bits,
		    SPAN_ARG(e->value.s));
		break;
	case CF_E_LIKE:
		buf_add_char(key, '/');
		cf_expr_print(e->b, key);
		break;
	case CF_E_LISTED: case CF_E_SPF:
		buf_addf(key, "/%.*s", SPAN_ARG(e->name));
		break;
	case CF_E_RATE:
		buf_addf(key, "/%lld/%.*s", (long long)e->value2.i,
		    SPAN_ARG(e->value.s));
		break;
	case CF_E_GREYLISTED:
		buf_addf(key, "/%lld", (long long)e->value.i);
		break;
	default:
		break;
	}
}

/* The last part of a pattern's text: what an address must end in; NULL: none. */
static const struct cf_expr *
last_part(const struct cf_expr *pattern)
{
	return pattern->kind == CF_E_TEXT ? pattern->last : pattern;
}

/* "@here.example", ".here.example"; ".com" is the domains of half the world. */
static bool
constant_binds(struct span end)
{
	ptrdiff_t	 at = span_index(end, '@');

	if (at >= 0)
		return (size_t)at + 1 < end.n &&
		    !prove_domain_is_wide(span_from(end, (size_t)at + 1));
	return span_index(end, '.') >= 0 && !prove_domain_is_wide(end);
}

/*
 * Whether a pattern takes only domains that the administrator wrote: it ends
 * in a constant that begins in the domain, or its domain is in a set or table.
 */
static bool
pattern_binds(const struct cf_expr *pattern)
{
	const struct cf_expr	*last = last_part(pattern), *i;
	ptrdiff_t		 at = -1;

	if (last == NULL)
		return false;
	if (last->kind == CF_E_CONST)
		return constant_binds(last->value.s);
	if (last->kind != CF_E_IN || last->negated ||
	    (last->b->ref == CF_R_SYM && (last->b->sym->forgeable ||
	    prove_wide_item(last->b->sym) != NULL)))
		return false;
	/* "{user}@{d in ours}": what stands before must end in the '@'. */
	for (i = pattern->list; i != NULL && i->next != last; i = i->next)
		continue;
	if (i != NULL && i->kind == CF_E_CONST)
		at = (ptrdiff_t)i->value.s.n - 1;
	return at >= 0 && i->value.s.p[at] == '@';
}

/* What a stranger, or nobody, can never answer with yes. */
static bool
is_never(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 v;

	if (p->world == PROVE_ANY)
		return false;
	if (e->kind == CF_E_OF) {
		v = prove_value_of(p, x, e->b);
		return prove_is_empty(&v);
	}
	if (e->a == NULL)
		return false;
	v = prove_value_of(p, x, e->a);
	if (e->kind == CF_E_REACHABLE)
		return v.bound == BOUND_NOBODY;
	return e->kind == CF_E_LIKE && v.bound == BOUND_RCPT &&
	    pattern_binds(e->b);
}

/*
 * A match of what is known: `client.user matches /./` of one who has not logged
 * in.  TOO_MUCH: it is not known.
 */
static bdd_node
match_of_known(struct prover *p, prove_env x, const struct cf_expr *e)
{
	struct prove_value	 v;
	struct span		 groups[REGEX_GROUPS_MAX];
	struct regex		*re;
	enum regex_result	 is;
	unsigned		 n;
	char			 why[80];
	size_t			 at;

	if (e->kind != CF_E_MATCHES || type_is_list(e->a))
		return BDD_TOO_MUCH;
	v = prove_value_of(p, x, e->a);
	if (!v.is_const || (v.value.type != RS_T_NONE &&
	    v.value.type != RS_T_TEXT))
		return BDD_TOO_MUCH;
	if (rs_is_void(&v.value))
		return BDD_FALSE;
	re = regex_compile(e->value.s, e->value.bits & RS_REGEX_ICASE, &at,
	    why, sizeof(why));
	if (re == NULL)
		return BDD_TOO_MUCH;
	is = regex_match(re, v.value.s, groups, &n);
	regex_free(&re);
	return is == REGEX_YES ? BDD_TRUE : is == REGEX_NO ? BDD_FALSE :
	    BDD_TOO_MUCH;
}

bdd_node
prove_asked(struct prover *p, prove_env x, const struct cf_expr *e, bool yes)
{
	struct prove_atom	 at = { .kind = ATOM_ASKED, .expr = e };
	struct buf		 key = { 0 };
	bdd_node		 is, soft;

	if (e->a != NULL)
		at.a = prove_value_of(p, x, e->a);
	question(p, x, e, &key);
	if (is_never(p, x, e))
		is = BDD_FALSE;
	else if ((is = match_of_known(p, x, e)) == BDD_TOO_MUCH)
		is = prove_atom_of(p, buf_span(&key), &at);
	if (!yes)
		is = bdd_not(p->bdd, is);
	if (can_be_soft(e)) {
		buf_add_str(&key, "?");
		at.kind = ATOM_SOFT;
		soft = prove_atom_of(p, buf_span(&key), &at);
		is = bdd_and(p->bdd, is, bdd_not(p->bdd, soft));
	}
	buf_clear(&key);
	return is;
}
