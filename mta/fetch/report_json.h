/*
 * report_json.h - a domain's report as RFC 8460, 4 has it: its document, its name, its mail.
 *
 * Pure: from counts to octets.  The same day, seed and domain give the same id
 * whenever it is made, so who gets a report twice can tell.
 */
#ifndef WB_MTA_FETCH_REPORT_JSON_H
#define WB_MTA_FETCH_REPORT_JSON_H

#include "base/buf.h"
#include "mta/fetch/report_counts.h"

/* Who reports; borrowed. */
struct report_author {
	struct span	organization;
	struct span	contact;	/* an address; its domain is the submitter (5.3) */
	struct span	from;		/* an address: of reports that go by mail */
};

#define REPORT_ID_TEXT	64
/* "20261122.0123456789abcdef", without a domain behind. */
const char *report_id(const struct report_day *, const struct report_domain *, char out[REPORT_ID_TEXT]);
/* The domain of the contact. */
struct span report_submitter(const struct report_author *);
/* The document, one line. */
void	report_json(const struct report_day *, const struct report_domain *, const struct report_author *, struct buf *out);
/* gzip (RFC 1952); false: no memory. */
bool	report_gzip(struct span, struct buf *out);
/* "submitter!domain!begin!end!id.json.gz" (5.1) */
void	report_filename(const struct report_day *, const struct report_domain *, const struct report_author *, struct buf *out);
/* A message with it (5.3), lines ended by CRLF; zipped is what report_gzip() gave. */
void	report_mail(const struct report_day *, const struct report_domain *, const struct report_author *,
	    struct span to, int64_t now_ms, struct span zipped, struct buf *out);

#endif
