/*
 * secret_test.c - passwords and secrets: vectors of RFC 5802 and RFC 7677, and
 * hashes that other programs have made.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "mta/auth/scram.h"
#include "mta/auth/secret.h"

/* --- SCRAM: what a client and a server said to each other */

static const struct {
	const char		*name;
	enum account_scheme	 scheme;
	const char		*salt;		/* base64 */
	uint32_t		 iterations;
	const char		*auth_message;
	const char		*proof, *signature;	/* base64: p= and v= */
} scrams[] = {
	{ "RFC 5802, 5", ACCOUNT_SCRAM_SHA_1, "QSXCR+Q6sek8bf92", 4096,
	    "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
	    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	    "s=QSXCR+Q6sek8bf92,i=4096,"
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
	    "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ "RFC 7677, 3", ACCOUNT_SCRAM_SHA_256, "W22ZaJ0SNY7soEsUEjb6gQ==", 4096,
	    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static size_t
octets(const char *base64, uint8_t out[64])
{
	int	 n = EVP_DecodeBlock(out, (const unsigned char *)base64,
	    (int)strlen(base64));

	assert_true(n > 0);
	while (base64[strlen(base64) - 1] == '=' && n > 0) {
		n -= 1 + (base64[strlen(base64) - 2] == '=');
		break;
	}
	return (size_t)n;
}

static void
hmac(const EVP_MD *md, const uint8_t *key, size_t n, const char *text,
    uint8_t *out)
{
	assert_non_null(HMAC(md, key, (int)n, (const unsigned char *)text,
	    strlen(text), out, NULL));
}

/* ClientKey is proof XOR HMAC(StoredKey, AuthMessage), and H(it) StoredKey. */
static void
keys_are_those_of_the_rfcs(void **state)
{
	struct scram_keys	 k;
	uint8_t			 salt[64], proof[64], want[64], got[64];
	const EVP_MD		*md;
	size_t			 i, j, n;

	(void)state;
	for (i = 0; i < sizeof(scrams) / sizeof(scrams[0]); i++) {
		md = scrams[i].scheme == ACCOUNT_SCRAM_SHA_1 ? EVP_sha1() :
		    EVP_sha256();
		n = octets(scrams[i].salt, salt);
		assert_true(scram_keys(scrams[i].scheme, SPAN("pencil"),
		    span_mem(salt, n), scrams[i].iterations, &k));
		hmac(md, k.stored, k.n, scrams[i].auth_message, got);
		assert_int_equal(octets(scrams[i].proof, proof), k.n);
		for (j = 0; j < k.n; j++)
			got[j] ^= proof[j];
		assert_int_equal(EVP_Digest(got, k.n, want, NULL, md, NULL), 1);
		assert_memory_equal(want, k.stored, k.n);
		hmac(md, k.server, k.n, scrams[i].auth_message, got);
		assert_int_equal(octets(scrams[i].signature, want), k.n);
		assert_memory_equal(got, want, k.n);
	}
}

/* --- verifying */

static const struct {
	const char		*name;
	enum account_scheme	 scheme;
	const char		*text, *password;
	enum auth_result	 want;
} rows[] = {
	{ "yescrypt", ACCOUNT_CRYPT, "$y$j9T$colincolincolinc$ewM1ixeo5YHXMTcfpn3CiaPo90o5dRwek7klXZW90wD", "one", AUTH_RIGHT },
	{ "another password", ACCOUNT_CRYPT, "$y$j9T$colincolincolinc$ewM1ixeo5YHXMTcfpn3CiaPo90o5dRwek7klXZW90wD", "One", AUTH_WRONG },
	{ "no password", ACCOUNT_CRYPT, "$y$j9T$colincolincolinc$ewM1ixeo5YHXMTcfpn3CiaPo90o5dRwek7klXZW90wD", "", AUTH_WRONG },
	{ "gost-yescrypt", ACCOUNT_CRYPT, "$gy$j9T$saltsaltsaltsalt$4dJ5N9/RNimZsYwikJbdg1MlrswRrIOFpV5x9OR4v3/", "one", AUTH_RIGHT },
	{ "scrypt", ACCOUNT_CRYPT, "$7$CU..../....saltsaltsalt$Dmyq6x4Y0R0e7d9.nmSmF110lH694TPJlSjJ3AZdI.3", "one", AUTH_RIGHT },
	{ "bcrypt", ACCOUNT_BLF_CRYPT, "$2b$05$abcdefghijklmnopqrstuuuLZW9x3q.ZSiA0aOz2IIJndlFR9/Q16", "one", AUTH_RIGHT },
	/* Of the specification of SHA-crypt, its own test vectors. */
	{ "SHA-512", ACCOUNT_SHA512_CRYPT, "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1", "Hello world!", AUTH_RIGHT },
	{ "SHA-512, rounds", ACCOUNT_CRYPT, "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.", "Hello world!", AUTH_RIGHT },
	{ "SHA-256", ACCOUNT_SHA256_CRYPT, "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!", AUTH_RIGHT },
	{ "MD5", ACCOUNT_CRYPT, "$1$saltsalt$e6Tp.CsfN0eElmaoD0tBJ.", "one", AUTH_RIGHT },
	{ "DES", ACCOUNT_CRYPT, "abjxGl2gNP.sk", "one", AUTH_RIGHT },
	{ "no method of this library", ACCOUNT_CRYPT, "$y$j9T$nobody", "one", AUTH_CANNOT },
	{ "SCRAM-SHA-1", ACCOUNT_SCRAM_SHA_1, "4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=", "pencil", AUTH_RIGHT },
	{ "SCRAM-SHA-256", ACCOUNT_SCRAM_SHA_256, "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", "pencil", AUTH_RIGHT },
	{ "SCRAM, wrong", ACCOUNT_SCRAM_SHA_256, "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", "pencils", AUTH_WRONG },
	{ "plain", ACCOUNT_PLAIN, "one", "one", AUTH_RIGHT },
	{ "plain, longer", ACCOUNT_PLAIN, "one", "onetwo", AUTH_WRONG },
	{ "plain, shorter", ACCOUNT_PLAIN, "one", "on", AUTH_WRONG },
	/* slappasswd -h {SSHA} */
	{ "SSHA", ACCOUNT_SSHA, "y6Qh0Da+K+jrkhqD/6V/GbBZIFfFUYEr", "one", AUTH_RIGHT },
	{ "SSHA, wrong", ACCOUNT_SSHA, "y6Qh0Da+K+jrkhqD/6V/GbBZIFfFUYEr", "two", AUTH_WRONG },
};

static void
passwords_are_verified(void **state)
{
	enum auth_result	 got;
	const char		*weak;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		got = secret_verify(rows[i].scheme, span_of(rows[i].text),
		    span_of(rows[i].password));
		if (got != rows[i].want)
			fail_msg("%s: %s", rows[i].name, auth_result_name(got));
		if (rows[i].want != AUTH_CANNOT &&
		    account_secret_fault(rows[i].scheme, span_of(rows[i].text),
		    &weak) != NULL)
			fail_msg("%s: its form", rows[i].name);
	}
}

static void
what_nobody_could_have_set(void **state)
{
	char	 many[SECRET_PASSWORD_MAX + 1];

	(void)state;
	memset(many, 'x', sizeof(many));
	assert_int_equal(secret_verify(ACCOUNT_PLAIN,
	    span_mem(many, sizeof(many)), span_mem(many, sizeof(many))),
	    AUTH_WRONG);
	assert_int_equal(secret_verify(ACCOUNT_PLAIN, SPAN("one"),
	    SPAN("one\0x")), AUTH_WRONG);
	assert_non_null(secret_password_fault(span_mem(many, sizeof(many))));
	assert_non_null(secret_password_fault(SPAN("")));
	assert_non_null(secret_password_fault(SPAN("a\tb")));
	assert_non_null(secret_password_fault(SPAN("a\0b")));
	assert_null(secret_password_fault(SPAN("pass phrase \xc3\xa9")));
}

/* The hash that a user who is not there is asked with is one. */
static void
nobody_takes_as_long(void **state)
{
	const char	*weak;

	(void)state;
	assert_int_equal(secret_verify(ACCOUNT_CRYPT,
	    SPAN("$y$j9T$nobodynobodynobo$"
	    "..........................................."), SPAN("one")),
	    AUTH_WRONG);
	assert_null(account_secret_fault(ACCOUNT_SCRAM_SHA_256,
	    SPAN("10000,bm9ib2R5bm9ib2R5bm9ibw==,"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), &weak));
	assert_null(weak);
	secret_verify_nobody(SPAN("one"));
}

/* --- making them */

static void
what_is_made_is_verified(void **state)
{
	static const enum account_scheme	 schemes[] = {
		ACCOUNT_CRYPT, ACCOUNT_YESCRYPT, ACCOUNT_BLF_CRYPT,
		ACCOUNT_SHA512_CRYPT, ACCOUNT_SHA256_CRYPT,
		ACCOUNT_SCRAM_SHA_256, ACCOUNT_SCRAM_SHA_1
	};
	struct buf		 made = { 0 }, again = { 0 };
	const char		*why, *weak;
	struct span		 text;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		assert_int_equal(secret_make(schemes[i], SPAN("o n\xc3\xa9"),
		    false, NULL, &made, &why), 0);
		assert_int_equal(secret_make(schemes[i], SPAN("o n\xc3\xa9"),
		    true, NULL, &again, &why), 0);
		assert_string_not_equal(buf_cstr(&made), buf_cstr(&again));
		text = span_of(strchr(buf_cstr(&made), '}') + 1);
		assert_null(account_secret_fault(schemes[i], text, &weak));
		assert_null(weak);
		assert_int_equal(secret_verify(schemes[i], text,
		    SPAN("o n\xc3\xa9")), AUTH_RIGHT);
		assert_int_equal(secret_verify(schemes[i], text,
		    SPAN("o n\xc3\xa8")), AUTH_WRONG);
		secret_buf_clear(&made);
		secret_buf_clear(&again);
	}
}

static void
what_is_only_read(void **state)
{
	struct buf	 out = { 0 };
	const char	*why;

	(void)state;
	assert_int_equal(secret_make(ACCOUNT_PLAIN, SPAN("one"), false, NULL,
	    &out, &why), -1);
	assert_int_equal(secret_make(ACCOUNT_SSHA, SPAN("one"), false, NULL,
	    &out, &why), -1);
	assert_int_equal(out.n, 0);
}

static void
generated_passwords(void **state)
{
	char	 a[SECRET_RANDOM_SIZE], b[SECRET_RANDOM_SIZE];

	(void)state;
	secret_random(a);
	secret_random(b);
	assert_int_equal(strlen(a), SECRET_RANDOM_SIZE - 1);
	assert_string_not_equal(a, b);
	assert_int_equal(a[4], '-');
	assert_null(secret_password_fault(span_of(a)));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(keys_are_those_of_the_rfcs),
		cmocka_unit_test(passwords_are_verified),
		cmocka_unit_test(what_nobody_could_have_set),
		cmocka_unit_test(nobody_takes_as_long),
		cmocka_unit_test(what_is_made_is_verified),
		cmocka_unit_test(what_is_only_read),
		cmocka_unit_test(generated_passwords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
