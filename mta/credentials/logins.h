/*
 * logins.h - LOGIN_BEGIN to LOGIN_END: one login after the other, many at once.
 *
 * A login looks up what its block says, chooses a mechanism, gets the secret
 * (from a file, a table, an endpoint), waits its turn where nobody knows yet
 * whether it is right, and answers what the hop says until it is in or out.
 */
#ifndef WB_MTA_CREDENTIALS_LOGINS_H
#define WB_MTA_CREDENTIALS_LOGINS_H

#include "base/chan.h"
#include "mta/credentials/source.h"
#include "mta/credentials/tokens.h"

struct policy;
struct logins;

#define LOGINS_MAX	4000	/* under way; more are LATER */

struct logins_counts {
	uint64_t	begun, good, refused, later, unfit;
	size_t		open;
};

/* tokens is borrowed. */
struct logins	*logins_new(struct tokens *);
void		 logins_free(struct logins **);
/* Relay's channel, new or again; takes fd.  Logins under way are forgotten. */
void		 logins_attach(struct logins *, int fd);
/* A newer configuration; both taken.  policy: NULL when no block has an expression. */
void		 logins_renew(struct logins *, struct sources *, struct policy *);
const struct logins_counts *logins_counts(const struct logins *);

#endif
