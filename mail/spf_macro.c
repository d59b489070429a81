/*
 * spf_macro.c - macro strings and what they become (RFC 7208, 7).
 */
#include "mail/spf_record.h"
#include "mail/spf_int.h"

#include <stdio.h>

#define NAME_MAX_OCTETS		253	/* text form; RFC 1035, 2.3.4 */
#define LABEL_MAX		63
#define DIGITS_MAX		255	/* no name has more parts */
#define VALUE_MAX		1024	/* octets of one macro's value */

/* --- taking apart */

static bool
is_delimiter(char c)
{
	return c != '\0' && strchr(".-+,/_=", c) != NULL;
}

/* s begins behind the "%{"; false: it is no macro. */
static bool
take_macro(struct span *s, struct spf_piece *p)
{
	struct span	in = *s;
	bool		counted = false;
	size_t		n = 0;

	if (in.n == 0)
		return false;
	p->letter = ascii_lower(in.p[0]);
	p->escape_url = p->letter != in.p[0];
	if (p->letter < 'a' || strchr("slodiphcrtv", p->letter) == NULL)
		return false;
	for (n = 1; n < in.n && in.p[n] >= '0' && in.p[n] <= '9'; n++) {
		counted = true;
		p->digits = p->digits * 10 + (unsigned)(in.p[n] - '0');
		if (p->digits > DIGITS_MAX)
			p->digits = DIGITS_MAX;
	}
	if (counted && p->digits == 0)	/* "the DIGIT MUST be nonzero" */
		return false;
	if (n < in.n && ascii_lower(in.p[n]) == 'r') {
		p->reverse = true;
		n++;
	}
	p->delimiters = span_from(in, n);
	while (n < in.n && is_delimiter(in.p[n]))
		n++;
	p->delimiters.n = n - (in.n - p->delimiters.n);
	if (n == in.n || in.p[n] != '}')
		return false;
	*s = span_from(in, n + 1);
	return true;
}

bool
spf_piece_next(struct span *s, struct spf_piece *p)
{
	*p = (struct spf_piece){ .kind = SPF_LITERAL };
	if (s->n == 0)
		return false;
	p->octet = s->p[0];
	*s = span_from(*s, 1);
	if (p->octet != '%')
		return true;
	p->kind = SPF_BROKEN;
	if (s->n == 0)
		return true;
	p->octet = s->p[0];
	*s = span_from(*s, 1);
	p->kind = SPF_ESCAPE;
	switch (p->octet) {
	case '%':
		p->text = SPAN("%");
		break;
	case '_':
		p->text = SPAN(" ");
		break;
	case '-':
		p->text = SPAN("%20");
		break;
	case '{':
		p->kind = take_macro(s, p) ? SPF_MACRO : SPF_BROKEN;
		break;
	default:
		p->kind = SPF_BROKEN;
	}
	return true;
}

bool
spf_macro_string_ok(struct span s, bool text, bool *macro_last)
{
	struct spf_piece	p;

	*macro_last = false;
	while (spf_piece_next(&s, &p)) {
		*macro_last = p.kind != SPF_LITERAL;
		if (p.kind == SPF_BROKEN)
			return false;
		if (p.kind == SPF_LITERAL && (p.octet < '!' || p.octet > '~') &&
		    !(text && p.octet == ' '))
			return false;
		if (p.kind == SPF_MACRO && !text &&
		    strchr("crt", p.letter) != NULL)
			return false;	/* 7.2: in explanations only */
	}
	return true;
}

bool
spf_wants_validated(struct span s)
{
	struct spf_piece	p;

	while (spf_piece_next(&s, &p))
		if (p.kind == SPF_MACRO && p.letter == 'p')
			return true;
	return false;
}

/* --- values (7.3) */

/* i: dotted, an IPv6 address as 32 nibbles. */
static struct span
dotted(const struct ip *ip, char out[VALUE_MAX])
{
	static const char	hex[] = "0123456789abcdef";
	size_t			n = 0, i;

	if (ip->family != 6)
		return span_of(ip_format(ip, out));
	for (i = 0; i < 32; i++) {
		if (i > 0)
			out[n++] = '.';
		out[n++] = hex[i % 2 == 0 ? ip->a[i / 2] >> 4 :
		    ip->a[i / 2] & 0xf];
	}
	return span_mem(out, n);
}

static struct span
printed(char out[VALUE_MAX], int n)
{
	return span_mem(out, n < 0 || n >= VALUE_MAX ? 0 : (size_t)n);
}

static struct span
value(char letter, const struct spf_macros *m, char out[VALUE_MAX])
{
	switch (letter) {
	case 's':
		return printed(out, snprintf(out, VALUE_MAX, "%.*s@%.*s",
		    SPAN_ARG(m->local), SPAN_ARG(m->sender_domain)));
	case 'l':
		return m->local;
	case 'o':
		return m->sender_domain;
	case 'd':
		return m->domain;
	case 'i':
		return dotted(&m->ip, out);
	case 'p':
		return m->validated.n > 0 ? m->validated : SPAN("unknown");
	case 'v':
		return m->ip.family == 6 ? SPAN("ip6") : SPAN("in-addr");
	case 'h':
		return m->helo;
	case 'c':
		return span_of(ip_format(&m->ip, out));
	case 'r':
		return m->receiver.n > 0 ? m->receiver : SPAN("unknown");
	case 't':
		return printed(out, snprintf(out, VALUE_MAX, "%lld",
		    (long long)m->now_s));
	}
	return SPAN_NONE;
}

/* --- transformers: split, reverse, count, join by "." */

static bool
parts(const struct spf_piece *p, char c)
{
	return p->delimiters.n == 0 ? c == '.' :
	    span_index(p->delimiters, c) >= 0;
}

/* The first part of *rest, which goes on behind its delimiter. */
static struct span
take_part(const struct spf_piece *p, struct span *rest, bool *more)
{
	struct span	part = *rest;
	size_t		n = 0;

	while (n < rest->n && !parts(p, rest->p[n]))
		n++;
	part.n = n;
	*more = n < rest->n;
	*rest = span_from(*rest, n + 1);
	return part;
}

/* The last part of *rest, which then ends before its delimiter. */
static struct span
take_last_part(const struct spf_piece *p, struct span *rest, bool *more)
{
	struct span	part;
	size_t		n = rest->n;

	while (n > 0 && !parts(p, rest->p[n - 1]))
		n--;
	part = span_from(*rest, n);
	*more = n > 0;
	rest->n = n > 0 ? n - 1 : 0;
	return part;
}

static unsigned
count_parts(const struct spf_piece *p, struct span v)
{
	unsigned	n = 1;
	size_t		i;

	for (i = 0; i < v.n; i++)
		n += parts(p, v.p[i]);
	return n;
}

static void
add_part(struct buf *out, struct span s, bool escape_url)
{
	size_t	i;
	char	c;

	for (i = 0; i < s.n; i++) {
		c = ascii_lower(s.p[i]);
		if (!escape_url || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("-._~", c) != NULL))
			buf_add_char(out, s.p[i]);
		else
			buf_addf(out, "%%%02X", (unsigned char)s.p[i]);
	}
}

/* The parts from the left, reversed when that is wanted; the last `digits`. */
static void
add_macro(struct buf *out, const struct spf_piece *p, struct span v)
{
	unsigned	n = count_parts(p, v), skip = 0, i;
	struct span	part;
	bool		more;

	if (p->digits > 0 && p->digits < n)
		skip = n - p->digits;
	for (i = 0; i < n; i++) {
		part = p->reverse ? take_last_part(p, &v, &more) :
		    take_part(p, &v, &more);
		if (i < skip)
			continue;
		if (i > skip)
			buf_add_char(out, '.');
		add_part(out, part, p->escape_url);
	}
}

/* False: longer than SPF_EXPANDED_MAX, or broken. */
static bool
expand(struct span s, const struct spf_macros *m, struct buf *out)
{
	char			room[VALUE_MAX];
	struct spf_piece	p;

	buf_reset(out);
	while (spf_piece_next(&s, &p)) {
		switch (p.kind) {
		case SPF_LITERAL:
			buf_add_char(out, p.octet);
			break;
		case SPF_ESCAPE:
			buf_add_span(out, p.text);
			break;
		case SPF_MACRO:
			add_macro(out, &p, value(p.letter, m, room));
			break;
		case SPF_BROKEN:
			return false;
		}
		if (out->n > SPF_EXPANDED_MAX)
			return false;
	}
	return true;
}

bool
spf_name_ok(struct span name)
{
	size_t	i, label = 0;

	if (name.n == 0 || name.n > NAME_MAX_OCTETS)
		return false;
	for (i = 0; i < name.n; i++) {
		if (name.p[i] != '.') {
			if (++label > LABEL_MAX)
				return false;
		} else if (label == 0)
			return false;
		else
			label = 0;
	}
	return label > 0;
}

bool
spf_expand_name(struct span spec, const struct spf_macros *m, struct buf *out)
{
	struct span	name;
	ptrdiff_t	dot;

	if (!expand(spec, m, out))
		return false;
	name = buf_span(out);
	if (name.n > 0 && name.p[name.n - 1] == '.')
		buf_cut(out, --name.n);
	while (name.n > NAME_MAX_OCTETS && (dot = span_index(name, '.')) >= 0)
		name = span_from(name, (size_t)dot + 1);
	buf_eat(out, out->n - name.n);
	return spf_name_ok(name);
}

bool
spf_expand_text(struct span text, const struct spf_macros *m, struct buf *out)
{
	bool	macro_last;

	return spf_macro_string_ok(text, true, &macro_last) &&
	    expand(text, m, out);
}
