/*
 * routing.c - a recipient from the top of `route`, expanded, to its targets.
 *
 * The addresses that an expansion yields are walked depth first; an address
 * is open while its members are being routed, and closed after.  One that
 * leads to an open address is a loop, one that leads to a closed address is a
 * duplicate; one that leads to itself is what the rest of its rule says.
 *
 * The exact comes before the general, whatever the order of the tables: an
 * expansion by a general key (a catch-all, a pattern) is kept while the rest
 * of the rules is asked, and holds only when no table has a nearer key and no
 * mailbox is that of the recipient.
 *
 * Owns: the targets.  Borrows: the facts, until cb has been called.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "mail/address.h"
#include "mta/msg/hop.h"

#include "mta/policy/policy_int.h"
#include "mta/policy/routing_int.h"

/* --- one address */

void
routing_refuse(struct routing *r, unsigned code, const char *status,
    struct span text)
{
	routing_fail(r, code, status, text);
	r->phase = ROUTE_NEXT;
}

void
routing_cannot(struct routing *r, struct span text)
{
	routing_refuse(r, 451, "4.3.0", text);
	r->outcomes[r->n - 1].cannot = true;
}

static void
refuse(struct routing *r, const struct rs_verdict *v)
{
	struct target	t = { .kind = TARGET_FAIL };
	struct span	status, text;
	unsigned	code;

	policy_reply(v, &r->arena, &code, &status, &text);
	if (v->kind == RS_V_DEFER)
		t.kind = TARGET_LATER;
	t.code = (uint16_t)code;
	t.status = arena_span(&r->arena, status);
	t.text = text;
	routing_add(r, &t);
	r->outcomes[r->n - 1].cannot = v->cannot;
	r->phase = ROUTE_NEXT;
}

/* The expansion stands on the stack; what of the name itself? */
static void
expanded(struct routing *r, enum expansion is,
    const struct rs_verdict *refusal)
{
	switch (is) {
	case EXPANDED:
		r->phase = ROUTE_NEXT;
		break;
	case EXPANDED_SELF:	/* the rest of the rule says */
		r->parked = true;
		break;
	case EXPANDED_DEEP:
		routing_refuse(r, 554, "5.4.6", SPAN("expanded more than 32 deep"));
		break;
	case EXPANDED_BROKEN:
		routing_cannot(r, SPAN("the list cannot be read"));
		break;
	case EXPANDED_REFUSED:
		refuse(r, refusal);
		break;
	case EXPANDED_WAIT:
		r->say_again = true;
		break;
	}
}

/* No nearer key was found: the general one holds. */
static enum expansion
take_kept(struct routing *r)
{
	struct rs_verdict	refusal = { .kind = RS_V_END };
	enum expansion		is;

	is = routing_expand(r, r->kept.object, &refusal);
	if (is != EXPANDED_WAIT) {
		r->has_kept = false;
		r->last = &r->kept;
	}
	if (is != EXPANDED_SELF)
		expanded(r, is, &refusal);
	return is;
}

/* Whether a nearer key may stand in another table, or be a mailbox. */
static bool
is_general(const struct routing *r, enum map_rank rank)
{
	return rank >= MAP_PATTERN ||
	    (rank != MAP_EXACT && r->policy->virtusers);
}

/* An expansion: at once, or kept while the rest of the rules is asked. */
static void
expand_said(struct routing *r, const struct rs_verdict *v)
{
	struct rs_verdict	refusal = { .kind = RS_V_END };
	enum map_rank		rank;
	enum expansion		is;

	if (r->mailbox_only) {		/* the rest of the rule says */
		r->parked = true;
		return;
	}
	if (!routing_rank(r, v->object, &rank)) {
		r->say_again = true;
		return;
	}
	if (!is_general(r, rank)) {
		is = routing_expand(r, v->object, &refusal);
		r->has_kept &= is == EXPANDED_WAIT;
		expanded(r, is, &refusal);
		return;
	}
	if (!r->has_kept || rank < r->kept_rank) {
		r->kept = *v;
		r->kept.value = rs_copy(&v->value, &r->arena);
		r->kept_rank = rank;
		r->has_kept = true;
	}
	r->parked = true;
}

/* Something else than an expansion or a mailbox: does the kept key hold? */
static bool
kept_holds(struct routing *r, const struct rs_verdict *v)
{
	if (!r->has_kept || v->kind == RS_V_EXPAND ||
	    (v->kind == RS_V_DEFER && v->cannot) ||
	    (v->kind == RS_V_DELIVER && r->kept_rank >= MAP_PATTERN))
		return false;
	if (take_kept(r) != EXPANDED_SELF)
		return true;
	r->last = v;
	return false;
}

/* Whose it is: one for all, or (uid -1) the account; its group may be another. */
static bool
has_owner(const struct routing *r, struct target *t)
{
	const struct policy	*p = r->policy;
	bool			 account;

	account = p->boxes[r->find.object].owner_account;
	if (p->owner != NULL && !p->owner(p->owner_arg, r->find.object,
	    &t->uid, &t->gid))
		return false;
	if (account) {
		t->uid = r->find.uid;
		if (p->owner == NULL || t->gid == (uint32_t)-1)
			t->gid = r->find.gid;
	}
	return true;
}

static void
found_mailbox(struct routing *r)
{
	struct policy	*p = r->policy;
	struct target	 t = { .kind = TARGET_DELIVER };

	t.mailbox = rs_string(p->image,
	    rs_object(p->image, r->find.object)->name);
	t.account = r->find.account;
	t.path = r->find.path;
	t.how = mailbox_how(&r->find, &r->arena);
	if (!has_owner(r, &t)) {
		routing_refuse(r, 451, "4.3.5",
		    SPAN("the owner of the mailbox is not known"));
		return;
	}
	r->has_kept = false;
	if (forward_wanted(r)) {
		forward_ask(r, &t);
		return;
	}
	if (!r->mailbox_only)
		t.forward = r->find.forward;
	routing_add(r, &t);
	r->phase = ROUTE_NEXT;
}

static void
no_mailbox(struct routing *r)
{
	routing_refuse(r, 550, "5.1.1", SPAN("no such mailbox here"));
	r->outcomes[r->n - 1].unknown = true;
}

static void
mailbox_went(struct routing *r, enum mailbox_step is)
{
	switch (is) {
	case BOX_ASK:
		r->phase = ROUTE_MAILBOX;
		break;
	case BOX_DONE:
		found_mailbox(r);
		break;
	case BOX_NONE:
		if (r->has_kept)
			r->phase = ROUTE_KEPT;
		else
			no_mailbox(r);
		break;
	case BOX_LATER:
		routing_cannot(r, span_of(r->find.why));
		break;
	case BOX_WAIT:
		r->say_again = true;
		break;
	}
}

/* --- what the rules say */

/*
 * Mail goes through filters in the order of their declaration, so what has come
 * back from one has been through those before it.
 */
static bool
filter_passed(const struct rs_image *im, uint32_t filter, struct span from)
{
	uint32_t	i, n = rs_nobject(im);

	if (from.n == 0)
		return false;
	if (span_eq(from, SPAN(POLICY_ALL_FILTERS)))
		return true;
	for (i = filter; i < n; i++)
		if (rs_object(im, i)->kind == RS_O_FILTER &&
		    span_eq(rs_string(im, rs_object(im, i)->name), from))
			return true;
	return false;
}

/* What it says becomes of the message. */
static bool
is_real(const struct routing *r)
{
	return r->kind == ROUTING_REAL || r->kind == ROUTING_LEAVING;
}

/* Past a filter that it comes from; whoever only asks sees what is behind. */
static bool
goes_past(struct routing *r, const struct rs_verdict *v)
{
	if (v->kind != RS_V_FILTER)
		return false;
	if (r->nthrough < FILTERS_NOTED)
		r->through[r->nthrough++] = v->object;
	return !is_real(r) || filter_passed(r->policy->image, v->object,
	    r->facts.filtered);
}

/* To the filter: the envelope stays. */
static void
by_filter(struct routing *r, uint32_t filter)
{
	const struct rs_image	*im = r->policy->image;
	struct target		 t = { .kind = TARGET_HOP };

	t.hop = hop_format(&r->arena, HOP_TO_FILTER,
	    rs_string(im, rs_object(im, filter)->name));
	routing_add(r, &t);
	r->phase = ROUTE_NEXT;
}

bool
routing_goes_through(const struct routing *r, uint32_t object)
{
	unsigned	i;

	for (i = 0; i < r->nthrough; i++)
		if (r->through[i] == object)
			return true;
	return false;
}

static void
discard(struct routing *r)
{
	struct target	t = { .kind = TARGET_DISCARD };

	routing_add(r, &t);
	r->phase = ROUTE_NEXT;
}

/* What is delivered by others: a command, a file. */
static void
elsewhere(struct routing *r, enum target_kind kind, const struct rs_verdict *v)
{
	struct target	t = { .kind = (uint8_t)kind };

	t.path = arena_span(&r->arena, v->value.s);
	if (kind == TARGET_PIPE)
		t.account = arena_span(&r->arena, v->text);
	if (!programs_user(r->policy, t.account, &t)) {
		routing_refuse(r, 451, "4.3.5", arena_printf(&r->arena,
		    "there is no system user '%.*s'", SPAN_ARG(t.account.n > 0 ?
		    t.account : r->policy->programs.user)));
		return;
	}
	programs_target(r->policy, &t, SPAN_NONE, &r->arena);
	routing_add(r, &t);
	r->phase = ROUTE_NEXT;
}

/* What the rules say of this address. */
static void
rules_said(struct routing *r, const struct rs_verdict *v)
{
	if (goes_past(r, v)) {
		r->parked = true;
		return;
	}
	if (kept_holds(r, v))
		return;
	r->last = v;
	switch (v->kind) {
	case RS_V_EXPAND:
		expand_said(r, v);
		break;
	case RS_V_REDIRECT:
		expanded(r, routing_redirect(r, &v->value), NULL);
		break;
	case RS_V_DELIVER:
		r->deliver = *v;	/* constants, and the policy's own */
		r->last = &r->deliver;
		mailbox_went(r, mailbox_begin(&r->find, r->asking, v->object,
		    &r->at, r->kind == ROUTING_REAL, &r->facts, &r->arena));
		break;
	case RS_V_RELAY:
		next_hop_relay(r, v->object);
		break;
	case RS_V_RELAY_TO:
		next_hop_host(r, v->value.s);
		break;
	case RS_V_MX:
		next_hop_mx(r, &v->value);
		break;
	case RS_V_DISCARD:
		discard(r);
		break;
	case RS_V_FILTER:
		by_filter(r, v->object);
		break;
	case RS_V_LMTP:
		next_hop_lmtp(r, v->value.s);
		break;
	case RS_V_PIPE:
		elsewhere(r, TARGET_PIPE, v);
		break;
	case RS_V_FILE:
		elsewhere(r, TARGET_FILE, v);
		break;
	case RS_V_REJECT:
	case RS_V_DEFER:
	case RS_V_MOVED:
		refuse(r, v);
		break;
	default:
		routing_refuse(r, 451, "4.3.5", SPAN("route ended without a verdict"));
		break;
	}
}

/* --- the walk */

/* A function for this phase; false: the place is a constant, *v has it. */
static bool
phase_func(struct routing *r, uint32_t *func, struct rs_verdict *v)
{
	struct rs_place	pl = r->phase == ROUTE_HOP ? next_hop_place(r) :
			    r->find.place;

	*func = r->policy->hooks[RS_HOOK_ROUTE];
	if (r->phase == ROUTE_RULES)
		return true;
	*func = pl.index;
	if (pl.is_func)
		return true;
	*v = (struct rs_verdict){ .kind = RS_V_VALUE };
	if (pl.index != UINT32_MAX)
		v->value = rs_const(r->policy->image, pl.index);
	return false;
}

static enum rs_run
evaluate(struct routing *r, struct rs_verdict *v)
{
	uint32_t	func;

	if (r->parked) {
		r->parked = false;
		return asking_resume(r->asking, v);
	}
	if (r->phase == ROUTE_KEPT) {
		*v = r->kept;
		return RS_DONE;
	}
	if (r->phase == ROUTE_SENDER || r->phase == ROUTE_RCPT)
		return leaving_run(r, v);
	if (!phase_func(r, &func, v))
		return RS_DONE;
	if (func == UINT32_MAX) {
		*v = (struct rs_verdict){ .kind = RS_V_END };
		return RS_DONE;
	}
	asking_reset(r->asking, &r->facts,
	    r->phase == ROUTE_RULES ? r->record : NULL);
	r->asking->as_path = r->phase == ROUTE_MAILBOX &&
	    (r->find.step == FIND_PATH || r->find.step == FIND_FORWARD);
	return asking_run(r->asking, func, v);
}

static void
value_said(struct routing *r, const struct rs_verdict *v)
{
	struct rs_value	none = { .type = RS_T_NONE };

	if (v->kind == RS_V_DEFER)	/* a table failed in the expression */
		none = rs_unknown(RS_WHY_TABLE);
	mailbox_went(r, mailbox_told(&r->find,
	    v->kind == RS_V_VALUE ? &v->value : &none,
	    r->asking->empty_name, &r->facts, r->record, &r->arena));
}

static void
said(struct routing *r, const struct rs_verdict *v)
{
	switch (r->phase) {
	case ROUTE_RULES:
		rules_said(r, v);
		break;
	case ROUTE_KEPT:
		if (take_kept(r) == EXPANDED_SELF)
			no_mailbox(r);
		break;
	case ROUTE_HOP:
		next_hop_said(r, v);
		break;
	case ROUTE_SENDER:
	case ROUTE_RCPT:
		leaving_said(r, v);
		break;
	default:
		value_said(r, v);
		break;
	}
}

/* It is expanded, or its target is no next hop. */
static bool
stays(const struct routing *r)
{
	return r->is_list || r->n > 1 ||
	    (r->n == 1 && r->targets[0].kind != TARGET_HOP);
}

/*
 * A dry run is over at the first target that goes somewhere; who asks whose
 * address it is, with the second: it is nobody's.
 */
static bool
answered(const struct routing *r)
{
	size_t	enough = r->kind == ROUTING_DRY ? 1 : 2;

	if (r->kind == ROUTING_LEAVING)
		return stays(r);
	return (r->kind == ROUTING_DRY || r->kind == ROUTING_ALL) &&
	    r->n >= enough &&
	    target_good(&r->targets[r->n - 1]) &&
	    (enough == 1 || target_good(&r->targets[r->n - 2]));
}

static void	work(void *);

/* Whether others have their turn now. */
static bool
is_time(int64_t until_us, unsigned i)
{
	return i % ROUTE_LOOK == ROUTE_LOOK - 1 && clock_boot_us() > until_us;
}

/*
 * What is said of the address, and what follows from it.  False: something is
 * waited for; for a table that was to be asked behind the rules, the same is
 * said again.
 */
static bool
ask(struct routing *r)
{
	struct rs_verdict	v;

	if (r->phase == ROUTE_FIRST) {
		routing_first(r, r->at.whole, r->at.at);
		return r->phase != ROUTE_FIRST;
	}
	if (r->phase == ROUTE_FORWARD)
		return forward_said(r);
	if (r->say_again) {
		r->say_again = false;
		v = r->said;
	} else if (evaluate(r, &v) == RS_PENDING) {
		r->parked = true;
		return false;
	}
	said(r, &v);
	if (r->say_again)
		r->said = v;
	return !r->say_again;
}

/* Runs until all is said (true), or something is waited for. */
static bool
step(struct routing *r)
{
	int64_t			until_us = clock_boot_us() + ROUTE_SLICE_US;
	unsigned		i;

	for (i = 0; r->phase != ROUTE_OVER; i++) {
		r->steps++;
		if (r->policy->later != NULL && is_time(until_us, i)) {
			r->queued = true;
			r->policy->later(work, r);
			return false;
		}
		if (r->phase == ROUTE_NEXT) {
			if (answered(r))
				break;
			routing_next(r);
			continue;
		}
		if (!ask(r))
			return false;
	}
	return true;
}

/* Tells who asked; false when the routing is gone after it. */
static bool
done(struct routing *r)
{
	r->phase = ROUTE_OVER;
	r->over = true;
	if (r->cb == NULL)
		return true;
	r->busy = true;
	r->cb(r->arg, r);
	r->busy = false;
	if (!r->given_up)
		return true;
	routing_free(&r);
	return false;
}

/* From the loop: an answer has come, or it is time for the next slice. */
static void
work(void *arg)
{
	struct routing	*r = arg;

	if (r->queued) {
		r->queued = false;
		if (r->given_up) {
			routing_free(&r);
			return;
		}
	}
	if (step(r))
		(void)done(r);
}

void
routing_resume(struct routing *r)
{
	work(r);
}

struct routing *
routing_start(struct policy *p, struct policy_facts *f,
    struct rs_record *record, enum routing_kind kind, routing_cb *cb,
    void *arg)
{
	struct routing	*r = routing_new(p, f);

	r->record = record;
	r->kind = kind;
	r->dry = kind == ROUTING_DRY;
	r->cb = cb;
	r->arg = arg;
	r->asking->peeks = !is_real(r);
	r->asking->resume = work;
	r->asking->arg = r;
	routing_first(r, f->rcpt, f->rcpt_at);
	if (step(r) && !done(r))
		return NULL;
	return r;
}

struct routing *
policy_route(struct policy *p, struct policy_facts *f,
    struct rs_record *record, routing_cb *cb, void *arg)
{
	return routing_start(p, f, record, ROUTING_REAL, cb, arg);
}

struct routing *
policy_route_dry(struct policy *p, struct policy_facts *f,
    struct rs_record *record, routing_cb *cb, void *arg)
{
	return routing_start(p, f, record, ROUTING_DRY, cb, arg);
}

struct routing *
policy_route_leaving(struct policy *p, struct policy_facts *f,
    struct rs_record *record, routing_cb *cb, void *arg)
{
	return routing_start(p, f, record, ROUTING_LEAVING, cb, arg);
}

const struct target *
routing_leaves(const struct routing *r)
{
	const struct target	*t = r->targets;

	return r->n != 1 || stays(r) || t->owned ? NULL : t;
}

struct routing *
policy_route_members(struct policy *p, struct policy_facts *f, routing_cb *cb,
    void *arg)
{
	return routing_start(p, f, NULL, ROUTING_MEMBERS, cb, arg);
}

bool
routing_is_list(const struct routing *r)
{
	return r->is_list;
}
