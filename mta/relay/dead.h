/*
 * dead.h - addresses that did not answer a moment ago.
 */
#ifndef WB_MTA_RELAY_DEAD_H
#define WB_MTA_RELAY_DEAD_H

#include "base/ip.h"

#define DEAD_MS		60000	/* how long one is passed over */
#define DEAD_MAX	256	/* the oldest are forgotten */

struct dead {
	struct {
		struct ip	ip;
		uint16_t	port;
		int64_t		until_ms;
	}		at[DEAD_MAX];
	size_t		next;
};

void	dead_mark(struct dead *, const struct ip *, uint16_t port, int64_t now_ms);
bool	dead_has(const struct dead *, const struct ip *, uint16_t port, int64_t now_ms);
/* Until another time than DEAD_MS from now. */
void	dead_mark_until(struct dead *, const struct ip *, uint16_t port, int64_t until_ms);
/* It has answered. */
void	dead_clear(struct dead *, const struct ip *, uint16_t port);

#endif
