/*
 * report_keep.h - a day's counts as octets, to outlive the process.
 *
 * A file of ours, JSON (doc/tls-reports.md, "What is kept").  It is read
 * as if a stranger had written it.
 */
#ifndef WB_MTA_FETCH_REPORT_KEEP_H
#define WB_MTA_FETCH_REPORT_KEEP_H

#include "base/buf.h"
#include "mta/fetch/report_counts.h"

#define REPORT_KEPT_VERSION	1
#define REPORT_KEPT_MAX	(64u << 20)	/* octets of a file */

void	report_keep(const struct report_day *, struct buf *out);
/* NULL: it is not such a file. */
struct report_day *report_kept(struct span text);

#endif
