/*
 * settings.h - the block `auth` of a policy.
 */
#ifndef WB_MTA_AUTH_SETTINGS_H
#define WB_MTA_AUTH_SETTINGS_H

#include "mta/auth/service.h"
#include "ruleset/image.h"

#define SLOWEST_MAX_MS	30000	/* who asks does not wait for ever */

/* A policy without the block has auth_settings_default. */
void	settings_read(const struct rs_image *, struct auth_settings *);
/*
 * Who verifies tokens, now: the same as before, another, or nobody.  What
 * cannot be served is logged.
 */
void	settings_tokens(const struct rs_image *, const struct asked_names *, struct tokens **);

#endif
