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

bool
hop_add_host(struct hop_query *q, struct span name, uint16_t port,
    uint32_t pref)
{
	struct hop_host	*h = &q->hosts[q->n];
	struct ip	 ip;

	if (q->n == HOP_HOSTS_MAX || name.n == 0 || name.n >= HOP_NAME_MAX)
		return false;
	*h = (struct hop_host){ .port = port, .pref = pref, .query = q };
	if (!literal(name, &ip))
		snprintf(h->name, sizeof(h->name), "%.*s", SPAN_ARG(name));
	else if (ip.family == 4)
		h->ip4[h->n4++] = ip;
	else
		h->ip6[h->n6++] = ip;
	q->n++;
	return true;
}

/* "HOST:PORT", HOST perhaps an address in brackets. */
static bool
add_host_port(struct hop_query *q, struct span text)
{
	size_t		 colon = text.n;
	struct span	 host = text;
	uint64_t	 port;

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (colon == 0 ||
	    !span_u64(span_from(text, colon), 65535, &port) || port == 0)
		return false;
	host.n = colon - 1;
	return hop_add_host(q, host, (uint16_t)port, 0);
}

/* One `host "..." port N` of a relay block; what must be computed is left out. */
static void
add_relay_host(struct hop_query *q, const struct rs_image *image,
    const struct rs_optval *v)
{
	struct rs_place	 host = rs_option_place(image, v, 0);
	struct rs_place	 port = { .is_func = 0, .index = UINT32_MAX };
	struct rs_value	 value, number = { .i = SMTP_PORT };

	if (v->nplaces > 1)
		port = rs_option_place(image, v, 1);
	if (host.is_func || host.index == UINT32_MAX || port.is_func)
		return;
	value = rs_const(image, host.index);
	if (port.index != UINT32_MAX)
		number = rs_const(image, port.index);
	if (number.i > 0 && number.i <= 65535)
		hop_add_host(q, value.s, (uint16_t)number.i, (uint32_t)q->n);
}

static bool
find_object(const struct rs_image *image, unsigned kind, struct span name,
    uint32_t *out)
{
	const struct rs_object	*o;
	uint32_t		 i;

	for (i = 0; image != NULL && i < rs_nobject(image); i++) {
		o = rs_object(image, i);
		if (o->kind == kind &&
		    span_eq(rs_string(image, o->name), name)) {
			*out = i;
			return true;
		}
	}
	return false;
}

static void
add_relay(struct hop_query *q, struct span name)
{
	const struct rs_image	*image = q->hops->image;
	const struct rs_optval	*v;
	uint32_t		 object;
	unsigned		 nth;

	if (!find_object(image, RS_O_RELAY, name, &object))
		return;
	for (nth = 0; nth < HOP_HOSTS_MAX &&
	    rs_option(image, object, RS_OPT_RELAY_host, nth, &v); nth++)
		add_relay_host(q, image, v);
}

/* --- LMTP (RFC 2033): a local socket, or HOST:PORT */

/* The path of a socket has to fit an address (unix(7)). */
static bool
add_socket(struct hop_query *q, struct span path)
{
	struct hop_host	*h = &q->hosts[q->n];

	if (q->n == HOP_HOSTS_MAX ||
	    path.n >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return false;
	*h = (struct hop_host){ .local = true, .query = q, .n4 = 1 };
	snprintf(h->name, sizeof(h->name), "%.*s", SPAN_ARG(path));
	q->n++;
	return true;
}

static void
add_lmtp(struct hop_query *q, struct span where)
{
	bool	there;

	there = span_prefix(where, SPAN("/")) ? add_socket(q, where) :
	    add_host_port(q, where);
	if (there)
		q->hosts[q->n - 1].lmtp = true;
}

/* --- content filters */

static void
add_filter(struct hop_query *q, struct span name)
{
	const struct rs_image	*image = q->hops->image;
	const struct rs_optval	*v;
	struct span		 host;
	uint32_t		 object;

	if (!find_object(image, RS_O_FILTER, name, &object) ||
	    !rs_option(image, object, RS_OPT_FILTER_host, 0, &v))
		return;
	host = rs_option_text(image, object, RS_OPT_FILTER_host);
	if (span_prefix(host, SPAN("unix:")))
		(void)add_socket(q, span_from(host, 5));
	else
		add_relay_host(q, image, v);
	if (q->n == 0)
		return;
	q->hosts[0].filter = true;
	q->hosts[0].lmtp = rs_option(image, object, RS_OPT_FILTER_lmtp, 0, &v);
}

int
hop_find_hosts(struct hop_query *q, struct span hop, struct outcome *why)
{
	if (span_prefix(hop, SPAN("relay:")))
		add_relay(q, span_from(hop, 6));
	else if (span_prefix(hop, SPAN("host:")))
		add_host_port(q, span_from(hop, 5));
	else if (span_prefix(hop, SPAN("lmtp:")))
		add_lmtp(q, span_from(hop, 5));
	else if (span_prefix(hop, SPAN("filter:")))
		add_filter(q, span_from(hop, 7));
	if (q->n > 0)
		return 0;
	outcome_set(why, 451, "4.3.5", "the policy has no hosts for %.*s",
	    (int)(hop.n > 200 ? 200 : hop.n), hop.p);
	return -1;
}
