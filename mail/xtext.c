/*
 * xtext.c - values of parameters, decoded once.
 */
#include "config.h"

#include "mail/xtext.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Printable ASCII and the blank: graphic and white space of RFC 3461, 4.4. */
static bool
is_printable(unsigned char c)
{
	return c >= ' ' && c <= '~';
}

/* xchar: %d33-126 without "+" and "=" */
static bool
is_xchar(unsigned char c)
{
	return c > ' ' && c <= '~' && c != '+' && c != '=';
}

bool
xtext_decode(struct span in, struct arena *a, struct span *out)
{
	char	*p = arena_alloc(a, in.n + 1);
	size_t	 n = 0;
	int	 high, low;

	for (size_t i = 0; i < in.n; i++) {
		if (is_xchar((unsigned char)in.p[i])) {
			p[n++] = in.p[i];
			continue;
		}
		if (in.p[i] != '+' || in.n - i < 3 ||
		    (high = hex_digit(in.p[i + 1])) < 0 ||
		    (low = hex_digit(in.p[i + 2])) < 0 ||
		    !is_printable((unsigned char)(high << 4 | low)))
			return false;
		p[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*out = span_mem(p, n);
	return true;
}

void
xtext_encode(struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		unsigned char	c = (unsigned char)in.p[i];

		if (is_xchar(c))
			buf_add_char(out, (char)c);
		else
			buf_addf(out, "+%02X", c);
	}
}

/* --- utf-8-addr-xtext */

/* QCHAR: xchar without "\" */
static bool
is_qchar(unsigned char c)
{
	return is_xchar(c) && c != '\\';
}

/* Octets of a character above U+009F at the start of s; 0: none. */
static size_t
raw_character(struct span s)
{
	size_t	n = span_utf8(s);

	return n < 2 || (n == 2 && (unsigned char)s.p[0] == 0xc2 &&
	    (unsigned char)s.p[1] < 0xa0) ? 0 : n;
}

/* What an address may have, and could not have without: no control. */
static bool
is_embedded(uint32_t c)
{
	if (c < 0x80)
		return c == ' ' || c == '+' || c == '=' || c == '\\';
	return c >= 0xa0 && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/* HEXPOINT "}"; octets eaten, 0: it is none. */
static size_t
hexpoint(struct span s, uint32_t *c)
{
	size_t	i = 0;
	int	d;

	*c = 0;
	for (; i < s.n && i < 6 && (d = hex_digit(s.p[i])) >= 0; i++)
		*c = *c << 4 | (uint32_t)d;
	if (i < 2 || i == s.n || s.p[i] != '}' || (i > 2 && s.p[0] == '0'))
		return 0;
	return is_embedded(*c) ? i + 1 : 0;
}

static size_t
utf8_put(char *p, uint32_t c)
{
	size_t	n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		p[i] = (char)(0x80 | (c & 0x3f));
	p[0] = (char)(first[n] | c);
	return n;
}

/* One element at s into p; octets eaten, 0: none may stand there. */
static size_t
element(struct span s, bool raw, char *p, size_t *n)
{
	uint32_t	c;
	size_t		used;

	if (is_qchar((unsigned char)s.p[0])) {
		p[(*n)++] = s.p[0];
		return 1;
	}
	if (span_prefix(s, SPAN("\\x{"))) {
		if ((used = hexpoint(span_from(s, 3), &c)) == 0)
			return 0;
		*n += utf8_put(p + *n, c);
		return used + 3;
	}
	if (!raw || (used = raw_character(s)) == 0)
		return 0;
	memcpy(p + *n, s.p, used);
	*n += used;
	return used;
}

bool
xtext_decode_utf8(struct span in, bool raw, struct arena *a, struct span *out)
{
	char	*p = arena_alloc(a, in.n + 1);
	size_t	 n = 0, used;

	for (; in.n > 0; in = span_from(in, used))
		if ((used = element(in, raw, p, &n)) == 0)
			return false;
	*out = span_mem(p, n);
	return true;
}

static uint32_t
code_point(struct span s, size_t n)
{
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t	c = (unsigned char)s.p[0] & mask[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s.p[i] & 0x3f);
	return c;
}

void
xtext_encode_utf8(struct span in, bool raw, struct buf *out)
{
	size_t	n;

	for (; in.n > 0; in = span_from(in, n)) {
		n = span_utf8(in);
		if (n == 1 && is_qchar((unsigned char)in.p[0]))
			buf_add_char(out, in.p[0]);
		else if (n > 1 && raw)
			buf_add(out, in.p, n);
		else if (n > 0)
			buf_addf(out, "\\x{%02X}",
			    (unsigned)code_point(in, n));
		else
			n = 1;		/* no UTF-8: left out */
	}
}

bool
xtext_is_type(struct span in)
{
	for (size_t i = 0; i < in.n; i++) {
		char	c = ascii_lower(in.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("!#$%&'*+-/=?^_`{|}~", c) == NULL))
			return false;
	}
	return in.n > 0;
}
