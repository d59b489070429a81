/*
 * url.h - the URLs that may be asked for: https, a host, a path (RFC 3986).
 *
 * Stricter than the RFC: no user, no fragment, nothing that is not printable
 * ASCII.
 */
#ifndef WB_MTA_FETCH_URL_H
#define WB_MTA_FETCH_URL_H

#include "base/ip.h"

#define URL_PORT	443
#define URL_HOST_MAX	253	/* octets of a name */

struct url {
	struct span	host;		/* as it stands there; without brackets */
	uint16_t	port;
	struct span	path;		/* from the first slash on, with the query; may be empty */
	struct ip	ip;		/* the host is an address; else none */
};

/* 0, spans into the text; or -1 with *why (static). */
int	url_parse(struct span text, struct url *, const char **why);

#endif
