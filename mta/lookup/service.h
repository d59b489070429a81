/*
 * service.h - the questions of smtp and route.
 */
#ifndef WB_MTA_LOOKUP_SERVICE_H
#define WB_MTA_LOOKUP_SERVICE_H

#include <sys/queue.h>

#include "mta/lookup/tables.h"

struct ask;

struct service {
	struct tables		*tables;	/* borrowed */
	TAILQ_HEAD(asks, ask)	 early;		/* of a generation that is not there yet */
	size_t			 nearly;
	uint64_t		 asked;		/* questions */
};

void	service_init(struct service *, struct tables *);
/* Serves a channel until it closes; takes fd. */
void	service_peer(struct service *, int fd, const char *name);
/* A generation has come: what waited for it is asked. */
void	service_generation(struct service *);

#endif
