/*
 * client_test.c - our side of SASL, with the examples of the RFCs; against our
 * own server: gsasl_test, and test/integration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mta/credentials/client.h"

static struct sasl_client *
client(enum mech m, const char *login, const char *secret)
{
	const struct sasl_who	 who = { .login = span_of(login),
	    .secret = span_of(secret), .host = SPAN("server.example.com"),
	    .port = 587 };
	struct sasl_client	*c;
	const char		*why;

	c = sasl_client_new(m, &who, &why);
	assert_non_null(c);
	return c;
}

static void
says(struct sasl_client *c, const char *challenge, size_t n,
    const char *wanted, size_t nwanted)
{
	struct buf	out = { 0 };

	assert_int_equal(sasl_client_step(c, span_mem(challenge, n), &out),
	    SASL_SAY);
	assert_int_equal(out.n, nwanted);
	assert_memory_equal(buf_cstr(&out), wanted, nwanted);
	buf_clear(&out);
}
#define SAYS(c, challenge, wanted) \
	says(c, challenge, sizeof(challenge) - 1, wanted, sizeof(wanted) - 1)

static void
begins(struct sasl_client *c, const char *wanted, size_t n)
{
	struct buf	out = { 0 };

	assert_true(sasl_client_begin(c, &out));
	assert_int_equal(out.n, n);
	assert_memory_equal(buf_cstr(&out), wanted, n);
	buf_clear(&out);
}
#define BEGINS(c, wanted)	begins(c, wanted, sizeof(wanted) - 1)

/* RFC 4616, 4. */
static void
plain(void **state)
{
	struct sasl_client	*c = client(MECH_PLAIN, "tim",
				    "tanstaaftanstaaf");

	(void)state;
	BEGINS(c, "\0tim\0tanstaaftanstaaf");
	assert_true(sasl_client_is_done(c));
	sasl_client_free(&c);
}

static void
login(void **state)
{
	struct sasl_client	*c = client(MECH_LOGIN, "tim", "secret");
	struct buf		 out = { 0 };

	(void)state;
	assert_false(sasl_client_begin(c, &out));
	SAYS(c, "Username:", "tim");
	assert_false(sasl_client_is_done(c));
	SAYS(c, "Password:", "secret");
	assert_true(sasl_client_is_done(c));
	sasl_client_free(&c);
}

/* RFC 2195, 2. */
static void
cram_md5(void **state)
{
	struct sasl_client	*c = client(MECH_CRAM_MD5, "tim",
				    "tanstaaftanstaaf");
	struct buf		 out = { 0 };

	(void)state;
	assert_false(sasl_client_begin(c, &out));
	SAYS(c, "<1896.697170952@postoffice.reston.mci.net>",
	    "tim b913a602c7eda7a495b4e6e7334d3890");
	assert_true(sasl_client_is_done(c));
	sasl_client_free(&c);
}

/* RFC 7628, 4.1 and 4.3: an error, then the dummy. */
static void
oauthbearer(void **state)
{
	struct sasl_client	*c = client(MECH_OAUTHBEARER,
				    "user@example.com",
				    "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");

	(void)state;
	BEGINS(c, "n,a=user@example.com,\001host=server.example.com\001"
	    "port=587\001auth=Bearer "
	    "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\001\001");
	assert_true(sasl_client_is_done(c));
	SAYS(c, "{\"status\":\"invalid_token\",\"scope\":\"example_scope\"}",
	    "\001");
	assert_false(sasl_client_is_done(c));
	assert_string_equal(sasl_client_error(c), "invalid_token");
	sasl_client_free(&c);
}

static void
xoauth2(void **state)
{
	struct sasl_client	*c = client(MECH_XOAUTH2,
				    "someuser@example.com", "ya29.vF9dft4qm");

	(void)state;
	BEGINS(c, "user=someuser@example.com\001auth=Bearer ya29.vF9dft4qm"
	    "\001\001");
	SAYS(c, "{\"status\":\"401\"}", "");
	assert_string_equal(sasl_client_error(c), "401");
	sasl_client_free(&c);
}

static void
names_with_commas_are_escaped(void **state)
{
	struct sasl_client	*c = client(MECH_OAUTHBEARER, "a,b=c", "t");
	struct buf		 out = { 0 };

	(void)state;
	assert_true(sasl_client_begin(c, &out));
	assert_non_null(strstr(buf_cstr(&out), "n,a=a=2Cb=3Dc,\001"));
	buf_clear(&out);
	sasl_client_free(&c);
}

/* A hop that does not know the password cannot pretend that we are in. */
static void
scram_wants_the_hop_to_prove_itself(void **state)
{
	struct sasl_client	*c = client(MECH_SCRAM_SHA_256, "user",
				    "pencil");
	struct buf		 out = { 0 }, first = { 0 };

	(void)state;
	assert_true(sasl_client_begin(c, &out));
	assert_memory_equal(buf_cstr(&out), "n,,n=user,r=", 12);
	buf_addf(&first, "r=%sabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	    buf_cstr(&out) + 12);
	buf_reset(&out);
	assert_int_equal(sasl_client_step(c, buf_span(&first), &out),
	    SASL_SAY);
	assert_false(sasl_client_is_done(c));
	buf_reset(&out);
	assert_int_equal(sasl_client_step(c,
	    SPAN("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), &out),
	    SASL_FAIL);
	assert_false(sasl_client_is_done(c));
	buf_clear(&out);
	buf_clear(&first);
	sasl_client_free(&c);
}

/* The answer to a hop's first message; who wants too much gets none. */
static enum sasl_next
answers(const char *fields)
{
	struct sasl_client	*c = client(MECH_SCRAM_SHA_1, "user",
				    "pencil");
	struct buf		 out = { 0 }, first = { 0 };
	enum sasl_next		 next;

	assert_true(sasl_client_begin(c, &out));
	buf_addf(&first, "r=%sabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,%s",
	    buf_cstr(&out) + 12, fields);
	next = sasl_client_step(c, buf_span(&first), &out);
	buf_clear(&out);
	buf_clear(&first);
	sasl_client_free(&c);
	return next;
}

static void
a_hop_does_not_make_us_compute_for_ever(void **state)
{
	static const char *const	dear[] = {
		"i=1000001", "i=1000000000", "i=18446744073709551617",
		"i=4096,i=2000000000", "x=y,i=1000000000", "i=-1", "i="
	};
	size_t				i;

	(void)state;
	assert_int_equal(answers("i=4096"), SASL_SAY);
	assert_int_equal(answers("i=10000"), SASL_SAY);
	for (i = 0; i < sizeof(dear) / sizeof(dear[0]); i++)
		assert_int_equal(answers(dear[i]), SASL_FAIL);
}

static void
what_cannot_be_said_is_refused(void **state)
{
	static const struct {
		const char	*login, *secret;
	} cases[] = {
		{ "", "x" }, { "a", "" }, { "a\r\nb", "x" }, { "a", "x\ny" },
		{ "a\001auth=Bearer z", "x" },
	};
	struct sasl_who		 who = { .port = 25 };
	const char		*why;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		who.login = span_of(cases[i].login);
		who.secret = span_of(cases[i].secret);
		assert_null(sasl_client_new(MECH_XOAUTH2, &who, &why));
		assert_non_null(why);
	}
}

/* Challenges without an end. */
static void
an_exchange_is_bounded(void **state)
{
	struct sasl_client	*c = client(MECH_XOAUTH2, "a", "t");
	struct buf		 out = { 0 };
	unsigned		 n = 0;

	(void)state;
	assert_true(sasl_client_begin(c, &out));
	while (sasl_client_step(c, SPAN("{}"), &out) == SASL_SAY)
		assert_true(++n < 20);
	buf_clear(&out);
	sasl_client_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(login),
		cmocka_unit_test(cram_md5),
		cmocka_unit_test(oauthbearer),
		cmocka_unit_test(xoauth2),
		cmocka_unit_test(names_with_commas_are_escaped),
		cmocka_unit_test(scram_wants_the_hop_to_prove_itself),
		cmocka_unit_test(a_hop_does_not_make_us_compute_for_ever),
		cmocka_unit_test(what_cannot_be_said_is_refused),
		cmocka_unit_test(an_exchange_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
