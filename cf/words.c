/*
 * words.c - the nearest of the words that can have been meant.
 */
#include "cf/cf_int.h"

#define NEAR_MAX	64	/* octets of a word that is compared */

/* Damerau-Levenshtein distance (neighbours exchanged count once), case folded. */
static unsigned
distance(struct span a, struct span b)
{
	unsigned	 rows[3][NEAR_MAX + 1];
	unsigned	*row, *above, *above2, best;
	size_t		 i, j;

	for (j = 0; j <= b.n; j++)
		rows[0][j] = (unsigned)j;
	for (i = 1; i <= a.n; i++) {
		row = rows[i % 3];
		above = rows[(i + 2) % 3];
		above2 = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (j = 1; j <= b.n; j++) {
			best = above[j - 1] + (ascii_lower(a.p[i - 1]) !=
			    ascii_lower(b.p[j - 1]));
			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] && above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a.n % 3][b.n];
}

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
	unsigned	 d;

	if (candidate.n > NEAR_MAX || near->word.n > NEAR_MAX)
		return false;
	d = distance(near->word, candidate);
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
