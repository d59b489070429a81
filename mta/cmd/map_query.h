/*
 * map_query.h - `waybill map query`: what a table says of a key, and where it
 * stands.
 */
#ifndef WB_MTA_CMD_MAP_QUERY_H
#define WB_MTA_CMD_MAP_QUERY_H

#include "maps/map.h"

struct stages;
struct map_asking {
	const struct map	*map;
	const char		*path;	/* of its file, for the answer */
	struct span		 detail;	/* what divides user and detail */
	bool			 json;
	const struct stages	*stages;	/* map_query.c's own */
};

/* Says the answer; the exit status. */
int	 map_query(const struct map_asking *, const char *key);
/* The same of a policy's map of this name: map, path and detail are the policy's. */
int	 map_query_policy(const char *policy, const char *name, const char *key, struct map_asking *);

#endif
