/*
 * cache.h - passwords that were right, for a time.
 *
 * A slow hash is computed once for each client and not at each login.  What is
 * kept is no password and no hash of one, but a HMAC-SHA-256 under a key that
 * was drawn when the process began, over map, user, password and the secret
 * as it stands in the table: when that is another, or the account is gone,
 * nothing is found.  The memory is of a fixed size, locked and in no dump.
 */
#ifndef WB_MTA_AUTH_CACHE_H
#define WB_MTA_AUTH_CACHE_H

#include "base/span.h"

#define CACHE_ENTRIES	8192
#define CACHE_ID	32	/* octets */

struct cache;
struct cache	*cache_new(void);
void		 cache_free(struct cache **);	/* wiped */
void		 cache_clear(struct cache *);	/* forgets all */

/* Who shows what; for the two below. */
void		 cache_id(const struct cache *, struct span map, struct span user, struct span password, uint8_t id[CACHE_ID]);
/* Any secret at all: a look that costs no HMAC. */
bool		 cache_any(const struct cache *, const uint8_t id[CACHE_ID], int64_t now_ms);
/* It was shown to be the password of this secret. */
bool		 cache_has(const struct cache *, const uint8_t id[CACHE_ID], struct span secret, int64_t now_ms);
void		 cache_put(struct cache *, const uint8_t id[CACHE_ID], struct span secret, int64_t now_ms, int64_t until_ms);

#endif
