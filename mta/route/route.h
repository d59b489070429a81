/*
 * route.h - requests of the queue, routed under the policy that holds now.
 */
#ifndef WB_MTA_ROUTE_ROUTE_H
#define WB_MTA_ROUTE_ROUTE_H

#include "base/buf.h"

#include "mta/child/child.h"
#include "mta/policy/policy.h"

/* A new channel to the queue (fd is taken); what the old one had asked is dropped. */
void	route_queue(int fd);
/* A new configuration: what is asked from now on is routed by it. */
bool	route_config(struct child_config *, const struct policy_dns *);
/* Whom rates, the greylist and tables of servers are asked of (borrowed); before route_config(). */
void	route_asks(struct limits_client *, struct lookup_client *);
/* Whether each routing's decision record goes to the log (else no). */
void	route_records(bool);
/* For `status`. */
void	route_stats(struct buf *);
/* Gives up what is under way, and the policy. */
void	route_end(void);

#endif
