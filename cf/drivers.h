/*
 * drivers.h - the drivers of tables, as maps/drivers.def has them: what stands
 * behind a driver's name, who serves it, whether it has been built.
 */
#ifndef WB_CF_DRIVERS_H
#define WB_CF_DRIVERS_H

#include "cf/cf_int.h"

/* What stands behind the driver's name. */
enum cf_where_is {
	CF_WHERE_FILE, CF_WHERE_TEXT, CF_WHERE_NONE, CF_WHERE_INLINE,
	CF_WHERE_MAPS
};
enum cf_how { CF_READ, CF_ASKED, CF_MADE };

struct cf_driver {
	const char		*name;
	enum cf_where_is	 where;
	enum cf_how		 how;
	bool			 built;		/* configure had what it needs */
	const char		*options;	/* words, a blank between */
};

/* The driver of that name; NULL: there is none. */
const struct cf_driver *cf_driver(struct span name);
/* The words of the options that it takes; "" where there is no such driver. */
const char	*cf_driver_options(struct span name);
/* Whether what stands behind it is the path of a file. */
bool	cf_driver_has_path(struct span name);
/*
 * That of a declaration, whose text behind it has the form that it wants; NULL,
 * reported: there is none, it was left out, or the text is wrong.
 */
const struct cf_driver *cf_driver_need(struct cf *, const struct cf_decl *);
/* where.c: that what stands behind a server's driver can be one; reported. */
void	cf_where_check(struct cf *, const struct cf_decl *);

#endif
