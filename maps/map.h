/*
 * map.h - one face for every table.
 *
 * Others ask here what a table says of a key, and never learn whether a text
 * file or the image answered.  Drivers are driver_<name>.c, named once in
 * drivers.def; kinds give keys and values their meaning: kind_<name>.c,
 * kinds.def.
 *
 * Owns: open tables.  Borrows: the key.  Answers are borrowed until the map is
 * closed.  A map is read whole when opened; a new file is a new map, opened
 * beside, and the old one serves until then.
 */
#ifndef WB_MAPS_MAP_H
#define WB_MAPS_MAP_H

#include "base/arena.h"
#include "base/buf.h"

struct map;

enum map_result {
	MAP_FOUND,	/* out holds the value */
	MAP_NONE,	/* the table has answered: no such key */
	MAP_LATER,	/* could not be asked just now: defer, 451 4.3.0 */
	MAP_BROKEN	/* will not answer before someone mends it: 451 too */
};

struct map_answer {
	struct span	key;	/* the table's key that matched */
	struct span	value;	/* as in the table; of accounts: never a secret */
	uint32_t	line;	/* of the table; 0: none */
};

/* A mistake in a table: file:line:column, what, how to mend it. */
struct map_problem {
	uint32_t	file;	/* 0: the table; n: the n-th included file */
	uint32_t	line, column;
	const char	*what;
};
typedef void map_problem_cb(void *arg, const struct map_problem *);

/*
 * Opens a file of an `:include:`; -1: it is not there.  The descriptor is the
 * map's.  A relative path arrives joined to the folder of the file that names
 * it, and when that is not there to the folder above, as far as path told it.
 */
typedef int map_include_fn(void *arg, const char *path, uint32_t *file_index);

struct map_source {
	struct span	name;		/* of the map, for logs */
	struct span	driver, kind;
	int		fd;		/* text: read and left open (the caller's) */
	const char	*path;		/* text: for messages, and the folder of relative includes */
	const struct span *entries;	/* inline: key, value, ... */
	size_t		nentries;	/* pairs */
	map_include_fn	*include;	/* NULL: includes are not there */
	map_problem_cb	*problem;	/* NULL: not told */
	void		*arg;		/* of both */
};

/*
 * Reads a table.  Always gives a map: with a mistake or an unreadable file it
 * is one that answers MAP_BROKEN (for an entry that cannot be read only that
 * key does), never one that silently has fewer keys.
 */
struct map	*map_open(const struct map_source *);
void		 map_close(struct map **);
/* Adds a line of the table, as `with map M["key"] = "value"` of a test does; copied. It takes the place of an entry with that key. */
void		 map_add(struct map *, struct span key, struct span value);
size_t		 map_size(const struct map *);
struct span	 map_kind(const struct map *);

/*
 * One key exactly (folded as the kind says).  address keys go through
 * map_get_address, which tries the kind's keys in their order: the exact
 * before the general (aliases: whole address, user+detail, user).
 */
enum map_result	 map_get(const struct map *, struct span key, struct map_answer *out);
enum map_result	 map_get_address(const struct map *, struct span whole, size_t at, struct span detail_chars, struct map_answer *out);

/*
 * aliases: the right side taken apart (RFC 5322-like list, quotes, `:include:`).
 * ALIAS_ADDRESS: a local part or an address, as it stands there.
 * ALIAS_UNSUPPORTED: a command or a file; such mail is deferred.
 * ALIAS_INCLUDE is never handed out: the members of the file are.
 * line: of the included file; 0 in the table itself (the answer has its line).
 */
enum alias_item { ALIAS_ADDRESS, ALIAS_INCLUDE, ALIAS_UNSUPPORTED };
typedef void alias_cb(void *arg, enum alias_item, struct span text, uint32_t line);
/*
 * Members of value, those of included files too (read when the map was
 * opened), at most 100,000.  0, or -1 with *why (static): the list is broken
 * or empty, defer; some members may have been handed out then.
 */
int		 map_alias_members(const struct map *, struct span value, alias_cb *, void *arg, const char **why);

#endif
