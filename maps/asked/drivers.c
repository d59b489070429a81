/*
 * drivers.c - the drivers that were built; which, stands in drivers.def.
 */
#include "config.h"

#include "maps/asked/asked_int.h"

#define WITH_ALWAYS	1

/* A driver that was left out has no file: its name stands here without one. */
#define NAMED(name, with)	NAMED_(name, with)
#define NAMED_(name, with)	NAMED_##with(name)
#define NAMED_1(name)		{ #name, &asked_driver_##name },
#define NAMED_0(name)		{ #name, NULL },

#define READ(name, with)
#define MADE(name, with)
#define ASKED(name, with)	NAMED(name, WITH_##with)

static const struct {
	const char			*name;
	const struct asked_driver	*driver;
} drivers[] = {
#define DRIVER(name, where, how, with, options, meaning) how(name, with)
#include "maps/drivers.def"
#undef DRIVER
};

const struct asked_driver *
asked_driver_find(struct span name, const char **why)
{
	size_t	 i;

	for (i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (!span_eq(name, span_of(drivers[i].name)))
			continue;
		*why = "this program was built without that driver";
		return drivers[i].driver;
	}
	*why = "no server is asked by a driver of that name";
	return NULL;
}

struct asked_table *
asked_open(const struct asked_source *src, const char **why)
{
	const struct asked_driver	*driver;

	driver = asked_driver_find(src->driver, why);
	return driver == NULL ? NULL : asked_open_with(driver, src, why);
}
