/*
 * limits.h - how many sessions, altogether and from one client.
 *
 * A client is an IPv4 address or an IPv6 /64, which is what one customer gets.
 * Each worker counts its own.  Where there are several the limits process
 * counts those of all (mta/msg/limits.h), and what stands here is only the
 * first sieve; while that process is away each worker has its share of the
 * sessions, and a client may reach its limit once in each of them.
 */
#ifndef WB_MTA_SMTP_LIMITS_H
#define WB_MTA_SMTP_LIMITS_H

#include "base/hash.h"
#include "base/ip.h"
#include "mta/msg/limits.h"

struct limits {
	struct htab	clients;	/* key: client; value: its count */
	unsigned	sessions;
};

/* Counts one more session, unless that is one too many. */
enum limits_result limits_enter(struct limits *, const struct ip *,
	    unsigned sessions_max, unsigned per_client_max);
void		 limits_leave(struct limits *, const struct ip *);
unsigned	 limits_of(const struct limits *, const struct ip *);

/* Who a client is, for who counts. */
struct limits_key {
	uint8_t	octets[1 + 8];
	size_t	n;
};
struct span	 limits_key(const struct ip *, struct limits_key *);

#endif
