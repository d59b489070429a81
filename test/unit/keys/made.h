/*
 * made.h - keys, certificates and OCSP answers made for a test, as files.
 */
#ifndef WB_TEST_KEYS_MADE_H
#define WB_TEST_KEYS_MADE_H

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "base/buf.h"

struct made {
	const char	*names;		/* SAN as OpenSSL writes it; NULL: none */
	const char	*common_name;
	const char	*key_usage;	/* NULL: none said */
	const char	*extended_usage;
	const char	*info_access;
	int64_t		 from_s, until_s;	/* from now */
	bool		 authority;
	const EVP_MD	*hash;		/* NULL: SHA-256 */
};

/* issuer NULL: it signs itself. */
X509	*made_cert(const struct made *, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key);
void	 made_pem(struct buf *, X509 *);
void	 made_key_pem(struct buf *, EVP_PKEY *, const char *phrase);
/* status: V_OCSP_CERTSTATUS_GOOD ...; valid until so many seconds from now. */
void	 made_ocsp(struct buf *, X509 *of, X509 *issuer, EVP_PKEY *signer, int status, int64_t from_s, int64_t until_s);

#endif
