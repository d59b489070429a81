/*
 * dial.h - the beginning of a connection to a next hop: socket, source address,
 * connect().
 */
#ifndef WB_MTA_RELAY_DIAL_H
#define WB_MTA_RELAY_DIAL_H

#include "mta/relay/hops.h"

#define DIAL_TOLD_MS	60000	/* a source that cannot be used has a line of the log so often */

enum dial_result {
	DIAL_BEGUN,	/* connect() is under way or done */
	DIAL_FAILED,	/* the address cannot be reached */
	DIAL_OURS	/* no fault of the address: no descriptor, no such source here */
};

/*
 * Begins to connect, without waiting; from the source of the address's way, if
 * that has one.  DIAL_BEGUN: *fd is the caller's; else *why says why, a 4yz.  A
 * local socket is connected at once, or not: EAGAIN says that too many wait
 * there.
 */
enum dial_result dial(const struct hop_addr *, int *fd, struct outcome *why);

#endif
