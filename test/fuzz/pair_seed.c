/*
 * pair_seed.c - the first inputs of pair_fuzz: pairs of each kind, whole, as
 * PEM and as octets.   pair_seed FOLDER
 */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include "base/xalloc.h"

#include "test/unit/keys/made.h"

#define DAY	86400

static EVP_PKEY	*authority_key;
static X509	*authority;

static void
put_der(struct buf *out, const char *before, unsigned char *der, int n)
{
	if (n <= 0)
		abort();
	buf_add_str(out, before);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
}

static void
write_seed(const char *folder, const char *name, const struct buf *b)
{
	char	*path = xasprintf("%s/%s", folder, name);
	FILE	*f = fopen(path, "wb");

	if (f == NULL || fwrite(buf_span(b).p, 1, b->n, f) != b->n ||
	    fclose(f) != 0) {
		perror(path);
		exit(1);
	}
	free(path);
}

/* The chain, the key, an OCSP answer, an authority. */
static void
put_pem(struct buf *b, X509 *x, EVP_PKEY *key)
{
	made_pem(b, x);
	made_pem(b, authority);
	buf_add_str(b, "\n%%\n");
	made_key_pem(b, key, NULL);
	buf_add_str(b, "\n%%\n");
	made_ocsp(b, x, authority, authority_key, V_OCSP_CERTSTATUS_GOOD,
	    -DAY, 900 * DAY);
	buf_add_str(b, "\n%%\n");
	made_pem(b, authority);
}

static void
put_octets(struct buf *b, X509 *x, EVP_PKEY *key)
{
	PKCS8_PRIV_KEY_INFO	*info = EVP_PKEY2PKCS8(key);
	unsigned char		*der = NULL;
	int			 n = i2d_X509(x, &der);

	put_der(b, "DER ", der, n);
	der = NULL;
	n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	put_der(b, "\n%%\nDER ", der, n);
	PKCS8_PRIV_KEY_INFO_free(info);
}

static void
seed(const char *folder, const char *name, EVP_PKEY *key)
{
	static const struct made	m = {
		.names = "DNS:mail.example.org,IP:192.0.2.1",
		.common_name = "mail.example.org", .from_s = -DAY,
		.until_s = 900 * DAY, .key_usage = "digitalSignature",
		.extended_usage = "serverAuth",
		.info_access = "OCSP;URI:http://ocsp.example/"
	};
	X509				*x = made_cert(&m, key, authority,
					    authority_key);
	struct buf			 b = { 0 };
	char				 other[32];

	put_pem(&b, x, key);
	write_seed(folder, name, &b);
	buf_reset(&b);
	put_octets(&b, x, key);
	(void)snprintf(other, sizeof(other), "%s.octets", name);
	write_seed(folder, other, &b);
	buf_clear(&b);
	X509_free(x);
	EVP_PKEY_free(key);
}

int
main(int argc, char **argv)
{
	static const struct made	m = {
		.common_name = "Authority", .from_s = -DAY,
		.until_s = 900 * DAY, .authority = true
	};

	if (argc < 2)
		return 2;
	authority_key = EVP_EC_gen("prime256v1");
	authority = made_cert(&m, authority_key, NULL, NULL);
	seed(argv[1], "p256", EVP_EC_gen("prime256v1"));
	seed(argv[1], "p384", EVP_EC_gen("secp384r1"));
	seed(argv[1], "rsa", EVP_RSA_gen(2048));
	seed(argv[1], "ed25519", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	X509_free(authority);
	EVP_PKEY_free(authority_key);
	return 0;
}
