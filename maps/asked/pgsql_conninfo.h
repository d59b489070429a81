/*
 * pgsql_conninfo.h - where a PostgreSQL server is: libpq's conninfo, with the
 * addresses of its hosts put in.
 */
#ifndef WB_MAPS_ASKED_PGSQL_CONNINFO_H
#define WB_MAPS_ASKED_PGSQL_CONNINFO_H

#include "maps/asked/dial.h"

struct pgsql_conninfo;

/*
 * where: "host=... dbname=..." or "postgresql://..."; a password in it is
 * refused.  NULL with *why (static until the next call).
 */
struct pgsql_conninfo	*pgsql_conninfo_new(struct span where, struct span login, struct span password, const char **why);
void			 pgsql_conninfo_free(struct pgsql_conninfo **);
bool			 pgsql_conninfo_has(const struct pgsql_conninfo *, const char *keyword);

/* For PQconnectStartParams(): both end with NULL; borrowed. */
struct pgsql_words {
	const char *const	*keys, *const *values;
};

struct pgsql_addresses;
/* words NULL: why says it. */
typedef void pgsql_addresses_cb(void *arg, const struct pgsql_words *, const char *why);
/* Asks for the addresses; cb is called once, from the loop. */
struct pgsql_addresses	*pgsql_addresses_new(const struct pgsql_conninfo *, const struct asked_names *, pgsql_addresses_cb *, void *arg);
void			 pgsql_addresses_free(struct pgsql_addresses **);

#endif
