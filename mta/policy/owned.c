/*
 * owned.c - `X of client.user`: whose mailbox an address is.
 *
 * X is routed as a recipient, by rules that know nothing of a client; it is a
 * user's when that ends in exactly one mailbox, and the mailbox is his.  An
 * alias with several members belongs to none of them.  <> belongs to everybody
 * who has logged in.
 *
 * A mailbox is his whose account has the name that he has logged in with.  Where
 * two mailboxes have different accounts, a name may be somebody's in each: who
 * has logged in with one table owns nothing in the other's.
 */
#include "base/log.h"
#include "mail/address.h"

#include "mta/policy/policy_int.h"

static void
routed(void *arg, struct routing *r)
{
	struct asking	*a = arg;

	(void)r;
	if (!a->asking_owner)
		a->resume(a->arg);
}

/* What route may know: the address, and nothing of who asks. */
static struct policy_facts
facts_of(const struct policy_facts *f, const struct rs_value *address)
{
	return (struct policy_facts){
		.listener = f->listener, .now_ms = f->now_ms,
		.rcpt = address->s, .rcpt_at = address->at
	};
}

/* False: it has to be waited for. */
static bool
route(struct asking *a, struct rs_eval *e, const struct rs_value *address)
{
	struct policy_facts	f;

	if (a->owner != NULL && !span_eq(a->owner_of, address->s))
		routing_free(&a->owner);	/* of another question */
	if (a->owner == NULL) {
		f = facts_of(a->facts, address);
		a->owner_of = arena_span(rs_eval_arena(e), address->s);
		a->asking_owner = true;
		a->owner = routing_start(a->policy, &f, NULL, ROUTING_ALL,
		    routed, a);
		a->asking_owner = false;
	}
	return routing_done(a->owner);
}

static const struct policy_box *
box_named(const struct policy *p, struct span name)
{
	for (uint32_t i = 0; i < rs_nobject(p->image); i++)
		if (rs_object(p->image, i)->kind == RS_O_MAILBOX &&
		    span_eq(rs_string(p->image, rs_object(p->image, i)->name),
		    name))
			return &p->boxes[i];
	return NULL;
}

static bool
has_mailboxes(const struct policy *p, uint32_t map)
{
	for (uint32_t i = 0; i < rs_nobject(p->image); i++)
		if (p->boxes[i].accounts == map)
			return true;
	return false;
}

/* A table of logins that is no mailbox's names the same people as theirs. */
static bool
same_people(const struct policy *p, uint32_t login, struct span mailbox)
{
	const struct policy_box	*b = box_named(p, mailbox);

	return login == 0 || (b != NULL && b->accounts == login - 1) ||
	    !has_mailboxes(p, login - 1);
}

enum rs_answer
world_owned(void *ctx, struct rs_eval *e, const struct rs_value *address,
    const struct rs_value *user, struct rs_value *out)
{
	struct asking		*a = ctx;
	const struct target	*t;
	size_t			 n;

	*out = rs_bool(false);
	if (user->type != RS_T_TEXT || address->type != RS_T_ADDRESS ||
	    user->s.n == 0)
		return RS_HAVE;
	if (address->s.n == 0) {
		*out = rs_bool(true);
		return RS_HAVE;
	}
	if (a->routing)
		return RS_CANNOT;
	if (!route(a, e, address))
		return RS_WAIT;
	if (routing_unknown(a->owner) < 0)
		return RS_CANNOT;
	t = routing_targets(a->owner, &n);
	*out = rs_bool(n == 1 && t->kind == TARGET_DELIVER &&
	    span_ieq(t->account, user->s) &&
	    same_people(a->policy, a->facts->user_map, t->mailbox));
	return RS_HAVE;
}
