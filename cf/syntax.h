/*
 * syntax.h - what to say where the grammar finds something it cannot take.
 */
#ifndef WB_CF_SYNTAX_H
#define WB_CF_SYNTAX_H

#include "cf/lexer.h"

#define CF_EXPECTED_MAX	200	/* more than there are tokens */

/* Names of the token and of those that could stand in its place, as in parser.y. */
void	cf_syntax_error(struct cf_parser *, const char *got, const char *const *expected, size_t n);

#endif
