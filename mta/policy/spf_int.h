/*
 * spf_int.h - the state of check_host(), between its files:
 *
 *   spf.c        domains, records, terms, results
 *   spf_mech.c   the mechanisms that ask: a, mx, ptr, exists
 *   spf_names.c  the client's validated names (5.5; the p macro)
 *   spf_explain.c  the explanation of a fail (6.2)
 */
#ifndef WB_MTA_POLICY_SPF_INT_H
#define WB_MTA_POLICY_SPF_INT_H

#include "mta/policy/spf.h"

/* RFC 7208, 4.6.4 */
#define TERMS_MAX	10	/* terms that ask DNS */
#define VOIDS_MAX	2	/* of them without an answer */
#define MX_NAMES_MAX	10	/* of one mx; more are a permerror */
#define PTR_NAMES_MAX	10	/* of the client; more are left out */
#define ELAPSED_MAX_MS	60000	/* "at least 20 seconds" */

/* A domain that is looked at. */
struct spf_frame {
	struct span		domain;
	struct spf_record	record;
	struct span		rest;		/* terms to come */
	enum spf_result		qualifier;	/* of its include that is evaluated */
	bool			redirected;
};

enum spf_phase {
	SPF_RECORD,	/* the frame's record is to be asked for */
	SPF_TERM,	/* its next term is to be taken */
	SPF_EVALUATE,	/* `term` is to be evaluated */
	SPF_REDIRECT,
	SPF_HOSTS,	/* an mx: the next name's address */
	SPF_NAMES,	/* the client's names; then `after_names` */
	SPF_FORWARD,	/* the next name's address */
	SPF_EXPLAIN,
	SPF_EXPLAINED,	/* `explanation` is the macro string */
	SPF_OVER
};

struct spf {
	struct policy_dns	 dns;
	spf_cb			*cb;
	void			*arg;
	struct arena		 arena;
	struct buf		 room;		/* for expansions */
	struct spf_macros	 macros;
	struct span		 sender;	/* as it was given */
	int64_t			 began_ms;
	enum spf_phase		 phase;
	bool			 running, starting, explain;
	bool			 open;		/* a question is under way */
	uint64_t		 ticket;
	unsigned		 asked, terms, voids;
	struct spf_frame	 frames[TERMS_MAX + 1];
	unsigned		 depth;
	struct spf_term		 term;		/* under way */
	struct span		 hosts[MX_NAMES_MAX];
	unsigned		 nhosts, next_host;
	bool			 names_known;
	enum spf_phase		 after_names;
	struct span		 names[PTR_NAMES_MAX];	/* those before next_name: validated */
	unsigned		 nnames, next_name;
	bool			 decided;	/* result stands */
	enum spf_result		 result;
	const char		*why;
	struct span		 explanation;
};

static inline struct spf_frame *
spf_frame(struct spf *s)
{
	return &s->frames[s->depth];
}

/* --- spf.c */
void	spf_run(struct spf *);
/* cb sets the next phase and calls spf_answered() as its last. */
void	spf_ask(struct spf *, enum dns_type, struct span name, dns_cb *);
void	spf_answered(struct spf *);
void	spf_leave(struct spf *, enum spf_result, const char *why);
void	spf_error(struct spf *, enum spf_result, const char *why);
/* The term under way holds. */
void	spf_matched(struct spf *);
bool	spf_target(struct spf *, struct span spec, struct span *out);

/* --- spf_mech.c */
/* phase is SPF_TERM: the term does not match, when nothing is asked. */
void	spf_ask_mechanism(struct spf *, struct span target);
void	spf_ask_host(struct spf *);
/* Whether two addresses of one family have their first bits in common. */
bool	spf_near(const struct ip *, const struct ip *, unsigned bits);
/* The type of the client's addresses. */
enum dns_type spf_address_type(const struct spf *);

/* --- spf_names.c */
/* False: phase is SPF_NAMES now, and the present one comes again after it. */
bool	spf_names_known(struct spf *);
void	spf_ask_names(struct spf *);
void	spf_ask_forward(struct spf *);
/* The p macro (7.3): the domain itself, one below it, or any. */
struct span spf_validated(const struct spf *, struct span domain);
/* ptr: one of the names is the domain, or below it. */
bool	spf_named(const struct spf *, struct span domain);

/* --- spf_explain.c */
void	spf_ask_explanation(struct spf *);
void	spf_take_explanation(struct spf *);

#endif
