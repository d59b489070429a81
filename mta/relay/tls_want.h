/*
 * tls_want.h - what TLS a message gets at an address: from what is known of the
 * host (level.h) and what its relay block says (terms.h).
 */
#ifndef WB_MTA_RELAY_TLS_WANT_H
#define WB_MTA_RELAY_TLS_WANT_H

#include "mta/relay/client_tls.h"

/*
 * flags: of the message's envelope.  clear: a handshake has failed there a short
 * while ago.  false: the message does not go there (now, or at all): *why.
 * tls_want_clear() in either case.
 */
bool	tls_want(const struct hop_addr *, uint32_t flags, bool clear, struct client_tls_want *, struct outcome *why);
void	tls_want_clear(struct client_tls_want *);
/* Whether a session that is at this address will do for the message. */
bool	tls_want_served(const struct client *, const struct hop_addr *, uint32_t flags);

#endif
