/*
 * admit.h - whether there is room for another session.
 */
#ifndef WB_MTA_SMTP_ADMIT_H
#define WB_MTA_SMTP_ADMIT_H

#include "mta/msg/limits.h"
#include "mta/smtp/origin.h"
#include "mta/smtp/session.h"

/*
 * A connection whose client is known becomes a session of this generation, or
 * is one too many.  Takes fd.
 */
void	admit_connection(struct server *, struct generation *, int fd,
	    const struct origin *, const struct door *);
/* The same for who is one too many; where TLS is first nothing is said. */
void	admit_turn_away(struct server *, int fd, const struct ip *,
	    const struct door *, enum limits_result why);

/* Whether the limits process counts for us; else it is this worker alone. */
bool	admit_counts(const struct server *);
/* Counts a new session, then greets it, now or later. */
void	admit_session(struct session *);
/*
 * The client, who was `was`, has become another (XCLIENT): counted anew, then
 * greeted, or one too many.
 */
void	admit_again(struct session *, const struct ip *was);
/* It ends: what was counted, here and there, is one less. */
void	admit_leave(struct session *);
/* The reply to who is one too many; logged.  out: NULL: he is told nothing. */
void	admit_refuse(struct server *, const struct ip *, enum limits_result why,
	    struct buf *out);

#endif
