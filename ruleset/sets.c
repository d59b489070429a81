/*
 * sets.c - membership: hash tables of items, tries of networks.
 *
 * The cost does not grow with the set: a look-up reads a slot of the table
 * (and its item when the hash agrees), for domains one more for each depth at
 * which the set has items of the form ".example.org"; a network is found in at
 * most 8 (IPv4) or 32 (IPv6) nodes of a cache line each.
 *
 * The hash runs from the last octet to the first, so that one pass gives those
 * of all suffixes of a name.
 */
#include <assert.h>

#include "ruleset/image_int.h"

#define FNV_BASIS	UINT32_C(2166136261)
#define FNV_PRIME	UINT32_C(16777619)

static inline uint32_t
hash_step(uint32_t h, char c)
{
	return (h ^ (unsigned char)ascii_lower(c)) * FNV_PRIME;
}

static inline uint32_t
hash_end(uint32_t h)
{
	h ^= h >> 16;
	h *= UINT32_C(0x85ebca6b);
	h ^= h >> 13;
	return h;
}

uint32_t
rs_item_hash(struct span s)
{
	uint32_t	h = FNV_BASIS;

	for (size_t i = s.n; i-- > 0;)
		h = hash_step(h, s.p[i]);
	return hash_end(h);
}

unsigned
rs_labels(struct span suffix)
{
	unsigned	n = 0;

	for (size_t i = 0; i < suffix.n; i++)
		n += suffix.p[i] == '.';
	return n < 31 ? n : 31;
}

struct span
rs_item(const struct rs_image *im, uint32_t item)
{
	const char	*p = (const char *)im->sec[RS_S_ITEMS] +
	    (size_t)(item - 1) * 4;
	uint32_t	 n;

	memcpy(&n, p, sizeof(n));
	return span_mem(p + sizeof(n), n);
}

/* One look into the table; a full one (which no compiler makes) ends too. */
static bool
probe(const struct rs_image *im, const struct rs_set *set, uint32_t hash,
    struct span key, bool exact)
{
	const struct rs_slot	*slots = RS_REC(im, SLOTS, struct rs_slot,
	    set->first_slot);
	uint32_t		 mask = set->nslots - 1;

	for (uint32_t i = 0; i < set->nslots; i++) {
		const struct rs_slot	*slot = &slots[(hash + i) & mask];
		struct span		 item;

		if (slot->item == 0)
			return false;
		if (slot->hash != hash)
			continue;
		item = rs_item(im, slot->item);
		if (exact ? span_eq(item, key) : span_ieq(item, key))
			return true;
	}
	return false;
}

/*
 * The whole name, and ".b.c" for "a.b.c" at the depths where the set has such
 * items; never the name as a suffix of itself.
 */
static bool
has_domain(const struct rs_image *im, const struct rs_set *set,
    struct span name)
{
	uint32_t	h = FNV_BASIS;
	unsigned	depth = 0;

	for (size_t i = name.n; i-- > 0;) {
		h = hash_step(h, name.p[i]);
		if (name.p[i] != '.' || i == 0)
			continue;
		if (depth < 31)
			depth++;
		if ((set->depths >> depth & 1) && probe(im, set, hash_end(h),
		    span_from(name, i), false))
			return true;
	}
	return probe(im, set, hash_end(h), name, false);
}

bool
rs_set_has(const struct rs_image *im, uint32_t i, const struct rs_value *v)
{
	const struct rs_set	*set = RS_REC(im, SETS, struct rs_set, i);
	bool			 exact;

	assert(i < im->n[RS_S_SETS]);
	if (rs_is_void(v))
		return false;
	if (set->type == RS_T_INT) {
		struct span	key = span_mem(&v->i, sizeof(v->i));

		return rs_is_number(v->type) &&
		    probe(im, set, rs_item_hash(key), key, true);
	}
	if (!rs_has_span(v->type) || v->type == RS_T_VERDICT)
		return false;
	if (set->type == RS_T_DOMAIN)
		return v->type != RS_T_ADDRESS && v->s.n > 0 &&
		    v->s.p[0] != '.' && has_domain(im, set, v->s);
	if (set->type == RS_T_ADDRESS && v->type == RS_T_DOMAIN)
		return false;
	exact = set->type == RS_T_TEXT && v->type == RS_T_TEXT;
	return probe(im, set, rs_item_hash(v->s), v->s, exact);
}

struct span
rs_case_key(const struct rs_value *v)
{
	if (rs_has_span(v->type))
		return v->s;
	if (v->type == RS_T_IP && v->ip.family != 0)
		return span_mem(v->ip.a, v->ip.family == 4 ? 4 : 16);
	if (rs_is_number(v->type))
		return span_mem(&v->i, sizeof(v->i));
	return SPAN_NONE;
}

struct rs_value
rs_case_value(unsigned type, struct span key)
{
	struct rs_value	v = { .type = (uint8_t)type };

	if (type == RS_T_IP)
		v.ip = ip_from_octets(key.p, key.n);
	else if (rs_is_number(type))
		memcpy(&v.i, key.p, sizeof(v.i));
	else
		v.s = key;
	return v;
}

/* Texts are compared as their types are, the others by their octets. */
static bool
is_case(const struct rs_value *v, struct span key, unsigned type,
    struct span item)
{
	struct rs_value	c;

	if (!rs_has_span(type))
		return !rs_has_span(v->type) && span_eq(key, item);
	c = rs_case_value(type, item);
	return rs_compare(v, &c) == 0;
}

uint32_t
rs_switch_skip(const struct rs_image *im, uint32_t n, const struct rs_value *v,
    uint32_t otherwise)
{
	const struct rs_switch	*sw = RS_REC(im, SWITCHES, struct rs_switch, n);
	const struct rs_case	*cases = RS_REC(im, CASES, struct rs_case,
	    sw->first_case);
	uint32_t		 hash, mask = sw->ncases - 1;
	struct span		 key = rs_case_key(v);

	if (key.n == 0)
		return otherwise;
	hash = rs_item_hash(key);
	for (uint32_t i = 0; i < sw->ncases; i++) {
		const struct rs_case	*c = &cases[(hash + i) & mask];

		if (c->string == RS_NO_INDEX)
			return otherwise;
		if (c->hash == hash && is_case(v, key, sw->type,
		    rs_string(im, c->string)))
			return c->skip;
	}
	return otherwise;
}

static bool
walk(const struct rs_image *im, uint32_t child, const struct ip *ip,
    unsigned nibbles)
{
	for (unsigned i = 0; i < nibbles && child >= RS_NODE_FIRST; i++) {
		unsigned	way = i % 2 == 0 ? ip->a[i / 2] >> 4 :
		    ip->a[i / 2] & 0xf;

		child = RS_REC(im, NODES, struct rs_node,
		    child - RS_NODE_FIRST)->child[way];
	}
	return child == RS_NODE_ALL;
}

bool
rs_nets_has(const struct rs_image *im, uint32_t i, const struct ip *ip)
{
	const struct rs_nets	*nets = RS_REC(im, NETS, struct rs_nets, i);

	assert(i < im->n[RS_S_NETS]);
	switch (ip->family) {
	case 4:
		return walk(im, nets->root[0], ip, 8);
	case 6:
		return walk(im, nets->root[1], ip, 32);
	default:
		return false;
	}
}

struct span
rs_set_name(const struct rs_image *im, uint32_t i)
{
	assert(i < im->n[RS_S_SETS]);
	return rs_string(im, RS_REC(im, SETS, struct rs_set, i)->name);
}

struct span
rs_nets_name(const struct rs_image *im, uint32_t i)
{
	assert(i < im->n[RS_S_NETS]);
	return rs_string(im, RS_REC(im, NETS, struct rs_nets, i)->name);
}

uint32_t
rs_nnets(const struct rs_image *im)
{
	return im->n[RS_S_NETS];
}
