/*
 * driver_declared.c - tables that a policy may name and this version does not
 * serve: they say what a test gives them (map_add), and without that nothing.
 */
#include "config.h"

#include "maps/map_int.h"

static void
open_declared(struct map *m, const struct map_source *src)
{
	(void)src;
	m->declared = true;
}

#define READ(name)
#define DECLARED(name) \
	const struct map_driver map_driver_##name = { #name, open_declared };
#define DRIVER(name, where, how, options, meaning) how(name)
#include "maps/drivers.def"
#undef DRIVER
