/*
 * drivers.c - which drivers of tables there are, and which were left out of
 * this waybill when it was configured.
 */
#include "config.h"

#include "cf/drivers.h"

#define WITH_ALWAYS	1
#define READ		CF_READ
#define ASKED		CF_ASKED
#define MADE		CF_MADE

static const struct driver {
	struct cf_driver	 is;
	const char		*with;		/* of WITH_<with> */
} drivers[] = {
#define DRIVER(name, where, how, with, options, meaning) \
	{ { #name, CF_WHERE_##where, how, WITH_##with, options }, #with },
#include "maps/drivers.def"
#undef DRIVER
};
#define NDRIVERS	(sizeof(drivers) / sizeof(drivers[0]))

/* A word that an administrator writes in front of a text. */
static bool
is_written(const struct driver *d)
{
	return d->is.where != CF_WHERE_INLINE && d->is.where != CF_WHERE_MAPS;
}

static void
error_no_driver(struct cf *cf, const struct cf_decl *d)
{
	struct cf_near	 near;
	struct buf	 list = { 0 };
	size_t		 i;

	cf_near_begin(&near, d->driver);
	for (i = 0; i < NDRIVERS; i++) {
		if (!is_written(&drivers[i]))
			continue;
		cf_near_try(&near, span_of(drivers[i].is.name));
		buf_addf(&list, "%s, ", drivers[i].is.name);
	}
	if (near.best.n > 0)
		cf_error(cf, d->driver_loc, "no driver '%.*s' of maps; did "
		    "you mean '%.*s'?", SPAN_ARG(d->driver),
		    SPAN_ARG(near.best));
	else
		cf_error(cf, d->driver_loc, "no driver '%.*s'; there are %sand "
		    "{ \"key\" = \"value\" } in place", SPAN_ARG(d->driver),
		    buf_cstr(&list));
	buf_clear(&list);
}

static void
error_left_out(struct cf *cf, const struct cf_decl *d, const struct driver *dr)
{
	char	 with[16];
	size_t	 i;

	for (i = 0; dr->with[i] != '\0' && i + 1 < sizeof(with); i++)
		with[i] = (char)(dr->with[i] | ' ');	/* ASCII: lower case */
	with[i] = '\0';
	cf_error(cf, d->driver_loc, "this waybill was built without the "
	    "driver '%s'", dr->is.name);
	cf_help(cf, "build it with what the driver needs: ./configure "
	    "--with-%s", with);
}

const struct cf_driver *
cf_driver(struct span name)
{
	size_t	 i;

	for (i = 0; i < NDRIVERS; i++) {
		if (span_eq(name, span_of(drivers[i].is.name)))
			return &drivers[i].is;
	}
	return NULL;
}

const char *
cf_driver_options(struct span name)
{
	const struct cf_driver	*dr = cf_driver(name);

	return dr == NULL ? "" : dr->options;
}

bool
cf_driver_has_path(struct span name)
{
	const struct cf_driver	*dr = cf_driver(name);

	return dr != NULL && dr->where == CF_WHERE_FILE;
}

/* Whether there is a text behind the driver where it wants one. */
static bool
where_fits(struct cf *cf, const struct cf_decl *d, const struct cf_driver *dr)
{
	if (dr->where == CF_WHERE_NONE && d->has_where) {
		cf_error(cf, d->where_loc, "%s has no path: it is the file "
		    "of the system", dr->name);
		return false;
	}
	/* The name that is asked for may be all of the key. */
	if (dr->where == CF_WHERE_NONE || d->has_where ||
	    span_eq(d->driver, SPAN("dns")))
		return true;
	cf_error(cf, d->driver_loc, dr->where == CF_WHERE_FILE ?
	    "a %s map names its file: %s \"path\"" :
	    "a %s map names where it is: %s \"...\"", dr->name, dr->name);
	return false;
}

const struct cf_driver *
cf_driver_need(struct cf *cf, const struct cf_decl *d)
{
	size_t	 i;

	for (i = 0; i < NDRIVERS; i++) {
		if (!is_written(&drivers[i]) ||
		    !span_eq(d->driver, span_of(drivers[i].is.name)))
			continue;
		if (!drivers[i].is.built) {
			error_left_out(cf, d, &drivers[i]);
			return NULL;
		}
		return where_fits(cf, d, &drivers[i].is) ?
		    &drivers[i].is : NULL;
	}
	error_no_driver(cf, d);
	return NULL;
}
