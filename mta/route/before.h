/*
 * before.h - `on deliver`: asked for each recipient that goes into a mailbox
 * here, when its route is known.
 */
#ifndef WB_MTA_ROUTE_BEFORE_H
#define WB_MTA_ROUTE_BEFORE_H

#include "mta/policy/policy.h"

/* The questions for the targets of one recipient, one after the other. */
struct before {
	struct policy		*policy;	/* borrowed */
	struct policy_facts	 facts;		/* with this recipient */
	struct decision		*decision;	/* of the target under way; NULL: not asked */
	bool			 in_ask;
	void			(*resume)(void *);
	void			*arg;
};

/* Whether the policy has the hook. */
bool	before_wanted(const struct policy *);
/* facts are copied, and what they point to borrowed, until before_end(). */
void	before_begin(struct before *, struct policy *, const struct policy_facts *);
/*
 * False: an answer is waited for; resume is called then, and the same target
 * asked again.  True: the target is as the hook has left it.
 */
bool	before_done(struct before *, struct target *, struct arena *);
/* Gives up what is under way. */
void	before_end(struct before *);

#endif
