/*
 * params_test.c - parameters of MAIL and RCPT.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/smtp/params.h"

#define EVERYTHING	UINT32_MAX

static struct arena	arena;

static enum params_result
parse(const char *in, enum params_for what, uint32_t offered, bool utf8,
    struct smtp_params *out)
{
	const struct params_place	place = { what, offered, utf8, &arena };
	const char			*why = NULL;
	enum params_result		 r;

	r = params_parse(span_of(in), &place, out, &why);
	assert_true(r == PARAMS_OK || why != NULL);
	return r;
}

static bool
is_text(struct span s, const char *want)
{
	return span_eq(s, span_of(want));
}

static void
parameters_are_read_strictly(void **state)
{
	static const struct {
		const char		*in;
		enum params_result	 want;
		uint64_t		 size;
		enum params_body	 body;
	} t[] = {
		{ "", PARAMS_OK, 0, PARAMS_BODY_NONE },
		{ "  ", PARAMS_OK, 0, PARAMS_BODY_NONE },
		{ " SIZE=0", PARAMS_OK, 0, PARAMS_BODY_NONE },
		{ " size=1024", PARAMS_OK, 1024, PARAMS_BODY_NONE },
		{ " SIZE=18446744073709551615", PARAMS_OK, UINT64_MAX, PARAMS_BODY_NONE },
		{ " SIZE=99999999999999999999", PARAMS_OK, UINT64_MAX, PARAMS_BODY_NONE },
		{ " SIZE=100000000000000000000", PARAMS_VALUE, 0, 0 },
		{ " SIZE=", PARAMS_VALUE, 0, 0 },
		{ " SIZE", PARAMS_VALUE, 0, 0 },
		{ " SIZE=1k", PARAMS_VALUE, 0, 0 },
		{ " SIZE=-1", PARAMS_VALUE, 0, 0 },
		{ " SIZE=+1", PARAMS_VALUE, 0, 0 },
		{ " SIZE=1 SIZE=2", PARAMS_TWICE, 0, 0 },
		{ " BODY=7BIT", PARAMS_OK, 0, PARAMS_BODY_7BIT },
		{ " body=8bitmime", PARAMS_OK, 0, PARAMS_BODY_8BITMIME },
		{ " BODY=8BITMIME  SIZE=5", PARAMS_OK, 5, PARAMS_BODY_8BITMIME },
		{ " BODY=BINARYMIME", PARAMS_OK, 0, PARAMS_BODY_BINARYMIME },
		{ " BODY=16BIT", PARAMS_VALUE, 0, 0 },
		{ " BODY", PARAMS_VALUE, 0, 0 },
		{ " BODY=7BIT BODY=7BIT", PARAMS_TWICE, 0, 0 },
		{ "SIZE=1", PARAMS_VALUE, 0, 0 },
		{ "\tSIZE=1", PARAMS_VALUE, 0, 0 },
		{ " SIZE=1\tBODY=7BIT", PARAMS_VALUE, 0, 0 },
		{ " =", PARAMS_VALUE, 0, 0 },
		{ " -X=1", PARAMS_VALUE, 0, 0 },
		{ " X=a=b", PARAMS_VALUE, 0, 0 },
		{ " SIZE=1\xc3\xbc", PARAMS_VALUE, 0, 0 },
		{ " MT-PRIORITY=3", PARAMS_UNKNOWN, 0, 0 },
		{ " NOTIFY=NEVER", PARAMS_UNKNOWN, 0, 0 },
		{ " SMTPUTF8=", PARAMS_VALUE, 0, 0 },
		{ " SMTPUTF8=1", PARAMS_VALUE, 0, 0 },
		{ " SMTPUTF8 SMTPUTF8", PARAMS_TWICE, 0, 0 },
		{ " REQUIRETLS=YES", PARAMS_VALUE, 0, 0 },
		{ " RET=SOME", PARAMS_VALUE, 0, 0 },
		{ " RET", PARAMS_VALUE, 0, 0 },
		{ " RET=FULL RET=FULL", PARAMS_TWICE, 0, 0 },
		{ " ENVID=", PARAMS_VALUE, 0, 0 },
		{ " ENVID=a+0A", PARAMS_VALUE, 0, 0 },
		{ " ENVID=a+00", PARAMS_VALUE, 0, 0 },
		{ " ENVID=a+2b", PARAMS_VALUE, 0, 0 },
		{ " ENVID=a+C3+BC", PARAMS_VALUE, 0, 0 },
		{ " AUTH=nobody", PARAMS_VALUE, 0, 0 },
		{ " AUTH=a@b.example+0D", PARAMS_VALUE, 0, 0 },
		{ " AUTH=<a@b.example", PARAMS_VALUE, 0, 0 },
		{ " AUTH=<<a@b.example>>", PARAMS_VALUE, 0, 0 },
		{ " AUTH=<<>>", PARAMS_VALUE, 0, 0 },
	};
	struct smtp_params	p;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].in, PARAMS_MAIL, EVERYTHING, false, &p) !=
		    t[i].want)
			fail_msg("'%s'", t[i].in);
		if (t[i].want != PARAMS_OK)
			continue;
		assert_true(p.size == t[i].size);
		assert_int_equal(p.body, t[i].body);
	}
	arena_clear(&arena);
}

static void
mail_has_the_parameters_of_its_extensions(void **state)
{
	struct smtp_params	p;

	(void)state;
	assert_int_equal(parse(" RET=hdrs ENVID=QQ314159+2Bx+20y SMTPUTF8 "
	    "REQUIRETLS AUTH=e+3Dmc2@example.com BY=120;r", PARAMS_MAIL,
	    EVERYTHING, false, &p), PARAMS_OK);
	assert_int_equal(p.ret, PARAMS_RET_HDRS);
	assert_true(is_text(p.envid, "QQ314159+x y"));
	assert_true(p.smtputf8 && p.requiretls && p.has_auth && !p.by_trace);
	assert_true(is_text(p.auth, "e=mc2@example.com"));
	assert_int_equal(p.by, PARAMS_BY_RETURN);
	assert_int_equal(p.by_s, 120);
	assert_int_equal(parse(" RET=FULL AUTH=<>", PARAMS_MAIL, EVERYTHING,
	    false, &p), PARAMS_OK);
	assert_int_equal(p.ret, PARAMS_RET_FULL);
	assert_true(is_text(p.auth, "<>"));
	assert_int_equal(parse(" AUTH=<e+3Dmc2@example.com>", PARAMS_MAIL,
	    EVERYTHING, false, &p), PARAMS_OK);
	assert_true(is_text(p.auth, "e=mc2@example.com"));
	arena_clear(&arena);
}

/* RFC 3461, 4.4 */
static void
an_envid_has_at_most_100_characters(void **state)
{
	char			text[7 + 101 + 1] = " ENVID=";
	struct smtp_params	p;

	(void)state;
	memset(text + 7, 'x', 100);
	assert_int_equal(parse(text, PARAMS_MAIL, EVERYTHING, false, &p),
	    PARAMS_OK);
	assert_int_equal(p.envid.n, 100);
	text[7 + 100] = 'x';
	assert_int_equal(parse(text, PARAMS_MAIL, EVERYTHING, false, &p),
	    PARAMS_VALUE);
	arena_clear(&arena);
}

/* RFC 2852, 4 */
static void
a_time_to_deliver_by_is_read_strictly(void **state)
{
	static const struct {
		const char	*in;
		enum params_by	 want;	/* NONE: 501 */
		int32_t		 s;
		bool		 trace;
	} t[] = {
		{ " BY=120;R", PARAMS_BY_RETURN, 120, false },
		{ " BY=+120;RT", PARAMS_BY_RETURN, 120, true },
		{ " BY=0;N", PARAMS_BY_NOTIFY, 0, false },
		{ " BY=-3600;nt", PARAMS_BY_NOTIFY, -3600, true },
		{ " BY=999999999;N", PARAMS_BY_NOTIFY, 999999999, false },
		{ " BY=-999999999;N", PARAMS_BY_NOTIFY, -999999999, false },
		{ " BY=0;R", PARAMS_BY_NONE, 0, false },
		{ " BY=-0;R", PARAMS_BY_NONE, 0, false },
		{ " BY=-1;R", PARAMS_BY_NONE, 0, false },
		{ " BY=1000000000;N", PARAMS_BY_NONE, 0, false },
		{ " BY=0000000001;N", PARAMS_BY_NONE, 0, false },
		{ " BY=;N", PARAMS_BY_NONE, 0, false },
		{ " BY=+;N", PARAMS_BY_NONE, 0, false },
		{ " BY=+-1;N", PARAMS_BY_NONE, 0, false },
		{ " BY=1", PARAMS_BY_NONE, 0, false },
		{ " BY=1;", PARAMS_BY_NONE, 0, false },
		{ " BY=1;T", PARAMS_BY_NONE, 0, false },
		{ " BY=1;NR", PARAMS_BY_NONE, 0, false },
		{ " BY=1;NTT", PARAMS_BY_NONE, 0, false },
		{ " BY=1;N;T", PARAMS_BY_NONE, 0, false },
		{ " BY=1.5;N", PARAMS_BY_NONE, 0, false },
	};
	struct smtp_params	p;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].in, PARAMS_MAIL, EVERYTHING, false, &p) !=
		    (t[i].want == PARAMS_BY_NONE ? PARAMS_VALUE : PARAMS_OK))
			fail_msg("'%s'", t[i].in);
		if (t[i].want == PARAMS_BY_NONE)
			continue;
		assert_int_equal(p.by, t[i].want);
		assert_int_equal(p.by_s, t[i].s);
		assert_int_equal(p.by_trace, t[i].trace);
	}
}

/* RFC 3461, 4.1 and 4.2; RFC 6533, 3 */
static void
rcpt_has_what_dsn_adds(void **state)
{
	static const struct {
		const char		*in;
		bool			 utf8;
		enum params_result	 want;
		unsigned		 notify;
		const char		*type, *address;
	} t[] = {
		{ "", false, PARAMS_OK, 0, "", "" },
		{ " NOTIFY=NEVER", false, PARAMS_OK, NOTIFY_NEVER, "", "" },
		{ " notify=success,Delay", false, PARAMS_OK, NOTIFY_SUCCESS | NOTIFY_DELAY, "", "" },
		{ " NOTIFY=FAILURE ORCPT=rfc822;Bob+2BX@b.example", false, PARAMS_OK, NOTIFY_FAILURE, "rfc822", "Bob+X@b.example" },
		{ " ORCPT=x-local;a", false, PARAMS_OK, 0, "x-local", "a" },
		{ " ORCPT=rfc822;a;b@c.example", false, PARAMS_OK, 0, "rfc822", "a;b@c.example" },
		{ " ORCPT=rfc822;a+2B41", false, PARAMS_OK, 0, "rfc822", "a+41" },
		{ " ORCPT=utf-8;m\\x{FC}ller@b.example", false, PARAMS_OK, 0, "utf-8", "m\xc3\xbcller@b.example" },
		{ " ORCPT=UTF-8;m\xc3\xbcller@b.example", true, PARAMS_OK, 0, "UTF-8", "m\xc3\xbcller@b.example" },
		{ " ORCPT=utf-8;m\xc3\xbcller@b.example", false, PARAMS_VALUE, 0, "", "" },
		{ " ORCPT=rfc822;m\xc3\xbcller@b.example", true, PARAMS_VALUE, 0, "", "" },
		{ " NOTIFY=", false, PARAMS_VALUE, 0, "", "" },
		{ " NOTIFY", false, PARAMS_VALUE, 0, "", "" },
		{ " NOTIFY=NEVER,SUCCESS", false, PARAMS_VALUE, 0, "", "" },
		{ " NOTIFY=SUCCESS,NEVER", false, PARAMS_VALUE, 0, "", "" },
		{ " NOTIFY=SUCCESS,", false, PARAMS_VALUE, 0, "", "" },
		{ " NOTIFY=,SUCCESS", false, PARAMS_VALUE, 0, "", "" },
		{ " NOTIFY=ALWAYS", false, PARAMS_VALUE, 0, "", "" },
		{ " NOTIFY=DELAY NOTIFY=DELAY", false, PARAMS_TWICE, 0, "", "" },
		{ " ORCPT=rfc822", false, PARAMS_VALUE, 0, "", "" },
		{ " ORCPT=;a@b.example", false, PARAMS_VALUE, 0, "", "" },
		{ " ORCPT=rfc822;", false, PARAMS_VALUE, 0, "", "" },
		{ " ORCPT=rfc.822;a", false, PARAMS_VALUE, 0, "", "" },
		{ " ORCPT=rfc822;a+0D+0A", false, PARAMS_VALUE, 0, "", "" },
		{ " ORCPT=rfc822;a+", false, PARAMS_VALUE, 0, "", "" },
		{ " ORCPT=rfc822;a ORCPT=rfc822;a", false, PARAMS_TWICE, 0, "", "" },
		{ " SIZE=1", false, PARAMS_UNKNOWN, 0, "", "" },
		{ " BODY=7BIT", false, PARAMS_UNKNOWN, 0, "", "" },
		{ " RET=FULL", false, PARAMS_UNKNOWN, 0, "", "" },
		{ " SMTPUTF8", false, PARAMS_UNKNOWN, 0, "", "" },
	};
	struct smtp_params	p;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].in, PARAMS_RCPT, EVERYTHING, t[i].utf8, &p) !=
		    t[i].want)
			fail_msg("'%s'", t[i].in);
		if (t[i].want != PARAMS_OK)
			continue;
		assert_int_equal(p.rcpt.notify, t[i].notify);
		assert_true(is_text(p.rcpt.orcpt_type, t[i].type));
		if (!is_text(p.rcpt.orcpt, t[i].address))
			fail_msg("'%s': %.*s", t[i].in,
			    SPAN_ARG(p.rcpt.orcpt));
	}
	arena_clear(&arena);
}

/* RFC 5321, 4.1.1.11: each belongs to an extension that EHLO has offered. */
static void
what_is_not_offered_is_unknown(void **state)
{
	static const struct {
		const char	*in;
		enum params_for	 where;
		uint32_t	 needs;
	} t[] = {
		{ " SIZE=1", PARAMS_MAIL, EXT_BIT(SIZE) },
		{ " BODY=8BITMIME", PARAMS_MAIL, EXT_BIT(8BITMIME) },
		{ " BODY=BINARYMIME", PARAMS_MAIL, EXT_BIT(BINARYMIME) },
		{ " SMTPUTF8", PARAMS_MAIL, EXT_BIT(SMTPUTF8) },
		{ " RET=FULL", PARAMS_MAIL, EXT_BIT(DSN) },
		{ " ENVID=a", PARAMS_MAIL, EXT_BIT(DSN) },
		{ " BY=1;R", PARAMS_MAIL, EXT_BIT(DELIVERBY) },
		{ " REQUIRETLS", PARAMS_MAIL, EXT_BIT(REQUIRETLS) },
		{ " AUTH=<>", PARAMS_MAIL, EXT_BIT(AUTH) },
		{ " NOTIFY=NEVER", PARAMS_RCPT, EXT_BIT(DSN) },
		{ " ORCPT=rfc822;a", PARAMS_RCPT, EXT_BIT(DSN) },
	};
	struct smtp_params	p;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(parse(t[i].in, t[i].where, t[i].needs, false,
		    &p), PARAMS_OK);
		assert_int_equal(parse(t[i].in, t[i].where, 0, false, &p),
		    PARAMS_UNKNOWN);
		if (parse(t[i].in, t[i].where, ~t[i].needs, false, &p) ==
		    PARAMS_OK)
			fail_msg("taken: %s", t[i].in);
	}
	arena_clear(&arena);
}

/* RFC 8689, 2: inside TLS it would be taken. */
static void
requiretls_outside_tls_asks_for_it(void **state)
{
	struct smtp_params	p;

	(void)state;
	assert_int_equal(parse(" REQUIRETLS", PARAMS_MAIL, EXT_BIT(STARTTLS),
	    false, &p), PARAMS_TLS);
	assert_int_equal(parse(" REQUIRETLS", PARAMS_RCPT, EXT_BIT(STARTTLS),
	    false, &p), PARAMS_UNKNOWN);
	assert_int_equal(parse(" REQUIRETLS", PARAMS_MAIL, EXT_BIT(SIZE),
	    false, &p), PARAMS_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_read_strictly),
		cmocka_unit_test(mail_has_the_parameters_of_its_extensions),
		cmocka_unit_test(an_envid_has_at_most_100_characters),
		cmocka_unit_test(a_time_to_deliver_by_is_read_strictly),
		cmocka_unit_test(rcpt_has_what_dsn_adds),
		cmocka_unit_test(what_is_not_offered_is_unknown),
		cmocka_unit_test(requiretls_outside_tls_asks_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
