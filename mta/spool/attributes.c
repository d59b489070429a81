/*
 * attributes.c - attributes of an envelope; doc/spool.md, "Envelopes".
 */
#include "mta/spool/attributes.h"

#include "mta/spool/octets.h"

#include <assert.h>

#define ATTR_LEAST	6	/* octets of one without a value */

/* --- asking */

static struct span
value_of(const struct envelope *e, unsigned id)
{
	size_t	i;

	for (i = 0; i < e->nattrs; i++)
		if (e->attrs[i].id == id)
			return e->attrs[i].value;
	return SPAN_NONE;
}

unsigned
attr_priority(const struct envelope *e)
{
	struct span	v = value_of(e, ATTR_PRIORITY);

	return v.n == 0 ? PRIORITY_NORMAL : (uint8_t)v.p[0];
}

unsigned
attr_kept(const struct envelope *e, struct span *why)
{
	struct span	v = value_of(e, ATTR_KEPT);

	if (why != NULL)
		*why = v.n == 0 ? v : span_from(v, 1);
	return v.n == 0 ? KEPT_NOT : (uint8_t)v.p[0];
}

struct span
attr_filtered(const struct envelope *e)
{
	return value_of(e, ATTR_FILTERED);
}

bool
attr_program(const struct envelope *e, uint32_t *uid, struct span *login)
{
	struct span	v = value_of(e, ATTR_PROGRAM);

	if (v.n == 0)
		return false;
	if (uid != NULL)
		*uid = (uint32_t)octets_load((const uint8_t *)v.p, 4);
	if (login != NULL)
		*login = span_from(v, 4);
	return true;
}

struct span
attr_language(const struct envelope *e)
{
	return value_of(e, ATTR_LANGUAGE);
}

struct span
attr_origin(const struct envelope *e)
{
	return value_of(e, ATTR_ORIGIN);
}

/* --- setting */

/* In the order of ids; head and tail make up the value. */
static void
put(struct envelope *e, struct arena *a, unsigned id, struct span head,
    struct span tail)
{
	struct envelope_attr	*attrs;
	struct span		 value = arena_join(a, head, tail, SPAN_NONE);
	size_t			 i = 0;

	while (i < e->nattrs && e->attrs[i].id < id)
		i++;
	if (i == e->nattrs || e->attrs[i].id != id) {
		assert(e->nattrs < ATTRS_MAX);
		attrs = arena_alloc(a, (e->nattrs + 1) * sizeof(*attrs));
		if (e->nattrs > 0) {
			memcpy(attrs, e->attrs, i * sizeof(*attrs));
			memcpy(attrs + i + 1, e->attrs + i,
			    (e->nattrs - i) * sizeof(*attrs));
		}
		e->attrs = attrs;
		e->nattrs++;
	}
	e->attrs[i] = (struct envelope_attr){ (uint16_t)id, value };
}

void
attr_put_priority(struct envelope *e, struct arena *a, unsigned priority)
{
	char	octet = (char)priority;

	assert(priority < NPRIORITIES);
	put(e, a, ATTR_PRIORITY, span_mem(&octet, 1), SPAN_NONE);
}

void
attr_put_kept(struct envelope *e, struct arena *a, unsigned kept,
    struct span why)
{
	char	octet = (char)kept;

	assert(kept != KEPT_NOT && kept < NKEPTS);
	if (why.n > ATTR_WHY_MAX)
		why.n = ATTR_WHY_MAX;
	put(e, a, ATTR_KEPT, span_mem(&octet, 1), why);
}

void
attr_put_filtered(struct envelope *e, struct arena *a, struct span filter)
{
	assert(filter.n > 0 && filter.n <= ATTR_NAME_MAX);
	put(e, a, ATTR_FILTERED, filter, SPAN_NONE);
}

void
attr_put_program(struct envelope *e, struct arena *a, uint32_t uid,
    struct span login)
{
	uint8_t	octets[4];

	assert(login.n <= ATTR_NAME_MAX);
	octets_store(octets, uid, 4);
	put(e, a, ATTR_PROGRAM, span_mem(octets, 4), login);
}

void
attr_put_language(struct envelope *e, struct arena *a, struct span tag)
{
	assert(tag.n > 0 && tag.n <= ATTR_LANGUAGE_MAX);
	put(e, a, ATTR_LANGUAGE, tag, SPAN_NONE);
}

void
attr_put_origin(struct envelope *e, struct arena *a, struct span lines)
{
	assert(lines.n > 0 && lines.n <= ATTR_ORIGIN_MAX);
	put(e, a, ATTR_ORIGIN, lines, SPAN_NONE);
}

/* --- octets */

void
attrs_format(const struct envelope *e, struct buf *out)
{
	size_t	i;

	assert(e->nattrs <= ATTRS_MAX);
	octets_put(out, e->nattrs, 2);
	for (i = 0; i < e->nattrs; i++) {
		octets_put(out, e->attrs[i].id, 2);
		octets_put(out, e->attrs[i].value.n, 4);
		buf_add_span(out, e->attrs[i].value);
	}
}

/* What the askers above rely upon. */
static bool
is_good(const struct envelope_attr *at)
{
	size_t	 n = at->value.n;
	unsigned first = n == 0 ? 0 : (uint8_t)at->value.p[0];

	switch (at->id) {
	case ATTR_PRIORITY:
		return n == 1 && first < NPRIORITIES;
	case ATTR_KEPT:
		return n >= 1 && n <= 1 + ATTR_WHY_MAX && first != KEPT_NOT &&
		    first < NKEPTS;
	case ATTR_FILTERED:
		return n >= 1 && n <= ATTR_NAME_MAX;
	case ATTR_PROGRAM:
		return n >= 4 && n <= 4 + ATTR_NAME_MAX;
	case ATTR_LANGUAGE:
		return n >= 1 && n <= ATTR_LANGUAGE_MAX;
	case ATTR_ORIGIN:
		return n >= 1 && n <= ATTR_ORIGIN_MAX;
	default:
		return n <= ATTR_MAX;
	}
}

void
attrs_parse(struct octets *o, struct arena *a, struct envelope *e)
{
	size_t	i, n = (size_t)octets_get(o, 2);
	int	last = -1;

	if (n > ATTRS_MAX || n > o->left.n / ATTR_LEAST) {
		o->bad = true;
		return;
	}
	e->attrs = arena_alloc(a, (n + 1) * sizeof(*e->attrs));
	e->nattrs = n;
	for (i = 0; i < n && !o->bad; i++) {
		struct envelope_attr	*at = &e->attrs[i];

		at->id = (uint16_t)octets_get(o, 2);
		at->value = octets_get_span(o, (size_t)octets_get(o, 4));
		if (at->id <= last || !is_good(at))
			o->bad = true;
		last = at->id;
	}
}
