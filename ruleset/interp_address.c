/*
 * interp_address.c - ADDRESS: a local part and a domain as an address (RFC
 * 5321, 4.1.2).
 */
#include "ruleset/interp_int.h"

#define LOCAL_MAX	64	/* octets of a local part; RFC 5321, 4.5.3.1.1 */

/* atext of RFC 5322, and UTF-8 (RFC 6531, 3.3). */
static bool
is_atext(char c)
{
	return (unsigned char)c >= 0x80 || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_dot_string(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? i == 0 || s.p[i - 1] == '.' :
		    !is_atext(s.p[i]))
			return false;
	}
	return s.n > 0 && s.p[s.n - 1] != '.';
}

static bool
is_printable(char c)
{
	return (unsigned char)c >= 0x20 && c != 0x7f;
}

static bool
is_quoted_string(struct span s)
{
	if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
		return false;
	for (size_t i = 1; i < s.n - 1; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return false;
		if (i == s.n - 1 || !is_printable(s.p[i]))
			return false;
	}
	return true;
}

/* The local part as it is written in an address; false: it can be none. */
static bool
write_local(struct span s, struct arena *arena, struct span *out)
{
	char	*p;
	size_t	 n = 0;

	*out = s;
	if (is_dot_string(s) || is_quoted_string(s))
		return true;
	if (s.n == 0 || s.n > LOCAL_MAX)
		return false;
	p = arena_alloc(arena, 2 * s.n + 2);
	p[n++] = '"';
	for (size_t i = 0; i < s.n; i++) {
		if (!is_printable(s.p[i]))
			return false;
		if (s.p[i] == '"' || s.p[i] == '\\')
			p[n++] = '\\';
		p[n++] = s.p[i];
	}
	p[n++] = '"';
	*out = span_mem(p, n);
	return true;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" */
static bool
is_literal(struct span s)
{
	struct span	inner;
	struct ip	ip;

	if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	inner = span_mem(s.p + 1, s.n - 2);
	if (span_iprefix(inner, SPAN("IPv6:")))
		return ip_parse(span_from(inner, 5), &ip) && ip.family == 6;
	return ip_parse(inner, &ip) && ip.family == 4;
}

static bool
make_address(struct rs_eval *ev, const struct rs_value *local,
    const struct rs_value *domain, struct rs_value *out)
{
	struct rs_value	d = *domain;
	struct span	l;

	if (local->type == RS_T_NONE || domain->type == RS_T_NONE ||
	    !has_room(ev, 0) ||
	    !write_local(rs_format(local, &ev->arena), &ev->arena, &l) ||
	    l.n > LOCAL_MAX)
		return false;
	if (!(rs_has_span(d.type) && is_literal(d.s)) &&
	    !(rs_convert(domain, RS_T_DOMAIN, &ev->arena, &d) && d.s.n > 0))
		return false;
	*out = rs_address(arena_join(&ev->arena, l, SPAN("@"), d.s));
	out->tainted = local->tainted || domain->tainted;
	return true;
}

void
do_address(struct rs_eval *ev, struct frame *f, const struct rs_insn *in)
{
	const struct rs_value	*local = &f->r[in->b], *domain = &f->r[in->c];
	struct rs_value		 out;

	if (local->type == RS_T_UNKNOWN)
		out = *local;
	else if (domain->type == RS_T_UNKNOWN)
		out = *domain;
	else if (!make_address(ev, local, domain, &out))
		out = rs_unknown(RS_WHY_TABLE);
	f->r[in->a] = out;
}
