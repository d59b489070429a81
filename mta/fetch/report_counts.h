/*
 * report_counts.h - what a day's report is made of: sessions by domain, policy and failure.
 *
 * A day is one of UTC.  All that a stranger can make grow is bounded: domains of
 * a day, policies of a domain, kinds of failure of a policy, octets of all
 * texts.  What is above a bound is counted as far as there is a place for it,
 * and as left out where there is none.
 *
 * Owns: all its texts.
 */
#ifndef WB_MTA_FETCH_REPORT_COUNTS_H
#define WB_MTA_FETCH_REPORT_COUNTS_H

#include "base/hash.h"
#include "mta/fetch/report_record.h"
#include "mta/msg/tlsrpt.h"

#define REPORT_DOMAINS_MAX	10000	/* of a day */
#define REPORT_POLICIES_MAX	8	/* of a domain in a day */
#define REPORT_FAILURES_MAX	64	/* kinds of a policy; sessions with others are in the total alone */
#define REPORT_OCTETS_MAX	(16u << 20)	/* of what a day holds */

#define REPORT_DAY_S		86400

struct report_failure {
	struct report_failure	*next;
	struct span		 result, reason, host, helo;
	struct ip		 source, target;
	uint64_t		 sessions;
};

struct report_policy {
	struct report_policy	*next;
	enum tlsrpt_policy	 type;
	struct span		 domain;	/* whose it is */
	size_t			 nstrings, nmx;
	struct span		*strings, *mx;
	uint64_t		 good, bad;	/* sessions */
	size_t			 nfailures;
	struct report_failure	*failures;	/* as they were first seen */
};

/* Where a domain's report stands; times are wall, seconds. */
struct report_sending {
	int64_t		due_s;		/* next attempt; 0: not planned yet */
	int64_t		first_s;	/* first attempt; 0: none yet */
	uint32_t	tries;
	bool		done;		/* nothing more is to be sent */
	size_t		nsent;
	struct span	sent[REPORT_RUA_MAX];	/* places that have it */
};

struct report_domain {
	struct report_domain	*next;
	struct span		 name;
	size_t			 npolicies;
	struct report_policy	*policies;	/* as they were first seen */
	struct report_sending	 sending;
};

struct report_day {
	int64_t			 day;		/* since 1970-01-01 */
	uint64_t		 seed;		/* of ids and times; drawn when it begins */
	struct arena		 arena;
	struct htab		 by_name;
	size_t			 n;
	struct report_domain	*first, *last;
	uint64_t		 sessions;	/* counted */
	uint64_t		 left_out;	/* above a bound */
	bool			 changed;	/* since it was kept */
};

/* The day of a wall time. */
int64_t	report_day_of(int64_t wall_ms);
/* "2026-11-22" */
#define REPORT_DAY_TEXT	24
const char *report_day_text(int64_t day, char out[REPORT_DAY_TEXT]);
/* false: no such day. */
bool	report_day_parse(struct span, int64_t *day);

/* Empty; its seed is drawn. */
struct report_day *report_day_new(int64_t day);
void	report_day_free(struct report_day **);

/* Counts a session; false: it is above a bound, and was left out. */
bool	report_count(struct report_day *, const struct tlsrpt_result *);
/* NULL: no session of it. */
struct report_domain *report_domain_find(const struct report_day *, struct span name);

/*
 * For who reads what was kept: adds so many sessions, and the pieces of a
 * domain.  NULL: above a bound.  Texts are copied.
 */
struct report_domain *report_domain_add(struct report_day *, struct span name);
struct report_policy *report_policy_add(struct report_day *, struct report_domain *, const struct tlsrpt_result *);
struct report_failure *report_failure_add(struct report_day *, struct report_policy *, const struct tlsrpt_result *);
/* This place has the report. */
void	report_sent(struct report_day *, struct report_domain *, struct span rua);
bool	report_was_sent(const struct report_domain *, struct span rua);

#endif
