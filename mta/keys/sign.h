/*
 * sign.h - one signature of a digest, as TLS wants it.
 *
 * Signs nothing but digests of the length that the scheme says, and only
 * schemes of TLS (base/tls_sign.h) that are of the key's kind.  May run on any
 * thread.
 */
#ifndef WB_MTA_KEYS_SIGN_H
#define WB_MTA_KEYS_SIGN_H

#include <openssl/evp.h>

#include "base/tls_sign.h"

/* Octets in out; 0: not signed. */
size_t	key_sign(EVP_PKEY *, unsigned scheme, struct span digest, uint8_t out[TLS_SIGNATURE_MAX]);
bool	key_verify(EVP_PKEY *public_key, unsigned scheme, struct span digest, struct span signature);

#endif
