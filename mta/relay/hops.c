/*
 * hops.c - from hosts to addresses: MX, A and AAAA.
 */
#include "mta/relay/hops_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/xalloc.h"

/* --- the end of a query */

static void resolve_one(struct hop_query *, struct span hop);

static void
query_free(struct hop_query **qp)
{
	free((*qp)->found);
	free((*qp)->text);
	free(*qp);
	*qp = NULL;
}

static void
tell(struct hop_query *q, struct hop_list *list, const struct outcome *why)
{
	hop_cb	*cb = q->cb;
	void	*arg = q->arg;

	if (q->over != NULL)
		*q->over = true;
	query_free(&q);
	cb(arg, list, why);
}

/* --- several hops */

static void
list_append(struct hop_list *list, const struct hop_list *more)
{
	size_t	i;

	for (i = 0; i < more->n && list->n < HOP_ADDRS_MAX; i++)
		list->at[list->n++] = more->at[i];
}

/* Keeps what one of the hops has given, or why not: what may mend counts more. */
static void
keep(struct hop_query *q, struct hop_list *list, const struct outcome *why)
{
	if (list == NULL) {
		if (!q->failed || (outcome_is_final(&q->why) &&
		    !outcome_is_final(why)))
			q->why = *why;
		q->failed = true;
	} else if (q->found == NULL)
		q->found = list;
	else {
		list_append(q->found, list);
		free(list);
	}
}

static void
next_hop(struct hop_query *q)
{
	char	*hop = q->rest, *blank = strchr(hop, ' ');

	q->rest = blank == NULL ? NULL : blank + 1;
	if (blank != NULL)
		*blank = '\0';
	q->mx = q->has_set = false;
	q->port = 0;
	q->n = 0;
	resolve_one(q, span_of(hop));
}

/* One hop has ended, and with the last the query, which is freed then. */
static void
ends(struct hop_query *q, struct hop_list *list, const struct outcome *why)
{
	struct outcome	 first;

	if (q->text == NULL) {
		tell(q, list, why);
		return;
	}
	if (list != NULL)
		list->has_set = false;	/* several are no set of one domain */
	keep(q, list, why);
	if (q->rest != NULL) {
		next_hop(q);
		return;
	}
	list = q->found;
	q->found = NULL;
	first = q->why;
	tell(q, list, list == NULL ? &first : NULL);
}

static void
fails(struct hop_query *q, unsigned code, const char *status, const char *text)
{
	struct outcome	why;

	outcome_set(&why, code, status, "%s: %s", text,
	    q->mx ? q->domain : q->hosts[0].name);
	ends(q, NULL, &why);
}

/* --- the list */

static bool
host_is_self(const struct hop_query *q, const struct hop_host *h)
{
	const struct self	*self = q->hops->self;
	size_t			 i;

	if (self_is_name(self, span_of(h->name)))
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
static bool
drop_self_and_worse(struct hop_query *q)
{
	uint32_t	own = UINT32_MAX;
	size_t		i, n = 0;

	for (i = 0; i < q->n; i++)
		if (host_is_self(q, &q->hosts[i]) && q->hosts[i].pref < own)
			own = q->hosts[i].pref;
	if (own == UINT32_MAX)
		return true;
	for (i = 0; i < q->n; i++)
		if (q->hosts[i].pref < own)
			q->hosts[n++] = q->hosts[i];
	q->n = n;
	return n > 0;
}

static void
list_add(struct hop_list *list, const struct hop_host *h, const struct ip *ips,
    size_t n)
{
	struct hop_addr	*a;
	size_t		 i;

	for (i = 0; i < n && list->n < HOP_ADDRS_MAX; i++) {
		a = &list->at[list->n++];
		a->ip = ips[i];
		a->port = h->port;
		a->lmtp = h->lmtp;
		a->filter = h->filter;
		memcpy(a->name, h->name, sizeof(a->name));
	}
}

const char *
hop_addr_text(const struct hop_addr *a, struct span name,
    char out[HOP_ADDR_TEXT])
{
	char	ip[IP_TEXT_MAX];

	snprintf(out, HOP_ADDR_TEXT, "%.*s[%s]",
	    (int)(name.n < HOP_NAME_MAX ? name.n : 0), name.p,
	    hop_is_local(a) ? a->name : ip_format(&a->ip, ip));
	return out;
}

const char *
hop_port_text(const struct hop_addr *a, char out[HOP_PORT_TEXT])
{
	out[0] = '\0';
	if (!hop_is_local(a) && a->port != SMTP_PORT)
		snprintf(out, HOP_PORT_TEXT, ":%u", (unsigned)a->port);
	return out;
}

/* IPv4 before IPv6 of each host: more hops know a sender by its IPv4 name. */
static struct hop_list *
list_of(const struct hop_query *q)
{
	struct hop_list	*list;
	size_t		 i;

	list = xcalloc(1, sizeof(*list) + HOP_ADDRS_MAX * sizeof(list->at[0]));
	list->has_set = q->has_set;
	memcpy(list->set, q->set, sizeof(list->set));
	for (i = 0; i < q->n; i++) {
		list_add(list, &q->hosts[i], q->hosts[i].ip4, q->hosts[i].n4);
		list_add(list, &q->hosts[i], q->hosts[i].ip6, q->hosts[i].n6);
	}
	if (list->n > 0)
		return list;
	free(list);
	return NULL;
}

/* No host has an address. */
static void
no_addresses(struct hop_query *q)
{
	bool	failing = false, exists = false;
	size_t	i;

	for (i = 0; i < q->n; i++) {
		failing |= q->hosts[i].failing;
		exists |= q->hosts[i].exists;
	}
	if (failing)
		fails(q, 451, "4.4.3", "DNS cannot say where it is");
	else if (!q->mx)	/* the administrator may mend it */
		fails(q, 451, "4.4.4", "the next hop has no address");
	else if (exists)
		fails(q, 550, "5.4.4", "the domain's mail hosts have no address");
	else if (q->has_set)
		fails(q, 550, "5.4.4", "the domain's mail hosts do not exist");
	else
		fails(q, 550, "5.1.2", "no such domain");
}

static void
all_answered(struct hop_query *q)
{
	struct hop_list	*list;

	if (q->mx && !drop_self_and_worse(q))
		fails(q, 554, "5.4.6", "mail loops back to this host");
	else if ((list = list_of(q)) == NULL)
		no_addresses(q);
	else
		ends(q, list, NULL);
}

/* --- A and AAAA */

static void
take_address(struct hop_host *h, const struct ip *ip)
{
	if (ip->family == 4 && h->n4 < HOST_IPS_MAX)
		h->ip4[h->n4++] = *ip;
	else if (ip->family == 6 && h->n6 < HOST_IPS_MAX)
		h->ip6[h->n6++] = *ip;
}

static void
host_answered(struct hop_host *h, const struct dns_answer *a)
{
	size_t	i;

	h->failing |= a->result == DNS_FAILING;
	h->exists |= a->result == DNS_FOUND || a->result == DNS_NODATA;
	for (i = 0; a->result == DNS_FOUND && i < a->n; i++)
		take_address(h, &a->records[i].ip);
	if (--h->query->waiting == 0)
		all_answered(h->query);
}

static void
got_a(void *arg, const struct dns_answer *a)
{
	struct hop_host	*h = arg;

	h->ticket4 = 0;
	host_answered(h, a);
}

static void
got_aaaa(void *arg, const struct dns_answer *a)
{
	struct hop_host	*h = arg;

	h->ticket6 = 0;
	host_answered(h, a);
}

static void
look_hosts_up(struct hop_query *q)
{
	struct dns_client	*dns = q->hops->dns;
	struct hop_host		*h;
	size_t			 i;

	for (i = 0; i < q->n; i++) {
		h = &q->hosts[i];
		if (h->name[0] == '\0' || h->local)
			continue;
		q->waiting += 2;
		h->ticket4 = dns_ask(dns, DNS_A, span_of(h->name), got_a, h);
		h->ticket6 = dns_ask(dns, DNS_AAAA, span_of(h->name),
		    got_aaaa, h);
	}
	if (q->waiting == 0)	/* all were addresses */
		all_answered(q);
}

/* --- MX */

/* Random order first, then by preference without changing it among equals. */
static void
sort_mx(struct dns_record *r, size_t n)
{
	struct dns_record	tmp;
	uint32_t		random[DNS_RECORDS_MAX];
	size_t			i, j;

	random_bytes(random, n * sizeof(random[0]));
	for (i = n; i > 1; i--) {
		j = random[i - 1] % i;
		tmp = r[i - 1];
		r[i - 1] = r[j];
		r[j] = tmp;
	}
	for (i = 1; i < n; i++)		/* insertion: stable, n <= 64 */
		for (j = i; j > 0 && r[j - 1].pref > r[j].pref; j--) {
			tmp = r[j];
			r[j] = r[j - 1];
			r[j - 1] = tmp;
		}
}

static uint16_t
mx_port(const struct hop_query *q)
{
	return q->port != 0 ? q->port : q->hops->mx_port;
}

static void
take_mx(struct hop_query *q, const struct dns_answer *a)
{
	struct dns_record	r[DNS_RECORDS_MAX];
	size_t			i;

	memcpy(r, a->records, a->n * sizeof(r[0]));
	mx_set(r, a->n, mx_port(q), q->set);
	q->has_set = true;
	sort_mx(r, a->n);
	for (i = 0; i < a->n; i++)
		hop_add_host(q, r[i].name, mx_port(q), r[i].pref);
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
	switch (a->result) {
	case DNS_NXDOMAIN:
		fails(q, 550, "5.1.2", "no such domain");
		return;
	case DNS_FAILING:
		fails(q, 451, "4.4.3", "DNS cannot say where it is");
		return;
	case DNS_NODATA:
		hop_add_host(q, span_of(q->domain), mx_port(q), 0);
		break;
	case DNS_FOUND:
		if (is_null_mx(a)) {	/* RFC 7505, 4.2 */
			fails(q, 556, "5.1.10", "the domain takes no mail");
			return;
		}
		take_mx(q, a);
		break;
	}
	look_hosts_up(q);
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
static void
resolve_mx(struct hop_query *q, struct span domain)
{
	q->mx = true;
	domain = take_port(q, domain);
	snprintf(q->domain, sizeof(q->domain), "%.*s", SPAN_ARG(domain));
	if (domain.n > 0 && domain.p[0] == '[') {
		if (hop_add_host(q, domain, q->hops->mx_port, 0) &&
		    q->hosts[0].name[0] == '\0')
			all_answered(q);
		else
			fails(q, 550, "5.1.3", "not an address");
		return;
	}
	q->ticket = dns_ask(q->hops->dns, DNS_MX, domain, got_mx, q);
}

static void
resolve_one(struct hop_query *q, struct span hop)
{
	struct outcome	 why;

	if (span_prefix(hop, SPAN("mx:")))
		resolve_mx(q, span_from(hop, 3));
	else if (hop_find_hosts(q, hop, &why) == -1)
		ends(q, NULL, &why);
	else
		look_hosts_up(q);
}

struct hop_query *
hop_resolve(const struct hops *hops, struct span hop, hop_cb *cb, void *arg)
{
	struct hop_query	*q = xcalloc(1, sizeof(*q));
	bool			 over = false;

	q->hops = hops;
	q->cb = cb;
	q->arg = arg;
	q->over = &over;
	if (span_index(hop, ' ') >= 0) {
		q->rest = q->text = xstrndup(hop.p, hop.n);
		next_hop(q);
	} else
		resolve_one(q, hop);
	if (over)
		return NULL;
	q->over = NULL;
	return q;
}

static void
cancel(struct dns_client *dns, uint64_t ticket)
{
	if (ticket != 0)
		dns_cancel(dns, ticket);
}

void
hop_cancel(struct hop_query **qp)
{
	struct hop_query	*q = *qp;
	size_t			 i;

	if (q == NULL)
		return;
	cancel(q->hops->dns, q->ticket);
	for (i = 0; i < q->n; i++) {
		cancel(q->hops->dns, q->hosts[i].ticket4);
		cancel(q->hops->dns, q->hosts[i].ticket6);
	}
	query_free(qp);
}
