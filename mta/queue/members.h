/*
 * members.h - the targets of a list, found by their addresses.
 *
 * A table of numbers only: the addresses lie in the message's targets, which
 * outlive it.  It grows and goes without touching them.
 */
#ifndef WB_MTA_QUEUE_MEMBERS_H
#define WB_MTA_QUEUE_MEMBERS_H

#include "mta/queue/index.h"

struct member_slot;
/* A zeroed struct is an empty table. */
struct members {
	struct member_slot	*slots;
	uint32_t		 n, cap;
};

/* The number of the target with this address, or -1. */
int64_t	 members_find(const struct members *, const struct message *, const struct envelope *, struct span address);
/* This target has this address (dest_address()). */
void	 members_add(struct members *, uint32_t dest, struct span address);
void	 members_clear(struct members *);

#endif
