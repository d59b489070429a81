/*
 * key.c - a private key in PEM, and whether it is one that we serve.
 */
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "mta/keys/pair_int.h"
#include "mta/keys/sign.h"

/* Nobody can be asked for a pass phrase; that one is wanted says enough. */
static int
on_phrase(char *out, int size, int rwflag, void *arg)
{
	(void)out;
	(void)size;
	(void)rwflag;
	*(bool *)arg = true;
	return -1;
}

EVP_PKEY *
key_read(struct span file, struct pair_fault *f)
{
	BIO		*bio = BIO_new_mem_buf(file.n == 0 ? "" : file.p,
			    (int)file.n);
	bool		 encrypted = false;
	EVP_PKEY	*key;

	if (bio == NULL)
		abort();
	key = PEM_read_bio_PrivateKey(bio, NULL, on_phrase, &encrypted);
	BIO_free(bio);
	ERR_clear_error();
	if (key != NULL)
		return key;
	if (encrypted)
		(void)pair_fail(f, KEYS_KEY, "the key is locked by a pass "
		    "phrase, and nobody is there to type it; "
		    "'openssl pkey' writes it without");
	else
		(void)pair_fail(f, KEYS_KEY, "no private key in PEM");
	return NULL;
}

static int
rsa_algorithm(int bits, struct buf *out, struct pair_fault *f)
{
	if (bits < TLS_RSA_BITS_MIN)
		return pair_fail(f, KEYS_KEY, "an RSA key of %d bits is too "
		    "short: 2048 are the least", bits);
	if (bits > TLS_RSA_BITS_MAX)
		return pair_fail(f, KEYS_KEY, "an RSA key of %d bits: %d are "
		    "the most", bits, TLS_RSA_BITS_MAX);
	buf_addf(out, "RSA-%d", bits);
	return 0;
}

static int
ec_algorithm(EVP_PKEY *key, struct buf *out, struct pair_fault *f)
{
	char	group[80] = "";
	size_t	n;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &n) != 1)
		group[0] = '\0';
	if (strcmp(group, "prime256v1") == 0)
		buf_add_str(out, "P-256");
	else if (strcmp(group, "secp384r1") == 0)
		buf_add_str(out, "P-384");
	else
		return pair_fail(f, KEYS_KEY, "an EC key on the curve %s: "
		    "P-256 and P-384 are served",
		    group[0] == '\0' ? "of its own" : group);
	return 0;
}

int
key_algorithm(EVP_PKEY *key, struct buf *out, struct pair_fault *f)
{
	const char	*type = EVP_PKEY_get0_type_name(key);

	if (EVP_PKEY_is_a(key, "RSA"))
		return rsa_algorithm(EVP_PKEY_get_bits(key), out, f);
	if (EVP_PKEY_is_a(key, "EC"))
		return ec_algorithm(key, out, f);
	return pair_fail(f, KEYS_KEY, "a key of the type %s: RSA, and EC on "
	    "P-256 or P-384, are served", type == NULL ? "?" : type);
}

bool
key_fits(EVP_PKEY *key, X509 *cert)
{
	EVP_PKEY	*public_key = X509_get0_pubkey(cert);
	unsigned	 scheme;
	uint8_t		 sig[TLS_SIGNATURE_MAX];
	uint8_t		 digest[32] = { 1 };
	size_t		 n;
	bool		 ok;

	if (public_key == NULL || EVP_PKEY_eq(key, public_key) != 1) {
		ERR_clear_error();
		return false;
	}
	/* The halves of a key may differ, in a file that was mended by hand. */
	scheme = EVP_PKEY_is_a(key, "RSA") ? TLS_RSA_PSS_SHA256 :
	    TLS_ECDSA_SHA256;
	n = key_sign(key, scheme, span_mem(digest, sizeof(digest)), sig);
	ok = n > 0 && key_verify(public_key, scheme,
	    span_mem(digest, sizeof(digest)), span_mem(sig, n));
	ERR_clear_error();
	return ok;
}
