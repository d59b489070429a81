/*
 * xtext_test.c - what is decoded once (RFC 3461, 4; RFC 6533, 3).
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/xtext.h"

struct pair {
	const char	*in, *want;	/* NULL: refused */
};

static void
xtext_is_decoded_once(void **state)
{
	static const struct pair t[] = {
		{ "", "" },
		{ "abc", "abc" },
		{ "a+2Bb", "a+b" },
		{ "a+3Db", "a=b" },
		{ "a+20b", "a b" },
		{ "+2B41", "+41" },
		{ "+2B2B41", "+2B41" },
		{ "a\\b", "a\\b" },
		{ "+", NULL },
		{ "+2", NULL },
		{ "a+2b", NULL },
		{ "a+2G", NULL },
		{ "a=b", NULL },
		{ "a b", NULL },
		{ "+00", NULL },
		{ "+0A", NULL },
		{ "+0D", NULL },
		{ "+09", NULL },
		{ "+7F", NULL },
		{ "+C3+BC", NULL },
		{ "\xc3\xbc", NULL },
		{ "a\x01", NULL },
	};
	struct arena	a = { 0 };
	struct span	out;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (xtext_decode(span_of(t[i].in), &a, &out) !=
		    (t[i].want != NULL))
			fail_msg("'%s'", t[i].in);
		if (t[i].want != NULL && !span_eq(out, span_of(t[i].want)))
			fail_msg("'%s': '%.*s'", t[i].in, SPAN_ARG(out));
	}
	assert_false(xtext_decode(SPAN("a\0b"), &a, &out));
	arena_clear(&a);
}

static void
what_is_encoded_comes_back(void **state)
{
	char		text['~' - ' ' + 1];
	struct arena	a = { 0 };
	struct buf	b = { 0 };
	struct span	out;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(' ' + i);
	xtext_encode(span_mem(text, sizeof(text)), &b);
	assert_int_equal(b.n, sizeof(text) + 2 * 3);
	assert_true(xtext_decode(buf_span(&b), &a, &out));
	assert_true(span_eq(out, span_mem(text, sizeof(text))));
	buf_clear(&b);
	arena_clear(&a);
}

static void
utf8_addresses_are_decoded_once(void **state)
{
	static const struct pair t[] = {
		{ "a@b.example", "a@b.example" },
		{ "m\\x{FC}ller", "m\xc3\xbcller" },
		{ "\\x{2B}\\x{3D}\\x{5C}\\x{20}", "+=\\ " },
		{ "\\x{5C}x{41}", "\\x{41}" },
		{ "\\x{A0}", "\xc2\xa0" },
		{ "\\x{20AC}", "\xe2\x82\xac" },
		{ "\\x{1F4E7}", "\xf0\x9f\x93\xa7" },
		{ "\\x{10FFFF}", "\xf4\x8f\xbf\xbf" },
		{ "\\x{0A}", NULL },
		{ "\\x{00}", NULL },
		{ "\\x{41}", NULL },
		{ "\\x{85}", NULL },
		{ "\\x{D800}", NULL },
		{ "\\x{110000}", NULL },
		{ "\\x{00FC}", NULL },
		{ "\\x{fc}", NULL },
		{ "\\x{FC", NULL },
		{ "\\x{}", NULL },
		{ "\\x{C}", NULL },
		{ "a+2B", NULL },
		{ "a\\b", NULL },
		{ "a b", NULL },
		{ "a=b", NULL },
	};
	struct arena	a = { 0 };
	struct span	out;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (xtext_decode_utf8(span_of(t[i].in), false, &a, &out) !=
		    (t[i].want != NULL))
			fail_msg("'%s'", t[i].in);
		if (t[i].want != NULL && !span_eq(out, span_of(t[i].want)))
			fail_msg("'%s': '%.*s'", t[i].in, SPAN_ARG(out));
	}
	assert_false(xtext_decode_utf8(SPAN("m\xc3\xbcller"), false, &a,
	    &out));
	assert_true(xtext_decode_utf8(SPAN("m\xc3\xbcller"), true, &a, &out));
	assert_false(xtext_decode_utf8(SPAN("m\xfcller"), true, &a, &out));
	assert_false(xtext_decode_utf8(SPAN("m\xc2\x85ller"), true, &a, &out));
	assert_false(xtext_decode_utf8(SPAN("\xc0\xaf"), true, &a, &out));
	arena_clear(&a);
}

static void
utf8_addresses_are_encoded(void **state)
{
	struct span	in = SPAN("m\xc3\xbcller+\\=\xf0\x9f\x93\xa7");
	struct buf	b = { 0 };

	(void)state;
	xtext_encode_utf8(in, false, &b);
	assert_true(span_eq(buf_span(&b),
	    SPAN("m\\x{FC}ller\\x{2B}\\x{5C}\\x{3D}\\x{1F4E7}")));
	buf_reset(&b);
	xtext_encode_utf8(in, true, &b);
	assert_true(span_eq(buf_span(&b), SPAN(
	    "m\xc3\xbcller\\x{2B}\\x{5C}\\x{3D}\xf0\x9f\x93\xa7")));
	buf_clear(&b);
}

static void
a_type_is_an_atom(void **state)
{
	static const struct { struct span in; bool is; } t[] = {
		{ SPAN("rfc822"), true }, { SPAN("UTF-8"), true },
		{ SPAN("a_b!#$%&'*+-/=?^`{|}~"), true },
		{ SPAN(""), false }, { SPAN("x.400"), false },
		{ SPAN("a b"), false }, { SPAN("a;b"), false },
		{ SPAN("a\0b"), false }, { SPAN("a\r"), false },
		{ SPAN("\xc3\xbc"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (xtext_is_type(t[i].in) != t[i].is)
			fail_msg("'%.*s'", SPAN_ARG(t[i].in));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xtext_is_decoded_once),
		cmocka_unit_test(what_is_encoded_comes_back),
		cmocka_unit_test(utf8_addresses_are_decoded_once),
		cmocka_unit_test(utf8_addresses_are_encoded),
		cmocka_unit_test(a_type_is_an_atom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
