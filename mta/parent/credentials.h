/*
 * credentials.h - the credentials process: whether it is wanted, and the files
 * of secrets that it alone is given.
 *
 * They are opened here and read there; when one changes the process is given
 * all of them anew, without a reload, and the queue is told.
 */
#ifndef WB_MTA_PARENT_CREDENTIALS_H
#define WB_MTA_PARENT_CREDENTIALS_H

#include "mta/parent/generation.h"

struct parent;

/* Some relay block has a login. */
bool	credentials_wanted(const struct generation *);
/* A login gets its tokens from an endpoint. */
bool	credentials_fetches(const struct generation *);
/* CONFIG_SECRET. */
void	credentials_send(const struct generation *, struct chan *);
/* Sum of the marks of these files. */
uint64_t	credentials_look(const struct generation *);

#endif
