/*
 * url.c - taking URLs apart.
 */
#include <string.h>

#include "mta/fetch/url.h"

static bool
is_alnum(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Labels of letters, digits, '-' and '_', none empty, none above 63. */
static bool
is_name(struct span s)
{
	size_t	i, label = 0;

	if (s.n == 0 || s.n > URL_HOST_MAX)
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!is_alnum(s.p[i]) && s.p[i] != '-' &&
		    s.p[i] != '_')
			return false;
		else if (++label > 63)
			return false;
	}
	return label > 0;
}

/* Each octet may stand in a URL; a fragment is nothing for a server. */
static bool
is_printable(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e ||
		    strchr("\"<>\\^`{|}#", s.p[i]) != NULL)
			return false;
	return true;
}

/* Up to the path. */
static struct span
authority(struct span rest)
{
	size_t	n = 0;

	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	return span_mem(rest.p, n);
}

/* "[2001:db8::1]" or "192.0.2.1" or a name; takes it off the front. */
static bool
parse_host(struct span *a, struct url *u)
{
	ptrdiff_t	end;

	if (a->n > 0 && a->p[0] == '[') {
		if ((end = span_index(*a, ']')) == -1)
			return false;
		u->host = span_mem(a->p + 1, (size_t)end - 1);
		*a = span_from(*a, (size_t)end + 1);
		return ip_parse(u->host, &u->ip) && u->ip.family == 6;
	}
	end = span_index(*a, ':');
	u->host = span_mem(a->p, end == -1 ? a->n : (size_t)end);
	*a = span_from(*a, u->host.n);
	if (ip_parse(u->host, &u->ip))
		return u->ip.family == 4;
	u->ip = (struct ip){ 0 };
	return is_name(u->host);
}

/* "" or ":8443" */
static bool
parse_port(struct span a, struct url *u)
{
	uint64_t	port = URL_PORT;

	if (a.n > 0 && (a.p[0] != ':' ||
	    !span_u64(span_from(a, 1), UINT16_MAX, &port) || port == 0))
		return false;
	u->port = (uint16_t)port;
	return true;
}

int
url_parse(struct span text, struct url *u, const char **why)
{
	struct span	a, rest;

	*u = (struct url){ 0 };
	if (!span_iprefix(text, SPAN("https://"))) {
		*why = "it does not begin with https://";
		return -1;
	}
	rest = span_from(text, sizeof("https://") - 1);
	a = authority(rest);
	u->path = span_from(rest, a.n);
	*why = NULL;
	if (!is_printable(text))
		*why = "an octet may not stand in a URL";
	else if (span_index(a, '@') != -1)
		*why = "it names a user";
	else if (!parse_host(&a, u))
		*why = "its host is no name and no address";
	else if (!parse_port(a, u))
		*why = "its port is no number from 1 to 65535";
	return *why == NULL ? 0 : -1;
}
