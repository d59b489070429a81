/*
 * callouts.c - what a next hop says of a recipient; `rcpt unknown`.
 *
 * `sender reachable` asks the MX of the sender's domain whether a bounce would be
 * taken, `rcpt reachable` where the recipient's route leads.  `rcpt unknown` is
 * the dry run of route; where that ends in a relay with `verify recipients` the
 * hop has the word.
 */
#include "mta/msg/hop.h"

#include "mta/policy/policy_int.h"

/* --- the question */

static void
answered(void *arg, enum callout_answer answer)
{
	asked_told(arg, answer == CALLOUT_CANNOT ? RS_CANNOT : RS_HAVE,
	    answer == CALLOUT_YES);
}

static enum rs_answer
call(struct asking *a, struct span hop, struct span address,
    struct rs_value *out)
{
	const struct policy_callouts	*k = &a->policy->callouts;

	if (k->ask == NULL)
		return RS_CANNOT;
	if (a->asked.is == ASKED_NOTHING) {
		asked_begin(a, k->cancel, k->ctx);
		asked_ticket(a, k->ask(k->ctx, hop, address, answered, a));
	}
	return asked_take(a, out);
}

/* --- where a recipient's route leads */

static void
dry_done(void *arg, struct routing *r)
{
	struct asking	*a = arg;

	(void)r;
	if (!a->asking_unknown)
		a->resume(a->arg);
}

/* False: it has to be waited for. */
static bool
dry_run(struct asking *a)
{
	if (a->unknown == NULL) {
		a->asking_unknown = true;
		a->unknown = routing_start(a->policy, a->facts, NULL,
		    ROUTING_DRY, dry_done, a);
		a->asking_unknown = false;
	}
	return routing_done(a->unknown);
}

/* The target that goes over to another hop, if it is the one that counts. */
static const struct target *
to_hop(const struct routing *r)
{
	const struct target	*t;
	size_t			 n;

	t = routing_targets(r, &n);
	return n > 0 && t[n - 1].kind == TARGET_HOP ? &t[n - 1] : NULL;
}

static bool
verifies(const struct policy *p, struct span hop)
{
	const struct rs_image	*im = p->image;
	const struct rs_optval	*v;
	const struct rs_object	*o;
	uint32_t		 i;

	if ((hop = hop_relay_block(hop)).n == 0)
		return false;
	for (i = 0; i < rs_nobject(im); i++) {
		o = rs_object(im, i);
		if (o->kind == RS_O_RELAY && span_eq(rs_string(im, o->name),
		    hop))
			return rs_option(im, i, RS_OPT_RELAY_verify_rcpt, 0,
			    &v) && !v->is_default;
	}
	return false;
}

static enum rs_answer
unknown_by_hop(struct asking *a, const struct target *t, struct rs_value *out)
{
	enum rs_answer	answer = call(a, t->hop, t->address, out);

	if (answer == RS_HAVE)
		*out = rs_not(out);
	return answer;
}

enum rs_answer
world_rcpt_unknown(void *ctx, struct rs_eval *e, struct rs_value *out)
{
	struct asking		*a = ctx;
	const struct target	*t;
	int			 unknown;

	(void)e;
	if (a->routing)		/* route cannot ask for its own result */
		return RS_CANNOT;
	if (!dry_run(a))
		return RS_WAIT;
	unknown = routing_unknown(a->unknown);
	if (unknown < 0)
		return RS_CANNOT;
	t = to_hop(a->unknown);
	if (unknown == 0 && t != NULL && verifies(a->policy, t->hop))
		return unknown_by_hop(a, t, out);
	*out = rs_bool(unknown == 1);
	return RS_HAVE;
}

/* --- reachable */

static enum rs_answer
rcpt_reachable(struct asking *a, struct rs_value *out)
{
	const struct target	*t;
	int			 unknown;

	if (a->routing)
		return RS_CANNOT;
	if (!dry_run(a))
		return RS_WAIT;
	if ((t = to_hop(a->unknown)) != NULL)
		return call(a, t->hop, t->address, out);
	unknown = routing_unknown(a->unknown);
	*out = rs_bool(unknown == 0 && routing_refusal(a->unknown) < 0);
	return unknown < 0 ? RS_CANNOT : RS_HAVE;
}

/* <> is no address that mail could be sent to, and asks nobody: it is fine. */
static enum rs_answer
sender_reachable(struct asking *a, struct rs_eval *e,
    const struct rs_value *address, struct rs_value *out)
{
	struct span	domain;

	*out = rs_bool(true);
	if (address->s.n == 0)
		return RS_HAVE;
	if (address->at >= address->s.n)
		return RS_CANNOT;
	domain = span_from(address->s, (size_t)address->at + 1);
	return call(a, hop_format(rs_eval_arena(e), HOP_TO_MX, domain),
	    address->s, out);
}

enum rs_answer
world_reachable(void *ctx, struct rs_eval *e, const struct rs_value *address,
    bool recipient, struct rs_value *out)
{
	if (address->type != RS_T_ADDRESS)
		return RS_CANNOT;
	if (recipient)
		return rcpt_reachable(ctx, out);
	return sender_reachable(ctx, e, address, out);
}

/* --- by the relay process */

static uint64_t
ask_by(void *ctx, struct span hop, struct span address, callout_cb *cb,
    void *arg)
{
	return callout_ask(ctx, hop, address, cb, arg);
}

static void
cancel_by(void *ctx, uint64_t ticket)
{
	callout_cancel(ctx, ticket);
}

struct policy_callouts
policy_callouts_by(struct callout_client *k)
{
	return (struct policy_callouts){ ask_by, cancel_by, k };
}
