/*
 * driver_cidr.c - networks and what is said of them: Postfix's cidr_table(5).
 *
 *	192.0.2.0/24	REJECT
 *	2001:db8::/32	OK
 *	if 10.0.0.0/8
 *	10.1.0.0/16	OK
 *	endif
 *
 * The longest prefix holds, wherever it stands; Postfix takes the first line.
 * Where these two say something else of an address, the later line is warned
 * of.  Networks are kept in their one spelling, so as access tables keep
 * theirs, and a table of the kind plain is asked an address as its key.
 */
#include "config.h"

#include <stdio.h>

#include "base/ip.h"
#include "maps/map_int.h"

#define IF_DEPTH	16

/* A line that has been read; of the text. */
struct line {
	struct map_text	*text;
	struct span	 raw;
	uint32_t	 number;
	struct span	 pattern, value;
};

/* While the file is read. */
struct cidr {
	struct htab	 seen;		/* network as text to struct seen */
	struct arena	 arena;
	struct ipnet	 within[IF_DEPTH];
	bool		 never[IF_DEPTH];	/* no address is in all */
	struct line	 begun[IF_DEPTH];	/* the `if` */
	unsigned	 depth;
};

struct seen {
	uint32_t	 line;
	struct span	 value;
};

/* The whole table: what a line should have said of an address is not known. */
static void
broken(struct map *m, const struct line *l, const char *at, const char *what)
{
	map_mistake(m, l->text, l->raw, l->number, at, what);
	m->key_lost = true;
}

/* "[2001:db8::]/32", or without the brackets. */
static bool
net_of(struct span s, struct ipnet *net, const char **why)
{
	char		 text[IPNET_TEXT_MAX];
	ptrdiff_t	 close = span_index(s, ']');
	struct ip	 ip;
	struct span	 address = s;

	*why = "a network is ADDRESS/BITS, or an address";
	if (s.n > 0 && s.p[0] == '[') {
		if (close < 0 || s.n >= sizeof(text))
			return false;
		memcpy(text, s.p + 1, (size_t)close - 1);
		memcpy(text + close - 1, s.p + close + 1,
		    s.n - (size_t)close - 1);
		s = span_mem(text, s.n - 2);
		address = s;
	}
	if (ip_parse(s, &ip)) {
		*net = (struct ipnet){ ip, ip.family == 4 ? 32 : 128 };
		return true;
	}
	if (ipnet_parse(s, net))
		return true;
	if (span_index(s, '/') >= 0)
		address.n = (size_t)span_index(s, '/');
	if (ip_parse(address, &ip))
		*why = "the address has bits beyond the network's, or there "
		    "are too many bits";
	return false;
}

/* a has all of b. */
static bool
covers(const struct ipnet *a, const struct ipnet *b)
{
	return a->bits <= b->bits && ipnet_has(a, &b->ip);
}

/* What is in both; false: nothing. */
static bool
both(const struct ipnet *a, const struct ipnet *b, struct ipnet *out)
{
	if (!covers(a, b) && !covers(b, a))
		return false;
	*out = covers(a, b) ? *b : *a;
	return true;
}

/* Of the lines above that cover this network the first, which Postfix takes. */
static const struct seen *
first_above(const struct map *m, const struct cidr *c,
    const struct ipnet *net)
{
	const struct seen	*first = NULL, *s;
	char			 text[IPNET_TEXT_MAX];
	struct ipnet		 wide;
	unsigned		 bits;

	for (bits = 0; bits < net->bits; bits++) {
		if (!map_prefix_has(&m->prefixes, &net->ip, bits))
			continue;
		wide = (struct ipnet){ ip_mask(&net->ip, bits),
		    (uint8_t)bits };
		s = htab_get(&c->seen, span_of(ipnet_format(&wide, text)));
		if (s != NULL && (first == NULL || s->line < first->line))
			first = s;
	}
	return first;
}

static void
warn_of_order(struct map *m, const struct cidr *c, const struct line *l,
    const struct ipnet *net)
{
	const struct seen	*s = first_above(m, c, net);
	char			 what[200];

	if (s == NULL || span_eq(s->value, l->value))
		return;
	snprintf(what, sizeof(what), "Postfix takes line %u for these "
	    "addresses, the first that fits; here this line holds, which is "
	    "the more exact", s->line);
	map_warning(m, l->text, l->raw, l->number, l->raw.p, what);
}

/* To the kind, as a line of its text would be. */
static void
give(struct map *m, const struct line *l, const struct ipnet *net)
{
	char			 text[IPNET_TEXT_MAX];
	struct span		 key = span_of(ipnet_format(net, text));
	struct map_access	 access;
	struct map_fault	 f;

	map_prefix_note(&m->prefixes, net);
	if (m->kind == &map_kind_access &&
	    map_access_parse(l->value, &access, &f) == -1) {
		map_mistake(m, l->text, l->raw, l->number, f.at, f.what);
		map_store_broken(m, l->text, key, l->number);
		return;
	}
	map_store_copy(m, l->text, key, l->value, l->number);
}

static void
entry(struct map *m, struct cidr *c, const struct line *l)
{
	char		 text[IPNET_TEXT_MAX];
	struct ipnet	 net;
	struct seen	*s;
	const char	*why;

	if (!net_of(l->pattern, &net, &why)) {
		broken(m, l, l->pattern.p, why);
		return;
	}
	if (l->value.n == 0) {
		broken(m, l, l->pattern.p, "the value is missing");
		return;
	}
	map_one_line(l->text->octets + (l->value.p - l->text->octets),
	    l->value.n);
	if (c->depth > 0 && (c->never[c->depth - 1] ||
	    !both(&c->within[c->depth - 1], &net, &net))) {
		map_warning(m, l->text, l->raw, l->number, l->pattern.p,
		    "no address is in this network and in that of `if`");
		return;
	}
	warn_of_order(m, c, l, &net);
	give(m, l, &net);
	s = arena_alloc(&c->arena, sizeof(*s));
	*s = (struct seen){ l->number, l->value };
	if (htab_get(&c->seen, span_of(ipnet_format(&net, text))) == NULL)
		htab_put(&c->seen, arena_span(&c->arena, span_of(text)), s);
}

/* --- if and endif */

static void
begin_if(struct map *m, struct cidr *c, const struct line *l)
{
	struct ipnet	 net;
	const char	*why;

	if (c->depth == IF_DEPTH) {
		broken(m, l, l->raw.p, "`if` stands in `if` 16 deep at most");
		return;
	}
	c->begun[c->depth] = *l;
	c->never[c->depth] = true;
	if (l->value.n > 0 && l->value.p[0] == '!')
		broken(m, l, l->value.p, "`!` is not known here: say what "
		    "holds in that network, and elsewhere in 0.0.0.0/0 and "
		    "::/0");
	else if (!net_of(l->value, &net, &why))
		broken(m, l, l->value.n > 0 ? l->value.p : l->raw.p, why);
	else if (c->depth == 0) {
		c->within[0] = net;
		c->never[0] = false;
	} else
		c->never[c->depth] = c->never[c->depth - 1] ||
		    !both(&c->within[c->depth - 1], &net,
		    &c->within[c->depth]);
	c->depth++;
}

static void
end_if(struct map *m, struct cidr *c, const struct line *l)
{
	if (c->depth == 0)
		broken(m, l, l->raw.p, "there is no `if` that this ends");
	else
		c->depth--;
}

/* --- the file */

static void
cidr_line(struct map *m, struct map_text *t, struct span raw, uint32_t number)
{
	struct cidr	*c = m->own;
	struct line	 l = { t, raw, number, raw, SPAN_NONE };
	size_t		 n = 0;

	while (n < raw.n && !map_is_blank(raw.p[n]))
		n++;
	l.pattern.n = n;
	l.value = map_trim(span_from(raw, n));
	if (span_ieq(l.pattern, SPAN("if")))
		begin_if(m, c, &l);
	else if (span_ieq(l.pattern, SPAN("endif")))
		end_if(m, c, &l);
	else if (l.pattern.p[0] == '!')
		broken(m, &l, l.pattern.p, "`!` is not known here: say what "
		    "holds in that network, and elsewhere in 0.0.0.0/0 and "
		    "::/0");
	else
		entry(m, c, &l);
}

/* An address is asked for: the longest prefix that has it. */
static enum map_result
find(struct map_look *l, struct span key, struct map_answer *out)
{
	char		 text[IPNET_TEXT_MAX];
	struct ipnet	 net;
	struct ip	 ip;
	unsigned	 bits;
	enum map_result	 r = MAP_NONE;

	if (!ip_parse(key, &ip))
		return MAP_NONE;
	for (bits = (ip.family == 4 ? 32 : 128) + 1; bits-- > 0 &&
	    r == MAP_NONE; ) {
		if (!map_prefix_has(&l->map->prefixes, &ip, bits))
			continue;
		net = (struct ipnet){ ip_mask(&ip, bits), (uint8_t)bits };
		r = map_find(l, span_of(ipnet_format(&net, text)), out);
	}
	return r;
}

/* Tables of access look for prefixes by themselves. */
static void
thaw(struct map *m)
{
	if (m->kind == &map_kind_plain)
		m->find = find;
}

static void
open_cidr(struct map *m, const struct map_source *src)
{
	struct cidr	 c = { .depth = 0 };

	if (m->kind != &map_kind_plain && m->kind != &map_kind_access) {
		map_unreadable(m, "networks are asked by tables of the kinds "
		    "plain and access");
		return;
	}
	m->own = &c;
	if (!map_text_lines(m, src, true, cidr_line))
		m->key_lost = true;
	m->own = NULL;
	if (c.depth > 0) {
		broken(m, &c.begun[c.depth - 1], c.begun[c.depth - 1].raw.p,
		    "this `if` has no `endif`");
	}
	htab_clear(&c.seen);
	arena_clear(&c.arena);
	thaw(m);
}

const struct map_driver map_driver_cidr = { .name = "cidr",
	.open = open_cidr, .thaw = thaw };
