/*
 * self.h - who we are, so that mail is not sent in a circle.
 *
 * Reference-counted: a session holds what was true when it began.
 */
#ifndef WB_MTA_RELAY_SELF_H
#define WB_MTA_RELAY_SELF_H

#include "base/ip.h"

struct rs_image;
struct self;

/* Addresses of this machine's interfaces; read once, before the sandbox. */
struct self_locals {
	size_t		 n;
	struct ip	*ips;
};

void		 self_find_locals(struct self_locals *);

/* Hostname only; locals are borrowed for good. */
struct self	*self_new(struct span hostname, const struct self_locals *);
/* Hostname and all listeners of a policy. */
struct self	*self_of_image(const struct rs_image *, const struct self_locals *);
/* "192.0.2.1:25", "[::1]:25", "*:25"; what is none of these is ignored. */
void		 self_add_listener(struct self *, struct span);
struct self	*self_ref(struct self *);
void		 self_unref(struct self **);

struct span	 self_hostname(const struct self *);
bool		 self_is_name(const struct self *, struct span host);
/* Whether a connection to this address and port ends in one of our listeners. */
bool		 self_is_address(const struct self *, const struct ip *, uint16_t port);

#endif
