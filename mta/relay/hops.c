/*
 * hops.c - a query: from hosts to addresses, and several hops one after the
 * other.
 */
#include "mta/relay/hops_int.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

/* --- addresses and lists of them */

void
hop_addr_copy(struct hop_addr *to, const struct hop_addr *from)
{
	*to = *from;
	if (to->way != NULL)
		to->way = relay_way_ref(to->way);
	if (to->tls != NULL)
		to->tls = hop_tls_ref(to->tls);
}

void
hop_addr_clear(struct hop_addr *a)
{
	relay_way_unref(&a->way);
	hop_tls_unref(&a->tls);
}

void
hop_list_free(struct hop_list **lp)
{
	struct hop_list	*list = *lp;
	size_t		 i;

	*lp = NULL;
	for (i = 0; list != NULL && i < list->n; i++)
		hop_addr_clear(&list->at[i]);
	free(list);
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

/* --- the end of a query */

static void resolve_one(struct hop_query *, struct span hop);

/* Its hosts are forgotten. */
static void
drop_hosts(struct hop_query *q)
{
	size_t	i;

	for (i = 0; i < q->n; i++)
		hop_tls_unref(&q->hosts[i].level.tls);
	q->n = q->asked = 0;
}

static void
query_free(struct hop_query **qp)
{
	drop_hosts(*qp);
	hop_list_free(&(*qp)->found);
	relay_way_unref(&(*qp)->way);
	free((*qp)->text);
	free((*qp)->hosts);
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

	for (i = 0; i < more->n && list->n < HOP_ADDRS_MAX; i++) {
		hop_addr_copy(&list->at[list->n], &more->at[i]);
		list->at[list->n++].host += HOP_HOSTS_MAX * list->nhops;
	}
	list->nhops++;
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
	} else if (q->found == NULL) {
		q->found = list;
		list->nhops = 1;
	} else {
		list_append(q->found, list);
		hop_list_free(&list);
	}
}

static void
next_hop(struct hop_query *q)
{
	char	*hop = q->rest, *blank = strchr(hop, ' ');

	q->rest = blank == NULL ? NULL : blank + 1;
	if (blank != NULL)
		*blank = '\0';
	relay_way_unref(&q->way);
	q->mx = q->has_set = false;
	q->port = 0;
	q->nsrv = 0;
	drop_hosts(q);
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

void
hop_fails(struct hop_query *q, unsigned code, const char *status,
    const char *text, const char *what)
{
	struct outcome	why;

	outcome_set(&why, code, status, "%s: %s", text, what);
	ends(q, NULL, &why);
}

static void
fails(struct hop_query *q, unsigned code, const char *status, const char *text)
{
	hop_fails(q, code, status, text,
	    q->mx ? q->domain : q->hosts[0].name);
}

struct hop_host *
hop_host_room(struct hop_query *q)
{
	struct hop_host	*h;

	if (q->n == HOP_HOSTS_MAX)
		return NULL;
	if (q->n == q->room) {
		assert(q->asked == 0);	/* answers know their host's place */
		q->room = q->room == 0 ? 4 : 2 * q->room;
		q->hosts = xreallocarray(q->hosts, q->room,
		    sizeof(*q->hosts));
	}
	h = &q->hosts[q->n];
	*h = (struct hop_host){ .query = q };
	return h;
}

/* --- the list */

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
		a->host = (uint16_t)(h - h->query->hosts);
		a->lmtp = h->lmtp;
		a->filter = h->filter;
		a->tls_first = h->tls_first;
		memcpy(a->name, h->name, sizeof(a->name));
		snprintf(a->domain, sizeof(a->domain), "%s",
		    h->domain == NULL ? "" : h->domain);
		a->way = relay_way_ref(h->query->way);
		a->tls = hop_tls_ref(h->level.tls);
	}
}

/* Where sources are named, a family without one is not used. */
static bool
uses(const struct hop_host *h, bool six)
{
	const struct relay_way	*way = h->query->way;

	if (h->local ||
	    (way->source4.family == 0 && way->source6.family == 0))
		return true;
	return (six ? way->source6.family : way->source4.family) != 0;
}

static void
list_add_family(struct hop_list *list, const struct hop_host *h, bool six)
{
	if (!uses(h, six))
		return;
	if (six)
		list_add(list, h, h->ip6, h->n6);
	else
		list_add(list, h, h->ip4, h->n4);
}

/* By default IPv4 first: more hops know a sender by its IPv4 name. */
static void
list_add_host(struct hop_list *list, const struct hop_host *h)
{
	bool	six = h->query->way->terms->prefer_ipv6;

	list_add_family(list, h, six);
	list_add_family(list, h, !six);
}

static struct hop_list *
list_of(const struct hop_query *q)
{
	struct order_item	 order[HOP_HOSTS_MAX];
	struct hop_list		*list;
	size_t			 i;

	list = xcalloc(1, sizeof(*list) + HOP_ADDRS_MAX * sizeof(list->at[0]));
	list->has_set = q->has_set;
	memcpy(list->set, q->set, sizeof(list->set));
	for (i = 0; i < q->n; i++)
		order[i] = (struct order_item){ q->hosts[i].rank,
		    q->hosts[i].weight, (uint16_t)i };
	order_items(order, q->n, q->hops->random != NULL ? q->hops->random :
	    order_by_system, q->hops->random_arg);
	for (i = 0; i < q->n; i++)
		list_add_host(list, &q->hosts[order[i].index]);
	if (list->n == 0)
		hop_list_free(&list);
	return list;
}

/* No host has an address. */
static void
no_addresses(struct hop_query *q)
{
	bool	failing = false, exists = false, other = false;
	size_t	i;

	for (i = 0; i < q->n; i++) {
		failing |= q->hosts[i].failing;
		exists |= q->hosts[i].exists;
		other |= q->hosts[i].n4 + q->hosts[i].n6 > 0;
	}
	if (failing)
		fails(q, 451, "4.4.3", "DNS cannot say where it is");
	else if (other)		/* the administrator may mend it */
		fails(q, 451, "4.3.5", "no address of a family that 'source' "
		    "names");
	else if (!q->mx)	/* the administrator may mend it */
		fails(q, 451, "4.4.4", "the next hop has no address");
	else if (exists)
		fails(q, 550, "5.4.4", "the domain's mail hosts have no address");
	else if (q->has_set)
		fails(q, 550, "5.4.4", "the domain's mail hosts do not exist");
	else
		fails(q, 550, "5.1.2", "no such domain");
}

/* Which TLS each is to get is known, too. */
static void
levels_known(void *arg)
{
	struct hop_query	*q = arg;
	struct hop_list		*list = list_of(q);

	q->levels = NULL;
	assert(list != NULL);
	ends(q, list, NULL);
}

static void
find_levels(struct hop_query *q)
{
	struct level_host	*hosts[LEVEL_HOSTS_MAX];
	struct level_query	*levels;
	struct hop_host		*h;
	size_t			 i;

	if (q->hops->levels == NULL) {
		levels_known(q);
		return;
	}
	for (i = 0; i < q->n; i++) {
		h = &q->hosts[i];
		h->level.name = h->local ? "" : h->name;
		h->level.port = h->port;
		h->level.domain = q->mx ? q->domain : "";
		h->level.domain_canonical = q->mx ? q->canonical : "";
		h->level.srv = q->mx ? NULL : h->domain;
		hosts[i] = &h->level;
	}
	levels = level_find(q->hops->levels, q->way->terms, hosts, q->n,
	    levels_known, q);
	if (levels != NULL)
		q->levels = levels;
}

static bool
is_usable(const struct hop_host *h)
{
	return (h->n4 > 0 && uses(h, false)) || (h->n6 > 0 && uses(h, true));
}

/* If there are hosts with addresses, they alone are left; else all of them. */
static bool
keep_usable(struct hop_query *q)
{
	size_t	i, n = 0;

	for (i = 0; i < q->n && n < LEVEL_HOSTS_MAX; i++)
		if (is_usable(&q->hosts[i]))
			q->hosts[n++] = q->hosts[i];
	if (n > 0)
		q->n = q->asked = n;
	return n > 0;
}

static void
all_answered(struct hop_query *q)
{
	if (q->mx && !hop_drop_self(q))
		fails(q, 554, "5.4.6", "mail loops back to this host");
	else if (keep_usable(q))
		find_levels(q);
	else if (q->asked < q->n)
		hop_look_up(q);
	else
		no_addresses(q);
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

	level_host_address(&h->level, a);
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
look_host_up(struct hop_query *q, struct hop_host *h)
{
	struct dns_client	*dns = q->hops->dns;

	if (h->name[0] == '\0' || h->local)
		return;
	q->waiting += 2;
	h->ticket4 = dns_ask(dns, DNS_A, span_of(h->name), got_a, h);
	h->ticket6 = dns_ask(dns, DNS_AAAA, span_of(h->name), got_aaaa, h);
}

/*
 * How many are asked for at once: those of one rank together, since one of
 * them may be ourselves.
 */
static size_t
wave_end(const struct hop_query *q)
{
	size_t	end = q->asked + HOP_ASKED_MAX;

	while (end < q->n && q->hosts[end].rank == q->hosts[end - 1].rank)
		end++;
	return end < q->n ? end : q->n;
}

void
hop_look_up(struct hop_query *q)
{
	size_t	end = wave_end(q);

	while (q->asked < end)
		look_host_up(q, &q->hosts[q->asked++]);
	if (q->waiting == 0)	/* all were addresses */
		all_answered(q);
}

/* --- asking */

static void
resolve_one(struct hop_query *q, struct span text)
{
	struct hop_text	 hop;
	struct outcome	 why;
	const char	*cannot = NULL;

	if (!hop_parse(text, &hop) || (q->way = relay_way_of(q->hops->blocks,
	    &hop, &cannot)) == NULL) {
		hop_no_hosts(&why, text, cannot);
		ends(q, NULL, &why);
	} else if (hop.kind == HOP_TO_MX)
		hop_ask_mx(q, hop.where);
	else if (hop_find_hosts(q, &hop, &why) == -1)
		ends(q, NULL, &why);
	else if (q->nsrv > 0)
		hop_ask_srv(q);
	else
		hop_look_up(q);
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
	level_find_cancel(&q->levels);
	for (i = 0; i < q->nsrv; i++) {
		cancel(q->hops->dns, q->srv[i].tickets[0]);
		cancel(q->hops->dns, q->srv[i].tickets[1]);
	}
	for (i = 0; i < q->n; i++) {
		cancel(q->hops->dns, q->hosts[i].ticket4);
		cancel(q->hops->dns, q->hosts[i].ticket6);
	}
	query_free(qp);
}
