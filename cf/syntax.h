/*
 * syntax.h - what to say where the grammar finds something it cannot take.
 */
#ifndef WB_CF_SYNTAX_H
#define WB_CF_SYNTAX_H

#include "cf/lexer.h"

#define CF_EXPECTED_MAX	200	/* more than there are tokens */

/* expected: names of the tokens that could stand here, as in parser.y. */
void	cf_syntax_error(struct cf_parser *, const char *const *expected, size_t n);

#endif
