/*
 * names.c - what DNS says of a client's address, asked once a session.
 *
 * client.name is the first name of the reverse zone; anybody may write there
 * what he likes.  client.verified_name is the first of those names whose own
 * addresses have the client's among them.
 *
 * Owns: the names, the question under way.  Borrows: who waits.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "mail/domain.h"

#include "mta/policy/lookup.h"

#define CANDIDATES_MAX	5	/* names of one address that are looked at */

enum known { NOT_ASKED, ASKED, THERE, ABSENT, CANNOT };

struct policy_names {
	struct arena		 arena;
	struct policy_dns	 dns;
	struct ip		 ip;
	enum known		 name_known, verified_known;
	struct span		 name, verified;
	struct span		 candidates[CANDIDATES_MAX];
	unsigned		 ncandidates, next;
	bool			 unsure;	/* one could not be asked */
	bool			 want_verified;
	bool			 open;		/* a question is under way */
	bool			 in_ask;	/* it may be answered at once */
	uint64_t		 ticket;
	struct waiter		*waiting;
	struct lookups		*lookups;	/* NULL: nothing has been asked */
};

static void	ask_forward(struct policy_names *);

struct policy_names *
policy_names_new(void)
{
	return xcalloc(1, sizeof(struct policy_names));
}

void
policy_names_free(struct policy_names **np)
{
	struct policy_names	*n = *np;

	*np = NULL;
	if (n == NULL)
		return;
	waiters_stop(&n->waiting);
	lookups_free(&n->lookups);
	if (n->open && n->dns.cancel != NULL)
		n->dns.cancel(n->dns.ctx, n->ticket);
	arena_clear(&n->arena);
	free(n);
}

void
policy_names_set(struct policy_names *n, struct span name,
    struct span verified)
{
	n->name = arena_span(&n->arena, name);
	n->verified = arena_span(&n->arena, verified);
	n->name_known = name.n > 0 ? THERE : ABSENT;
	n->verified_known = verified.n > 0 ? THERE : ABSENT;
}

void
policy_names_tell(struct policy_names *n, struct span name, bool cannot)
{
	if (name.n == 0) {
		n->name_known = n->verified_known = cannot ? CANNOT : ABSENT;
		return;
	}
	n->name = n->candidates[0] = arena_span(&n->arena, name);
	n->ncandidates = 1;
	n->name_known = THERE;
}

static void
ask(struct policy_names *n, enum dns_type type, struct span name, dns_cb *cb)
{
	uint64_t	ticket;

	n->open = true;
	ticket = n->dns.ask(n->dns.ctx, type, name, cb, n);
	if (n->open)		/* else it was answered at once */
		n->ticket = ticket;
}

static bool
has_address(const struct dns_answer *a, const struct ip *ip)
{
	size_t	i;

	for (i = 0; i < a->n; i++)
		if (ip_eq(&a->records[i].ip, ip))
			return true;
	return false;
}

static void
forward_answered(void *arg, const struct dns_answer *a)
{
	struct policy_names	*n = arg;

	n->open = false;
	if (a->result == DNS_FOUND && has_address(a, &n->ip)) {
		n->verified = n->candidates[n->next];
		n->verified_known = THERE;
	}
	n->unsure |= a->result == DNS_FAILING;
	n->next++;
	if (n->in_ask)		/* answered at once: ask_forward() goes on */
		return;
	ask_forward(n);
	if (n->verified_known != ASKED)
		waiters_tell(&n->waiting);
}

/* Asks for one candidate after the other, until one is it or none is left. */
static void
ask_forward(struct policy_names *n)
{
	if (n->verified_known == NOT_ASKED)
		n->verified_known = ASKED;
	while (n->verified_known == ASKED && n->next < n->ncandidates) {
		n->in_ask = true;
		ask(n, n->ip.family == 4 ? DNS_A : DNS_AAAA,
		    n->candidates[n->next], forward_answered);
		n->in_ask = false;
		if (n->open)
			return;
	}
	if (n->verified_known == ASKED)
		n->verified_known = n->unsure ? CANNOT : ABSENT;
}

static void
take_candidates(struct policy_names *n, const struct dns_answer *a)
{
	const char	*why;
	size_t		 i;

	for (i = 0; i < a->n && n->ncandidates < CANDIDATES_MAX; i++)
		if (a->records[i].name.n > 0 &&
		    domain_normalise(a->records[i].name, &n->arena,
		    &n->candidates[n->ncandidates], &why) == 0)
			n->ncandidates++;
}

static void
reverse_answered(void *arg, const struct dns_answer *a)
{
	struct policy_names	*n = arg;

	n->open = false;
	if (a->result == DNS_FOUND)
		take_candidates(n, a);
	if (n->ncandidates > 0) {
		n->name = n->candidates[0];
		n->name_known = THERE;
	} else
		n->name_known = a->result == DNS_FAILING ? CANNOT : ABSENT;
	if (n->name_known != THERE)
		n->verified_known = n->name_known;
	else if (n->want_verified) {
		ask_forward(n);
		if (n->verified_known == ASKED)
			return;
	}
	waiters_tell(&n->waiting);
}

struct lookups *
names_lookups(struct policy_names *n)
{
	if (n->lookups == NULL)
		n->lookups = xcalloc(1, sizeof(*n->lookups));
	return n->lookups;
}

enum rs_answer
names_peek(const struct policy_names *n, bool verified, struct span *out)
{
	enum known	known = verified ? n->verified_known : n->name_known;

	*out = verified ? n->verified : n->name;
	switch (known) {
	case THERE:
		return RS_HAVE;
	case ABSENT:
		return RS_ABSENT;
	case CANNOT:
		return RS_CANNOT;
	default:
		return RS_WAIT;
	}
}

static void
start(struct policy_names *n, const struct policy_dns *dns,
    const struct ip *ip, bool verified)
{
	char	name[80];

	n->dns = *dns;
	n->ip = *ip;
	n->want_verified |= verified;
	if (n->open)
		return;
	if (n->name_known == NOT_ASKED) {
		n->name_known = ASKED;
		ask(n, DNS_PTR, span_of(ip_reverse_name(ip, name)),
		    reverse_answered);
	} else if (verified && n->verified_known == NOT_ASKED)
		ask_forward(n);
}

enum rs_answer
names_get(struct policy_names *n, const struct policy_dns *dns,
    const struct ip *ip, bool verified, struct waiter *w,
    struct span *out)
{
	enum rs_answer	a;

	if ((a = names_peek(n, verified, out)) != RS_WAIT)
		return a;
	if (dns->ask == NULL || ip->family == 0)
		return RS_ABSENT;
	start(n, dns, ip, verified);
	if ((a = names_peek(n, verified, out)) != RS_WAIT)
		return a;
	waiter_add(&n->waiting, w);
	return RS_WAIT;
}
