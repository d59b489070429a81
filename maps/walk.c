/*
 * walk.c - all entries of a table.
 */
#include "config.h"

#include "maps/map_int.h"

int
map_walk(const struct map *m, map_walk_cb *cb, void *arg)
{
	struct map_answer	 a;
	struct map_entry	 e;
	uint64_t		 pos = 0;
	int			 is;

	if (m->broken)
		return -1;
	while ((is = map_next_entry(m, &pos, &e)) == 1) {
		if (e.value_off == ENTRY_BROKEN)
			continue;
		a = (struct map_answer){ .key = span_mem(e.key, e.key_n),
		    .value = span_mem(e.key + e.value_off, e.value_n),
		    .line = e.line };
		cb(arg, &a);
	}
	return is;
}

bool
map_is_database(const struct map *m)
{
	return m->database;
}
