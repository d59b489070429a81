/*
 * rates_test.c - what a rate lets through, by a clock that the test moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mta/counters/counters.h"

#define MINUTE	INT64_C(60000)
#define HOUR	(60 * MINUTE)

static struct counters	 c;
static uint64_t		 tx;

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
ask(const char *key, uint32_t count, int64_t period_ms, int64_t now_ms)
{
	struct rate_ask	q = { .name = SPAN("r"), .key = span_of(key),
	    .count = count, .period_ms = period_ms, .tx = ++tx };

	return counters_rate(&c, &q, now_ms, NULL);
}

static void
the_one_too_many_is_not_counted(void **state)
{
	int	i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_false(ask("a", 3, HOUR, i));
	for (i = 0; i < 10; i++)
		assert_true(ask("a", 3, HOUR, 10 + i));
	assert_false(ask("b", 3, HOUR, 30));
	/* The first is an hour old: one more, and only one. */
	assert_true(ask("a", 3, HOUR, HOUR - 1));
	assert_false(ask("a", 3, HOUR, HOUR));
	assert_true(ask("a", 3, HOUR, HOUR));
	assert_false(ask("a", 3, HOUR, HOUR + 1));
}

static void
nothing_allowed_is_always_over(void **state)
{
	(void)state;
	assert_true(ask("a", 0, HOUR, 0));
	assert_int_equal(aged_count(&c.rates.keys), 0);
}

static void
names_and_periods_are_apart_and_counts_are_not(void **state)
{
	struct rate_ask	q = { .name = SPAN("r"), .key = SPAN("k"),
	    .count = 1, .period_ms = HOUR, .tx = 1 };

	(void)state;
	assert_false(counters_rate(&c, &q, 0, NULL));
	q.tx++;
	assert_true(counters_rate(&c, &q, 0, NULL));
	q.count = 2;
	assert_false(counters_rate(&c, &q, 0, NULL));
	q.tx++;
	assert_true(counters_rate(&c, &q, 0, NULL));
	q.name = SPAN("s");
	assert_false(counters_rate(&c, &q, 0, NULL));
	q.name = SPAN("r");
	q.period_ms = MINUTE;
	assert_false(counters_rate(&c, &q, 0, NULL));
	/* "rk" and "" are not "r" and "k". */
	q.name = SPAN("rk");
	q.key = SPAN("");
	q.period_ms = HOUR;
	assert_false(counters_rate(&c, &q, 0, NULL));
}

static void
a_question_is_counted_once(void **state)
{
	struct rate_ask	q = { .name = SPAN("r"), .key = SPAN("k"),
	    .count = 2, .period_ms = HOUR, .tx = 7, .step = 1 };
	int		i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_false(counters_rate(&c, &q, i, NULL));
	q.step = 2;
	for (i = 0; i < 5; i++)
		assert_false(counters_rate(&c, &q, i, NULL));
	q.step = 3;
	assert_true(counters_rate(&c, &q, 5, NULL));
	/* What was refused was not counted, and is asked anew. */
	assert_false(counters_rate(&c, &q, HOUR, NULL));
}

static void
what_comes_at_once_is_all_or_none(void **state)
{
	static const struct { uint32_t more; int64_t at; bool over; } rows[] = {
		{ 5, 0, false },	/* six of ten */
		{ 4, 1, true },		/* five are too many */
		{ 3, 2, false },	/* four are not */
		{ 0, 3, true },
		{ 9, HOUR, true },	/* four are still there */
		{ 5, HOUR, false },
		{ 10, 3 * HOUR, true },	/* more than there can ever be */
		{ UINT32_MAX, 3 * HOUR, true },
		{ 9, 3 * HOUR, false },
	};
	struct rate_ask	q = { .name = SPAN("r"), .key = SPAN("k"),
	    .count = 10, .period_ms = HOUR };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		q.more = rows[i].more;
		q.tx++;
		assert_int_equal(counters_rate(&c, &q, rows[i].at, NULL),
		    rows[i].over);
	}
}

static void
a_dry_run_does_not_count(void **state)
{
	struct rate_ask		q = { .name = SPAN("r"), .key = SPAN("k"),
	    .count = 1, .period_ms = HOUR, .tx = 1, .peek = true };
	struct counters_change	change;

	(void)state;
	assert_false(counters_rate(&c, &q, 0, &change));
	assert_int_equal(change.what, CHANGED_NOTHING);
	q.peek = false;
	assert_false(counters_rate(&c, &q, 0, &change));
	assert_int_equal(change.what, CHANGED_RATE);
	q.peek = true;
	assert_true(counters_rate(&c, &q, 0, &change));
	assert_int_equal(change.what, CHANGED_NOTHING);
}

/* Times at which one was let through; in no period are there more than n. */
static void
check_windows(const int64_t *at, size_t passed, uint32_t n, int64_t period)
{
	size_t	i;

	for (i = n; i < passed; i++)
		assert_true(at[i] - at[i - n] >= period);
}

static void
never_more_than_allowed_in_any_period(void **state)
{
	static const uint32_t	 counts[] = { 1, 2, 63, 64, 65, 100, 1000 };
	int64_t			*at = calloc(20000, sizeof(*at)), now = 0;
	size_t			 i, k, passed;
	char			 key[16];

	(void)state;
	srand(20261121);
	for (k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
		(void)snprintf(key, sizeof(key), "%zu", k);
		for (i = passed = 0; i < 20000; i++) {
			now += rand() % (rand() % 20 == 0 ? 3000 : 60);
			if (!ask(key, counts[k], MINUTE, now))
				at[passed++] = now;
		}
		assert_true(passed > counts[k]);
		check_windows(at, passed, counts[k], MINUTE);
	}
	free(at);
}

/* How many a second are let through in the long run, when more are asked. */
static void
large_rates_reach_what_is_allowed(void **state)
{
	int64_t		now;
	unsigned	passed = 0;

	(void)state;
	for (now = 0; now < 100 * MINUTE; now += 20)
		passed += !ask("a", 1000, MINUTE, now);
	assert_in_range(passed, 98000, 100000);
}

static void
memory_of_a_key_is_bounded(void **state)
{
	const struct rate	*e;
	int64_t			 now;

	(void)state;
	for (now = 0; now < 200000; now += 1)
		(void)ask("a", 1000000, MINUTE, now);
	for (now = 200000; now < 400000; now += 7)
		(void)ask("a", now % 2 ? 64 : 100000, MINUTE, now);
	aged_walk(&c.rates.keys);
	e = rates_next(&c.rates, now);
	assert_true(e->nruns <= RATE_RUNS_MAX);
	assert_true(c.rates.octets <= 256 * sizeof(struct rate_run));
}

static void
a_clock_that_goes_back_stands_still(void **state)
{
	(void)state;
	assert_false(ask("a", 2, HOUR, 10 * HOUR));
	assert_false(ask("a", 2, HOUR, 2 * HOUR));
	assert_true(ask("a", 2, HOUR, 3 * HOUR));
	assert_true(ask("a", 2, HOUR, 11 * HOUR - 1));
	assert_false(ask("a", 2, HOUR, 11 * HOUR));
	/* Far forward: all is over. */
	assert_false(ask("a", 2, HOUR, 1000000 * HOUR));
}

static void
the_oldest_key_makes_room(void **state)
{
	char	key[16];
	int	i;

	(void)state;
	c.rates.max = 10;
	for (i = 0; i < 10; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		assert_false(ask(key, 1, HOUR, i));
	}
	assert_false(ask("new", 1, HOUR, 20));
	assert_int_equal(aged_count(&c.rates.keys), 10);
	assert_int_equal(c.rates.evicted, 1);
	assert_true(ask("1", 1, HOUR, 21));
	assert_false(ask("0", 1, HOUR, 21));
	/* Those whose time is over go without being counted as evicted. */
	assert_false(ask("later", 1, HOUR, 5 * HOUR));
	assert_int_equal(c.rates.evicted, 2);
	assert_true(aged_count(&c.rates.keys) < 10);
}

static void
questions_remembered_are_bounded(void **state)
{
	int	i;

	(void)state;
	for (i = 0; i < RATES_SEEN_MAX + 100; i++)
		(void)ask("a", 1000000, HOUR, i);
	assert_int_equal(c.rates.nseen, RATES_SEEN_MAX);
	assert_int_equal(c.rates.seen.n, RATES_SEEN_MAX);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest	tests[] = {
		T(the_one_too_many_is_not_counted),
		T(nothing_allowed_is_always_over),
		T(names_and_periods_are_apart_and_counts_are_not),
		T(a_question_is_counted_once),
		T(what_comes_at_once_is_all_or_none),
		T(a_dry_run_does_not_count),
		T(never_more_than_allowed_in_any_period),
		T(large_rates_reach_what_is_allowed),
		T(memory_of_a_key_is_bounded),
		T(a_clock_that_goes_back_stands_still),
		T(the_oldest_key_makes_room),
		T(questions_remembered_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
