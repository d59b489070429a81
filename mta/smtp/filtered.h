/*
 * filtered.h - mail that goes to a content filter, and what comes back from it.
 *
 * Where a filter gives mail back no hook and no milter is asked and nothing is
 * rewritten: all that has been done.  So only the networks of its `from` are let in.
 */
#ifndef WB_MTA_SMTP_FILTERED_H
#define WB_MTA_SMTP_FILTERED_H

#include "mta/smtp/session.h"
#include "mta/spool/envelope.h"

/* Octets by which a filter may make a message larger than others may be. */
#define FILTERED_MORE	(1u << 20)

static inline bool
filtered_door(const struct session *s)
{
	return s->door->filter;
}

/* What is said in the place of a hook's verdict. */
const struct rs_verdict *filtered_verdict(const struct session *, enum rs_hook);
/* The largest message that is taken here. */
uint64_t	filtered_message_max(const struct session *);
/*
 * In the envelope: which filter it has come back from, and where it came from
 * in the first place, as the filter has told or as it is known here.
 */
void		filtered_envelope(const struct session *, struct envelope *, struct arena *);
/* The facts of the client, as far as a filter has forwarded them; names is the caller's. */
void		filtered_facts(const struct session *, struct policy_facts *, struct policy_names *);

#endif
