/*
 * played_dns.c - DNS that a test plays.
 */
#include "test/unit/policy/played_dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/xalloc.h"

#define CNAMES_MAX	8

static const struct {
	enum dns_type	 type;
	const char	*name;
} types[] = {
	{ DNS_A, "A" }, { DNS_PTR, "PTR" }, { DNS_MX, "MX" },
	{ DNS_TXT, "TXT" }, { DNS_AAAA, "AAAA" }
};

void
played_add(struct played_dns *d, const char *name, const char *type,
    const char *data, size_t octets)
{
	struct played_rr	*rr;

	d->rr = xreallocarray(d->rr, d->n + 1, sizeof(*d->rr));
	rr = &d->rr[d->n++];
	snprintf(rr->name, sizeof(rr->name), "%s", name);
	snprintf(rr->type, sizeof(rr->type), "%s", type);
	if (octets > sizeof(rr->data))
		abort();
	memcpy(rr->data, data, octets);
	rr->octets = octets;
}

void
played_say(struct played_dns *d, const char *name, const char *type,
    const char *data)
{
	played_add(d, name, type, data, strlen(data));
}

void
played_clear(struct played_dns *d)
{
	free(d->rr);
	d->rr = NULL;
	d->n = 0;
}

static const char *
type_name(enum dns_type type)
{
	size_t	i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	abort();
}

/* A record's data as an answer has it. */
static struct dns_record
to_record(enum dns_type type, struct span data)
{
	struct dns_record	r = { .pref = 0 };
	ptrdiff_t		blank;
	uint64_t		pref;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		if (!ip_parse(data, &r.ip))
			abort();
		break;
	case DNS_MX:
		if ((blank = span_index(data, ' ')) < 0) {
			blank = (ptrdiff_t)data.n;	/* null MX */
		}
		if (!span_u64(span_mem(data.p, (size_t)blank), 65535, &pref))
			abort();
		r.pref = (uint16_t)pref;
		r.name = span_from(data, (size_t)blank + 1);
		break;
	default:
		r.name = data;
	}
	return r;
}

static void
look_up(const struct played_dns *d, enum dns_type type, const char *name,
    struct dns_record *records, struct dns_answer *a, unsigned cnames)
{
	const struct played_rr	*rr;
	bool			 failing = false;
	size_t			 i;

	for (i = 0; i < d->n; i++) {
		rr = &d->rr[i];
		if (strcasecmp(rr->name, name) != 0)
			continue;
		if (a->result == DNS_NXDOMAIN)
			a->result = DNS_NODATA;
		if (strcmp(rr->type, "*") == 0)
			failing = true;
		else if (strcmp(rr->type, "CNAME") == 0 && cnames > 0) {
			char	to[512];

			snprintf(to, sizeof(to), "%.*s", (int)rr->octets,
			    rr->data);
			a->result = DNS_NXDOMAIN;
			look_up(d, type, to, records, a, cnames - 1);
			return;
		} else if (strcmp(rr->type, type_name(type)) == 0 &&
		    a->n < DNS_RECORDS_MAX)
			records[a->n++] = to_record(type,
			    span_mem(rr->data, rr->octets));
	}
	if (a->n > 0)
		a->result = DNS_FOUND;
	else if (failing)
		a->result = DNS_FAILING;
}

static void
answer(const struct played_dns *d, const struct played_question *q)
{
	struct dns_record	records[DNS_RECORDS_MAX];
	struct dns_answer	a = { .result = DNS_NXDOMAIN, .ttl_s = 300,
				    .records = records };

	look_up(d, q->type, q->name, records, &a, CNAMES_MAX);
	q->cb(q->arg, &a);
}

static uint64_t
ask(void *ctx, enum dns_type type, struct span name, dns_cb *cb, void *arg)
{
	struct played_dns	*d = ctx;
	struct played_question	 q = { ++d->tickets, type, "", cb, arg };

	d->asked++;
	snprintf(q.name, sizeof(q.name), "%.*s", SPAN_ARG(name));
	if (!d->later) {
		answer(d, &q);
		return q.ticket;
	}
	if (d->nopen == PLAYED_OPEN_MAX)
		abort();
	d->open[d->nopen++] = q;
	return q.ticket;
}

static void
drop(struct played_dns *d, size_t i)
{
	d->nopen--;
	memmove(&d->open[i], &d->open[i + 1],
	    (d->nopen - i) * sizeof(d->open[0]));
}

static void
cancel(void *ctx, uint64_t ticket)
{
	struct played_dns	*d = ctx;
	size_t			 i;

	for (i = 0; i < d->nopen; i++)
		if (d->open[i].ticket == ticket) {
			d->cancelled++;
			drop(d, i);
			return;
		}
}

bool
played_answer(struct played_dns *d)
{
	struct played_question	q;

	if (d->nopen == 0)
		return false;
	q = d->open[0];
	drop(d, 0);
	answer(d, &q);
	return true;
}

struct policy_dns
played_policy(struct played_dns *d)
{
	return (struct policy_dns){ ask, cancel, d };
}
