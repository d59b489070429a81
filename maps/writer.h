/*
 * writer.h - writing a database file, in whichever format.
 *
 * Pairs go in as they are, each key once (the caller sees to it), and the file
 * is whole and synced when map_writer_close() has returned 0.  Files are
 * written under a name of their own and renamed by map_write_rename().
 */
#ifndef WB_MAPS_WRITER_H
#define WB_MAPS_WRITER_H

#include "maps/map_int.h"

struct map_writer;

struct map_writer_format {
	const char	*name;		/* as in `--to gdbm` */
	const char	*suffix;	/* ".gdbm" */
	/* Other programs read such files: pairs as those have them, without lines and sums. */
	bool		 of_others;
	/* NULL with *why, or with errno where *why is NULL. */
	void		*(*open)(const char *path, unsigned mode, const char **why);
	int		 (*put)(void *, struct span key, struct span value, const char **why);
	/* Frees it; 0, or -1.  keep false: the file is not wanted any more. */
	int		 (*close)(void *, bool keep, const char **why);
};

/* NULL with *why: there is no such format, or it was left out of this program. */
const struct map_writer_format	*map_writer_find(struct span name, const char **why);

/* path is a new file.  NULL with *why, or with errno where that is NULL. */
struct map_writer	*map_writer_open(const struct map_writer_format *, const char *path, unsigned mode, const char **why);
/* After a failure all others fail alike, so that close() alone need be looked at. */
void			 map_writer_put(struct map_writer *, struct span key, struct span value);
/* 0: written and synced; -1 with *why, or errno where that is NULL. Frees it. */
int			 map_writer_close(struct map_writer **, const char **why);

/* Mode and owner (UINT32_MAX: as they are; one that we may not give is let be). 0 or -1 with errno. */
int			 map_write_owned(const char *path, unsigned mode, unsigned uid, unsigned gid);
/* The name to write under; the caller frees it. */
char			*map_write_beside(const char *path);
/* Puts beside in the place of path and syncs the folder; 0 or -1 with errno. */
int			 map_write_rename(const char *beside, const char *path);

#endif
