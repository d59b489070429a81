/*
 * transfer_test.c - what is not ASCII is written so, and read back the same.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mail/header.h"
#include "mail/transfer.h"

static const struct {
	const char	*in, *out;
} quoted[] = {
	{ "a=b\r\n", "a=3Db\r\n" },
	{ "gr\xc3\xbc\xc3\x9f\r\n", "gr=C3=BC=C3=9F\r\n" },
	{ "blank \r\n\tx\r\n", "blank=20\r\n\tx\r\n" },
	{ "\r\n.\r\n", "\r\n.\r\n" },
	{ "a\nb", "a=0Ab" },
	{ "", "" },
};

static void
quoted_printable_is_that_of_rfc_2045(void **state)
{
	struct buf	out = { 0 };
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(quoted) / sizeof(quoted[0]); i++) {
		buf_reset(&out);
		transfer_quoted(span_of(quoted[i].in), &out);
		assert_string_equal(buf_cstr(&out), quoted[i].out);
	}
	buf_clear(&out);
}

static size_t
longest_line(struct span s)
{
	size_t	i, n = 0, most = 0;

	for (i = 0; i < s.n; i++) {
		n = s.p[i] == '\n' ? 0 : n + (s.p[i] != '\r');
		most = n > most ? n : most;
	}
	return most;
}

static void
long_lines_are_broken(void **state)
{
	char		text[1000];
	struct buf	out = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text));
	transfer_quoted(span_mem(text, sizeof(text)), &out);
	assert_int_equal(longest_line(buf_span(&out)), 76);
	buf_reset(&out);
	memset(text, 0xff, sizeof(text));
	transfer_quoted(span_mem(text, sizeof(text)), &out);
	assert_true(longest_line(buf_span(&out)) <= 76);
	buf_clear(&out);
}

/* What our own reader makes of the words is what was written. */
static void
words_are_read_back(void **state)
{
	static const char *const texts[] = {
		"plain (text), as it is",
		"Verz\xc3\xb6gerte Nachricht =?_",
		("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
		"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac and some more"),
	};
	struct arena	a = { 0 };
	struct buf	out = { 0 };
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_reset(&out);
		transfer_words(span_of(texts[i]), &out);
		assert_true(span_is_ascii(buf_span(&out)));
		assert_true(span_eq(header_text(buf_span(&out), &a),
		    span_of(texts[i])));
	}
	buf_clear(&out);
	arena_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoted_printable_is_that_of_rfc_2045),
		cmocka_unit_test(long_lines_are_broken),
		cmocka_unit_test(words_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
