/*
 * servers.h - which name servers are asked: resolv.conf(5), or what was given.
 */
#ifndef WB_MTA_RESOLVE_SERVERS_H
#define WB_MTA_RESOLVE_SERVERS_H

#include "base/span.h"

#define SERVERS_MAX	8
#define SERVER_TEXT_MAX	64

struct servers {
	size_t	n;
	char	at[SERVERS_MAX][SERVER_TEXT_MAX];	/* "ADDRESS[@PORT]", NUL */
};

/* "ADDRESS[@PORT]", several by comma; false: one of them is no address. */
bool	servers_parse(struct span, struct servers *);
/*
 * The `nameserver` lines of resolv.conf.  Without any it is this machine, as
 * that page says; never the root servers by ourselves.
 */
void	servers_resolv_conf(struct span text, struct servers *);

#endif
