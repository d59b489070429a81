/*
 * sts.h - policies of MTA-STS (RFC 8461): found, fetched, kept, refreshed.
 *
 * A domain's TXT record is asked for again when its time in DNS is over.  A
 * policy is fetched when the record has another id than the one that is kept,
 * when none is kept, and once a day, so that it does not expire unnoticed.  What
 * cannot be fetched changes nothing about what is kept.
 *
 * Owns: the kept policies, in memory and, by sts_disk.h, in their folder.
 * For the administrator: doc/mta-sts.md.
 */
#ifndef WB_MTA_FETCH_STS_H
#define WB_MTA_FETCH_STS_H

#include "mta/fetch/sts_disk.h"
#include "mta/fetch/transfer.h"

#define STS_DOMAINS_MAX		20000		/* of which anything is remembered; the one asked for longest ago is forgotten */
#define STS_KEPT_MAX		10000		/* policies; likewise */
#define STS_KEPT_OCTETS		(64u << 20)	/* of all their texts; likewise */
#define STS_TTL_LEAST_S		60		/* how long a TXT record is believed, at least and at most */
#define STS_TTL_MOST_S		3600
#define STS_RETRY_S		300		/* after a fetch that has failed (RFC 8461, 3.3), while its id is the same */
#define STS_RETRY_KEPT_S	3600		/* the same of a policy that is kept and holds */
#define STS_REFRESH_S		86400		/* a policy is fetched again; sooner when half its life is over */
#define STS_UNUSED_S		(30 * 86400)	/* nobody has asked for so long: it is not refreshed any more */
#define STS_REFRESHING_MAX	8		/* at once, beside those that somebody waits for */

struct sts_how {
	struct dns_client	*dns;
	struct transfers	*transfers;
	struct sts_disk		*disk;		/* NULL: nothing outlives the process */
	uint16_t		 port;		/* of the web servers: 443, or a test's */
	uint32_t		 seconds;	/* for a policy: 60 (RFC 8461, 3.3), or a test's */
};

struct sts;
struct sts_question;
typedef void sts_answer(void *arg, const struct sts_policy *);	/* policy: borrowed */

/* What is kept on disk is read. */
struct sts	*sts_new(const struct sts_how *);
/* No callbacks. */
void		 sts_free(struct sts **);
/*
 * cb is called once; before this returns (NULL then), or from the loop, unless it
 * is cancelled.
 */
struct sts_question *sts_ask(struct sts *, struct span domain, sts_answer *, void *arg);
void		 sts_cancel(struct sts_question **);
/* "\"sts_kept\":N,..." for `status`. */
void		 sts_stats(const struct sts *, struct buf *);

#endif
