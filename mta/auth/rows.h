/*
 * rows.h - what a server gave as the secrets of an account.
 *
 * A row is a list of secrets, as it stands in an accounts file; with two
 * columns the first is the name of an app.  A hash of crypt(3) without a
 * scheme is {CRYPT}.
 */
#ifndef WB_MTA_AUTH_ROWS_H
#define WB_MTA_AUTH_ROWS_H

#include "base/buf.h"
#include "maps/asked/asked.h"
#include "mta/auth/proof.h"

#define ROWS_MAX	(1 + ACCOUNT_APPS_MAX)
#define ROWS_OCTETS_MAX	(64u << 10)

struct auth_rows {
	size_t			 n;
	struct account_secrets	 v[ROWS_MAX];
	struct buf		 octets;
};

/* Copies them; 0, or -1 with *why (static), and it is empty. */
int	auth_rows_take(struct auth_rows *, const struct asked_rows *, const char **why);
/* Wipes them. */
void	auth_rows_clear(struct auth_rows *);

#endif
