/*
 * turns.h - who waits for something that few can have at once (a thread that
 * hashes, a process of PAM): each address in turn.
 *
 * So many run, so many wait.  When no more may wait, the address that has most
 * waiting loses its latest: one that sends many questions is in nobody's way
 * but its own.
 */
#ifndef WB_MTA_AUTH_TURNS_H
#define WB_MTA_AUTH_TURNS_H

#include <sys/queue.h>

#include "base/hash.h"
#include "base/ip.h"

struct turns_address;

/* Lies in what waits. */
struct turn {
	TAILQ_ENTRY(turn)	 entry;
	struct turns_address	*of;
};

TAILQ_HEAD(turns_addresses, turns_address);

struct turns {
	size_t			 most_running, most_waiting;
	void			(*start)(struct turn *);	/* it runs until turns_ended() */
	void			(*refused)(struct turn *);
	struct htab		 by_address;
	struct turns_addresses	 addresses;	/* that wait; the first is next */
	size_t			 running, waiting;
};

void	turns_init(struct turns *, size_t most_running, size_t most_waiting, void (*start)(struct turn *), void (*refused)(struct turn *));
/* Forgets who waits. */
void	turns_clear(struct turns *);
/* Starts it, or another, or refuses one, perhaps before it returns.  An IPv6 address is its /64. */
void	turns_add(struct turns *, const struct ip *, struct turn *);
/* One that was started is done. */
void	turns_ended(struct turns *);

#endif
