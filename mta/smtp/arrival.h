/*
 * arrival.h - a connection before it is a session: whose is it?
 *
 * What comes from a proxy (`proxy` of the listener) must begin with a PROXY
 * header (proxy.h).  Until that is whole nothing is said and nothing else is
 * read: exactly its octets are taken out of the socket.  Then the connection
 * is counted, and becomes a session, under the address that it tells.  A
 * header that is wrong, or not there in time, closes the connection.
 *
 * Owns: the descriptor until then; a reference to the generation.
 */
#ifndef WB_MTA_SMTP_ARRIVAL_H
#define WB_MTA_SMTP_ARRIVAL_H

#include "mta/smtp/origin.h"

#define ARRIVAL_MS	10000	/* for the header; 2 of the protocol's page asks for 3 s or more */

struct arrival;
struct door;
struct server;

/* A connection has been accepted by a listener of the newest generation; takes fd. */
void	arrival_take(struct server *, int fd, const struct origin *,
	    const struct door *);
/* Those that still wait for their header are closed. */
void	arrivals_free(struct server *);

#endif
