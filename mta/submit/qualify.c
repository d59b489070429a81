/*
 * qualify.c - addresses without a domain get that of this server.
 */
#include "config.h"

#include "mail/header_address.h"
#include "mta/submit/submit.h"

/* Behind a quoted local part there may be an @ too. */
static bool
has_domain(struct span address)
{
	size_t	i;

	for (i = address.n; i > 0 && address.p[i - 1] != '"'; i--)
		if (address.p[i - 1] == '@')
			return true;
	return false;
}

struct span
submit_qualify(struct span address, struct span domain, struct arena *a)
{
	if (address.n == 0 || has_domain(address))
		return address;
	return arena_printf(a, "%.*s@%.*s", SPAN_ARG(address),
	    SPAN_ARG(domain));
}

struct qualifying {
	struct span	domain;
	struct arena	arena;
};

static bool
qualify(void *arg, const struct address *old, struct span *new)
{
	struct qualifying	*q = arg;

	if (old->at != old->whole.n || old->whole.n == 0)
		return false;
	*new = arena_printf(&q->arena, "%.*s@%.*s", SPAN_ARG(old->whole),
	    SPAN_ARG(q->domain));
	return true;
}

bool
submit_qualify_header(struct span content, struct span domain,
    struct buf *out)
{
	struct qualifying	q = { .domain = domain };
	struct buf		section = { 0 };
	size_t			n;

	n = header_rewrite(content, qualify, &q, &section);
	if (n > 0)
		buf_add_span(out, buf_span(&section));
	buf_clear(&section);
	arena_clear(&q.arena);
	return n > 0;
}
