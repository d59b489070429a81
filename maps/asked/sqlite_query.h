/*
 * sqlite_query.h - one query to one SQLite file, asked on a thread.
 *
 * The file is opened read-only when it is asked, and again when another has
 * taken its place.  The query is one SELECT; it attaches nothing, loads
 * nothing, changes nothing.
 */
#ifndef WB_MAPS_ASKED_SQLITE_QUERY_H
#define WB_MAPS_ASKED_SQLITE_QUERY_H

#include <stdatomic.h>

#include "base/buf.h"
#include "maps/asked/gather.h"
#include "maps/asked/sql.h"

struct sqlite3;
struct sqlite3_stmt;

struct sqlite_query {
	/* what is asked; set while nothing runs */
	struct buf		 key;
	int64_t			 timeout_ms;
	atomic_bool		 stop;		/* from outside: give up */
	/* what has come */
	enum map_result		 result;
	struct asked_gather	 gathered;
	const char		**names;	/* of columns; in the arena of gathered */
	size_t			 ncolumns;
	char			 why[512];
	/* its own */
	char			*path;
	struct asked_sql	 sql;
	struct sqlite3		*db;
	struct sqlite3_stmt	*stmt;
	uint64_t		 dev, ino;	/* of the file that is open */
	int64_t			 deadline_ms;
};

struct sqlite_query	*sqlite_query_new(const char *path, const struct asked_sql *, int64_t timeout_ms);
void			 sqlite_query_free(struct sqlite_query *);
/* Asks for q->key; blocks, for little more than timeout_ms. */
void			 sqlite_query_ask(struct sqlite_query *);

#endif
