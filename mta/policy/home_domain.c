/*
 * home_domain.c - the domain of a name that a program gives without one.
 *
 * cron writes to "root".  Which domain is meant is seldom said, and can be seen:
 * it is our hostname, or the domain above that ("mail.example.org" is seldom
 * one that has mailboxes), whichever this policy delivers here.  Where neither
 * is (a machine that only sends), it is the hostname.
 */
#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/policy/policy_int.h"

struct home_search {
	struct policy	*policy;	/* the routing has it */
	struct routing	*routing;
	struct span	 domains[2];	/* of the policy's memory */
	char		*name;		/* postmaster at the one under way */
	unsigned	 n, at;
	bool		 starts;	/* routing_start() has not returned */
};

static void	goes_on(struct home_search *);

/* Also where he is told that he is unknown. */
static bool
is_ours(const struct routing *r)
{
	return routing_is_local(r) || routing_unknown(r) > 0;
}

static void
ends(struct home_search *h)
{
	struct policy	*p = h->policy;

	p->home_domain = h->domains[h->at == h->n ? 0 : h->at];
	p->home_search = NULL;
	free(h->name);
	free(h);
}

static void
routed(void *arg, struct routing *r)
{
	struct home_search	*h = arg;

	(void)r;
	if (!h->starts)
		goes_on(h);
}

/* False: it has to be waited for. */
static bool
route(struct home_search *h)
{
	struct policy_facts	 f = { 0 };

	free(h->name);
	h->name = xasprintf("postmaster@%.*s", SPAN_ARG(h->domains[h->at]));
	f.rcpt = span_of(h->name);
	f.rcpt_at = rs_address(f.rcpt).at;
	h->starts = true;
	h->routing = routing_start(h->policy, &f, NULL, ROUTING_DRY, routed,
	    h);
	h->starts = false;
	return routing_done(h->routing);
}

static void
goes_on(struct home_search *h)
{
	struct policy	*p = policy_ref(h->policy);
	bool		 ours = false;

	do {
		if (h->routing != NULL) {
			ours = is_ours(h->routing);
			routing_free(&h->routing);
			if (ours || ++h->at == h->n)
				break;
		}
	} while (route(h));
	if (h->routing == NULL)
		ends(h);
	policy_unref(&p);
}

static void
find(struct policy *p)
{
	struct home_search	*h = xcalloc(1, sizeof(*h));
	struct span		 above;

	p->home_search = h;
	h->policy = p;
	h->domains[h->n++] = p->hostname;
	above = span_from(p->hostname,
	    (size_t)(span_index(p->hostname, '.') + 1));
	if (span_index(above, '.') >= 0)
		h->domains[h->n++] = above;
	goes_on(h);
}

struct span
policy_home_domain(struct policy *p)
{
	if (p->home_domain.n == 0 && p->home_search == NULL)
		find(p);
	return p->home_domain.n > 0 ? p->home_domain : p->hostname;
}
