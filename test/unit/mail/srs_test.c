/*
 * srs_test.c - addresses as libsrs2 and postsrsd make them, and back.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mail/srs.h"

#define DAY	86400
#define NEW_YEAR	INT64_C(1577836860)	/* 2020-01-01 00:01 UTC: "2W" */

static const struct srs ours = { .domain = { "example.com", 11 },
    .lifetime_s = 21 * DAY, .secrets = { { "tops3cr3t", 9 } }, .nsecrets = 1 };
/* Another signs by now; the old one still counts. */
static const struct srs renewed = { .domain = { "example.com", 11 },
    .lifetime_s = 21 * DAY, .secrets = { { "new", 3 }, { "tops3cr3t", 9 } },
    .nsecrets = 2 };

static struct arena	arena;

/* What postsrsd makes with this secret at that time. */
static const struct {
	const char	*sender, *wanted;	/* NULL: stays as it is */
} forwarded[] = {
	{ "test@otherdomain.com",
	  "SRS0=vmyz=2W=otherdomain.com=test@example.com" },
	{ "SRS0=opaque+string@otherdomain.com",
	  "SRS1=chaI=otherdomain.com==opaque+string@example.com" },
	{ "SRS1=X=thirddomain.com==opaque+string@otherdomain.com",
	  "SRS1=JIBX=thirddomain.com==opaque+string@example.com" },
	{ "", NULL }, { "nodomain", NULL }, { "@otherdomain.com", NULL },
	{ "test@EXAMPLE.com", NULL }, { "\"a b\"@otherdomain.com", NULL },
	{ "a@[192.0.2.1]", NULL },
};

static void
senders_become_what_others_make_of_them(void **state)
{
	struct span	out;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
		const char	*wanted = forwarded[i].wanted;
		struct span	 sender = span_of(forwarded[i].sender);

		assert_int_equal(srs_forward(&ours, sender, NEW_YEAR, &arena,
		    &out), wanted == NULL ? SRS_NOT : SRS_OK);
		assert_true(span_eq(out, wanted == NULL ? sender :
		    span_of(wanted)));
	}
	arena_clear(&arena);
}

static const struct {
	const char	*address;
	int64_t		 days;		/* after the new year */
	enum srs_result	 is;
	const char	*sender;	/* OK */
} back[] = {
	{ "SRS0=vmyz=2W=otherdomain.com=test@example.com", 0, SRS_OK,
	  "test@otherdomain.com" },
	{ "SRS0=XjO9=2V=otherdomain.com=test@example.com", 0, SRS_OK,
	  "test@otherdomain.com" },
	{ "srs0=VMYZ=2w=OtherDomain.com=Test@EXAMPLE.com", 21, SRS_OK,
	  "Test@OtherDomain.com" },
	{ "SRS0+vmyz=2W=otherdomain.com=test@example.com", 0, SRS_OK,
	  "test@otherdomain.com" },
	{ "SRS0=vmyz=2W=otherdomain.com=test@example.com", -1, SRS_OK,
	  "test@otherdomain.com" },
	{ "SRS0=vmyz=2W=otherdomain.com=test@example.com", 22, SRS_OLD, "" },
	{ "SRS0=vmyz=2W=otherdomain.com=test@example.com", -2, SRS_OLD, "" },
	{ "SRS0=vmyz=2W=otherdomain.com=tesd@example.com", 0, SRS_WRONG, "" },
	{ "SRS0=vmyz=2X=otherdomain.com=test@example.com", 0, SRS_WRONG, "" },
	{ "SRS0=vmy=2W=otherdomain.com=test@example.com", 0, SRS_WRONG, "" },
	{ "SRS0=vmyz=2W=otherdomain.com@example.com", 0, SRS_WRONG, "" },
	{ "SRS0==2W=otherdomain.com=test@example.com", 0, SRS_WRONG, "" },
	{ "SRS0=vmyz@example.com", 0, SRS_WRONG, "" },
	{ "SRS1=chaI=otherdomain.com==opaque+string@example.com", 500, SRS_OK,
	  "SRS0=opaque+string@otherdomain.com" },
	{ "SRS1=chaJ=otherdomain.com==opaque+string@example.com", 0,
	  SRS_WRONG, "" },
	{ "SRS1=chaI=otherdomain.com=opaque@example.com", 0, SRS_WRONG, "" },
	{ "SRS1=chaI==@example.com", 0, SRS_WRONG, "" },
	{ "SRS0=vmyz=2W=otherdomain.com=test@elsewhere.com", 0, SRS_NOT, "" },
	{ "test@example.com", 0, SRS_NOT, "" },
	{ "srs0@example.com", 0, SRS_NOT, "" },
	{ "", 0, SRS_NOT, "" },
};

static void
what_comes_back_has_the_sender(void **state)
{
	const struct srs	*both[] = { &ours, &renewed };
	struct span		 out;
	size_t			 i;

	(void)state;
	for (i = 0; i < 2 * sizeof(back) / sizeof(back[0]); i++) {
		size_t	k = i / 2;

		assert_int_equal(srs_back(both[i % 2], span_of(back[k].address),
		    NEW_YEAR + back[k].days * DAY, &arena, &out), back[k].is);
		if (back[k].is == SRS_OK)
			assert_true(span_eq(out, span_of(back[k].sender)));
	}
	arena_clear(&arena);
}

/* No secret is no hash: nothing is rewritten, and nothing is believed. */
static void
without_a_secret_nothing_is_ours(void **state)
{
	struct srs	none = ours;
	struct span	out;

	(void)state;
	none.nsecrets = 0;
	assert_int_equal(srs_forward(&none, SPAN("a@b.example"), NEW_YEAR,
	    &arena, &out), SRS_NOT);
	assert_int_equal(srs_back(&none, span_of(back[0].address), NEW_YEAR,
	    &arena, &out), SRS_WRONG);
	arena_clear(&arena);
}

/* RFC 5321, 4.5.3.1.3; a local part above 64 octets is taken everywhere. */
static void
what_would_be_too_long_stays_as_it_is(void **state)
{
	char		sender[300];
	struct span	out, again;
	size_t		n;

	(void)state;
	memset(sender, 'x', sizeof(sender));
	for (n = 60; n < 250; n++) {
		memcpy(sender + n, "@b.example", 10);
		if (srs_forward(&ours, span_mem(sender, n + 10), NEW_YEAR,
		    &arena, &out) == SRS_OK) {
			assert_true(out.n <= 254);
			assert_int_equal(srs_back(&ours, out, NEW_YEAR,
			    &arena, &again), SRS_OK);
			assert_true(span_eq(again, span_mem(sender, n + 10)));
		} else
			assert_true(span_eq(out, span_mem(sender, n + 10)));
		sender[n] = 'x';
	}
	assert_int_equal(srs_forward(&ours, span_mem(sender, 240), NEW_YEAR,
	    &arena, &out), SRS_NOT);
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senders_become_what_others_make_of_them),
		cmocka_unit_test(what_comes_back_has_the_sender),
		cmocka_unit_test(without_a_secret_nothing_is_ours),
		cmocka_unit_test(what_would_be_too_long_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
