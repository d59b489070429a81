/*
 * build_sets.c - writing sets: hash tables and tries, as sets.c reads them.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "ruleset/build_int.h"

/* A set under construction. */
struct table {
	struct rs_slot	*slots;
	uint32_t	 nslots, nitems;
	bool		 exact;		/* items differ in case */
};

static struct table
table_new(size_t n, bool exact)
{
	struct table	t = { .nslots = 2, .exact = exact };

	while (t.nslots < 2 * n && t.nslots < (1u << 28))
		t.nslots *= 2;
	t.slots = xcalloc(t.nslots, sizeof(*t.slots));
	return t;
}

static struct span
item_at(const struct rs_build *b, uint32_t item)
{
	const char	*p = b->sec[RS_S_ITEMS].base +
	    b->sec[RS_S_ITEMS].off + (size_t)(item - 1) * 4;
	uint32_t	 n;

	memcpy(&n, p, sizeof(n));
	return span_mem(p + sizeof(n), n);
}

static uint32_t
store_item(struct rs_build *b, struct span s)
{
	struct buf	*items = &b->sec[RS_S_ITEMS];
	uint32_t	 n = (uint32_t)s.n, at = (uint32_t)(items->n / 4);

	buf_add(items, &n, sizeof(n));
	buf_add_span(items, s);
	while (items->n % 4 != 0)
		buf_add_char(items, '\0');
	return at + 1;
}

/* Puts an item in, once. */
static void
table_put(struct rs_build *b, struct table *t, struct span s)
{
	uint32_t	 hash = rs_item_hash(s);
	uint32_t	 i = hash & (t->nslots - 1);
	struct span	 other;

	for (; t->slots[i].item != 0; i = (i + 1) & (t->nslots - 1)) {
		if (t->slots[i].hash != hash)
			continue;
		other = item_at(b, t->slots[i].item);
		if (t->exact ? span_eq(other, s) : span_ieq(other, s))
			return;
	}
	t->slots[i] = (struct rs_slot){ hash, store_item(b, s) };
	t->nitems++;
}

static uint32_t
table_end(struct rs_build *b, struct table *t, struct span name,
    enum rs_type type, uint32_t depths)
{
	struct rs_set	rec = {
		.name = rs_build_string(b, name),
		.type = type,
		.first_slot = rs_build_count(b, RS_S_SLOTS),
		.nslots = t->nslots,
		.nitems = t->nitems,
		.depths = depths,
	};

	buf_add(&b->sec[RS_S_SLOTS], t->slots,
	    t->nslots * sizeof(*t->slots));
	free(t->slots);
	return rs_build_add(b, RS_S_SETS, &rec);
}

uint32_t
rs_build_domains(struct rs_build *b, struct span name,
    const struct span *items, size_t n)
{
	struct table	t = table_new(n, false);
	uint32_t	depths = 0;

	for (size_t i = 0; i < n; i++) {
		if (items[i].n > 0 && items[i].p[0] == '.')
			depths |= UINT32_C(1) << rs_labels(items[i]);
		table_put(b, &t, items[i]);
	}
	return table_end(b, &t, name, RS_T_DOMAIN, depths);
}

uint32_t
rs_build_values(struct rs_build *b, struct span name, enum rs_type type,
    const struct rs_value *items, size_t n)
{
	struct table	t = table_new(n, type != RS_T_ADDRESS);

	for (size_t i = 0; i < n; i++)
		table_put(b, &t, type == RS_T_INT ?
		    span_mem(&items[i].i, sizeof(items[i].i)) : items[i].s);
	return table_end(b, &t, name, type, 0);
}

/*
 * Cases.
 */

uint32_t
rs_build_switch(struct rs_build *b, unsigned reg, enum rs_type type,
    uint32_t line)
{
	assert(b->sw == RS_NO_INDEX);
	b->sw_type = type;
	b->sw = rs_build_emit(b, RS_SWITCH, reg,
	    rs_build_count(b, RS_S_SWITCHES), 0, line);
	return b->sw;
}

void
rs_build_case(struct rs_build *b, const struct rs_value *constant)
{
	struct span	key = rs_case_key(constant);
	struct rs_case	c = { rs_item_hash(key), rs_build_string(b, key),
	    rs_build_count(b, RS_S_INSNS) - b->sw - 1 };

	assert(b->sw != RS_NO_INDEX);
	buf_add(&b->cases, &c, sizeof(c));
}

/* The first of equal constants counts: a later one is never found before it. */
static void
place_cases(struct rs_build *b, struct rs_case *table, uint32_t ncases)
{
	const struct rs_case	*c = (const void *)(b->cases.base +
	    b->cases.off);
	size_t			 n = b->cases.n / sizeof(*c);

	for (uint32_t i = 0; i < ncases; i++)
		table[i] = (struct rs_case){ 0, RS_NO_INDEX, 0 };
	for (size_t k = 0; k < n; k++) {
		uint32_t	i = c[k].hash & (ncases - 1);

		while (table[i].string != RS_NO_INDEX)
			i = (i + 1) & (ncases - 1);
		table[i] = c[k];
	}
}

void
rs_build_switch_end(struct rs_build *b)
{
	struct rs_switch	 rec = { b->sw_type,
	    rs_build_count(b, RS_S_CASES), 2 };
	struct rs_case		*table;

	while (rec.ncases < 2 * b->cases.n / sizeof(*table))
		rec.ncases *= 2;
	table = xcalloc(rec.ncases, sizeof(*table));
	place_cases(b, table, rec.ncases);
	buf_add(&b->sec[RS_S_CASES], table, rec.ncases * sizeof(*table));
	free(table);
	rs_build_add(b, RS_S_SWITCHES, &rec);
	rs_build_land(b, b->sw);
	buf_reset(&b->cases);
	b->sw = RS_NO_INDEX;
}

/*
 * Networks.
 */

/* A place in the trie that holds a child: a root, or a way of a node. */
struct spot {
	uint32_t	*root;		/* NULL: a way of a node */
	uint32_t	 node, way;
};

static uint32_t *
child_at(struct rs_build *b, struct spot spot)
{
	struct rs_node	*node;

	if (spot.root != NULL)
		return spot.root;
	node = rs_build_record(b, RS_S_NODES, spot.node);
	return &node->child[spot.way];
}

/* The node below a spot, made when there is none. */
static uint32_t
node_below(struct rs_build *b, struct spot spot)
{
	static const struct rs_node	empty;
	uint32_t			child = *child_at(b, spot);

	if (child == RS_NODE_NONE) {
		child = RS_NODE_FIRST + rs_build_add(b, RS_S_NODES, &empty);
		*child_at(b, spot) = child;
	}
	return child - RS_NODE_FIRST;
}

static unsigned
nibble(const struct ip *ip, unsigned i)
{
	return i % 2 == 0 ? ip->a[i / 2] >> 4 : ip->a[i / 2] & 0xf;
}

/*
 * Shorter networks come first, so that a longer one never has a node above it
 * to be freed.
 */
static void
trie_put(struct rs_build *b, uint32_t *root, const struct ipnet *net)
{
	struct spot	spot = { root, 0, 0 };
	unsigned	bits = net->bits;
	unsigned	i, ways;

	for (i = 0; bits >= 4; bits -= 4, i++) {
		if (*child_at(b, spot) == RS_NODE_ALL)
			return;
		spot.node = node_below(b, spot);
		spot.root = NULL;
		spot.way = nibble(&net->ip, i);
	}
	if (*child_at(b, spot) == RS_NODE_ALL)
		return;
	if (bits == 0) {
		*child_at(b, spot) = RS_NODE_ALL;
		return;
	}
	spot.node = node_below(b, spot);
	spot.root = NULL;
	ways = 1u << (4 - bits);
	spot.way = nibble(&net->ip, i) & ~(ways - 1);
	for (; ways > 0; ways--, spot.way++)
		*child_at(b, spot) = RS_NODE_ALL;
}

static int
by_bits(const void *va, const void *vb)
{
	const struct ipnet	*a = va, *b = vb;

	return a->bits < b->bits ? -1 : a->bits > b->bits;
}

uint32_t
rs_build_nets(struct rs_build *b, struct span name, const struct ipnet *nets,
    size_t n)
{
	struct rs_nets	rec = { .name = rs_build_string(b, name) };
	struct ipnet	*sorted = xcalloc(n + 1, sizeof(*sorted));

	if (n > 0)
		memcpy(sorted, nets, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_bits);
	for (size_t i = 0; i < n; i++)
		trie_put(b, &rec.root[sorted[i].ip.family == 6], &sorted[i]);
	free(sorted);
	return rs_build_add(b, RS_S_NETS, &rec);
}
