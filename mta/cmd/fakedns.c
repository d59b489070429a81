/*
 * fakedns.c - DNS that says what a test or the command line has given.
 */
#include "config.h"

#include <string.h>

#include "base/xalloc.h"

#include "mta/cmd/play.h"

#include <stdlib.h>

#define PREF_MAX	65535	/* RFC 1035, 3.3.9 */
#define CNAMES_MAX	8	/* one behind the other */

/* Without the final dot that DNS' own files have; the root is "". */
static struct span
without_dot(struct span name)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	return name;
}

void
fakedns_add(struct fakedns *d, unsigned type, struct span name,
    struct span value, bool failing)
{
	struct fakedns_entry	*e;
	char			 reverse[80];
	struct ip		 ip;

	/* An address has its names, or none can be had, in the reverse tree. */
	if ((type == DNS_PTR || failing) && ip_parse(name, &ip))
		name = span_of(ip_reverse_name(&ip, reverse));
	d->v = xreallocarray(d->v, d->n + 1, sizeof(*d->v));
	e = &d->v[d->n++];
	e->type = type;
	e->name = arena_span(&d->arena, without_dot(name));
	e->value = arena_span(&d->arena, value);
	e->failing = failing;
}

void
fakedns_clear(struct fakedns *d)
{
	free(d->v);
	arena_clear(&d->arena);
	memset(d, 0, sizeof(*d));
}

/* "10 mx.example"; "0 ." and "0 " are the null MX (RFC 7505). */
static bool
parse_mx(struct span s, struct dns_record *r)
{
	ptrdiff_t	blank = span_index(s, ' ');
	uint64_t	pref;

	if (blank <= 0 || !span_u64(span_mem(s.p, (size_t)blank), PREF_MAX,
	    &pref))
		return false;
	r->pref = (uint16_t)pref;
	r->name = without_dot(span_trim(span_from(s, (size_t)blank)));
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
		r->name = without_dot(e->value);
		return true;
	case DNS_TXT:
		r->name = e->value;
		return true;
	case DNS_CNAME:		/* rules ask for none of these */
	case DNS_SRV:
	case DNS_TLSA:
		return false;
	}
	return false;
}

/* --- of the command line */

/* "MX 10 mx.example", "TXT v=spf1 -all" */
static bool
add_typed(struct fakedns *d, struct span name, struct span text)
{
	static const struct {
		const char	*word;
		unsigned	 type;
	} types[] = {
		{ "A ", DNS_A }, { "AAAA ", DNS_AAAA }, { "MX ", DNS_MX },
		{ "PTR ", DNS_PTR }, { "TXT ", DNS_TXT },
		{ "CNAME ", FAKEDNS_CNAME }
	};
	struct dns_record	r;
	struct fakedns_entry	e = { .name = name };
	struct span		word;
	size_t			i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		word = span_of(types[i].word);
		if (!span_iprefix(text, word))
			continue;
		e.type = types[i].type;
		e.value = span_trim(span_from(text, word.n));
		if (e.type != FAKEDNS_CNAME && !to_record(&e, &r))
			return false;
		fakedns_add(d, e.type, name, e.value, false);
		return true;
	}
	return false;
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
		return add_typed(d, name, value) ? 0 : -1;
	fakedns_add(d, ip.family == 4 ? DNS_A : DNS_AAAA, name, value, false);
	fakedns_add(d, DNS_PTR, span_of(ip_reverse_name(&ip, reverse)), name,
	    false);
	return 0;
}

/* --- questions */

/* What one name has; *other: where its CNAME leads, or empty. */
static void
look_up(const struct fakedns *d, enum dns_type type, struct span name,
    struct dns_answer *a, struct span *other)
{
	const struct fakedns_entry	*e;
	size_t				 i;

	*other = SPAN_NONE;
	a->result = DNS_NXDOMAIN;
	for (i = 0; i < d->n && a->n < DNS_RECORDS_MAX; i++) {
		e = &d->v[i];
		if (!span_ieq(e->name, name))
			continue;
		if (e->failing) {
			a->result = DNS_FAILING;
			a->n = 0;
			return;
		}
		if (a->result == DNS_NXDOMAIN)
			a->result = DNS_NODATA;
		if (e->type == FAKEDNS_CNAME)
			*other = without_dot(e->value);
		if (e->type == type && to_record(e, &a->records[a->n])) {
			a->result = DNS_FOUND;
			a->n++;
		}
	}
}

static uint64_t
ask(void *ctx, enum dns_type type, struct span name, dns_cb *cb, void *arg)
{
	struct dns_record	 records[DNS_RECORDS_MAX];
	struct dns_answer	 a = { .ttl_s = 300, .records = records };
	struct span		 other = without_dot(name);
	unsigned		 i;

	for (i = 0; i < CNAMES_MAX; i++) {
		look_up(ctx, type, other, &a, &other);
		if (a.result != DNS_NODATA || other.n == 0)
			break;
	}
	if (i == CNAMES_MAX)
		a.result = DNS_FAILING;
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
