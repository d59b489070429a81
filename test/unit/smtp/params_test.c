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
		{ " BODY=BINARYMIME", PARAMS_VALUE, 0, 0 },
		{ " BODY", PARAMS_VALUE, 0, 0 },
		{ " BODY=7BIT BODY=7BIT", PARAMS_TWICE, 0, 0 },
		{ "SIZE=1", PARAMS_VALUE, 0, 0 },
		{ "\tSIZE=1", PARAMS_VALUE, 0, 0 },
		{ " SIZE=1\tBODY=7BIT", PARAMS_VALUE, 0, 0 },
		{ " =", PARAMS_VALUE, 0, 0 },
		{ " -X=1", PARAMS_VALUE, 0, 0 },
		{ " X=a=b", PARAMS_VALUE, 0, 0 },
		{ " RET=FULL", PARAMS_UNKNOWN, 0, 0 },
		{ " SMTPUTF8", PARAMS_UNKNOWN, 0, 0 },
	};
	struct smtp_params	p;
	const char		*why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (params_parse(span_of(t[i].in), PARAMS_MAIL, &p, &why) !=
		    t[i].want)
			fail_msg("'%s'", t[i].in);
		if (t[i].want != PARAMS_OK) {
			assert_non_null(why);
			continue;
		}
		assert_true(p.size == t[i].size);
		assert_int_equal(p.body, t[i].body);
	}
}

static void
rcpt_has_none(void **state)
{
	struct smtp_params	p;
	const char		*why;

	(void)state;
	assert_int_equal(params_parse(SPAN(""), PARAMS_RCPT, &p, &why),
	    PARAMS_OK);
	assert_int_equal(params_parse(SPAN(" SIZE=1"), PARAMS_RCPT, &p, &why),
	    PARAMS_UNKNOWN);
	assert_int_equal(params_parse(SPAN(" BODY=7BIT"), PARAMS_RCPT, &p,
	    &why), PARAMS_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_read_strictly),
		cmocka_unit_test(rcpt_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
