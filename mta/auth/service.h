/*
 * service.h - the questions of logins: channels, what becomes of them, counts.
 *
 * Slow hashes are computed on a few threads, PAM is asked by a few processes;
 * each address has its turn, and only so many wait (turns.h).  Who fails often
 * waits for his answers, which are held here as data (failures.h).
 */
#ifndef WB_MTA_AUTH_SERVICE_H
#define WB_MTA_AUTH_SERVICE_H

#include "base/pool.h"
#include "mta/auth/cache.h"
#include "mta/auth/failures.h"
#include "mta/auth/key.h"
#include "mta/auth/tables.h"
#include "mta/auth/tokens.h"
#include "mta/auth/turns.h"

#define AUTH_WAITING_MAX	256	/* for a thread; as many for PAM */
#define AUTH_PAM_MAX		12	/* processes at once; the parent allows a few more */
#define AUTH_HELD_MAX		16384	/* answers; another one is AUTH_SLOW at once */
#define AUTH_GRID_MS		100	/* what is wrong is said at multiples of it */
#define AUTH_FAR_MS		60000	/* PAM's and a server's own word is kept no longer */

struct auth_settings {
	int64_t			 cache_ms;	/* 0: never */
	struct failures_limits	 limits;
};
extern const struct auth_settings	 auth_settings_default;

struct auth_peer {
	TAILQ_ENTRY(auth_peer)	 entry;
	struct auth_service	*service;
	struct chan		*chan;		/* NULL: it has gone */
	size_t			 questions;	/* of its that are not answered */
};

struct auth_counts {
	uint64_t	 right, wrong, cannot, slow;
	uint64_t	 busy;		/* of cannot: too many waited */
	uint64_t	 slowed;	/* answers that were held back */
	uint64_t	 cached;	/* of right: no hash was computed */
};

struct auth_service {
	struct pool		*pool;
	struct auth_tables	 tables;	/* of the newest configuration */
	struct auth_settings	 settings;
	struct chan		*(*parent)(void);	/* who has PAM asked; NULL: nobody */
	uint8_t			 key[AUTH_KEY_OCTETS];
	struct failures		*failures;
	struct cache		*cache;
	struct turns		 hashing, pam;
	struct tokens		*tokens;	/* NULL: none are taken */
	TAILQ_HEAD(, auth_peer)	 peers;
	TAILQ_HEAD(, asking)	 held_back;	/* answers that wait */
	bool			 configured;
	size_t			 waiting, held;	/* questions */
	int64_t			 complained_ms;	/* of a server's secrets; 0: not yet */
	struct auth_counts	 counts;
};

/* threads: of the pool, which follows when there may be threads. */
void	auth_service_init(struct auth_service *, unsigned threads);
/* Nothing waits any more, but answers that are held. */
void	auth_service_clear(struct auth_service *);
/* Serves a channel until it closes; takes fd. */
void	auth_service_peer(struct auth_service *, int fd, const char *name);
/* The tables are others: who asks is told what they offer. */
void	auth_service_changed(struct auth_service *);

/* The peer has gone, and nothing of its waits. */
void	auth_peer_release(struct auth_peer *);

#endif
