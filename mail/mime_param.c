/*
 * mime_param.c - parameters of MIME fields, as the most lenient reader has them.
 */
#include "config.h"

#include "mail/address_list.h"
#include "mail/charset.h"
#include "mail/header.h"
#include "mail/mime_param.h"
#include "mail/octets.h"

#define INDEX_NONE	UINT32_MAX	/* name=, name*=: not in a sequence */

/* One "attribute=value" (RFC 2231, 7). */
struct param {
	struct span	attribute;	/* without what stands behind a '*' */
	struct span	value;		/* without quotes; in the arena */
	uint32_t	index;		/* name*3= */
	bool		extended;	/* name*=, name*3*= */
};

static struct span
skip_cfws(struct span s)
{
	size_t	 n;

	for (s = header_trim(s); s.n > 0 && s.p[0] == '('; s = header_trim(span_from(s, n)))
		if ((n = address_comment_size(s)) == 0)
			break;
	return s;
}

/* Parameters under reading. */
struct params {
	struct span	rest;
	bool		loose;	/* a quote does not end: from here they are none */
};

/* Octets up to the next ';' that is not in quotes. */
static size_t
param_size(struct params *ps)
{
	struct span	 s = ps->rest;
	size_t		 i = 0, n;

	while (i < s.n && s.p[i] != ';') {
		n = 1;
		if (s.p[i] == '"' && !ps->loose &&
		    (n = address_quoted_size(span_from(s, i))) == 0) {
			ps->loose = true;
			n = 1;
		}
		i += n;
	}
	return i;
}

/* --- one parameter */

/* "text" and what stands behind it; a fold in it is its blank. */
static struct span
unquote(struct span s, struct arena *a)
{
	char	*p = arena_alloc(a, s.n + 1);
	bool	 quoted = true;
	size_t	 i, n = 0;

	for (i = 1; i < s.n; i++) {
		if (s.p[i] == '"' && quoted) {
			quoted = false;
			continue;
		}
		if (s.p[i] == '\\' && quoted && i + 1 < s.n)
			i++;
		if (s.p[i] != '\r' && s.p[i] != '\n')
			p[n++] = s.p[i];
	}
	return span_mem(p, n);
}

/* What needs quotes and has none is taken too, without a comment behind. */
static struct span
value_of(struct span s, struct arena *a)
{
	ptrdiff_t	 open;

	s = skip_cfws(s);
	if (s.n > 0 && s.p[0] == '"')
		return unquote(s, a);
	open = span_index(s, '(');
	if (open > 0 && address_comment_size(span_from(s, (size_t)open)) ==
	    s.n - (size_t)open)
		s.n = (size_t)open;
	return header_trim(s);
}

/* "3" behind a '*'; true: it is one. */
static bool
index_of(struct span s, uint32_t *out)
{
	uint64_t	 n;

	if (!span_u64(s, INDEX_NONE - 1, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

/* "name", "name*", "name*3", "name*3*". */
static bool
attribute_of(struct span s, struct param *p)
{
	ptrdiff_t	 star;
	size_t		 i;

	s = skip_cfws(s);
	for (i = 0; i < s.n; i++)
		if (header_is_fws(s.p[i]) || s.p[i] == '(')
			break;
	p->attribute = s = span_mem(s.p, i);
	p->index = INDEX_NONE;
	p->extended = false;
	if ((star = span_index(s, '*')) < 0)
		return i > 0;
	p->attribute.n = (size_t)star;
	s = span_from(s, (size_t)star + 1);
	if (s.n == 0 || s.p[s.n - 1] == '*') {
		p->extended = true;
		s.n -= s.n > 0;
	}
	return s.n == 0 || index_of(s, &p->index);
}

/* The next parameter of that name; false: there is none. */
static bool
next(struct params *ps, struct span name, struct arena *a, struct param *p)
{
	struct span	 one;
	ptrdiff_t	 equals;

	while (ps->rest.n > 0) {
		one = span_mem(ps->rest.p, param_size(ps));
		ps->rest = span_from(ps->rest, one.n + 1);
		equals = span_index(one, '=');
		if (equals < 0 || !attribute_of(span_mem(one.p,
		    (size_t)equals), p) || !span_ieq(p->attribute, name))
			continue;
		p->value = value_of(span_from(one, (size_t)equals + 1), a);
		return true;
	}
	return false;
}

/* --- what they say */

static void
percent_decode(struct span s, struct buf *out)
{
	size_t	 i;
	int	 octet;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '%' &&
		    (octet = octets_hex(span_from(s, i + 1))) >= 0) {
			buf_add_char(out, (char)octet);
			i += 2;
		} else
			buf_add_char(out, s.p[i]);
	}
}

/* "charset'language'text" (RFC 2231, 4): takes the first two off. */
static const struct charset *
take_charset(struct span *s)
{
	ptrdiff_t	 first = span_index(*s, '\''), second;
	struct span	 name;

	if (first < 0)
		return NULL;
	name = span_mem(s->p, (size_t)first);
	second = span_index(span_from(*s, (size_t)first + 1), '\'');
	if (second < 0)
		return NULL;
	*s = span_from(*s, (size_t)(first + second) + 2);
	return charset_find(name);
}

static struct span
to_utf8(const struct charset *c, struct span octets, struct arena *a)
{
	struct buf	 b = { 0 };
	struct span	 s;

	if (c == NULL || !charset_decode(c, octets, &b))
		(void)charset_decode(charset_find(SPAN("utf-8")), octets, &b);
	s = arena_span(a, header_trim(buf_span(&b)));
	buf_clear(&b);
	return s;
}

struct span
mime_text(struct span s, struct arena *a)
{
	return to_utf8(NULL, header_text(s, a), a);
}

/* name= or name*= */
static struct span
text_of(const struct param *p, struct arena *a)
{
	const struct charset	*c;
	struct span		 s = p->value;
	struct buf		 octets = { 0 };

	if (!p->extended)
		return mime_text(s, a);
	c = take_charset(&s);
	percent_decode(s, &octets);
	s = to_utf8(c, buf_span(&octets), a);
	buf_clear(&octets);
	return s;
}

/* The sequence name*0=, name*1=, ... in the order of its numbers. */
static struct span
sequence_text(const struct param *ps, size_t n, struct arena *a)
{
	const struct charset	*c = NULL;
	struct buf		 octets = { 0 };
	struct span		 s;
	bool			 extended = false;
	size_t			 i;

	for (i = 0; i < n; i++) {
		s = ps[i].value;
		if (i == 0 && ps[i].extended)
			c = take_charset(&s);
		if (ps[i].extended)
			percent_decode(s, &octets);
		else
			buf_add_span(&octets, s);
		extended = extended || ps[i].extended;
	}
	s = buf_span(&octets);
	s = to_utf8(c, extended ? s : header_text(s, a), a);
	buf_clear(&octets);
	return s;
}

/*
 * Into the sequence at its place.  One that is there already: first says
 * which of both counts.
 */
static size_t
insert(struct param *ps, size_t n, const struct param *p, bool first)
{
	size_t	 i = n;

	while (i > 0 && ps[i - 1].index > p->index)
		i--;
	if (i > 0 && ps[i - 1].index == p->index) {
		if (!first)
			ps[i - 1] = *p;
		return n;
	}
	if (n == MIME_SEGMENTS_MAX)
		return n;
	memmove(ps + i + 1, ps + i, (n - i) * sizeof(*ps));
	ps[i] = *p;
	return n + 1;
}

/* Returns whether there is one. */
static bool
sequence(struct span value, struct span name, bool first, struct arena *a,
    struct span *out)
{
	struct param	 segments[MIME_SEGMENTS_MAX], p;
	struct params	 ps = { value, false };
	size_t		 n = 0;

	while (next(&ps, name, a, &p))
		if (p.index != INDEX_NONE)
			n = insert(segments, n, &p, first);
	if (n > 0)
		*out = sequence_text(segments, n, a);
	return n > 0;
}

/* Into out, unless it is there. */
static size_t
add(struct span out[MIME_VALUES_MAX], size_t n, struct span s)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if (span_eq(out[i], s))
			return n;
	if (s.n > 0 && n < MIME_VALUES_MAX)
		out[n++] = s;
	return n;
}

size_t
mime_texts(struct span value, struct span name, struct arena *a,
    struct span out[MIME_VALUES_MAX])
{
	struct params	 ps = { value, false };
	struct span	 s;
	struct param	 p;
	size_t		 n = 0;

	if (sequence(value, name, true, a, &s))
		n = add(out, n, s);
	if (n > 0 && sequence(value, name, false, a, &s))
		n = add(out, n, s);
	while (next(&ps, name, a, &p))
		if (p.index == INDEX_NONE)
			n = add(out, n, text_of(&p, a));
	return n;
}

size_t
mime_values(struct span value, struct span name, struct arena *a,
    struct span out[MIME_VALUES_MAX])
{
	struct params	 ps = { value, false };
	struct param	 p;
	size_t		 n = 0;

	while (next(&ps, name, a, &p))
		n = add(out, n, p.value);
	return n;
}

/* tspecials (RFC 2045, 5.1) but '/', and what no word has. */
static bool
in_word(char c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"[]?=", c) == NULL;
}

struct span
mime_word(struct span value, struct arena *a)
{
	struct params	 ps = { value, false };
	char		*p;
	size_t		 i, n = 0, k;

	value.n = param_size(&ps);
	p = arena_alloc(a, value.n + 1);
	for (i = 0; i < value.n; i += k) {
		k = value.p[i] != '(' ? 1 :
		    address_comment_size(span_from(value, i));
		if (k == 0)
			break;
		if (in_word(value.p[i]))
			p[n++] = ascii_lower(value.p[i]);
		else if (k == 1 && !header_is_fws(value.p[i]))
			return SPAN_NONE;
	}
	return span_mem(p, n);
}
