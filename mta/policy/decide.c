/*
 * decide.c - a hook is asked; behind an accept in `on rcpt` route is run dry.
 *
 * Owns: the decision, with the evaluation in whose memory the verdict lies.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#include "mta/policy/policy_int.h"

enum phase {
	ASK_WHO,	/* whom does <postmaster> stand for? */
	ASK_POSTMASTER,	/* is he a mailbox here? */
	ASK_HOOK,
	ASK_AGAIN,	/* would a stranger be accepted too? */
	ASK_ROUTE,	/* the dry run */
	ANSWERED
};

struct decision {
	struct decision		*next;		/* idle */
	struct policy		*policy;
	struct policy_facts	*facts;
	struct policy_facts	 own;		/* with another recipient */
	struct policy_facts	 nowhere;	/* without the client's address */
	struct rs_record	*record;
	struct asking		*asking;
	struct asking		*again;		/* without the client's address */
	struct routing		*dry;
	decision_cb		*cb;
	void			*arg;
	enum rs_hook		 hook;
	enum phase		 phase;
	bool			 parked;	/* the evaluation is resumed */
	bool			 in_step;	/* step() goes on by itself */
	bool			 by_route, by_gateway;
	bool			 over, busy, given_up;
	struct rs_verdict	 verdict;
};

static void	work(void *);

/* --- the dry run */

static void
dry_done(void *arg, struct routing *r)
{
	struct decision	*d = arg;

	(void)r;
	if (!d->in_step)
		work(d);
}

/* False: it has to be waited for. */
static bool
dry_run(struct decision *d)
{
	if (d->dry == NULL)
		d->dry = routing_start(d->policy, d->facts, NULL, ROUTING_DRY,
		    dry_done, d);
	return routing_done(d->dry);
}

/* A refusal of route is the answer. */
static void
take_refusal(struct decision *d)
{
	ptrdiff_t		 at = routing_refusal(d->dry);
	const struct target	*t;
	size_t			 n;

	if (at < 0)
		return;
	t = &routing_targets(d->dry, &n)[at];
	d->verdict = *routing_verdict(d->dry, (size_t)at);
	d->verdict.kind = t->kind == TARGET_LATER ? RS_V_DEFER : RS_V_REJECT;
	d->verdict.code = t->code;
	d->verdict.status = t->status;
	d->verdict.text = t->text;
	d->by_route = true;
}

/* --- the hook */

/* False: it has to be waited for. */
static bool
ask_hook(struct decision *d)
{
	enum rs_run	run;

	if (d->parked)
		run = asking_resume(d->asking, &d->verdict);
	else {
		asking_reset(d->asking, d->facts, d->record);
		run = asking_run(d->asking, d->policy->hooks[d->hook],
		    &d->verdict);
	}
	d->parked = run == RS_PENDING;
	return run == RS_DONE;
}

/* What the hook has said; what is asked next. */
static enum phase
hook_said(struct decision *d)
{
	struct rs_verdict	*v = &d->verdict;

	if (d->hook == RS_HOOK_AUTH)
		verdict_of_auth(v);
	if (d->hook != RS_HOOK_RCPT)
		return ANSWERED;
	if (v->kind == RS_V_END) {	/* closed by default */
		v->kind = RS_V_REJECT;
		v->code = 550;
		v->status = SPAN("5.7.1");
	}
	if (!rs_verdict_accepts(v->kind))
		return ANSWERED;
	/* `rcpt unknown` has made the same run; but tags may have changed. */
	if (!facts_have_tags(d->policy))
		d->dry = asking_take_dry(d->asking);
	return d->facts->gateway && !d->facts->authenticated ? ASK_AGAIN :
	    ASK_ROUTE;
}

/*
 * The address may be a gateway's, who lets strangers look like neighbours: only
 * what accepts them too counts.  Asked without an address, which is in no
 * network and equals none, and without effects.  False: to be waited for.
 */
static bool
ask_again(struct decision *d)
{
	struct rs_verdict	v;
	enum rs_run		run;

	if (d->again != NULL)
		run = asking_resume(d->again, &v);
	else {
		d->nowhere = *d->facts;
		memset(&d->nowhere.client_ip, 0, sizeof(struct ip));
		d->again = asking_new(d->policy);
		d->again->resume = work;
		d->again->arg = d;
		d->again->dry = d->again->peeks = true;
		asking_reset(d->again, &d->nowhere, NULL);
		run = asking_run(d->again, d->policy->hooks[d->hook], &v);
	}
	if (run == RS_PENDING)
		return false;
	if (v.kind == RS_V_DEFER)
		d->verdict = v;		/* lies in d->again */
	else if (!rs_verdict_accepts(v.kind)) {
		d->by_gateway = true;
		d->verdict.kind = RS_V_REJECT;
		d->verdict.code = 550;
		d->verdict.status = SPAN("5.7.1");
		d->verdict.text = SPAN("this address may be a gateway's and "
		    "is not trusted");
	}
	d->phase = rs_verdict_accepts(v.kind) ? ASK_ROUTE : ANSWERED;
	return true;
}

/* <postmaster> without a domain is asked with one. */
static enum phase
who(struct decision *d)
{
	const struct policy_facts	*f = d->facts;
	struct span			 whole;

	switch (policy_postmaster(d->policy, f->rcpt, f->rcpt_at,
	    asking_waiter(d->asking), &whole)) {
	case RS_WAIT:
		return ASK_WHO;
	case RS_HAVE:
		d->own = *f;
		d->own.rcpt = whole;
		d->own.rcpt_at = rs_address(whole).at;
		d->facts = &d->own;
		return ASK_POSTMASTER;
	default:
		return ASK_HOOK;
	}
}

static void
postmaster_said(struct decision *d)
{
	if (policy_postmaster_arrives(d->policy, d->dry)) {
		d->verdict.kind = RS_V_ACCEPT;
		d->phase = ANSWERED;
	} else
		d->phase = ASK_HOOK;
	routing_free(&d->dry);
}

/* Runs until there is an answer (true), or something is waited for. */
static bool
step(struct decision *d)
{
	bool	going = true;

	d->in_step = true;
	while (going && d->phase != ANSWERED) {
		switch (d->phase) {
		case ASK_WHO:
			d->phase = who(d);
			going = d->phase != ASK_WHO;
			break;
		case ASK_POSTMASTER:
			if ((going = dry_run(d)))
				postmaster_said(d);
			break;
		case ASK_HOOK:
			if ((going = ask_hook(d)))
				d->phase = hook_said(d);
			break;
		case ASK_AGAIN:
			going = ask_again(d);
			break;
		case ASK_ROUTE:
			if ((going = dry_run(d))) {
				take_refusal(d);
				d->phase = ANSWERED;
			}
			break;
		case ANSWERED:
			break;
		}
	}
	d->in_step = false;
	return going;
}

/* Tells who asked; false when the decision is gone after it. */
static bool
done(struct decision *d)
{
	d->over = true;
	if (d->cb == NULL)
		return true;
	d->busy = true;
	d->cb(d->arg, d);
	d->busy = false;
	if (!d->given_up)
		return true;
	decision_free(&d);
	return false;
}

/* From the loop: an answer has come. */
static void
work(void *arg)
{
	struct decision	*d = arg;

	if (step(d))
		(void)done(d);
}

/* --- */

static struct decision *
decision_new(struct policy *p)
{
	struct decision	*d = p->idle_decisions;

	if (d != NULL) {
		p->idle_decisions = d->next;
		p->nidle_decisions--;
		d->next = NULL;
	} else
		d = xcalloc(1, sizeof(*d));
	d->policy = policy_ref(p);
	d->asking = asking_new(p);
	d->asking->resume = work;
	d->asking->arg = d;
	d->verdict.rule = UINT32_MAX;
	return d;
}

struct decision *
policy_decide(struct policy *p, enum rs_hook hook, struct policy_facts *f,
    struct rs_record *record, decision_cb *cb, void *arg)
{
	struct decision	*d = decision_new(p);

	d->hook = hook;
	d->facts = f;
	d->record = record;
	d->cb = cb;
	d->arg = arg;
	d->asking->dry = f->probe;
	if (f->probe && f->tags != NULL)
		d->asking->tags_arena = tags_arena(f->tags);
	d->phase = hook == RS_HOOK_RCPT ? who(d) : ASK_HOOK;
	if (record != NULL)
		record->hook = hook;
	if (p->hooks[hook] == UINT32_MAX && d->phase == ASK_HOOK)
		d->phase = hook_said(d);	/* there is none: the end */
	if (step(d) && !done(d))
		return NULL;
	return d;
}

const struct rs_verdict *
decision_verdict(const struct decision *d)
{
	return &d->verdict;
}

const struct header_edit *
decision_edits(const struct decision *d, size_t *n)
{
	*n = d->asking->nedits;
	return d->asking->edits;
}

const struct policy_effect *
decision_effects(const struct decision *d, size_t *n)
{
	*n = d->asking->neffects;
	return d->asking->effects;
}

enum rs_verdict_kind
decision_kept(const struct decision *d, struct span *why)
{
	const struct rs_verdict	*v = &d->verdict;

	*why = SPAN_NONE;
	if (v->kind == RS_V_QUARANTINE || v->kind == RS_V_HOLD) {
		*why = v->text;
		return (enum rs_verdict_kind)v->kind;
	}
	if (!d->asking->quarantined || (v->kind != RS_V_ACCEPT &&
	    v->kind != RS_V_END))
		return RS_V_END;
	*why = d->asking->quarantine_why;
	return RS_V_QUARANTINE;
}

uint32_t
decision_line(const struct decision *d)
{
	return d->verdict.rule == UINT32_MAX ? 0 :
	    rs_rule(d->policy->image, d->verdict.rule)->line;
}

bool
decision_done(const struct decision *d)
{
	return d->over;
}

bool
decision_by_gateway(const struct decision *d)
{
	return d->by_gateway;
}

bool
decision_by_route(const struct decision *d)
{
	return d->by_route;
}

void
decision_free(struct decision **dp)
{
	struct decision	*d = *dp;
	struct policy	*p;

	*dp = NULL;
	if (d == NULL)
		return;
	if (d->busy) {		/* done() frees it */
		d->given_up = true;
		return;
	}
	p = d->policy;
	routing_free(&d->dry);
	asking_free(&d->asking);
	asking_free(&d->again);
	*d = (struct decision){ .policy = NULL };
	if (p->nidle_decisions < IDLE_MAX) {
		d->next = p->idle_decisions;
		p->idle_decisions = d;
		p->nidle_decisions++;
	} else
		free(d);
	policy_unref(&p);
}

void
decisions_drop(struct policy *p)
{
	struct decision	*d;

	while ((d = p->idle_decisions) != NULL) {
		p->idle_decisions = d->next;
		free(d);
	}
	p->nidle_decisions = 0;
}
