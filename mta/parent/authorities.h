/*
 * authorities.h - the files of the authorities by which other servers are
 * verified: the server's, and those that relay blocks name.
 *
 * They are opened here and read by whoever verifies; the parent sees no octet.
 */
#ifndef WB_MTA_PARENT_AUTHORITIES_H
#define WB_MTA_PARENT_AUTHORITIES_H

#include "mta/parent/generation.h"

/*
 * Sum of the marks of all these files as they are now: it is another one when
 * one of them has changed.
 */
uint64_t authorities_look(const struct generation *);
/* CONFIG_AUTHORITIES of the server's file; where it is not there a line of the log. */
void	authorities_send(const struct generation *, struct chan *);
/* The same of each relay block that names one. */
void	authorities_send_relays(const struct generation *, struct chan *);

#endif
