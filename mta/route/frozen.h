/*
 * frozen.h - what the envelope says of the session, as facts.
 */
#ifndef WB_MTA_ROUTE_FROZEN_H
#define WB_MTA_ROUTE_FROZEN_H

#include "mta/policy/policy.h"
#include "mta/spool/envelope.h"

/*
 * Fills facts, names (policy_names_free() them) and tags included; all else is
 * borrowed from the envelope and the arena.
 */
void	frozen_facts(struct policy *, const struct envelope *, uint32_t attempts, struct arena *, struct policy_facts *);

#endif
