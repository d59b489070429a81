/*
 * space.h - whether the queue takes more mail (SPACE).
 *
 * Users: who has logged in, and programs of this machine.  Strangers are the
 * others.
 */
#ifndef WB_MTA_MSG_SPACE_H
#define WB_MTA_MSG_SPACE_H

#include "mta/msg/msg.h"

enum space_state {
	SPACE_OPEN,
	SPACE_FULL,	/* 452 4.3.1: disk or memory */
	SPACE_BUSY,	/* 452 4.3.2: as many messages as there may be */
	SPACE_NSTATES
};

struct space {
	uint8_t		strangers, users;	/* enum space_state */
	uint32_t	delay_ms;		/* before MAIL's answer */
};

#define SPACE_DELAY_MAX_MS	60000	/* what a worker believes */

void	space_put(struct chan *, const struct space *);
/* False: nonsense. */
bool	space_get(struct msg *, struct space *);
bool	space_eq(const struct space *, const struct space *);

#endif
