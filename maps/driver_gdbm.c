/*
 * driver_gdbm.c - GDBM: databases that `waybill map build` has made, and those
 * of others (gdbm 1.8 to 1.23, of a machine like this one).
 *
 * The header says where the directory is: 2^dir_bits offsets of buckets, of
 * which a bucket of fewer bits has several side by side.  A bucket holds
 * elements: the hash of a key, and where key and value lie, one behind the
 * other.  The hash is computed again, so a key that was damaged is noticed.
 */
#include "config.h"

#include "maps/database.h"
#include "maps/pairs.h"

/* gdbm.h: GDBM_OMAGIC, GDBM_MAGIC64, GDBM_NUMSYNC_MAGIC64, ... */
#define IS_MAGIC(n)	((n) >= 0x13579acdu && (n) <= 0x13579ad1u)
#define MAGIC_32	0x13579acdu	/* offsets of 32 bits */
#define NUMSYNC_32	0x13579ad0u

/* Of the header. */
enum {
	HEAD_DIR = 8, HEAD_DIR_SIZE = 16, HEAD_DIR_BITS = 20,
	HEAD_BUCKET_SIZE = 24, HEAD_BUCKET_ELEMS = 28, HEAD_END = 40
};
/* Of a bucket, and of an element in it. */
enum { BUCKET_BITS = 104, BUCKET_COUNT = 108, BUCKET_TABLE = 112 };
enum {
	ELEM_HASH = 0, ELEM_DATA = 8, ELEM_KEY_N = 16, ELEM_VALUE_N = 20,
	ELEM_SIZE = 24
};
#define FREE		UINT32_MAX	/* the hash of an element that is none */
#define DIR_BITS_MAX	27		/* of a file of 1 GiB */

struct gdbm {
	struct map_pairs	*p;
	uint64_t		 dir;
	unsigned		 dir_bits;
	uint32_t		 bucket_size, elems;
};

static bool
is_gdbm(struct span head, uint64_t size)
{
	(void)size;
	return head.n >= 4 && (IS_MAGIC(map_u32(head.p)) ||
	    IS_MAGIC(__builtin_bswap32(map_u32(head.p))));
}

static int
damaged(struct gdbm *g)
{
	return map_pairs_fail(g->p, "the database is damaged: a bucket or "
	    "entry of it is not what it should be");
}

/* It takes the octets as signed. */
uint32_t
map_gdbm_hash(struct span key)
{
	uint32_t	 h = 0x238f13afu * (uint32_t)key.n;
	size_t		 i;

	for (i = 0; i < key.n; i++)
		h = (h + ((uint32_t)(int32_t)(signed char)key.p[i] <<
		    (i * 5 % 24))) & 0x7fffffff;
	return (1103515243u * h + 12345) & 0x7fffffff;
}

static int
element(struct gdbm *g, const char *e)
{
	uint64_t	 off = map_u64(e + ELEM_DATA);
	uint32_t	 key_n = map_u32(e + ELEM_KEY_N),
	    value_n = map_u32(e + ELEM_VALUE_N);
	struct span	 key;

	if (!map_pairs_within(g->p, off, (uint64_t)key_n + value_n))
		return damaged(g);
	key = span_mem(g->p->file.p + off, key_n);
	if (map_gdbm_hash(key) != map_u32(e + ELEM_HASH))
		return damaged(g);
	return map_pairs_give(g->p, key, span_mem(key.p + key_n, value_n));
}

/* Gives its entries; its bits, or -1. */
static int
bucket(struct gdbm *g, uint64_t off)
{
	const char	*p, *e;
	uint32_t	 i, used = 0;

	if (off == 0 || !map_pairs_within(g->p, off, g->bucket_size))
		return damaged(g);
	p = g->p->file.p + off;
	for (i = 0; i < g->elems; i++) {
		e = p + BUCKET_TABLE + (size_t)ELEM_SIZE * i;
		if (map_u32(e + ELEM_HASH) == FREE)
			continue;
		used++;
		if (element(g, e) == -1)
			return -1;
	}
	if (map_u32(p + BUCKET_BITS) > g->dir_bits ||
	    map_u32(p + BUCKET_COUNT) != used)
		return damaged(g);
	return (int)map_u32(p + BUCKET_BITS);
}

/* The place in the directory behind those of this bucket; 0: with why. */
static uint64_t
next_place(struct gdbm *g, uint64_t place)
{
	const char	*dir = g->p->file.p + g->dir;
	uint64_t	 off = map_u64(dir + 8 * place), n, i;
	int		 bits;

	if ((bits = bucket(g, off)) == -1)
		return 0;
	n = (uint64_t)1 << (g->dir_bits - (unsigned)bits);
	for (i = 0; i < n; i++)
		if (place % n != 0 || map_u64(dir + 8 * (place + i)) != off) {
			(void)damaged(g);
			return 0;
		}
	return place + n;
}

static int
header(struct gdbm *g)
{
	const char	*h = g->p->file.p;
	uint32_t	 magic = map_u32(h);

	if (!IS_MAGIC(magic) || magic == MAGIC_32 || magic == NUMSYNC_32)
		return map_pairs_fail(g->p, "the database is of another "
		    "machine: build it again on this one");
	g->dir = map_u64(h + HEAD_DIR);
	g->dir_bits = map_u32(h + HEAD_DIR_BITS);
	g->bucket_size = map_u32(h + HEAD_BUCKET_SIZE);
	g->elems = map_u32(h + HEAD_BUCKET_ELEMS);
	if (g->dir_bits > DIR_BITS_MAX ||
	    map_u32(h + HEAD_DIR_SIZE) != 8u << g->dir_bits ||
	    !map_pairs_within(g->p, g->dir, 8u << g->dir_bits) ||
	    g->bucket_size < BUCKET_TABLE || g->elems == 0 ||
	    g->elems > (g->bucket_size - BUCKET_TABLE) / ELEM_SIZE)
		return map_pairs_fail(g->p,
		    "the database is damaged: its header is wrong");
	return 0;
}

static int
pairs(struct map_pairs *p)
{
	struct gdbm	 g = { .p = p };
	uint64_t	 place = 0;

	if (p->file.n < HEAD_END)
		return damaged(&g);
	if (header(&g) == -1)
		return -1;
	while (place < (uint64_t)1 << g.dir_bits)
		if ((place = next_place(&g, place)) == 0)
			return -1;
	return 0;
}

const struct map_format map_format_gdbm = { "gdbm", is_gdbm, pairs };

static void
open_gdbm(struct map *m, const struct map_source *src)
{
	map_database_open(m, src, &map_format_gdbm);
}

const struct map_driver map_driver_gdbm = { .name = "gdbm", .open = open_gdbm };
