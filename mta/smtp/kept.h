/*
 * kept.h - that the rules want mail kept for the administrator, and why.
 *
 * `quarantine` and `hold` in `on connect` or `on helo` are the session's and
 * hold for each of its messages; later ones are the message's.  It is accepted,
 * and the queue keeps it (mta/queue/kept.h).
 */
#ifndef WB_MTA_SMTP_KEPT_H
#define WB_MTA_SMTP_KEPT_H

#include "base/span.h"

struct decision;
struct session;

struct smtp_kept {
	unsigned	how;		/* enum attr_kept */
	size_t		n;
	char		why[];
};

/* The caller frees it; NULL of NULL. */
struct smtp_kept *smtp_kept_copy(const struct smtp_kept *);
struct span	 smtp_kept_why(const struct smtp_kept *);
/*
 * What a decision says of it is noted.  Quarantine is more than hold; the
 * first of the same is kept, whose reason is told.
 */
void		 smtp_keep(struct session *, const struct decision *);

#endif
