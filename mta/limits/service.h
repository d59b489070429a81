/*
 * service.h - the questions of smtp and route.
 */
#ifndef WB_MTA_LIMITS_SERVICE_H
#define WB_MTA_LIMITS_SERVICE_H

#include "mta/limits/sessions.h"
#include "mta/limits/state.h"

struct service {
	struct state	*state;		/* borrowed */
	struct sessions	 sessions;
	uint64_t	 rates, over, greys, held, refused;
};

/* Serves a channel until it closes; takes fd. */
void	service_peer(struct service *, int fd, const char *name);

#endif
