/*
 * sign.c - one signature of a digest.
 */
#include "mta/keys/sign.h"

#include <openssl/rsa.h>

static bool
may_sign(EVP_PKEY *key, unsigned scheme, struct span digest)
{
	return digest.n > 0 && digest.n == tls_scheme_digest(scheme) &&
	    EVP_PKEY_is_a(key, tls_scheme_is_rsa(scheme) ? "RSA" : "EC");
}

/* What has been begun is told of hash and padding. */
static bool
set_scheme(EVP_PKEY_CTX *ctx, unsigned scheme)
{
	EVP_MD	*md = EVP_MD_fetch(NULL, tls_scheme_hash(scheme), NULL);
	bool	 ok;

	ok = md != NULL && EVP_PKEY_CTX_set_signature_md(ctx, md) == 1;
	if (ok && tls_scheme_is_rsa(scheme))
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx,
		    tls_scheme_is_pss(scheme) ? RSA_PKCS1_PSS_PADDING :
		    RSA_PKCS1_PADDING) == 1;
	if (ok && tls_scheme_is_pss(scheme))
		ok = EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx,
		    RSA_PSS_SALTLEN_DIGEST) == 1;
	EVP_MD_free(md);
	return ok;
}

size_t
key_sign(EVP_PKEY *key, unsigned scheme, struct span digest,
    uint8_t out[TLS_SIGNATURE_MAX])
{
	EVP_PKEY_CTX	*ctx;
	size_t		 n = TLS_SIGNATURE_MAX;

	if (!may_sign(key, scheme, digest) ||
	    (ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL)
		return 0;
	if (EVP_PKEY_sign_init(ctx) != 1 || !set_scheme(ctx, scheme) ||
	    EVP_PKEY_sign(ctx, out, &n, (const uint8_t *)digest.p,
	    digest.n) != 1)
		n = 0;
	EVP_PKEY_CTX_free(ctx);
	return n;
}

bool
key_verify(EVP_PKEY *key, unsigned scheme, struct span digest,
    struct span signature)
{
	EVP_PKEY_CTX	*ctx;
	bool		 ok;

	if (!may_sign(key, scheme, digest) ||
	    (ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL)
		return false;
	ok = EVP_PKEY_verify_init(ctx) == 1 && set_scheme(ctx, scheme) &&
	    EVP_PKEY_verify(ctx, (const uint8_t *)signature.p, signature.n,
	    (const uint8_t *)digest.p, digest.n) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}
