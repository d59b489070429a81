/*
 * report_counts.c - sessions, added up; report_counts.h.
 */
#include "mta/fetch/report_counts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/tls_connect.h"
#include "base/xalloc.h"
#include "mail/date.h"

/* --- days */

int64_t
report_day_of(int64_t wall_ms)
{
	return wall_ms / (REPORT_DAY_S * INT64_C(1000));
}

const char *
report_day_text(int64_t day, char out[REPORT_DAY_TEXT])
{
	char	iso[DATE_MAX];

	(void)date_iso(day * REPORT_DAY_S * 1000, iso);
	snprintf(out, REPORT_DAY_TEXT, "%.10s", iso);
	return out;
}

/* Days since 1970 of a date (proleptic Gregorian; after year 1). */
static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
	y -= m <= 2;		/* a year begins in March: its last day is the odd one */
	m += m <= 2 ? 9 : -3;
	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 +
	    d - 1 - 719468;
}

bool
report_day_parse(struct span s, int64_t *day)
{
	uint64_t	y, m, d;
	char		again[REPORT_DAY_TEXT];

	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' ||
	    !span_u64(span_mem(s.p, 4), 9999, &y) || y < 1970 ||
	    !span_u64(span_mem(s.p + 5, 2), 12, &m) || m == 0 ||
	    !span_u64(span_mem(s.p + 8, 2), 31, &d) || d == 0)
		return false;
	*day = days_of((int64_t)y, (int64_t)m, (int64_t)d);
	return span_eq(span_of(report_day_text(*day, again)), s);
}

struct report_day *
report_day_new(int64_t day)
{
	struct report_day	*d = xcalloc(1, sizeof(*d));

	d->day = day;
	random_bytes(&d->seed, sizeof(d->seed));
	return d;
}

void
report_day_free(struct report_day **dp)
{
	struct report_day	*d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	htab_clear(&d->by_name);
	arena_clear(&d->arena);
	free(d);
}

/* --- the pieces */

/* Room for one more piece with so many octets of text. */
static bool
has_room(const struct report_day *d, size_t octets)
{
	return d->arena.total + octets + 1024 <= REPORT_OCTETS_MAX;
}

static size_t
octets_of(const struct span *texts, size_t n)
{
	size_t	i, octets = 0;

	for (i = 0; i < n; i++)
		octets += texts[i].n + sizeof(texts[i]) + 32;
	return octets;
}

static struct span *
copy_of(struct report_day *d, const struct span *texts, size_t n)
{
	struct span	*copy = arena_alloc(&d->arena, (n + 1) * sizeof(*copy));
	size_t		 i;

	for (i = 0; i < n; i++)
		copy[i] = arena_span(&d->arena, texts[i]);
	return copy;
}

struct report_domain *
report_domain_find(const struct report_day *d, struct span name)
{
	return htab_get(&d->by_name, name);
}

struct report_domain *
report_domain_add(struct report_day *d, struct span name)
{
	struct report_domain	*o;

	if (d->n >= REPORT_DOMAINS_MAX || !has_room(d, name.n))
		return NULL;
	o = arena_alloc(&d->arena, sizeof(*o));
	o->name = arena_span(&d->arena, name);
	(void)htab_put(&d->by_name, o->name, o);
	if (d->last != NULL)
		d->last->next = o;
	else
		d->first = o;
	d->last = o;
	d->n++;
	return o;
}

static struct span
domain_of(const struct tlsrpt_result *r)
{
	return r->policy_domain.n > 0 ? r->policy_domain : r->domain;
}

struct report_policy *
report_policy_add(struct report_day *d, struct report_domain *o,
    const struct tlsrpt_result *r)
{
	struct report_policy	*p, **end = &o->policies;

	if (o->npolicies >= REPORT_POLICIES_MAX || !has_room(d,
	    octets_of(r->strings, r->nstrings) + octets_of(r->mx, r->nmx)))
		return NULL;
	p = arena_alloc(&d->arena, sizeof(*p));
	p->type = r->policy;
	p->domain = arena_span(&d->arena, domain_of(r));
	p->nstrings = r->nstrings;
	p->strings = copy_of(d, r->strings, r->nstrings);
	p->nmx = r->nmx;
	p->mx = copy_of(d, r->mx, r->nmx);
	while (*end != NULL)
		end = &(*end)->next;
	*end = p;
	o->npolicies++;
	return p;
}

/* What 4.3 has no name for is its general failure (4.3.3). */
static struct span
result_of(struct span result)
{
	unsigned	i;

	for (i = 1; i < TLS_NCLASSES; i++)
		if (span_eq(result, span_of(tls_class_name(i))))
			return result;
	return span_of(tls_class_name(TLS_CLASS_FAILURE));
}

struct report_failure *
report_failure_add(struct report_day *d, struct report_policy *p,
    const struct tlsrpt_result *r)
{
	struct report_failure	*f, **end = &p->failures;

	if (p->nfailures >= REPORT_FAILURES_MAX ||
	    !has_room(d, r->reason.n + r->host.n + r->helo.n))
		return NULL;
	f = arena_alloc(&d->arena, sizeof(*f));
	f->result = arena_span(&d->arena, result_of(r->result));
	f->reason = arena_span(&d->arena, r->reason);
	f->host = arena_span(&d->arena, r->host);
	f->helo = arena_span(&d->arena, r->helo);
	f->source = r->source;
	f->target = r->target;
	while (*end != NULL)
		end = &(*end)->next;
	*end = f;
	p->nfailures++;
	return f;
}

/* --- counting */

static bool
same_texts(const struct span *a, size_t n, const struct span *b, size_t m)
{
	size_t	i;

	for (i = 0; i < n && n == m; i++)
		if (!span_eq(a[i], b[i]))
			return false;
	return n == m;
}

static struct report_policy *
policy_of(struct report_day *d, struct report_domain *o,
    const struct tlsrpt_result *r)
{
	struct report_policy	*p;

	for (p = o->policies; p != NULL; p = p->next)
		if (p->type == r->policy &&
		    span_eq(p->domain, domain_of(r)) && same_texts(p->strings, p->nstrings,
		    r->strings, r->nstrings) &&
		    same_texts(p->mx, p->nmx, r->mx, r->nmx))
			return p;
	return report_policy_add(d, o, r);
}

static bool
same_failure(const struct report_failure *f, const struct tlsrpt_result *r)
{
	return span_eq(f->result, result_of(r->result)) &&
	    span_eq(f->reason, r->reason) && span_eq(f->host, r->host) &&
	    span_eq(f->helo, r->helo) && ip_eq(&f->source, &r->source) &&
	    ip_eq(&f->target, &r->target);
}

static struct report_failure *
failure_of(struct report_day *d, struct report_policy *p,
    const struct tlsrpt_result *r)
{
	struct report_failure	*f;

	for (f = p->failures; f != NULL; f = f->next)
		if (same_failure(f, r))
			return f;
	return report_failure_add(d, p, r);
}

static bool
count_in(struct report_day *d, struct report_domain *o,
    const struct tlsrpt_result *r)
{
	struct report_policy	*p = o == NULL ? NULL : policy_of(d, o, r);
	struct report_failure	*f;

	if (p == NULL)
		return false;
	if (r->result.n == 0) {
		p->good++;
		return true;
	}
	p->bad++;
	if ((f = failure_of(d, p, r)) != NULL)
		f->sessions++;
	return true;
}

bool
report_count(struct report_day *d, const struct tlsrpt_result *r)
{
	struct report_domain	*o = report_domain_find(d, r->domain);

	if (o == NULL)
		o = report_domain_add(d, r->domain);
	d->changed = true;
	if (!count_in(d, o, r)) {
		d->left_out++;
		return false;
	}
	d->sessions++;
	return true;
}

/* --- what was sent */

bool
report_was_sent(const struct report_domain *o, struct span rua)
{
	size_t	i;

	for (i = 0; i < o->sending.nsent; i++)
		if (span_eq(o->sending.sent[i], rua))
			return true;
	return false;
}

void
report_sent(struct report_day *d, struct report_domain *o, struct span rua)
{
	struct report_sending	*s = &o->sending;

	if (s->nsent < REPORT_RUA_MAX && !report_was_sent(o, rua))
		s->sent[s->nsent++] = arena_span(&d->arena, rua);
	d->changed = true;
}
