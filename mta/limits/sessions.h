/*
 * sessions.h - how many sessions there are, of all and of each client.
 *
 * A session belongs to the channel of the worker that has it, under a ticket
 * of that worker's; when the channel closes its sessions are gone.  Who a
 * client is says the worker: an IPv4 address, an IPv6 /64, or a user who has
 * logged in: the session of one is counted a second time under his name, and
 * not as one more of all.
 */
#ifndef WB_MTA_LIMITS_SESSIONS_H
#define WB_MTA_LIMITS_SESSIONS_H

#include "base/hash.h"
#include "mta/msg/limits.h"

struct sessions {
	struct htab	clients;	/* client -> its count */
	size_t		n;
};

/* Those of one channel.  Zeroed before first use. */
struct sessions_of {
	struct htab	by_ticket;
};

/* Counts one more, unless that is one too many.  A ticket that is held: OK. */
enum limits_result sessions_up(struct sessions *, struct sessions_of *,
	    uint64_t ticket, struct span client, uint32_t sessions_max,
	    uint32_t per_client_max);
/* A ticket that is not there is ignored. */
void	sessions_down(struct sessions *, struct sessions_of *, uint64_t ticket);
/* The channel is gone. */
void	sessions_drop(struct sessions *, struct sessions_of *);

#endif
