/*
 * greylist_test.c - first tries, by a clock that the test moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mta/counters/counters.h"

#define MINUTE	INT64_C(60000)
#define DAY	(24 * 60 * MINUTE)

static struct counters	c;

static int
setup(void **state)
{
	(void)state;
	counters_init(&c);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	counters_clear(&c);
	return 0;
}

static bool
holds(const char *key, int64_t now_ms)
{
	return counters_greylisted(&c, span_of(key), 5 * MINUTE, false,
	    now_ms, NULL);
}

static void
until_the_first_try_is_old_enough(void **state)
{
	(void)state;
	assert_true(holds("a", 0));
	assert_true(holds("a", 1));
	assert_true(holds("a", 5 * MINUTE - 1));
	assert_true(holds("b", 5 * MINUTE));
	assert_false(holds("a", 5 * MINUTE));
	assert_false(holds("a", 35 * DAY));
}

static void
without_a_time_nothing_is_held(void **state)
{
	(void)state;
	assert_false(counters_greylisted(&c, SPAN("a"), 0, false, 0, NULL));
	assert_false(counters_greylisted(&c, SPAN("b"), 0, true, 0, NULL));
}

static void
forgotten_after_36_days_without_a_use(void **state)
{
	(void)state;
	assert_true(holds("never again", 0));
	assert_true(holds("a", 0));
	assert_false(holds("a", DAY));
	assert_false(holds("a", 36 * DAY));
	assert_false(holds("a", 72 * DAY - 1));
	assert_true(holds("never again", 36 * DAY));
	assert_true(holds("a", 108 * DAY));
}

static void
a_dry_run_remembers_nothing(void **state)
{
	(void)state;
	assert_true(counters_greylisted(&c, SPAN("a"), MINUTE, true, 0, NULL));
	assert_int_equal(greylist_count(&c.greylist), 0);
	assert_true(holds("a", 10 * MINUTE));
	assert_false(counters_greylisted(&c, SPAN("a"), MINUTE, true,
	    11 * MINUTE, NULL));
	assert_int_equal(aged_count(&c.greylist.passed), 0);
}

static void
a_clock_that_goes_back_stands_still(void **state)
{
	(void)state;
	assert_true(holds("a", 10 * DAY));
	assert_true(holds("a", 0));
	assert_true(holds("a", 10 * DAY + 5 * MINUTE - 1));
	assert_false(holds("a", 10 * DAY + 5 * MINUTE));
	assert_false(holds("a", 0));
}

static void
only_what_matters_is_a_change(void **state)
{
	struct counters_change	change;

	(void)state;
	(void)counters_greylisted(&c, SPAN("a"), MINUTE, false, 0, &change);
	assert_int_equal(change.what, CHANGED_GREY);
	(void)counters_greylisted(&c, SPAN("a"), MINUTE, false, 1, &change);
	assert_int_equal(change.what, CHANGED_NOTHING);
	(void)counters_greylisted(&c, SPAN("a"), MINUTE, false, MINUTE,
	    &change);
	assert_int_equal(change.what, CHANGED_GREY);
	assert_true(change.grey->passed);
	(void)counters_greylisted(&c, SPAN("a"), MINUTE, false, 2 * MINUTE,
	    &change);
	assert_int_equal(change.what, CHANGED_NOTHING);
	(void)counters_greylisted(&c, SPAN("a"), MINUTE, false, DAY, &change);
	assert_int_equal(change.what, CHANGED_GREY);
}

/* Who has passed stays known while strangers come and go. */
static void
a_flood_of_strangers_takes_the_place_of_strangers(void **state)
{
	char	key[16];
	int	i;

	(void)state;
	c.greylist.max = 100;
	for (i = 0; i < 50; i++) {
		(void)snprintf(key, sizeof(key), "known %d", i);
		assert_true(holds(key, i));
	}
	for (i = 0; i < 50; i++) {
		(void)snprintf(key, sizeof(key), "known %d", i);
		assert_false(holds(key, DAY + i));
	}
	for (i = 0; i < 10000; i++) {
		(void)snprintf(key, sizeof(key), "flood %d", i);
		assert_true(holds(key, DAY + 100 + i));
	}
	assert_int_equal(greylist_count(&c.greylist), 100);
	for (i = 0; i < 50; i++) {
		(void)snprintf(key, sizeof(key), "known %d", i);
		assert_false(holds(key, 2 * DAY));
	}
	assert_int_equal(c.greylist.evicted, 9950);
}

/* And strangers have a quarter, that they may become known. */
static void
those_who_passed_do_not_take_all(void **state)
{
	char	key[16];
	int	i;

	(void)state;
	c.greylist.max = 100;
	for (i = 0; i < 200; i++) {
		(void)snprintf(key, sizeof(key), "known %d", i);
		assert_true(holds(key, i * DAY / 100));
		assert_false(holds(key, i * DAY / 100 + 5 * MINUTE));
	}
	assert_int_equal(aged_count(&c.greylist.passed), 100);
	for (i = 0; i < 25; i++) {
		(void)snprintf(key, sizeof(key), "new %d", i);
		assert_true(holds(key, 3 * DAY));
	}
	assert_int_equal(greylist_count(&c.greylist), 100);
	for (i = 0; i < 25; i++) {
		(void)snprintf(key, sizeof(key), "new %d", i);
		assert_false(holds(key, 3 * DAY + 5 * MINUTE));
	}
	assert_false(holds("known 199", 3 * DAY + 5 * MINUTE));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest	tests[] = {
		T(until_the_first_try_is_old_enough),
		T(without_a_time_nothing_is_held),
		T(forgotten_after_36_days_without_a_use),
		T(a_dry_run_remembers_nothing),
		T(a_clock_that_goes_back_stands_still),
		T(only_what_matters_is_a_change),
		T(a_flood_of_strangers_takes_the_place_of_strangers),
		T(those_who_passed_do_not_take_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
