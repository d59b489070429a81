/*
 * address_test.c - what is a path, what is none, and what becomes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "mail/address.h"

#define L64	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L63	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define ALL	(ADDRESS_NULL_OK | ADDRESS_POSTMASTER_OK)

struct row {
	const char	*name;
	struct span	 in;
	unsigned	 flags;
	const char	*wanted;	/* whole; NULL: refused */
	const char	*local;
};

static const struct row paths[] = {
	{ "plain", S("<a@example.org>"), 0, "a@example.org", "a" },
	{ "domain is folded, local part is not", S("<Ann@Example.ORG>"), 0, "Ann@example.org", "Ann" },
	{ "dot-string", S("<a.b.c@d.example>"), 0, "a.b.c@d.example", "a.b.c" },
	{ "all of atext", S("<!#$%&'*+-/=?^_`{|}~0aZ@x.example>"), 0, "!#$%&'*+-/=?^_`{|}~0aZ@x.example", NULL },
	{ "null path", S("<>"), ADDRESS_NULL_OK, "", "" },
	{ "null path not allowed", S("<>"), 0, NULL, NULL },
	{ "postmaster", S("<Postmaster>"), ALL, "Postmaster", "Postmaster" },
	{ "postmaster not allowed", S("<postmaster>"), 0, NULL, NULL },
	{ "another name without domain", S("<root>"), ALL, NULL, NULL },
	{ "source route is dropped", S("<@a.example,@b.example:c@d.example>"), 0, "c@d.example", "c" },
	{ "source route without address", S("<@a.example:>"), 0, NULL, NULL },
	{ "source route without colon", S("<@a.example>"), 0, NULL, NULL },
	{ "source route with a bad domain", S("<@a..b:c@d.example>"), 0, NULL, NULL },
	{ "quotes that are not needed go", S("<\"ann\"@x.example>"), 0, "ann@x.example", "ann" },
	{ "quotes that are needed stay", S("<\"a b\"@x.example>"), 0, "\"a b\"@x.example", "\"a b\"" },
	{ "escapes that are not needed go", S("<\"\\a\\ \\b\"@x.example>"), 0, "\"a b\"@x.example", NULL },
	{ "escapes that are needed stay", S("<\"a\\\"\\\\\"@x.example>"), 0, "\"a\\\"\\\\\"@x.example", NULL },
	{ "an @ in quotes", S("<\"a@b\"@x.example>"), 0, "\"a@b\"@x.example", "\"a@b\"" },
	{ "empty quotes", S("<\"\"@x.example>"), 0, "\"\"@x.example", "\"\"" },
	{ "quotes in the middle", S("<a.\"b\"@x.example>"), 0, NULL, NULL },
	{ "quotes do not end", S("<\"a@x.example>"), 0, NULL, NULL },
	{ "escape at the end", S("<\"a\\"), 0, NULL, NULL },
	{ "two dots", S("<a..b@x.example>"), 0, NULL, NULL },
	{ "dot first", S("<.a@x.example>"), 0, NULL, NULL },
	{ "dot last", S("<a.@x.example>"), 0, NULL, NULL },
	{ "no local part", S("<@x.example>"), 0, NULL, NULL },
	{ "no domain", S("<a@>"), 0, NULL, NULL },
	{ "no at", S("<a>"), 0, NULL, NULL },
	{ "two ats", S("<a@b@x.example>"), 0, NULL, NULL },
	{ "blank in it", S("<a b@x.example>"), 0, NULL, NULL },
	{ "blank before it", S("< a@x.example>"), 0, NULL, NULL },
	{ "no end", S("<a@x.example"), 0, NULL, NULL },
	{ "no brackets", S("a@x.example"), 0, NULL, NULL },
	{ "nothing", S(""), ALL, NULL, NULL },
	{ "domain with final dot", S("<a@x.example.>"), 0, NULL, NULL },
	{ "label begins with hyphen", S("<a@-x.example>"), 0, NULL, NULL },
	{ "label ends with hyphen", S("<a@x-.example>"), 0, NULL, NULL },
	{ "a number is no domain", S("<a@192.0.2.1>"), 0, NULL, NULL },
	{ "IPv4 literal", S("<a@[192.0.2.1]>"), 0, "a@[192.0.2.1]", "a" },
	{ "IPv6 literal, canonical", S("<a@[ipv6:2001:DB8:0::1]>"), 0, "a@[IPv6:2001:db8::1]", "a" },
	{ "mapped IPv4 literal", S("<a@[IPv6:::ffff:192.0.2.1]>"), 0, "a@[192.0.2.1]", "a" },
	{ "IPv6 literal without tag", S("<a@[2001:db8::1]>"), 0, NULL, NULL },
	{ "IPv4 literal with IPv6 tag", S("<a@[IPv6:192.0.2.1]>"), 0, NULL, NULL },
	{ "another tag", S("<a@[X400:c=de]>"), 0, NULL, NULL },
	{ "literal does not end", S("<a@[192.0.2.1>"), 0, NULL, NULL },
	{ "octets after a literal", S("<a@[192.0.2.1]b>"), 0, NULL, NULL },
	{ "NUL in the local part", S("<a\0b@x.example>"), 0, NULL, NULL },
	{ "NUL in quotes", S("<\"a\0b\"@x.example>"), 0, NULL, NULL },
	{ "NUL in the domain", S("<a@x\0.example>"), 0, NULL, NULL },
	{ "CR in quotes", S("<\"a\rb\"@x.example>"), 0, NULL, NULL },
	{ "LF in quotes, escaped", S("<\"a\\\nb\"@x.example>"), 0, NULL, NULL },
	{ "tab in quotes", S("<\"a\tb\"@x.example>"), 0, NULL, NULL },
	{ "DEL in quotes", S("<\"a\177b\"@x.example>"), 0, NULL, NULL },
	{ "LF in the domain", S("<a@x\n.example>"), 0, NULL, NULL },
	{ "local part of 64", S("<" L64 "@x.example>"), 0, L64 "@x.example", NULL },
	{ "local part of 65", S("<" L64 "a@x.example>"), 0, NULL, NULL },
	{ "local part of 65 with its quotes", S("<\"" L63 " \"@x.example>"), 0, NULL, NULL },
	{ "local part above 64 that a forwarder has made (SRS)", S("<SRS0=abcd=JL=sender.example=" L64 "@x.example>"), 0, "SRS0=abcd=JL=sender.example=" L64 "@x.example", NULL },
	{ "the same of SRS1, folded, in quotes", S("<\"srs1+abcd=f.example==x=y=z=" L64 "\"@x.example>"), 0, "srs1+abcd=f.example==x=y=z=" L64 "@x.example", NULL },
	{ "what only looks like it", S("<SRS2=abcd=" L64 "@x.example>"), 0, NULL, NULL },
	{ "SRS in a path of 257 octets", S("<SRS0=" L63 L63 L63 "@" L63 ">"), 0, NULL, NULL },
	{ "SRS without an end", S("<SRS0=" L64 L64 L64 L64 L64), 0, NULL, NULL },
	{ "label of 63", S("<a@" L63 ".example>"), 0, "a@" L63 ".example", NULL },
	{ "label of 64", S("<a@b" L63 ".example>"), 0, NULL, NULL },
	{ "path of 255 octets", S("<a@" L63 "." L63 "." L63 "." "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc>"), 0, "a@" L63 "." L63 "." L63 ".ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", NULL },
	{ "path of 257 octets", S("<abc@" L63 "." L63 "." L63 "." "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc>"), 0, NULL, NULL },
	{ "UTF-8 without the flag", S("<j\xc3\xb6rg@x.example>"), 0, NULL, NULL },
	{ "UTF-8 with the flag", S("<j\xc3\xb6rg@x.example>"), ADDRESS_UTF8_OK, "j\xc3\xb6rg@x.example", "j\xc3\xb6rg" },
	{ "UTF-8 in quotes", S("<\"j\xc3\xb6 g\"@x.example>"), ADDRESS_UTF8_OK, "\"j\xc3\xb6 g\"@x.example", NULL },
	{ "UTF-8 after an escaped backslash", S("<\"\\\\\xc3\xb6\"@x.example>"), ADDRESS_UTF8_OK, "\"\\\\\xc3\xb6\"@x.example", NULL },
	{ "escaped UTF-8", S("<\"\\\xc3\xb6\"@x.example>"), ADDRESS_UTF8_OK, NULL, NULL },
	{ "Latin-1", S("<j\xf6rg@x.example>"), ADDRESS_UTF8_OK, NULL, NULL },
	{ "overlong UTF-8", S("<j\xc0\xafrg@x.example>"), ADDRESS_UTF8_OK, NULL, NULL },
	{ "surrogate", S("<j\xed\xa0\x80g@x.example>"), ADDRESS_UTF8_OK, NULL, NULL },
	{ "above U+10FFFF", S("<j\xf4\x90\x80\x80@x.example>"), ADDRESS_UTF8_OK, NULL, NULL },
	{ "UTF-8 cut off", S("<\xe2\x82"), ADDRESS_UTF8_OK, NULL, NULL },
	{ "C1 control", S("<j\xc2\x85g@x.example>"), ADDRESS_UTF8_OK, NULL, NULL },
	{ "U-label becomes an A-label", S("<a@B\xc3\xbc" "cher.example>"), ADDRESS_UTF8_OK, "a@xn--bcher-kva.example", "a" },
	{ "U-label without the flag", S("<a@b\xc3\xbc" "cher.example>"), 0, NULL, NULL },
};

static const struct row bare[] = {
	{ "plain", S("a@example.org"), 0, "a@example.org", "a" },
	{ "name alone", S("ann"), ADDRESS_BARE_LOCAL_OK, "ann", "ann" },
	{ "name alone not allowed", S("ann"), 0, NULL, NULL },
	{ "name with detail", S("ann+web"), ADDRESS_BARE_LOCAL_OK, "ann+web", "ann+web" },
	{ "brackets", S("<a@example.org>"), 0, NULL, NULL },
	{ "source route", S("@b.example:a@example.org"), 0, NULL, NULL },
	{ "octets after it", S("a@example.org "), 0, NULL, NULL },
	{ "empty", S(""), 0, NULL, NULL },
	{ "empty, null allowed", S(""), ADDRESS_NULL_OK, "", "" },
};

static void
check(const struct row *r, int rc, const struct address *ad, const char *why)
{
	print_message("%s\n", r->name);
	if (r->wanted == NULL) {
		assert_int_equal(rc, -1);
		assert_non_null(why);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(ad->whole.n, strlen(r->wanted));
	assert_memory_equal(ad->whole.p, r->wanted, ad->whole.n);
	if (r->local != NULL)
		assert_true(span_eq(address_local(ad), span_of(r->local)));
}

static void
paths_are_parsed(void **state)
{
	struct arena	 a = { 0 };
	struct address	 ad = { 0 };
	const char	*why;
	size_t		 i, used;
	int		 rc;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		why = NULL;
		rc = address_parse_path(paths[i].in, paths[i].flags, &a, &ad,
		    &used, &why);
		check(&paths[i], rc, &ad, why);
		if (rc == 0)
			assert_int_equal(used, paths[i].in.n);
	}
	arena_clear(&a);
}

static void
addresses_without_brackets_are_parsed(void **state)
{
	struct arena	 a = { 0 };
	struct address	 ad = { 0 };
	const char	*why;
	size_t		 i;
	int		 rc;

	(void)state;
	for (i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		why = NULL;
		rc = address_parse(bare[i].in, bare[i].flags, &a, &ad, &why);
		check(&bare[i], rc, &ad, why);
	}
	arena_clear(&a);
}

static void
a_path_ends_at_its_bracket(void **state)
{
	struct arena	 a = { 0 };
	struct address	 ad;
	const char	*why;
	size_t		 used;

	(void)state;
	assert_int_equal(address_parse_path(SPAN("<\">\"@x.example> SIZE=1"),
	    0, &a, &ad, &used, &why), 0);
	assert_int_equal(used, 15);
	assert_true(span_eq(address_domain(&ad), SPAN("x.example")));
	arena_clear(&a);
}

static void
a_user_has_no_quotes(void **state)
{
	static const struct { struct span in; const char *wanted; } rows[] = {
		{ S("ann@x.example"), "ann" },
		{ S("\"a b\"@x.example"), "a b" },
		{ S("\"a\\\"b\\\\\"@x.example"), "a\"b\\" },
		{ S("\"\"@x.example"), "" },
	};
	struct arena	 a = { 0 };
	struct address	 ad;
	const char	*why;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(address_parse(rows[i].in, 0, &a, &ad, &why), 0);
		assert_true(span_eq(address_user(&ad, &a),
		    span_of(rows[i].wanted)));
	}
	arena_clear(&a);
}

static void
detail_is_split_at_the_first_delimiter(void **state)
{
	static const struct {
		struct span	 in, chars;
		const char	*user, *detail;
	} rows[] = {
		{ S("ann+web"), S("+"), "ann", "web" },
		{ S("ann+web+x"), S("+"), "ann", "web+x" },
		{ S("ann-web+x"), S("+-"), "ann", "web+x" },
		{ S("ann"), S("+"), "ann", "" },
		{ S("ann+"), S("+"), "ann", "" },
		{ S("+web"), S("+"), "+web", "" },
		{ S("ann+web"), S(""), "ann+web", "" },
		{ S(""), S("+"), "", "" },
	};
	struct span	 user, detail;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		address_detail(rows[i].in, rows[i].chars, &user, &detail);
		assert_true(span_eq(user, span_of(rows[i].user)));
		assert_true(span_eq(detail, span_of(rows[i].detail)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_parsed),
		cmocka_unit_test(addresses_without_brackets_are_parsed),
		cmocka_unit_test(a_path_ends_at_its_bracket),
		cmocka_unit_test(a_user_has_no_quotes),
		cmocka_unit_test(detail_is_split_at_the_first_delimiter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
