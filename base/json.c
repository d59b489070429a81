/*
 * json.c - writing JSON.
 */
#include <inttypes.h>

#include "base/json.h"

/* RFC 8259, 7; DEL and C1 controls too, for the sake of terminals. */
static size_t
quote_one(struct buf *out, struct span s)
{
	unsigned char	c = (unsigned char)s.p[0];
	size_t		n;

	if (c == '"' || c == '\\') {
		buf_add_char(out, '\\');
		buf_add_char(out, s.p[0]);
	} else if (c == '\n')
		buf_add_str(out, "\\n");
	else if (c == '\r')
		buf_add_str(out, "\\r");
	else if (c == '\t')
		buf_add_str(out, "\\t");
	else if (c < ' ' || c == 0x7f)
		buf_addf(out, "\\u%04x", c);
	else if ((n = span_utf8(s)) == 0)
		buf_add_str(out, "\\ufffd");
	else {
		if (c == 0xc2 && (unsigned char)s.p[1] < 0xa0)
			buf_addf(out, "\\u%04x", (unsigned char)s.p[1]);
		else
			buf_add(out, s.p, n);
		return n;
	}
	return 1;
}

/* Octets that stand for themselves at the start of s. */
static size_t
plain_run(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' ||
		    (unsigned char)s.p[i] >= 0x7f ||
		    s.p[i] == '"' || s.p[i] == '\\')
			break;
	return i;
}

void
json_quote(struct buf *out, struct span s)
{
	size_t	n;

	buf_add_char(out, '"');
	while (s.n > 0) {
		if ((n = plain_run(s)) > 0)
			buf_add(out, s.p, n);
		else
			n = quote_one(out, s);
		s = span_from(s, n);
	}
	buf_add_char(out, '"');
}

void
json_init(struct json *j, struct buf *out)
{
	*j = (struct json){ .out = out };
}

static void
begin_value(struct json *j, const char *key)
{
	if (j->comma)
		buf_add_char(j->out, ',');
	j->comma = true;
	if (key == NULL)
		return;
	json_quote(j->out, span_of(key));
	buf_add_char(j->out, ':');
}

static void
open_with(struct json *j, const char *key, char c)
{
	begin_value(j, key);
	buf_add_char(j->out, c);
	j->comma = false;
}

static void
close_with(struct json *j, char c)
{
	buf_add_char(j->out, c);
	j->comma = true;
}

void
json_object(struct json *j, const char *key)
{
	open_with(j, key, '{');
}

void
json_object_end(struct json *j)
{
	close_with(j, '}');
}

void
json_array(struct json *j, const char *key)
{
	open_with(j, key, '[');
}

void
json_array_end(struct json *j)
{
	close_with(j, ']');
}

void
json_text(struct json *j, const char *key, struct span s)
{
	begin_value(j, key);
	json_quote(j->out, s);
}

void
json_str(struct json *j, const char *key, const char *s)
{
	if (s == NULL)
		json_null(j, key);
	else
		json_text(j, key, span_of(s));
}

void
json_int(struct json *j, const char *key, int64_t v)
{
	begin_value(j, key);
	buf_addf(j->out, "%" PRId64, v);
}

void
json_uint(struct json *j, const char *key, uint64_t v)
{
	begin_value(j, key);
	buf_addf(j->out, "%" PRIu64, v);
}

void
json_bool(struct json *j, const char *key, bool v)
{
	begin_value(j, key);
	buf_add_str(j->out, v ? "true" : "false");
}

void
json_null(struct json *j, const char *key)
{
	begin_value(j, key);
	buf_add_str(j->out, "null");
}

void
json_raw(struct json *j, const char *key, struct span s)
{
	begin_value(j, key);
	buf_add_span(j->out, s);
}
