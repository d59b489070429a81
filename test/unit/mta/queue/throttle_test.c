/*
 * throttle_test.c - when MAIL is delayed or refused; the seconds are the test's.
 */
#include "mta/queue/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct throttle		t;
static struct throttle_now	now;
static int64_t			wall;

static int
setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	memset(&now, 0, sizeof(now));
	wall = 1000;
	t.mark = 1000;
	t.messages = 6400;
	t.memory = 64 << 20;
	now.free = 100;
	now.reserve = 10;
	throttle_begin(&t, &now);
	return 0;
}

/* One second in which so many come and go. */
static bool
second(uint64_t come, uint64_t gone)
{
	now.come += come;
	now.gone += gone;
	now.queued += come - gone;
	wall += 1000;
	return throttle_step(&t, &now, wall);
}

static void
test_rates_follow_what_comes_and_goes(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++)
		second(100, 90);
	assert_in_range(t.come_mps, 99000, 100000);
	assert_in_range(t.gone_mps, 89000, 90000);
}

static void
test_what_was_there_at_the_start_did_not_come_just_now(void **state)
{
	(void)state;
	now.come = now.queued = 5000;
	throttle_begin(&t, &now);
	second(0, 0);
	assert_int_equal(t.come_mps, 0);
	assert_int_equal(t.space.delay_ms, 0);
}

static void
test_below_the_mark_nobody_waits(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(second(100, 0));
	assert_int_equal(t.space.delay_ms, 0);
	assert_int_equal(now.queued, 1000);
}

static void
test_above_the_mark_the_delay_grows_while_more_come_than_go(void **state)
{
	uint32_t	before = 0;

	(void)state;
	now.queued = 1000;
	for (int i = 0; i < 60; i++) {
		second(20, 10);
		assert_true(t.space.delay_ms > before ||
		    before == THROTTLE_DELAY_MAX_MS);
		before = t.space.delay_ms;
	}
	assert_int_equal(before, THROTTLE_DELAY_MAX_MS);
	assert_true(throttle_holds(&t, REASON_MARK));
	assert_int_equal(throttle_since_ms(&t, REASON_MARK), 2000);
	assert_int_equal(t.space.strangers, SPACE_OPEN);
}

static void
test_the_delay_ends_when_as_many_go_as_come(void **state)
{
	int	i;

	(void)state;
	now.queued = 3000;
	for (i = 0; i < 60; i++)
		second(20, 10);
	for (i = 0; i < 60 && t.space.delay_ms > 0; i++)
		second(10, 20);
	assert_in_range(i, 5, 30);
	assert_true(now.queued > t.mark);
	assert_false(throttle_holds(&t, REASON_MARK));
}

static void
test_at_a_limit_strangers_wait_and_users_go_on(void **state)
{
	(void)state;
	now.queued = 6399;
	assert_false(throttle_look(&t, &now, wall));
	now.queued = 6400;
	assert_true(throttle_look(&t, &now, wall));
	assert_int_equal(t.space.strangers, SPACE_BUSY);
	assert_int_equal(t.space.users, SPACE_OPEN);
	now.queued = 6400 + 6400 / THROTTLE_OWN_SHARE;
	assert_true(throttle_look(&t, &now, wall));
	assert_int_equal(t.space.users, SPACE_BUSY);
}

static void
test_a_limit_is_left_a_little_below_it(void **state)
{
	(void)state;
	now.queued = 6400;
	assert_true(throttle_look(&t, &now, wall));
	now.queued = 6350;
	assert_false(throttle_look(&t, &now, wall));
	assert_true(throttle_holds(&t, REASON_MESSAGES));
	now.queued = 6299;
	assert_true(throttle_look(&t, &now, wall));
	assert_int_equal(t.space.strangers, SPACE_OPEN);
}

static void
test_memory_and_disk_are_no_room(void **state)
{
	(void)state;
	now.memory = 64 << 20;
	assert_true(throttle_look(&t, &now, wall));
	assert_int_equal(t.space.strangers, SPACE_FULL);
	assert_int_equal(t.space.users, SPACE_OPEN);
	now.memory = 0;
	now.free = 9;
	assert_true(throttle_look(&t, &now, wall));
	assert_true(throttle_holds(&t, REASON_DISK));
	assert_false(throttle_holds(&t, REASON_MEMORY));
	assert_int_equal(t.space.users, SPACE_OPEN);
	now.free = 4;
	assert_true(throttle_look(&t, &now, wall));
	assert_int_equal(t.space.users, SPACE_FULL);
}

static void
test_without_a_file_nobody_is_served(void **state)
{
	(void)state;
	now.no_segment = true;
	assert_true(throttle_look(&t, &now, wall));
	assert_int_equal(t.space.strangers, SPACE_FULL);
	assert_int_equal(t.space.users, SPACE_FULL);
}

static void
test_limits_of_none_never_hold(void **state)
{
	(void)state;
	t.mark = t.messages = t.memory = 0;
	now.queued = now.memory = UINT64_MAX / 2;
	assert_false(second(1000, 0));
	assert_int_equal(t.holds, 0);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup(test_##f, setup)
	const struct CMUnitTest	tests[] = {
		TEST(rates_follow_what_comes_and_goes),
		TEST(what_was_there_at_the_start_did_not_come_just_now),
		TEST(below_the_mark_nobody_waits),
		TEST(above_the_mark_the_delay_grows_while_more_come_than_go),
		TEST(the_delay_ends_when_as_many_go_as_come),
		TEST(at_a_limit_strangers_wait_and_users_go_on),
		TEST(a_limit_is_left_a_little_below_it),
		TEST(memory_and_disk_are_no_room),
		TEST(without_a_file_nobody_is_served),
		TEST(limits_of_none_never_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
