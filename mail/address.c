/*
 * address.c - RFC 5321 paths: parse, normalise, take apart.
 *
 * The grammar is that of RFC 5321, 4.1.2, with RFC 6531, 3.3 where the caller
 * allows UTF-8.  Nothing that a control character or a line end could stand
 * in gets through: what is parsed here is written into header fields, logs
 * and replies.
 */
#include "config.h"

#include "base/ip.h"
#include "mail/address.h"
#include "mail/domain.h"

/* What is left to parse, and why it cannot be. */
struct cursor {
	const char	*p, *end;
	unsigned	 flags;
	const char	*why;
};

/* A local part under reading: without quotes and escapes. */
struct local {
	char	raw[ADDRESS_LOCAL_MAX];
	size_t	n;
};

static bool
fail(struct cursor *c, const char *why)
{
	c->why = why;
	return false;
}

static bool
at(const struct cursor *c, char ch)
{
	return c->p < c->end && *c->p == ch;
}

static bool
eat(struct cursor *c, char ch)
{
	if (!at(c, ch))
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

static bool
continues(const unsigned char *s, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/*
 * Octets of the UTF-8 character at p (RFC 3629, 4), 0 when it is none: too
 * long a form, a surrogate, above U+10FFFF, or a control (U+0080 to U+009F).
 */
static size_t
utf8_length(const char *p, const char *end)
{
	const unsigned char	*s = (const unsigned char *)p;
	size_t			 left = (size_t)(end - p), n;

	n = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
	    s[0] < 0xf5 ? 4 : 0;
	if (n == 0 || left < n || !continues(s + 1, n - 1))
		return 0;
	if ((s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
	    (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static bool
take(struct cursor *c, struct local *l, size_t n)
{
	if (n > sizeof(l->raw) - l->n)
		return fail(c, "the local part is longer than 64 octets");
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
		return fail(c, "an address outside ASCII needs SMTPUTF8");
	if ((n = utf8_length(c->p, c->end)) == 0)
		return fail(c, "the address is not UTF-8");
	return take(c, l, n);
}

/* Quoted-string: DQUOTE *QcontentSMTP DQUOTE; the first quote is eaten. */
static bool
parse_quoted(struct cursor *c, struct local *l)
{
	unsigned char	 ch;
	bool		 escaped;

	for (;;) {
		if (eat(c, '"'))
			return true;
		escaped = eat(c, '\\');
		if (c->p == c->end)
			return fail(c, "a quoted local part does not end");
		ch = (unsigned char)*c->p;
		if (ch >= 0x80 && !escaped) {
			if (!take_utf8(c, l))
				return false;
			continue;
		}
		if (ch < ' ' || ch > '~')
			return fail(c, "a control character in the address");
		if (!take(c, l, 1))
			return false;
	}
}

/* One atom of a Dot-string. */
static bool
parse_atom(struct cursor *c, struct local *l)
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
		return fail(c, "a control character in the address");
	return fail(c, at(c, '.') || l->n > 0 ?
	    "a '.' stands at the start, the end or beside another" :
	    "a local part is missing, or has characters that need quotes");
}

/* Local-part: Dot-string or Quoted-string. */
static bool
parse_local(struct cursor *c, struct local *l)
{
	l->n = 0;
	if (eat(c, '"'))
		return parse_quoted(c, l);
	for (;;) {
		if (!parse_atom(c, l))
			return false;
		if (!at(c, '.'))
			return true;
		if (!take(c, l, 1))
			return false;
	}
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
format_local(const struct local *l, char out[2 * ADDRESS_LOCAL_MAX + 2])
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
static bool
parse_literal(struct cursor *c, struct arena *a, struct span *out)
{
	struct span	 text;
	struct ip	 ip;
	const char	*close;
	char		 canonical[64];
	bool		 six;

	close = memchr(c->p, ']', (size_t)(c->end - c->p));
	if (close == NULL)
		return fail(c, "an address literal does not end with ']'");
	text = span_mem(c->p + 1, (size_t)(close - c->p - 1));
	if ((six = span_iprefix(text, SPAN("IPv6:"))))
		text = span_from(text, 5);
	if (!ip_parse(text, &ip) || six != (span_index(text, ':') >= 0))
		return fail(c, "not an address literal: "
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

/* Domain, or an address literal. */
static bool
parse_domain(struct cursor *c, struct arena *a, struct span *out)
{
	const char	*start = c->p;

	if (at(c, '['))
		return parse_literal(c, a, out);
	while (c->p < c->end && in_domain(*c->p, c->flags))
		c->p++;
	if (c->p < c->end && (unsigned char)*c->p >= 0x80)
		return fail(c, "an address outside ASCII needs SMTPUTF8");
	if (c->p > start && c->p[-1] == '.')
		return fail(c, "a '.' stands at the end of the domain");
	return domain_normalise(span_mem(start, (size_t)(c->p - start)), a,
	    out, &c->why) == 0;
}

static bool
no_domain_ok(const struct local *l, unsigned flags)
{
	if (flags & ADDRESS_BARE_LOCAL_OK)
		return true;
	return (flags & ADDRESS_POSTMASTER_OK) &&
	    span_ieq(span_mem(l->raw, l->n), SPAN("postmaster"));
}

/* Puts "local@domain" together; domain.n == 0: there is none. */
static bool
join(struct cursor *c, const struct local *l, struct span domain,
    struct arena *a, struct address *out)
{
	char	 local[2 * ADDRESS_LOCAL_MAX + 2];
	char	*whole;
	size_t	 n, total;

	if ((n = format_local(l, local)) > ADDRESS_LOCAL_MAX)
		return fail(c, "the local part is longer than 64 octets");
	total = n + (domain.n > 0 ? 1 + domain.n : 0);
	if (total > ADDRESS_PATH_MAX - 2)
		return fail(c, "the address is longer than 254 octets");
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

/* Mailbox (4.1.2), or a local part alone where that may be. */
static bool
parse_mailbox(struct cursor *c, struct arena *a, struct address *out)
{
	struct local	 l;
	struct span	 domain = SPAN_NONE;

	if (!parse_local(c, &l))
		return false;
	if (eat(c, '@')) {
		if (!parse_domain(c, a, &domain))
			return false;
	} else if (!no_domain_ok(&l, c->flags))
		return fail(c, "the address has no domain, or has characters "
		    "that need quotes");
	return join(c, &l, domain, a, out);
}

/* A-d-l ":" (4.1.2): read past and forgotten (appendix C). */
static bool
skip_route(struct cursor *c, struct arena *a)
{
	struct span	 domain;

	do {
		if (!eat(c, '@'))
			return fail(c, "a source route is @a,@b:user@domain");
		if (!parse_domain(c, a, &domain))
			return false;
	} while (eat(c, ','));
	if (!eat(c, ':'))
		return fail(c, "a source route ends with ':'");
	return true;
}

static bool
parse_path(struct cursor *c, struct arena *a, struct address *out)
{
	if (!eat(c, '<'))
		return fail(c, "an address stands between '<' and '>'");
	if (eat(c, '>')) {
		if ((c->flags & ADDRESS_NULL_OK) == 0)
			return fail(c, "<> is not an address here");
		*out = (struct address){ .whole = SPAN(""), .at = 0 };
		return true;
	}
	if (at(c, '@') && !skip_route(c, a))
		return false;
	if (!parse_mailbox(c, a, out))
		return false;
	if (!eat(c, '>'))
		return fail(c, "an address ends with '>'");
	return true;
}

int
address_parse_path(struct span in, unsigned flags, struct arena *a,
    struct address *out, size_t *used, const char **why)
{
	struct cursor	 c = { in.p, in.p + in.n, flags, NULL };

	if (!parse_path(&c, a, out)) {
		*why = c.why;
		return -1;
	}
	*used = (size_t)(c.p - in.p);
	return 0;
}

int
address_parse(struct span in, unsigned flags, struct arena *a,
    struct address *out, const char **why)
{
	struct cursor	 c = { in.p, in.p + in.n, flags, NULL };

	if (in.n == 0 && (flags & ADDRESS_NULL_OK)) {
		*out = (struct address){ .whole = SPAN(""), .at = 0 };
		return 0;
	}
	if (parse_mailbox(&c, a, out) && c.p < c.end)
		fail(&c, "the address has characters that cannot stand there");
	if (c.why == NULL)
		return 0;
	*why = c.why;
	return -1;
}

struct span
address_local(const struct address *ad)
{
	return span_mem(ad->whole.p, ad->at);
}

struct span
address_domain(const struct address *ad)
{
	return span_from(ad->whole, ad->at + 1);
}

struct span
address_user(const struct address *ad, struct arena *a)
{
	struct span	 l = address_local(ad);
	char		*p;
	size_t		 i, n = 0;

	if (l.n < 2 || l.p[0] != '"')
		return l;
	p = arena_alloc(a, l.n);
	for (i = 1; i < l.n - 1; i++) {
		if (l.p[i] == '\\')
			i++;
		p[n++] = l.p[i];
	}
	return span_mem(p, n);
}

void
address_detail(struct span local, struct span delimiters, struct span *user,
    struct span *detail)
{
	size_t	 i;

	*user = local;
	*detail = SPAN_NONE;
	for (i = 1; i < local.n; i++)
		if (span_index(delimiters, local.p[i]) >= 0) {
			user->n = i;
			*detail = span_from(local, i + 1);
			return;
		}
}
