/*
 * rdata_test.c - records from the wire, and what is left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/resolve/rdata.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct {
	enum dns_type	type;
	struct span	in;
	bool		ok;
	struct span	name;
	unsigned	pref;
} names[] = {
	{ DNS_MX, S("\0\012\1a\7EXAMPLE\3org\0"), true, S("a.example.org"), 10 },
	{ DNS_MX, S("\1\0\0"), true, S(""), 256 },	/* null MX */
	{ DNS_MX, S("\0\012"), false, S(""), 0 },
	{ DNS_MX, S("\0\012\1a"), false, S(""), 0 },
	{ DNS_MX, S("\0\012\1a\0x"), false, S(""), 0 },
	{ DNS_MX, S("\0\012\3a.b\0"), false, S(""), 0 },
	{ DNS_MX, S("\0\012\2a\n\0"), false, S(""), 0 },
	{ DNS_SRV, S("\0\1\0\2\2\113\1a\0"), true, S("a"), 1 },
	{ DNS_SRV, S("\0\0\0\0\0\0\0"), true, S(""), 0 },	/* not here */
	{ DNS_SRV, S("\0\1\0\2\2\113"), false, S(""), 0 },
	{ DNS_SRV, S("\0\1\0\2\2\113\300\14"), false, S(""), 0 },
	{ DNS_CNAME, S("\1A\1b\0"), true, S("a.b"), 0 },
	{ DNS_TLSA, S("\3\1\1\0\377x"), true, S("\0\377x"), 0 },
	{ DNS_TLSA, S("\3\1\1"), false, S(""), 0 },	/* no data */
	{ DNS_PTR, S("\4mail\7example\0"), true, S("mail.example"), 0 },
	{ DNS_PTR, S("\4ma l\7example\0"), false, S(""), 0 },
	{ DNS_PTR, S("\300\14"), false, S(""), 0 },	/* no compression here */
	{ DNS_TXT, S("\3abc\0\2de"), true, S("abcde"), 0 },
	{ DNS_TXT, S(""), true, S(""), 0 },
	{ DNS_TXT, S("\4abc"), false, S(""), 0 },
};

static void
names_and_texts_are_read_or_left_out(void **state)
{
	struct arena		a = { 0 };
	struct dns_record	r;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(rdata_parse(names[i].type, names[i].in, &a,
		    &r), names[i].ok);
		if (!names[i].ok)
			continue;
		assert_true(span_eq(r.name, names[i].name));
		assert_int_equal(r.pref, names[i].pref);
	}
	arena_clear(&a);
}

static void
numbers_stand_where_they_belong(void **state)
{
	static char		long_tlsa[3 + DNS_TLSA_MAX + 1];
	struct arena		a = { 0 };
	struct dns_record	r;

	(void)state;
	assert_true(rdata_parse(DNS_SRV, SPAN("\0\1\0\2\2\113\1a\0"), &a, &r));
	assert_int_equal(r.weight, 2);
	assert_int_equal(r.port, 587);
	assert_true(rdata_parse(DNS_TLSA, SPAN("\2\1\0x"), &a, &r));
	assert_int_equal(r.usage, 2);
	assert_int_equal(r.selector, 1);
	assert_int_equal(r.matching, 0);
	assert_true(rdata_parse(DNS_TLSA,
	    span_mem(long_tlsa, sizeof(long_tlsa) - 1), &a, &r));
	assert_int_equal(r.name.n, DNS_TLSA_MAX);
	assert_false(rdata_parse(DNS_TLSA,
	    span_mem(long_tlsa, sizeof(long_tlsa)), &a, &r));
	arena_clear(&a);
}

static void
a_name_is_at_most_253_octets(void **state)
{
	struct arena		a = { 0 };
	struct dns_record	r;
	char			wire[256];
	size_t			n;

	(void)state;
	for (n = 0; n + 64 <= 256; n += 64) {
		wire[n] = 63;
		memset(wire + n + 1, 'a', 63);
	}
	wire[192] = 60;		/* 63 + 1 + 63 + 1 + 63 + 1 + 60 = 252 */
	wire[253] = 0;
	assert_true(rdata_parse(DNS_PTR, span_mem(wire, 254), &a, &r));
	assert_int_equal(r.name.n, 252);
	wire[192] = 62;
	wire[255] = 0;
	assert_false(rdata_parse(DNS_PTR, span_mem(wire, 256), &a, &r));
	arena_clear(&a);
}

static void
addresses_have_their_length(void **state)
{
	struct arena		a = { 0 };
	struct dns_record	r;
	char			text[IP_TEXT_MAX];
	const struct span	mapped = S("\0\0\0\0\0\0\0\0\0\0\377\377\300\0\2\1");
	const struct span	six = S("\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1");

	(void)state;
	assert_true(rdata_parse(DNS_A, SPAN("\300\0\2\1"), &a, &r));
	assert_string_equal(ip_format(&r.ip, text), "192.0.2.1");
	assert_true(rdata_parse(DNS_AAAA, six, &a, &r));
	assert_string_equal(ip_format(&r.ip, text), "2001:db8::1");
	assert_false(rdata_parse(DNS_A, SPAN("\300\0\2"), &a, &r));
	assert_false(rdata_parse(DNS_AAAA, SPAN("\300\0\2\1"), &a, &r));
	assert_false(rdata_parse(DNS_AAAA, mapped, &a, &r));
}

static const struct { struct span in; bool ok; } asked[] = {
	{ S("example.org"), true }, { S("_dmarc.example.org"), true },
	{ S("1/25.2.0.192.in-addr.arpa"), true }, { S("x"), true },
	{ S(""), false }, { S("a..b"), false }, { S(".a"), false },
	{ S("a."), false }, { S("a b"), false }, { S("a\\b"), false },
	{ S("a\"b"), false }, { S("a\nb"), false }, { S("\303\274.de"), false },
};

static void
only_host_like_names_are_answered(void **state)
{
	char	label[65];
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		assert_int_equal(rdata_name_ok(asked[i].in), asked[i].ok);
	memset(label, 'a', sizeof(label));
	assert_true(rdata_name_ok(span_mem(label, 63)));
	assert_false(rdata_name_ok(span_mem(label, 64)));
}

/* What the macros of SPF make (RFC 7208, 7.1) can be asked for. */
static void
odd_names_are_asked_for(void **state)
{
	char	out[RDATA_QUESTION_MAX];
	char	longest[253];
	size_t	i;

	(void)state;
	assert_true(rdata_question_ok(SPAN("a+b c\\=.\303\274.example")));
	assert_string_equal(rdata_question(SPAN("a+b c\\=.\303\274.example"),
	    out), "a\\043b\\032c\\092\\061.\\195\\188.example");
	assert_string_equal(rdata_question(SPAN("_x.1-2.example"), out),
	    "_x.1-2.example");
	assert_false(rdata_question_ok(SPAN("a\nb.example")));
	assert_false(rdata_question_ok(SPAN("a\177.example")));
	assert_false(rdata_question_ok(SPAN("a..example")));
	for (i = 0; i < sizeof(longest); i++)
		longest[i] = i % 64 == 63 ? '.' : '+';
	assert_true(rdata_question_ok(span_mem(longest, 253)));
	assert_int_equal(strlen(rdata_question(span_mem(longest, 253), out)),
	    250 * 4 + 3);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(names_and_texts_are_read_or_left_out),
		cmocka_unit_test(numbers_stand_where_they_belong),
		cmocka_unit_test(a_name_is_at_most_253_octets),
		cmocka_unit_test(addresses_have_their_length),
		cmocka_unit_test(odd_names_are_asked_for),
		cmocka_unit_test(only_host_like_names_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
