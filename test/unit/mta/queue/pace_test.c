/*
 * pace_test.c - never more than so many in any time of that length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "mta/queue/pace.h"

#define MINUTE	60000

static void
without_a_rate_all_may_go(void **state)
{
	struct pace	p = { 0 };

	(void)state;
	assert_int_equal(pace_left(&p, 5), UINT32_MAX);
	pace_take(&p, 1000, 5);
	assert_int_equal(pace_left(&p, 5), UINT32_MAX);
}

static void
all_may_go_at_once_and_then_none(void **state)
{
	struct pace	p = { 0 };
	int64_t		t = 1000000, when;

	(void)state;
	pace_set(&p, 10, MINUTE, t);
	assert_int_equal(pace_left(&p, t), 10);
	pace_take(&p, 4, t);
	assert_int_equal(pace_left(&p, t), 6);
	pace_take(&p, 6, t + 20000);
	assert_int_equal(pace_left(&p, t + 20000), 0);
	assert_int_equal(pace_left(&p, t + MINUTE), 0);
	for (when = t; pace_left(&p, when) == 0; when += 100)
		;
	assert_true(when > t + MINUTE);
	assert_true(when <= t + MINUTE + 2 * MINUTE / PACE_SLOTS);
	assert_int_equal(pace_left(&p, when), 4);
	assert_int_equal(pace_left(&p, t + 10 * MINUTE), 10);
}

/* Whoever takes what he can at each moment: no window has more. */
static void
no_window_has_more(void **state)
{
	static const struct { uint32_t most; int64_t ms; } rates[] = {
		{ 600, MINUTE }, { 1, 1000 }, { 7, 1234 }, { 5, 3 },
		{ 100, 24 * 60 * MINUTE }
	};
	static struct { int64_t at; uint32_t n; } gone[4000];
	struct pace	p;
	uint64_t	seed = 7;
	size_t		i, k, n;

	(void)state;
	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		int64_t		now = 12345;
		uint64_t	all = 0;

		p = (struct pace){ 0 };
		pace_set(&p, rates[i].most, rates[i].ms, now);
		for (n = 0; n < 4000; n++) {
			uint32_t	left = pace_left(&p, now), sum = 0;

			seed = seed * 6364136223846793005u + 1442695040888963407u;
			gone[n].at = now;
			gone[n].n = left > 3 ? (uint32_t)(seed >> 33) % left :
			    left;
			pace_take(&p, gone[n].n, now);
			all += gone[n].n;
			for (k = n + 1; k-- > 0 &&
			    gone[k].at > now - rates[i].ms;)
				sum += gone[k].n;
			assert_true(sum <= rates[i].most);
			now += (int64_t)((seed >> 20) % 40) * rates[i].ms /
			    1000;
		}
		/* Nor much less than there could be. */
		assert_true(all * 3 > (uint64_t)((now - 12345) / rates[i].ms) *
		    rates[i].most);
	}
}

static void
another_rate_forgets_nothing(void **state)
{
	struct pace	p = { 0 };
	int64_t		t = 5000000;

	(void)state;
	pace_set(&p, 10, MINUTE, t);
	pace_take(&p, 8, t);
	pace_set(&p, 10, MINUTE, t);
	assert_int_equal(pace_left(&p, t), 2);
	pace_set(&p, 20, 10 * MINUTE, t);
	assert_int_equal(pace_left(&p, t), 12);
	pace_set(&p, 5, 1000, t);
	assert_int_equal(pace_left(&p, t), 0);
	assert_int_equal(pace_left(&p, t + 2 * MINUTE), 5);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(without_a_rate_all_may_go),
		cmocka_unit_test(all_may_go_at_once_and_then_none),
		cmocka_unit_test(no_window_has_more),
		cmocka_unit_test(another_rate_forgets_nothing)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
