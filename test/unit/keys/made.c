/*
 * made.c - keys, certificates and OCSP answers made for a test.
 */
#include <stdlib.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "test/unit/keys/made.h"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION	*e;

	if (value == NULL)
		return;
	e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	must(e != NULL && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

X509 *
made_cert(const struct made *m, EVP_PKEY *key, X509 *issuer,
    EVP_PKEY *issuer_key)
{
	static long	 serial;
	X509		*x = X509_new(), *parsed;
	X509_NAME	*name = X509_get_subject_name(x);
	struct buf	 der = { 0 };
	const uint8_t	*p;
	int		 n;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), (long)m->from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), (long)m->until_s);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const uint8_t *)m->common_name, -1, -1, 0);
	X509_set_issuer_name(x, issuer == NULL ? name :
	    X509_get_subject_name(issuer));
	X509_set_pubkey(x, key);
	extend(x, NID_subject_alt_name, m->names);
	extend(x, NID_key_usage, m->key_usage);
	extend(x, NID_ext_key_usage, m->extended_usage);
	extend(x, NID_info_access, m->info_access);
	extend(x, NID_basic_constraints, m->authority ? "critical,CA:TRUE" :
	    NULL);
	must(X509_sign(x, issuer_key == NULL ? key : issuer_key,
	    m->hash == NULL ? EVP_sha256() : m->hash) > 0);
	/* As it comes out of a file: nothing of key stays in it. */
	n = i2d_X509(x, NULL);
	p = (const uint8_t *)buf_reserve(&der, (size_t)n);
	must(i2d_X509(x, &(uint8_t *){ (uint8_t *)der.base }) == n);
	parsed = d2i_X509(NULL, &p, n);
	must(parsed != NULL);
	buf_clear(&der);
	X509_free(x);
	return parsed;
}

static void
take(struct buf *out, BIO *bio)
{
	char	*p;
	long	 n = BIO_get_mem_data(bio, &p);

	buf_add(out, p, (size_t)n);
	BIO_free(bio);
}

void
made_pem(struct buf *out, X509 *x)
{
	BIO	*bio = BIO_new(BIO_s_mem());

	must(PEM_write_bio_X509(bio, x) == 1);
	take(out, bio);
}

void
made_key_pem(struct buf *out, EVP_PKEY *key, const char *phrase)
{
	BIO	*bio = BIO_new(BIO_s_mem());

	must(PEM_write_bio_PKCS8PrivateKey(bio, key, phrase == NULL ? NULL :
	    EVP_aes_128_cbc(), phrase, phrase == NULL ? 0 :
	    (int)strlen(phrase), NULL, NULL) == 1);
	take(out, bio);
}

void
made_ocsp(struct buf *out, X509 *of, X509 *issuer, EVP_PKEY *signer,
    int status, int64_t from_s, int64_t until_s)
{
	OCSP_BASICRESP	*basic = OCSP_BASICRESP_new();
	OCSP_CERTID	*id = OCSP_cert_to_id(EVP_sha1(), of, issuer);
	ASN1_TIME	*from = X509_gmtime_adj(NULL, (long)from_s);
	ASN1_TIME	*until = X509_gmtime_adj(NULL, (long)until_s);
	OCSP_RESPONSE	*r;
	uint8_t		*der = NULL;
	int		 n;

	must(OCSP_basic_add1_status(basic, id, status, 0, from, from,
	    until) != NULL);
	must(OCSP_basic_sign(basic, issuer, signer, EVP_sha256(), NULL,
	    OCSP_NOCERTS) == 1);
	r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	n = i2d_OCSP_RESPONSE(r, &der);
	must(n > 0);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
}
