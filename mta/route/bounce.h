/*
 * bounce.h - `on bounce`: what becomes of a notification that the queue is
 * about to write.
 */
#ifndef WB_MTA_ROUTE_BOUNCE_H
#define WB_MTA_ROUTE_BOUNCE_H

#include "base/chan.h"
#include "mta/policy/policy.h"

/*
 * A BOUNCE_ASK of the queue, answered on its channel now or later.  policy
 * NULL: there is none yet, and the notification is written as ever.  False:
 * the message makes no sense.
 */
bool	bounce_asked(struct chan *queue, struct policy *, struct msg *);
/* The channel has gone: nobody waits for the answers. */
void	bounces_drop(void);

#endif
