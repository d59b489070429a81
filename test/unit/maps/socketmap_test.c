/*
 * socketmap_test.c - replies of socketmap servers: whole, in pieces, wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "maps/asked/socketmap.h"

static const struct {
	struct span	 in;
	int		 rc;
	enum map_result	 result;
	struct span	 text;
	size_t		 used;
} rows[] = {
	{ SPAN("8:OK ann@x,"), 1, MAP_FOUND, SPAN("ann@x"), 11 },
	{ SPAN("8:OK ann@x,9:"), 1, MAP_FOUND, SPAN("ann@x"), 11 },
	{ SPAN("5:OK  a,"), 1, MAP_FOUND, SPAN(" a"), 8 },
	{ SPAN("3:OK ,"), 1, MAP_FOUND, SPAN(""), 6 },
	{ SPAN("2:OK,"), 1, MAP_FOUND, SPAN(""), 5 },
	{ SPAN("6:OK a\0b,"), 1, MAP_FOUND, SPAN("a\0b"), 9 },
	{ SPAN("9:NOTFOUND ,"), 1, MAP_NONE, SPAN(""), 12 },
	{ SPAN("8:NOTFOUND,"), 1, MAP_NONE, SPAN(""), 11 },
	{ SPAN("8:TEMP why,"), 1, MAP_LATER, SPAN("why"), 11 },
	{ SPAN("11:TIMEOUT why,"), 1, MAP_LATER, SPAN("why"), 15 },
	{ SPAN("8:PERM why,"), 1, MAP_BROKEN, SPAN("why"), 11 },
	/* Not all of it is there. */
	{ SPAN(""), 0, MAP_NONE, SPAN(""), 0 },
	{ SPAN("1"), 0, MAP_NONE, SPAN(""), 0 },
	{ SPAN("10"), 0, MAP_NONE, SPAN(""), 0 },
	{ SPAN("8:"), 0, MAP_NONE, SPAN(""), 0 },
	{ SPAN("8:OK ann@x"), 0, MAP_NONE, SPAN(""), 0 },
	/* No netstring, no word. */
	{ SPAN(":OK,"), -1, MAP_NONE, SPAN(""), 0 },
	{ SPAN("-1:OK,"), -1, MAP_NONE, SPAN(""), 0 },
	{ SPAN(" 2:OK,"), -1, MAP_NONE, SPAN(""), 0 },
	{ SPAN("02:OK,"), -1, MAP_NONE, SPAN(""), 0 },
	{ SPAN("2;OK,"), -1, MAP_NONE, SPAN(""), 0 },
	{ SPAN("2:OK."), -1, MAP_NONE, SPAN(""), 0 },
	{ SPAN("0:,"), -1, MAP_NONE, SPAN(""), 0 },
	{ SPAN("2:ok,"), -1, MAP_NONE, SPAN(""), 0 },
	{ SPAN("5:OKAY ,"), -1, MAP_NONE, SPAN(""), 0 },
	{ SPAN("1048593:"), -1, MAP_NONE, SPAN(""), 0 },
	{ SPAN("1048592:"), 0, MAP_NONE, SPAN(""), 0 },
	{ SPAN("99999999"), -1, MAP_NONE, SPAN(""), 0 },
};

static void
test_replies(void **state)
{
	struct socketmap_reply	 r;
	const char		*why;
	size_t			 i, used;
	int			 rc;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		why = NULL;
		rc = socketmap_parse(rows[i].in, &used, &r, &why);
		if (rc != rows[i].rc)
			fail_msg("%.*s: %d", SPAN_ARG(rows[i].in), rc);
		assert_true((rc == -1) == (why != NULL));
		if (rc != 1)
			continue;
		assert_int_equal(r.result, rows[i].result);
		assert_true(span_eq(r.text, rows[i].text));
		assert_int_equal(used, rows[i].used);
	}
}

/* However it is cut, a reply is waited for and then the same. */
static void
test_every_cut(void **state)
{
	struct span		 all = SPAN("21:OK a value, with some,"), part;
	struct socketmap_reply	 r;
	const char		*why;
	size_t			 used;

	(void)state;
	for (part = all, part.n = 0; part.n < all.n; part.n++)
		assert_int_equal(socketmap_parse(part, &used, &r, &why), 0);
	assert_int_equal(socketmap_parse(all, &used, &r, &why), 1);
	assert_int_equal(used, all.n);
}

static void
test_requests(void **state)
{
	struct buf	 out = { 0 };

	(void)state;
	socketmap_request(&out, SPAN("people"), SPAN("ann"));
	socketmap_request(&out, SPAN("m"), SPAN("1:x,\r\n\0"));
	assert_true(span_eq(buf_span(&out),
	    SPAN("10:people ann,9:m 1:x,\r\n\0,")));
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
