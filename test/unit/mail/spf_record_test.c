/*
 * spf_record_test.c - the grammar of SPF records, and macros (RFC 7208, 7.4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/spf_record.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static void
a_record_begins_with_its_version(void **state)
{
	static const struct {
		const char	*txt;
		bool		 is;
	} cases[] = {
		{ "v=spf1", true }, { "v=spf1 -all", true },
		{ "V=SPF1 all", true }, { "v=spf10 -all", false },
		{ "v=spf1-all", false }, { " v=spf1", false },
		{ "v=spf1\t-all", false }, { "", false }, { "v=spf", false },
		{ "spf2.0/pra -all", false },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_int_equal(spf_is_record(span_of(cases[i].txt)),
		    cases[i].is);
}

static void
terms_are_taken_one_by_one(void **state)
{
	static const struct {
		enum spf_mechanism	mechanism;
		enum spf_result		qualifier;
		const char		*spec;
		unsigned		bits4, bits6;
	} wanted[] = {
		{ SPF_A, SPF_PASS, "", 32, 128 },
		{ SPF_A, SPF_PASS, "b.example", 24, 64 },
		{ SPF_MX, SPF_SOFTFAIL, "c/d.example", 32, 48 },
		{ SPF_INCLUDE, SPF_NEUTRAL, "%{d}", 0, 0 },
		{ SPF_IP4, SPF_PASS, "", 8, 0 },
		{ SPF_IP6, SPF_PASS, "", 0, 128 },
		{ SPF_PTR, SPF_PASS, "", 0, 0 },
		{ SPF_EXISTS, SPF_PASS, "%{i}.x.example.", 0, 0 },
		{ SPF_ALL, SPF_FAIL, "", 0, 0 },
	};
	struct spf_record	r;
	struct spf_term		t;
	const char		*why;
	size_t			i;

	(void)state;
	assert_int_equal(spf_record_parse(SPAN("v=spf1 a  A:b.example/24//64 "
	    "~mx:c/d.example//48 other=%{l} ?include:%{d} ip4:10.0.0.0/8 "
	    "ip6:2001:db8::1 Redirect=r.example ptr exists:%{i}.x.example. "
	    "-ALL exp=%{d2} "), &r, &why), 0);
	assert_true(span_eq(r.redirect, SPAN("r.example")));
	assert_true(span_eq(r.exp, SPAN("%{d2}")));
	for (i = 0; i < COUNT(wanted); i++) {
		assert_true(spf_term_next(&r.terms, &t));
		assert_int_equal(t.mechanism, wanted[i].mechanism);
		assert_int_equal(t.qualifier, wanted[i].qualifier);
		assert_true(span_eq(t.spec, span_of(wanted[i].spec)));
		assert_int_equal(t.bits4, wanted[i].bits4);
		assert_int_equal(t.bits6, wanted[i].bits6);
	}
	assert_false(spf_term_next(&r.terms, &t));
}

static void
an_error_anywhere_spoils_a_record(void **state)
{
	static const char	*const broken[] = {
		"v=spf1 -all moo", "v=spf1 all:x.example", "v=spf1 a:",
		"v=spf1 a:x", "v=spf1 a:x.123", "v=spf1 a:x.-y",
		"v=spf1 a/33", "v=spf1 a/032", "v=spf1 a//129", "v=spf1 a/",
		"v=spf1 a/24/64", "v=spf1 mx:", "v=spf1 ptr/24", "v=spf1 ip4",
		"v=spf1 ip4:1.2.3", "v=spf1 ip4:1.2.3.4/", "v=spf1 ip4:::1",
		"v=spf1 ip6:1.2.3.4", "v=spf1 ip6:::1/129", "v=spf1 include",
		"v=spf1 include:x.example/24", "v=spf1 exists:",
		"v=spf1 redirect=", "v=spf1 exp=", "v=spf1 -redirect=x.example",
		"v=spf1 exp=a.b exp=a.b", "v=spf1 redirect=a.b redirect=a.b",
		"v=spf1 x=%a", "v=spf1 a:%{z}.example", "v=spf1 a:%{d0}",
		"v=spf1 a:%{c}.example", "v=spf1 a:%{d", "v=spf1 a:%",
		"v=spf1 +-all", "v=spf1 a\tmx", "v=spf1 a:\200.example",
		"v=spf1 1x=y", "v=spf1 a:%{d.x}",
	};
	struct spf_record	r;
	const char		*why;
	size_t			 i;

	(void)state;
	for (i = 0; i < COUNT(broken); i++) {
		why = NULL;
		assert_int_equal(spf_record_parse(span_of(broken[i]), &r,
		    &why), -1);
		assert_non_null(why);
	}
}

static struct spf_macros
of_the_rfc(const char *client)
{
	struct spf_macros	m = {
		.local = SPAN("strong-bad"),
		.sender_domain = SPAN("email.example.com"),
		.domain = SPAN("email.example.com"),
		.helo = SPAN("mx.example.org"), .now_s = 1234567890
	};

	assert_true(ip_parse(span_of(client), &m.ip));
	return m;
}

/* RFC 7208, 7.4, and the letters that have no example there. */
static void
the_examples_of_macros(void **state)
{
	static const struct {
		const char	*client, *spec, *name;
	} cases[] = {
		{ "192.0.2.3", "%{s}", "strong-bad@email.example.com" },
		{ "192.0.2.3", "%{o}", "email.example.com" },
		{ "192.0.2.3", "%{d}", "email.example.com" },
		{ "192.0.2.3", "%{d4}", "email.example.com" },
		{ "192.0.2.3", "%{d3}", "email.example.com" },
		{ "192.0.2.3", "%{d2}", "example.com" },
		{ "192.0.2.3", "%{d1}", "com" },
		{ "192.0.2.3", "%{dr}", "com.example.email" },
		{ "192.0.2.3", "%{d2r}", "example.email" },
		{ "192.0.2.3", "%{l}", "strong-bad" },
		{ "192.0.2.3", "%{l-}", "strong.bad" },
		{ "192.0.2.3", "%{lr}", "strong-bad" },
		{ "192.0.2.3", "%{lr-}", "bad.strong" },
		{ "192.0.2.3", "%{l1r-}", "strong" },
		{ "192.0.2.3", "%{ir}.%{v}._spf.%{d2}",
		    "3.2.0.192.in-addr._spf.example.com" },
		{ "192.0.2.3", "%{lr-}.lp._spf.%{d2}",
		    "bad.strong.lp._spf.example.com" },
		{ "192.0.2.3", "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
		    "bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
		{ "192.0.2.3", "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
		    "3.2.0.192.in-addr.strong.lp._spf.example.com" },
		{ "192.0.2.3", "%{d2}.trusted-domains.example.net",
		    "example.com.trusted-domains.example.net" },
		{ "2001:db8::cb01", "%{ir}.%{v}._spf.%{d2}",
		    "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0."
		    "1.0.0.2.ip6._spf.example.com" },
		{ "192.0.2.3", "%{h}", "mx.example.org" },
		{ "192.0.2.3", "%{p}.x", "unknown.x" },
		{ "192.0.2.3", "%{S}.x", "strong-bad%40email.example.com.x" },
		{ "192.0.2.3", "a%%b%_c%-d.x.", "a%b c%20d.x" },
	};
	struct spf_macros	m;
	struct buf		out = { 0 };
	size_t			i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		m = of_the_rfc(cases[i].client);
		assert_true(spf_expand_name(span_of(cases[i].spec), &m, &out));
		assert_true(span_eq(buf_span(&out), span_of(cases[i].name)));
	}
	buf_clear(&out);
}

static void
explanations_know_three_letters_more(void **state)
{
	struct spf_macros	m = of_the_rfc("2001:db8::1");
	struct buf		out = { 0 };

	(void)state;
	assert_true(spf_expand_text(SPAN("%{c} at %{t}, %{r}: see "
	    "http://example.com/?%{L}"), &m, &out));
	assert_true(span_eq(buf_span(&out), SPAN("2001:db8::1 at 1234567890, "
	    "unknown: see http://example.com/?strong-bad")));
	assert_false(spf_expand_text(SPAN("%{x}"), &m, &out));
	assert_false(spf_expand_text(SPAN("\303\274"), &m, &out));
	assert_false(spf_expand_text(SPAN("a\nb"), &m, &out));
	buf_clear(&out);
}

/* 7.3: labels on the left go until 253 octets are left. */
static void
long_names_lose_their_left_labels(void **state)
{
	struct spf_macros	m = of_the_rfc("192.0.2.3");
	struct buf		out = { 0 };
	struct span		spec = SPAN("%{o}.%{o}.%{o}.%{o}.%{o}.%{o}."
				    "%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}."
				    "%{o}.%{o}.x");

	(void)state;
	/* 15 times 18 octets and one more: the first "email" goes, and more. */
	assert_true(spf_expand_name(spec, &m, &out));
	assert_int_equal(out.n, 271 - 18);
	assert_true(span_prefix(buf_span(&out), SPAN("email.example.com.")));
	m.sender_domain = SPAN("a..b");
	assert_false(spf_expand_name(SPAN("%{o}.x"), &m, &out));
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_record_begins_with_its_version),
		cmocka_unit_test(terms_are_taken_one_by_one),
		cmocka_unit_test(an_error_anywhere_spoils_a_record),
		cmocka_unit_test(the_examples_of_macros),
		cmocka_unit_test(explanations_know_three_letters_more),
		cmocka_unit_test(long_names_lose_their_left_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
