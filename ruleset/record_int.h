/*
 * record_int.h - what record.c and record_text.c share.
 */
#ifndef WB_RULESET_RECORD_INT_H
#define WB_RULESET_RECORD_INT_H

#include "ruleset/record.h"
#include "ruleset/world.h"

extern const char *const rs_effect_names[RS_NEFFECTS];

/* Of the fact, map, set, ... that a step is about; may be empty. */
struct span	rs_step_name(const struct rs_step *, const struct rs_image *);

#endif
