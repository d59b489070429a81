/*
 * sts_record.h - the TXT record that says that a domain has a policy (RFC 8461,
 * 3.1).
 *
 * A parser of bytes: knows neither DNS nor fetching.
 */
#ifndef WB_MTA_FETCH_STS_RECORD_H
#define WB_MTA_FETCH_STS_RECORD_H

#include "base/span.h"

/*
 * The id of the one record among these texts (strings of a record are joined
 * already) that is of MTA-STS; borrowed.  false, with *why (static; NULL: no
 * record at all): the domain has no policy that could be looked for.
 */
bool	sts_record_find(const struct span *texts, size_t n, struct span *id, const char **why);

#endif
