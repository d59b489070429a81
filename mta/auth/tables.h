/*
 * tables.h - the accounts tables of a policy, as auth has them: who decides of
 * a user's password.
 */
#ifndef WB_MTA_AUTH_TABLES_H
#define WB_MTA_AUTH_TABLES_H

#include "mta/auth/accounts.h"

enum auth_way {
	AUTH_BY_FILE,		/* the secrets of a file */
	AUTH_BY_PAM,		/* the users of the system */
	AUTH_BY_OTHERS,		/* the first of other maps that has the user */
	AUTH_BY_NOBODY		/* this version verifies nobody in such a table */
};

struct auth_table {
	char		*name;		/* NULL: a map of another kind */
	enum auth_way	 way;
	struct accounts	*accounts;	/* BY_FILE; NULL: it cannot be read */
	struct map	*users;		/* BY_PAM: their names */
	uint32_t	*others;	/* BY_OTHERS: numbers of maps, ending with UINT32_MAX */
};

/* One for each map of the image. */
struct auth_tables {
	struct auth_table	*v;
	size_t			 n;
};

/*
 * Out of the image and the files by their number in its manifest (-1: not
 * there), which stay the caller's.  What cannot be read is logged.  -1 with
 * *why: the image cannot be read, and out is empty.
 */
int	 auth_tables_open(struct auth_tables *out, int image_fd, const int *files, size_t nfiles, const char **why);
void	 auth_tables_clear(struct auth_tables *);
/* How many accounts of files there are, for status. */
size_t	 auth_tables_size(const struct auth_tables *);

/* Who decides; borrowed until the tables are closed. */
struct auth_user {
	enum auth_way	 way;		/* BY_FILE or BY_PAM */
	struct span	 name;		/* BY_PAM: as the system writes it */
	struct span	 raw;		/* BY_FILE: his entry */
};
/* The user of the map called so; MAP_NONE: nobody has him, MAP_BROKEN: that cannot be told. */
enum map_result	 auth_tables_user(const struct auth_tables *, struct span map, struct span user, struct auth_user *);

#endif
