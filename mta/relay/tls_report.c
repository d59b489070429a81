/*
 * tls_report.c - from what a session has come to, to TLS_RESULT; tls_report.h.
 */
#include "mta/relay/tls_report.h"

#include "base/digest.h"
#include "mta/msg/hop.h"
#include "mta/msg/tlsrpt.h"
#include "mta/spool/envelope.h"

static struct chan	*(*where)(void *);
static void		*where_arg;

void
tls_report_to(struct chan *(*chan)(void *), void *arg)
{
	where = chan;
	where_arg = arg;
}

/* --- the policy */

/* DANE before MTA-STS (RFC 8461, 2). */
static enum tlsrpt_policy
policy_of(const struct hop_tls *t)
{
	if (t == NULL)
		return TLSRPT_NO_POLICY;
	if (!t->no_dane && t->dane != LEVEL_DANE_NONE &&
	    t->dane != LEVEL_DANE_CANNOT_SAY)
		return TLSRPT_TLSA;
	if (!t->no_sts && ((t->sts != LEVEL_STS_NONE &&
	    t->sts != LEVEL_STS_LATER) || t->sts_trouble != TLS_CLASS_NONE))
		return TLSRPT_STS;
	return TLSRPT_NO_POLICY;
}

/* "3 1 1 0D6FCE..." */
static void
put_tlsa(const struct hop_tls *t, struct arena *a, struct span *strings,
    struct tlsrpt_result *r)
{
	const struct tls_tlsa	*s;
	char			*hex;

	for (; r->nstrings < t->ntlsa && r->nstrings < TLSRPT_STRINGS_MAX;
	    r->nstrings++) {
		s = &t->tlsa[r->nstrings];
		hex = arena_alloc(a, 2 * s->data.n + 1);
		digest_hex((const uint8_t *)s->data.p, s->data.n, hex);
		strings[r->nstrings] = arena_printf(a, "%u %u %u %s",
		    s->usage, s->selector, s->matching, hex);
	}
}

/* Its lines; "mx: PATTERN" are patterns too. */
static void
put_sts(const struct hop_tls *t, struct span *strings, struct span *mx,
    struct tlsrpt_result *r)
{
	struct span	text = span_of(t->sts_text), line;
	ptrdiff_t	end;

	while (text.n > 0 && r->nstrings < TLSRPT_STRINGS_MAX) {
		end = span_index(text, '\n');
		line = end < 0 ? text : span_mem(text.p, (size_t)end);
		text = span_from(text, line.n + 1);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if ((line = span_trim(line)).n == 0)
			continue;
		strings[r->nstrings++] = line;
		if (span_prefix(line, SPAN("mx:")) && r->nmx < TLSRPT_MX_MAX)
			mx[r->nmx++] = span_trim(span_from(line, 3));
	}
}

/* --- the domain that is told */

/* The recipients' where their MX led here; else who has published something. */
static struct span
domain_of(const struct tls_report *s, enum tlsrpt_policy policy)
{
	struct span	rest = s->hop;
	struct hop_text	hop;

	if (hop_next(&rest, &hop) && hop.kind == HOP_TO_MX)
		return hop_name(&hop);
	if (policy == TLSRPT_NO_POLICY)
		return SPAN_NONE;
	return span_of(s->facts->domain);
}

/* A domain whose newest policy cannot be had: that is its failure, if there is no other. */
static enum tls_class
class_of(const struct tls_report *s, enum tlsrpt_policy policy)
{
	if (s->class == TLS_CLASS_NONE && policy == TLSRPT_STS &&
	    s->facts->sts == LEVEL_STS_NONE)
		return s->facts->sts_trouble;
	return s->class;
}

void
tls_report(const struct tls_report *s)
{
	struct chan		*c = where == NULL ? NULL : where(where_arg);
	struct span		 strings[TLSRPT_STRINGS_MAX];
	struct span		 mx[TLSRPT_MX_MAX];
	struct arena		 a = { 0 };
	struct tlsrpt_result	 r = { .policy = policy_of(s->facts),
		.strings = strings, .mx = mx, .source = s->source,
		.target = s->addr->ip, .host = hop_addr_name(s->addr) };

	r.domain = domain_of(s, r.policy);
	if (c == NULL || r.domain.n == 0 || (s->flags & ENV_TLS_NOT_REQUIRED))
		return;
	if (r.policy != TLSRPT_NO_POLICY)
		r.policy_domain = span_of(s->facts->domain);
	if (r.policy == TLSRPT_TLSA)
		put_tlsa(s->facts, &a, strings, &r);
	else if (r.policy == TLSRPT_STS)
		put_sts(s->facts, strings, mx, &r);
	r.result = span_of(tls_class_name(class_of(s, r.policy)));
	if (r.result.n > 0)
		r.reason = span_of(s->why);
	tlsrpt_put(c, &r);
	arena_clear(&a);
}
