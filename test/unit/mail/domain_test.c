/*
 * domain_test.c - what is a domain name, and its one spelling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/domain.h"

#define L63	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define L61	"ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct {
	const char	*name;
	struct span	 in;
	const char	*wanted;	/* NULL: refused */
} names[] = {
	{ "plain", S("example.org"), "example.org" },
	{ "capitals", S("EXAMPLE.Org"), "example.org" },
	{ "one label", S("localhost"), "localhost" },
	{ "final dot", S("example.org."), "example.org" },
	{ "two final dots", S("example.org.."), NULL },
	{ "a dot alone", S("."), NULL },
	{ "empty", S(""), NULL },
	{ "digit first", S("3com.example"), "3com.example" },
	{ "underscore", S("_dmarc.example"), "_dmarc.example" },
	{ "empty label", S("a..b"), NULL },
	{ "dot first", S(".example.org"), NULL },
	{ "hyphen inside", S("a--b.example"), "a--b.example" },
	{ "hyphen first", S("-a.example"), NULL },
	{ "hyphen last", S("a.b-"), NULL },
	{ "blank", S("a b.example"), NULL },
	{ "NUL", S("a\0b.example"), NULL },
	{ "slash", S("a/b.example"), NULL },
	{ "an IPv4 address", S("192.0.2.1"), NULL },
	{ "label of 63", S(L63 ".example"), L63 ".example" },
	{ "label of 64", S("b" L63 ".example"), NULL },
	{ "name of 253", S(L63 "." L63 "." L63 "." L61), L63 "." L63 "." L63 "." L61 },
	{ "name of 254", S(L63 "." L63 "." L63 "." L61 "c"), NULL },
	{ "IDNA", S("b\xc3\xbc" "cher.example"), "xn--bcher-kva.example" },
	{ "IDNA, capitals", S("B\xc3\x9c" "CHER.example"), "xn--bcher-kva.example" },
	{ "IDNA, not transitional", S("stra\xc3\x9f" "e.example"), "xn--strae-oqa.example" },
	{ "IDNA, ideographic full stop", S("a\xe3\x80\x82" "example"), "a.example" },
	{ "not UTF-8", S("b\xfc" "cher.example"), NULL },
	{ "UTF-8 and NUL", S("b\xc3\xbc\0.example"), NULL },
	{ "A-label stays", S("XN--bcher-kva.example"), "xn--bcher-kva.example" },
};

static void
names_have_one_spelling(void **state)
{
	struct arena	 a = { 0 };
	struct span	 out;
	const char	*why;
	size_t		 i;
	int		 rc;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		print_message("%s\n", names[i].name);
		why = NULL;
		rc = domain_normalise(names[i].in, &a, &out, &why);
		assert_int_equal(rc, names[i].wanted != NULL ? 0 : -1);
		if (rc == 0)
			assert_true(span_eq(out, span_of(names[i].wanted)));
		else
			assert_non_null(why);
	}
	arena_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
