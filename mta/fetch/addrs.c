/*
 * addrs.c - A and AAAA, asked for at once.
 */
#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/fetch/addrs.h"

enum { V4, V6, NFAMILIES };

struct addrs_question {
	struct dns_client	*dns;
	uint64_t		 tickets[NFAMILIES];	/* 0: has been answered */
	struct addrs		 got[NFAMILIES];
	bool			 failing;
	addrs_cb		*cb;
	void			*arg;
};

/* By turns, IPv4 first. */
static void
merge(const struct addrs_question *q, struct addrs *out)
{
	size_t	i, f;

	out->n = 0;
	for (i = 0; i < ADDRS_MAX; i++)
		for (f = 0; f < NFAMILIES; f++)
			if (i < q->got[f].n && out->n < ADDRS_MAX)
				out->v[out->n++] = q->got[f].v[i];
}

static void
answered(struct addrs_question *q, unsigned family, const struct dns_answer *a)
{
	struct addrs	all, *got = &q->got[family];
	size_t		i;

	q->tickets[family] = 0;
	for (i = 0; a->result == DNS_FOUND && i < a->n &&
	    got->n < ADDRS_MAX; i++)
		got->v[got->n++] = a->records[i].ip;
	q->failing = q->failing || a->result == DNS_FAILING;
	if (q->tickets[V4] != 0 || q->tickets[V6] != 0)
		return;
	merge(q, &all);
	q->cb(q->arg, &all, all.n == 0 && q->failing);
	free(q);
}

static void
answered_v4(void *arg, const struct dns_answer *a)
{
	answered(arg, V4, a);
}

static void
answered_v6(void *arg, const struct dns_answer *a)
{
	answered(arg, V6, a);
}

struct addrs_question *
addrs_ask(struct dns_client *dns, struct span name, addrs_cb *cb, void *arg)
{
	struct addrs_question	*q = xcalloc(1, sizeof(*q));

	q->dns = dns;
	q->cb = cb;
	q->arg = arg;
	q->tickets[V4] = dns_ask(dns, DNS_A, name, answered_v4, q);
	q->tickets[V6] = dns_ask(dns, DNS_AAAA, name, answered_v6, q);
	return q;
}

void
addrs_cancel(struct addrs_question **qp)
{
	struct addrs_question	*q = *qp;
	unsigned		 f;

	*qp = NULL;
	if (q == NULL)
		return;
	for (f = 0; f < NFAMILIES; f++)
		if (q->tickets[f] != 0)
			dns_cancel(q->dns, q->tickets[f]);
	free(q);
}

static bool
in(const struct ip *ip, const char *net)
{
	struct ipnet	n;

	return ipnet_parse(span_of(net), &n) && ipnet_has(&n, ip);
}

bool
addrs_public(const struct ip *ip)
{
	static const char *const	nets[] = {
		"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
		"::/127", "fe80::/10", "ff00::/8"
	};
	size_t				i;

	for (i = 0; i < sizeof(nets) / sizeof(nets[0]); i++)
		if (in(ip, nets[i]))
			return false;
	return true;
}
