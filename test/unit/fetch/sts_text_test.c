/*
 * sts_text_test.c - records, policies and kept files of MTA-STS: what is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mta/fetch/sts_kept.h"
#include "mta/fetch/sts_record.h"

/* --- RFC 8461, 3.1 */

#define RECORDS_MAX	3

static const struct {
	const char	*texts[RECORDS_MAX];
	const char	*id;	/* NULL: none */
	bool		 told;	/* why */
} records[] = {
	{ { "v=STSv1; id=20160831085700Z;" }, "20160831085700Z", false },
	{ { "v=STSv1;id=a" }, "a", false },
	{ { "v=STSv1; id=a; " }, "a", false },
	{ { "v=STSv1; id=a ;\t x.y-z_0=!:<> ;" }, "a", false },
	{ { "v=STSv1; more=1; id=a;" }, "a", false },
	{ { "v=STSv1; id=a; id=b;" }, "a", false },
	{ { "v=spf1 -all", "v=STSv1; id=a;", "v=STSv2; id=b;" }, "a", false },
	{ { "v=STSv1; id=12345678901234567890123456789012;" },
	  "12345678901234567890123456789012", false },
	{ { "" }, NULL, false },
	{ { "v=spf1 -all" }, NULL, false },
	{ { "v=stsv1; id=a;" }, NULL, false },
	{ { " v=STSv1; id=a;" }, NULL, false },
	{ { "v=STSv1 ; id=a;" }, NULL, false },
	{ { "id=a; v=STSv1;" }, NULL, false },
	{ { "v=STSv1; id=a;", "v=STSv1; id=a;" }, NULL, true },
	{ { "v=STSv1;" }, NULL, true },
	{ { "v=STSv1; ID=a;" }, NULL, true },
	{ { "v=STSv1; id=;" }, NULL, true },
	{ { "v=STSv1; id=a-b;" }, NULL, true },
	{ { "v=STSv1; id = a;" }, NULL, true },
	{ { "v=STSv1; id=123456789012345678901234567890123;" }, NULL, true },
	{ { "v=STSv1; id=a; nonsense;" }, NULL, true },
	{ { "v=STSv1; id=a;; x=y" }, NULL, true },
	{ { "v=STSv1; id=a; x=;" }, NULL, true },
	{ { "v=STSv1; id=a; x=y=z;" }, NULL, true },
	{ { "v=STSv1; id=a; x=y z;" }, NULL, true },
	{ { "v=STSv1; id=a; .x=y;" }, NULL, true },
	{ { "v=STSv1; id=a; x=\xc3\xa4;" }, NULL, true },
};

static void
which_records_are_one(void **state)
{
	struct span	 texts[RECORDS_MAX], id;
	const char	*why;
	size_t		 i, n;
	bool		 found;

	(void)state;
	for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		for (n = 0; n < RECORDS_MAX && records[i].texts[n] != NULL;
		    n++)
			texts[n] = span_of(records[i].texts[n]);
		found = sts_record_find(texts, n, &id, &why);
		if (found != (records[i].id != NULL) ||
		    !span_eq(id, span_of(records[i].id)) ||
		    (why != NULL) != records[i].told)
			fail_msg("%s: %.*s (%s)", records[i].texts[0],
			    SPAN_ARG(id), why == NULL ? "" : why);
	}
}

/* --- RFC 8461, 3.2 */

static const struct {
	const char	*text;
	const char	*mx;	/* all of them, each with a blank behind it */
	enum sts_mode	 mode;
	uint32_t	 max_age_s;
} good[] = {
	{ "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\n"
	  "mx: *.example.net\r\nmx: backupmx.example.com\r\n"
	  "max_age: 604800\r\n",
	  "mail.example.com *.example.net backupmx.example.com ",
	  STS_MODE_ENFORCE, 604800 },
	{ "version: STSv1\nmode: testing\nmx: A.Example\nmax_age: 1",
	  "a.example ", STS_MODE_TESTING, 1 },
	{ "max_age:0\nmode:none\nversion:STSv1\n", "", STS_MODE_NONE, 0 },
	{ "version: STSv1 \t\nmode:\tenforce\n\nmx: *.a-b.example\n\r\n"
	  "max_age: 86400\n\n", "*.a-b.example ", STS_MODE_ENFORCE, 86400 },
	{ "version: STSv1\nmode: none\nmode: enforce\nversion: x\n"
	  "max_age: 5\nmax_age: x\n", "", STS_MODE_NONE, 5 },
	{ "version: STSv1\nmode: none\nmax_age: 9999999999\n", "",
	  STS_MODE_NONE, STS_MAX_AGE_S },
	{ "version: STSv1\nmode: none\nmax_age: 5\n"
	  "x.y-z_1: \xc3\xa4 b: c\n", "", STS_MODE_NONE, 5 },
	{ "version: STSv1\nmode: none\nmx: a.example\nmax_age: 5\n",
	  "a.example ", STS_MODE_NONE, 5 },
};

#define HEAD	"version: STSv1\nmode: enforce\nmax_age: 86400\n"

static const char *const	bad[] = {
	"", "\n", "<html></html>",
	"mode: enforce\nmax_age: 5\nmx: a.example\n",
	"version: STSv1\nmax_age: 5\nmx: a.example\n",
	"version: STSv1\nmode: enforce\nmx: a.example\n",
	HEAD,
	"version: STSv2\nmode: none\nmax_age: 5\n",
	"version: stsv1\nmode: none\nmax_age: 5\n",
	"Version: STSv1\nmode: none\nmax_age: 5\n",
	"version: STSv1\nmode: report\nmax_age: 5\n",
	"version: STSv1\nmode: Enforce\nmax_age: 5\nmx: a.example\n",
	"version: STSv1\nmode: none\nmax_age: \n",
	"version: STSv1\nmode: none\nmax_age: -1\n",
	"version: STSv1\nmode: none\nmax_age: 5s\n",
	"version: STSv1\nmode: none\nmax_age: 12345678901\n",
	" version: STSv1\nmode: none\nmax_age: 5\n",
	"version : STSv1\nmode: none\nmax_age: 5\n",
	"version: STSv1\rmode: none\rmax_age: 5\r",
	HEAD "mx: \n", HEAD "mx: *\n", HEAD "mx: *.\n", HEAD "mx: a..b\n",
	HEAD "mx: .a\n", HEAD "mx: a.\n", HEAD "mx: -a\n", HEAD "mx: a-\n",
	HEAD "mx: a_b.example\n", HEAD "mx: *.*.example\n",
	HEAD "mx: a.*.example\n", HEAD "mx: a.example b.example\n",
	HEAD "mx: [192.0.2.1]\n", HEAD "mx: \xc3\xa4.example\n",
	HEAD "mx: a.example\nnonsense\n", HEAD "mx: a.example\n: x\n",
	HEAD "mx: a.example\nx:\n", HEAD "mx: a.example\nx: \xff\n",
	HEAD "mx: a.example\nx: \x01\n", HEAD "mx: a.example\n.x: y\n",
	HEAD "mx: a.example\n"
	    "a23456789012345678901234567890123: a name too long\n",
};

static void
which_texts_are_policies(void **state)
{
	struct arena	 ar = { 0 };
	struct sts_text	 t;
	char		 mx[512];
	const char	*why;
	size_t		 i, j, n;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (sts_text_parse(span_of(good[i].text), &ar, &t, &why) ==
		    -1)
			fail_msg("%s: %s", good[i].text, why);
		assert_int_equal(t.mode, good[i].mode);
		assert_int_equal(t.max_age_s, good[i].max_age_s);
		mx[0] = '\0';
		for (j = n = 0; j < t.n; j++)
			n += (size_t)snprintf(mx + n, sizeof(mx) - n,
			    "%.*s ", SPAN_ARG(t.mx[j]));
		assert_string_equal(mx, good[i].mx);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (sts_text_parse(span_of(bad[i]), &ar, &t, &why) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(why);
	}
	arena_clear(&ar);
}

/* STS_MX_MAX patterns are taken, one more is not; 64 KiB likewise. */
static void
limits(void **state)
{
	struct buf	 text = { 0 };
	struct arena	 ar = { 0 };
	struct sts_text	 t;
	const char	*why;
	unsigned	 i;

	(void)state;
	buf_add_str(&text, HEAD);
	for (i = 0; i < STS_MX_MAX; i++)
		buf_addf(&text, "mx: m%u.example\n", i);
	assert_int_equal(sts_text_parse(buf_span(&text), &ar, &t, &why), 0);
	assert_int_equal(t.n, STS_MX_MAX);
	buf_add_str(&text, "mx: more.example\n");
	assert_int_equal(sts_text_parse(buf_span(&text), &ar, &t, &why), -1);
	buf_reset(&text);
	buf_add_str(&text, HEAD "mx: a.example\nx: ");
	while (text.n < STS_POLICY_MAX)
		buf_add_char(&text, 'y');
	assert_int_equal(sts_text_parse(buf_span(&text), &ar, &t, &why), 0);
	buf_add_char(&text, 'y');
	assert_int_equal(sts_text_parse(buf_span(&text), &ar, &t, &why), -1);
	buf_clear(&text);
	arena_clear(&ar);
}

static void
domains(void **state)
{
	static const char *const	none[] = {
		"", ".", "a..b", ".a", "a..", "-a", "a-", "a_b", "[192.0.2.1]",
		"a b", "a/b", "\xc3\xa4.example",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	char				out[STS_DOMAIN_MAX + 1];
	char				longest[STS_DOMAIN_MAX + 2];
	size_t				i;

	(void)state;
	assert_true(sts_domain(SPAN("XN--A.Example."), out));
	assert_string_equal(out, "xn--a.example");
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (sts_domain(span_of(none[i]), out))
			fail_msg("taken: %s", none[i]);
	for (i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 == 0 ? 'a' : '.';
	assert_true(sts_domain(span_mem(longest, STS_DOMAIN_MAX), out));
	longest[STS_DOMAIN_MAX] = 'a';
	assert_false(sts_domain(span_mem(longest, STS_DOMAIN_MAX + 1), out));
}

/* --- the file */

static struct sts_kept *
sample(void)
{
	const char	*why;

	return sts_kept_new("a.example", SPAN("2026a"), 1700000000,
	    SPAN(HEAD "mx: MX.a.example\n"), &why);
}

static void
what_is_written_is_read(void **state)
{
	struct sts_kept	*k = sample(), *again;
	struct buf	 file = { 0 };
	const char	*why;

	(void)state;
	sts_kept_write(k, &file);
	again = sts_kept_read(buf_span(&file), &why);
	assert_non_null(again);
	assert_string_equal(again->domain, "a.example");
	assert_string_equal(again->id, "2026a");
	assert_int_equal(again->fetched_s, 1700000000);
	assert_true(span_eq(again->text, k->text));
	assert_int_equal(again->policy.n, 1);
	assert_true(span_eq(again->policy.mx[0], SPAN("mx.a.example")));
	assert_int_equal(sts_kept_expires_s(again), 1700000000 + 86400);
	sts_kept_free(&k);
	sts_kept_free(&again);
	buf_clear(&file);
}

/* No octet of it may be another, be missing, or be there twice. */
static void
damage_is_seen(void **state)
{
	struct sts_kept	*k = sample(), *again;
	struct buf	 file = { 0 };
	const char	*why;
	size_t		 i;

	(void)state;
	sts_kept_write(k, &file);
	for (i = 0; i < file.n; i++) {
		file.base[file.off + i] ^= 1;
		again = sts_kept_read(buf_span(&file), &why);
		assert_null(again);
		file.base[file.off + i] ^= 1;
		again = sts_kept_read(span_mem(buf_span(&file).p, i), &why);
		assert_null(again);
	}
	buf_add_char(&file, '\n');
	assert_null(sts_kept_read(buf_span(&file), &why));
	sts_kept_free(&k);
	buf_clear(&file);
}

/* RFC 8461, 3.3: not fetched more often than every five minutes. */
static void
a_short_life_has_five_minutes(void **state)
{
	const char	*why;
	struct sts_kept	*k = sts_kept_new("a.example", SPAN("1"), 1000,
			    SPAN("version: STSv1\nmode: none\nmax_age: 0\n"),
			    &why);

	(void)state;
	assert_int_equal(sts_kept_expires_s(k), 1300);
	sts_kept_free(&k);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(which_records_are_one),
		cmocka_unit_test(which_texts_are_policies),
		cmocka_unit_test(limits),
		cmocka_unit_test(domains),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(a_short_life_has_five_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
