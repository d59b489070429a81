/*
 * spf_names.c - names of the client that lead back to it (RFC 7208, 5.5).
 *
 * Asked for once, when `ptr` or the p macro first wants them.  An error is no
 * name: the reverse zone is the client's, not the sender's.
 */
#include "mta/policy/spf_int.h"

bool
spf_names_known(struct spf *s)
{
	if (s->names_known)
		return true;
	s->after_names = s->phase;
	s->phase = SPF_NAMES;
	return false;
}

static void
names_answered(void *arg, const struct dns_answer *a)
{
	struct spf	*s = arg;
	size_t		 i;

	for (i = 0; i < a->n && s->nnames < PTR_NAMES_MAX; i++)
		if (spf_name_ok(a->records[i].name))
			s->names[s->nnames++] = arena_span(&s->arena,
			    a->records[i].name);
	s->phase = SPF_FORWARD;
	spf_answered(s);
}

void
spf_ask_names(struct spf *s)
{
	char	name[80];

	spf_ask(s, DNS_PTR, span_of(ip_reverse_name(&s->macros.ip, name)),
	    names_answered);
}

static bool
leads_back(const struct spf *s, const struct dns_answer *a)
{
	size_t	i;

	for (i = 0; i < a->n; i++)
		if (ip_eq(&a->records[i].ip, &s->macros.ip))
			return true;
	return false;
}

/* A name that does not lead back is taken off the list. */
static void
forward_answered(void *arg, const struct dns_answer *a)
{
	struct spf	*s = arg;
	unsigned	 i;

	if (leads_back(s, a))
		s->next_name++;
	else {
		s->nnames--;
		for (i = s->next_name; i < s->nnames; i++)
			s->names[i] = s->names[i + 1];
	}
	spf_answered(s);
}

void
spf_ask_forward(struct spf *s)
{
	if (s->next_name < s->nnames) {
		spf_ask(s, spf_address_type(s), s->names[s->next_name],
		    forward_answered);
		return;
	}
	s->names_known = true;
	s->phase = s->after_names;
}

static bool
is_below(struct span name, struct span domain)
{
	return name.n > domain.n + 1 &&
	    name.p[name.n - domain.n - 1] == '.' &&
	    span_ieq(span_from(name, name.n - domain.n), domain);
}

struct span
spf_validated(const struct spf *s, struct span domain)
{
	unsigned	i;

	if (!s->names_known)
		return SPAN_NONE;
	for (i = 0; i < s->nnames; i++)
		if (span_ieq(s->names[i], domain))
			return s->names[i];
	for (i = 0; i < s->nnames; i++)
		if (is_below(s->names[i], domain))
			return s->names[i];
	return s->nnames > 0 ? s->names[0] : SPAN_NONE;
}

bool
spf_named(const struct spf *s, struct span domain)
{
	unsigned	i;

	for (i = 0; i < s->nnames; i++)
		if (span_ieq(s->names[i], domain) ||
		    is_below(s->names[i], domain))
			return true;
	return false;
}
