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
/* The image in octets and opened, both borrowed.  fatal() when it cannot be done. */
struct servers	*servers_start(struct span octets, const struct rs_image *, const char *libexec);
void		 servers_stop(struct servers **);
/* For policy_open(), with this generation. */
#define SERVERS_GENERATION	1
struct policy_lookup servers_lookup(struct servers *);
/* Runs the loop until *done, or until nobody can answer any more: false. */
bool		 servers_wait(struct servers *, const bool *done);

#endif
