/*
 * kind_routes.c - sendmail's mailertable: which way the mail of a domain goes.
 *
 *	host		smtp:[hop]:2525		brackets: the host itself
 *	.parent		esmtp:hop		else by the MX of the hop
 *	.		error:5.1.2:550 text	everything else
 *	host		smtp:a:[b]:2525:c	several hosts, tried in this order
 *
 * %1 on the right is what stood before `.parent`; all of the name for `.`.
 */
#include "config.h"

#include "mail/domain.h"
#include "maps/map_int.h"

static int
fault(struct map_fault *f, const char *at, const char *what)
{
	f->at = at;
	f->what = what;
	return -1;
}

static int
routes_key(struct map *m, struct span in, struct arena *scratch,
    struct span *out, struct map_fault *f)
{
	bool		 parent = in.p[0] == '.';
	struct span	 name = in, norm;

	(void)m;
	f->at = in.p;
	if (in.n == 1 && parent) {
		*out = in;
		return 0;
	}
	if (parent)
		name = span_from(in, 1);
	if (domain_normalise(name, scratch, &norm, &f->what) == -1)
		return -1;
	*out = !parent ? norm :
	    arena_join(scratch, SPAN("."), norm, SPAN_NONE);
	return 0;
}

/* --- the right side */

/* How sendmail and Postfix call an SMTP client. */
static const struct span	smtp_words[] = {
	{ "smtp", 4 }, { "esmtp", 5 }, { "relay", 5 }, { "smtp8", 5 },
	{ "dsmtp", 5 }
};

static bool
is_smtp(struct span word)
{
	size_t	 i;

	for (i = 0; i < sizeof(smtp_words) / sizeof(smtp_words[0]); i++)
		if (span_ieq(word, smtp_words[i]))
			return true;
	return false;
}

/* Digits up to a ':' or the end. */
static size_t
digits(struct span s)
{
	size_t	 n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	return n == s.n || s.p[n] == ':' ? n : 0;
}

/* ":port", ":host", ":port:host" behind a host: a number is a port. */
static int
take_rest(struct span s, struct map_route *r, struct map_fault *f)
{
	struct span	 at = span_from(s, 1);
	uint64_t	 port = 0;
	size_t		 n;

	if (s.n == 0)
		return 0;
	if (s.p[0] != ':')
		return fault(f, s.p, "after the host comes nothing but ':' "
		    "and a port, or the next host");
	if ((n = digits(at)) > 0) {
		if (!span_u64(span_mem(at.p, n), 65535, &port) || port == 0)
			return fault(f, at.p,
			    "a port is a number from 1 to 65535");
		r->port = (uint16_t)port;
		s = span_from(at, n);
		at = span_from(s, 1);
	}
	if (s.n > 0 && at.n == 0)
		return fault(f, s.p, "a host or a port is missing here");
	r->more = at;
	return 0;
}

/* "[name or address]:port" */
static int
in_brackets(struct span s, struct map_route *r, struct map_fault *f)
{
	ptrdiff_t	 end = span_index(s, ']');

	if (end < 0)
		return fault(f, s.p, "the ']' is missing");
	r->exactly = true;
	r->host = span_mem(s.p + 1, (size_t)end - 1);
	return take_rest(span_from(s, (size_t)end + 1), r, f);
}

static int
check_host(struct map_route *r, struct map_fault *f)
{
	static const struct span	 sample[10] = {
		{ "x", 1 }, { "x", 1 }, { "x", 1 }
	};
	struct arena			 scratch = { 0 };
	struct span			 name = r->host, norm;
	struct ip			 ip;
	int				 rc;

	if (r->exactly && span_iprefix(name, SPAN("IPv6:")))
		name = r->host = span_from(name, 5);
	if (r->exactly && ip_parse(name, &ip))
		return 0;
	f->at = name.p;
	rc = domain_normalise(map_fill(name, sample, &scratch), &scratch,
	    &norm, &f->what);
	arena_clear(&scratch);
	return rc;
}

/* "host", "host:port", "[host]:port", and perhaps more of them */
static int
take_one_hop(struct span s, struct map_route *r, struct map_fault *f)
{
	ptrdiff_t	 colon = span_index(s, ':');

	r->kind = MAP_ROUTE_HOP;
	if (s.n == 0)
		return fault(f, s.p, "the host is missing");
	if (s.p[0] == '[') {
		if (in_brackets(s, r, f) == -1)
			return -1;
	} else {
		r->host = colon < 0 ? s : span_mem(s.p, (size_t)colon);
		if (take_rest(span_from(s, r->host.n), r, f) == -1)
			return -1;
	}
	return check_host(r, f);
}

struct map_route
map_route_next(const struct map_route *r)
{
	struct map_route	 next = { .kind = MAP_ROUTE_HOP };
	struct map_fault	 fault_;

	(void)take_one_hop(r->more, &next, &fault_);	/* has been checked */
	return next;
}

static int
take_hop(struct span s, struct map_route *r, struct map_fault *f)
{
	struct map_route	 next;
	unsigned		 n = 1;

	if (take_one_hop(s, r, f) == -1)
		return -1;
	for (next = *r; next.more.n > 0; n++) {
		s = next.more;
		if (n == MAP_ROUTE_HOSTS_MAX)
			return fault(f, s.p, "more than 8 hosts");
		next = (struct map_route){ .kind = MAP_ROUTE_HOP };
		if (take_one_hop(s, &next, f) == -1)
			return -1;
	}
	return 0;
}

int
map_route_parse(struct span value, struct map_route *r, struct map_fault *f)
{
	ptrdiff_t	 colon;
	struct span	 word, rest;

	*r = (struct map_route){ .kind = MAP_ROUTE_HOP };
	value = map_trim(value);
	if (value.n > 0 && value.p[0] == '[')
		return take_hop(value, r, f);
	if ((colon = span_index(value, ':')) < 0)
		return fault(f, value.p, "a route is smtp:host, smtp:[host], "
		    "local:, error: or discard:");
	word = span_mem(value.p, (size_t)colon);
	rest = map_trim(span_from(value, (size_t)colon + 1));
	if (is_smtp(word))
		return take_hop(rest, r, f);
	if (span_ieq(word, SPAN("local"))) {
		r->kind = MAP_ROUTE_LOCAL;
		r->user = rest;
		return 0;
	}
	if (span_ieq(word, SPAN("discard"))) {
		r->kind = MAP_ROUTE_DISCARD;
		return 0;
	}
	if (!span_ieq(word, SPAN("error")))
		return fault(f, value.p, "there is no such way; there are "
		    "smtp:, esmtp:, relay:, local:, error: and discard:");
	r->kind = MAP_ROUTE_ERROR;
	return map_refusal_parse(rest, &r->refusal, f);
}

static int
routes_value(struct span value, struct map_fault *f)
{
	struct map_route	 r;

	return map_route_parse(value, &r, f);
}

/* --- look-ups: the host, then its parents, then everything */

static enum map_result
routes_get_domain(struct map_look *l, struct span domain,
    struct map_answer *out)
{
	struct span	 left = domain;
	enum map_result	 r = map_find(l, domain, out);
	ptrdiff_t	 dot;

	while (r == MAP_NONE && (dot = span_index(left, '.')) >= 0) {
		r = map_find(l, span_from(left, (size_t)dot), out);
		left = span_from(left, (size_t)dot + 1);
	}
	if (r == MAP_NONE)
		r = map_find(l, SPAN("."), out);
	return r == MAP_NONE ? map_none(l) : r;
}

const struct map_kind map_kind_routes = {
	.name = "routes",
	.line = map_words_line,
	.entry = map_words_entry,
	.key = routes_key,
	.value = routes_value,
	.trap = map_trap_routes,
	.get_domain = routes_get_domain,
	.continued = true,
};

struct span
map_route_fill(const struct map_answer *a, struct span domain,
    struct arena *ar)
{
	struct span	 args[10] = { domain };

	if (a->key.n == 1 && a->key.p[0] == '.')
		args[1] = domain;
	else if (a->key.n > 0 && a->key.p[0] == '.' && a->key.n <= domain.n)
		args[1] = span_mem(domain.p, domain.n - a->key.n);
	return map_fill(a->value, args, ar);
}
