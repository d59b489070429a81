/*
 * route.h - what the files of `waybill route` share.
 *
 * route.c: the question, rules, output; route_hop.c: what a hop's text and its
 * block say; route_probe.c: what the server finds there.
 */
#ifndef WB_MTA_CMD_ROUTE_H
#define WB_MTA_CMD_ROUTE_H

#include "base/buf.h"
#include "ruleset/image.h"

struct json;

/* --- route_hop.c */
/* Hosts in order, login, mechanisms, TLS; never a secret. */
void	route_hop_say(const struct rs_image *, struct span hop, struct buf *);
void	route_hop_json(const struct rs_image *, struct span hop, struct json *);

/* --- route_probe.c */
struct route_probe {
	const char	*spool, *from, *to;
	bool		 every;		/* all hosts, not only up to the first that serves */
	bool		 asked;		/* the server has said something */
	bool		 goes;		/* a message would */
	struct buf	 said;		/* for people */
	char		*json;		/* free() */
};

/*
 * Has the running server try a hop.  CMD_OK: it would go; CMD_NO: it would not, or the
 * server does not say it; EX_UNAVAILABLE: no server.  What went wrong is said.
 */
int	route_probe(struct route_probe *, struct span hop);
void	route_probe_clear(struct route_probe *);

#endif
