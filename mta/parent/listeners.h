/*
 * listeners.h - the listening sockets of the policy's `listen` blocks.
 *
 * Each smtp worker has a socket of its own for each address (SO_REUSEPORT),
 * which the parent keeps: a new worker goes on with what waits in it.  On a
 * reload an address that is still wanted keeps its sockets.  Sockets in the
 * file system (local_socket.h) are shared by all workers.
 */
#ifndef WB_MTA_PARENT_LISTENERS_H
#define WB_MTA_PARENT_LISTENERS_H

#include "base/chan.h"
#include "base/ip.h"
#include "ruleset/image.h"

struct listener;
struct listeners {
	struct listener	*l;
	size_t		 n;
	unsigned	 workers;	/* sockets for each address */
};

/*
 * Opens what the image wants and closes what it no longer wants.  0, or -1
 * with *why (free it) when one address cannot be had: then nothing changes.
 */
int	listeners_set(struct listeners *, const struct rs_image *, char **why);
/* CONFIG_LISTENER for each address, with that worker's sockets. */
void	listeners_send(const struct listeners *, struct chan *, uint32_t generation, uint32_t worker);
void	listeners_close(struct listeners *);

/* "*:25" (out: IPv4 and IPv6), "192.0.2.1:25", "[2001:db8::1]:25"; 0: not an address. */
unsigned	listeners_parse(struct span, struct ip out[2], uint16_t *port);

#endif
