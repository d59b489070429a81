/*
 * spelling.c - keys as servers have them.
 *
 * In small letters, since keys have no case.  In an access table the prefix of
 * an address as Postfix and sendmail write it, 192.0.2 or 2001:db8, and an
 * address without the number of its bits.
 */
#include "config.h"

#include <stdio.h>

#include "base/ip.h"
#include "maps/map_int.h"

#include "maps/asked/asked_int.h"

/* The octets, or groups, that the prefix has. */
static size_t
format_prefix(const struct ipnet *net, char *out, size_t size)
{
	const uint8_t	*a = net->ip.a;
	size_t		 n = 0;
	unsigned	 i;

	if (net->ip.family == 4)
		for (i = 0; i < net->bits / 8u; i++)
			n += (size_t)snprintf(out + n, size - n, "%s%u",
			    i > 0 ? "." : "", a[i]);
	else
		for (i = 0; i < net->bits / 16u; i++)
			n += (size_t)snprintf(out + n, size - n, "%s%x",
			    i > 0 ? ":" : "",
			    (unsigned)a[2 * i] << 8 | a[2 * i + 1]);
	return n;
}

/* A prefix behind the tag; 0: it is none, or none that ends where it should. */
static size_t
net_spelling(struct span s, char *out, size_t size)
{
	struct ipnet	 net;
	char		 ip[IP_TEXT_MAX];

	if (span_index(s, '/') < 0 || !ipnet_parse(s, &net))
		return 0;
	if (net.bits == (net.ip.family == 4 ? 32 : 128))
		return (size_t)snprintf(out, size, "%s",
		    ip_format(&net.ip, ip));
	if (net.bits == 0 || net.bits % (net.ip.family == 4 ? 8 : 16) != 0)
		return 0;
	return format_prefix(&net, out, size);
}

static size_t
tag_size(struct span key)
{
	static const struct span	tags[] = {
		{ "connect:", 8 }, { "from:", 5 }, { "to:", 3 }
	};
	size_t				i;

	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (span_prefix(key, tags[i]))
			return tags[i].n;
	return 0;
}

struct span
asked_spelling(struct span kind, struct span key, char out[])
{
	size_t	i, tag, n;

	for (i = 0; i < key.n; i++)
		out[i] = ascii_lower(key.p[i]);
	if (span_eq(kind, SPAN("access"))) {
		tag = tag_size(span_mem(out, key.n));
		n = net_spelling(span_from(key, tag), out + tag,
		    MAP_KEY_MAX - tag);
		if (n > 0)
			return span_mem(out, tag + n);
	}
	return span_mem(out, key.n);
}
