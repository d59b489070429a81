/*
 * report_record.h - the TXT record of a domain that wants reports (RFC 8460, 3).
 *
 * A parser of bytes: knows neither DNS nor sending.
 */
#ifndef WB_MTA_FETCH_REPORT_RECORD_H
#define WB_MTA_FETCH_REPORT_RECORD_H

#include "base/arena.h"

#define REPORT_RUA_MAX		4	/* places of one domain that get its report; the others get none */
#define REPORT_RUA_OCTETS	1024	/* of one; longer ones are no place */

/* What stands in rua=: in their order, none twice. */
struct report_record {
	size_t		n;
	struct span	rua[REPORT_RUA_MAX];	/* "https://..." or "mailto:...", as written; borrowed */
};

/*
 * The one record among these texts (strings of a record are joined already) that is
 * of TLS reports.  false: there is none, or more than one, or it names no place
 * that we could use; then nobody wants a report, and r has none.
 */
bool	report_record_find(const struct span *texts, size_t n, struct report_record *);

/*
 * The address of a "mailto:" place (RFC 6068), percent-encoding undone; header
 * fields behind a '?' are not ours to set.  false: no address.
 */
bool	report_mailto(struct span rua, struct arena *, struct span *address);

#endif
