/*
 * servers.c - name servers out of texts.
 */
#include "mta/resolve/servers.h"

#include "base/ip.h"

/* "ADDRESS[@PORT]"; an IPv6 zone ("%eth0") is left to libunbound. */
static bool
server_ok(struct span s)
{
	ptrdiff_t	at = span_index(s, '@'), zone;
	struct span	address = s;
	struct ip	ip;
	uint64_t	port;

	if (at >= 0) {
		if (!span_u64(span_from(s, (size_t)at + 1), 65535, &port) ||
		    port == 0)
			return false;
		address.n = (size_t)at;
	}
	if ((zone = span_index(address, '%')) >= 0)
		address.n = (size_t)zone;
	return s.n < SERVER_TEXT_MAX && ip_parse(address, &ip);
}

static bool
add(struct servers *out, struct span s)
{
	if (out->n == SERVERS_MAX || !server_ok(s))
		return false;
	memcpy(out->at[out->n], s.p, s.n);
	out->at[out->n++][s.n] = '\0';
	return true;
}

bool
servers_parse(struct span text, struct servers *out)
{
	struct span	one;
	ptrdiff_t	comma;

	out->n = 0;
	do {
		one = text;
		if ((comma = span_index(text, ',')) >= 0)
			one.n = (size_t)comma;
		text = span_from(text, one.n + 1);
		if (!add(out, span_trim(one)))
			return false;
	} while (comma >= 0);
	return true;
}

static void
resolv_line(struct span line, struct servers *out)
{
	static const struct span	word = { "nameserver", 10 };
	size_t				n;

	line = span_trim(line);
	if (!span_prefix(line, word) || line.n == word.n ||
	    (line.p[word.n] != ' ' && line.p[word.n] != '\t'))
		return;
	line = span_trim(span_from(line, word.n));
	for (n = 0; n < line.n; n++)
		if (strchr(" \t\r#;", line.p[n]) != NULL)
			break;
	line.n = n;
	add(out, line);
}

void
servers_resolv_conf(struct span text, struct servers *out)
{
	struct span	line;
	ptrdiff_t	nl;

	out->n = 0;
	while (text.n > 0) {
		line = text;
		if ((nl = span_index(text, '\n')) >= 0)
			line.n = (size_t)nl;
		text = span_from(text, line.n + 1);
		resolv_line(line, out);
	}
	if (out->n == 0)
		add(out, SPAN("127.0.0.1"));
}
