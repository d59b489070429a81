/*
 * world_dns.c - what the interpreter asks that only DNS can say: `listed by`,
 * `spf`, `resolves`.
 */
#include "mta/policy/lookup.h"

/* What the session has asked; NULL: there is nobody to ask. */
static struct lookups *
lookups_of(const struct asking *a)
{
	if (a->facts->names == NULL || a->policy->dns.ask == NULL)
		return NULL;
	return names_lookups(a->facts->names);
}

enum rs_answer
world_listed(void *ctx, struct rs_eval *e, uint32_t list,
    const struct rs_value *key, struct rs_value *out)
{
	struct asking	*a = ctx;
	struct lookups	*ls = lookups_of(a);
	enum rs_answer	 is;
	bool		 listed = false;

	(void)e;
	if (ls == NULL)
		return RS_CANNOT;
	is = lookup_listed(ls, a->policy, list, key, &a->wait, &listed);
	*out = rs_bool(listed);
	return is;
}

enum rs_answer
world_spf(void *ctx, struct rs_eval *e, struct rs_value *out)
{
	struct asking	*a = ctx;
	struct lookups	*ls = lookups_of(a);
	const char	*result = "";
	enum rs_answer	 is;

	(void)e;
	if (ls == NULL)
		return RS_CANNOT;
	is = lookup_spf(ls, a->policy, a->facts, &a->wait, &result);
	*out = rs_text(RS_T_TEXT, span_of(result));
	return is;
}

enum rs_answer
world_resolves(void *ctx, struct rs_eval *e, const struct rs_value *domain,
    struct rs_value *out)
{
	struct asking	*a = ctx;
	struct lookups	*ls = lookups_of(a);
	enum rs_answer	 is;
	bool		 resolves = false;

	(void)e;
	if (ls == NULL)
		return RS_CANNOT;
	is = lookup_resolves(ls, a->policy, a->facts, domain, &a->wait,
	    &resolves);
	a->dns_failed |= is == RS_CANNOT;
	*out = rs_bool(resolves);
	return is;
}

/*
 * A name that cannot be asked for defers as such (RFC 3463, X.4.3); who is
 * refused for SPF (RFC 7372, 3.2) without a text is told the domain's.
 */
void
world_dns_ended(const struct asking *a, struct rs_verdict *v)
{
	struct lookups	*ls;

	if (v->kind == RS_V_DEFER && v->cannot && a->dns_failed)
		v->status = SPAN("4.4.3");
	if (v->kind == RS_V_REJECT && v->text.n == 0 &&
	    span_eq(v->status, SPAN("5.7.23")) &&
	    (ls = lookups_of(a)) != NULL)
		v->text = lookup_spf_text(ls, rs_eval_arena(a->eval));
}
