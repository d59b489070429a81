/*
 * report_record.c - "v=TLSRPTv1; rua=mailto:...,https://..."; report_record.h.
 */
#include "mta/fetch/report_record.h"

#include "mail/address.h"

static const struct span	version = SPAN("v=TLSRPTv1");

/* --- the record (RFC 8460, 3) */

static bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

static struct span
trim(struct span s)
{
	while (s.n > 0 && is_wsp(s.p[0]))
		s = span_from(s, 1);
	while (s.n > 0 && is_wsp(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* What stands before c, trimmed; *s is what is behind it. */
static struct span
cut(struct span *s, char c)
{
	ptrdiff_t	at = span_index(*s, c);
	struct span	part = *s;

	if (at >= 0)
		part.n = (size_t)at;
	*s = span_from(*s, part.n + 1);
	return trim(part);
}

/* Its version, and a ';' behind it. */
static bool
is_ours(struct span text)
{
	struct span	rest = span_from(text, version.n);

	if (!span_prefix(text, version))
		return false;
	rest = trim(rest);
	return rest.n > 0 && rest.p[0] == ';';
}

static bool
is_name_char(char c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

/* "name=value": a field that is well formed, known or not. */
static bool
is_field(struct span field, struct span *name, struct span *value)
{
	ptrdiff_t	at = span_index(field, '=');
	size_t		i;

	if (at <= 0 || at > 32)
		return false;
	*name = span_mem(field.p, (size_t)at);
	*value = span_from(field, (size_t)at + 1);
	for (i = 0; i < name->n; i++)
		if (!is_name_char(name->p[i]))
			return false;
	return !is_wsp(name->p[0]) && value->n > 0;
}

/* Printable, without what a URI would have to encode (RFC 3986). */
static bool
is_uri(struct span s)
{
	size_t	i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' ||
		    s.p[i] == '<' || s.p[i] == '>' || s.p[i] == '\\' ||
		    s.p[i] == '!')
			return false;
	return s.n <= REPORT_RUA_OCTETS;
}

static bool
is_place(struct span s)
{
	return is_uri(s) && ((span_iprefix(s, SPAN("https://")) && s.n > 8) ||
	    (span_iprefix(s, SPAN("mailto:")) && s.n > 7));
}

static void
take_places(struct span list, struct report_record *r)
{
	struct span	place;
	size_t		i;

	while (list.n > 0) {
		place = cut(&list, ',');
		for (i = 0; i < r->n && !span_eq(r->rua[i], place); i++)
			;
		if (i == r->n && r->n < REPORT_RUA_MAX && is_place(place))
			r->rua[r->n++] = place;
	}
}

/* false: not well formed. */
static bool
take_record(struct span text, struct report_record *r)
{
	struct span	field, name, value;

	(void)cut(&text, ';');
	while (text.n > 0) {
		field = cut(&text, ';');
		if (field.n == 0 && trim(text).n == 0)
			break;		/* the record may end with ';' */
		if (!is_field(field, &name, &value))
			return false;
		if (span_eq(name, SPAN("rua")))
			take_places(value, r);
	}
	return r->n > 0;
}

bool
report_record_find(const struct span *texts, size_t n, struct report_record *r)
{
	const struct span	*ours = NULL;
	size_t			 i;

	*r = (struct report_record){ 0 };
	for (i = 0; i < n; i++)
		if (is_ours(texts[i])) {
			if (ours != NULL)
				return false;
			ours = &texts[i];
		}
	if (ours != NULL && take_record(*ours, r))
		return true;
	r->n = 0;	/* what stands before a mistake does not count */
	return false;
}

/* --- mailto (RFC 6068) */

static int
hex_digit(char c)
{
	c = ascii_lower(c);
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* false: a '%' without two digits. */
static bool
decode(struct span s, char *out, size_t *n)
{
	size_t	i;
	int	high, low;

	*n = 0;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] != '%') {
			out[(*n)++] = s.p[i];
			continue;
		}
		if (i + 2 >= s.n)
			return false;
		high = hex_digit(s.p[i + 1]);
		low = hex_digit(s.p[i + 2]);
		if (high == -1 || low == -1)
			return false;
		out[(*n)++] = (char)(high << 4 | low);
		i += 2;
	}
	return true;
}

bool
report_mailto(struct span rua, struct arena *a, struct span *address)
{
	char		 text[REPORT_RUA_OCTETS];
	struct span	 in = span_from(rua, 7);
	struct address	 parsed;
	const char	*why;
	ptrdiff_t	 at = span_index(in, '?');
	size_t		 n;

	if (!span_iprefix(rua, SPAN("mailto:")) || rua.n > REPORT_RUA_OCTETS)
		return false;
	if (at >= 0)
		in.n = (size_t)at;
	if (!decode(in, text, &n) || address_parse(span_mem(text, n), 0, a,
	    &parsed, &why) == -1)
		return false;
	*address = parsed.whole;
	return address_domain(&parsed).n > 0;
}
