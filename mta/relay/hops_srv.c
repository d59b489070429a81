/*
 * hops_srv.c - next hops by SRV records: where a domain's mail is handed in
 * (RFC 6186, 3.1; RFC 8314, 5.1).
 *
 * Both services are asked for.  Their records are ranked by priority; at the
 * same one `_submissions`, where TLS comes first, stands before `_submission`.
 * A target "." says that there is no such service (RFC 2782).
 */
#include "mta/relay/hops_int.h"

#include <stdio.h>
#include <string.h>

enum { SUBMISSIONS, SUBMISSION, NSERVICES };

static const char *const services[NSERVICES] = {
	[SUBMISSIONS] = "_submissions._tcp.", [SUBMISSION] = "_submission._tcp."
};

bool
hop_want_srv(struct hop_query *q, struct span domain, uint32_t rank)
{
	struct hop_srv	*s = &q->srv[q->nsrv];

	if (q->nsrv == HOP_SRV_MAX || domain.n == 0 ||
	    domain.n + strlen(services[SUBMISSIONS]) >= HOP_NAME_MAX)
		return false;
	*s = (struct hop_srv){ .rank = rank, .query = q };
	snprintf(s->domain, sizeof(s->domain), "%.*s", SPAN_ARG(domain));
	q->nsrv++;
	return true;
}

/* The best first, so that it is those that find room. */
static void
take_records(struct hop_srv *s, const struct dns_answer *a, unsigned service)
{
	struct order_item	 order[DNS_RECORDS_MAX];
	const struct dns_record	*r;
	struct hop_host		*h;
	size_t			 i;

	for (i = 0; i < a->n; i++)
		order[i] = (struct order_item){ a->records[i].pref,
		    a->records[i].weight, (uint16_t)i };
	order_items(order, a->n, order_by_system, NULL);
	for (i = 0; i < a->n; i++) {
		r = &a->records[order[i].index];
		if (r->name.n == 0 || r->port == 0 ||
		    (h = hop_add_host(s->query, r->name, r->port)) == NULL)
			continue;
		h->rank = s->rank + r->pref * NSERVICES + service;
		h->weight = r->weight;
		h->tls_first = service == SUBMISSIONS;
		h->domain = s->domain;
		level_host_named(&h->level, a);
		s->found = true;
	}
}

/* None of the lines has named a host, nor is there another one. */
static void
no_hosts(struct hop_query *q)
{
	size_t	i;

	for (i = 0; i < q->nsrv; i++)
		if (q->srv[i].failing) {
			hop_fails(q, 451, "4.4.3", "DNS cannot say where it is",
			    q->srv[i].domain);
			return;
		}
	hop_fails(q, 451, "4.4.4", "no SRV record says where mail is handed in",
	    q->srv[0].domain);
}

static void
answered(struct hop_srv *s, unsigned service, const struct dns_answer *a)
{
	struct hop_query	*q = s->query;

	s->tickets[service] = 0;
	s->failing |= a->result == DNS_FAILING;
	if (a->result == DNS_FOUND)
		take_records(s, a, service);
	if (--q->srv_waiting > 0)
		return;
	if (q->n == 0)
		no_hosts(q);
	else
		hop_look_up(q);
}

static void
got_submissions(void *arg, const struct dns_answer *a)
{
	answered(arg, SUBMISSIONS, a);
}

static void
got_submission(void *arg, const struct dns_answer *a)
{
	answered(arg, SUBMISSION, a);
}

static uint64_t
ask(struct hop_srv *s, unsigned service, dns_cb *cb)
{
	char	name[HOP_NAME_MAX];
	int	n;

	n = snprintf(name, sizeof(name), "%s%s", services[service], s->domain);
	return dns_ask(s->query->hops->dns, DNS_SRV, span_mem(name, (size_t)n),
	    cb, s);
}

void
hop_ask_srv(struct hop_query *q)
{
	struct hop_srv	*s;
	size_t		 i;

	q->srv_waiting = q->nsrv * NSERVICES;
	for (i = 0; i < q->nsrv; i++) {
		s = &q->srv[i];
		s->tickets[SUBMISSIONS] = ask(s, SUBMISSIONS, got_submissions);
		s->tickets[SUBMISSION] = ask(s, SUBMISSION, got_submission);
	}
}
