/*
 * store_test.c - counters through files: whole, torn, damaged, with another clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mta/counters/store.h"

#define MINUTE	INT64_C(60000)
#define HOUR	(60 * MINUTE)
#define DAY	(24 * HOUR)
#define WALL	INT64_C(1795000000000)	/* in November 2026 */

static struct counters	 a, b;
static struct buf	 snapshot, journal;
static uint64_t		 tx;

static int
setup(void **state)
{
	(void)state;
	counters_init(&a);
	counters_init(&b);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	counters_clear(&a);
	counters_clear(&b);
	buf_clear(&snapshot);
	buf_clear(&journal);
	return 0;
}

/* One block for each change, as when each is written in a turn of its own. */
static void
note(const struct counters_change *change)
{
	size_t	at;

	if (change->what == CHANGED_NOTHING)
		return;
	at = store_begin(&journal);
	store_put_change(&journal, change, WALL);
	store_end(&journal, at);
}

static bool
rate_of(struct counters *c, const char *key, uint32_t n, uint32_t count,
    int64_t now)
{
	struct rate_ask		q = { .name = SPAN("r"), .key = span_of(key),
	    .count = count, .more = n - 1, .period_ms = HOUR, .tx = ++tx };
	struct counters_change	change;
	bool			over = counters_rate(c, &q, now, &change);

	if (c == &a)
		note(&change);
	return over;
}

static bool
rate(struct counters *c, const char *key, uint32_t count, int64_t now)
{
	return rate_of(c, key, 1, count, now);
}

static bool
grey(struct counters *c, const char *key, int64_t now)
{
	struct counters_change	change;
	bool			holds = counters_greylisted(c, span_of(key),
	    5 * MINUTE, false, now, &change);

	if (c == &a)
		note(&change);
	return holds;
}

static void
take_snapshot(int64_t now)
{
	const struct rate	*r;
	const struct grey	*g;
	uint64_t		 seen;
	size_t			 at, i;

	buf_reset(&snapshot);
	at = store_begin(&snapshot);
	store_put_head(&snapshot, 7, a.seq, now + WALL);
	store_end(&snapshot, at);
	at = store_begin(&snapshot);
	aged_walk(&a.rates.keys);
	while ((r = rates_next(&a.rates, now)) != NULL && store_room(&snapshot, at))
		store_put_rate(&snapshot, r, WALL);
	greylist_walk(&a.greylist);
	while ((g = greylist_next(&a.greylist, now)) != NULL)
		store_put_grey(&snapshot, g, WALL);
	for (i = 0; rates_seen(&a.rates, i, &seen); i++)
		store_put_seen(&snapshot, seen);
	store_end(&snapshot, at);
}

static struct store_report
load(const struct buf *file, int64_t now, int64_t wall)
{
	struct store_report	report;

	store_read(&b, buf_span(file), now, wall, &report);
	return report;
}

static void
what_was_counted_is_there_again(void **state)
{
	struct store_report	report;
	int			i;

	(void)state;
	assert_true(grey(&a, "g", 0));
	for (i = 0; i < 3; i++)
		assert_false(rate(&a, "k", 3, i * 1000));
	for (i = 0; i < 150; i++)
		assert_false(rate(&a, "large", 200, 3000 + i * 1000));
	take_snapshot(4 * MINUTE);
	report = load(&snapshot, 4 * MINUTE, WALL);
	assert_int_equal(report.damaged, 0);
	assert_int_equal(report.generation, 7);
	assert_int_equal(b.seq, a.seq);
	assert_true(rate(&b, "k", 3, 4 * MINUTE));
	assert_true(rate(&b, "large", 150, 4 * MINUTE));
	assert_false(rate(&b, "large", 151, 4 * MINUTE));
	assert_true(grey(&b, "g", 4 * MINUTE));
	assert_false(grey(&b, "g", 5 * MINUTE));
	assert_false(rate(&b, "k", 3, HOUR));
}

/* After a restart of the machine boot time begins anew. */
static void
another_clock(void **state)
{
	(void)state;
	assert_false(rate(&a, "k", 1, 10 * HOUR));
	assert_true(grey(&a, "g", 10 * HOUR));
	take_snapshot(10 * HOUR);
	/* Three minutes later by the wall, one minute after the boot. */
	(void)load(&snapshot, MINUTE, WALL + 10 * HOUR + 2 * MINUTE);
	assert_true(rate(&b, "k", 1, MINUTE));
	assert_true(grey(&b, "g", 2 * MINUTE));
	assert_false(grey(&b, "g", 3 * MINUTE));
	assert_true(rate(&b, "k", 1, 57 * MINUTE));
	assert_false(rate(&b, "k", 1, 58 * MINUTE));
}

static void
times_in_the_future_become_now(void **state)
{
	(void)state;
	assert_false(rate(&a, "k", 1, 10 * HOUR));
	assert_true(grey(&a, "g", 10 * HOUR));
	take_snapshot(10 * HOUR);
	(void)load(&snapshot, 0, WALL);		/* the clock was set back */
	assert_true(rate(&b, "k", 1, 0));
	assert_true(rate(&b, "k", 1, HOUR - 1));
	assert_false(rate(&b, "k", 1, HOUR));
	assert_false(grey(&b, "g", 5 * MINUTE));
}

static void
a_clock_far_ahead_forgets_all(void **state)
{
	(void)state;
	assert_false(rate(&a, "k", 1, 0));
	assert_true(grey(&a, "g", 0));
	take_snapshot(0);
	(void)load(&snapshot, 40 * DAY, WALL);
	assert_int_equal(aged_count(&b.rates.keys), 0);
	assert_int_equal(greylist_count(&b.greylist), 0);
}

/* A log on top of a snapshot that has the same events already. */
static void
a_log_is_not_counted_twice(void **state)
{
	int	i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_false(rate(&a, "k", 10, i));
	assert_true(grey(&a, "g", 0));
	take_snapshot(5);
	for (i = 5; i < 8; i++)
		assert_false(rate(&a, "k", 10, i));
	assert_false(rate_of(&a, "octets", 70, 100, 8));
	(void)load(&snapshot, 10, WALL);
	(void)load(&journal, 10, WALL);
	(void)load(&journal, 10, WALL);
	assert_true(rate(&b, "k", 8, 10));
	assert_false(rate(&b, "k", 9, 10));
	assert_true(rate_of(&b, "octets", 31, 100, 10));
	assert_false(rate_of(&b, "octets", 30, 100, 10));
}

static void
an_older_log_does_not_bring_back_what_was(void **state)
{
	(void)state;
	assert_true(grey(&a, "g", 0));
	assert_false(grey(&a, "g", HOUR));
	take_snapshot(HOUR);
	(void)load(&snapshot, HOUR, WALL);
	(void)load(&journal, HOUR, WALL);
	assert_int_equal(aged_count(&b.greylist.passed), 1);
}

static void
a_question_is_remembered(void **state)
{
	struct rate_ask		q = { .name = SPAN("r"), .key = SPAN("k"),
	    .count = 1, .period_ms = HOUR, .tx = 99, .step = 3 };
	struct counters_change	change;
	const struct buf	*files[] = { &snapshot, &journal };
	size_t			i;

	(void)state;
	assert_false(counters_rate(&a, &q, 0, &change));
	note(&change);
	take_snapshot(0);
	for (i = 0; i < 2; i++) {
		(void)load(files[i], 0, WALL);
		assert_false(counters_rate(&b, &q, 1, NULL));
		q.step++;
		assert_true(counters_rate(&b, &q, 1, NULL));
		q.step--;
		counters_clear(&b);
	}
}

static void
fill_journal(unsigned n)
{
	char		key[16];
	unsigned	i;

	for (i = 0; i < n; i++) {
		(void)snprintf(key, sizeof(key), "%u", i);
		assert_true(grey(&a, key, i));
	}
}

static void
a_torn_log_costs_its_end(void **state)
{
	struct store_report	report;
	size_t			n;

	(void)state;
	fill_journal(10);
	for (n = journal.n; n > 0; n--) {
		counters_clear(&b);
		buf_cut(&journal, n);
		report = load(&journal, MINUTE, WALL);
		assert_int_equal(greylist_count(&b.greylist),
		    n / (16 + 42));
		assert_int_equal(report.damaged, n % (16 + 42));
	}
}

/* Each octet in turn: what is lost is its own block, and nothing breaks. */
static void
a_damaged_octet_costs_its_block(void **state)
{
	struct store_report	report;
	size_t			i;
	char			*p;

	(void)state;
	fill_journal(5);
	for (i = 0; i < journal.n; i++) {
		counters_clear(&b);
		p = journal.base + journal.off + i;
		*p ^= 0x55;
		report = load(&journal, MINUTE, WALL);
		*p ^= 0x55;
		assert_int_equal(greylist_count(&b.greylist), 4);
		assert_true(report.damaged >= 42);
	}
}

static void
nonsense_is_no_file(void **state)
{
	struct store_report	report;
	struct buf		noise = { 0 };
	int			i;

	(void)state;
	srand(1);
	for (i = 0; i < 100000; i++)
		buf_add_char(&noise, (char)rand());
	report = load(&noise, 0, WALL);
	assert_int_equal(report.damaged, 100000);
	assert_int_equal(report.records, 0);
	buf_reset(&noise);
	report = load(&noise, 0, WALL);
	assert_int_equal(report.damaged, 0);
	buf_clear(&noise);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest	tests[] = {
		T(what_was_counted_is_there_again),
		T(another_clock),
		T(times_in_the_future_become_now),
		T(a_clock_far_ahead_forgets_all),
		T(a_log_is_not_counted_twice),
		T(an_older_log_does_not_bring_back_what_was),
		T(a_question_is_remembered),
		T(a_torn_log_costs_its_end),
		T(a_damaged_octet_costs_its_block),
		T(nonsense_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
