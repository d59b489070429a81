/*
 * spec.h - values as text in the tables of tests: "none", "?table", "?soft",
 * "?both", or a type and a value: "domain a.example", "size 2G", "text ".
 */
#ifndef WB_TEST_RULESET_SPEC_H
#define WB_TEST_RULESET_SPEC_H

#include "ruleset/value.h"

struct rs_value	 spec_value(const char *, struct arena *);
const char	*spec_show(const struct rs_value *, struct arena *);

#endif
