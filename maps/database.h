/*
 * database.h - a table as a gdbm database, as map_build() writes it.
 *
 * A key is folded (ASCII), a value is "LINE CRC VALUE": the line of the text,
 * CRC-32C of key, line and value in eight hex digits.  Keys that begin with an
 * octet 0 are ours: "\0waybill" says what the table is, "\0lists" which
 * aliases include files, and "\0seal" has "SIZE CRC" in hex digits, of the
 * file without these digits: a file that is not whole never says that a key
 * is not there.  A file is never changed, only renamed into place; it is
 * opened without locks and without mmap, so that one that somebody overwrites
 * gives errors, not signals.
 */
#ifndef WB_MAPS_DATABASE_H
#define WB_MAPS_DATABASE_H

#include "maps/map_int.h"

struct map_db;

/* What a built database says of itself. */
struct map_db_about {
	struct span		kind;		/* the database's memory */
	uint64_t		entries;
	struct map_prefixes	prefixes;
	bool			host_names;
};

/* Whether a file is a gdbm database, by its first octets. */
bool		 map_db_is(int fd);
/* Takes fd also when it fails: NULL with *why (static). */
struct map_db	*map_db_open(int fd, const char **why);
void		 map_db_close(struct map_db **);
/* Fills in the seal of a database that has been closed; 0, or -1 with errno. */
int		 map_db_seal(const char *path);
/* 1: built by us, and whole; 0: by others; -1: with *why. */
int		 map_db_about(struct map_db *, struct map_db_about *, const char **why);
/* The answer lies in the database's memory until it is closed. */
enum map_result	 map_db_find(struct map_db *, struct span key, struct map_answer *);
/* Keys of aliases that include files, one a line; empty: none. */
enum map_result	 map_db_lists(struct map_db *, struct span *keys);
/* All pairs as they lie there, ours left out; 0, or -1: not to its end. */
int		 map_db_walk(struct map_db *, int (*each)(void *arg, struct span key, struct span value), void *arg);
/* A value taken apart; false: it is none, or not whole. */
bool		 map_db_value(struct span key, struct span stored, struct map_answer *);

#endif
