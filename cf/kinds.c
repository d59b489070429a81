/*
 * kinds.c - the kinds of tables, as the type checker sees them.
 */
#include "cf/kinds.h"

const struct cf_kind *
cf_kind(const struct cf_sym *map)
{
	static const struct cf_kind	kinds[] = {
#define KIND(name, key, value, meaning) \
		{ #name, CF_KEY_##key, CF_VALUE_##value },
#include "maps/kinds.def"
#undef KIND
	};
	size_t				i;

	if (map->made_kind != NULL)
		return map->made_kind;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (span_eq(map->map_kind, span_of(kinds[i].name)))
			return &kinds[i];
	}
	return &kinds[0];
}
