/*
 * move.h - which failures go to the next host at once (`move on`), and what a
 * message remembers of the hosts that it has been to.
 */
#ifndef WB_MTA_RELAY_MOVE_H
#define WB_MTA_RELAY_MOVE_H

#include "mta/relay/hops.h"
#include "mta/relay/job.h"

/* What kind of failure kept a session from coming about: one of enum relay_move; 0: none of them. */
unsigned	move_of(const struct outcome *);
/*
 * A host has answered: the recipients whose failures are in moves (enum
 * relay_move) have no result any more, and are to go to the next host.  false:
 * there are none.
 */
bool		move_begin(struct job *, unsigned moves);
/* The job has been to this host. */
void		move_note(struct job *, const struct hop_addr *);
bool		move_was_there(const struct job *, const struct hop_addr *);
/*
 * All is over: of two failures of a recipient the one that may mend counts,
 * else the later one; who was sent nowhere has his first again.
 */
void		move_end(struct job *);

#endif
