/*
 * relays.h - what relay says to fetch on one channel: STS_ASK, TLS_RESULT.
 */
#ifndef WB_MTA_FETCH_RELAYS_H
#define WB_MTA_FETCH_RELAYS_H

#include "mta/fetch/reports.h"
#include "mta/fetch/sts.h"

/* Serves what comes on fd, and takes it. */
void	relays_peer(struct sts *, struct reports *, int fd);

#endif
