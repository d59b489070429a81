/*
 * forward.h - forward files for the routings: FORWARD_WANTED, FORWARDED.
 *
 * That there is none is remembered for a few seconds, so that ordinary mail to
 * users without such a file asks once in a while only.
 */
#ifndef WB_MTA_ROUTE_FORWARD_H
#define WB_MTA_ROUTE_FORWARD_H

#include "base/buf.h"
#include "base/chan.h"
#include "mta/policy/policy.h"

/* The channel to the queue; NULL: it has gone, and with it what was asked. */
void			 forward_queue(struct chan *);
/* FORWARDED; false: nonsense. */
bool			 forward_message(struct msg *);
struct policy_forward	 forward_reader(void);
/* "\"forwards\":..." */
void			 forward_stats(struct buf *);

#endif
