/*
 * near.h - how far a word is from another: for "did you mean".
 */
#ifndef WB_BASE_NEAR_H
#define WB_BASE_NEAR_H

#include "base/span.h"

#define NEAR_MAX	64	/* octets of a word that is compared */

/*
 * Damerau-Levenshtein distance (neighbours exchanged count once), case folded;
 * UINT_MAX of words that are longer than NEAR_MAX.
 */
unsigned	near_distance(struct span, struct span);

#endif
