/*
 * groups.h - counts of messages and recipients by what they have in common.
 *
 * Memory is bounded: what comes when there are GROUPS_MAX groups already and
 * belongs to none of them is counted together.
 */
#ifndef WB_MTA_QUEUE_GROUPS_H
#define WB_MTA_QUEUE_GROUPS_H

#include "base/json.h"
#include "mta/queue/selection.h"

#define GROUPS_MAX	10000

struct groups;

/* by: hop, domain, sender, state, why, code.  NULL, or what is wrong with it. */
const char	*groups_new(struct span by, struct groups **);
void		 groups_free(struct groups **);
/* A target of the message at hand. */
void		 groups_add(struct groups *, const struct selection *, const struct dest *);
/* Members "groups", the largest first, at most limit (0: all), and "others". */
void		 groups_put(struct groups *, struct json *, uint64_t limit);

#endif
