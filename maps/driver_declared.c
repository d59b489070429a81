/*
 * driver_declared.c - tables that are not read here: a server is asked for
 * them (map_look's find), or other maps are.  Of themselves they say what a
 * test gives them (map_add), and without that nothing.
 */
#include "config.h"

#include "maps/map_int.h"

static void
open_declared(struct map *m, const struct map_source *src)
{
	(void)src;
	m->declared = true;
	/* Prefixes that end at an octet, or at a colon, and names are asked. */
	m->prefixes.v4[0] = UINT64_C(0x101010100);
	m->prefixes.v6[0] = UINT64_C(0x0001000100010000);
	m->prefixes.v6[1] = UINT64_C(0x0001000100010001);
	m->prefixes.v6[2] = 1;
	m->host_names = true;
}

#define READ(name)
#define ASKED(name) \
	const struct map_driver map_driver_##name = { #name, open_declared, NULL };
#define MADE(name)	ASKED(name)
#define DRIVER(name, where, how, with, options, meaning) how(name)
#include "maps/drivers.def"
#undef DRIVER
