/*
 * left_out_test.c - a driver that was left out when waybill was configured is
 * refused by its name; drivers.c with a list of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cf/cf.h"

static const struct { const char *map, *error, *help; } rows[] = {
	{ "pgsql \"dbname=x\" { query \"select {key}\" }",
	    "this waybill was built without the driver 'pgsql'",
	    "build it with what the driver needs: ./configure "
	    "--with-pgsqlout" },
	{ "cdb \"x\"", "this waybill was built without the driver 'cdb'",
	    "build it with what the driver needs: ./configure "
	    "--with-cdbout" },
	{ "memcache \"x\"", "no driver 'memcache'; there are text, pgsql, cdb, and "
	    "{ \"key\" = \"value\" } in place", NULL },
	{ "first \"x\"", "no driver 'first'; there are text, pgsql, cdb, and "
	    "{ \"key\" = \"value\" } in place", NULL },
};

static void
drivers_left_out_are_refused(void **state)
{
	char	text[500];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cf		*cf;
		const struct cf_diag	*d;

		snprintf(text, sizeof(text), "edition 1; hostname "
		    "\"mx.here.example\"\nmap m = %s\n"
		    "on rcpt { client.authenticated => accept }\n"
		    "route { otherwise => mx }\n", rows[i].map);
		cf = cf_compile_mem("p.conf", span_of(text));
		assert_int_equal(cf_errors(cf), 1);
		d = cf_diag(cf, 0);
		assert_string_equal(d->text, rows[i].error);
		assert_int_equal(d->line, 2);
		if (rows[i].help != NULL)
			assert_string_equal(d->help, rows[i].help);
		else
			assert_null(d->help);
		cf_free(&cf);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(drivers_left_out_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
