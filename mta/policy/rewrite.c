/*
 * rewrite.c - an address becomes another, by a rewrite block of the policy.
 *
 * The block is a function of the address; what it gives is normalised here,
 * since parts of it may come from tables.  The result is not rewritten again.
 *
 * Owns: the rewriting, with the evaluation in whose memory the answer lies.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "mail/address.h"

#include "mta/policy/policy_int.h"

struct rewriting {
	struct policy		*policy;
	struct policy_facts	*facts;
	struct asking		*asking;
	struct arena		 arena;
	enum rs_hook		 which;
	struct address		 old, new;
	enum rewritten		 is;
	struct rs_record	*record;
	rewriting_cb		*cb;
	void			*arg;
	bool			 parked;	/* the evaluation is resumed */
	bool			 over, busy, given_up;
};

bool
policy_has(const struct policy *p, enum rs_hook which)
{
	return p->hooks[which] != UINT32_MAX;
}

/* --- for who runs it in an evaluation of his own */

bool
rewrite_wanted(const struct policy *p, enum rs_hook which, struct span whole,
    size_t at)
{
	/* <>, and <postmaster>, who is always here: RFC 5321, 4.5.1. */
	return policy_has(p, which) && at < whole.n;
}

enum rs_run
rewrite_run(struct asking *a, enum rs_hook which, struct policy_facts *f,
    struct span whole, struct rs_record *record, struct rs_verdict *v)
{
	struct rs_value	arg = rs_address(whole);

	arg.tainted = true;
	asking_reset(a, f, record);
	return asking_call(a, a->policy->hooks[which], &arg, 1, v);
}

/* "user" out of a table is taken at the domain that the address had. */
static struct span
with_domain(const struct address *ad, const struct address *old,
    struct arena *ar)
{
	struct span	domain = address_domain(old);

	if (address_domain(ad).n > 0 || domain.n == 0)
		return ad->whole;
	return arena_join(ar, ad->whole, SPAN("@"), domain);
}

enum rewritten
rewrite_said(const struct rs_verdict *v, const struct address *old,
    struct arena *ar, struct address *out)
{
	const unsigned	 flags = ADDRESS_UTF8_OK | ADDRESS_BARE_LOCAL_OK;
	const char	*why;
	struct span	 whole;

	if (v->kind == RS_V_END)
		return REWRITTEN_SAME;
	if (v->kind != RS_V_VALUE || v->value.type == RS_T_UNKNOWN)
		return REWRITTEN_CANNOT;
	if (v->value.type == RS_T_NONE)
		return REWRITTEN_SAME;
	if ((v->value.type != RS_T_ADDRESS && v->value.type != RS_T_TEXT) ||
	    address_parse(v->value.s, flags, ar, out, &why) == -1)
		return REWRITTEN_CANNOT;
	whole = with_domain(out, old, ar);
	if (whole.n != out->whole.n &&
	    address_parse(whole, flags, ar, out, &why) == -1)
		return REWRITTEN_CANNOT;
	return span_eq(out->whole, old->whole) ? REWRITTEN_SAME :
	    REWRITTEN_NEW;
}

/* --- one rewriting */

/* False: it has to be waited for. */
static bool
step(struct rewriting *r)
{
	struct rs_verdict	v;
	enum rs_run		run;

	run = r->parked ? asking_resume(r->asking, &v) :
	    rewrite_run(r->asking, r->which, r->facts, r->old.whole,
	    r->record, &v);
	r->parked = run == RS_PENDING;
	if (!r->parked)
		r->is = rewrite_said(&v, &r->old, &r->arena, &r->new);
	return !r->parked;
}

/* Tells who asked; false when the rewriting is gone after it. */
static bool
done(struct rewriting *r)
{
	r->over = true;
	if (r->cb == NULL)
		return true;
	r->busy = true;
	r->cb(r->arg, r);
	r->busy = false;
	if (!r->given_up)
		return true;
	rewriting_free(&r);
	return false;
}

/* From the loop: an answer has come. */
static void
work(void *arg)
{
	struct rewriting	*r = arg;

	if (step(r))
		(void)done(r);
}

struct rewriting *
policy_rewrite(struct policy *p, enum rs_hook which, struct policy_facts *f,
    struct span whole, struct rs_record *record, rewriting_cb *cb, void *arg)
{
	struct rewriting	*r = xcalloc(1, sizeof(*r));

	r->policy = policy_ref(p);
	r->facts = f;
	r->asking = asking_new(p);
	r->asking->resume = work;
	r->asking->arg = r;
	r->which = which;
	r->record = record;
	if (record != NULL)
		record->hook = which;
	r->old.whole = arena_span(&r->arena, whole);
	r->old.at = rs_address(whole).at;
	r->cb = cb;
	r->arg = arg;
	if ((!rewrite_wanted(p, which, whole, r->old.at) || step(r)) &&
	    !done(r))
		return NULL;
	return r;
}

bool
rewriting_done(const struct rewriting *r)
{
	return r->over;
}

enum rewritten
rewriting_result(const struct rewriting *r, struct address *out)
{
	*out = r->is == REWRITTEN_NEW ? r->new : r->old;
	return r->is;
}

void
rewriting_free(struct rewriting **rp)
{
	struct rewriting	*r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	if (r->busy) {		/* done() frees it */
		r->given_up = true;
		return;
	}
	asking_free(&r->asking);
	policy_unref(&r->policy);
	arena_clear(&r->arena);
	free(r);
}
