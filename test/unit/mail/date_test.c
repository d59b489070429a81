/*
 * date_test.c - dates as mail and machines write them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/date.h"

static const struct {
	int64_t		 ms;
	const char	*rfc5322, *iso;
} rows[] = {
	{ 0, "Thu, 1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z" },
	{ 1795258989123, "Sat, 21 Nov 2026 11:03:09 +0000", "2026-11-21T11:03:09Z" },
	{ 951782400000, "Tue, 29 Feb 2000 00:00:00 +0000", "2000-02-29T00:00:00Z" },
	{ -1, "Wed, 31 Dec 1969 23:59:59 +0000", "1969-12-31T23:59:59Z" },
	{ 253402300799999, "Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59Z" },
	{ 253402300800000, "Thu, 1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z" },
	{ INT64_MAX, "Thu, 1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z" },
};

static void
dates_are_written(void **state)
{
	char	 out[DATE_MAX];
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(date_rfc5322(rows[i].ms, out),
		    rows[i].rfc5322);
		assert_string_equal(date_iso(rows[i].ms, out), rows[i].iso);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
