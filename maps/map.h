/*
 * map.h - one face for every table.
 *
 * Others ask here what a table says of a key, and never learn whether a text
 * file, a database or the image answered.  Drivers are driver_<name>.c, named
 * once in drivers.def; kinds give keys and values their meaning:
 * kind_<name>.c, kinds.def.
 *
 * Owns: open tables.  Borrows: the key.  Answers are borrowed until the map is
 * closed.  A file is read whole when opened, databases too; a new file is a new
 * map, opened beside, and the old one serves until then.  Tables that servers
 * have are maps/asked/.
 */
#ifndef WB_MAPS_MAP_H
#define WB_MAPS_MAP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"

struct map;

enum map_result {
	MAP_FOUND,	/* out holds the value */
	MAP_NONE,	/* the table has answered: no such key */
	MAP_LATER,	/* could not be asked just now: defer, 451 4.3.0 */
	MAP_BROKEN,	/* will not answer before someone mends it: 451 too */
	MAP_WAIT	/* of map_look(): it is being asked; look again when the answer is there */
};

/* How near a key is to the address that was asked; the least is taken. */
enum map_rank {
	MAP_EXACT,		/* the whole address */
	MAP_LOCAL,		/* its local part alone: an alias */
	MAP_DETAIL,		/* without the detail, or with any */
	MAP_PATTERN,		/* any user of the domain, with a detail */
	MAP_CATCH_ALL		/* any user of the domain */
};

struct map_answer {
	struct span	key;	/* the table's key that matched */
	struct span	value;	/* as in the table; of accounts: never a secret */
	uint32_t	line;	/* of the table; 0: none */
	enum map_rank	rank;	/* of addresses */
	bool		filled;	/* value has parts of what was asked in it */
};

enum map_role { MAP_CONNECT, MAP_FROM, MAP_TO };	/* as enum rs_role */

/* What is asked of a table; borrowed. */
enum map_ask {
	MAP_ASK_KEY,		/* exactly this key */
	MAP_ASK_ADDRESS,	/* an address, as the kind looks for one */
	MAP_ASK_DOMAIN,		/* a domain, as the kind looks for one */
	MAP_ASK_ACCESS_IP,	/* of an access table, for role */
	MAP_ASK_ACCESS_HOST,
	MAP_ASK_ACCESS_ADDRESS
};
struct map_question {
	enum map_ask	ask;
	enum map_role	role;
	struct span	key;		/* text, address, domain or host name */
	size_t		at;		/* of an address: its '@', or key.n */
	struct span	detail_chars;	/* addresses: what divides user and detail */
	struct ip	ip;		/* ACCESS_IP */
};

/* A mistake in a table: file:line:column, what, how to mend it. */
struct map_problem {
	uint32_t	file;	/* 0: the table; n: the n-th included file */
	uint32_t	line, column;
	const char	*what;
	bool		warning;	/* the entry is passed over, and that is safe */
	bool		note;		/* it is as meant here; another server does not */
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
	int		fd;		/* FILE drivers, passwd: read and left open (the caller's) */
	const char	*path;		/* of fd: for messages, and the folder of relative includes */
	struct span	host;		/* our own name, whose users generics may name without it */
	const struct span *entries;	/* inline: key, value, ... */
	size_t		nentries;	/* pairs */
	bool		notes;		/* tell also what other servers do with an entry that nobody wants */
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
/* Whether it is a driver that reads its file whole (READ of drivers.def). */
bool		 map_driver_reads(struct span driver);
/* Adds a line of the table, as `with map M["key"] = "value"` of a test does; copied. It takes the place of an entry with that key. */
void		 map_add(struct map *, struct span key, struct span value);
size_t		 map_size(const struct map *);
/* It could not be read, and answers MAP_BROKEN to all. */
bool		 map_is_broken(const struct map *);
/* It is asked of a server, and says only what was added. */
bool		 map_is_declared(const struct map *);
struct span	 map_kind(const struct map *);

/*
 * A look-up.  Keys are folded; an address is looked for as the kind says, the
 * exact before the general: aliases whole address, user+detail, user+*, user; virtusers
 * whole address, user++@, user+*@, user@, ++@, +*@, @domain; generics whole
 * address, user+*@, user@, and for our own host user; moved whole address,
 * user@domain, user+detail, user, @domain.  Of domains, routes ask
 * host, .parent, ., others the domain.  A table of patterns is asked for the
 * whole key only.
 *
 * Where a server has the table, find() says what it has said of one key:
 * MAP_WAIT when that is not known yet.  The look-up ends with that then, and is
 * made again, from its beginning, when the answer is there: so kinds know
 * nothing of waiting.  Answers lie in the map, in what find() gave, or in the
 * arena.
 */
struct map_look {
	const struct map	*map;
	struct arena		*arena;	/* for what is put together */
	enum map_result		(*find)(void *ctx, struct span key, struct map_answer *out);	/* NULL: the map has all */
	void			*ctx;
};
enum map_result	 map_look(struct map_look *, const struct map_question *, struct map_answer *out);

/* Whether these octets are the map's own: there until it is closed. */
bool		 map_holds(const struct map *, struct span);

/* The same of a map that has all, one for each way to ask; without captures of patterns. */
enum map_result	 map_get(const struct map *, struct span key, struct map_answer *out);
enum map_result	 map_get_address(const struct map *, struct span whole, size_t at, struct span detail_chars, struct map_answer *out);
enum map_result	 map_get_domain(const struct map *, struct span domain, struct map_answer *out);

/*
 * access: a line for an address (whole, then prefixes), a host name (then the
 * domains above it), a mailbox (exactly, then user@, then its domain; <> is
 * whole.n == 0).  At each step the key with its tag (Connect:, From:, To:)
 * comes before the same without.  Other kinds: MAP_BROKEN.
 */
enum map_result	 map_access_ip(const struct map *, enum map_role, const struct ip *, struct map_answer *out);
enum map_result	 map_access_host(const struct map *, enum map_role, struct span name, struct map_answer *out);
enum map_result	 map_access_address(const struct map *, enum map_role, struct span whole, size_t at, struct span detail_chars, struct map_answer *out);

/* Whether host names can matter: a key for clients that is no address. */
bool		 map_access_has_names(const struct map *);

/*
 * A refusal as tables write it: `5.1.6:551 text`, `551 5.1.6 text`,
 * `551 text`, `nouser text`; in quotes or not.  Spans lie in the text, or are
 * static.
 */
struct map_refusal {
	uint16_t	code;		/* 4xx or 5xx */
	struct span	status;		/* of the code's class */
	struct span	text;		/* may be empty */
};
/* A mistake in a value: what, and where in it. */
struct map_fault {
	const char	*at, *what;
};
int		 map_refusal_parse(struct span, struct map_refusal *, struct map_fault *);

/* access: the right side. */
enum map_access_kind {
	MAP_ACCESS_OK, MAP_ACCESS_RELAY, MAP_ACCESS_SKIP, MAP_ACCESS_REJECT,
	MAP_ACCESS_DISCARD, MAP_ACCESS_QUARANTINE
};
struct map_access {
	enum map_access_kind	kind;
	struct map_refusal	refusal;	/* REJECT; the code may be 4xx */
	struct span		why;		/* QUARANTINE; may be empty */
};
int		 map_access_parse(struct span value, struct map_access *, struct map_fault *);

/* routes: the right side. */
enum map_route_kind {
	MAP_ROUTE_HOP, MAP_ROUTE_LOCAL, MAP_ROUTE_ERROR, MAP_ROUTE_DISCARD
};
#define MAP_ROUTE_HOSTS_MAX	8
struct map_route {
	enum map_route_kind	kind;
	struct span		host;		/* HOP; without its brackets */
	bool			exactly;	/* it stood in brackets: no MX */
	uint16_t		port;		/* 0: not said */
	struct span		more;		/* HOP: the hosts to try after this one, by ':'; empty: none */
	struct span		user;		/* LOCAL: whose mail it is; may be empty */
	struct map_refusal	refusal;	/* ERROR */
};
int		 map_route_parse(struct span value, struct map_route *, struct map_fault *);
/* The next host of one that has more (MAP_ROUTE_HOP). */
struct map_route map_route_next(const struct map_route *);
/* The value with %1 (what the key's leading dot stands for) put in; in the arena when there was one. */
struct span	 map_route_fill(const struct map_answer *, struct span domain, struct arena *);

/*
 * virtusers: the right side for this address, %0 to %9 put in: a refusal
 * (1), or a list for map_alias_members() (0), in the arena.
 */
int		 map_virtuser_fill(const struct map_answer *, struct span whole, size_t at, struct span detail_chars, struct arena *, struct span *list, struct map_refusal *);

/* generics: the address for this one: %1 put in, our domain behind a bare user. */
struct span	 map_generic_fill(const struct map_answer *, struct span whole, size_t at, struct span detail_chars, struct arena *);

/*
 * aliases: a member of the right side (RFC 5322-like list, quotes).  Borrowed
 * until the callback returns.
 */
enum alias_item {
	ALIAS_ADDRESS,	/* a local part or an address, as it stands there */
	ALIAS_MAILBOX,	/* `\user`: the same, and no table has more to say of it */
	ALIAS_COMMAND,	/* `|command`, without the bar, quotes and backslashes */
	ALIAS_FILE,	/* `/file`, the same */
	ALIAS_BAD,	/* none that can be read, why says so; the others hold */
	ALIAS_INCLUDE	/* never handed out: the members of the file are */
};
struct alias_member {
	enum alias_item	 kind;
	struct span	 text;	/* of BAD as it stands there */
	const char	*why;	/* BAD; static */
	const char	*file;	/* that was included; NULL: the table itself */
	uint32_t	 line;	/* of that file; of the table the answer has it */
};
typedef void alias_cb(void *arg, const struct alias_member *);
/*
 * Members of value, those of included files too (read when the map was
 * opened), at most 100,000.  0, or -1 with *why (static): there are more, or
 * none at all; some may have been handed out then.  file lasts as the map.
 */
int		 map_alias_members(const struct map *, struct span value, alias_cb *, void *arg, const char **why);

/*
 * The same one after the other, for who stops or pauses between two: the walk
 * is data, in the caller's storage.  value is borrowed while it lasts, and so
 * is text, which lies in the table or in value; of COMMAND and FILE it may lie
 * in the scratch.
 */
#define MAP_MEMBERS_MAX		100000	/* of a list, those of included files counted */
#define MAP_INCLUDE_DEPTH	16
struct map_include;
struct map_members {
	const struct map	*m;
	struct map_members_in {
		const struct map_include *file;	/* NULL: value */
		struct span	 left;
		size_t		 pos;		/* behind left, in the file */
		uint32_t	 line;
	}			 within[MAP_INCLUDE_DEPTH + 1];
	unsigned		 depth;
	size_t			 n, files;	/* so far */
	const char		*file;		/* included, that has the last member; NULL: the table */
	const char		*why;		/* of ALIAS_BAD; static */
};
enum map_members_result {
	MAP_MEMBERS_ITEM,
	MAP_MEMBERS_END,
	MAP_MEMBERS_EMPTY,	/* not one: defer */
	MAP_MEMBERS_MANY	/* more than MAP_MEMBERS_MAX */
};
void		 map_members_begin(struct map_members *, const struct map *, struct span value);
/* The next member.  scratch is reset for each. */
enum map_members_result map_members_next(struct map_members *, struct arena *scratch, enum alias_item *, struct span *text, uint32_t *line);

/*
 * All entries that can be read, in the order of the table (a database has an
 * order of its own).  0, or -1: the table cannot be read to its end.
 */
typedef void map_walk_cb(void *arg, const struct map_answer *);
int		 map_walk(const struct map *, map_walk_cb *, void *arg);
/*
 * Writes a database of all entries, beside and renamed.  0, or -1 with *why
 * (static), or with errno where *why is NULL.  A table with mistakes is not
 * built, and accounts never are: a database keeps no secret apart.
 */
struct map_building {
	struct span	 format;	/* gdbm, cdb, lmdb; hash and btree where libdb is there */
	const char	*path;
	unsigned	 mode, uid, gid; /* of the file; UINT32_MAX: our own */
	/* Now and then; NULL: not told. */
	void		(*progress)(void *arg, size_t done, size_t all);
	void		*arg;
};
int		 map_build(const struct map *, const struct map_building *, const char **why);
/*
 * Of a driver that reads databases: what stands behind the text's name in
 * theirs, as ".gdbm"; NULL of any other driver.
 */
const char	*map_driver_suffix(struct span driver);
/* The driver that reads this database, by its octets; NULL: it is none. */
const char	*map_database_driver(int fd);
/* What kind of table a database was built as; false: fd is none of ours. */
bool		 map_database_kind(int fd, struct arena *ar, struct span *kind);
/* It is a database, not a text. */
bool		 map_is_database(const struct map *);

#endif
