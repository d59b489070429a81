/*
 * url_test.c - which URLs are taken, and what stands in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "mta/fetch/url.h"

static const struct {
	const char	*text, *host, *path;
	unsigned	 port, family;
} good[] = {
	{ "https://a.example/b/c", "a.example", "/b/c", 443, 0 },
	{ "HTTPS://A.Example", "A.Example", "", 443, 0 },
	{ "https://a.example:8443/", "a.example", "/", 8443, 0 },
	{ "https://a.example?x=y/z", "a.example", "?x=y/z", 443, 0 },
	{ "https://a.example/@b:c", "a.example", "/@b:c", 443, 0 },
	{ "https://xn--bcher-kva.example/%20", "xn--bcher-kva.example",
	  "/%20", 443, 0 },
	{ "https://192.0.2.1:65535/x", "192.0.2.1", "/x", 65535, 4 },
	{ "https://[2001:db8::1]/x", "2001:db8::1", "/x", 443, 6 },
	{ "https://[2001:db8::1]:44/x", "2001:db8::1", "/x", 44, 6 },
};

#define LABEL64	"https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaa"

static const char *const	bad[] = {
	"", "https:", "https://", "https:///x", "http://a.example/",
	"https://user@a.example/", "https://user:pw@a.example/",
	"https://a.example#x", "https://a.example/#x",
	"https://a..example/", "https://.a.example/", "https://a.example./",
	"https://a b/", "https://a.example/a b", "https://a.example/\x7f",
	"https://a.example/\xc3\xa4", "https://a\r\n.example/",
	"https://a.example/x\ny", "https://a.example:/", "https://a.example:0/",
	"https://a.example:65536/", "https://a.example:44x/",
	"https://a.example:1:2/", "https://[::1/", "https://[a.example]/",
	"https://[192.0.2.1]/", "https://[::1]x/", "https://[]/", "https://a]/",
	"https://a%2eexample/", "https://a.example\\@b/",
	LABEL64 ".example/",
};

static void
taken_apart(void **state)
{
	struct url	 u;
	const char	*why;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (url_parse(span_of(good[i].text), &u, &why) == -1)
			fail_msg("%s: %s", good[i].text, why);
		assert_true(span_eq(u.host, span_of(good[i].host)));
		assert_true(span_eq(u.path, span_of(good[i].path)));
		assert_int_equal(u.port, good[i].port);
		assert_int_equal(u.ip.family, good[i].family);
	}
}

static void
refused(void **state)
{
	struct url	 u;
	const char	*why;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (url_parse(span_of(bad[i]), &u, &why) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(why);
	}
}

/* A NUL ends nothing. */
static void
refused_with_nul(void **state)
{
	struct url	 u;
	const char	*why;

	(void)state;
	assert_int_equal(url_parse(SPAN("https://a.example/\0x"), &u, &why),
	    -1);
	assert_int_equal(url_parse(SPAN("https://a.example\0/"), &u, &why),
	    -1);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(taken_apart),
		cmocka_unit_test(refused),
		cmocka_unit_test(refused_with_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
