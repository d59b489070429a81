/*
 * in_clear.h - addresses where a TLS handshake has failed a short while ago:
 * opportunistic sessions go there in the clear.
 */
#ifndef WB_MTA_RELAY_IN_CLEAR_H
#define WB_MTA_RELAY_IN_CLEAR_H

#include "base/ip.h"

#define IN_CLEAR_MAX	256	/* the oldest are forgotten */

struct in_clear {
	struct {
		struct ip	ip;
		uint16_t	port;
		int64_t		until_ms;
	}		at[IN_CLEAR_MAX];
	size_t		next;
};

void	in_clear_mark(struct in_clear *, const struct ip *, uint16_t port, int64_t until_ms);
bool	in_clear_has(const struct in_clear *, const struct ip *, uint16_t port, int64_t now_ms);

#endif
