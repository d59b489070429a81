/*
 * map_near.c - whom a name that nobody has may have meant.
 *
 * All names of the tables are looked at, so only a few such names are looked
 * for; of most candidates their letters say that they are too far away.
 */
#include "config.h"

#include "base/near.h"

#include "mta/cmd/map_check.h"

struct nearest {
	struct checking	*c;
	const struct checked_table *table;	/* under way */
	struct span	 whole, local;		/* that nobody has */
	uint64_t	 whole_mask, local_mask;
	unsigned	 distance;		/* below this */
	/* The best so far. */
	struct span	 key;
	const char	*name;
	uint32_t	 line;
};

/* The letters that occur. */
static uint64_t
mask_of(struct span s)
{
	uint64_t	 mask = 0;
	size_t		 i;

	for (i = 0; i < s.n; i++)
		mask |= UINT64_C(1) << (ascii_lower(s.p[i]) & 63);
	return mask;
}

/* So many letters may be wrong, and one less. */
static unsigned
limit_of(struct span word)
{
	return word.n < 4 ? 2 : word.n < 8 ? 3 : 4;
}

static unsigned
popcount(uint64_t v)
{
	unsigned	 n = 0;

	for (; v != 0; v &= v - 1)
		n++;
	return n;
}

static void
try(void *arg, const struct map_answer *a)
{
	struct nearest	*near = arg;
	bool		 whole = span_index(a->key, '@') > 0;
	struct span	 word = whole ? near->whole : near->local;
	uint64_t	 mask = whole ? near->whole_mask : near->local_mask;
	size_t		 apart;
	unsigned	 d;

	apart = a->key.n > word.n ? a->key.n - word.n : word.n - a->key.n;
	if (apart >= near->distance || a->key.n < 2 ||
	    popcount(mask ^ mask_of(a->key)) >= 2 * near->distance)
		return;
	d = near_distance(word, a->key);
	if (d == 0 || d >= near->distance)
		return;
	near->distance = d;
	near->key = a->key;
	near->line = a->line;
	near->name = near->table->name;
}

static const char *
say(struct checking *c, const struct nearest *near)
{
	if (near->key.n == 0)
		return "";
	if (near->line == 0)
		return arena_printf(&c->scratch, "; did you mean '%.*s' (%s)?",
		    SPAN_ARG(near->key), near->name).p;
	return arena_printf(&c->scratch, "; did you mean '%.*s' (%s:%u)?",
	    SPAN_ARG(near->key), near->name, near->line).p;
}

const char *
checked_near(struct checking *c, const struct address *a)
{
	struct nearest	 near = { .c = c, .whole = a->whole,
	    .local = address_local(a) };
	uint32_t	 i;

	if (c->near_left == 0)
		return "";
	c->near_left--;
	near.distance = limit_of(near.local);
	near.whole_mask = mask_of(near.whole);
	near.local_mask = mask_of(near.local);
	for (i = 0; i < c->n; i++) {
		near.table = &c->tables[i];
		if (near.table->kind != CHECKED_OTHER && !near.table->served)
			(void)map_walk(near.table->map, try, &near);
	}
	return say(c, &near);
}

const char *
checked_near_domain(struct checking *c, struct span domain)
{
	const struct checked_domain	*d;
	unsigned			 best = limit_of(domain), n;
	struct span			 name, nearest = SPAN_NONE;
	size_t				 pos = 0;
	void				*v;

	if (c->near_left == 0)
		return "";
	c->near_left--;
	while (htab_next(&c->domains, &pos, &name, &v)) {
		d = v;
		if (!d->local || (n = near_distance(domain, name)) >= best ||
		    n == 0)
			continue;
		best = n;
		nearest = name;
	}
	return nearest.n == 0 ? "" : arena_printf(&c->scratch,
	    "; did you mean '%.*s'?", SPAN_ARG(nearest)).p;
}
