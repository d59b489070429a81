/*
 * driver_inline.c - a table that stands in the policy itself.
 */
#include "config.h"

#include "maps/map_int.h"

static void
open_inline(struct map *m, const struct map_source *src)
{
	size_t	 i;

	for (i = 0; i < src->nentries; i++)
		m->kind->entry(m, src->entries[2 * i],
		    src->entries[2 * i + 1]);
}

const struct map_driver map_driver_inline = { .name = "inline", .open = open_inline };
