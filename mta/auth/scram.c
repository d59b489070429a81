/*
 * scram.c - the keys of SCRAM, by OpenSSL.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "mta/auth/scram.h"

static const EVP_MD *
digest_of(enum account_scheme s)
{
	return s == ACCOUNT_SCRAM_SHA_1 ? EVP_sha1() : EVP_sha256();
}

/* ServerKey := HMAC(SaltedPassword, "Server Key"), and the like. */
static bool
key_of(const EVP_MD *md, const uint8_t *salted, size_t n, struct span what,
    uint8_t *out)
{
	return HMAC(md, salted, (int)n, (const unsigned char *)what.p, what.n,
	    out, NULL) != NULL;
}

bool
scram_keys(enum account_scheme s, struct span password, struct span salt,
    uint32_t iterations, struct scram_keys *k)
{
	const EVP_MD	*md = digest_of(s);
	uint8_t		 salted[SCRAM_KEY_MAX], client[SCRAM_KEY_MAX];
	bool		 ok;

	k->n = (size_t)EVP_MD_get_size(md);
	ok = PKCS5_PBKDF2_HMAC(password.n > 0 ? password.p : "",
	    (int)password.n, (const unsigned char *)salt.p, (int)salt.n,
	    (int)iterations, md, (int)k->n, salted) == 1 &&
	    key_of(md, salted, k->n, SPAN("Client Key"), client) &&
	    key_of(md, salted, k->n, SPAN("Server Key"), k->server) &&
	    EVP_Digest(client, k->n, k->stored, NULL, md, NULL) == 1;
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(client, sizeof(client));
	return ok;
}

/*
 * ClientKey := ClientProof XOR HMAC(StoredKey, AuthMessage), whose digest is
 * StoredKey; ServerSignature := HMAC(ServerKey, AuthMessage).
 */
bool
scram_proof(enum account_scheme s, const struct scram_keys *k,
    struct span message, struct span proof, uint8_t signature[SCRAM_KEY_MAX])
{
	const EVP_MD	*md = digest_of(s);
	uint8_t		 client[SCRAM_KEY_MAX], stored[SCRAM_KEY_MAX];
	size_t		 i;
	bool		 is;

	if (proof.n != k->n || !key_of(md, k->stored, k->n, message, client) ||
	    !key_of(md, k->server, k->n, message, signature))
		return false;
	for (i = 0; i < k->n; i++)
		client[i] ^= (uint8_t)proof.p[i];
	is = EVP_Digest(client, k->n, stored, NULL, md, NULL) == 1 &&
	    CRYPTO_memcmp(stored, k->stored, k->n) == 0;
	OPENSSL_cleanse(client, sizeof(client));
	OPENSSL_cleanse(stored, sizeof(stored));
	return is;
}
