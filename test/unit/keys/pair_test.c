/*
 * pair_test.c - the files of a tls block: what is taken, and what is said of
 * those that are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include <openssl/pem.h>

#include "base/tls_bundle.h"
#include "mta/keys/pair.h"

#include "test/unit/keys/made.h"

#define DAY	86400

enum { RSA2048, RSA1024, P256, P256_OTHER, P384, P521, K256, ED25519, CA,
	NKEYS };
static EVP_PKEY	*keys[NKEYS];
static X509	*root, *between;	/* root signs between, whose key is CA */

static const struct made	leaf = {
	.names = "DNS:mail.example.org,DNS:*.example.org,IP:192.0.2.1",
	.common_name = "mail.example.org", .from_s = -DAY, .until_s = 90 * DAY
};

struct files {
	struct buf	parts[KEYS_NPARTS];
};

static void
files_clear(struct files *f)
{
	for (unsigned i = 0; i < KEYS_NPARTS; i++)
		buf_clear(&f->parts[i]);
}

/* A certificate of that key by `between`, and its chain; key written as is. */
static X509 *
add_cert(struct files *f, const struct made *m, int key)
{
	X509	*x = made_cert(m, keys[key], between, keys[CA]);

	made_pem(&f->parts[KEYS_CERTIFICATE], x);
	made_pem(&f->parts[KEYS_CERTIFICATE], between);
	return x;
}

static void
add_key(struct files *f, int key)
{
	made_key_pem(&f->parts[KEYS_KEY], keys[key], NULL);
}

static int
examine(struct files *f, struct pair *p, struct pair_fault *fault)
{
	struct span	parts[KEYS_NPARTS];

	for (unsigned i = 0; i < KEYS_NPARTS; i++)
		parts[i] = buf_span(&f->parts[i]);
	return pair_read(parts, (int64_t)time(NULL), p, fault);
}

static void
is_taken(struct files *f, const char *algorithm, const char *warning)
{
	struct pair		p;
	struct pair_fault	fault;

	if (examine(f, &p, &fault) != 0)
		fail_msg("refused: %s", buf_cstr(&fault.why));
	assert_string_equal(buf_cstr(&p.algorithm), algorithm);
	assert_string_equal(p.warning.n == 0 ? "" : buf_cstr(&p.warning),
	    warning);
	assert_string_equal(buf_cstr(&p.names),
	    "mail.example.org *.example.org 192.0.2.1");
	pair_clear(&p);
	pair_fault_clear(&fault);
	files_clear(f);
}

static void
is_refused(struct files *f, enum keys_part part, const char *why)
{
	struct pair		p;
	struct pair_fault	fault;

	assert_int_equal(examine(f, &p, &fault), -1);
	assert_string_equal(buf_cstr(&fault.why), why);
	assert_int_equal(fault.part, part);
	assert_null(p.key);
	pair_fault_clear(&fault);
	files_clear(f);
}

static void
test_keys_that_are_served(void **state)
{
	static const struct { int key; const char *algorithm; } t[] = {
		{ RSA2048, "RSA-2048" }, { P256, "P-256" }, { P384, "P-384" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct files	f = { 0 };

		X509_free(add_cert(&f, &leaf, t[i].key));
		add_key(&f, t[i].key);
		is_taken(&f, t[i].algorithm, "");
	}
}

static void
test_keys_that_are_not(void **state)
{
	static const struct { int key; const char *why; } t[] = {
		{ RSA1024, "an RSA key of 1024 bits is too short: 2048 are "
		    "the least" },
		{ P521, "an EC key on the curve secp521r1: P-256 and P-384 "
		    "are served" },
		{ K256, "an EC key on the curve secp256k1: P-256 and P-384 "
		    "are served" },
		{ ED25519, "a key of the type ED25519: RSA, and EC on P-256 "
		    "or P-384, are served" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct files	f = { 0 };

		X509_free(add_cert(&f, &leaf, t[i].key));
		add_key(&f, t[i].key);
		is_refused(&f, KEYS_KEY, t[i].why);
	}
}

static void
test_key_of_another(void **state)
{
	struct files		f = { 0 };
	struct pair		p;
	struct pair_fault	fault;

	(void)state;
	X509_free(add_cert(&f, &leaf, P256));
	add_key(&f, P256_OTHER);
	assert_int_equal(examine(&f, &p, &fault), -1);
	assert_true(fault.unfit);
	assert_string_equal(buf_cstr(&fault.why),
	    "the key does not belong to the certificate");
	pair_fault_clear(&fault);
	files_clear(&f);
}

/* PKCS#8 and the older form of OpenSSL. */
static void
test_locked_keys(void **state)
{
	static const char	old[] = "-----BEGIN EC PRIVATE KEY-----\n"
	    "Proc-Type: 4,ENCRYPTED\n"
	    "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
	    "AAAA\n-----END EC PRIVATE KEY-----\n";
	struct files		f = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		X509_free(add_cert(&f, &leaf, P256));
		if (i == 0)
			made_key_pem(&f.parts[KEYS_KEY], keys[P256], "secret");
		else
			buf_add_str(&f.parts[KEYS_KEY], old);
		is_refused(&f, KEYS_KEY, "the key is locked by a pass phrase, "
		    "and nobody is there to type it; 'openssl pkey' writes it "
		    "without");
	}
}

static void
test_no_key(void **state)
{
	struct files	f = { 0 };

	(void)state;
	X509_free(add_cert(&f, &leaf, P256));
	is_refused(&f, KEYS_KEY, "no private key in PEM");
	X509_free(add_cert(&f, &leaf, P256));
	made_pem(&f.parts[KEYS_KEY], between);
	is_refused(&f, KEYS_KEY, "no private key in PEM");
}

static void
test_no_certificate(void **state)
{
	struct files	f = { 0 };

	(void)state;
	add_key(&f, P256);
	is_refused(&f, KEYS_CERTIFICATE, "no certificate in PEM");
	add_key(&f, P256);
	add_key(&f, P256);
	buf_take(&f.parts[KEYS_CERTIFICATE], &f.parts[KEYS_KEY]);
	is_refused(&f, KEYS_CERTIFICATE, "no certificate in PEM");
	add_key(&f, P256);
	X509_free(add_cert(&f, &leaf, P256));
	buf_add_str(&f.parts[KEYS_CERTIFICATE], "-----BEGIN CERTIFICATE-----\n"
	    "MIIB\n-----END CERTIFICATE-----\n");
	is_refused(&f, KEYS_CERTIFICATE, "certificate number 3 cannot be "
	    "read");
	for (int i = 0; i <= PAIR_CERTIFICATES_MAX; i++)
		made_pem(&f.parts[KEYS_CERTIFICATE], between);
	add_key(&f, P256);
	is_refused(&f, KEYS_CERTIFICATE, "more than 64 certificates");
}

/* The private half is another number, the public one is still there (RFC 5915). */
static void
test_damaged_key(void **state)
{
	struct files	 f = { 0 };
	unsigned char	*der = NULL;
	int		 n = i2d_PrivateKey(keys[P256], &der);
	BIO		*bio = BIO_new(BIO_s_mem());
	char		*pem;
	long		 pem_n;

	(void)state;
	assert_int_equal(der[6], 32);	/* the octet string's length */
	der[7 + 31] ^= 1;
	assert_true(PEM_write_bio(bio, "EC PRIVATE KEY", "", der, n) > 0);
	pem_n = BIO_get_mem_data(bio, &pem);
	buf_add(&f.parts[KEYS_KEY], pem, (size_t)pem_n);
	X509_free(add_cert(&f, &leaf, P256));
	is_refused(&f, KEYS_KEY, "the key is damaged: what it signs does not "
	    "verify");
	BIO_free(bio);
	OPENSSL_free(der);
}

static char *
shown(struct files *f, size_t *n)
{
	struct pair		 p;
	struct pair_fault	 fault;
	struct tls_bundle	 b;
	FILE			*file = tmpfile();
	char			*pem;

	assert_int_equal(examine(f, &p, &fault), 0);
	assert_int_equal(fwrite(buf_span(&p.bundle).p, 1, p.bundle.n, file),
	    p.bundle.n);
	assert_int_equal(fflush(file), 0);
	assert_true(tls_bundle_open(fileno(file), &b));
	fclose(file);
	pem = strndup(b.chain.p, b.chain.n);
	*n = b.staple.n;
	tls_bundle_clear(&b);
	pair_clear(&p);
	pair_fault_clear(&fault);
	return pem;
}

/* Whatever the order and what else is there: ours, its issuer, no root. */
static void
test_order_of_the_chain(void **state)
{
	X509		*x = made_cert(&leaf, keys[P256], between, keys[CA]);
	X509		*other = made_cert(&leaf, keys[P384], NULL, NULL);
	X509		*order[][4] = {
		{ x, between, root }, { root, between, x }, { between, x },
		{ other, x, between, root }
	};
	struct buf	 want = { 0 };

	(void)state;
	made_pem(&want, x);
	made_pem(&want, between);
	for (size_t i = 0; i < 4; i++) {
		struct files	 f = { 0 };
		char		*pem;
		size_t		 n;

		buf_add_str(&f.parts[KEYS_CERTIFICATE], "a comment\n");
		for (size_t k = 0; k < 4 && order[i][k] != NULL; k++)
			made_pem(&f.parts[KEYS_CERTIFICATE], order[i][k]);
		add_key(&f, P256);
		pem = shown(&f, &n);
		assert_string_equal(pem, buf_cstr(&want));
		free(pem);
		files_clear(&f);
	}
	buf_clear(&want);
	X509_free(x);
	X509_free(other);
}

static void
warned(struct made m, bool alone, const char *warning)
{
	struct files	f = { 0 };
	X509		*x = made_cert(&m, keys[P256], between, keys[CA]);

	made_pem(&f.parts[KEYS_CERTIFICATE], x);
	if (!alone)
		made_pem(&f.parts[KEYS_CERTIFICATE], between);
	add_key(&f, P256);
	is_taken(&f, "P-256", warning);
	X509_free(x);
}

static void
test_warnings(void **state)
{
	struct made	m = leaf;
	char		text[128], date[16];
	time_t		t = time(NULL) - DAY;

	(void)state;
	strftime(date, sizeof(date), "%Y-%m-%d", gmtime(&t));
	m.from_s = -2 * DAY;
	m.until_s = -DAY;
	snprintf(text, sizeof(text), "has expired on %s: clients that verify "
	    "it will not talk to us", date);
	warned(m, false, text);
	t = time(NULL) + DAY;
	strftime(date, sizeof(date), "%Y-%m-%d", gmtime(&t));
	m.from_s = DAY;
	m.until_s = 2 * DAY;
	snprintf(text, sizeof(text), "is not valid before %s", date);
	warned(m, false, text);
	m = leaf;
	m.key_usage = "keyEncipherment";
	warned(m, false, "it may not sign (key usage): clients will refuse it");
	m = leaf;
	m.extended_usage = "clientAuth";
	warned(m, false, "it is not for servers (extended key usage): clients "
	    "will refuse it");
	m.extended_usage = "serverAuth";
	m.key_usage = "digitalSignature";
	warned(m, false, "");
	m.info_access = "caIssuers;URI:http://ca.example/ca.der";
	warned(m, false, "");
	warned(m, true, "the certificates between it and its root are not in "
	    "the file; many clients will not verify it");
	m.info_access = NULL;
	warned(m, true, "");
}

/* What OpenSSL would refuse in a worker is refused here. */
static void
test_weak_signature(void **state)
{
	struct made	m = leaf;
	struct files	f = { 0 };

	(void)state;
	m.hash = EVP_sha1();
	X509_free(add_cert(&f, &m, P256));
	add_key(&f, P256);
	is_refused(&f, KEYS_CERTIFICATE, "OpenSSL refuses it: ca md too weak");
}

static void
stapled(const struct buf *staple, X509 *x, bool alone, const char *warning)
{
	struct files		f = { 0 };
	struct pair		p;
	struct pair_fault	fault;
	char			*pem;
	size_t			 n;

	made_pem(&f.parts[KEYS_CERTIFICATE], x);
	if (!alone)
		made_pem(&f.parts[KEYS_CERTIFICATE], between);
	add_key(&f, P256);
	buf_add_span(&f.parts[KEYS_STAPLE], buf_span(staple));
	pem = shown(&f, &n);
	free(pem);
	assert_int_equal(n, warning == NULL ? staple->n : 0);
	assert_int_equal(examine(&f, &p, &fault), 0);
	if (warning != NULL) {
		assert_string_equal(buf_cstr(&p.warning), warning);
		assert_int_equal(p.warned_part, KEYS_STAPLE);
		assert_int_equal(p.staple_until_s, 0);
	} else {
		assert_int_equal(p.warning.n, 0);
		assert_true(p.staple_until_s > (int64_t)time(NULL));
	}
	pair_clear(&p);
	pair_fault_clear(&fault);
	files_clear(&f);
}

static void
test_staples(void **state)
{
	X509	*x = made_cert(&leaf, keys[P256], between, keys[CA]);
	X509	*other = made_cert(&leaf, keys[P384], between, keys[CA]);
	struct {
		X509		*of;
		int		 signer, status;
		int64_t		 from_s, until_s;
		const char	*warning;
	} t[] = {
		{ x, CA, V_OCSP_CERTSTATUS_GOOD, -60, DAY, NULL },
		{ x, CA, V_OCSP_CERTSTATUS_REVOKED, -60, DAY, "left out: it "
		    "says that the certificate is revoked" },
		{ x, CA, V_OCSP_CERTSTATUS_UNKNOWN, -60, DAY, "left out: it "
		    "does not know the certificate" },
		{ x, CA, V_OCSP_CERTSTATUS_GOOD, -DAY, -60, "left out: it has "
		    "expired" },
		{ x, CA, V_OCSP_CERTSTATUS_GOOD, DAY, 2 * DAY, "left out: it "
		    "is not of now: of the future" },
		{ other, CA, V_OCSP_CERTSTATUS_GOOD, -60, DAY, "left out: it "
		    "is of another certificate" },
	};
	struct buf	one = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		made_ocsp(&one, t[i].of, between, keys[t[i].signer],
		    t[i].status, t[i].from_s, t[i].until_s);
		stapled(&one, x, false, t[i].warning);
		buf_reset(&one);
	}
	made_ocsp(&one, x, between, keys[CA], V_OCSP_CERTSTATUS_GOOD, -60, DAY);
	stapled(&one, x, true, "left out: the certificate's file does not "
	    "hold its issuer, by whom it is verified");
	one.base[one.off + one.n - 1] ^= 1;	/* of the signature, at the end */
	stapled(&one, x, false, "left out: its signature is wrong");
	buf_add_char(&one, '\0');
	stapled(&one, x, false, "left out: it is no OCSP answer in DER");
	buf_clear(&one);
	X509_free(x);
	X509_free(other);
}

static void
test_authorities(void **state)
{
	struct files	f = { 0 };

	(void)state;
	X509_free(add_cert(&f, &leaf, P256));
	add_key(&f, P256);
	made_pem(&f.parts[KEYS_AUTHORITIES], root);
	is_taken(&f, "P-256", "");
	X509_free(add_cert(&f, &leaf, P256));
	add_key(&f, P256);
	buf_add_str(&f.parts[KEYS_AUTHORITIES], "nothing\n");
	is_refused(&f, KEYS_AUTHORITIES, "no certificate in PEM");
}

/* Without the key everything else is still said. */
static void
test_looked_at_without_the_key(void **state)
{
	struct made		m = leaf;
	struct files		f = { 0 };
	struct span		parts[KEYS_NPARTS] = { { NULL, 0 } };
	struct pair		p;
	struct pair_fault	fault;

	(void)state;
	m.extended_usage = "clientAuth";
	X509_free(add_cert(&f, &m, RSA2048));
	parts[KEYS_CERTIFICATE] = buf_span(&f.parts[KEYS_CERTIFICATE]);
	assert_int_equal(pair_look(parts, (int64_t)time(NULL), &p, &fault), 0);
	assert_string_equal(buf_cstr(&p.algorithm), "RSA-2048");
	assert_string_equal(buf_cstr(&p.warning), "it is not for servers "
	    "(extended key usage): clients will refuse it");
	pair_clear(&p);
	files_clear(&f);
	X509_free(add_cert(&f, &leaf, P521));
	parts[KEYS_CERTIFICATE] = buf_span(&f.parts[KEYS_CERTIFICATE]);
	assert_int_equal(pair_look(parts, (int64_t)time(NULL), &p, &fault), -1);
	pair_fault_clear(&fault);
	files_clear(&f);
}

static int
setup(void **state)
{
	static const struct made	authority = {
		.common_name = "Root", .from_s = -DAY, .until_s = 900 * DAY,
		.authority = true
	}, below = {
		.common_name = "Between", .from_s = -DAY, .until_s = 900 * DAY,
		.authority = true
	};
	EVP_PKEY			*root_key = EVP_EC_gen("prime256v1");

	(void)state;
	keys[RSA2048] = EVP_RSA_gen(2048);
	keys[RSA1024] = EVP_RSA_gen(1024);
	keys[P256] = EVP_EC_gen("prime256v1");
	keys[P256_OTHER] = EVP_EC_gen("prime256v1");
	keys[P384] = EVP_EC_gen("secp384r1");
	keys[P521] = EVP_EC_gen("secp521r1");
	keys[K256] = EVP_EC_gen("secp256k1");
	keys[ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	keys[CA] = EVP_EC_gen("prime256v1");
	root = made_cert(&authority, root_key, NULL, NULL);
	between = made_cert(&below, keys[CA], root, root_key);
	EVP_PKEY_free(root_key);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < NKEYS; i++)
		EVP_PKEY_free(keys[i]);
	X509_free(root);
	X509_free(between);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_keys_that_are_served),
		cmocka_unit_test(test_keys_that_are_not),
		cmocka_unit_test(test_key_of_another),
		cmocka_unit_test(test_locked_keys),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_no_certificate),
		cmocka_unit_test(test_damaged_key),
		cmocka_unit_test(test_order_of_the_chain),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_weak_signature),
		cmocka_unit_test(test_staples),
		cmocka_unit_test(test_authorities),
		cmocka_unit_test(test_looked_at_without_the_key),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
