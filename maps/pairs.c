/*
 * pairs.c - what the readers of databases share.
 */
#include "config.h"

#include "maps/pairs.h"

#define PAIR_COST	4	/* octets that a pair takes in any format */

static const struct map_format *const formats[] = {
	&map_format_gdbm, &map_format_lmdb, &map_format_bdb, &map_format_cdb
};

const struct map_format *
map_format_of(struct span head, uint64_t size)
{
	size_t	 i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i]->is(head, size))
			return formats[i];
	return NULL;
}

int
map_pairs_fail(struct map_pairs *p, const char *why)
{
	p->why = why;
	return -1;
}

bool
map_pairs_within(const struct map_pairs *p, uint64_t off, uint64_t n)
{
	return off <= p->file.n && n <= p->file.n - off;
}

int
map_pairs_give(struct map_pairs *p, struct span key, struct span value)
{
	p->given += key.n + value.n + PAIR_COST;
	if (p->given > p->file.n)
		return map_pairs_fail(p, "the database is damaged: it says "
		    "more than its octets can hold");
	return p->each(p->arg, key, value);
}
