/*
 * play_rewrite.c - addresses of a session that is played become others.
 *
 * DNS answers at once here, so that each rewriting is there when it has been
 * asked for.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "mail/header_address.h"

#include "mta/cmd/play.h"

static void
refuse(struct play *pl, struct played *p)
{
	const struct rs_verdict	v = { .kind = RS_V_DEFER, .cannot = true,
	    .code = 451, .status = SPAN("4.3.0"), .rule = UINT32_MAX };

	play_keep(pl, p, &v);
}

static enum rewritten
rewrite_one(struct play *pl, struct played *p, const struct address *old,
    struct address *new)
{
	struct rewriting	*r;
	enum rewritten		 is;

	r = policy_rewrite(pl->policy, p->hook, &pl->facts, old->whole,
	    &p->record, NULL, NULL);
	assert(rewriting_done(r));
	is = rewriting_result(r, new);
	new->whole = arena_span(&pl->arena, new->whole);
	rewriting_free(&r);
	return is;
}

static struct played *
entry(struct play *pl, enum rs_hook which, struct span what)
{
	const struct rs_verdict	 v = { .kind = RS_V_ACCEPT,
	    .rule = UINT32_MAX };
	struct played		*p;

	p = play_new(pl, which, arena_printf(&pl->arena, "%s%s%.*s",
	    rs_hook_names[which], what.n > 0 ? " " : "", SPAN_ARG(what)));
	p->rewrites = true;
	play_keep(pl, p, &v);
	return p;
}

bool
play_rewrite(struct play *pl, enum rs_hook which, struct address *a)
{
	struct played	*p;
	struct address	 new;

	/* <> and <postmaster> stay as they are. */
	if (!policy_has(pl->policy, which) || a->at == a->whole.n)
		return true;
	p = entry(pl, which, a->whole);
	switch (rewrite_one(pl, p, a, &new)) {
	case REWRITTEN_NEW:
		p->rewritten = new.whole;
		*a = new;
		return true;
	case REWRITTEN_CANNOT:
		refuse(pl, p);
		return false;
	default:
		return true;
	}
}

/* --- the header */

struct heading {
	struct play	*pl;
	struct played	*p;
	bool		 cannot;
};

static bool
heading_rewrite(void *arg, const struct address *old, struct span *new)
{
	struct heading	*h = arg;
	struct address	 a;

	switch (rewrite_one(h->pl, h->p, old, &a)) {
	case REWRITTEN_NEW:
		*new = a.whole;
		h->p->rewritten = arena_printf(&h->pl->arena, "%.*s%s%.*s",
		    SPAN_ARG(h->p->rewritten),
		    h->p->rewritten.n > 0 ? ", " : "", SPAN_ARG(a.whole));
		return true;
	case REWRITTEN_CANNOT:
		h->cannot = true;
		return false;
	default:
		return false;
	}
}

bool
play_rewrite_header(struct play *pl, enum rs_hook which)
{
	struct heading	h = { .pl = pl };
	struct buf	out = { 0 };
	struct span	content = buf_span(&pl->content);

	if (!policy_has(pl->policy, which))
		return true;
	h.p = entry(pl, which, SPAN_NONE);
	(void)header_rewrite(content, heading_rewrite, &h, &out);
	buf_add_span(&out, span_from(content, header_size(content)));
	buf_clear(&pl->content);
	pl->content = out;
	pl->facts.content = buf_span(&pl->content);
	if (h.cannot)
		refuse(pl, h.p);
	return !h.cannot;
}

/* --- does it originate here? */

bool
play_originates(struct play *pl)
{
	struct policy_facts	 f = pl->facts;
	struct decision		*d;
	bool			 may;

	if (f.authenticated || ip_is_loopback(&f.client_ip))
		return true;
	f.probe = true;
	f.tx = 0;
	f.rcpt = SPAN(POLICY_STRANGER);
	f.rcpt_at = rs_address(f.rcpt).at;
	f.tags = policy_tags_new(pl->policy, &pl->arena);
	memcpy(f.tags, pl->facts.tags,
	    rs_ntag(policy_image(pl->policy)) * sizeof(*f.tags));
	d = policy_decide(pl->policy, RS_HOOK_RCPT, &f, NULL, NULL, NULL);
	assert(decision_done(d));
	may = rs_verdict_accepts(decision_verdict(d)->kind) ||
	    decision_by_route(d);
	decision_free(&d);
	return may;
}
