/*
 * hops_find.c - which hosts the text of a next hop means.
 */
#include "mta/relay/hops_int.h"

#include <sys/un.h>

#include <stdio.h>

#include "ruleset/image.h"

/* "192.0.2.1", "2001:db8::1", with or without brackets, "[IPv6:...]" too. */
static bool
literal(struct span s, struct ip *ip)
{
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = (struct span){ s.p + 1, s.n - 2 };
	if (span_iprefix(s, SPAN("IPv6:")))
		s = span_from(s, 5);
	return ip_parse(s, ip);
}

struct hop_host *
hop_add_host(struct hop_query *q, struct span name, uint16_t port)
{
	struct hop_host	*h;
	struct ip	 ip;

	if (name.n == 0 || name.n >= HOP_NAME_MAX ||
	    (h = hop_host_room(q)) == NULL)
		return NULL;
	h->port = port;
	h->level.named = DNS_SECURE;
	if (!literal(name, &ip))
		snprintf(h->name, sizeof(h->name), "%.*s", SPAN_ARG(name));
	else if (ip.family == 4)
		h->ip4[h->n4++] = ip;
	else
		h->ip6[h->n6++] = ip;
	q->n++;
	return h;
}

/* Where the port begins behind its colon; all of it: there is none. */
static size_t
port_at(struct span text)
{
	size_t	at = text.n;

	while (at > 0 && text.p[at - 1] >= '0' && text.p[at - 1] <= '9')
		at--;
	return at > 1 && at < text.n && text.p[at - 1] == ':' ? at : text.n;
}

struct hop_host *
hop_add_host_port(struct hop_query *q, struct span text, uint16_t port)
{
	size_t		 at = port_at(text);
	struct ip	 ip;
	uint64_t	 n = port;

	if (at == text.n || literal(text, &ip))
		return port == 0 ? NULL : hop_add_host(q, text, port);
	if (!span_u64(span_from(text, at), 65535, &n) || n == 0)
		return NULL;
	return hop_add_host(q, span_mem(text.p, at - 1), (uint16_t)n);
}

/* --- relay blocks */

/* The value of a line: a constant, or the next of those in the hop's text. */
static bool
line_value(const struct relay_host *line, const struct hop_text *hop,
    unsigned *nth, struct arena *a, struct span *value)
{
	if (line->name == NULL)
		return hop_param(hop, HOP_P_HOST, (*nth)++, a, value);
	*value = span_of(line->name);
	return true;
}

static bool
add_line(struct hop_query *q, const struct relay_host *line, struct span value,
    uint32_t rank)
{
	struct hop_host	*h;

	if (line->kind == RELAY_SRV)
		return hop_want_srv(q, value, rank);
	h = hop_add_host_port(q, value, line->port != 0 ? line->port :
	    SMTP_PORT);
	if (h == NULL)
		return false;
	h->rank = rank;
	h->weight = line->weight;
	h->tls_first = line->tls_first || h->port == SUBMISSIONS_PORT;
	return true;
}

/* Those in a row that have a weight are of one rank. */
static bool
is_grouped(const struct relay_terms *t, size_t line)
{
	return line > 0 && t->hosts[line].weight > 0 &&
	    t->hosts[line - 1].weight > 0;
}

static const char *
add_relay(struct hop_query *q, const struct hop_text *hop)
{
	const struct relay_terms	*t = q->way->terms;
	struct arena			 a = { 0 };
	struct span			 value;
	const char			*why = NULL;
	uint32_t			 rank = 0;
	unsigned			 nth = 0;
	size_t				 i;

	for (i = 0; i < t->nhosts && why == NULL; i++) {
		if (!is_grouped(t, i))
			rank += HOP_RANK_LINE;
		if (t->hosts[i].kind == RELAY_MX)
			why = "its hosts are those of the recipient's domain";
		else if (!line_value(&t->hosts[i], hop, &nth, &a, &value))
			why = "its host is computed when a message is routed";
		else if (!add_line(q, &t->hosts[i], value, rank))
			why = "a host of it is none";
	}
	arena_clear(&a);
	return why;
}

/* --- LMTP (RFC 2033): a local socket, or HOST:PORT */

/* The path of a socket has to fit an address (unix(7)). */
static bool
add_socket(struct hop_query *q, struct span path)
{
	struct hop_host	*h;

	if (path.n >= sizeof(((struct sockaddr_un *)0)->sun_path) ||
	    (h = hop_host_room(q)) == NULL)
		return false;
	h->local = true;
	h->n4 = 1;
	snprintf(h->name, sizeof(h->name), "%.*s", SPAN_ARG(path));
	q->n++;
	return true;
}

static void
add_lmtp(struct hop_query *q, struct span where)
{
	bool	there;

	there = span_prefix(where, SPAN("/")) ? add_socket(q, where) :
	    hop_add_host_port(q, where, 0) != NULL;
	if (there)
		q->hosts[q->n - 1].lmtp = true;
}

/* --- content filters */

static bool
find_filter(const struct rs_image *image, struct span name, uint32_t *out)
{
	const struct rs_object	*o;
	uint32_t		 i;

	for (i = 0; image != NULL && i < rs_nobject(image); i++) {
		o = rs_object(image, i);
		if (o->kind == RS_O_FILTER &&
		    span_eq(rs_string(image, o->name), name)) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* The `host "..." port N` of a filter, which is a constant. */
static void
add_filter_host(struct hop_query *q, const struct rs_image *image,
    const struct rs_optval *v, struct span host)
{
	struct rs_place	place = { .index = UINT32_MAX };
	uint16_t	port = SMTP_PORT;

	if (v->nplaces > 1)
		place = rs_option_place(image, v, 1);
	if (place.index != UINT32_MAX)
		port = (uint16_t)rs_const(image, place.index).i;
	(void)hop_add_host(q, host, port);
}

static void
add_filter(struct hop_query *q, struct span name)
{
	const struct rs_image	*image = q->hops->image;
	const struct rs_optval	*v;
	struct span		 host;
	uint32_t		 object;

	if (!find_filter(image, name, &object) ||
	    !rs_option(image, object, RS_OPT_FILTER_host, 0, &v))
		return;
	host = rs_option_text(image, object, RS_OPT_FILTER_host);
	if (span_prefix(host, SPAN("unix:")))
		(void)add_socket(q, span_from(host, 5));
	else
		add_filter_host(q, image, v, host);
	if (q->n == 0)
		return;
	q->hosts[0].filter = true;
	q->hosts[0].lmtp = rs_option(image, object, RS_OPT_FILTER_lmtp, 0, &v);
}

void
hop_no_hosts(struct outcome *why, struct span hop, const char *cause)
{
	outcome_set(why, 451, "4.3.5", "the policy has no hosts for %.*s%s%s",
	    (int)(hop.n > 200 ? 200 : hop.n), hop.p,
	    cause == NULL ? "" : ": ", cause == NULL ? "" : cause);
}

int
hop_find_hosts(struct hop_query *q, const struct hop_text *hop,
    struct outcome *why)
{
	const char	*cannot = NULL;

	if (hop->kind == HOP_TO_RELAY)
		cannot = add_relay(q, hop);
	else if (hop->kind == HOP_TO_HOST)
		(void)hop_add_host_port(q, hop->where, 0);
	else if (hop->kind == HOP_TO_LMTP)
		add_lmtp(q, hop->where);
	else
		add_filter(q, hop->where);
	if (cannot == NULL && (q->n > 0 || q->nsrv > 0))
		return 0;
	hop_no_hosts(why, hop->whole, cannot);
	return -1;
}
