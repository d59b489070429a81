/*
 * before.h - `on deliver`: asked for each recipient that goes into a mailbox
 * here, when its route is known.
 */
#ifndef WB_MTA_ROUTE_BEFORE_H
#define WB_MTA_ROUTE_BEFORE_H

#include "mta/policy/policy.h"

/* A question for the targets of one routing, one after the other. */
struct before {
	struct policy		*policy;	/* borrowed */
	struct policy_facts	 facts;		/* with this recipient */
	struct decision		*decision;	/* of targets[next]; NULL: not asked */
	struct target		*targets;	/* a copy of the routing's, changed */
	size_t			 n, next;
	bool			 in_ask;
	void			(*resume)(void *);
	void			*arg;
};

/* Whether the policy has the hook. */
bool	before_wanted(const struct policy *);
/*
 * Begins with a copy of the targets in the arena.  facts are copied, and what
 * they point to borrowed, until before_end().
 */
void	before_begin(struct before *, struct policy *, const struct policy_facts *, const struct target *, size_t n, struct arena *);
/*
 * Asks on: false when an answer is waited for (resume is called then).  True:
 * targets are as the hook has left them.
 */
bool	before_done(struct before *, struct arena *);
/* Gives up what is under way. */
void	before_end(struct before *);

#endif
