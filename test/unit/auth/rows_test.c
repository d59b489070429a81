/*
 * rows_test.c - what a server gave as the secrets of an account.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/auth/rows.h"

#define NONE	{ NULL, 0 }
#define V(s)	{ s, sizeof(s) - 1 }

static const struct one {
	const char	*what;
	size_t		 nrows, ncolumns;
	struct span	 values[6];
	int		 rc;
	const char	*app, *text;	/* of the last row; or a piece of why */
} table[] = {
	{ "a scheme", 1, 1, { V("{PLAIN}x") }, 0, "", "{PLAIN}x" },
	{ "bare", 1, 1, { V("$y$a$b") }, 0, "", "{CRYPT}$y$a$b" },
	{ "bare, two", 1, 1, { V("$5$a $6$b") }, 0, "",
	    "{CRYPT}$5$a {CRYPT}$6$b" },
	{ "a '$' within", 1, 1, { V("{CRYPT}$5$a$b") }, 0, "",
	    "{CRYPT}$5$a$b" },
	{ "many of them", 1, 1, { V("$ $ $ $ $ $ $ $") }, 0, "",
	    "{CRYPT}$ {CRYPT}$ {CRYPT}$ {CRYPT}$ {CRYPT}$ {CRYPT}$ "
	    "{CRYPT}$ {CRYPT}$" },
	{ "NULL", 1, 1, { NONE }, 0, "", "" },
	{ "nothing", 1, 1, { V("") }, 0, "", "" },
	{ "rows", 3, 1, { V("{PLAIN}a"), NONE, V("{PLAIN}c") }, 0, "",
	    "{PLAIN}c" },
	{ "an app", 1, 2, { V(" my phone "), V("{PLAIN}a") }, 0, "my phone",
	    "{PLAIN}a" },
	{ "no app", 2, 2, { V("tea"), V("{PLAIN}a"), NONE, V("$1$b") }, 0,
	    "", "{CRYPT}$1$b" },
	{ "a secret for a name", 1, 2, { V("{PLAIN}x"), V("{PLAIN}y") }, -1,
	    NULL, "is no secret" },
	{ "a hash for a name", 2, 2, { V("a"), V(""), V("$5$x"), V("") }, -1,
	    NULL, "is no secret" },
	{ "a control character", 1, 2, { V("a\nb"), V("{PLAIN}y") }, -1, NULL,
	    "control" },
	{ "a long name", 1, 2, { V("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), V("") }, -1, NULL, "64" },
	{ "three columns", 2, 3, { V("a"), V("b"), V("c"), V("d"), V("e"),
	    V("f") }, -1, NULL, "more columns" },
};

static void
test_rows(void **state)
{
	struct auth_rows	 r;
	struct asked_rows	 rows;
	const char		*why;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		rows = (struct asked_rows){ .nrows = table[i].nrows,
		    .ncolumns = table[i].ncolumns,
		    .values = table[i].values };
		if (auth_rows_take(&r, &rows, &why) != table[i].rc)
			fail_msg("%s", table[i].what);
		if (table[i].rc == -1) {
			assert_int_equal(r.n, 0);
			assert_non_null(strstr(why, table[i].text));
			continue;
		}
		assert_int_equal(r.n, table[i].nrows);
		assert_true(span_eq(r.v[r.n - 1].app, span_of(table[i].app)));
		if (!span_eq(r.v[r.n - 1].text, span_of(table[i].text)))
			fail_msg("%s: %.*s", table[i].what,
			    SPAN_ARG(r.v[r.n - 1].text));
		auth_rows_clear(&r);
	}
}

static void
test_sizes(void **state)
{
	static char		 octets[ROWS_OCTETS_MAX + 1];
	struct span		 values[ROWS_MAX + 1] = { V("") };
	struct asked_rows	 rows = { .nrows = ROWS_MAX, .ncolumns = 1,
	    .values = values };
	struct auth_rows	 r;
	const char		*why;

	(void)state;
	memset(octets, '$', sizeof(octets));
	assert_int_equal(auth_rows_take(&r, &rows, &why), 0);
	auth_rows_clear(&r);
	rows.nrows++;
	assert_int_equal(auth_rows_take(&r, &rows, &why), -1);
	rows.nrows = 1;
	values[0] = span_mem(octets, ROWS_OCTETS_MAX);
	assert_int_equal(auth_rows_take(&r, &rows, &why), 0);
	auth_rows_clear(&r);
	values[0].n++;
	assert_int_equal(auth_rows_take(&r, &rows, &why), -1);
}

static void
test_verdicts(void **state)
{
	const struct account_secrets	 v[] = {
		{ V(""), V("x") }, { V("tea"), V("{PLAIN}one {PLAIN}two") },
		{ V(""), V("{PLAIN}three") },
	};
	const struct account_secrets	 bad[] = {
		{ V(""), V("tell-nobody") }, { V("tea"), V("{PLAIN}one") },
	};
	struct proof_of			 of = { .v = v, .n = 3 };
	const struct proof_of		 faulty = { .v = bad, .n = 2 };
	struct proof			 is;

	(void)state;
	proof_password(&of, SPAN("two"), &is);
	assert_int_equal(is.result, AUTH_RIGHT);
	assert_true(span_eq(is.which, SPAN("tea")));
	proof_password(&of, SPAN("three"), &is);
	assert_int_equal(is.result, AUTH_RIGHT);
	assert_int_equal(is.which.n, 0);
	proof_password(&of, SPAN("x"), &is);
	assert_int_equal(is.result, AUTH_WRONG);
	assert_null(is.why);
	of.n = 0;
	proof_password(&of, SPAN("x"), &is);
	of.n = 3;
	assert_int_equal(is.result, AUTH_WRONG);
	proof_password(&of, SPAN(""), &is);
	assert_int_equal(is.result, AUTH_WRONG);
	proof_password(&faulty, SPAN("one"), &is);
	assert_int_equal(is.result, AUTH_RIGHT);
	proof_password(&faulty, SPAN("tell-nobody"), &is);
	assert_int_equal(is.result, AUTH_CANNOT);
	assert_non_null(is.why);
	assert_null(strstr(is.why, "tell"));
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
