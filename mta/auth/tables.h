/*
 * tables.h - the accounts tables of a policy, by name, as auth has them.
 */
#ifndef WB_MTA_AUTH_TABLES_H
#define WB_MTA_AUTH_TABLES_H

#include "mta/auth/accounts.h"

enum auth_way {
	AUTH_BY_FILE,		/* the secrets of a file */
	AUTH_BY_PAM,		/* the users of the system */
	AUTH_BY_NOBODY		/* this version verifies nobody in such a table */
};

struct auth_table {
	char		*name;
	enum auth_way	 way;
	struct accounts	*accounts;	/* BY_FILE; NULL: it cannot be read */
};

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
/* NULL: no map of accounts is called so. */
const struct auth_table *auth_tables_find(const struct auth_tables *, struct span name);

#endif
