/*
 * address.c - RFC 5321 paths: parse, normalise, take apart.
 *
 * The grammar is that of RFC 5321, 4.1.2, with RFC 6531, 3.3 where the caller
 * allows UTF-8.  The parts are read in address_part.c, which header fields
 * (address_list.c) are read by too.
 */
#include "config.h"

#include "mail/address_int.h"

/* Local-part: Dot-string or Quoted-string. */
static bool
parse_local(struct cursor *c, struct local *l)
{
	l->n = 0;
	if (cursor_eat(c, '"'))
		return local_quoted(c, l);
	for (;;) {
		if (!local_atom(c, l))
			return false;
		if (!cursor_at(c, '.'))
			return true;
		if (!local_dot(c, l))
			return false;
	}
}

/* Mailbox (4.1.2), or a local part alone where that may be. */
static bool
parse_mailbox(struct cursor *c, struct arena *a, struct address *out)
{
	struct local	 l;
	struct span	 domain = SPAN_NONE;

	if (!parse_local(c, &l))
		return false;
	if (cursor_eat(c, '@')) {
		if (!address_part_domain(c, a, &domain))
			return false;
	} else if (!address_part_bare_ok(&l, c->flags))
		return cursor_fail(c, "the address has no domain, or has "
		    "characters that need quotes");
	return address_part_join(c, &l, domain, a, out);
}

/* A-d-l ":" (4.1.2): read past and forgotten (appendix C). */
static bool
skip_route(struct cursor *c, struct arena *a)
{
	struct span	 domain;

	do {
		if (!cursor_eat(c, '@'))
			return cursor_fail(c,
			    "a source route is @a,@b:user@domain");
		if (!address_part_domain(c, a, &domain))
			return false;
	} while (cursor_eat(c, ','));
	if (!cursor_eat(c, ':'))
		return cursor_fail(c, "a source route ends with ':'");
	return true;
}

static bool
parse_path(struct cursor *c, struct arena *a, struct address *out)
{
	if (!cursor_eat(c, '<'))
		return cursor_fail(c, "an address stands between '<' and '>'");
	if (cursor_eat(c, '>')) {
		if ((c->flags & ADDRESS_NULL_OK) == 0)
			return cursor_fail(c, "<> is not an address here");
		*out = (struct address){ .whole = SPAN(""), .at = 0 };
		return true;
	}
	if (cursor_at(c, '@') && !skip_route(c, a))
		return false;
	if (!parse_mailbox(c, a, out))
		return false;
	if (!cursor_eat(c, '>'))
		return cursor_fail(c, "an address ends with '>'");
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
		cursor_fail(&c, "the address has characters that cannot stand there");
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
