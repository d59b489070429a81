/*
 * reports_int.h - what reports.c (days) and report_send.c (one domain's report) share.
 */
#ifndef WB_MTA_FETCH_REPORTS_INT_H
#define WB_MTA_FETCH_REPORTS_INT_H

#include <sys/queue.h>

#include "base/loop.h"
#include "mta/fetch/report_json.h"
#include "mta/fetch/report_queue.h"
#include "mta/fetch/reports.h"

struct sending;

struct reports {
	struct dns_client	*dns;
	struct transfers	*transfers;
	struct report_queue	*queue;
	int			 folder;
	bool			 on;		/* the policy has the block */
	struct buf		 organization, contact, from;
	struct report_day	*days[REPORTS_DAYS];	/* NULL: none */
	struct timer		 tick;
	int64_t			 kept_ms;	/* when today was kept last; boot */
	LIST_HEAD(, sending)	 sending;
	size_t			 running;
	uint64_t		 nsent, nfailed;	/* reports; attempts */
};

/* Wall time; a test may be ahead of it. */
int64_t	reports_now_ms(void);
struct report_author reports_author(const struct reports *);

/* --- report_send.c */
/* A domain's turn; it ends by itself, what came of it stands in the domain. */
void	report_send(struct reports *, struct report_day *, struct report_domain *);
/* Those of this day, without a word. */
void	report_send_cancel(struct reports *, const struct report_day *);

#endif
