/*
 * grant.h - what is said to an endpoint of OAuth 2: the request of a token (RFC
 * 6749, 4.4.2 and 6), with our name and secret as 2.3.1 wants them.
 */
#ifndef WB_MTA_CREDENTIALS_GRANT_H
#define WB_MTA_CREDENTIALS_GRANT_H

#include "mta/credentials/source.h"

/* Both buffers hold secrets: the caller wipes them. */
struct grant {
	struct buf	headers;	/* lines "Name: value\n" */
	struct buf	body;		/* application/x-www-form-urlencoded */
};

/* refresh: empty for client credentials. */
void	grant_write(struct grant *, const struct source *, struct span refresh);
void	grant_clear(struct grant *);	/* wipes */
/* The endpoint will not say anything else until somebody has changed something. */
bool	grant_is_refused(const char *error);

#endif
