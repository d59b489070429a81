/*
 * walk.c - all entries of a table.
 */
#include "config.h"

#include "maps/map_int.h"
#include "maps/patterns.h"

/* Of a table of patterns an entry is a line (driver_regex.c). */
static bool
take_apart(struct map_answer *a)
{
	struct pattern_line	 l;
	struct map_fault	 f;

	if (a->key.n == 0 || a->key.p[0] != '\0')
		return true;
	if (pattern_parse(a->value, &l, &f) == -1 ||
	    l.what != PATTERN_ENTRY)
		return false;
	a->key = l.shown;
	a->value = l.value;
	return true;
}

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
		if (!m->whole || take_apart(&a))
			cb(arg, &a);
	}
	return is;
}

bool
map_is_database(const struct map *m)
{
	return m->database;
}
