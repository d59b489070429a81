/*
 * disasm.h - an image as text, with the source line beside it: fit to be a
 * golden file.
 */
#ifndef WB_RULESET_DISASM_H
#define WB_RULESET_DISASM_H

#include "base/buf.h"
#include "ruleset/image.h"

/*
 * source: lines of the policy text to print beside the code; SPAN_NONE: only
 * numbers.
 */
void	rs_disasm(const struct rs_image *, struct span source, struct buf *);

#endif
