/*
 * health_test.c - addresses that failed rest, longer each time, and not for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "mta/relay/health.h"

static const struct health_key	one = {
	{ .family = 4, .a = { 192, 0, 2, 1 } }, 25
};

static void
a_failure_is_passed_over_for_a_minute(void **state)
{
	struct health_key	other = one;
	struct health		*h = health_new();

	(void)state;
	assert_false(health_rests(h, &one, 1000));
	health_failed(h, &one, "a.example", "refused", 1000);
	assert_true(health_rests(h, &one, 1000 + HEALTH_FIRST_MS - 1));
	assert_false(health_rests(h, &one, 1000 + HEALTH_FIRST_MS));
	other.port = 26;
	assert_false(health_rests(h, &other, 1000));
	health_works(h, &one);
	assert_false(health_rests(h, &one, 1000));
	assert_null(health_entry(h, 0));
	health_free(&h);
}

/* What fails while it rests is no news. */
static void
rests_grow_up_to_an_hour(void **state)
{
	struct health	*h = health_new();
	int64_t		 now = 5000, rest = HEALTH_FIRST_MS;
	unsigned	 i;

	(void)state;
	for (i = 1; i <= 10; i++) {
		health_failed(h, &one, "", "refused", now);
		health_failed(h, &one, "", "refused again", now + 1);
		assert_int_equal(health_entry(h, 0)->failures, i);
		assert_string_equal(health_entry(h, 0)->why, "refused");
		assert_true(health_rests(h, &one, now + rest - 1));
		assert_false(health_rests(h, &one, now + rest));
		now += rest;
		rest = rest * 2 < HEALTH_MOST_MS ? rest * 2 : HEALTH_MOST_MS;
	}
	assert_int_equal(rest, HEALTH_MOST_MS);
	assert_int_equal(health_entry(h, 0)->since_ms, 5000);
	health_free(&h);
}

static void
one_job_tries_and_others_wait(void **state)
{
	struct health	*h = health_new();
	int64_t		 due = HEALTH_FIRST_MS;

	(void)state;
	health_try(h, &one, 0);		/* of which nothing is known */
	assert_false(health_rests(h, &one, 0));
	health_failed(h, &one, "", "x", 0);
	assert_false(health_rests(h, &one, due));
	health_try(h, &one, due);
	assert_true(health_rests(h, &one, due));
	assert_false(health_rests(h, &one, due + HEALTH_TRY_MS));
	health_untried(h, &one);
	assert_false(health_rests(h, &one, due));
	health_try(h, &one, due);
	health_failed(h, &one, "", "x", due + 10);
	assert_true(health_rests(h, &one, due + 2 * HEALTH_FIRST_MS));
	health_free(&h);
}

static void
the_memory_has_an_end(void **state)
{
	struct health_key	k = one;
	struct health		*h = health_new();
	unsigned		 i, n = 0;

	(void)state;
	for (i = 0; i < HEALTH_MAX + 10; i++) {
		k.port = (uint16_t)(i + 1);
		health_failed(h, &k, "", "x", i);
	}
	while (health_entry(h, n) != NULL)
		n++;
	assert_int_equal(n, HEALTH_MAX);
	assert_true(health_rests(h, &k, HEALTH_MAX + 10));
	k.port = 1;
	assert_false(health_rests(h, &k, HEALTH_MAX + 10));
	health_free(&h);
	health_free(&h);
}

/* IPv4 and IPv6 with the same first octets are two. */
static void
families_are_told_apart(void **state)
{
	struct health_key	six = one;
	struct health		*h = health_new();

	(void)state;
	six.ip.family = 6;
	health_failed(h, &one, "a.example", "x", 0);
	assert_false(health_rests(h, &six, 0));
	assert_string_equal(health_entry(h, 0)->name, "a.example");
	health_free(&h);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_failure_is_passed_over_for_a_minute),
		cmocka_unit_test(rests_grow_up_to_an_hour),
		cmocka_unit_test(one_job_tries_and_others_wait),
		cmocka_unit_test(the_memory_has_an_end),
		cmocka_unit_test(families_are_told_apart)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
