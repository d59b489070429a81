/*
 * words.c - the nearest of the words that can have been meant.
 */
#include "base/near.h"

#include "cf/cf_int.h"

void
cf_near_begin(struct cf_near *near, struct span word)
{
	memset(near, 0, sizeof(*near));
	near->word = word;
	/* A third of the letters may be wrong. */
	near->distance = (unsigned)(word.n < 3 ? 2 : word.n / 3 + 2);
}

static bool
nearer(struct cf_near *near, struct span candidate)
{
	unsigned	 d = near_distance(near->word, candidate);

	if (d >= near->distance || d >= candidate.n)
		return false;
	near->distance = d;
	near->best = candidate;
	return true;
}

void
cf_near_try(struct cf_near *near, struct span candidate)
{
	if (nearer(near, candidate))
		near->sym = NULL;
}

void
cf_near_sym(struct cf_near *near, const struct cf_sym *sym)
{
	if (nearer(near, sym->name))
		near->sym = sym;
}
