/*
 * driver_bdb.c - Berkeley DB: the policy words `hash` and `btree`, for the
 * files that Postfix and sendmail make (hash 8 and 9, btree 8 and 9: the
 * library's versions 3.2 to 5.3), of machines of either byte order.
 *
 * Page 0 says what the file is.  Each page begins with its number, the next
 * one of its chain, the number of its items, its type; offsets of the items
 * follow, and the items lie from the end of the page downward.  Of a hash,
 * bucket b is page b + spares[ceil(log2(b + 1))] and the pages chained to it;
 * of a btree, internal pages name pages of the level below.  Items too big for
 * a page name the first of a chain of overflow pages.
 */
#include "config.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "maps/database.h"
#include "maps/pairs.h"

#define MAGIC_HASH	0x061561u
#define MAGIC_BTREE	0x053162u
#define HEADER		26	/* octets of a page before the offsets */
#define LEVELS_MAX	32

/* Offsets in page 0. */
enum {
	META_MAGIC = 12, META_VERSION = 16, META_PAGESIZE = 20,
	META_CRYPT = 24, META_TYPE = 25, META_METAFLAGS = 26, META_LAST = 32,
	META_FLAGS = 48,
	HASH_MAX_BUCKET = 72, HASH_SPARES = 96,
	BTREE_ROOT = 88, META_END = 256
};
#define SPARES		32

/* Offsets in any other page. */
enum {
	PAGE_NUMBER = 8, PAGE_NEXT = 16, PAGE_ITEMS = 20, PAGE_USED = 22,
	PAGE_LEVEL = 24, PAGE_TYPE = 25
};

enum {
	P_NONE = 0, P_HASH_UNSORTED = 2, P_IBTREE = 3, P_LBTREE = 5,
	P_OVERFLOW = 7, P_HASHMETA = 8, P_BTREEMETA = 9, P_HASH = 13
};
enum { HASH_DATA = 1, HASH_BIG = 3 };		/* items of a hash */
enum { BTREE_DATA = 1, BTREE_BIG = 3 };		/* and of a btree */
enum { HASH_SUBDB = 0x02, BTREE_KNOWN = 0x01 | 0x04 | 0x40 };

struct bdb {
	struct map_pairs	*p;
	bool			 swapped;
	size_t			 page_size;
	uint64_t		 pages;
	uint8_t			*seen;	/* a bit for each page */
};

static uint32_t
u32(const struct bdb *b, const char *p)
{
	return b->swapped ? __builtin_bswap32(map_u32(p)) : map_u32(p);
}

static uint16_t
u16(const struct bdb *b, const char *p)
{
	return b->swapped ? __builtin_bswap16(map_u16(p)) : map_u16(p);
}

static bool
is_magic(uint32_t n)
{
	return n == MAGIC_HASH || n == MAGIC_BTREE ||
	    __builtin_bswap32(n) == MAGIC_HASH ||
	    __builtin_bswap32(n) == MAGIC_BTREE;
}

/* Version 1.85 has the same words in its first octets. */
static bool
is_bdb(struct span head, uint64_t size)
{
	(void)size;
	return head.n >= META_MAGIC + 4 &&
	    (is_magic(map_u32(head.p + META_MAGIC)) ||
	    is_magic(map_u32(head.p)));
}

static int
damaged(struct bdb *b)
{
	return map_pairs_fail(b->p, "the database is damaged: a page or item "
	    "of it is not what it should be");
}

/* A page that has not come yet; NULL: there is none. */
static const char *
page_of(struct bdb *b, uint32_t number)
{
	if (number == 0 || number >= b->pages ||
	    (b->seen[number / 8] & 1u << number % 8) != 0)
		return NULL;
	b->seen[number / 8] |= (uint8_t)(1u << number % 8);
	return b->p->file.p + number * b->page_size;
}

static unsigned
type_of(const char *page)
{
	return (unsigned char)page[PAGE_TYPE];
}

/* Where item i lies; 0: nowhere. */
static size_t
item_of(const struct bdb *b, const char *page, size_t i, size_t least)
{
	size_t	 items = u16(b, page + PAGE_ITEMS), off;

	if (HEADER + 2 * items > b->page_size)
		return 0;
	off = u16(b, page + HEADER + 2 * i);
	return off < HEADER + 2 * items || off + least > b->page_size ? 0 :
	    off;
}

/* What lies in a chain of overflow pages. */
static int
joined(struct bdb *b, uint32_t number, uint32_t total, struct span *out)
{
	const char	*page;
	size_t		 n, got = 0;
	char		*p;

	if (total > b->p->file.n)
		return damaged(b);
	p = arena_alloc(b->p->arena, (size_t)total + 1);
	for (; got < total; got += n) {
		page = page_of(b, number);
		if (page == NULL || type_of(page) != P_OVERFLOW ||
		    u32(b, page + PAGE_NUMBER) != number)
			return damaged(b);
		n = u16(b, page + PAGE_USED);
		if (n == 0 || n > b->page_size - HEADER || n > total - got)
			return damaged(b);
		memcpy(p + got, page + HEADER, n);
		number = u32(b, page + PAGE_NEXT);
	}
	*out = span_mem(p, total);
	return 0;
}

static int
several(struct bdb *b)
{
	return map_pairs_fail(b->p, "the database has several values of one "
	    "key, which tables do not have");
}

/* --- hash */

/* The items lie one below the other: where one ends the one before begins. */
static int
hash_item(struct bdb *b, const char *page, size_t i, struct span *out)
{
	size_t	 off = item_of(b, page, i, 1), end = b->page_size;

	if (i > 0)
		end = u16(b, page + HEADER + 2 * (i - 1));
	if (off == 0 || end <= off || end > b->page_size)
		return damaged(b);
	switch (page[off]) {
	case HASH_DATA:
		*out = span_mem(page + off + 1, end - off - 1);
		return 0;
	case HASH_BIG:
		if (end - off < 12)
			return damaged(b);
		return joined(b, u32(b, page + off + 4),
		    u32(b, page + off + 8), out);
	default:
		return several(b);
	}
}

static int
hash_items(struct bdb *b, const char *page)
{
	size_t		 n = u16(b, page + PAGE_ITEMS), i;
	struct span	 key, value;

	if (n % 2 != 0)
		return damaged(b);
	for (i = 0; i < n; i += 2)
		if (hash_item(b, page, i, &key) == -1 ||
		    hash_item(b, page, i + 1, &value) == -1 ||
		    map_pairs_give(b->p, key, value) == -1)
			return -1;
	return 0;
}

/* A bucket that nothing was ever put into is a page of zeros. */
static bool
is_unused(const struct bdb *b, const char *page)
{
	size_t	 i;

	for (i = 0; i < b->page_size; i++)
		if (page[i] != '\0')
			return false;
	return true;
}

static int
bucket(struct bdb *b, uint32_t number)
{
	const char	*page;

	do {
		if ((page = page_of(b, number)) == NULL)
			return damaged(b);
		if (type_of(page) == P_NONE && is_unused(b, page))
			return 0;
		if ((type_of(page) != P_HASH &&
		    type_of(page) != P_HASH_UNSORTED) ||
		    u32(b, page + PAGE_NUMBER) != number)
			return damaged(b);
		if (hash_items(b, page) == -1)
			return -1;
		number = u32(b, page + PAGE_NEXT);
	} while (number != 0);
	return 0;
}

/* Doublings of one bucket until there are n. */
static unsigned
doublings(uint32_t n)
{
	unsigned	 i = 0;

	while (i < 31 && (uint32_t)1 << i < n)
		i++;
	return i;
}

static int
hash(struct bdb *b)
{
	const char	*meta = b->p->file.p;
	uint32_t	 last = u32(b, meta + HASH_MAX_BUCKET), i, spare;

	if (u32(b, meta + META_FLAGS) & HASH_SUBDB)
		return map_pairs_fail(b->p, "the file holds several "
		    "databases, and a table is one");
	if (last >= b->pages)
		return map_pairs_fail(b->p,
		    "the database is damaged: buckets of it are missing");
	for (i = 0; i <= last; i++) {
		spare = u32(b, meta + HASH_SPARES + 4 * doublings(i + 1));
		if (spare >= b->pages)
			return damaged(b);
		if (bucket(b, i + spare) == -1)
			return -1;
	}
	return 0;
}

/* --- btree */

enum { DELETED = 0x80 };

static int
btree_item(struct bdb *b, const char *page, size_t i, struct span *out,
    bool *deleted)
{
	size_t	 off = item_of(b, page, i, 3), n;

	if (off == 0)
		return damaged(b);
	*deleted = (page[off + 2] & DELETED) != 0;
	switch (page[off + 2] & ~DELETED & 0xff) {
	case BTREE_DATA:
		n = u16(b, page + off);
		*out = span_mem(page + off + 3, n);
		return n <= b->page_size - off - 3 ? 0 : damaged(b);
	case BTREE_BIG:
		if (b->page_size - off < 12)
			return damaged(b);
		return joined(b, u32(b, page + off + 4),
		    u32(b, page + off + 8), out);
	default:
		return several(b);
	}
}

static int
btree_leaf(struct bdb *b, const char *page)
{
	size_t		 n = u16(b, page + PAGE_ITEMS), i;
	struct span	 key, value;
	bool		 no_key, no_value;

	if (type_of(page) != P_LBTREE || n % 2 != 0)
		return damaged(b);
	for (i = 0; i < n; i += 2) {
		if (btree_item(b, page, i, &key, &no_key) == -1 ||
		    btree_item(b, page, i + 1, &value, &no_value) == -1)
			return -1;
		if (!no_key && !no_value &&
		    map_pairs_give(b->p, key, value) == -1)
			return -1;
	}
	return 0;
}

/* level: of this page; 1 is a leaf, 0: whatever the root says. */
static int
btree(struct bdb *b, uint32_t number, unsigned level)
{
	const char	*page = page_of(b, number);
	size_t		 i, off;

	if (page == NULL || u32(b, page + PAGE_NUMBER) != number)
		return damaged(b);
	if (level == 0)
		level = (unsigned char)page[PAGE_LEVEL];
	if (level == 0 || level > LEVELS_MAX ||
	    (unsigned char)page[PAGE_LEVEL] != level)
		return damaged(b);
	if (level == 1)
		return btree_leaf(b, page);
	if (type_of(page) != P_IBTREE)
		return damaged(b);
	for (i = 0; i < u16(b, page + PAGE_ITEMS); i++) {
		if ((off = item_of(b, page, i, 12)) == 0)
			return damaged(b);
		if (btree(b, u32(b, page + off + 4), level - 1) == -1)
			return -1;
	}
	return 0;
}

/* --- either */

static int
unreadable(struct bdb *b)
{
	return map_pairs_fail(b->p, "a version or kind of Berkeley DB that "
	    "is not read here: `makemap -u hash FILE` or `postmap -s "
	    "hash:FILE` of the server that made it prints its text, for "
	    "`waybill map build`");
}

static int
walk(struct bdb *b, bool is_hash)
{
	const char	*meta = b->p->file.p;

	if (b->page_size < 512 || b->page_size > 65536 ||
	    (b->page_size & (b->page_size - 1)) != 0)
		return damaged(b);
	b->pages = b->p->file.n / b->page_size;
	if (u32(b, meta + META_LAST) >= b->pages)
		return map_pairs_fail(b->p,
		    "the database is damaged: pages of it are missing");
	b->seen = xcalloc(b->pages / 8 + 1, 1);
	if (is_hash)
		return hash(b);
	if (u32(b, meta + META_FLAGS) & ~(unsigned)BTREE_KNOWN)
		return unreadable(b);
	return btree(b, u32(b, meta + BTREE_ROOT), 0);
}

static int
pairs(struct map_pairs *p)
{
	struct bdb	 b = { .p = p };
	const char	*meta = p->file.p;
	uint32_t	 magic, version;
	bool		 is_hash;
	int		 rc;

	if (p->file.n < META_END)
		return damaged(&b);
	magic = map_u32(meta + META_MAGIC);
	b.swapped = magic != MAGIC_HASH && magic != MAGIC_BTREE;
	magic = u32(&b, meta + META_MAGIC);
	is_hash = magic == MAGIC_HASH;
	version = u32(&b, meta + META_VERSION);
	if ((!is_hash && magic != MAGIC_BTREE) ||
	    version < 8 || version > 9 || meta[META_CRYPT] != 0 ||
	    meta[META_METAFLAGS] != 0 ||
	    type_of(meta) != (is_hash ? P_HASHMETA : P_BTREEMETA))
		return unreadable(&b);
	b.page_size = u32(&b, meta + META_PAGESIZE);
	rc = walk(&b, is_hash);
	free(b.seen);
	return rc;
}

const struct map_format map_format_bdb = { "hash", is_bdb, pairs };

static void
open_bdb(struct map *m, const struct map_source *src)
{
	map_database_open(m, src, &map_format_bdb);
}

const struct map_driver map_driver_hash = { .name = "hash",
	.open = open_bdb };
const struct map_driver map_driver_btree = { .name = "btree",
	.open = open_bdb };
