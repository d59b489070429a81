/*
 * service.h - what comes on one channel: HTTP_ASK (mta/msg/http.h), TLS_RESULT (mta/msg/tlsrpt.h).
 */
#ifndef WB_MTA_FETCH_SERVICE_H
#define WB_MTA_FETCH_SERVICE_H

#include "mta/fetch/reports.h"
#include "mta/fetch/transfer.h"

/* Serves what comes on fd, and takes it; secrets pass there.  reports: NULL where none are made; name: static. */
void	service_peer(struct transfers *, struct reports *, int fd, const char *name);

#endif
