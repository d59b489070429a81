/*
 * sts_kept.h - a policy that is kept, and how it lies in a file.
 *
 * The file is text: a line with the format's version and a checksum of the
 * rest, lines "name value", an empty line, the policy as it came
 * (doc/mta-sts.md).  It is read as if a stranger had written it.
 */
#ifndef WB_MTA_FETCH_STS_KEPT_H
#define WB_MTA_FETCH_STS_KEPT_H

#include "base/buf.h"
#include "mta/fetch/sts_text.h"

#define STS_FILE_MAX	(STS_POLICY_MAX + 1024)	/* octets */
#define STS_AGE_LEAST_S	300	/* a policy holds so long, whatever its max_age (RFC 8461, 3.3: attempts) */

struct sts_kept {
	char		 domain[STS_DOMAIN_MAX + 1];
	char		 id[STS_ID_MAX + 1];
	uint64_t	 fetched_s;	/* since 1970 */
	struct span	 text;		/* what follows lies in the arena */
	struct sts_text	 policy;
	struct arena	 ar;
};

/* NULL with *why (static): the text is no policy. */
struct sts_kept	*sts_kept_new(const char *domain, struct span id, uint64_t fetched_s, struct span text, const char **why);
void		 sts_kept_free(struct sts_kept **);
uint64_t	 sts_kept_expires_s(const struct sts_kept *);

void		 sts_kept_write(const struct sts_kept *, struct buf *out);
/* NULL with *why (static): it is no such file, or damaged. */
struct sts_kept	*sts_kept_read(struct span file, const char **why);

#endif
