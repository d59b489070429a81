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

#include "mta/policy/policy_int.h"

/* Dry, and at once: where it has to wait for DNS it is not taken as local. */
static bool
is_local(struct policy *p, struct span whole)
{
	struct policy_facts	 f = { .rcpt = whole };
	struct routing		*r;
	bool			 local;

	f.rcpt_at = rs_address(whole).at;
	r = routing_start(p, &f, NULL, ROUTING_DRY, NULL, NULL);
	local = routing_done(r) && routing_is_local(r);
	routing_free(&r);
	return local;
}

static char *
at_domain(struct span local, struct span domain)
{
	return xasprintf("%.*s@%.*s", SPAN_ARG(local), SPAN_ARG(domain));
}

/* In the order of preference; the first that is a mailbox here. */
static char *
find(struct policy *p)
{
	struct span	 local = SPAN("postmaster"), above;
	char		*first, *second;

	if (span_index(p->postmaster, '@') >= 0)
		return xstrndup(p->postmaster.p, p->postmaster.n);
	if (p->postmaster.n > 0)
		local = p->postmaster;
	first = at_domain(local, p->hostname);
	above = span_from(p->hostname,
	    (size_t)(span_index(p->hostname, '.') + 1));
	if (is_local(p, span_of(first)) || span_index(above, '.') < 0)
		return first;
	second = at_domain(local, above);
	if (is_local(p, span_of(second))) {
		free(first);
		return second;
	}
	free(second);
	return first;
}

bool
policy_postmaster(struct policy *p, struct span whole, size_t at,
    struct span *out)
{
	if (at != whole.n || !span_ieq(whole, SPAN("postmaster")))
		return false;
	if (p->postmaster_is == NULL)
		p->postmaster_is = find(p);
	*out = span_of(p->postmaster_is);
	return true;
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
		    !span_prefix(t[i].hop, SPAN("mx:"))))
			return true;
	}
	return false;
}
