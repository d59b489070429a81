/*
 * scram.h - the keys of SCRAM (RFC 5802, 3; RFC 7677).
 */
#ifndef WB_MTA_AUTH_SCRAM_H
#define WB_MTA_AUTH_SCRAM_H

#include "maps/account.h"

#define SCRAM_KEY_MAX	32	/* octets: SHA-256 */

struct scram_keys {
	uint8_t	 stored[SCRAM_KEY_MAX], server[SCRAM_KEY_MAX];
	size_t	 n;		/* octets of each: 20 or 32 */
};

/*
 * StoredKey and ServerKey of a password, whose octets are taken as they are.
 * The caller wipes them.  false: OpenSSL cannot.
 */
bool	scram_keys(enum account_scheme, struct span password, struct span salt, uint32_t iterations, struct scram_keys *);
/*
 * RFC 5802, 3: is proof (k->n octets) the ClientProof of who knows the
 * password?  signature: ServerSignature, k->n octets, whatever the answer.
 */
bool	scram_proof(enum account_scheme, const struct scram_keys *k, struct span message, struct span proof, uint8_t signature[SCRAM_KEY_MAX]);

#endif
