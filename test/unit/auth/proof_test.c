/*
 * proof_test.c - what is shown against an account's secrets: the exchanges of
 * the RFCs, apps, what an account can use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "mta/auth/proof.h"
#include "mta/auth/secret.h"

/* Keys of "pencil", RFC 5802, 5 and RFC 7677, 3. */
#define SHA_1	"{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92," \
	"6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE="
#define SHA_256	"{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==," \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=," \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static const struct exchange {
	enum auth_hash	 hash;
	const char	*message, *proof, *signature;
} exchanges[] = {
	{ AUTH_SHA_1,
	    "n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
	    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
	    "s=QSXCR+Q6sek8bf92,i=4096,"
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
	    "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	    "rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ AUTH_SHA_256,
	    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static size_t
decoded(const char *text, uint8_t out[SECRET_DECODED_MAX])
{
	return secret_decode(span_of(text), out);
}

static void
prove(const char *entry, const struct exchange *x, const char *proof,
    struct proof *out)
{
	const struct proof_of	 of = { .raw = span_of(entry) };
	uint8_t			 octets[SECRET_DECODED_MAX];
	size_t			 size = decoded(proof, octets);

	proof_scram(&of, x->hash, span_of(x->message),
	    span_mem(octets, size), out);
}

static void
the_exchanges_of_the_rfcs(void **state)
{
	const char	*entry = "user:" SHA_1 " " SHA_256 "\n";
	uint8_t		 want[SECRET_DECODED_MAX];
	struct proof	 p;
	size_t		 i, size;

	(void)state;
	for (i = 0; i < 2; i++) {
		prove(entry, &exchanges[i], exchanges[i].proof, &p);
		assert_int_equal(p.result, AUTH_RIGHT);
		size = decoded(exchanges[i].signature, want);
		assert_int_equal(p.nsignature, size);
		assert_memory_equal(p.signature, want, size);
		prove(entry, &exchanges[i], exchanges[1 - i].proof, &p);
		assert_int_equal(p.result, AUTH_WRONG);
		assert_int_equal(p.nsignature, 0);
		prove("user:x\n", &exchanges[i], exchanges[i].proof, &p);
		assert_int_equal(p.result, AUTH_WRONG);
		prove("", &exchanges[i], exchanges[i].proof, &p);
		assert_int_equal(p.result, AUTH_WRONG);
	}
}

/* Zeros are what is computed with for nobody: they prove nothing. */
static void
nobody_has_no_proof(void **state)
{
	struct proof	 p;
	size_t		 i;

	(void)state;
	for (i = 0; i < 2; i++) {
		prove("", &exchanges[i], i == 0 ?
		    "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" :
		    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", &p);
		assert_int_equal(p.result, AUTH_WRONG);
		prove("", &exchanges[i], "", &p);
		assert_int_equal(p.result, AUTH_WRONG);
	}
}

static void
an_app_with_the_same_salt_fits(void **state)
{
	static const char	 keys[] = "4096,W22ZaJ0SNY7soEsUEjb6gQ==,"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	char			 entry[1024];
	struct proof		 p;

	(void)state;
	(void)snprintf(entry, sizeof(entry),
	    "user:{SCRAM-SHA-256}%s\n app tea " SHA_256 "\n", keys);
	prove(entry, &exchanges[1], exchanges[1].proof, &p);
	assert_int_equal(p.result, AUTH_RIGHT);
	assert_true(span_eq(p.which, SPAN("tea")));
	/* Another salt was said to the client: its proof cannot be this one's. */
	entry[strlen("user:{SCRAM-SHA-256}4096,")] = 'A';
	prove(entry, &exchanges[1], exchanges[1].proof, &p);
	assert_int_equal(p.result, AUTH_WRONG);
}

static void
salt_and_iterations(void **state)
{
	const struct proof_of	 of = {
		.raw = SPAN("user:{PLAIN}x " SHA_256 "\n app t " SHA_1 "\n")
	};
	const struct proof_of	 none = { .raw = SPAN("user:{PLAIN}x\n") };
	struct proof_scram	 s;
	uint8_t			 salt[SECRET_DECODED_MAX];

	(void)state;
	assert_true(proof_scram_begins(&of, AUTH_SHA_256, &s));
	assert_int_equal(s.iterations, 4096);
	assert_int_equal(s.nsalt, 16);
	(void)decoded("W22ZaJ0SNY7soEsUEjb6gQ==", salt);
	assert_memory_equal(s.salt, salt, 16);
	assert_true(proof_scram_begins(&of, AUTH_SHA_1, &s));
	assert_int_equal(s.nsalt, 12);
	assert_false(proof_scram_begins(&none, AUTH_SHA_1, &s));
}

/* RFC 2195, 2. */
static void
cram_md5_needs_the_password_itself(void **state)
{
	const struct proof_of	 tim = {
		.raw = SPAN("tim:{PLAIN}tanstaaftanstaaf\n")
	};
	const struct proof_of	 hashed = { .raw = SPAN("tim:" SHA_256 "\n") };
	const struct span	 challenge =
	    SPAN("<1896.697170952@postoffice.reston.mci.net>");
	static const uint8_t	 digest[] = {
		0xb9, 0x13, 0xa6, 0x02, 0xc7, 0xed, 0xa7, 0xa4,
		0x95, 0xb4, 0xe6, 0xe7, 0x33, 0x4d, 0x38, 0x90
	};
	struct proof		 p;

	(void)state;
	proof_cram(&tim, challenge, span_mem(digest, 16), &p);
	assert_int_equal(p.result, AUTH_RIGHT);
	proof_cram(&tim, SPAN("<2@b>"), span_mem(digest, 16), &p);
	assert_int_equal(p.result, AUTH_WRONG);
	proof_cram(&tim, challenge, span_mem(digest, 15), &p);
	assert_int_equal(p.result, AUTH_WRONG);
	proof_cram(&hashed, challenge, span_mem(digest, 16), &p);
	assert_int_equal(p.result, AUTH_WRONG);
}

static const struct {
	const char	*entry;
	unsigned	 sane, could;
} offers[] = {
	{ "a:x\n", 0, 0 },
	{ "a:{PLAIN}one\n", AUTH_PLAIN, AUTH_PLAIN | AUTH_CRAM_MD5 },
	{ "a:" SHA_256 "\n", AUTH_PLAIN | AUTH_SCRAM_SHA_256,
	    AUTH_PLAIN | AUTH_SCRAM_SHA_256 },
	{ "a:" SHA_1 " " SHA_256 "\n",
	    AUTH_PLAIN | AUTH_SCRAM_SHA_1 | AUTH_SCRAM_SHA_256,
	    AUTH_PLAIN | AUTH_SCRAM_SHA_1 | AUTH_SCRAM_SHA_256 },
	{ "a:" SHA_256 "\n app tea {SSHA}y6Qh0Da+K+jrkhqD/6V/GbBZIFfFUYEr\n",
	    AUTH_PLAIN, AUTH_PLAIN | AUTH_SCRAM_SHA_256 },
	{ "a:" SHA_256 "\n app tea " SHA_256 "\n",
	    AUTH_PLAIN | AUTH_SCRAM_SHA_256, AUTH_PLAIN | AUTH_SCRAM_SHA_256 },
	{ "a:x\n app tea " SHA_256 "\n",
	    AUTH_PLAIN | AUTH_SCRAM_SHA_256, AUTH_PLAIN | AUTH_SCRAM_SHA_256 },
};

static void
what_an_account_can_use(void **state)
{
	struct auth_offers	 o;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		o = proof_offers(&(struct proof_of){
		    .raw = span_of(offers[i].entry) });
		if (o.sane != offers[i].sane || o.could != offers[i].could)
			fail_msg("%s: %u %u", offers[i].entry, o.sane,
			    o.could);
	}
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(the_exchanges_of_the_rfcs),
		cmocka_unit_test(nobody_has_no_proof),
		cmocka_unit_test(an_app_with_the_same_salt_fits),
		cmocka_unit_test(salt_and_iterations),
		cmocka_unit_test(cram_md5_needs_the_password_itself),
		cmocka_unit_test(what_an_account_can_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
