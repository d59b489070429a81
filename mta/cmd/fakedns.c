/*
 * fakedns.c - DNS that says what a test or the command line has given.
 */
#include "config.h"

#include <string.h>

#include "base/xalloc.h"

#include "mta/cmd/play.h"

#include <stdlib.h>

#define PREF_MAX	65535	/* RFC 1035, 3.3.9 */

void
fakedns_add(struct fakedns *d, enum dns_type type, struct span name,
    struct span value, bool failing)
{
	struct fakedns_entry	*e;

	d->v = xreallocarray(d->v, d->n + 1, sizeof(*d->v));
	e = &d->v[d->n++];
	e->type = type;
	e->name = arena_span(&d->arena, name);
	e->value = arena_span(&d->arena, value);
	e->failing = failing;
}

int
fakedns_add_text(struct fakedns *d, const char *text)
{
	struct span	all = span_of(text), name, value;
	char		reverse[80];
	struct ip	ip;
	ptrdiff_t	eq = span_index(all, '=');

	if (eq <= 0)
		return -1;
	name = span_mem(text, (size_t)eq);
	value = span_from(all, (size_t)eq + 1);
	if (span_eq(value, SPAN("failing"))) {
		fakedns_add(d, DNS_A, name, SPAN_NONE, true);
		return 0;
	}
	if (!ip_parse(value, &ip))
		return -1;
	fakedns_add(d, ip.family == 4 ? DNS_A : DNS_AAAA, name, value, false);
	fakedns_add(d, DNS_PTR, span_of(ip_reverse_name(&ip, reverse)), name,
	    false);
	return 0;
}

void
fakedns_clear(struct fakedns *d)
{
	free(d->v);
	arena_clear(&d->arena);
	memset(d, 0, sizeof(*d));
}

/* "10 mx.example" */
static bool
parse_mx(struct span s, struct dns_record *r)
{
	ptrdiff_t	blank = span_index(s, ' ');
	uint64_t	pref;

	if (blank <= 0 || !span_u64(span_mem(s.p, (size_t)blank), PREF_MAX,
	    &pref))
		return false;
	r->pref = (uint16_t)pref;
	r->name = span_trim(span_from(s, (size_t)blank));
	return true;
}

static bool
to_record(const struct fakedns_entry *e, struct dns_record *r)
{
	*r = (struct dns_record){ .pref = 0 };
	switch (e->type) {
	case DNS_A:
	case DNS_AAAA:
		return ip_parse(e->value, &r->ip);
	case DNS_MX:
		return parse_mx(e->value, r);
	case DNS_PTR:
	case DNS_TXT:
		r->name = e->value;
		return true;
	}
	return false;
}

static uint64_t
ask(void *ctx, enum dns_type type, struct span name, dns_cb *cb, void *arg)
{
	struct fakedns		*d = ctx;
	struct dns_record	 records[DNS_RECORDS_MAX];
	struct dns_answer	 a = { .result = DNS_NXDOMAIN, .ttl_s = 300 };
	size_t			 i;

	for (i = 0; i < d->n && a.n < DNS_RECORDS_MAX; i++) {
		if (!span_ieq(d->v[i].name, name))
			continue;
		if (d->v[i].failing) {
			a.result = DNS_FAILING;
			a.n = 0;
			break;
		}
		if (a.result == DNS_NXDOMAIN)
			a.result = DNS_NODATA;
		if (d->v[i].type == type &&
		    to_record(&d->v[i], &records[a.n])) {
			a.result = DNS_FOUND;
			a.n++;
		}
	}
	a.records = records;
	cb(arg, &a);
	return 0;
}

static void
cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;	/* all is answered at once */
	(void)ticket;
}

struct policy_dns
fakedns_policy(struct fakedns *d)
{
	return (struct policy_dns){ ask, cancel, d };
}
