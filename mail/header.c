/*
 * header.c - the header section of a message (RFC 5322, 2.2): find and count.
 *
 * What cannot be a field (no colon, a blank first line that continues
 * nothing) is handed out too, with an empty name, so that nothing of the
 * section is lost or moved.
 */
#include "config.h"

#include "mail/header.h"

/* Offset behind the CRLF that ends the line at pos; content.n without one. */
static size_t
line_end(struct span content, size_t pos)
{
	const char	*lf;

	while (pos < content.n) {
		lf = memchr(content.p + pos, '\n', content.n - pos);
		if (lf == NULL)
			break;
		pos = (size_t)(lf - content.p) + 1;
		if (pos >= 2 && lf[-1] == '\r')
			return pos;
	}
	return content.n;
}

struct span
header_trim(struct span s)
{
	while (s.n > 0 && header_is_fws(s.p[0]))
		s = span_from(s, 1);
	while (s.n > 0 && header_is_fws(s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool
is_blank_at(struct span s, size_t pos)
{
	return pos < s.n && (s.p[pos] == ' ' || s.p[pos] == '\t');
}

/* ftext (RFC 5322, 3.6.8), all of it and at least one. */
static bool
is_name(struct span s)
{
	size_t	 i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < 33 || s.p[i] > 126 || s.p[i] == ':')
			return false;
	return s.n > 0;
}

static struct span
without_crlf(struct span s)
{
	if (s.n >= 2 && s.p[s.n - 2] == '\r' && s.p[s.n - 1] == '\n')
		s.n -= 2;
	return s;
}

/* Name and body; blanks before the colon are obsolete but seen (4.5). */
static void
take_apart(struct header_field *f)
{
	struct span	 line = without_crlf(f->whole);
	ptrdiff_t	 colon = span_index(line, ':');

	f->name = SPAN_NONE;
	f->body = line;
	if (colon <= 0 || is_blank_at(line, 0))
		return;
	f->name = span_trim(span_mem(line.p, (size_t)colon));
	if (is_name(f->name))
		f->body = span_from(line, (size_t)colon + 1);
	else
		f->name = SPAN_NONE;
}

bool
header_next(struct span content, size_t *pos, struct header_field *out)
{
	size_t	 start = *pos, end;

	if (start >= content.n)
		return false;
	if (content.n - start >= 2 && content.p[start] == '\r' &&
	    content.p[start + 1] == '\n') {
		*pos += 2;
		return false;
	}
	end = line_end(content, start);
	while (is_blank_at(content, end))
		end = line_end(content, end);
	out->whole = span_mem(content.p + start, end - start);
	take_apart(out);
	*pos = end;
	return true;
}

bool
header_find(struct span content, struct span name, unsigned i,
    struct header_field *out)
{
	struct header_field	 f;
	size_t			 pos = 0;

	while (header_next(content, &pos, &f)) {
		if (f.name.n == 0 || !span_ieq(f.name, name) || i-- > 0)
			continue;
		*out = f;
		return true;
	}
	return false;
}

size_t
header_size(struct span content)
{
	struct header_field	 f;
	size_t			 pos = 0;

	while (header_next(content, &pos, &f))
		;
	return pos;
}

unsigned
header_hops(struct span content)
{
	struct header_field	 f;
	size_t			 pos = 0;
	unsigned		 n = 0;

	while (header_next(content, &pos, &f))
		if (span_ieq(f.name, SPAN("Received")))
			n++;
	return n;
}

/* Without blanks and line ends around it, and without brackets. */
static struct span
bare_address(struct span s)
{
	while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL)
		s = span_from(s, 1);
	while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
		s.n--;
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = span_mem(s.p + 1, s.n - 2);
	return s;
}

bool
header_delivered_to(struct span content, struct span address)
{
	struct header_field	 f;
	size_t			 pos = 0;

	while (header_next(content, &pos, &f))
		if (span_ieq(f.name, SPAN("Delivered-To")) &&
		    span_ieq(bare_address(f.body), address))
			return true;
	return false;
}

bool
header_tls_not_required(struct span content)
{
	static const struct span	name = SPAN("TLS-Required");
	struct header_field		f, second;

	return header_find(content, name, 0, &f) &&
	    span_ieq(header_trim(f.body), SPAN("No")) &&
	    !header_find(content, name, 1, &second);
}

bool
header_field_ok(struct span field)
{
	ptrdiff_t	 colon = span_index(field, ':');
	size_t		 i;

	if (colon <= 0 || !is_name(span_mem(field.p, (size_t)colon)))
		return false;
	for (i = (size_t)colon; i < field.n; i++) {
		unsigned char	 ch = (unsigned char)field.p[i];

		if ((ch < ' ' && ch != '\t') || ch == 0x7f)
			return false;
	}
	return true;
}
