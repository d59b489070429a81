/*
 * tables.h - the accounts tables of a policy, as auth has them: who decides of
 * a user's password.
 */
#ifndef WB_MTA_AUTH_TABLES_H
#define WB_MTA_AUTH_TABLES_H

#include "base/arena.h"
#include "maps/asked/asked.h"
#include "mta/auth/accounts.h"
#include "ruleset/image.h"

enum auth_way {
	AUTH_BY_FILE,		/* the secrets of a file */
	AUTH_BY_PAM,		/* the users of the system */
	AUTH_BY_SERVER,		/* the secrets that a server has, or its word */
	AUTH_BY_OTHERS,		/* the first of other maps that has the user */
	AUTH_BY_NOBODY		/* this version verifies nobody in such a table */
};

struct auth_table {
	char		*name;		/* NULL: a map of another kind */
	char		*driver;
	enum auth_way	 way;
	struct accounts	*accounts;	/* BY_FILE; NULL: it cannot be read */
	struct map	*users;		/* BY_PAM: their names */
	struct asked_verify *server;	/* BY_SERVER; NULL: it cannot be asked */
	uint32_t	*others;	/* BY_OTHERS: numbers of maps, ending with UINT32_MAX */
};

/* One for each map of the image. */
struct auth_tables {
	struct auth_table	*v;
	size_t			 n;
};

/* What the tables are opened with; borrowed until auth_tables_open() returns. */
struct auth_sources {
	const struct rs_image	*image;
	const int		*files;		/* by number in its manifest; -1: not there */
	size_t			 nfiles;
	const struct asked_names *names;	/* for servers, for good; NULL: none is asked */
	struct span		 (*secret)(void *arg, uint32_t object);	/* of `password file`; or NULL */
	void			*arg;
};
/*
 * What cannot be opened is logged.  Of a file that is the same as before, or
 * that cannot be taken, is taken over what old has.
 */
void	 auth_tables_open(struct auth_tables *out, const struct auth_sources *, struct auth_tables *old);
/* Questions to servers are answered that it cannot be told. */
void	 auth_tables_clear(struct auth_tables *);
/* How many accounts of files there are, for status. */
size_t	 auth_tables_size(const struct auth_tables *);

/* Who decides; borrowed until the tables are closed. */
struct auth_user {
	enum auth_way	 way;		/* BY_FILE, BY_PAM or BY_SERVER */
	struct span	 name;		/* BY_PAM: as the system writes it */
	struct span	 raw;		/* BY_FILE: his entry */
	struct asked_verify *server;	/* BY_SERVER, which may not have him: */
	size_t		 next;		/* from here on it is to be asked then */
};
/*
 * The user of the maps called so (auth_next_map()), in their tables from `from` on (0: all); NONE:
 * nobody has him, BROKEN: that cannot be told.
 */
enum map_result	 auth_tables_user(const struct auth_tables *, struct span maps, struct span user, size_t from, struct auth_user *);
/*
 * Who stands for a user whom none of the maps has, so that it takes as long to
 * say so as to say that a password is wrong: number says which.  BY_FILE with
 * an entry or none, or BY_PAM with a name that no system has.  hash: an entry
 * with such a SCRAM secret.
 */
void		 auth_tables_stand_in(const struct auth_tables *, struct span maps, uint64_t number, const enum auth_hash *hash, struct auth_user *);
/* Of one map of accounts. */
struct auth_offers auth_tables_offers(const struct auth_tables *, uint32_t map);

#endif
