/*
 * addrs.h - the addresses of a server, by the resolve process.
 */
#ifndef WB_MTA_FETCH_ADDRS_H
#define WB_MTA_FETCH_ADDRS_H

#include "base/ip.h"
#include "mta/msg/dns.h"

#define ADDRS_MAX	6	/* of one server are tried; more of each family than half only where the other has fewer */

struct addrs {
	size_t		n;
	struct ip	v[ADDRS_MAX];	/* in the order in which they are tried: IPv4 and IPv6 by turns */
};

/* failing: one of the two could not be told, and there is no address. */
typedef void addrs_cb(void *arg, const struct addrs *, bool failing);

struct addrs_question;
/* cb is called exactly once, from the loop, unless cancelled. */
struct addrs_question	*addrs_ask(struct dns_client *, struct span name, addrs_cb *, void *arg);
void			 addrs_cancel(struct addrs_question **);

/* Not on this machine, not only on this link, no group: what a stranger may name. */
bool	addrs_public(const struct ip *);

#endif
