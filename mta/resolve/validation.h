/*
 * validation.h - whether the name servers pass signatures on: a state, and what becomes of it.
 *
 * Many resolvers and forwarders strip DNSSEC, and then every signed name looks
 * bogus.  So a bogus answer is doubted: a name that cannot be cached and has
 * to be signed (the probe) tells a broken domain from a resolver that strips.
 *
 *	UNKNOWN	at the start, until a probe or another question has an answer
 *	YES	an answer was validated; bogus is bogus
 *	NO	none ever was: nothing can be said of any name
 *	LOST	some were, and now the probe says no: likewise
 *
 * In NO and LOST it is probed again and again.  Any answer that validates leads
 * to YES, but from LOST the probe alone: others may be kept from better days.
 * Each change is one line of the log.
 */
#ifndef WB_MTA_RESOLVE_VALIDATION_H
#define WB_MTA_RESOLVE_VALIDATION_H

#include "base/loop.h"
#include "mta/msg/dns.h"

enum validation_state {
	VALIDATION_UNKNOWN = RESOLVER_UNKNOWN, VALIDATION_YES = RESOLVER_VALIDATES,
	VALIDATION_NO = RESOLVER_STRIPS, VALIDATION_LOST = RESOLVER_LOST
};

enum probe_result {
	PROBE_SECURE,
	PROBE_STRIPPED,		/* an answer, and its signatures are not there */
	PROBE_FAILED		/* no answer, or SERVFAIL */
};

#define VALIDATION_AGAIN_MS	30000	/* between two probes while it does not validate */
#define VALIDATION_TRUST_MS	1000	/* so long a probe's yes is believed */

struct validation_ops {
	/* Asks; validation_probed() is called once, later. */
	void	(*probe)(void *arg);
	/* No probe is under way any more: answers that were held can be judged. */
	void	(*settled)(void *arg);
	/* Another state than before. */
	void	(*changed)(void *arg);
};

struct validation {
	enum validation_state		 state;
	bool				 probing;
	bool				 anchor;	/* there is one */
	int64_t				 trusted_ms;	/* the last probe that was secure */
	struct timer			 timer;
	const struct validation_ops	*ops;
	void				*arg;
	const char			*servers;	/* borrowed; for the log */
};

/* The first probe; without an anchor there is none, and the state is NO for good. */
void	validation_start(struct validation *, bool anchor, const char *servers, const struct validation_ops *, void *arg);
void	validation_stop(struct validation *);
/* An answer has validated. */
void	validation_secure(struct validation *);
/* One is bogus.  true: hold it until settled() is called, then judge it by the state. */
bool	validation_doubt(struct validation *);
void	validation_probed(struct validation *, enum probe_result);
/* "yes", "no", "lost", "unknown" */
const char *validation_name(const struct validation *);

#endif
