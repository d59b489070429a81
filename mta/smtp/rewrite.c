/*
 * rewrite.c - one address after the other, then the header as a whole.
 */
#include "config.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mail/header_address.h"
#include "mta/smtp/filtered.h"
#include "mta/smtp/rewrite.h"
#include "mta/smtp/server.h"
#include "mta/smtp/transaction.h"

struct pair {
	struct address	old, new;
	bool		is_new;
};

struct rewrite {
	struct session		*session;
	enum rs_hook		 which;
	struct arena		 arena;
	struct pair		*pairs;
	size_t			 n, cap, next;
	struct htab		 by_old;	/* header: index + 1 */
	bool			 header;
	struct rewriting	*asked;		/* of pairs[next] */
	struct decision		*probe;		/* whether it originates here */
	struct policy_facts	 probe_facts;
	bool			 asking, answered;
	enum rewritten		 is;
	rewrite_step		*step;
};

static struct rewrite *
rewrite_new(struct session *s, enum rs_hook which, rewrite_step *step)
{
	struct rewrite	*r = xcalloc(1, sizeof(*r));

	r->session = s;
	r->which = which;
	r->step = step;
	s->rewrite = r;
	return r;
}

void
rewrite_free(struct rewrite **rp)
{
	struct rewrite	*r = *rp;

	if (r == NULL)
		return;
	*rp = NULL;
	rewriting_free(&r->asked);
	decision_free(&r->probe);
	htab_clear(&r->by_old);
	arena_clear(&r->arena);
	free(r->pairs);
	free(r);
}

static void
add_pair(struct rewrite *r, const struct address *old)
{
	struct pair	*p;

	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 4 : 2 * r->cap;
		r->pairs = xreallocarray(r->pairs, r->cap, sizeof(*r->pairs));
	}
	p = &r->pairs[r->n++];
	*p = (struct pair){ .is_new = false };
	p->old.whole = arena_span(&r->arena, old->whole);
	p->old.at = old->at;
}

/* --- the header */

/* False: there are too many. */
static bool
collect(struct rewrite *r)
{
	struct header_addresses	 h = {
		.content = transaction_content(r->session->tx)
	};
	struct address_item	 item;
	struct arena		 a = { 0 };
	bool			 room = true;

	while (room && header_address_next(&h, &a, &item)) {
		struct span	whole = item.address.whole;

		if (htab_get(&r->by_old, whole) == NULL) {
			if ((room = r->n < REWRITE_ADDRESSES_MAX))
				add_pair(r, &item.address);
			htab_put(&r->by_old, whole, (void *)(uintptr_t)r->n);
		}
		arena_reset(&a);
	}
	arena_clear(&a);
	return room;
}

static bool
new_of(void *arg, const struct address *old, struct span *new)
{
	const struct rewrite	*r = arg;
	uintptr_t		 i;

	i = (uintptr_t)htab_get(&r->by_old, old->whole);
	if (i == 0 || !r->pairs[i - 1].is_new)
		return false;
	*new = r->pairs[i - 1].new.whole;
	return true;
}

static void
put_header(struct rewrite *r)
{
	struct transaction	*t = r->session->tx;
	struct buf		 section = { 0 };
	char			 ref[32];
	size_t			 n;

	n = header_rewrite(transaction_content(t), new_of, r, &section);
	if (n > 0)
		transaction_new_header(t, buf_span(&section));
	buf_clear(&section);
	if (n == 0)
		return;
	log_debug("rewritten addresses=%zu ref=%s", n,
	    session_ref(r->session, ref));
}

/* --- the walk */

static void
take_answer(struct rewrite *r)
{
	struct pair	*p = &r->pairs[r->next++];
	struct address	 new;

	switch (rewriting_result(r->asked, &new)) {
	case REWRITTEN_NEW:
		p->is_new = true;
		p->new.whole = arena_span(&r->arena, new.whole);
		p->new.at = new.at;
		r->is = REWRITTEN_NEW;
		break;
	case REWRITTEN_CANNOT:
		r->is = REWRITTEN_CANNOT;
		r->next = r->n;		/* the others do not matter */
		break;
	case REWRITTEN_SAME:
		break;
	}
	rewriting_free(&r->asked);
}

static void	said(void *, struct rewriting *);

/* True when all has been asked that has to be. */
static bool
ask_on(struct rewrite *r)
{
	struct session	*s = r->session;

	while (r->next < r->n) {
		r->answered = false;
		r->asking = true;
		r->asked = policy_rewrite(s->gen->policy, r->which, &s->facts,
		    r->pairs[r->next].old.whole, NULL, said, r);
		r->asking = false;
		if (!r->answered)
			return false;
		take_answer(r);
	}
	return true;
}

static void
over(struct rewrite *r)
{
	struct session		*s = r->session;
	struct address		 ad = { .at = 0 };
	const struct pair	*p = r->pairs;
	rewrite_step		*step = r->step;
	enum rewritten		 is = r->is;
	bool			 header = r->header;

	if (header && is == REWRITTEN_NEW)
		put_header(r);
	if (!header) {
		ad = p->is_new ? p->new : p->old;
		ad.whole = arena_span(&s->tx->arena, ad.whole);
	}
	rewrite_free(&s->rewrite);
	step(s, is, header ? NULL : &ad);
}

static void
said(void *arg, struct rewriting *asked)
{
	struct rewrite	*r = arg;
	struct session	*s = r->session;

	(void)asked;
	r->answered = true;
	if (r->asking)
		return;		/* ask_on() goes on */
	take_answer(r);
	if (!ask_on(r))
		return;
	session_unpark(s);
	over(r);
	session_go_on(s);
}

static void
begin(struct rewrite *r)
{
	if (ask_on(r))
		over(r);
	else
		session_park(r->session);
}

/* --- the doors */

void
rewrite_address(struct session *s, enum rs_hook which,
    const struct address *ad, rewrite_step *step)
{
	struct rewrite	*r;

	if (filtered_door(s) || !policy_has(s->gen->policy, which)) {
		step(s, REWRITTEN_SAME, ad);
		return;
	}
	r = rewrite_new(s, which, step);
	add_pair(r, ad);
	begin(r);
}

static void
begin_header(struct rewrite *r)
{
	r->header = true;
	if (!collect(r)) {
		r->session->tx->fault = CONTENT_HEADER;
		r->is = REWRITTEN_CANNOT;
		r->n = 0;
	}
	begin(r);
}

void
rewrite_header_in(struct session *s, rewrite_step *step)
{
	if (!filtered_door(s) &&
	    policy_has(s->gen->policy, RS_HOOK_REWRITE_IN_HEADER))
		begin_header(rewrite_new(s, RS_HOOK_REWRITE_IN_HEADER, step));
	else
		step(s, REWRITTEN_SAME, NULL);
}

/* --- does it originate here? */

static bool
may_relay(const struct decision *d)
{
	return rs_verdict_accepts(decision_verdict(d)->kind) ||
	    decision_by_route(d);
}

/* A decision is not pending any more: the header is rewritten, or stays. */
static void
probe_said(struct rewrite *r)
{
	const struct rs_verdict	*v = decision_verdict(r->probe);

	if (may_relay(r->probe)) {
		decision_free(&r->probe);
		begin_header(r);
		return;
	}
	if (v->kind == RS_V_DEFER && v->cannot)
		r->is = REWRITTEN_CANNOT;
	r->header = true;
	over(r);
}

static void
probed(void *arg, struct decision *d)
{
	struct rewrite	*r = arg;
	struct session	*s = r->session;

	(void)d;
	r->answered = true;
	if (r->asking)
		return;
	session_unpark(s);
	probe_said(r);
	session_go_on(s);
}

/* `on rcpt` for a stranger, without any effect. */
static void
probe(struct rewrite *r)
{
	struct session		*s = r->session;
	struct policy		*p = s->gen->policy;
	struct policy_facts	*f = &r->probe_facts;

	*f = s->facts;
	f->probe = true;
	f->tx = 0;		/* nothing is counted */
	f->rcpt = SPAN(POLICY_STRANGER);
	f->rcpt_at = rs_address(f->rcpt).at;
	if (s->facts.tags != NULL) {
		f->tags = policy_tags_new(p, &r->arena);
		memcpy(f->tags, s->facts.tags, rs_ntag(policy_image(p)) *
		    sizeof(*f->tags));
	}
	r->asking = true;
	r->probe = policy_decide(p, RS_HOOK_RCPT, f, NULL, probed, r);
	r->asking = false;
	if (r->answered)
		probe_said(r);
	else
		session_park(s);
}

void
rewrite_header_out(struct session *s, rewrite_step *step)
{
	struct rewrite	*r;

	if (filtered_door(s) ||
	    !policy_has(s->gen->policy, RS_HOOK_REWRITE_OUT_HEADER)) {
		step(s, REWRITTEN_SAME, NULL);
		return;
	}
	r = rewrite_new(s, RS_HOOK_REWRITE_OUT_HEADER, step);
	if (s->facts.authenticated || ip_is_loopback(&s->facts.client_ip))
		begin_header(r);
	else
		probe(r);
}
