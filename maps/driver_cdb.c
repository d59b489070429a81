/*
 * driver_cdb.c - constant databases: cdb, as D. J. Bernstein's cdbmake,
 * tinycdb and Postfix write them.
 *
 * 256 pointers (offset, slots) to hash tables; records (size of key, size of
 * value, key, value) from octet 2048 on; then the tables, whose slots are
 * (hash, offset of the record; 0: free).  Integers are little-endian, 32 bits.
 * All records are read one behind the other, and the tables must point to just
 * as many: a file that lacks a part does not pass.
 */
#include "config.h"

#include "maps/database.h"
#include "maps/pairs.h"

#define HEADER		2048
#define TABLES		256
#define SLOT		8	/* octets, of a pointer as well */

static bool
is_cdb(struct span head, uint64_t size)
{
	uint64_t	 off, n;
	size_t		 i;

	if (head.n < HEADER)
		return false;
	for (i = 0; i < TABLES; i++) {
		off = map_le32(head.p + SLOT * i);
		n = map_le32(head.p + SLOT * i + 4);
		if (off < HEADER || off + n * SLOT > size)
			return false;
	}
	return true;
}

/* Where the records end: at the first table. */
static uint64_t
records_end(struct span file)
{
	uint64_t	 end = UINT32_MAX, off;
	size_t		 i;

	for (i = 0; i < TABLES; i++) {
		off = map_le32(file.p + SLOT * i);
		if (off < end)
			end = off;
	}
	return end;
}

/* Slots of one table that point to a record; -1: one points elsewhere. */
static int64_t
used_slots(const struct map_pairs *p, size_t table, uint64_t end)
{
	uint64_t	 off = map_le32(p->file.p + SLOT * table), record;
	uint32_t	 n = map_le32(p->file.p + SLOT * table + 4), i;
	int64_t		 used = 0;

	for (i = 0; i < n; i++, off += SLOT) {
		record = map_le32(p->file.p + off + 4);
		if (record == 0)
			continue;
		if (record < HEADER || record >= end ||
		    (map_le32(p->file.p + off) & (TABLES - 1)) != table)
			return -1;
		used++;
	}
	return used;
}

static int
check_tables(struct map_pairs *p, uint64_t records, uint64_t end)
{
	uint64_t	 used = 0, slots = 0;
	int64_t		 n;
	size_t		 i;

	for (i = 0; i < TABLES; i++)
		slots += map_le32(p->file.p + SLOT * i + 4);
	if (slots > p->file.n / SLOT)
		return map_pairs_fail(p, "the database is damaged: its "
		    "tables overlap");
	for (i = 0; i < TABLES; i++) {
		if ((n = used_slots(p, i, end)) == -1)
			return map_pairs_fail(p, "the database is damaged: "
			    "a table points out of it");
		used += (uint64_t)n;
	}
	return used == records ? 0 : map_pairs_fail(p,
	    "the database is damaged: records and tables differ");
}

static int
pairs(struct map_pairs *p)
{
	uint64_t	 off = HEADER, end, key, value, n = 0;

	if (!is_cdb(p->file, p->file.n))
		return map_pairs_fail(p, "the database is damaged: it is no "
		    "cdb, or not all of one");
	end = records_end(p->file);
	for (; off < end; off += key + value, n++) {
		if (end - off < 8)
			break;
		key = map_le32(p->file.p + off);
		value = map_le32(p->file.p + off + 4);
		off += 8;
		if (key + value > end - off)
			break;
		if (map_pairs_give(p, span_mem(p->file.p + off, key),
		    span_mem(p->file.p + off + key, value)) == -1)
			return -1;
	}
	if (off != end)
		return map_pairs_fail(p,
		    "the database is damaged: a record does not end");
	return check_tables(p, n, end);
}

const struct map_format map_format_cdb = { "cdb", is_cdb, pairs };

static void
open_cdb(struct map *m, const struct map_source *src)
{
	map_database_open(m, src, &map_format_cdb);
}

const struct map_driver map_driver_cdb = { .name = "cdb", .open = open_cdb };
