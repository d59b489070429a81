/*
 * limits.h - how many sessions, altogether and from one client.
 *
 * A client is an IPv4 address or an IPv6 /64, which is what one customer gets.
 * Each worker counts its own, for processes share nothing.  Of the sessions
 * altogether each has its share; a client may reach its limit once in each
 * worker, because the kernel spreads its connections as it likes, and half of
 * them refused for bad luck would be worse.
 */
#ifndef WB_MTA_SMTP_LIMITS_H
#define WB_MTA_SMTP_LIMITS_H

#include "base/hash.h"
#include "base/ip.h"

struct limits {
	struct htab	clients;	/* key: client; value: its count */
	unsigned	sessions;
};

enum limits_result { LIMITS_OK, LIMITS_SESSIONS, LIMITS_CLIENT };

/* Counts one more session, unless that is one too many. */
enum limits_result limits_enter(struct limits *, const struct ip *,
	    unsigned sessions_max, unsigned per_client_max);
void		 limits_leave(struct limits *, const struct ip *);
unsigned	 limits_of(const struct limits *, const struct ip *);

#endif
