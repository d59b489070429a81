/*
 * accounts.h - an accounts file with its secrets, in memory: for the process
 * that verifies, and for nobody else.
 *
 * Owns: a copy of the entries, wiped when it is closed.
 */
#ifndef WB_MTA_AUTH_ACCOUNTS_H
#define WB_MTA_AUTH_ACCOUNTS_H

#include "maps/map.h"
#include "mta/msg/auth.h"

struct accounts;

/* Reads fd, which stays the caller's; NULL with *why (static). */
struct accounts	*accounts_open(int fd, const char **why);
void		 accounts_close(struct accounts **);
size_t		 accounts_size(const struct accounts *);
/*
 * It may take the place of another: no entry has a mistake, and the file is
 * not one without an octet, as they are while somebody writes them anew.
 */
bool		 accounts_whole(const struct accounts *);
/* fd is the file that it was read from, as it was then. */
bool		 accounts_of(const struct accounts *, int fd);
/*
 * The logical line of a user, borrowed; MAP_BROKEN: he may be one of those
 * that cannot be read.
 */
enum map_result	 accounts_find(const struct accounts *, struct span name, struct span *raw);

/* Mechanisms that make sense for its accounts (mta/msg/auth.h). */
struct auth_offers accounts_offers(const struct accounts *);
/*
 * An account that stands for one that is not there, always the same for the
 * same number: which takes as long to verify, or where hash is not NULL whose
 * SCRAM secret has the usual form.  Empty: there is none.
 */
struct span	 accounts_stand_in(const struct accounts *, uint64_t number, const enum auth_hash *hash);

#endif
