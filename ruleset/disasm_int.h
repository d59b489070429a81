/*
 * disasm_int.h - what disasm.c (the code) and disasm_tables.c share.
 */
#ifndef WB_RULESET_DISASM_INT_H
#define WB_RULESET_DISASM_INT_H

#include "ruleset/disasm.h"
#include "ruleset/image_int.h"

struct listing {
	const struct rs_image	*im;
	struct span		 source;
	struct buf		*out;
	struct arena		 scratch;
};

/* Text in quotes; string number i as it is; constant number i with its type. */
void	dis_quoted(struct listing *, struct span);
void	dis_string(struct listing *, uint32_t i);
void	dis_const(struct listing *, uint32_t i);
/* All tables, a line for each record, and their entries below. */
void	dis_tables(struct listing *);

#endif
