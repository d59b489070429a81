/*
 * held.h - the private keys that the process has: how they come, are found,
 * and go.
 */
#ifndef WB_MTA_KEYS_HELD_H
#define WB_MTA_KEYS_HELD_H

#include <openssl/evp.h>

#include "mta/keys/service.h"

struct held {
	uint8_t		 id[TLS_KEY_ID_SIZE];
	EVP_PKEY	*key;
	bool		 quick;		/* no thread is worth it */
	size_t		 tickets[KEYS_NOWNERS];	/* CERTIFYs that brought it */
};

/* NULL: not here, or not this one's. */
const struct held	*held_find(const struct keys_service *, enum keys_owner, const uint8_t id[TLS_KEY_ID_SIZE]);
/* CERTIFY: examined, held, CERTIFIED; false: nonsense. */
bool	held_certify(struct keys_service *, struct chan *parent, struct msg *);
/* KEY_DROP; false: nonsense. */
bool	held_drop(struct keys_service *, struct msg *);
void	held_clear(struct keys_service *);

#endif
