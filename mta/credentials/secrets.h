/*
 * secrets.h - what stands in a file of secrets.
 *
 * One secret: the first line.  Or one for each login: lines `login: secret`,
 * empty ones and those that begin with # apart.  Strict in nothing: an
 * administrator writes it, and what is no such line names no login.
 */
#ifndef WB_MTA_CREDENTIALS_SECRETS_H
#define WB_MTA_CREDENTIALS_SECRETS_H

#include "base/span.h"

#define SECRETS_FILE_MAX	(4u << 20)	/* octets of a file */

/* The first line, without its end; empty: there is none. */
struct span	secrets_first(struct span file);
/* The secret of this login; false: no line has it.  The first one counts. */
bool		secrets_of(struct span file, struct span login, struct span *out);
/* Of a file that is the one or the other: the login's line, or else a first line that is no such line. */
struct span	secrets_either(struct span file, struct span login);

#endif
