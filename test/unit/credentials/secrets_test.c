/*
 * secrets_test.c - files of secrets, and what endpoints answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mta/credentials/reply.h"
#include "mta/credentials/secrets.h"

static void
is(struct span got, const char *wanted)
{
	assert_int_equal(got.n, span_of(wanted).n);
	assert_true(span_eq(got, span_of(wanted)));
}

static void
one_secret_is_the_first_line(void **state)
{
	(void)state;
	is(secrets_first(SPAN("hush\n")), "hush");
	is(secrets_first(SPAN("a: b c \r\nmore\n")), "a: b c ");
	is(secrets_first(SPAN("hush")), "hush");
	is(secrets_first(SPAN("\nhush")), "");
	is(secrets_first(SPAN_NONE), "");
}

static void
each_login_has_its_line(void **state)
{
	static const char	file[] = "# a@x: no\na@x: one\nb:c: two\r\n"
				    "a@x: other\nempty:\nd:\t three: 3 ";
	static const struct {
		const char	*login, *wanted;	/* NULL: none */
	} cases[] = {
		{ "a@x", "one" }, { "b:c", "two" }, { "b", "c: two" },
		{ "d", "three: 3 " }, { "empty", NULL }, { "# a@x", NULL },
		{ "a", NULL }, { "", NULL }, { "A@x", NULL },
	};
	struct span		got;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].wanted == NULL) {
			assert_false(secrets_of(span_of(file),
			    span_of(cases[i].login), &got));
			continue;
		}
		assert_true(secrets_of(span_of(file),
		    span_of(cases[i].login), &got));
		is(got, cases[i].wanted);
	}
}

static void
a_token_alone_is_for_all(void **state)
{
	(void)state;
	is(secrets_either(SPAN("1//0abc\n"), SPAN("a@x")), "1//0abc");
	is(secrets_either(SPAN("a@x: t1\nb@x: t2\n"), SPAN("b@x")), "t2");
	is(secrets_either(SPAN("a@x: t1\n"), SPAN("c@x")), "");
}

/* --- answers of endpoints */

static const struct {
	const char	*json;
	bool		 ok;
	const char	*token, *refresh;	/* NULL: none */
	int64_t		 expires_s;
	const char	*error;
} replies[] = {
	/* RFC 6749, 5.1 and 5.2. */
	{ "{\"access_token\":\"2YotnFZFEjr1zCsicMWpAA\",\"token_type\":"
	    "\"example\"}", false, NULL, NULL, 0, "" },
	{ "{\"access_token\":\"2YotnFZFEjr1zCsicMWpAA\",\"token_type\":"
	    "\"Bearer\",\"expires_in\":3600,\"refresh_token\":"
	    "\"tGzv3JOkF0XG5Qx2TlKWIA\"}", true, "2YotnFZFEjr1zCsicMWpAA",
	    "tGzv3JOkF0XG5Qx2TlKWIA", 3600, "" },
	{ "{\"error\":\"invalid_request\"}", true, NULL, NULL, 0,
	    "invalid_request" },
	{ "{\"error\":\"invalid_grant\",\"error_description\":\"gone\\n\\\"\"}",
	    true, NULL, NULL, 0, "invalid_grant (gone)" },
	{ "{\"access_token\":\"t\",\"expires_in\":\"120\"}", true, "t", NULL,
	    120, "" },
	{ "{\"access_token\":\"t\",\"expires_in\":99999999999}", true, "t",
	    NULL, REPLY_EXPIRES_MAX_S, "" },
	{ "{\"access_token\":\"t\",\"expires_in\":-1}", true, "t", NULL, 0,
	    "" },
	{ "{\"access_token\":\"a b\"}", false, NULL, NULL, 0, "" },
	{ "{\"access_token\":\"a\\u0001\"}", false, NULL, NULL, 0, "" },
	{ "{\"access_token\":\"\"}", false, NULL, NULL, 0, "" },
	{ "{\"access_token\":7}", false, NULL, NULL, 0, "" },
	{ "{}", false, NULL, NULL, 0, "" },
	{ "[]", false, NULL, NULL, 0, "" },
	{ "{\"a\":1,\"a\":2}", false, NULL, NULL, 0, "" },
	{ "<html>", false, NULL, NULL, 0, "" },
	{ "", false, NULL, NULL, 0, "" },
};

static void
text_is(const char *got, const char *wanted)
{
	if (wanted == NULL)
		assert_null(got);
	else
		assert_string_equal(got, wanted);
}

static void
answers_of_endpoints_are_read(void **state)
{
	struct token_reply	r;
	const char		*why;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		assert_int_equal(token_reply_parse(span_of(replies[i].json),
		    &r, &why), replies[i].ok);
		if (!replies[i].ok)
			continue;
		text_is(r.token, replies[i].token);
		text_is(r.refresh, replies[i].refresh);
		assert_true(r.expires_s == replies[i].expires_s);
		assert_string_equal(r.error, replies[i].error);
		token_reply_clear(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_secret_is_the_first_line),
		cmocka_unit_test(each_login_has_its_line),
		cmocka_unit_test(a_token_alone_is_for_all),
		cmocka_unit_test(answers_of_endpoints_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
