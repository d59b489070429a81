/*
 * service.h - HTTP_ASK of one channel (mta/msg/http.h).
 */
#ifndef WB_MTA_FETCH_SERVICE_H
#define WB_MTA_FETCH_SERVICE_H

#include "mta/fetch/transfer.h"

/* Serves what comes on fd, and takes it; secrets pass there.  name: static. */
void	service_peer(struct transfers *, int fd, const char *name);

#endif
