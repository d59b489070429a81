/*
 * tickets.h - the keys of session tickets (RFC 5077, RFC 8446, 4.6.1).
 *
 * Random, made here, the same for all workers, so that each takes up what
 * another began.  A key is for new tickets as long as a ticket is good, and
 * for as long again it still opens old ones; then it is wiped: whoever copies
 * the keys learns nothing of sessions before that.
 */
#ifndef WB_MTA_KEYS_TICKETS_H
#define WB_MTA_KEYS_TICKETS_H

#include "base/loop.h"
#include "base/tls.h"

#define TICKETS_KEYS	2		/* the one in use, and the one before */

struct tickets {
	int64_t			 lifetime_ms;	/* 0: none are given */
	size_t			 n;
	struct tls_ticket_key	*keys;		/* newest first; not swapped, not dumped */
	struct timer		 timer;
	void			(*changed)(void *arg);
	void			*arg;
};

void	tickets_init(struct tickets *, void (*changed)(void *), void *arg);
/* Another lifetime: new keys.  The same one changes nothing. */
void	tickets_live(struct tickets *, int64_t lifetime_ms);
void	tickets_clear(struct tickets *);

#endif
