/*
 * postmaster.c - whom <postmaster> without a domain stands for.
 *
 * It must reach somebody (RFC 5321, 4.5.1), and it has no domain by which
 * rules could know it.  It is what the policy's `postmaster` says; else
 * postmaster at our hostname, or at the domain above that, whichever is a
 * mailbox here ("mail.example.org" is seldom a domain that has mailboxes).
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "mta/msg/hop.h"

#include "mta/policy/policy_int.h"

/* Which of the names is a mailbox here; as long as that has to be waited for. */
struct postmaster {
	struct policy	*policy;	/* the routing has it */
	struct routing	*routing;
	char		*names[2];	/* in the order of preference */
	unsigned	 n, at;
	bool		 starts;	/* routing_start() has not returned */
	struct waiter	*waiting;
};

static char *
at_domain(struct span local, struct span domain)
{
	return xasprintf("%.*s@%.*s", SPAN_ARG(local), SPAN_ARG(domain));
}

/* It is known: the at-th; behind the last it is the first. */
static void
ends(struct postmaster *s)
{
	struct policy	*p = s->policy;
	unsigned	 i;

	if (s->at == s->n)
		s->at = 0;
	p->postmaster_is = s->names[s->at];
	for (i = 0; i < s->n; i++)
		if (i != s->at)
			free(s->names[i]);
	p->postmaster_search = NULL;
	waiters_tell(&s->waiting);
	free(s);
}

static void	goes_on(struct postmaster *);

static void
routed(void *arg, struct routing *r)
{
	struct postmaster	*s = arg;

	(void)r;
	if (!s->starts)
		goes_on(s);
}

/* False: it has to be waited for. */
static bool
route(struct postmaster *s)
{
	struct policy_facts	 f = { .rcpt = span_of(s->names[s->at]) };

	f.rcpt_at = rs_address(f.rcpt).at;
	s->starts = true;
	s->routing = routing_start(s->policy, &f, NULL, ROUTING_DRY, routed,
	    s);
	s->starts = false;
	return routing_done(s->routing);
}

/* What is there of a routing is taken, and the next name routed. */
static void
goes_on(struct postmaster *s)
{
	struct policy	*p = policy_ref(s->policy);
	bool		 local = false;

	do {
		if (s->routing != NULL) {
			local = routing_is_local(s->routing);
			routing_free(&s->routing);
			if (local || ++s->at == s->n)
				break;
		}
	} while (route(s));
	if (s->routing == NULL)
		ends(s);
	policy_unref(&p);
}

/* The only name that can be, or the search for it. */
static void
find(struct policy *p)
{
	struct span		 local = SPAN("postmaster"), above;
	struct postmaster	*s;

	if (span_index(p->postmaster, '@') >= 0) {
		p->postmaster_is = xstrndup(p->postmaster.p, p->postmaster.n);
		return;
	}
	if (p->postmaster.n > 0)
		local = p->postmaster;
	above = span_from(p->hostname,
	    (size_t)(span_index(p->hostname, '.') + 1));
	if (span_index(above, '.') < 0) {
		p->postmaster_is = at_domain(local, p->hostname);
		return;
	}
	s = p->postmaster_search = xcalloc(1, sizeof(*s));
	s->policy = p;
	s->names[s->n++] = at_domain(local, p->hostname);
	s->names[s->n++] = at_domain(local, above);
	goes_on(s);
}

enum rs_answer
policy_postmaster(struct policy *p, struct span whole, size_t at,
    struct waiter *w, struct span *out)
{
	if (at != whole.n || !span_ieq(whole, SPAN("postmaster")))
		return RS_ABSENT;
	if (p->postmaster_is == NULL && p->postmaster_search == NULL)
		find(p);
	if (p->postmaster_is == NULL) {
		waiter_add(&p->postmaster_search->waiting, w);
		return RS_WAIT;
	}
	*out = span_of(p->postmaster_is);
	return RS_HAVE;
}

/*
 * A mailbox here, or the relay that takes all our mail.  By MX only where the
 * policy itself names him: the MX of our own name is most often ourselves.
 */
bool
policy_postmaster_arrives(const struct policy *p, const struct routing *r)
{
	const struct target	*t;
	size_t			 i, n;

	if (routing_is_local(r))
		return true;
	t = routing_targets(r, &n);
	for (i = 0; i < n; i++) {
		if (t[i].kind == TARGET_HOP && (p->postmaster.n > 0 ||
		    !hop_is(t[i].hop, HOP_TO_MX)))
			return true;
	}
	return false;
}
