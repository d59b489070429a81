/*
 * leaving.c - the envelope with which a routed recipient leaves for its next
 * hop: `rewrite outbound sender` and `rewrite outbound rcpt`.
 *
 * The target is there already; what is rewritten is put into it, or it is
 * taken back when that cannot be said now.
 */
#include "mta/policy/policy_int.h"
#include "mta/policy/routing_int.h"

static bool
rewrites(const struct routing *r, enum rs_hook which, struct span whole,
    size_t at)
{
	return !r->dry && rewrite_wanted(r->policy, which, whole, at);
}

/* Whom it comes from: the owner of the list that named it, or the sender. */
static struct span
comes_from(const struct routing *r)
{
	return r->from.n > 0 ? r->from : r->facts.sender;
}

/* The rewritten sender is the same for all that comes from one. */
static bool
sender_known(const struct routing *r)
{
	return r->sender_known && span_eq(r->sender_of, comes_from(r));
}

static void
leave_from(struct routing *r)
{
	if (sender_known(r) && r->sender_is == REWRITTEN_NEW)
		r->targets[r->n - 1].mail_from = r->sender.whole;
	r->phase = rewrites(r, RS_HOOK_REWRITE_OUT_RCPT, r->at.whole,
	    r->at.at) ? ROUTE_RCPT : ROUTE_NEXT;
}

void
leaving_to(struct routing *r, struct span hop)
{
	struct target	t = { .kind = TARGET_HOP, .hop = hop };
	struct span	from = comes_from(r);

	routing_add(r, &t);
	if (sender_known(r) || !rewrites(r, RS_HOOK_REWRITE_OUT_SENDER, from,
	    rs_address(from).at))
		leave_from(r);
	else
		r->phase = ROUTE_SENDER;
}

/* The rules of the rewriting stand in the record of route. */
enum rs_run
leaving_run(struct routing *r, struct rs_verdict *v)
{
	bool		sender = r->phase == ROUTE_SENDER;
	enum rs_run	run;

	run = rewrite_run(r->asking, sender ? RS_HOOK_REWRITE_OUT_SENDER :
	    RS_HOOK_REWRITE_OUT_RCPT, &r->facts,
	    sender ? comes_from(r) : r->at.whole, r->record, v);
	if (r->record != NULL)
		r->record->hook = RS_HOOK_ROUTE;
	return run;
}

/* The target that was found waits, since its envelope is not known. */
static void
cannot_leave(struct routing *r)
{
	r->n--;
	r->last = NULL;
	routing_cannot(r, SPAN("an address cannot be rewritten now"));
}

static void
sender_said(struct routing *r, const struct rs_verdict *v)
{
	struct address	old = { .whole = comes_from(r) };

	old.at = rs_address(old.whole).at;
	r->sender_is = rewrite_said(v, &old, &r->arena, &r->sender);
	if (r->sender_is == REWRITTEN_CANNOT) {
		cannot_leave(r);
		return;
	}
	r->sender_known = true;
	r->sender_of = old.whole;
	leave_from(r);
}

static void
rcpt_said(struct routing *r, const struct rs_verdict *v)
{
	struct address	new;

	switch (rewrite_said(v, &r->at, &r->arena, &new)) {
	case REWRITTEN_CANNOT:
		cannot_leave(r);
		return;
	case REWRITTEN_NEW:
		r->targets[r->n - 1].rcpt_to = new.whole;
		break;
	case REWRITTEN_SAME:
		break;
	}
	r->phase = ROUTE_NEXT;
}

void
leaving_said(struct routing *r, const struct rs_verdict *v)
{
	if (r->phase == ROUTE_SENDER)
		sender_said(r, v);
	else
		rcpt_said(r, v);
}
