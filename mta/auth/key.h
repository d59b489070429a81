/*
 * key.h - the key by which a salt is made for users who are not there.
 *
 * It is the same over restarts, or strangers would see whose salt stays: a
 * file in the spool, made once, read as root before privileges are dropped.
 */
#ifndef WB_MTA_AUTH_KEY_H
#define WB_MTA_AUTH_KEY_H

#include "base/span.h"

#define AUTH_KEY_OCTETS	32

/* Of auth/key below the spool; NULL: a key of this process alone.  fatal() when it can neither be read nor made. */
void	key_open(const char *spool, uint8_t key[AUTH_KEY_OCTETS]);
/*
 * As many octets as are wanted, which only the key, the purpose (a small number)
 * and the texts say; a user is the same in capitals.
 */
struct key_of {
	unsigned	purpose;
	struct span	maps, user;
};
void	key_octets(const uint8_t key[AUTH_KEY_OCTETS], const struct key_of *, uint8_t *out, size_t n);

#endif
