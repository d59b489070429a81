/*
 * kept.h - refresh tokens that an endpoint has given in the place of older
 * ones (RFC 6749, 6): the older ones may not be used again, so these have to
 * outlive us.  A file for each in the spool's folder `credentials`, written
 * beside, synced and renamed before the access token is used.
 *
 * Its name is a digest of endpoint, client, login and the refresh token that the
 * administrator has given: with another one from him it begins anew.
 */
#ifndef WB_MTA_CREDENTIALS_KEPT_H
#define WB_MTA_CREDENTIALS_KEPT_H

#include "base/buf.h"

#define KEPT_NAME	65	/* hex digits of a digest, with NUL */

/* The name of what is kept for these, a NUL between. */
void	kept_name(struct span parts, char out[KEPT_NAME]);
/* Appends it; false: there is none. */
bool	kept_get(int folder, const char *name, struct buf *out);
/* false: it could not be written; said in the log. */
bool	kept_put(int folder, const char *name, struct span token);

#endif
