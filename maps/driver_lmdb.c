/*
 * driver_lmdb.c - LMDB: one file, as `waybill map build`, mdb_load -n and
 * Postfix write it (format 1, LMDB 0.9, of a machine with 64 bits).
 *
 * Pages: 0 and 1 are meta pages, and the one of the later transaction counts.
 * It names the root of a B+tree: branch pages whose nodes name pages, leaf
 * pages whose nodes are key and value, or key and the first of the overflow
 * pages that hold the value.  Integers are of the machine that wrote them.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "maps/database.h"
#include "maps/pairs.h"

#define MAGIC		0xbeefc0deu
#define VERSION		1
/* Number 8, pad 2, flags 2, lower 2, upper 2. */
#define PAGE_HEADER	16
/* Size 4, flags 2, size of key 2; of a branch, all but the last name a page. */
#define NODE_HEADER	8
#define DEPTH_MAX	32	/* MDB's CURSOR_STACK */
#define NO_ROOT		UINT64_MAX

/* Offsets from the beginning of a meta page. */
enum {
	META_MAGIC = 16, META_VERSION = 20, META_PAGESIZE = 40,
	META_FLAGS = 92, META_DEPTH = 94, META_ENTRIES = 120,
	META_ROOT = 128, META_LAST = 136, META_TXN = 144, META_END = 152
};

enum { P_BRANCH = 1, P_LEAF = 2, P_OVERFLOW = 4, P_META = 8, P_KINDS = 15 };
enum { NODE_BIG = 1, NODE_SUB = 2, NODE_DUPS = 4 };

struct lmdb {
	struct map_pairs	*p;
	uint64_t		 page_size, pages, entries;
	uint8_t			*seen;	/* a bit for each page */
};

static bool
is_lmdb(struct span head, uint64_t size)
{
	(void)size;
	return head.n >= META_END &&
	    (map_u32(head.p + META_MAGIC) == MAGIC ||
	    map_u32(head.p + META_MAGIC) == __builtin_bswap32(MAGIC));
}

static int
damaged(struct lmdb *d)
{
	return map_pairs_fail(d->p, "the database is damaged: a page or node "
	    "of it is not what it should be");
}

/* A page that has not come yet and is of this kind; NULL: there is none. */
static const char *
page_of(struct lmdb *d, uint64_t number, unsigned flag)
{
	const char	*page;

	if (number < 2 || number >= d->pages ||
	    (d->seen[number / 8] & 1u << number % 8) != 0)
		return NULL;
	d->seen[number / 8] |= (uint8_t)(1u << number % 8);
	page = d->p->file.p + number * d->page_size;
	if (map_u64(page) != number ||
	    (map_u16(page + 10) & P_KINDS) != flag)
		return NULL;
	return page;
}

/* Where node i of a page lies, or 0. */
static size_t
node_of(const struct lmdb *d, const char *page, size_t i, size_t *key_n)
{
	size_t	 off = map_u16(page + PAGE_HEADER + 2 * i);

	if (off < map_u16(page + 12) || off > d->page_size - NODE_HEADER)
		return 0;
	*key_n = map_u16(page + off + 6);
	return *key_n <= d->page_size - NODE_HEADER - off ? off : 0;
}

/* Nodes of a page; SIZE_MAX: its header is wrong. */
static size_t
nodes_of(const struct lmdb *d, const char *page)
{
	size_t	 lower = map_u16(page + 12);

	if (lower < PAGE_HEADER || lower > d->page_size || lower % 2 != 0)
		return SIZE_MAX;
	return (lower - PAGE_HEADER) / 2;
}

/* A value in pages of its own. */
static int
big_value(struct lmdb *d, const char *at, size_t room, struct span *value)
{
	const char	*page;
	uint64_t	 number, n;

	if (room < 8)
		return -1;
	number = map_u64(at);
	if ((page = page_of(d, number, P_OVERFLOW)) == NULL)
		return -1;
	n = map_u32(page + 12) * d->page_size;
	if (value->n > n || n - value->n < PAGE_HEADER ||
	    n > (d->pages - number) * d->page_size)
		return -1;
	value->p = page + PAGE_HEADER;
	return 0;
}

static int
leaf_node(struct lmdb *d, const char *page, size_t i)
{
	size_t		 key_n, off = node_of(d, page, i, &key_n), room;
	struct span	 key, value;
	unsigned	 flags;

	if (off == 0)
		return damaged(d);
	flags = map_u16(page + off + 4);
	key = span_mem(page + off + NODE_HEADER, key_n);
	value = span_mem(key.p + key_n, map_u32(page + off));
	room = d->page_size - off - NODE_HEADER - key_n;
	if (flags & (NODE_SUB | NODE_DUPS))
		return map_pairs_fail(d->p, "the file holds named databases, "
		    "or several values of one key");
	if ((flags & NODE_BIG) == 0 ? value.n > room :
	    big_value(d, value.p, room, &value) == -1)
		return damaged(d);
	d->entries++;
	return map_pairs_give(d->p, key, value);
}

static int
leaf(struct lmdb *d, uint64_t number)
{
	const char	*page = page_of(d, number, P_LEAF);
	size_t		 i, n;

	if (page == NULL || (n = nodes_of(d, page)) == SIZE_MAX)
		return damaged(d);
	for (i = 0; i < n; i++)
		if (leaf_node(d, page, i) == -1)
			return -1;
	return 0;
}

/* depth: of the tree from this page on; 1 is a leaf. */
static int
tree(struct lmdb *d, uint64_t number, unsigned depth)
{
	const char	*page;
	size_t		 i, n, off, key_n;
	uint64_t	 child;

	if (depth == 1)
		return leaf(d, number);
	if ((page = page_of(d, number, P_BRANCH)) == NULL ||
	    (n = nodes_of(d, page)) == SIZE_MAX)
		return damaged(d);
	for (i = 0; i < n; i++) {
		if ((off = node_of(d, page, i, &key_n)) == 0)
			return damaged(d);
		child = map_u32(page + off) |
		    (uint64_t)map_u16(page + off + 4) << 32;
		if (tree(d, child, depth - 1) == -1)
			return -1;
	}
	return 0;
}

/* The page size that a meta page says, when it is one that can be. */
static uint64_t
page_size(const struct map_pairs *p)
{
	uint64_t	 n = map_u32(p->file.p + META_PAGESIZE);

	if (n < 512 || n > 65536 || (n & (n - 1)) != 0 ||
	    !map_pairs_within(p, n, META_END))
		return 0;
	return n;
}

/*
 * Transactions write the two meta pages in turn, beginning with 0 in both of a
 * file without entries.
 */
static bool
in_turn(const char *a, const char *b)
{
	uint64_t	 x = map_u64(a + META_TXN), y = map_u64(b + META_TXN);

	if (x == y)
		return x == 0 && map_u64(a + META_ROOT) == NO_ROOT &&
		    map_u64(b + META_ROOT) == NO_ROOT;
	return x == y + 1 || y == x + 1;
}

/* The meta page of the last transaction that was written; NULL with why. */
static const char *
meta_of(struct lmdb *d)
{
	const char	*a = d->p->file.p, *b;

	if (map_u32(a + META_MAGIC) != MAGIC ||
	    map_u32(a + META_VERSION) != VERSION) {
		d->p->why = "the database is of another version of LMDB, or "
		    "of another machine: mdb_dump and mdb_load convert it";
		return NULL;
	}
	d->p->why = "the database is damaged: its meta pages differ";
	if ((d->page_size = page_size(d->p)) == 0)
		return NULL;
	b = a + d->page_size;
	if (map_u32(b + META_MAGIC) != MAGIC ||
	    map_u32(b + META_VERSION) != VERSION ||
	    map_u32(b + META_PAGESIZE) != d->page_size ||
	    (map_u16(a + 10) & P_KINDS) != P_META ||
	    (map_u16(b + 10) & P_KINDS) != P_META || !in_turn(a, b))
		return NULL;
	return map_u64(b + META_TXN) > map_u64(a + META_TXN) ? b : a;
}

static int
walk(struct lmdb *d, const char *meta)
{
	uint64_t	 root = map_u64(meta + META_ROOT),
	    last = map_u64(meta + META_LAST);
	unsigned	 depth = map_u16(meta + META_DEPTH);

	d->pages = d->p->file.n / d->page_size;
	if (last >= d->pages || (root == NO_ROOT) != (depth == 0) ||
	    depth > DEPTH_MAX)
		return map_pairs_fail(d->p,
		    "the database is damaged: pages of it are missing");
	if (map_u16(meta + META_FLAGS) != 0)
		return map_pairs_fail(d->p, "the database has an order or "
		    "values of a kind that tables do not have");
	d->seen = xcalloc(d->pages / 8 + 1, 1);
	if (depth > 0 && tree(d, root, depth) == -1)
		return -1;
	return d->entries == map_u64(meta + META_ENTRIES) ? 0 :
	    map_pairs_fail(d->p,
	    "the database is damaged: entries of it are missing");
}

static int
pairs(struct map_pairs *p)
{
	struct lmdb	 d = { .p = p };
	const char	*meta;
	int		 rc = -1;

	if (p->file.n < META_END)
		return map_pairs_fail(p,
		    "the database is damaged: it is no LMDB file");
	if ((meta = meta_of(&d)) != NULL)
		rc = walk(&d, meta);
	free(d.seen);
	return rc;
}

const struct map_format map_format_lmdb = { "lmdb", is_lmdb, pairs };

static void
open_lmdb(struct map *m, const struct map_source *src)
{
	map_database_open(m, src, &map_format_lmdb);
}

const struct map_driver map_driver_lmdb = { .name = "lmdb", .open = open_lmdb };
