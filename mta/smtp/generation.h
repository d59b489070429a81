/*
 * generation.h - a configuration that sessions began with, and end with.
 *
 * Reference-counted: after a reload new sessions hold the new one, old ones
 * keep theirs.  The settings are taken out of the image once.
 */
#ifndef WB_MTA_SMTP_GENERATION_H
#define WB_MTA_SMTP_GENERATION_H

#include "mta/policy/policy.h"
#include "mta/smtp/cut_terms.h"
#include "mta/smtp/door.h"
#include "mta/smtp/user_limits.h"

struct tls_server;

struct generation {
	unsigned	 refs;
	uint32_t	 number;
	struct policy	*policy;
	uint64_t	 route_facts;	/* policy_route_facts() */
	bool		 asks_parts;	/* policy_asks_parts() */
	bool		 filters;	/* it has content filters */
	unsigned	 told;		/* notes_wanted() */
	struct span	 hostname;
	uint64_t	 message_max;	/* octets */
	struct tls_server *tls;		/* NULL: there is no certificate; certs.h */
	unsigned	 rcpts_max, errors_max, commands_max, hops_max;
	unsigned	 sessions_max, per_client_max;
	int64_t		 idle_ms, transaction_ms;
	struct user_limits user;
	struct cut_hops	 cut;		/* relay blocks with `cut through` */
	struct arena	 arena;		/* of these */
	struct door	*doors;		/* by the image's objects */
	struct door	 plain;		/* of a session that came by no listener */
	struct door	 programs;
};

/* Takes the reference to the policy. */
struct generation	*generation_new(uint32_t number, struct policy *);
struct generation	*generation_ref(struct generation *);
void			 generation_unref(struct generation **);
/* What a listener asks and offers, by its object; UINT32_MAX: plain SMTP. */
const struct door	*generation_door(const struct generation *,
	    uint32_t object);

#endif
