/*
 * submit_test.c - what a submission lacks is added, what nobody may see goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/submit.h"

#define DATE	"Date: Sat, 21 Nov 2026 11:03:09 +0000\r\n"
#define ID	"Message-ID: <q1@mx.example>\r\n"
#define FROM	"From: ann@here.example\r\n"

static const struct {
	const char	*in, *sender, *out;
} rows[] = {
	/* nothing is there */
	{ "", "ann@here.example", DATE FROM ID },
	{ "\r\n", "ann@here.example", DATE FROM ID "\r\n" },
	/* a text without a header stays a text */
	{ "hello\r\n", "ann@here.example", DATE FROM ID "\r\nhello\r\n" },
	{ " hello\r\nyou\r\n\r\nall", "ann@here.example",
	    DATE FROM ID "\r\n hello\r\nyou\r\n\r\n" },
	/* what is there stays, right or wrong, in any case of letters */
	{ "date: yesterday\r\nfrom: x\r\nMESSAGE-ID: y\r\n\r\nhi\r\n",
	    "ann@here.example", NULL },
	/* no From is made of the null sender */
	{ "Subject: x\r\n\r\n", "", "Subject: x\r\n" DATE ID "\r\n" },
	/* these go, each of them and folded */
	{ "Bcc: a@b.example,\r\n c@d.example\r\n" DATE FROM "bcc: e@f.example\r\n"
	    "Resent-Bcc: x@y.example\r\nReturn-Path: <z@z.example>\r\n" ID "\r\n",
	    "ann@here.example", DATE FROM ID "\r\n" },
};

static void
headers_are_made_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf		out = { 0 };
		struct submit		s = {
			.sender = span_of(rows[i].sender),
			.id = SPAN("q1"), .hostname = SPAN("mx.example"),
			.now_ms = 1795258989123,
		};

		assert_int_equal(submit_header(span_of(rows[i].in), &s, &out),
		    rows[i].out != NULL);
		assert_string_equal(buf_cstr(&out),
		    rows[i].out == NULL ? "" : rows[i].out);
		buf_clear(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_made_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
