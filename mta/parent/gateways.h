/*
 * gateways.h - addresses of this machine's surroundings behind which strangers
 * may stand.
 *
 * A router or a container bridge that masquerades writes its own address over
 * that of whoever comes through it.  So the next hop of a route, and our own
 * address on a bridge or tunnel, prove nothing of a client.  The kernel is
 * asked (rtnetlink(7)) at the start and whenever links, addresses or routes
 * have changed.
 */
#ifndef WB_MTA_PARENT_GATEWAYS_H
#define WB_MTA_PARENT_GATEWAYS_H

#include "base/ip.h"
#include "base/loop.h"
#include "mta/msg/msg.h"

struct gateways {
	struct ip	 v[GATEWAYS_MAX];	/* sorted */
	size_t		 n;
	bool		 more;		/* there are more: told in the log */
	int		 fd;		/* hears of changes; -1: cannot */
	struct watch	 watch;
	struct timer	 settle;	/* changes come in swarms */
	void		(*changed)(void *);
	void		*arg;
};

/*
 * Asks the kernel, and calls back whenever the list has become another.  A
 * kernel that cannot be asked is told in the log; the list is empty then.
 */
void	gateways_init(struct gateways *, void (*changed)(void *), void *arg);

#endif
