/*
 * tls_report.h - sessions as reports count them (RFC 8460): told to fetch (TLS_RESULT).
 *
 * Counted is each session with a host that was found by a recipient's domain,
 * and each with another host that has a policy of its own, once it is clear
 * what became of TLS in it; not what goes without regard to policies
 * (TLS-Required: No, which our own reports have: no report is due to a report).
 */
#ifndef WB_MTA_RELAY_TLS_REPORT_H
#define WB_MTA_RELAY_TLS_REPORT_H

#include "base/chan.h"
#include "mta/relay/hops.h"
#include "mta/relay/level.h"

struct tls_report {
	struct span		 hop;		/* its text (mta/msg/hop.h) */
	uint32_t		 flags;		/* of the message's envelope */
	const struct hop_tls	*facts;		/* NULL: nothing is known of the host */
	const struct hop_addr	*addr;
	struct ip		 source;	/* our end; family 0: not known */
	enum tls_class		 class;		/* NONE: as wanted */
	const char		*why;		/* of a failure; "" */
};

/* Where results go; it returns NULL when nobody wants them. Once, at the start. */
void	tls_report_to(struct chan *(*chan)(void *arg), void *arg);
void	tls_report(const struct tls_report *);

#endif
