/*
 * near.c - how far a word is from another.
 */
#include "base/near.h"

#include <limits.h>

unsigned
near_distance(struct span a, struct span b)
{
	unsigned	 rows[3][NEAR_MAX + 1];
	unsigned	*row, *above, *above2, best;
	size_t		 i, j;

	if (a.n > NEAR_MAX || b.n > NEAR_MAX)
		return UINT_MAX;
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
