/*
 * probe.h - `waybill route --probe`: relay tries a next hop for who asks on the
 * control socket.
 */
#ifndef WB_MTA_QUEUE_PROBE_H
#define WB_MTA_QUEUE_PROBE_H

#include "base/chan.h"

struct client;
struct queue;

/*
 * The client's answer comes from relay.  Only for root and the server's own user: a
 * hop's text says where a login goes.
 */
void	probe_ask(struct client *);
/* PROBED; false: nonsense. */
bool	probe_answered(struct queue *, struct msg *);
/* Relay has ended: who waits for it is told. */
void	probe_gone(struct queue *);

#endif
