/*
 * places.h - the values of one option.
 */
#ifndef WB_CF_PLACES_H
#define WB_CF_PLACES_H

#include "cf/cf_int.h"

/* Whether e is that bare word. */
bool	cf_is_word(const struct cf_expr *, struct span word);
/*
 * Matches the values with the places of the option: how many there are, NULL
 * among them where one was left out.  0: a mistake, which has been reported.
 */
size_t	cf_places(struct cf *, const struct cf_opt *, enum rs_option, struct cf_expr *values, struct cf_expr ***places);
/*
 * What the image holds for a value in a place of that letter (image.h); false
 * where it is an expression, which becomes a function.
 */
bool	cf_place_value(struct cf *, char letter, const struct cf_expr *, struct rs_value *);

#endif
