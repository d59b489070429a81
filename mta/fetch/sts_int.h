/*
 * sts_int.h - what sts.c, sts_domains.c and sts_fetch.c share.
 */
#ifndef WB_MTA_FETCH_STS_INT_H
#define WB_MTA_FETCH_STS_INT_H

#include <sys/queue.h>

#include "base/hash.h"
#include "base/loop.h"
#include "mta/msg/dns.h"

#include "mta/fetch/sts.h"

struct sts_question {
	TAILQ_ENTRY(sts_question)	 entry;
	struct sts_domain		*domain;
	sts_answer			*cb;
	void				*arg;
};

enum sts_state {
	STS_IDLE,
	STS_ASKS,	/* for the TXT record */
	STS_FETCHES	/* the policy, by the record's id */
};

struct sts_domain {
	TAILQ_ENTRY(sts_domain)	 entry;		/* in kept or in others; asked for longest ago first */
	struct sts		*sts;
	char			 name[STS_DOMAIN_MAX + 1];
	enum sts_state		 state;
	struct sts_kept		*kept;		/* NULL: none */
	int64_t			 asked_ms;	/* by somebody who sends mail */
	int64_t			 checked_until_ms;	/* the TXT record's answer holds */
	int64_t			 sweep_ms;	/* no refresh before */
	/* What the record says, and the last attempt to fetch by it. */
	char			 id[STS_ID_MAX + 1];	/* "": there is none */
	char			 tried_id[STS_ID_MAX + 1];
	int64_t			 tried_ms;
	enum sts_trouble	 trouble;
	char			*why;		/* of the trouble; NULL: fine */
	/* Under way. */
	uint64_t		 ticket;
	struct transfer		*transfer;
	bool			 refreshing;	/* counted in sts */
	TAILQ_HEAD(, sts_question) questions;
};

TAILQ_HEAD(sts_list, sts_domain);

struct sts {
	struct sts_how	 how;
	struct htab	 by_name;
	struct sts_list	 kept, others;
	size_t		 nkept, nothers, octets;
	unsigned	 refreshing;
	struct timer	 sweep;
	uint64_t	 asked, found, fetched, failed, evicted;
};

/* --- sts_domains.c: which domains are known */
/* NULL: so many are under way that there is no room. */
struct sts_domain *sts_domain_get(struct sts *, const char *name);
/* It was asked for just now. */
void		 sts_domain_used(struct sts_domain *);
/* In the place of what was kept; NULL: nothing any more.  The disk is not touched. */
void		 sts_domain_keep(struct sts_domain *, struct sts_kept *);
/* The one asked for longest ago goes, while there are too many policies. */
void		 sts_domains_trim(struct sts *);
/* Without a word to who waits for it. */
void		 sts_domain_free(struct sts_domain *);

/* --- sts_fetch.c: the web server */
/* By d->id; sts_fetched() follows. */
void		 sts_fetch(struct sts_domain *);

/* --- sts.c */
uint64_t	 sts_now_s(void);
bool		 sts_holds(const struct sts_kept *);	/* it has not expired */
/* A new policy, which is taken; or, NULL, what is wrong. */
void		 sts_fetched(struct sts_domain *, struct sts_kept *, enum sts_trouble, const char *why);
/* Its server was never asked, for others before it: STS_LATER, where none is kept. */
void		 sts_unasked(struct sts_domain *, const char *why);

#endif
