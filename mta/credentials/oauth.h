/*
 * oauth.h - tokens in SASL: OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's).
 *
 * Both say a token at once.  A hop that does not take it says why in JSON, gets
 * a dummy response, and refuses then.
 */
#ifndef WB_MTA_CREDENTIALS_OAUTH_H
#define WB_MTA_CREDENTIALS_OAUTH_H

#include "mta/credentials/client.h"

#define OAUTH_SAID_MAX	64	/* octets of a hop's status that are kept */

struct oauth;

/* Copies; login and token have no control characters. */
struct oauth	*oauth_new(enum mech, const struct sasl_who *);
void		 oauth_free(struct oauth **);	/* wipes */
void		 oauth_first(const struct oauth *, struct buf *out);
/* The hop's JSON; the dummy response is appended. */
void		 oauth_error(struct oauth *, struct span json, struct buf *out);
/* Its "status", or "". */
const char	*oauth_said(const struct oauth *);

#endif
