/*
 * service.h - what the keys process answers: CERTIFY of the parent, KEY_SIGN
 * of workers and of relay; and who is told of the tickets' keys.
 *
 * A key is held for as long as a CERTIFY that brought it is not dropped
 * (KEY_DROP), and is wiped then.  ECDSA on P-256 (30 us) is signed on the loop:
 * a thread would cost as much.  All else (RSA-2048: 600 us) is signed on a few
 * threads, so that several processors share it and the loop goes on reading.
 */
#ifndef WB_MTA_KEYS_SERVICE_H
#define WB_MTA_KEYS_SERVICE_H

#include <sys/queue.h>

#include "base/hash.h"
#include "base/pool.h"
#include "mta/keys/tickets.h"
#include "mta/msg/keys.h"

#define KEYS_WAITING_MAX	4096	/* signatures; another one is refused */
#define KEYS_HELD_MAX		4096	/* certificates at a time */

struct keys_peer;

struct keys_service {
	struct pool		*pool;
	struct htab		 by_ticket;	/* CERTIFY -> held key */
	struct htab		 by_id;		/* SHA-256 -> held key */
	struct tickets		 tickets;
	LIST_HEAD(, keys_peer)	 peers;
	size_t			 waiting;
	uint64_t		 certified, refused;	/* CERTIFY */
	uint64_t		 ecdsa, rsa, unknown, failed, busy;	/* KEY_SIGN */
};

/* pool: the caller's. */
void	keys_service_init(struct keys_service *, struct pool *);
/* Before the pool's end no longer used by it: after pool_free(). */
void	keys_service_clear(struct keys_service *);
/* Serves a channel until it closes; takes fd. */
void	keys_service_peer(struct keys_service *, int fd, enum keys_owner);
/* What the parent says beside its configuration; false: nonsense. */
bool	keys_service_message(struct keys_service *, struct chan *parent, struct msg *);

#endif
