/*
 * choice_test.c - which mechanism is used where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mta/credentials/choice.h"

#define ALL	"PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 " \
		"SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS XOAUTH2 OAUTHBEARER GSSAPI"
enum { ENC = 1, VER = 2, BIND = 4, CLEAR = 8, UNVER = 16 };
#define TLS	(ENC | VER | BIND)

static const struct {
	const char	*offered;
	enum mech_given	 given;
	unsigned	 how;
	const char	*order;		/* all that are tried, one after the other */
} cases[] = {
	{ ALL, GIVEN_PASSWORD, TLS, "SCRAM-SHA-256-PLUS SCRAM-SHA-256 "
	    "SCRAM-SHA-1-PLUS SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN " },
	{ ALL, GIVEN_PASSWORD, ENC | VER, "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 "
	    "PLAIN LOGIN " },
	/* The secret itself is for whom the certificate names. */
	{ ALL, GIVEN_PASSWORD, ENC, "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 " },
	{ ALL, GIVEN_PASSWORD, ENC | UNVER, "SCRAM-SHA-256 SCRAM-SHA-1 "
	    "CRAM-MD5 PLAIN LOGIN " },
	{ ALL, GIVEN_TOKEN, TLS, "OAUTHBEARER XOAUTH2 " },
	{ ALL, GIVEN_TOKEN, ENC, "" },
	{ ALL, GIVEN_TOKEN, ENC | UNVER, "OAUTHBEARER XOAUTH2 " },
	/* Nothing at all without TLS, unless the policy says so. */
	{ ALL, GIVEN_PASSWORD, 0, "" },
	{ ALL, GIVEN_PASSWORD, UNVER, "" },
	{ ALL, GIVEN_PASSWORD, CLEAR, "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 "
	    "PLAIN LOGIN " },
	{ "plain", GIVEN_PASSWORD, TLS, "PLAIN " },
	{ "", GIVEN_PASSWORD, TLS, "" },
	{ "GSSAPI NTLM", GIVEN_PASSWORD, TLS, "" },
};

static struct choice
choice_of(const char *offered, enum mech_given given, unsigned how)
{
	return (struct choice){ .offered = mech_mask(span_of(offered)),
	    .given = given, .encrypted = (how & ENC) != 0,
	    .verified = (how & VER) != 0, .binding = (how & BIND) != 0,
	    .clear_ok = (how & CLEAR) != 0,
	    .unverified_ok = (how & UNVER) != 0 };
}

static void
order_of(const struct choice *c, struct buf *out)
{
	unsigned	tried = 0;
	enum mech	m;

	buf_reset(out);
	while ((m = choice_next(c, tried)) < MECH_N) {
		tried |= MECH_BIT(m);
		buf_addf(out, "%s ", mech_name(m));
	}
}

static void
the_best_comes_first_and_what_is_not_safe_never(void **state)
{
	struct buf	out = { 0 };
	struct choice	c;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = choice_of(cases[i].offered, cases[i].given, cases[i].how);
		order_of(&c, &out);
		assert_string_equal(buf_cstr(&out), cases[i].order);
	}
	buf_clear(&out);
}

static void
the_policy_has_its_own_order(void **state)
{
	static const enum mech	wanted[] = { MECH_LOGIN, MECH_SCRAM_SHA_1 };
	struct choice		c = choice_of(ALL, GIVEN_PASSWORD, TLS);
	struct buf		out = { 0 };

	(void)state;
	c.wanted = wanted;
	c.nwanted = 2;
	order_of(&c, &out);
	assert_string_equal(buf_cstr(&out), "LOGIN SCRAM-SHA-1 ");
	c.verified = false;	/* it cannot allow what is not safe */
	order_of(&c, &out);
	assert_string_equal(buf_cstr(&out), "SCRAM-SHA-1 ");
	buf_clear(&out);
}

static void
why_not_is_told(void **state)
{
	struct choice	c = choice_of("PLAIN XOAUTH2 LOGIN",
	    GIVEN_PASSWORD, ENC);
	struct buf	out = { 0 };

	(void)state;
	choice_why(&c, 0, &out);
	assert_string_equal(buf_cstr(&out), "PLAIN LOGIN: the hop's "
	    "certificate is not verified, XOAUTH2: wants a token");
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_best_comes_first_and_what_is_not_safe_never),
		cmocka_unit_test(the_policy_has_its_own_order),
		cmocka_unit_test(why_not_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
