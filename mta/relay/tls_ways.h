/*
 * tls_ways.h - how TLS is spoken to next hops: to the terms of each relay block
 * comes a connector, of the authorities, the lowest version and the certificate
 * that it names.
 *
 * The same authorities of several blocks are read once.  What cannot be used
 * is said in the log, once for each configuration, and stands in the terms.
 *
 * Owns: sessions that can be taken up again; they outlive a configuration.
 */
#ifndef WB_MTA_RELAY_TLS_WAYS_H
#define WB_MTA_RELAY_TLS_WAYS_H

#include "base/tls_connect.h"
#include "mta/relay/terms.h"

struct child_config;

#define TLS_WAYS_SESSIONS	2000	/* kept, at some 8 KiB each */

struct tls_ways;
/* signer: of certificates' keys; borrowed.  Outlives all terms. */
struct tls_ways	*tls_ways_new(const struct tls_signer *);
void		 tls_ways_free(struct tls_ways **);
/* Fills in connector and no_tls of all blocks; descriptors stay the caller's. */
void		 tls_ways_config(struct tls_ways *, struct relay_blocks *, const struct child_config *);
/* Sessions that can be taken up again. */
size_t		 tls_ways_sessions(const struct tls_ways *);

#endif
