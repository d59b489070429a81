/*
 * asked.h - tables that a server answers: what the lookup process asks, and
 * what a driver is.
 *
 * A table has a pool of connections, a queue of questions with a time-out, and
 * perhaps a cache.  A driver (driver_<name>.c, named once in maps/drivers.def
 * with ASKED) opens a connection and asks one key on it at a time; it knows
 * nothing of pools, kinds and caches.  Everything runs on the loop of the
 * process and nothing blocks it; a driver whose library blocks (SQLite) has a
 * thread for each connection.
 *
 *   table.c      questions; the kind's keys, one after the other (map_look)
 *   pool.c       connections: opened when needed, time-outs, back-off, health
 *   cache.c      answers that are kept, also 'not there', for a time, bounded
 *   rows.c       what a server gave as the value of a table
 *   template.c   a query with {key}, {user}, {domain} in it
 *   verify.c     the secrets of an account, for auth alone
 *
 * Only the lookup process links this (and auth, for `verify`).
 */
#ifndef WB_MAPS_ASKED_ASKED_H
#define WB_MAPS_ASKED_ASKED_H

#include "base/ip.h"
#include "base/span.h"
#include "maps/map.h"

/* --- what a policy says of a table; borrowed while it is opened */

/*
 * Names are looked up by who runs the table (the resolve process).  cb is
 * called once, from the loop or at once; n 0: why says it.
 */
typedef void asked_records_cb(void *arg, enum map_result, const struct span *records, size_t n, uint32_t ttl_s);
struct asked_names {
	/* type: "A", "AAAA", "MX", "TXT", "PTR"; records as text: "192.0.2.1", "10 mx.example" */
	uint64_t	(*ask)(void *ctx, const char *type, struct span name, asked_records_cb *, void *arg);
	void		(*cancel)(void *ctx, uint64_t ticket);
	void		*ctx;
};

/* What a key is asked for. */
enum asked_want {
	ASKED_ROWS,	/* what the table says of it */
	ASKED_DN,	/* ldap: the names of the entries that the filter finds */
	ASKED_BIND	/* ldap: a login as the entry whose name the key is */
};

struct asked_source {
	struct span	name, driver, kind;
	struct span	where;		/* what stands behind the driver's name */
	struct span	host;		/* our own name, as struct map_source has it */
	/* options; templates have {key}, {user}, {domain}, and \{ and \\ for a brace and a backslash */
	struct span	query, base, filter;
	struct span	scope, type, map, attributes;
	struct span	login, password;	/* password is wiped by who gave it */
	int64_t		timeout_ms;	/* of a question, waiting included */
	uint32_t	connections;	/* at most */
	int64_t		cache_ms, cache_none_ms;	/* how long an answer, and 'not there', is kept; 0: not */
	const struct asked_names *names;
	enum asked_want	want;		/* ROWS, but for verify.c */
};

/* --- asking */

struct asked_table;
/* answer: borrowed; only of MAP_FOUND.  why: of MAP_LATER and MAP_BROKEN, for people. */
typedef void asked_cb(void *arg, enum map_result, const struct map_answer *answer, const char *why);

/* Nothing is connected yet.  NULL with *why (static): the policy's words cannot be served. */
struct asked_table *asked_open(const struct asked_source *, const char **why);
/* Questions under way are answered MAP_LATER.  Not from inside of an asked_cb. */
void		 asked_close(struct asked_table **);
/*
 * cb is called exactly once, from the loop or before this returns (0 is
 * returned then), with MAP_LATER after the time-out at the latest; at most
 * ASKED_QUESTIONS_MAX wait, more are answered MAP_LATER at once.  The
 * question is copied.
 */
#define ASKED_QUESTIONS_MAX	10000
uint64_t	 asked_ask(struct asked_table *, const struct map_question *, asked_cb *, void *arg);
void		 asked_cancel(struct asked_table *, uint64_t ticket);

struct asked_stats {
	uint64_t	asked, found, none, failed;	/* keys, at the server */
	uint64_t	cached;				/* answered by the cache */
	uint32_t	connections, waiting;
	bool		down;				/* the last try to connect has failed */
	const char	*why;				/* of down; borrowed */
};
void		 asked_stats(const struct asked_table *, struct asked_stats *);

/* --- passwords, for auth alone (verify.c) */

enum asked_proof {
	ASKED_NOBODY,	/* the server knows nobody of that name */
	ASKED_SECRETS,	/* rows are his secrets; borrowed, and wiped behind it */
	ASKED_RIGHT, ASKED_WRONG,	/* the server has looked itself */
	ASKED_CANNOT	/* it cannot be told just now */
};

struct asked_verify;
struct asked_rows;
typedef void asked_verify_cb(void *arg, enum asked_proof, const struct asked_rows *rows);

/*
 * src->query is what asks for the secrets of an account; with src->want
 * ASKED_BIND its entry is searched, and a login as that entry tried.  Nothing
 * is kept in a cache.  NULL with *why (static).
 */
struct asked_verify *asked_verify_open(const struct asked_source *, const char **why);
/* Questions under way are answered CANNOT.  Not from inside of a callback. */
void		 asked_verify_close(struct asked_verify **);
/*
 * cb is called exactly once, perhaps before this returns; the password, which
 * is not empty, is borrowed until then.  Why it cannot be told is in the log,
 * without the user's name (people type passwords there), once a minute.
 */
void		 asked_verify_ask(struct asked_verify *, struct span user, struct span password, asked_verify_cb *, void *arg);
/*
 * The same without a password: SECRETS, NOBODY or CANNOT; with ASKED_BIND,
 * where nobody's secrets can be had, RIGHT says that the user is there.
 */
void		 asked_verify_known(struct asked_verify *, struct span user, asked_verify_cb *, void *arg);
/* Its server gives secrets, and does not look at passwords itself. */
bool		 asked_verify_has_secrets(const struct asked_verify *);

/* --- drivers */

/*
 * What a server gave for a key: rows of columns.  names may be NULL for one
 * column without a name.  A value whose p is NULL is not there (SQL's NULL).
 */
struct asked_rows {
	size_t			 nrows, ncolumns;
	const char *const	*names;		/* ncolumns */
	const struct span	*values;	/* nrows x ncolumns */
	int64_t			 ttl_ms;	/* dns: no longer than this; 0: not said */
};

struct asked_conn;	/* pool.c's; a driver's own state hangs on it */

struct asked_driver {
	const char	*name;
	/* Takes the policy's words apart, once for each table; NULL with *why (static). */
	void		*(*open)(const struct asked_source *, const char **why);
	void		 (*close)(void *table);
	/*
	 * Begins to connect; asked_conn_up() or asked_conn_down() says how it
	 * ended, also from inside of this.  The pool gives up after its own
	 * time.
	 */
	void		 (*connect)(void *table, struct asked_conn *);
	/* Asks for one key; asked_conn_answer() or asked_conn_down() ends it.  key is borrowed. */
	void		 (*ask)(struct asked_conn *, struct span key);
	/* The pool has given the connection up, or has heard that it is down: frees the state, where one was set. */
	void		 (*disconnect)(void *state);
	/* Answers come at once and keep no connection (dns): no back-off, connections are for free. */
	bool		 no_connection;
};

/* A driver's state of a connection, and of its table. */
void		 asked_conn_set(struct asked_conn *, void *state);
void		*asked_conn_get(const struct asked_conn *);
void		*asked_conn_table(const struct asked_conn *);
/* ASKED_BIND, in ask(): the password that goes with the key; borrowed until then. */
struct span	 asked_conn_password(const struct asked_conn *);
const struct asked_names *asked_conn_names(const struct asked_conn *);
void		 asked_conn_up(struct asked_conn *);
/* It could not be opened, or is lost, or is in an unknown state; why is copied.  A question under way is asked once more elsewhere. */
void		 asked_conn_down(struct asked_conn *, const char *why);
/* MAP_FOUND with rows (none: MAP_NONE), MAP_NONE, or MAP_LATER/MAP_BROKEN with why: the connection stays. */
void		 asked_conn_answer(struct asked_conn *, enum map_result, const struct asked_rows *, const char *why);

/* asked/driver_<name>.c, those that were built. */
#define READ(name)
#define MADE(name)
#define ASKED(name)	extern const struct asked_driver asked_driver_##name;
#define DRIVER(name, where, how, with, options, meaning) how(name)
#include "maps/drivers.def"
#undef DRIVER
#undef READ
#undef MADE
#undef ASKED

/* --- template.c: a text with {key}, {user}, {domain} */

struct asked_part {
	enum { ASKED_LITERAL, ASKED_KEY, ASKED_USER, ASKED_DOMAIN } is;
	struct span	text;		/* LITERAL; the template's memory */
};
#define ASKED_PARTS_MAX	32
struct asked_template {
	char			*text;
	size_t			 n;
	struct asked_part	 parts[ASKED_PARTS_MAX];
};
/* 0, or -1 with *why (static). */
int		 asked_template_init(struct asked_template *, struct span, const char **why);
void		 asked_template_clear(struct asked_template *);
/* What a part stands for with this key: user and domain are what is before and behind its last '@'. */
struct span	 asked_part_value(const struct asked_part *, struct span key);

#endif
