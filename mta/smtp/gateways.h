/*
 * gateways.h - addresses behind which strangers may stand, as the parent tells
 * them: a router's, a container bridge's.
 */
#ifndef WB_MTA_SMTP_GATEWAYS_H
#define WB_MTA_SMTP_GATEWAYS_H

#include "mta/msg/msg.h"
#include "mta/policy/policy.h"

struct gateways {
	struct ip	v[GATEWAYS_MAX];
	size_t		n;
};

/* Takes the whole list out of GATEWAYS; false: it cannot be read. */
bool	gateways_take(struct gateways *, struct msg *);
/* It may be a gateway's, and the policy does not trust it as it stands. */
bool	gateways_doubt(const struct gateways *, const struct policy *, const struct ip *);
/* A line in the log for each network of the policy that holds one. */
void	gateways_warn(const struct gateways *, const struct policy *);

#endif
