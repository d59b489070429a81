/*
 * asked_int.h - what the files of this room see of each other.
 */
#ifndef WB_MAPS_ASKED_ASKED_INT_H
#define WB_MAPS_ASKED_ASKED_INT_H

#include <sys/queue.h>

#include "base/arena.h"
#include "maps/asked/asked.h"

/* --- pool.c: connections to one server, and the keys that wait for one */

/* A key that a server is asked for; the asker's memory until done() or forgotten. */
struct asked_ask {
	TAILQ_ENTRY(asked_ask)	 entry;		/* of those that wait */
	struct span		 key;
	struct span		 password;	/* ASKED_BIND */
	int64_t			 until_ms;	/* of loop_now_ms() */
	struct asked_conn	*conn;		/* it is asked on; NULL: it waits */
	bool			 waits;
	bool			 again;		/* a connection was lost under it */
	/* Once, perhaps before asked_pool_ask() returns; rows and why are borrowed. */
	void			(*done)(struct asked_ask *, enum map_result, const struct asked_rows *, const char *why);
};

struct asked_pool_settings {
	const struct asked_driver	*driver;
	void				*table;		/* driver's, of its open() */
	const struct asked_names	*names;
	uint32_t	 connections;	/* at most */
	int64_t		 connect_ms;	/* how long one may take to be opened */
	int64_t		 idle_ms;	/* it is closed after that */
	int64_t		 first_ms;	/* from the first failure to the next try */
	int64_t		 most_ms;	/* and later at most */
	/* The server is down, or is back (why NULL); once for each change. */
	void		(*state)(void *arg, const char *why);
	void		*arg;
};

/* Who says in the log that a server is down; texts borrowed. */
struct asked_label {
	const char	*name, *driver;
};

struct asked_pool;
/* As the policy's words have it; the label is borrowed as long as it is there. */
struct asked_pool *asked_pool_of(const struct asked_driver *, void *own, const struct asked_source *, const struct asked_label *);
struct asked_pool *asked_pool_new(const struct asked_pool_settings *);
/* Nobody asks any more. */
void		 asked_pool_free(struct asked_pool **);
void		 asked_pool_ask(struct asked_pool *, struct asked_ask *);
/* Nobody waits for it any more; also of one that is done. */
void		 asked_pool_forget(struct asked_pool *, struct asked_ask *);
/* Whether a connection has nothing to do, and no key waits for it. */
bool		 asked_pool_room(const struct asked_pool *);
/* connections, waiting, down and why. */
void		 asked_pool_stats(const struct asked_pool *, struct asked_stats *);

/* --- cache.c: what a server has said, for a time */

struct asked_cache;
struct asked_cache *asked_cache_new(size_t entries_max, size_t octets_max);
void		 asked_cache_free(struct asked_cache **);
/* MAP_FOUND (*value: borrowed until the next put), MAP_NONE, or MAP_WAIT: it is not here. */
enum map_result	 asked_cache_get(struct asked_cache *, struct span key, int64_t now_ms, struct span *value);
/* is: MAP_FOUND or MAP_NONE; copied. */
void		 asked_cache_put(struct asked_cache *, struct span key, enum map_result is, struct span value, int64_t until_ms);
size_t		 asked_cache_size(const struct asked_cache *, size_t *octets);

/* --- rows.c: what a server gave, as the value of a table */

/*
 * One column is the value; several are a record, a line `name=value` for each
 * that is there; several rows one list, of the kinds that are lists.  FOUND,
 * NONE, or BROKEN with *why; both in the arena, or static.
 */
enum map_result	 asked_rows_value(const struct asked_rows *, struct span kind, struct arena *, struct span *value, const char **why);
/* Whether the kind takes it, as it would in a file: FOUND, or BROKEN with *why. */
enum map_result	 asked_rows_check(struct span kind, struct span key, struct arena *, struct span *value, const char **why);

/* --- spelling.c */

/* The key as a server is asked for it, in out. */
struct span	 asked_spelling(struct span kind, struct span key, char out[]);

/* --- table.c */

#define ASKED_COMPLAIN_MS	60000	/* between two lines of failures; without one they are over */
/* Another time than that, for tests. */
void	asked_calm(struct asked_table *, int64_t ms);

/* asked_open() with this driver: drivers.c knows those that there are. */
struct asked_table *asked_open_with(const struct asked_driver *, const struct asked_source *, const char **why);


/* --- drivers.c */

/* NULL with *why (static): there is none, or it was left out. */
const struct asked_driver *asked_driver_find(struct span name, const char **why);

#endif
