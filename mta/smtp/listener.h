/*
 * listener.h - sockets that take connections.
 *
 * The parent has bound them and keeps them; a worker that is started again
 * gets the same ones, so that no connection in their queues is lost.
 */
#ifndef WB_MTA_SMTP_LISTENER_H
#define WB_MTA_SMTP_LISTENER_H

#include "base/loop.h"
#include "base/span.h"

struct server;
struct listener {
	struct listener	*next;
	struct server	*server;
	struct watch	 watch;
	struct timer	 pause;		/* out of descriptors, or too early: a moment of rest */
	int64_t		 early_until_ms;	/* boot time */
	int		 fd;
	uint32_t	 object;	/* its listen block */
};

/* Takes fd, watches it; object: its listen block in the image. */
struct listener	*listener_new(struct server *, int fd, uint32_t object);
/* All of the list: off the loop, closed, freed. */
void		 listeners_free(struct listener **);

#endif
