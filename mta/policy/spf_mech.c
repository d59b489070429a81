/*
 * spf_mech.c - the mechanisms that ask (RFC 7208, 5.3 to 5.5, 5.7).
 *
 * A term whose own question has no answer is a void look-up (4.6.4).
 */
#include "mta/policy/spf_int.h"

bool
spf_near(const struct ip *a, const struct ip *b, unsigned bits)
{
	struct ip	x, y;

	if (a->family != b->family)
		return false;
	x = ip_mask(a, bits);
	y = ip_mask(b, bits);
	return ip_eq(&x, &y);
}

enum dns_type
spf_address_type(const struct spf *s)
{
	return s->macros.ip.family == 6 ? DNS_AAAA : DNS_A;
}

/* Whether there is something in the answer; else what that means is done. */
static bool
usable(struct spf *s, const struct dns_answer *a)
{
	switch (a->result) {
	case DNS_FOUND:
		return true;
	case DNS_FAILING:
		spf_error(s, SPF_TEMPERROR, "a name cannot be asked for");
		return false;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		if (++s->voids > VOIDS_MAX)
			spf_error(s, SPF_PERMERROR,
			    "more than 2 questions without an answer");
		return false;
	}
	return false;
}

static bool
client_among(const struct spf *s, const struct dns_answer *a)
{
	unsigned	bits = s->macros.ip.family == 6 ? s->term.bits6 :
			    s->term.bits4;
	size_t		i;

	for (i = 0; i < a->n; i++)
		if (spf_near(&s->macros.ip, &a->records[i].ip, bits))
			return true;
	return false;
}

static void
address_answered(void *arg, const struct dns_answer *a)
{
	struct spf	*s = arg;

	if (usable(s, a) && client_among(s, a))
		spf_matched(s);
	spf_answered(s);
}

/* exists (5.7): any A record, whatever the client's family. */
static void
exists_answered(void *arg, const struct dns_answer *a)
{
	struct spf	*s = arg;

	if (usable(s, a))
		spf_matched(s);
	spf_answered(s);
}

/* --- mx (5.4) */

static void
take_hosts(struct spf *s, const struct dns_answer *a)
{
	size_t	i;

	if (a->n > MX_NAMES_MAX) {
		spf_error(s, SPF_PERMERROR, "a domain has more than 10 MX");
		return;
	}
	s->nhosts = s->next_host = 0;
	for (i = 0; i < a->n; i++)
		if (spf_name_ok(a->records[i].name))	/* not a null MX */
			s->hosts[s->nhosts++] = arena_span(&s->arena,
			    a->records[i].name);
	s->phase = SPF_HOSTS;
}

static void
mx_answered(void *arg, const struct dns_answer *a)
{
	struct spf	*s = arg;

	if (usable(s, a))
		take_hosts(s, a);
	spf_answered(s);
}

/* The names are the domain's, the questions one term: voids do not count. */
static void
host_answered(void *arg, const struct dns_answer *a)
{
	struct spf	*s = arg;

	if (a->result == DNS_FAILING)
		spf_error(s, SPF_TEMPERROR, "an MX cannot be asked for");
	else if (client_among(s, a))
		spf_matched(s);
	spf_answered(s);
}

void
spf_ask_host(struct spf *s)
{
	if (s->next_host == s->nhosts)
		s->phase = SPF_TERM;
	else
		spf_ask(s, spf_address_type(s), s->hosts[s->next_host++],
		    host_answered);
}

/* --- */

void
spf_ask_mechanism(struct spf *s, struct span target)
{
	switch (s->term.mechanism) {
	case SPF_A:
		spf_ask(s, spf_address_type(s), target, address_answered);
		break;
	case SPF_MX:
		spf_ask(s, DNS_MX, target, mx_answered);
		break;
	case SPF_EXISTS:
		spf_ask(s, DNS_A, target, exists_answered);
		break;
	case SPF_PTR:
		if (spf_named(s, target))
			spf_matched(s);
		break;
	case SPF_ALL:
	case SPF_INCLUDE:
	case SPF_IP4:
	case SPF_IP6:
		break;		/* they ask nothing here */
	}
}
