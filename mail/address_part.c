/*
 * address_part.c - local parts and domains, as both grammars have them.
 *
 * Nothing that a control character or a line end could stand in gets through:
 * what is parsed here is written into header fields, logs and replies.
 */
#include "config.h"

#include "base/ip.h"
#include "mail/address_int.h"
#include "mail/domain.h"

static const char	 needs_utf8[] =
	"an address outside ASCII needs SMTPUTF8";
static const char	 local_too_long[] =
	"the local part is longer than 64 octets";
static const char	 control[] = "a control character in the address";

bool
cursor_fail(struct cursor *c, const char *why)
{
	c->why = why;
	return false;
}

bool
cursor_at(const struct cursor *c, char ch)
{
	return c->p < c->end && *c->p == ch;
}

bool
cursor_eat(struct cursor *c, char ch)
{
	if (!cursor_at(c, ch))
		return false;
	c->p++;
	return true;
}

/* atext (RFC 5322, 3.2.3), ASCII. */
static bool
is_atext(unsigned char ch)
{
	return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') ||
	    (ch >= 'A' && ch <= 'Z') ||
	    (ch != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", ch) != NULL);
}

/*
 * Octets of the UTF-8 character at p (RFC 3629, 4); 0 when it is none, or a
 * control (U+0080 to U+009F).
 */
static size_t
utf8_length(const char *p, const char *end)
{
	size_t	 n = span_utf8(span_mem(p, (size_t)(end - p)));

	return n == 2 && (unsigned char)p[0] == 0xc2 &&
	    (unsigned char)p[1] < 0xa0 ? 0 : n;
}

/*
 * A sender rewritten by who has forwarded it (SRS) has another address in its
 * local part, and is taken as long as a path may be: to refuse it were to
 * refuse what its sender may send.
 */
static size_t
most_of(const struct local *l)
{
	if (l->n > 5 && span_iprefix(span_mem(l->raw, l->n), SPAN("SRS")) &&
	    (l->raw[3] == '0' || l->raw[3] == '1') &&
	    strchr("=+-", l->raw[4]) != NULL && l->raw[4] != '\0')
		return ADDRESS_PATH_MAX - 2;
	return ADDRESS_LOCAL_MAX;
}

static bool
take(struct cursor *c, struct local *l, size_t n)
{
	if (l->n + n > most_of(l))
		return cursor_fail(c, local_too_long);
	memcpy(l->raw + l->n, c->p, n);
	l->n += n;
	c->p += n;
	return true;
}

/* A character above 127, where the caller allows it. */
static bool
take_utf8(struct cursor *c, struct local *l)
{
	size_t	 n;

	if ((c->flags & ADDRESS_UTF8_OK) == 0)
		return cursor_fail(c, needs_utf8);
	if ((n = utf8_length(c->p, c->end)) == 0)
		return cursor_fail(c, "the address is not UTF-8");
	return take(c, l, n);
}

/* The CRLF of a fold (RFC 5322, 2.2.3); the blank behind it stays. */
static bool
eat_fold(struct cursor *c)
{
	if (c->end - c->p < 3 || c->p[0] != '\r' || c->p[1] != '\n' ||
	    (c->p[2] != ' ' && c->p[2] != '\t'))
		return false;
	c->p += 2;
	return true;
}

/* Quoted-string: DQUOTE *QcontentSMTP DQUOTE; the first quote is eaten. */
bool
local_quoted(struct cursor *c, struct local *l)
{
	unsigned char	 ch;
	bool		 escaped;

	for (;;) {
		if (cursor_eat(c, '"'))
			return true;
		if ((c->flags & ADDRESS_FOLDED) && eat_fold(c))
			continue;
		escaped = cursor_eat(c, '\\');
		if (c->p == c->end)
			return cursor_fail(c,
			    "a quoted local part does not end");
		ch = (unsigned char)*c->p;
		if (ch >= 0x80 && !escaped) {
			if (!take_utf8(c, l))
				return false;
			continue;
		}
		if (ch < ' ' || ch > '~')
			return cursor_fail(c, control);
		if (!take(c, l, 1))
			return false;
	}
}

/* One atom of a Dot-string. */
bool
local_atom(struct cursor *c, struct local *l)
{
	const char	*start = c->p;
	unsigned char	 ch;

	for (; c->p < c->end; ) {
		ch = (unsigned char)*c->p;
		if (ch >= 0x80) {
			if (!take_utf8(c, l))
				return false;
		} else if (!is_atext(ch))
			break;
		else if (!take(c, l, 1))
			return false;
	}
	if (c->p > start)
		return true;
	if (c->p < c->end && ((unsigned char)*c->p < ' ' || *c->p == 0x7f))
		return cursor_fail(c, control);
	return cursor_fail(c, cursor_at(c, '.') || l->n > 0 ?
	    "a '.' stands at the start, the end or beside another" :
	    "a local part is missing, or has characters that need quotes");
}

/* The '.' between two words. */
bool
local_dot(struct cursor *c, struct local *l)
{
	return take(c, l, 1);
}

static bool
is_dot_string(const struct local *l)
{
	bool		 after_dot = true;
	size_t		 i;
	unsigned char	 ch;

	for (i = 0; i < l->n; i++) {
		ch = (unsigned char)l->raw[i];
		if (ch == '.' ? after_dot : ch < 0x80 && !is_atext(ch))
			return false;
		after_dot = ch == '.';
	}
	return !after_dot;
}

/* As it stands in whole: with quotes only where they are needed. */
static size_t
format_local(const struct local *l, char out[2 * ADDRESS_PATH_MAX + 2])
{
	size_t	 i, n = 0;

	if (is_dot_string(l)) {
		memcpy(out, l->raw, l->n);
		return l->n;
	}
	out[n++] = '"';
	for (i = 0; i < l->n; i++) {
		if (l->raw[i] == '"' || l->raw[i] == '\\')
			out[n++] = '\\';
		out[n++] = l->raw[i];
	}
	out[n++] = '"';
	return n;
}

/* Address-literal (4.1.3), canonical; of the tagged ones only IPv6. */
bool
address_part_literal(struct cursor *c, struct arena *a, struct span *out)
{
	struct span	 text;
	struct ip	 ip;
	const char	*close;
	char		 canonical[64];
	size_t		 left = (size_t)(c->end - c->p);
	bool		 six;

	close = memchr(c->p, ']', left < ADDRESS_DOMAIN_MAX ? left :
	    ADDRESS_DOMAIN_MAX);
	if (close == NULL)
		return cursor_fail(c,
		    "an address literal does not end with ']'");
	text = span_mem(c->p + 1, (size_t)(close - c->p - 1));
	if ((six = span_iprefix(text, SPAN("IPv6:"))))
		text = span_from(text, 5);
	if (!ip_parse(text, &ip) || six != (span_index(text, ':') >= 0))
		return cursor_fail(c, "not an address literal: "
		    "[192.0.2.1] or [IPv6:2001:db8::1]");
	*out = arena_span(a, span_of(ip_literal(&ip, canonical)));
	c->p = close + 1;
	return true;
}

static bool
in_domain(char ch, unsigned flags)
{
	unsigned char	 u = (unsigned char)ch;

	if (u >= 0x80)
		return (flags & ADDRESS_UTF8_OK) != 0;
	return u == '.' || u == '-' || u == '_' || (u >= '0' && u <= '9') ||
	    (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z');
}

size_t
address_part_name(struct cursor *c)
{
	const char	*start = c->p;

	while (c->p < c->end && in_domain(*c->p, c->flags))
		c->p++;
	return (size_t)(c->p - start);
}

bool
address_part_normal(struct cursor *c, struct span name, struct arena *a,
    struct span *out)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		return cursor_fail(c, "a '.' stands at the end of the domain");
	return domain_normalise(name, a, out, &c->why) == 0;
}

/* Domain, or an address literal. */
bool
address_part_domain(struct cursor *c, struct arena *a, struct span *out)
{
	const char	*start = c->p;

	if (cursor_at(c, '['))
		return address_part_literal(c, a, out);
	address_part_name(c);
	if (c->p < c->end && (unsigned char)*c->p >= 0x80)
		return cursor_fail(c, needs_utf8);
	return address_part_normal(c, span_mem(start,
	    (size_t)(c->p - start)), a, out);
}

bool
address_part_bare_ok(const struct local *l, unsigned flags)
{
	if (flags & ADDRESS_BARE_LOCAL_OK)
		return true;
	return (flags & ADDRESS_POSTMASTER_OK) &&
	    span_ieq(span_mem(l->raw, l->n), SPAN("postmaster"));
}

/* Puts "local@domain" together; domain.n == 0: there is none. */
bool
address_part_join(struct cursor *c, const struct local *l, struct span domain,
    struct arena *a, struct address *out)
{
	char	 local[2 * ADDRESS_PATH_MAX + 2];
	char	*whole;
	size_t	 n, total;

	if ((n = format_local(l, local)) > most_of(l))
		return cursor_fail(c, local_too_long);
	total = n + (domain.n > 0 ? 1 + domain.n : 0);
	if (total > ADDRESS_PATH_MAX - 2)
		return cursor_fail(c, "the address is longer than 254 octets");
	whole = arena_alloc(a, total + 1);
	memcpy(whole, local, n);
	if (domain.n > 0) {
		whole[n] = '@';
		memcpy(whole + n + 1, domain.p, domain.n);
	}
	out->whole = span_mem(whole, total);
	out->at = n;
	return true;
}
