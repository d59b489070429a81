/*
 * socketmap.h - Postfix's socketmap protocol (socketmap_table(5)): octets in,
 * replies out.
 *
 * Request and reply are netstrings: the length in decimal, ':', so many
 * octets, ','.  A request is "NAME KEY", a reply one of
 *
 *   OK VALUE          NOTFOUND
 *   TEMP WHY          TIMEOUT WHY          PERM WHY
 */
#ifndef WB_MAPS_ASKED_SOCKETMAP_H
#define WB_MAPS_ASKED_SOCKETMAP_H

#include "base/buf.h"
#include "maps/map.h"

#define SOCKETMAP_REPLY_MAX	((1u << 20) + 16)	/* octets within a netstring */

struct socketmap_reply {
	enum map_result	 result;	/* FOUND, NONE, LATER or BROKEN */
	struct span	 text;		/* the value, or why; borrowed of what was parsed */
};

/* Adds a request. */
void	socketmap_request(struct buf *, struct span name, struct span key);
/*
 * What in begins with: 1 a reply of *used octets; 0 not all of one is there;
 * -1 this is no reply, *why (static) says it.
 */
int	socketmap_parse(struct span in, size_t *used, struct socketmap_reply *, const char **why);

#endif
