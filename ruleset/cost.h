/*
 * cost.h - what a decision can cost at worst: `waybill check --cost`.
 *
 * Jumps go forward and calls downward, so the longest path through a function
 * is found in one pass from its end.  Each kind of cost has its own longest
 * path: what is told of two kinds need not happen in the same decision, but
 * none of them is ever exceeded.
 */
#ifndef WB_RULESET_COST_H
#define WB_RULESET_COST_H

#include "ruleset/image.h"

/* RS_COST(ID, "name", "one of what") */
#define RS_COSTS \
	RS_COST(STEPS, "steps", "instructions") \
	RS_COST(LOOKUPS, "lookups", "questions to tables") \
	RS_COST(SERVERS, "servers", "of these, such that a server answers") \
	RS_COST(DNS, "dns", "questions to DNS") \
	RS_COST(COUNTERS, "counters", "rates and greylists asked") \
	RS_COST(CALLOUTS, "callouts", "other servers asked about an address") \
	RS_COST(MATCHES, "matches", "regular expressions and patterns run") \
	RS_COST(EACH, "each", "conditions that look at each header field or " \
	    "attachment") \
	RS_COST(ROUTES, "routes", "runs of route without effects") \
	RS_COST(MILTERS, "milters", "milters asked")

enum rs_cost_kind {
#define RS_COST(id, name, meaning) RS_COST_##id,
	RS_COSTS
#undef RS_COST
	RS_NCOSTS
};
extern const char *const rs_cost_names[RS_NCOSTS];
extern const char *const rs_cost_meanings[RS_NCOSTS];

struct rs_cost {
	uint64_t	n[RS_NCOSTS];
};

#define RS_ROUTE_DEPTH		32	/* expansions inside each other */
/*
 * RFC 7208, 4.6.4: the record, and ten terms, each of which may be an mx with
 * ten hosts.
 */
#define RS_COST_SPF_DNS		(1 + 10 * (1 + 10))
#define RS_COST_RESOLVES_DNS	3	/* MX, A, AAAA */
#define RS_COST_NAME_DNS	1	/* the name of the client's address */
#define RS_COST_VERIFIED_DNS	(1 + 5)	/* and the addresses of five of them */

/*
 * Of one evaluation of the hook, with the milters that are asked after it;
 * false: the policy has no such hook.
 */
bool	rs_cost_hook(const struct rs_image *, enum rs_hook, struct rs_cost *);
/*
 * Of one recipient that leads through RS_ROUTE_DEPTH tables, each time to one
 * other: `route` so many times and once more.
 */
bool	rs_cost_chain(const struct rs_image *, struct rs_cost *);

#endif
