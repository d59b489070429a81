/*
 * spec.c - values as text in the tables of tests.
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/unit/ruleset/spec.h"

static unsigned
type_of(struct span name)
{
	for (unsigned i = RS_T_BOOL; i < RS_NTYPES; i++) {
		if (span_eq(name, span_of(rs_type_name(i))))
			return i;
	}
	fprintf(stderr, "spec: no type %.*s\n", SPAN_ARG(name));
	abort();
}

struct rs_value
spec_value(const char *spec, struct arena *arena)
{
	struct span	s = span_of(spec);
	ptrdiff_t	blank = span_index(s, ' ');
	struct rs_value	text, out;
	unsigned	type;

	if (strcmp(spec, "none") == 0)
		return rs_empty(RS_T_NONE);
	if (strcmp(spec, "?table") == 0)
		return rs_unknown(RS_WHY_TABLE);
	if (strcmp(spec, "?soft") == 0)
		return rs_unknown(RS_WHY_SOFT);
	if (strcmp(spec, "?both") == 0)
		return rs_unknown((enum rs_why)(RS_WHY_TABLE | RS_WHY_SOFT));
	if (blank < 0)
		return rs_empty((enum rs_type)type_of(s));
	type = type_of(span_mem(s.p, (size_t)blank));
	text = rs_text(RS_T_TEXT, span_from(s, (size_t)blank + 1));
	if (!rs_convert(&text, (enum rs_type)type, arena, &out)) {
		fprintf(stderr, "spec: cannot read %s\n", spec);
		abort();
	}
	return out;
}

const char *
spec_show(const struct rs_value *v, struct arena *arena)
{
	static const char *const whys[] = { "?", "?table", "?soft", "?both" };
	struct span		 s;

	if (v->type == RS_T_NONE)
		return "none";
	if (v->type == RS_T_UNKNOWN)
		return whys[v->i & 3];
	if (rs_is_void(v) && v->type != RS_T_ADDRESS)
		return rs_type_name(v->type);
	s = rs_format(v, arena);
	return arena_printf(arena, "%s %.*s", rs_type_name(v->type),
	    SPAN_ARG(s)).p;
}
