/*
 * fetch.h - what the fetch process is given: the file of the authorities.
 */
#ifndef WB_MTA_PARENT_FETCH_H
#define WB_MTA_PARENT_FETCH_H

#include "mta/parent/generation.h"

/* CONFIG_AUTHORITIES: opened here, read there. */
void	fetch_send_config(const struct generation *, struct chan *);
/* Whether this instance belongs there: the one for tokens only where the policy gets some. */
bool	fetch_wanted(const struct generation *, uint32_t instance);

#endif
