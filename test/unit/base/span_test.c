/*
 * span_test.c - comparing and taking apart borrowed octets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/span.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const struct { struct span a, b; bool eq, ieq; int cmp; } pairs[] = {
	{ S(""), S(""), true, true, 0 },
	{ { NULL, 0 }, S(""), true, true, 0 },
	{ S("a"), S("a"), true, true, 0 },
	{ S("a"), S("A"), false, true, 1 },
	{ S("a"), S("b"), false, false, -1 },
	{ S("a"), S("ab"), false, false, -1 },
	{ S("ab"), S("a"), false, false, 1 },
	{ S("@"), S("`"), false, false, -1 },	/* 32 apart, no letters */
	{ S("\xc4"), S("\xe4"), false, false, -1 },	/* no ASCII */
	{ S("a\0b"), S("a\0c"), false, false, -1 },
};

/* Each octet in each place of eight. */
static void
eight_octets_fold_as_one_does(void **state)
{
	char		 in[8], out[8];
	uint64_t	 v;
	unsigned	 c, i;

	(void)state;
	for (c = 0; c < 256; c++)
		for (i = 0; i < 8; i++) {
			memset(in, c % 2 == 0 ? '\xff' : 'Z', sizeof(in));
			in[i] = (char)c;
			memcpy(&v, in, sizeof(v));
			v = ascii_lower8(v);
			memcpy(out, &v, sizeof(out));
			assert_int_equal(out[i], ascii_lower((char)c));
			assert_int_equal(out[(i + 1) % 8],
			    ascii_lower(in[(i + 1) % 8]));
		}
	assert_true(span_ieq(span_of("User12345@Shop.Example"),
	    span_of("uSER12345@sHOP.eXAMPLE")));
	assert_false(span_ieq(span_of("user12345@shop.example"),
	    span_of("user12345@shop.examplf")));
	assert_false(span_ieq(span_of("user12345@shop"),
	    span_of("user12345`shop")));
}

static void
equality_and_order(void **state)
{
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(pairs); i++) {
		assert_int_equal(span_eq(pairs[i].a, pairs[i].b), pairs[i].eq);
		assert_int_equal(span_ieq(pairs[i].a, pairs[i].b),
		    pairs[i].ieq);
		assert_int_equal(span_cmp(pairs[i].a, pairs[i].b),
		    pairs[i].cmp);
		assert_int_equal(span_cmp(pairs[i].b, pairs[i].a),
		    -pairs[i].cmp);
	}
}

static void
prefixes(void **state)
{
	(void)state;
	assert_true(span_prefix(SPAN("EHLO x"), SPAN("EHLO")));
	assert_true(span_prefix(SPAN("x"), SPAN("")));
	assert_false(span_prefix(SPAN("EHL"), SPAN("EHLO")));
	assert_false(span_prefix(SPAN("ehlo"), SPAN("EHLO")));
	assert_true(span_iprefix(SPAN("ehlo"), SPAN("EHLO")));
	assert_false(span_iprefix(SPAN("ehl"), SPAN("EHLO")));
}

static void
parts(void **state)
{
	(void)state;
	assert_int_equal(span_index(SPAN("a@b@c"), '@'), 1);
	assert_int_equal(span_index(SPAN("abc"), '@'), -1);
	assert_int_equal(span_index(SPAN_NONE, '@'), -1);
	assert_true(span_eq(span_from(SPAN("abc"), 1), SPAN("bc")));
	assert_int_equal(span_from(SPAN("abc"), 9).n, 0);
	assert_true(span_eq(span_trim(SPAN(" \t a b\t ")), SPAN("a b")));
	assert_int_equal(span_trim(SPAN(" \t ")).n, 0);
	assert_int_equal(span_trim(SPAN_NONE).n, 0);
}

static const struct {
	struct span	s;
	uint64_t	max;
	bool		ok;
	uint64_t	v;
} nums[] = {
	{ S("0"), 0, true, 0 }, { S("1"), 0, false, 0 },
	{ S("65535"), 65535, true, 65535 }, { S("65536"), 65535, false, 0 },
	{ S("18446744073709551615"), UINT64_MAX, true, UINT64_MAX },
	{ S("18446744073709551616"), UINT64_MAX, false, 0 },
	{ S("99999999999999999999"), UINT64_MAX, false, 0 },
	{ S("007"), 9, true, 7 }, { S(""), 9, false, 0 },
	{ S("-1"), 9, false, 0 }, { S("1 "), 9, false, 0 },
	{ S("+1"), 9, false, 0 }, { S("9"), 5, false, 0 },
};

static void
numbers(void **state)
{
	uint64_t	v;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(nums); i++) {
		v = 0;
		assert_int_equal(span_u64(nums[i].s, nums[i].max, &v),
		    nums[i].ok);
		assert_true(v == nums[i].v);
	}
}

static const struct { struct span s; size_t n; } chars[] = {
	{ S("a"), 1 }, { S("\0"), 1 }, { S("\x7f"), 1 }, { S("\x80"), 0 },
	{ S("\xc3\xa4"), 2 }, { S("\xc3"), 0 }, { S("\xc3z"), 0 },
	{ S("\xc1\xbf"), 0 }, { S("\xe2\x82\xac"), 3 },
	{ S("\xe0\x9f\xbf"), 0 }, { S("\xed\x9f\xbf"), 3 },
	{ S("\xed\xa0\x80"), 0 }, { S("\xf0\x9f\x93\xa7"), 4 },
	{ S("\xf0\x8f\xbf\xbf"), 0 }, { S("\xf4\x8f\xbf\xbf"), 4 },
	{ S("\xf4\x90\x80\x80"), 0 }, { S("\xf5\x80\x80\x80"), 0 },
	{ S("\xf0\x9f\x93"), 0 }, { S("\xf0\x9f\x93z"), 0 }, { S(""), 0 },
};

/* RFC 3629, 4: no overlong forms, no surrogates, nothing above U+10FFFF. */
static void
utf8_characters(void **state)
{
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(chars); i++)
		assert_int_equal(span_utf8(chars[i].s), chars[i].n);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(eight_octets_fold_as_one_does),
		cmocka_unit_test(equality_and_order),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(parts),
		cmocka_unit_test(numbers),
		cmocka_unit_test(utf8_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
