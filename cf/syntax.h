/*
 * syntax.h - what to say where the grammar finds something it cannot take.
 */
#ifndef WB_CF_SYNTAX_H
#define WB_CF_SYNTAX_H

#include "cf/lexer.h"

#define CF_EXPECTED_MAX	200	/* more than there are tokens */

/* Names of the token and of those that could stand in its place, as in parser.y. */
void	cf_syntax_error(struct cf_parser *, const char *got, const char *const *expected, size_t n);

/*
 * advice.c: how to write what other languages call so; NULL: not known.  The
 * one for the first word of an action, the other for all else.
 */
const char *cf_advice_action(struct span written);
const char *cf_advice(struct span written);

#endif
