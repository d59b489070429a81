/*
 * status_test.c - status codes, and the parts of a reply line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/status.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct { struct span in; bool ok; } statuses[] = {
	{ S("5.7.1"), true }, { S("2.0.0"), true }, { S("4.123.999"), true },
	{ S(""), false }, { S("5"), false }, { S("5.7"), false },
	{ S("3.7.1"), false }, { S("5.07.1"), false }, { S("5.7.01"), false },
	{ S("5.1000.1"), false }, { S("5.7.1 "), false }, { S("5.7.1.1"), false },
	{ S("5..1"), false }, { S("5.7."), false }, { S("5.7.x"), false },
};

static void
a_status_has_three_numbers(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		assert_int_equal(status_ok(statuses[i].in), statuses[i].ok);
	assert_true(status_agrees(550, SPAN("5.1.1")));
	assert_false(status_agrees(550, SPAN("4.1.1")));
	assert_false(status_agrees(354, SPAN("3.0.0")));
	assert_false(status_agrees(550, SPAN("5.1")));
}

static const struct {
	struct span	 in;
	bool		 ok;
	unsigned	 code;
	bool		 more;
	struct span	 status, text;
} replies[] = {
	{ S("250 2.1.0 ok"), true, 250, false, S("2.1.0"), S("ok") },
	{ S("250-mail.example"), true, 250, true, S(""), S("mail.example") },
	{ S("250"), true, 250, false, S(""), S("") },
	{ S("250 "), true, 250, false, S(""), S("") },
	{ S("250-"), true, 250, true, S(""), S("") },
	{ S("250 2.1.0"), true, 250, false, S("2.1.0"), S("") },
	{ S("550 5.1.1 no\r\n"), true, 550, false, S("5.1.1"), S("no") },
	{ S("550 4.1.1 no"), true, 550, false, S(""), S("4.1.1 no") },
	{ S("550 5.1.1x no"), true, 550, false, S(""), S("5.1.1x no") },
	{ S("354 go"), true, 354, false, S(""), S("go") },
	{ S(""), false, 0, false, S(""), S("") },
	{ S("25"), false, 0, false, S(""), S("") },
	{ S("2500 x"), false, 0, false, S(""), S("") },
	{ S("150 x"), false, 0, false, S(""), S("") },
	{ S("650 x"), false, 0, false, S(""), S("") },
	{ S("HTTP"), false, 0, false, S(""), S("") },
	{ S("250\tx"), false, 0, false, S(""), S("") },
};

static void
a_reply_line_is_taken_apart(void **state)
{
	struct reply_line	 r;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		assert_int_equal(reply_line_parse(replies[i].in, &r),
		    replies[i].ok);
		if (!replies[i].ok)
			continue;
		assert_int_equal(r.code, replies[i].code);
		assert_int_equal(r.more, replies[i].more);
		assert_true(span_eq(r.status, replies[i].status));
		assert_true(span_eq(r.text, replies[i].text));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_has_three_numbers),
		cmocka_unit_test(a_reply_line_is_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
