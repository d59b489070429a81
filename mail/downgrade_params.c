/*
 * downgrade_params.c - parameters whose values are not ASCII, as RFC 2231 has
 * them: name*=utf-8''gr%C3%BCn, and in pieces where that is long (3, 4.1).
 */
#include "config.h"

#include "mail/downgrade_int.h"
#include "mail/header.h"

#define PIECE_MAX	60	/* octets of an encoded piece */

/* attribute-char (RFC 2231, 7). */
static bool
is_attribute_char(unsigned char ch)
{
	return ch > ' ' && ch < 0x7f && strchr("*'%()<>@,;:\\\"/[]?=", ch) ==
	    NULL;
}

static size_t
value_size(struct span s)
{
	size_t	i, n = 0;

	for (i = 0; i < s.n; i++)
		n += is_attribute_char((unsigned char)s.p[i]) ? 1 : 3;
	return n;
}

static void
put_value(struct buf *out, struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++) {
		unsigned char	ch = (unsigned char)s.p[i];

		if (is_attribute_char(ch))
			buf_add_char(out, (char)ch);
		else
			buf_addf(out, "%%%02X", ch);
	}
}

/* As many octets as one piece takes. */
static size_t
piece_size(struct span s)
{
	size_t	n, used = 0;

	for (n = 0; n < s.n; n++) {
		used += value_size(span_mem(s.p + n, 1));
		if (n > 0 && used > PIECE_MAX)
			break;
	}
	return n;
}

static void
put_param(struct buf *out, struct span name, struct span value)
{
	unsigned	piece = 0;
	size_t		n;
	bool		whole = value_size(value) <= PIECE_MAX;

	do {
		n = whole ? value.n : piece_size(value);
		buf_addf(out, ";\r\n %.*s", SPAN_ARG(name));
		if (!whole)
			buf_addf(out, "*%u", piece);
		buf_add_str(out, piece == 0 ? "*=utf-8''" : "*=");
		put_value(out, span_mem(value.p, n));
		value = span_from(value, n);
		piece++;
	} while (value.n > 0);
}

/* --- reading them */

/* Up to the next ';' outside of quotes and comments. */
static size_t
param_size(struct span s)
{
	size_t		i;
	unsigned	comments = 0;
	bool		quoted = false;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (quoted || s.p[i] == '"')
			quoted ^= s.p[i] == '"';
		else if (s.p[i] == '(')
			comments++;
		else if (s.p[i] == ')' && comments > 0)
			comments--;
		else if (s.p[i] == ';' && comments == 0)
			return i;
	}
	return s.n;
}

/* The value without its quotes; false: something stands beside them. */
static bool
unquote(struct span s, struct buf *out)
{
	size_t	i;

	if (s.n == 0 || s.p[0] != '"') {
		buf_add_span(out, s);
		return memchr(s.p, '(', s.n) == NULL &&
		    memchr(s.p, '"', s.n) == NULL;
	}
	for (i = 1; i < s.n && s.p[i] != '"'; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		else if (s.p[i] == '\r' || s.p[i] == '\n')
			continue;
		buf_add_char(out, s.p[i]);
	}
	return i + 1 == s.n;
}

static bool
is_name(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if (!is_attribute_char((unsigned char)s.p[i]))
			return false;
	/* A boundary is compared octet by octet. */
	return s.n > 0 && !span_ieq(s, SPAN("boundary"));
}

/* "name=value", which has octets above 127. */
static bool
convert(struct buf *out, struct span param)
{
	ptrdiff_t	is = span_index(param, '=');
	struct span	name;
	struct buf	value = { 0 };
	bool		good;

	if (is < 0)
		return false;
	name = header_trim(span_mem(param.p, (size_t)is));
	good = is_name(name) &&
	    unquote(header_trim(span_from(param, (size_t)is + 1)), &value) &&
	    text_is_utf8(buf_span(&value));
	if (good)
		put_param(out, name, buf_span(&value));
	buf_clear(&value);
	return good;
}

bool
params_put(struct buf *out, struct span body)
{
	struct span	param;
	bool		first = true;

	while (body.n > 0 || first) {
		param = span_mem(body.p, param_size(body));
		if (has_8bit(param)) {
			if (first || !convert(out, param))
				return false;
		} else {
			if (!first)
				buf_add_char(out, ';');
			buf_add_span(out, param);
		}
		body = span_from(body, param.n);
		first = false;
		if (body.n == 0)
			break;
		body = span_from(body, 1);	/* ';' */
	}
	return true;
}
