/*
 * xattr_test.c - attributes of XCLIENT and XFORWARD.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mta/smtp/xattr.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define C	XATTR_XCLIENT
#define F	XATTR_XFORWARD

static const struct {
	enum xattr_of	 of;
	const char	*args;
	enum xattr	 attr;
	enum xattr_is	 is;
	const char	*text;
} good[] = {
	{ C, "NAME=spike.example.org", XATTR_NAME, XATTR_GIVEN,
	    "spike.example.org" },
	{ C, "name=Spike.Example.ORG", XATTR_NAME, XATTR_GIVEN,
	    "spike.example.org" },
	{ C, "NAME=[UNAVAILABLE]", XATTR_NAME, XATTR_UNAVAILABLE, "" },
	{ C, "NAME=+5BUNAVAILABLE+5D", XATTR_NAME, XATTR_UNAVAILABLE, "" },
	{ C, "NAME=[tempUnavail]", XATTR_NAME, XATTR_TEMPUNAVAIL, "" },
	{ C, "ADDR=168.100.189.2", XATTR_ADDR, XATTR_GIVEN, "168.100.189.2" },
	{ C, "ADDR=IPV6:2001:db8::7", XATTR_ADDR, XATTR_GIVEN,
	    "IPV6:2001:db8::7" },
	{ C, "ADDR=ipv6:2001:db8::7", XATTR_ADDR, XATTR_GIVEN,
	    "ipv6:2001:db8::7" },
	{ C, "ADDR=[Unavailable]", XATTR_ADDR, XATTR_UNAVAILABLE, "" },
	{ C, "PORT=4711", XATTR_PORT, XATTR_GIVEN, "4711" },
	{ C, "PROTO=esmtp", XATTR_PROTO, XATTR_GIVEN, "esmtp" },
	{ C, "PROTO=SMTP", XATTR_PROTO, XATTR_GIVEN, "SMTP" },
	{ C, "HELO=[192.0.2.1]", XATTR_HELO, XATTR_GIVEN, "[192.0.2.1]" },
	{ C, "LOGIN=ann+2Blists@here.example", XATTR_LOGIN, XATTR_GIVEN,
	    "ann+lists@here.example" },
	{ C, "LOGIN=ann+20lee", XATTR_LOGIN, XATTR_GIVEN, "ann lee" },
	{ C, "DESTADDR=192.0.2.25 DESTPORT=25", XATTR_DESTPORT, XATTR_GIVEN,
	    "25" },
	{ C, "ADDR=192.0.2.1   NAME=a.example ", XATTR_NAME, XATTR_GIVEN,
	    "a.example" },
	{ F, "NAME=host_of.no.dns", XATTR_NAME, XATTR_GIVEN,
	    "host_of.no.dns" },
	{ F, "ADDR=unix:/socket", XATTR_ADDR, XATTR_GIVEN, "unix:/socket" },
	{ F, "ADDR=2001:db8::7", XATTR_ADDR, XATTR_GIVEN, "2001:db8::7" },
	{ F, "PROTO=UUCP", XATTR_PROTO, XATTR_GIVEN, "UUCP" },
	{ F, "HELO=hi", XATTR_HELO, XATTR_GIVEN, "hi" },
	{ F, "IDENT=3CF6B2AAE8", XATTR_IDENT, XATTR_GIVEN, "3CF6B2AAE8" },
	{ F, "SOURCE=local", XATTR_SOURCE, XATTR_GIVEN, "local" },
	{ F, "SOURCE=[UNAVAILABLE]", XATTR_SOURCE, XATTR_UNAVAILABLE, "" },
};

static const struct {
	enum xattr_of	 of;
	const char	*args, *why;
} bad[] = {
	{ C, "", "needed" }, { C, "   ", "needed" },
	{ C, "NAME", "syntax" }, { C, "=x", "syntax" },
	{ C, "NAME=a.example junk", "syntax" },
	{ C, "NAME= ADDR=192.0.2.1", "xtext" },
	{ C, "COLOUR=red", "no such" }, { C, "IDENT=x", "no such" },
	{ C, "SOURCE=LOCAL", "no such" }, { F, "LOGIN=ann", "no such" },
	{ F, "DESTADDR=192.0.2.1", "no such" },
	{ C, "NAME=a.example name=b.example", "twice" },
	{ C, "NAME=[UNAVAILABLE] NAME=b.example", "twice" },
	{ C, "NAME=a+0D+0Ab", "xtext" }, { C, "NAME=a+00", "xtext" },
	{ C, "NAME=a+0", "xtext" }, { C, "NAME=a+zz", "xtext" },
	{ C, "NAME=192.0.2.1", "none of" },
	{ C, "NAME=a..example", "none of" },
	{ C, "NAME=a+20b.example", "none of" },
	{ C, "ADDR=[192.0.2.1]", "none of" }, { C, "ADDR=192.0.2", "none of" },
	{ C, "ADDR=192.0.2.1/24", "none of" },
	{ C, "ADDR=2001:db8::7", "none of" },
	{ C, "ADDR=IPV6:192.0.2.1", "none of" },
	{ C, "ADDR=[TEMPUNAVAIL]", "none of" },
	{ C, "ADDR=unix:/x", "none of" },
	{ C, "PORT=65536", "none of" }, { C, "PORT=-1", "none of" },
	{ C, "PORT=025", "none of" }, { C, "PROTO=UUCP", "none of" },
	{ C, "HELO=a+20b", "none of" }, { C, "HELO=<x>", "none of" },
	{ F, "NAME=[TEMPUNAVAIL](x)", "none of" },
	{ F, "NAME=a(b", "none of" }, { F, "IDENT=a+20b", "none of" },
	{ F, "IDENT=a+22b", "none of" }, { F, "SOURCE=FAR", "none of" },
	{ F, "PORT=x", "none of" },
};

static void
good_attributes(void **state)
{
	struct arena	 a = { 0 };
	struct xattrs	 x;
	const char	*why;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		if (!xattrs_parse(span_of(good[i].args), good[i].of, &a, &x,
		    &why))
			fail_msg("%s: %s", good[i].args, why);
		assert_int_equal(x.v[good[i].attr].is, good[i].is);
		if (!span_eq(x.v[good[i].attr].text, span_of(good[i].text)))
			fail_msg("%s: '%.*s'", good[i].args,
			    SPAN_ARG(x.v[good[i].attr].text));
		arena_reset(&a);
	}
	assert_true(xattrs_parse(SPAN("ADDR=IPV6:::ffff:192.0.2.1 PORT=25 "
	    "PROTO=ESMTP DESTADDR=192.0.2.25"), C, &a, &x, &why));
	assert_int_equal(x.addr.family, 4);
	assert_int_equal(x.port, 25);
	assert_true(x.esmtp);
	assert_int_equal(x.destaddr.a[3], 25);
	arena_clear(&a);
}

static void
bad_attributes(void **state)
{
	struct arena	 a = { 0 };
	struct xattrs	 x;
	const char	*why;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		why = "";
		if (xattrs_parse(span_of(bad[i].args), bad[i].of, &a, &x,
		    &why) || strstr(why, bad[i].why) == NULL)
			fail_msg("'%s': '%s', wanted '%s'", bad[i].args, why,
			    bad[i].why);
		arena_reset(&a);
	}
	arena_clear(&a);
}

static void
values_have_255_octets_at_most(void **state)
{
	char		 args[400] = "IDENT=";
	struct arena	 a = { 0 };
	struct xattrs	 x;
	const char	*why;

	(void)state;
	memset(args + 6, 'x', 256);
	assert_true(xattrs_parse(span_mem(args, 6 + 255), F, &a, &x, &why));
	assert_false(xattrs_parse(span_mem(args, 6 + 256), F, &a, &x, &why));
	memcpy(args, "PROTO=", 6);
	assert_true(xattrs_parse(span_mem(args, 6 + 64), F, &a, &x, &why));
	assert_false(xattrs_parse(span_mem(args, 6 + 65), F, &a, &x, &why));
	arena_clear(&a);
}

/* What EHLO says is what is taken. */
static void
words_are_attributes(void **state)
{
	struct arena	 a = { 0 };
	struct xattrs	 x;
	const char	*why;
	struct span	 words, word;
	char		 args[40];

	(void)state;
	for (unsigned of = C; of <= F; of++) {
		words = span_of(xattrs_words((enum xattr_of)of));
		while (words.n > 0) {
			ptrdiff_t	at = span_index(words, ' ');

			word = span_mem(words.p, at < 0 ? words.n :
			    (size_t)at);
			words = span_from(words, word.n + (at >= 0));
			snprintf(args, sizeof(args), "%.*s=[UNAVAILABLE]",
			    SPAN_ARG(word));
			assert_true(xattrs_parse(span_of(args),
			    (enum xattr_of)of, &a, &x, &why));
		}
	}
	assert_string_equal(xattr_word(XATTR_SOURCE), "SOURCE");
	arena_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(good_attributes),
		cmocka_unit_test(bad_attributes),
		cmocka_unit_test(values_have_255_octets_at_most),
		cmocka_unit_test(words_are_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
