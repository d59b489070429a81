/*
 * self.c - our names, listeners and addresses.
 */
#include "mta/relay/self.h"

#include <sys/types.h>

#include <ifaddrs.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "ruleset/image.h"

#define LISTENERS_MAX	64

struct listener {
	struct ip	ip;	/* family 0: every address */
	uint16_t	port;
};

struct self {
	unsigned			 refs;
	char				*hostname;
	const struct self_locals	*locals;
	size_t				 n;
	struct listener			 listeners[LISTENERS_MAX];
};

void
self_find_locals(struct self_locals *l)
{
	struct ifaddrs	*all, *i;
	struct ip	 ip;
	uint16_t	 port;

	if (getifaddrs(&all) == -1) {
		log_warn("event=no-interfaces");
		return;
	}
	for (i = all; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL ||
		    !ip_from_sockaddr(i->ifa_addr, &ip, &port))
			continue;
		l->ips = xreallocarray(l->ips, l->n + 1, sizeof(*l->ips));
		l->ips[l->n++] = ip;
	}
	freeifaddrs(all);
}

struct self *
self_new(struct span hostname, const struct self_locals *locals)
{
	struct self	*s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->hostname = xstrndup(hostname.p, hostname.n);
	s->locals = locals;
	return s;
}

static void
add_object(struct self *s, const struct rs_image *image, uint32_t object)
{
	const struct rs_optval	*v;
	struct rs_place		 place;
	struct rs_value		 text;
	uint32_t		 i;

	if (!rs_option(image, object, RS_OPT_LISTEN_on, 0, &v))
		return;
	for (i = 0; i < v->nplaces; i++) {
		place = rs_option_place(image, v, i);
		if (place.is_func || place.index == UINT32_MAX)
			continue;
		text = rs_const(image, place.index);
		if (text.type == RS_T_TEXT)
			self_add_listener(s, text.s);
	}
}

struct self *
self_of_image(const struct rs_image *image, const struct self_locals *locals)
{
	struct self	*s;
	uint32_t	 i;

	s = self_new(rs_setting_text(image, RS_OPT_SERVER_hostname), locals);
	for (i = 0; i < rs_nobject(image); i++)
		if (rs_object(image, i)->kind == RS_O_LISTEN)
			add_object(s, image, i);
	return s;
}

/* Offset of the ':' before the port, or -1. */
static ptrdiff_t
port_colon(struct span s)
{
	ptrdiff_t	i = (ptrdiff_t)s.n;

	while (--i >= 0)
		if (s.p[i] == ':')
			return i;
	return -1;
}

void
self_add_listener(struct self *s, struct span text)
{
	struct listener	 l = { .port = 0 };
	struct span	 host = text;
	ptrdiff_t	 colon = port_colon(text);
	uint64_t	 port;

	if (s->n == LISTENERS_MAX || colon < 0 ||
	    !span_u64(span_from(text, (size_t)colon + 1), 65535, &port))
		return;
	host.n = (size_t)colon;
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct span){ host.p + 1, host.n - 2 };
	if (!span_eq(host, SPAN("*")) && !ip_parse(host, &l.ip))
		return;
	l.port = (uint16_t)port;
	s->listeners[s->n++] = l;
}

struct self *
self_ref(struct self *s)
{
	s->refs++;
	return s;
}

void
self_unref(struct self **sp)
{
	struct self	*s = *sp;

	*sp = NULL;
	if (s == NULL || --s->refs > 0)
		return;
	free(s->hostname);
	free(s);
}

struct span
self_hostname(const struct self *s)
{
	return span_of(s->hostname);
}

bool
self_is_name(const struct self *s, struct span host)
{
	return span_ieq(host, span_of(s->hostname));
}

/* 0.0.0.0 and ::, a connection to which ends on this machine. */
static bool
is_unspecified(const struct ip *ip)
{
	static const uint8_t	zero[16];

	return memcmp(ip->a, zero, ip->family == 4 ? 4 : 16) == 0;
}

static bool
is_local(const struct self *s, const struct ip *ip)
{
	size_t	i;

	if (ip_is_loopback(ip) || is_unspecified(ip))
		return true;
	for (i = 0; s->locals != NULL && i < s->locals->n; i++)
		if (ip_eq(&s->locals->ips[i], ip))
			return true;
	return false;
}

bool
self_is_address(const struct self *s, const struct ip *ip, uint16_t port)
{
	const struct listener	*l;
	size_t			 i;

	for (i = 0; i < s->n; i++) {
		l = &s->listeners[i];
		if (l->port != port)
			continue;
		if (l->ip.family == 0 ? is_local(s, ip) : ip_eq(&l->ip, ip))
			return true;
	}
	return false;
}
