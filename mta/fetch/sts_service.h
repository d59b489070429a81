/*
 * sts_service.h - STS_ASK of one channel (mta/msg/sts.h).
 */
#ifndef WB_MTA_FETCH_STS_SERVICE_H
#define WB_MTA_FETCH_STS_SERVICE_H

#include "mta/fetch/sts.h"

/* Those of a channel that are open. */
struct sts_asker;

/* Borrows the channel. */
struct sts_asker	*sts_asker_new(struct sts *, struct chan *);
/* The channel has gone: nobody waits any more. */
void			 sts_asker_free(struct sts_asker **);
/* STS_ASK; false: nonsense. */
bool			 sts_asker_message(struct sts_asker *, struct msg *);

#endif
