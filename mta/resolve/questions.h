/*
 * questions.h - DNS_ASK of the other processes, answered from hosts or by asking.
 *
 * A question belongs to the channel it came on; when that closes it is
 * forgotten (who asked asks again on a new one).
 */
#ifndef WB_MTA_RESOLVE_QUESTIONS_H
#define WB_MTA_RESOLVE_QUESTIONS_H

#include "base/buf.h"
#include "mta/resolve/ask.h"
#include "mta/resolve/hosts.h"

struct questions {
	struct ask		*ask;	/* borrowed */
	const struct hosts	*hosts;	/* borrowed */
	uint64_t		 asked, from_hosts, failing;	/* counters */
	size_t			 open;
};

/* Serves a channel until it closes; takes fd. */
void	questions_serve(struct questions *, int fd, const char *name);

#endif
