/*
 * tls_sign_int.h - between the two halves of tls_sign.h: the provider
 * (tls_provider.c), which speaks OpenSSL's dispatch tables, and the keys and
 * parked handshakes (tls_sign.c), which know none of it.
 */
#ifndef WB_BASE_TLS_SIGN_INT_H
#define WB_BASE_TLS_SIGN_INT_H

#include "base/tls_sign.h"

/* A key without its private half; shared by EVP_PKEYs and signatures. */
struct tls_remote {
	unsigned		 users;
	uint8_t			 id[TLS_KEY_ID_SIZE];
	EVP_PKEY		*public_key;	/* of OpenSSL's own provider; NULL: not yet imported */
	const struct tls_signer	*signer;	/* NULL: cannot sign (a copy to compare with) */
};

#define TLS_REMOTE_PARAM	"waybill-remote"	/* a pointer, from one half to the other */

struct tls_remote	*tls_remote_new(void);
void			 tls_remote_hold(struct tls_remote *);
void			 tls_remote_drop(struct tls_remote **);

/* Where the provider lives: a context of its own, so that nobody else finds its "RSA". */
OSSL_LIB_CTX		*tls_provider_context(void);

/*
 * Has the digest signed, and parks the handshake that runs meanwhile.  Octets
 * of the signature, at most TLS_SIGNATURE_MAX into out; 0: failed.
 */
size_t			 tls_remote_sign(const struct tls_remote *, const struct tls_question *, uint8_t *out);

#endif
