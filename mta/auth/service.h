/*
 * service.h - AUTH_VERIFY: hashes are computed on a few threads, and only so
 * many questions wait for them.
 */
#ifndef WB_MTA_AUTH_SERVICE_H
#define WB_MTA_AUTH_SERVICE_H

#include "base/pool.h"
#include "mta/auth/tables.h"

#define AUTH_WAITING_MAX	256	/* questions; another one: AUTH_CANNOT */

struct auth_service {
	struct pool		*pool;
	struct auth_tables	 tables;	/* of the newest configuration */
	struct chan		*(*parent)(void);	/* who has PAM asked; NULL: nobody */
	size_t			 waiting;
	int64_t			 complained_ms;	/* of a server's secrets; 0: not yet */
	uint64_t		 right, wrong, cannot, busy;
};

/* Serves a channel until it closes; takes fd. */
void	auth_service_peer(struct auth_service *, int fd, const char *name);

#endif
