/*
 * servers.h - the lookup process as a child of the command: tables of servers
 * are really asked.
 *
 * waybill-lookup and, for names, waybill-resolve are started as the server
 * starts them, and end with us.  What a server answers that cannot be used, or
 * why it cannot be asked, they say on the standard error output.
 */
#ifndef WB_MTA_CMD_SERVERS_H
#define WB_MTA_CMD_SERVERS_H

#include "mta/policy/policy.h"

struct servers;
/*
 * Starts them when a table of the source's image is a server's, or made of
 * others: the map of this name, NULL: any; level: how much they say in the log.  The source's lookup is theirs then:
 * it answers before it returns.  NULL: nobody is needed.  fatal() when they
 * cannot be started.
 */
struct servers	*servers_start(struct policy_source *, const char *map, const char *level);
/* Behind policy_unref(). */
void		 servers_stop(struct servers **);

#endif
