/*
 * hop.c - texts of next hops: taken apart, and put together.
 */
#include "mta/msg/hop.h"

#include <assert.h>
#include <string.h>

static const char *const kinds[HOP_NKINDS] = {
	[HOP_TO_RELAY] = "relay:", [HOP_TO_MX] = "mx:",
	[HOP_TO_HOST] = "host:", [HOP_TO_LMTP] = "lmtp:",
	[HOP_TO_FILTER] = "filter:"
};

static const char *const names[HOP_NPARAMS] = {
#define PARAM(id, name) [HOP_P_##id] = name,
	HOP_PARAMS(PARAM)
#undef PARAM
};

/* --- apart */

/* What stands before the sign, which is taken off *rest with it; all, when there is none. */
static struct span
take_until(struct span *rest, char sign)
{
	ptrdiff_t	at = span_index(*rest, sign);
	struct span	head = *rest;

	if (at < 0) {
		*rest = span_from(*rest, rest->n);
		return head;
	}
	head.n = (size_t)at;
	*rest = span_from(*rest, (size_t)at + 1);
	return head;
}

/* A path, or a host of its own, has no parameters: all of it says where. */
static bool
has_params(enum hop_kind kind)
{
	return kind == HOP_TO_RELAY || kind == HOP_TO_MX;
}

bool
hop_parse(struct span one, struct hop_text *out)
{
	unsigned	k;

	for (k = 0; k < HOP_NKINDS; k++)
		if (span_prefix(one, span_of(kinds[k])))
			break;
	if (k == HOP_NKINDS)
		return false;
	*out = (struct hop_text){ .kind = (enum hop_kind)k, .whole = one };
	out->params = span_from(one, strlen(kinds[k]));
	out->where = has_params(out->kind) ? take_until(&out->params, '?') :
	    take_until(&out->params, '\0');
	return out->where.n > 0;
}

bool
hop_next(struct span *rest, struct hop_text *out)
{
	return rest->n > 0 && hop_parse(take_until(rest, ' '), out);
}

bool
hop_is(struct span text, enum hop_kind kind)
{
	return span_prefix(text, span_of(kinds[kind]));
}

/* The nth of this name, still escaped. */
static bool
find_param(const struct hop_text *h, enum hop_param param, unsigned nth,
    struct span *value)
{
	struct span	rest = h->params, one, name;

	while (rest.n > 0) {
		one = take_until(&rest, '&');
		name = take_until(&one, '=');
		if (!span_eq(name, span_of(names[param])) || nth-- > 0)
			continue;
		*value = one;
		return true;
	}
	return false;
}

struct span
hop_block(const struct hop_text *h)
{
	struct span	via;

	if (h->kind == HOP_TO_RELAY || h->kind == HOP_TO_FILTER)
		return h->where;
	if (h->kind == HOP_TO_MX && find_param(h, HOP_P_VIA, 0, &via))
		return via;	/* a name of the policy, never escaped */
	return SPAN_NONE;
}

struct span
hop_relay_block(struct span text)
{
	struct hop_text	h;

	return hop_next(&text, &h) && h.kind != HOP_TO_FILTER ?
	    hop_block(&h) : SPAN_NONE;
}

struct span
hop_name(const struct hop_text *h)
{
	struct span	where = h->where;

	if (h->kind == HOP_TO_RELAY || h->kind == HOP_TO_FILTER ||
	    where.p[0] == '[' || where.p[0] == '/')
		return SPAN_NONE;
	return take_until(&where, ':');
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* %XX; false: no such thing stands there. */
static bool
escaped(struct span s, size_t at, char *out)
{
	int	high, low;

	if (s.p[at] != '%' || at + 2 >= s.n ||
	    (high = hex_digit(s.p[at + 1])) < 0 ||
	    (low = hex_digit(s.p[at + 2])) < 0)
		return false;
	*out = (char)(high << 4 | low);
	return true;
}

bool
hop_param(const struct hop_text *h, enum hop_param param, unsigned nth,
    struct arena *a, struct span *value)
{
	struct span	s;
	char		*out;
	size_t		i, n = 0;

	if (!find_param(h, param, nth, &s))
		return false;
	out = arena_alloc(a, s.n + 1);
	for (i = 0; i < s.n; i++) {
		if (escaped(s, i, &out[n]))
			i += 2;
		else
			out[n] = s.p[i];
		n++;
	}
	*value = span_mem(out, n);
	return true;
}

/* --- together */

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("-._~@:/,+[]", c) != NULL);
}

void
hop_put(struct buf *out, enum hop_kind kind, struct span where)
{
	assert(where.n > 0);
	buf_add_str(out, kinds[kind]);
	buf_add_span(out, where);
}

void
hop_put_param(struct buf *out, enum hop_param param, struct span value)
{
	size_t	i;

	buf_add_char(out, memchr(buf_span(out).p, '?', out->n) == NULL ? '?' :
	    '&');
	buf_addf(out, "%s=", names[param]);
	for (i = 0; i < value.n; i++) {
		if (is_plain(value.p[i]))
			buf_add_char(out, value.p[i]);
		else
			buf_addf(out, "%%%02X",
			    (unsigned)(unsigned char)value.p[i]);
	}
}

struct span
hop_format(struct arena *a, enum hop_kind kind, struct span where)
{
	return arena_join(a, span_of(kinds[kind]), where, SPAN_NONE);
}
