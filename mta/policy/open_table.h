/*
 * open_table.h - a map of an image is opened: its file, what that includes,
 * who hears of its mistakes.
 *
 * For who runs a policy, and for waybill-index, which reads the files for
 * those who do.
 */
#ifndef WB_MTA_POLICY_OPEN_TABLE_H
#define WB_MTA_POLICY_OPEN_TABLE_H

#include "maps/map.h"
#include "ruleset/image.h"

/* All borrowed while a table is being opened. */
struct table_source {
	const struct rs_image	*image;
	const int		*file_fds;	/* by manifest index, -1: not there; NULL: paths are opened */
	size_t			 nfiles;
	/* Mistakes; path: of the file that has it. */
	void			(*problem)(void *arg, const char *map, const char *path, const struct map_problem *);
	bool			 notes;		/* problem hears those too */
	/* A file is included, or would be: file is UINT32_MAX where the image does not name it.  NULL: not told. */
	void			(*included)(void *arg, uint32_t file);
	void			*arg;		/* of both */
};

/* The map with this number in the image: always one, as map_open() says. */
struct map	*table_open(const struct table_source *, uint32_t map);
/* The same out of its index (maps/index.h), -1: there is none. */
struct map	*table_open_index(const struct rs_image *, uint32_t map, int fd);
/* Whether it is read from a file of the manifest. */
bool		 table_is_file(const struct rs_image *, uint32_t map);

#endif
