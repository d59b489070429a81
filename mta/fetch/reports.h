/*
 * reports.h - TLS reports (RFC 8460): counting, keeping, sending.
 *
 * Counts nothing and sends nothing without the block `tls reports`.  A day's reports
 * leave at times of their own in the four hours after its midnight (UTC), each
 * place that a domain names is tried for 24 hours.
 *
 * For the administrator: doc/tls-reports.md; waybill.conf(5), TLS REPORTS.
 */
#ifndef WB_MTA_FETCH_REPORTS_H
#define WB_MTA_FETCH_REPORTS_H

#include "base/buf.h"
#include "mta/fetch/report_folder.h"
#include "mta/fetch/transfer.h"

struct reports;
struct rs_image;

#define REPORTS_DAYS		3	/* kept: today, and those whose reports are under way */
#define REPORTS_SPREAD_S	(4 * 3600)	/* after midnight; RFC 8460, 4.1 */
#define REPORTS_RETRY_S		300	/* first wait, each one twice the one before */
#define REPORTS_RETRY_MAX_S	(4 * 3600)
#define REPORTS_TRY_S		86400	/* from the first attempt on; 5.5 */
#define REPORTS_RUNNING_MAX	4	/* domains at once */
#define REPORTS_KEEP_MS		60000	/* counts that are younger may be lost with the process */

/* dns and transfers are borrowed; folder is taken. */
struct reports	*reports_new(struct dns_client *, struct transfers *, int folder);
/* The policy: who reports, or that nobody does. */
void		 reports_config(struct reports *, const struct rs_image *);
/* TLS_RESULT; false: nonsense. */
bool		 reports_take(struct reports *, struct msg *);
/* A channel to the queue; takes fd. */
void		 reports_queue(struct reports *, int fd);
/* All that was counted is kept. */
void		 reports_stop(struct reports *);
/* "\"tls_report_sessions\":N,..." for `status`. */
void		 reports_stats(const struct reports *, struct buf *);

#endif
