/*
 * accounts.h - an accounts file with its secrets, in memory: for the process
 * that verifies, and for nobody else.
 *
 * Owns: a copy of the entries, wiped when it is closed.
 */
#ifndef WB_MTA_AUTH_ACCOUNTS_H
#define WB_MTA_AUTH_ACCOUNTS_H

#include "maps/account.h"
#include "maps/map.h"
#include "mta/msg/auth.h"

struct accounts;

/* Reads fd, which stays the caller's; NULL with *why (static). */
struct accounts	*accounts_open(int fd, const char **why);
void		 accounts_close(struct accounts **);
size_t		 accounts_size(const struct accounts *);
/*
 * The logical line of a user, borrowed; MAP_BROKEN: he may be one of those
 * that cannot be read.
 */
enum map_result	 accounts_find(const struct accounts *, struct span name, struct span *raw);

/*
 * Is it one of the user's passwords?  raw: his logical line; empty: there is
 * no such user, which takes as long and is AUTH_WRONG.  May run on any thread.
 */
void		 account_verify(struct span raw, struct span password, struct auth_verdict *);
/*
 * The same of secrets that did not come out of a file; n 0: nobody.  why
 * (static): of CANNOT, what is wrong with one of them, else NULL.
 */
struct account_secrets {
	struct span	 app;		/* empty: of the account itself; at most ACCOUNT_WORD_MAX */
	struct span	 text;		/* {SCHEME}secret ..., `x` or nothing */
};
void		 account_verify_secrets(const struct account_secrets *, size_t n, struct span password, struct auth_verdict *, const char **why);

#endif
