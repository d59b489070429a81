/*
 * address_list.c - an address list (RFC 5322, 3.4 and 4.4), address by address.
 *
 * A member is looked through for the first '<', ':', ',' or ';' outside of
 * comments, quotes and literals: that tells what it is.  Each octet is read a
 * bounded number of times, whatever a stranger has written.
 */
#include "config.h"

#include "mail/address_int.h"
#include "mail/address_list.h"
#include "mail/header.h"

#define LITERAL_MAX	ADDRESS_DOMAIN_MAX	/* octets looked at for a ']' */
#define NAME_MAX_OCTETS	1024	/* of a domain with its U-labels */

size_t
address_quoted_size(struct span s)
{
	size_t	 i;

	for (i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

size_t
address_comment_size(struct span s)
{
	size_t	 i, depth = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* "[...]"; one octet when it does not end soon. */
static size_t
literal_size(struct span s)
{
	const char	*close;

	if (s.n > LITERAL_MAX)
		s.n = LITERAL_MAX;
	close = memchr(s.p, ']', s.n);
	return close == NULL ? 1 : (size_t)(close - s.p) + 1;
}

/* Octets of the token that s begins with; what does not end is all of s. */
static size_t
token_size(struct span s)
{
	size_t	 n = 1;

	if (s.p[0] == '"')
		n = address_quoted_size(s);
	else if (s.p[0] == '(')
		n = address_comment_size(s);
	else if (s.p[0] == '[')
		n = literal_size(s);
	else if (s.p[0] == '\\' && s.n > 1)
		n = 2;
	return n == 0 ? s.n : n;
}

/* Offset of the first of the characters in stops, from pos on; or the end. */
static size_t
find(struct span body, size_t pos, const char *stops)
{
	while (pos < body.n && (body.p[pos] == '\0' ||
	    strchr(stops, body.p[pos]) == NULL))
		pos += token_size(span_from(body, pos));
	return pos < body.n ? pos : body.n;
}

/* CFWS (3.2.2) at the cursor. */
static bool
skip_cfws(struct cursor *c)
{
	size_t	 n;

	for (; c->p < c->end; c->p += n) {
		if (header_is_fws(*c->p))
			n = 1;
		else if (*c->p != '(')
			break;
		else if ((n = address_comment_size(span_mem(c->p,
		    (size_t)(c->end - c->p)))) == 0)
			return cursor_fail(c, "a comment does not end");
	}
	return true;
}

/* --- addr-spec (3.4.1, 4.4) */

/* local-part: dot-atom, quoted-string, or words with '.' and CFWS between. */
static bool
parse_local(struct cursor *c, struct local *l, const char **end)
{
	l->n = 0;
	for (;;) {
		if (cursor_eat(c, '"') ? !local_quoted(c, l) :
		    !local_atom(c, l))
			return false;
		*end = c->p;
		if (!skip_cfws(c))
			return false;
		if (!cursor_at(c, '.'))
			return true;
		if (!local_dot(c, l) || !skip_cfws(c))
			return false;
	}
}

/* domain: dot-atom, domain-literal, or atoms with '.' and CFWS between. */
static bool
parse_domain(struct cursor *c, struct arena *a, struct span *out,
    const char **end)
{
	char		 name[NAME_MAX_OCTETS];
	const char	*start;
	size_t		 n = 0, k;

	if (cursor_at(c, '[')) {
		if (!address_part_literal(c, a, out))
			return false;
		*end = c->p;
		return skip_cfws(c);
	}
	*end = c->p;
	for (;;) {
		start = c->p;
		if ((k = address_part_name(c)) > sizeof(name) - n)
			return cursor_fail(c, "the domain name is too long");
		memcpy(name + n, start, k);
		n += k;
		if (k > 0)
			*end = c->p;
		if (!skip_cfws(c))
			return false;
		if (n == 0 || !(name[n - 1] == '.' || cursor_at(c, '.')))
			return address_part_normal(c, span_mem(name, n), a, out);
		if (k == 0)
			return cursor_fail(c, "a '.' stands at the end of the "
			    "domain");
	}
}

static struct address_place
place(const struct address_list *l, const char *start, const char *end)
{
	return (struct address_place){ (size_t)(start - l->body.p),
	    (size_t)(end - start) };
}

/* addr-spec with the CFWS around it, or a local part alone. */
static bool
parse_spec(const struct address_list *list, struct cursor *c, struct arena *a,
    struct address_item *item)
{
	struct local	 l;
	struct span	 domain = SPAN_NONE;
	const char	*start, *end = NULL;

	if (!skip_cfws(c))
		return false;
	start = c->p;
	if (!parse_local(c, &l, &end))
		return false;
	item->local = place(list, start, end);
	item->domain = (struct address_place){ item->local.at + item->local.n,
	    0 };
	if (cursor_eat(c, '@')) {
		if (!skip_cfws(c))
			return false;
		start = c->p;
		if (!parse_domain(c, a, &domain, &end))
			return false;
		item->domain = place(list, start, end);
	} else if (!address_part_bare_ok(&l, c->flags))
		return cursor_fail(c, "the address has no domain");
	return address_part_join(c, &l, domain, a, &item->address);
}

/* obs-route (4.4): "@a, @b:"; read past. */
static bool
skip_route(struct cursor *c, struct arena *a)
{
	struct span	 domain;
	const char	*end;

	while (!cursor_eat(c, ':')) {
		if (!cursor_eat(c, ',') && !(cursor_eat(c, '@') &&
		    skip_cfws(c) && parse_domain(c, a, &domain, &end)))
			return cursor_fail(c, "a source route is "
			    "@a,@b:user@domain");
		if (!skip_cfws(c))
			return false;
	}
	return true;
}

/* angle-addr; the cursor stands behind the '<'. */
static bool
parse_angle(const struct address_list *list, struct cursor *c, struct arena *a,
    struct address_item *item)
{
	if (!skip_cfws(c))
		return false;
	if (cursor_at(c, '>') && (c->flags & ADDRESS_NULL_OK)) {
		item->address = (struct address){ .whole = SPAN("") };
		item->local = item->domain = place(list, c->p, c->p);
	} else {
		if ((cursor_at(c, '@') || cursor_at(c, ',')) &&
		    !skip_route(c, a))
			return false;
		if (!parse_spec(list, c, a, item))
			return false;
	}
	if (!cursor_eat(c, '>'))
		return cursor_fail(c, "an address ends with '>'");
	return skip_cfws(c);
}

/* --- the list */

/* A mailbox whose first special character is at stop. */
static bool
parse_mailbox(struct address_list *l, size_t stop, struct cursor *c,
    struct arena *a, struct address_item *item)
{
	bool	 angle = stop < l->body.n && l->body.p[stop] == '<';

	if (angle) {
		item->name = header_trim(span_mem(c->p,
		    (size_t)(l->body.p + stop - c->p)));
		c->p = l->body.p + stop + 1;
	}
	if (!(angle ? parse_angle(l, c, a, item) : parse_spec(l, c, a, item)))
		return false;
	if (c->p < c->end && *c->p != ',' && *c->p != ';')
		return cursor_fail(c,
		    "the address has characters that cannot stand there");
	return true;
}

/* Past blanks, comments, and the separators before a member; false: the end. */
static bool
skip_separators(struct address_list *l)
{
	for (; l->pos < l->body.n;
	    l->pos += token_size(span_from(l->body, l->pos))) {
		char	 ch = l->body.p[l->pos];

		if (ch == ';')
			l->group = SPAN_NONE;
		else if (ch != ',' && ch != '(' && !header_is_fws(ch))
			return true;
	}
	return false;
}

/* Where the next member begins, past the names of groups; false: the end. */
static bool
next_member(struct address_list *l, size_t *stop)
{
	while (skip_separators(l)) {
		*stop = find(l->body, l->pos, "<:,;");
		if (*stop == l->body.n || l->body.p[*stop] != ':')
			return true;
		l->group = header_trim(span_mem(l->body.p + l->pos,
		    *stop - l->pos));
		l->pos = *stop + 1;
	}
	return false;
}

enum address_list_result
address_list_next(struct address_list *l, struct arena *a,
    struct address_item *item)
{
	struct cursor	 c = { .flags = l->flags | ADDRESS_FOLDED };
	size_t		 stop;

	*item = (struct address_item){ .why = NULL };
	if (!next_member(l, &stop))
		return ADDRESS_LIST_END;
	item->group = l->group;
	c.p = l->body.p + l->pos;
	c.end = l->body.p + l->body.n;
	if (parse_mailbox(l, stop, &c, a, item)) {
		l->pos = (size_t)(c.p - l->body.p);
		return ADDRESS_LIST_ITEM;
	}
	item->why = c.why;
	l->pos = find(l->body, l->pos, ",;");
	return ADDRESS_LIST_BAD;
}
