/*
 * include.h - the files that lists of aliases include.
 *
 * They are read and checked when the map is opened; looking up opens nothing.
 * A relative path is looked for in the folder of the file that names it, then
 * in the folder above.
 */
#ifndef WB_MAPS_INCLUDE_H
#define WB_MAPS_INCLUDE_H

#include "maps/map_int.h"

struct map_include {
	char		*path;
	struct map_text	*text;
	bool		 loading;	/* its own lists are being checked */
	bool		 broken;	/* some of its lines have mistakes */
};

/* Where a list stands. */
struct list_place {
	const struct map_text	*text;	/* NULL: in the policy */
	struct span		 raw;	/* the logical line */
	uint32_t		 line;	/* its first */
	const char		*from;	/* path of the file, or NULL */
	unsigned		 depth;	/* of included files: 0 in the table */
};

/* Checks a list and loads what it includes.  Mistakes are told; false: there were some. */
bool	map_list_check(struct map *, const struct list_place *, struct span list);
/* One that has been loaded, or NULL. */
const struct map_include	*map_include_find(const struct map *, struct span path, const char *from);
/* The next line of an included file that is no comment; *pos starts at 0. */
bool	map_include_line(const struct map_text *, size_t *pos, uint32_t *line, struct span *out);
void	map_includes_clear(struct map *);

#endif
