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
	/* Into an empty file, which stays the caller's. NULL with *why, or with errno where *why is NULL. */
	void		*(*open)(int fd, const char **why);
	int		 (*put)(void *, struct span key, struct span value, const char **why);
	/* Frees it; 0, or -1.  keep false: the file is not wanted any more. */
	int		 (*close)(void *, bool keep, const char **why);
};

/* NULL with *why: there is no such format, or it was left out of this program. */
const struct map_writer_format	*map_writer_find(struct span name, const char **why);

/* path is a new file, the maker's alone (0600).  NULL with *why, or with errno where that is NULL. */
struct map_writer	*map_writer_open(const struct map_writer_format *, const char *path, const char **why);
/* After a failure all others fail alike, so that close() alone need be looked at. */
void			 map_writer_put(struct map_writer *, struct span key, struct span value);
/* Mode and owner of a file that is written whole. */
struct map_write_owner {
	unsigned	 mode, uid, gid;	/* UINT32_MAX: the maker's; one that we may not give is let be */
};
/* 0: written, synced, and given to owner; -1 with *why, or errno where that is NULL. Frees it. */
int			 map_writer_close(struct map_writer **, const struct map_write_owner *, const char **why);

/* The name to write under; the caller frees it. */
char			*map_write_beside(const char *path);
/* Puts beside in the place of path and syncs the folder; 0 or -1 with errno. */
int			 map_write_rename(const char *beside, const char *path);

#endif
