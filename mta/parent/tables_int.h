/*
 * tables_int.h - what tables.c and tables_read.c share of a table.
 */
#ifndef WB_MTA_PARENT_TABLES_INT_H
#define WB_MTA_PARENT_TABLES_INT_H

#include "mta/parent/generation_int.h"

/* A file as it was when an index was made of it. */
struct seen_file {
	char			*path;
	struct file_mark	 mark;
};

/* What one reading made; generations share it. */
struct table_index {
	unsigned		 refs;
	int			 fd;		/* sealed */
	uint64_t		 entries, octets;
	uint32_t		 mistakes;	/* entries that answer 451 */
	int64_t			 read_ms;	/* wall */
	struct seen_file	*files;		/* the table, what it includes */
	size_t			 nfiles;
};

struct table {
	uint32_t		 map;		/* in the image */
	uint32_t		 file;		/* in the manifest */
	bool			 accounts;
	bool			 wanted;	/* is to be read */
	bool			 fresh;		/* read for this generation */
	bool			 unknown;	/* includes what the image does not name */
	bool			 again;		/* given up, but for no fault of its file */
	struct table_index	*index;		/* NULL: answers 451 */
	char			*why;		/* what is wrong; NULL: nothing */
	uint64_t		 failed;	/* sum of the marks that had it */
};

/* *xp is NULL after it; the last one frees it. */
void			 table_index_unref(struct table_index **xp);
/* Also of NULL, which it returns. */
struct table_index	*table_index_ref(struct table_index *);
/* Borrowed from the image. */
struct span		 table_name(const struct generation *, const struct table *);
/*
 * The file as it is now is not taken: one line, until it changes.  again: it is
 * for no fault of the file.  why is copied.
 */
void			 table_fail(struct generation *, struct table *, const char *why, bool again);

#endif
