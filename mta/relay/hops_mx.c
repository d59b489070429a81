/*
 * hops_mx.c - the hosts of a domain's MX records (RFC 5321, 5.1).
 */
#include "mta/relay/hops_int.h"

#include <stdio.h>

/* --- ourselves among them */

/* RFC 6761, 6.3: whoever says it means the machine that asks. */
static bool
is_localhost(struct span name)
{
	static const struct span	word = { "localhost", 9 };

	return span_ieq(name, word) || (name.n > word.n &&
	    name.p[name.n - word.n - 1] == '.' &&
	    span_ieq(span_from(name, name.n - word.n), word));
}

static bool
host_is_self(const struct hop_query *q, const struct hop_host *h)
{
	const struct self	*self = q->hops->self;
	size_t			 i;

	if (self_is_name(self, span_of(h->name)) ||
	    is_localhost(span_of(h->name)))
		return true;
	for (i = 0; i < h->n4; i++)
		if (self_is_address(self, &h->ip4[i], h->port))
			return true;
	for (i = 0; i < h->n6; i++)
		if (self_is_address(self, &h->ip6[i], h->port))
			return true;
	return false;
}

/*
 * RFC 5321, 5.1: where we are among the MX hosts, only more preferred ones
 * may be tried.  false: nobody is.
 */
bool
hop_drop_self(struct hop_query *q)
{
	uint32_t	own = UINT32_MAX;
	size_t		i, n = 0;

	for (i = 0; i < q->n; i++)
		if (host_is_self(q, &q->hosts[i]) && q->hosts[i].rank < own)
			own = q->hosts[i].rank;
	if (own == UINT32_MAX)
		return true;
	for (i = 0; i < q->n; i++)
		if (q->hosts[i].rank < own)
			q->hosts[n++] = q->hosts[i];
	q->n = n;
	return n > 0;
}

/* --- what DNS says */

/* The most preferred first, so that it is those that find room. */
static void
sort_mx(const struct dns_record *r, size_t n, const struct hop_query *q,
    struct order_item *order)
{
	size_t	i;

	for (i = 0; i < n; i++)
		order[i] = (struct order_item){ r[i].pref, 0, (uint16_t)i };
	order_items(order, n, q->hops->random != NULL ? q->hops->random :
	    order_by_system, q->hops->random_arg);
}

static uint16_t
mx_port(const struct hop_query *q)
{
	const struct relay_terms	*t = q->way->terms;

	if (q->port != 0)
		return q->port;
	return t->nhosts > 0 && t->hosts[0].port != 0 ? t->hosts[0].port :
	    q->hops->mx_port;
}

/* What MX names is a host: "192.0.2.1" is one that does not exist (RFC 974). */
static void
add_host(struct hop_query *q, struct span name, uint32_t pref,
    const struct dns_answer *a)
{
	struct hop_host	*h;
	struct ip	 ip;

	if (ip_parse(name, &ip) ||
	    (h = hop_add_host(q, name, mx_port(q))) == NULL)
		return;
	h->rank = pref;
	h->domain = q->domain;
	level_host_named(&h->level, a);
}

static void
take_mx(struct hop_query *q, const struct dns_answer *a)
{
	struct dns_record	r[DNS_RECORDS_MAX];
	struct order_item	order[DNS_RECORDS_MAX];
	size_t			i;

	memcpy(r, a->records, a->n * sizeof(r[0]));
	mx_set(r, a->n, mx_port(q), q->set);
	q->has_set = true;
	sort_mx(r, a->n, q, order);
	for (i = 0; i < a->n; i++)
		add_host(q, r[order[i].index].name, r[order[i].index].pref,
		    a);
}

static bool
is_null_mx(const struct dns_answer *a)
{
	return a->n == 1 && a->records[0].name.n == 0;
}

static void
got_mx(void *arg, const struct dns_answer *a)
{
	struct hop_query	*q = arg;

	q->ticket = 0;
	snprintf(q->canonical, sizeof(q->canonical), "%.*s",
	    SPAN_ARG(a->canonical));
	switch (a->result) {
	case DNS_NXDOMAIN:
		hop_fails(q, 550, "5.1.2", "no such domain", q->domain);
		return;
	case DNS_FAILING:
		hop_fails(q, 451, "4.4.3", a->trust == DNS_BOGUS ?
		    "its MX is not signed as it should be (DNSSEC)" :
		    "DNS cannot say where it is", q->domain);
		return;
	case DNS_NODATA:
		add_host(q, span_of(q->domain), 0, a);
		break;
	case DNS_FOUND:
		if (is_null_mx(a)) {	/* RFC 7505, 4.2 */
			hop_fails(q, 556, "5.1.10", "the domain takes no mail",
			    q->domain);
			return;
		}
		take_mx(q, a);
		break;
	}
	hop_look_up(q);
}

/* "mx:host.example:2525": a table may name the port of the MX hosts. */
static struct span
take_port(struct hop_query *q, struct span domain)
{
	ptrdiff_t	colon = span_index(domain, ':');
	uint64_t	port;

	if (domain.n == 0 || domain.p[0] == '[' || colon < 0 ||
	    !span_u64(span_from(domain, (size_t)colon + 1), 65535, &port))
		return domain;
	q->port = (uint16_t)port;
	return span_mem(domain.p, (size_t)colon);
}

/* "mx:[192.0.2.1]": a literal is the host itself (RFC 5321, 4.1.3). */
void
hop_ask_mx(struct hop_query *q, struct span domain)
{
	q->mx = true;
	domain = take_port(q, domain);
	snprintf(q->domain, sizeof(q->domain), "%.*s", SPAN_ARG(domain));
	if (domain.n > 0 && domain.p[0] == '[') {
		if (hop_add_host(q, domain, mx_port(q)) != NULL &&
		    q->hosts[0].name[0] == '\0')
			hop_look_up(q);
		else
			hop_fails(q, 550, "5.1.3", "not an address",
			    q->domain);
		return;
	}
	q->ticket = dns_ask(q->hops->dns, DNS_MX, domain, got_mx, q);
}
