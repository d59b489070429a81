/*
 * interp_rows.h - programs of a few instructions, each with what it comes to.
 */
#ifndef WB_TEST_INTERP_ROWS_H
#define WB_TEST_INTERP_ROWS_H

#include "base/arena.h"
#include "ruleset/image.h"

struct interp_row {
	const char	*name;
	struct rs_insn	 code[8];
	const char	*wanted;	/* as fake_describe() says it */
};

extern const struct interp_row	 interp_rows[];
extern const size_t		 interp_nrows;

/* Functions of the image: rulesets that rows call, then a row each. */
enum {
	R_SAME, R_SAYS, R_ENDS, R_REFUSES, R_JUDGES, R_GOES_ON, R_GIVES,
	R_SLOW, ROWS
};

/* From interp_make() to interp_unmake(): set-up and tear-down of a group. */
extern struct rs_image		*interp_image;
extern struct arena		 interp_arena;

int	interp_make(void **state);
int	interp_unmake(void **state);

#endif
