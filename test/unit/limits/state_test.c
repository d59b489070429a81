/*
 * state_test.c - counters over restarts: files whole, torn, damaged, not writable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/loop.h"
#include "mta/limits/state_int.h"
#include "test/unit/limits/folder.h"

#define HOUR	INT64_C(3600000)

static uint64_t	tx;

static bool
rate(struct state *s, const char *key, uint32_t count)
{
	struct rate_ask	q = { .name = SPAN("r"), .key = span_of(key),
	    .count = count, .period_ms = HOUR, .tx = ++tx };

	return state_rate(s, &q);
}

/* The total of all keys, by their logs. */
static uint64_t
total(struct state *s)
{
	const struct rate	*r;
	uint64_t		 n = 0;

	aged_walk(&s->counters.rates.keys);
	while ((r = rates_next(&s->counters.rates, s->counters.now_ms)) != NULL)
		n += r->total;
	return n;
}

static void
is_there_after_a_restart(void **state)
{
	struct state	*s = folder_state();
	int		 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_false(rate(s, "k", 3 + (uint32_t)i));
		assert_true(state_greylisted(s, SPAN("g"), HOUR, false));
		state_close(&s);
		s = folder_state();
	}
	assert_true(rate(s, "k", 3));
	assert_false(state_greylisted(s, SPAN("g"), 0, false));
	assert_int_equal(greylist_count(&s->counters.greylist), 1);
	state_close(&s);
}

static void
a_snapshot_takes_the_place_of_the_logs(void **state)
{
	struct state	*s = folder_state();

	(void)state;
	folder_wait("state", true);
	folder_turns(20);
	assert_int_equal(folder_logs(), 1);
	assert_int_equal(s->snapshots, 1);
	state_close(&s);
	s = folder_state();
	folder_wait("log.1", false);
	folder_turns(20);
	assert_int_equal(folder_logs(), 1);
	state_close(&s);
}

/* What was counted while the slices were taken is in the log, and counted once. */
static void
counting_goes_on_during_a_snapshot(void **state)
{
	struct state	*s = folder_state();
	char		 key[32];
	unsigned	 i;

	(void)state;
	folder_wait("state", true);
	folder_turns(20);
	for (i = 0; i < 20000; i++) {
		(void)snprintf(key, sizeof(key), "%u", i);
		assert_true(state_greylisted(s, span_of(key), HOUR, false));
		assert_false(rate(s, key, 1000));
	}
	assert_int_equal(s->snapshot.phase, SNAPSHOT_NONE);
	snapshot_begin(s);
	for (i = 0; s->snapshot.phase != SNAPSHOT_NONE; i++) {
		(void)snprintf(key, sizeof(key), "%u", i * 37 % 20000);
		assert_false(rate(s, key, 1000));
		if (i % 100 == 0) {
			(void)snprintf(key, sizeof(key), "new %u", i);
			(void)state_greylisted(s, span_of(key), HOUR, false);
		}
		if (i % 500 == 0)
			folder_turns(1);
	}
	assert_true(i > 500);
	assert_int_equal(s->snapshots, 2);
	state_close(&s);

	s = folder_state();
	assert_int_equal(greylist_count(&s->counters.greylist),
	    20000 + (i + 99) / 100);
	assert_int_equal(total(s), 20000 + i);
	assert_int_equal(aged_count(&s->counters.rates.keys), 20000);
	state_close(&s);
}

static void
nothing_is_counted_twice_or_lost(void **state)
{
	struct state	*s = folder_state();
	char		 key[32];
	unsigned	 i, counted = 0;

	(void)state;
	for (i = 0; i < 30000; i++) {
		(void)snprintf(key, sizeof(key), "%d", rand() % 3000);
		counted += !rate(s, key, 1000);
		if (i % 3000 == 0) {
			if (s->snapshot.phase == SNAPSHOT_NONE)
				snapshot_begin(s);
			folder_turns(1);
		}
		if (i % 7000 == 6999) {
			state_close(&s);
			s = folder_state();
		}
	}
	state_close(&s);
	s = folder_state();
	assert_int_equal(total(s), counted);
	state_close(&s);
}

static void
a_large_log_brings_a_snapshot(void **state)
{
	struct state	*s = folder_state();
	char		 key[32];
	unsigned	 i;

	(void)state;
	for (i = 0; i < 30000; i++) {
		(void)snprintf(key, sizeof(key), "%u", i);
		(void)state_greylisted(s, span_of(key), HOUR, false);
	}
	for (i = 0; i < 500 && s->snapshots < 2; i++)
		folder_turns(10);
	assert_int_equal(s->snapshots, 2);
	assert_int_equal(folder_logs(), 1);
	state_close(&s);
}

static void
cut(const char *name, off_t by)
{
	struct stat	st;

	assert_int_equal(stat(folder_path(name), &st), 0);
	assert_int_equal(truncate(folder_path(name), st.st_size - by), 0);
}

static void
a_torn_log_costs_its_end(void **state)
{
	struct state	*s = folder_state();

	(void)state;
	assert_false(rate(s, "a", 1));
	state_write(s);
	assert_false(rate(s, "b", 1));
	state_close(&s);
	cut("log.1", 1);
	s = folder_state();
	assert_true(rate(s, "a", 1));
	assert_false(rate(s, "b", 1));
	state_close(&s);
}

static void
a_damaged_snapshot_costs_its_part(void **state)
{
	struct state	*s = folder_state();
	int		 fd;

	(void)state;
	assert_false(rate(s, "a", 1));
	state_close(&s);
	s = folder_state();
	folder_wait("log.1", false);
	assert_false(rate(s, "b", 1));
	state_close(&s);
	fd = open(folder_path("state"), O_WRONLY);
	assert_true(fd != -1);
	assert_int_equal(file_pwrite_all(fd, "damage", 6, 60), 0);
	close(fd);
	s = folder_state();
	assert_false(rate(s, "a", 1));
	assert_true(rate(s, "b", 1));
	state_close(&s);
}

static void
other_files_do_no_harm(void **state)
{
	struct state	*s = folder_state();
	int		 fd;

	(void)state;
	assert_false(rate(s, "a", 1));
	state_close(&s);
	assert_int_equal(mkdir(folder_path("log.7"), 0700), 0);
	assert_int_equal(symlink("/dev/zero", folder_path("log.8")), 0);
	fd = open(folder_path("log.99999999999"), O_WRONLY | O_CREAT, 0600);
	assert_true(fd != -1);
	close(fd);
	s = folder_state();
	assert_true(rate(s, "a", 1));
	folder_wait("log.99999999999", false);
	state_close(&s);
	(void)rmdir(folder_path("log.7"));
}

/* As a full disk: what cannot be written is counted all the same. */
static void
a_log_that_cannot_be_written(void **state)
{
	struct rlimit	 old, none = { 0, 0 };
	struct state	*s = folder_state();

	(void)state;
	folder_wait("state", true);
	folder_turns(20);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_false(rate(s, "a", 2));
	state_write(s);
	assert_int_equal(s->fd, -1);
	assert_int_equal(s->failed, 1);
	assert_false(rate(s, "a", 2));
	assert_true(rate(s, "a", 2));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	/* A minute later a new log and a snapshot have all again. */
	s->retry_ms = 0;
	snapshot_begin(s);
	folder_turns(50);
	assert_int_equal(s->snapshots, 2);
	state_close(&s);
	s = folder_state();
	assert_true(rate(s, "a", 2));
	state_close(&s);
}

static void
two_at_once_wait_for_each_other(void **state)
{
	struct state	*s = folder_state();
	pid_t		 pid = fork();

	(void)state;
	if (pid == 0) {		/* its lock is ours: it goes with the last */
		(void)alarm(20);
		usleep(300000);
		_exit(0);
	}
	assert_true(pid > 0);
	state_close(&s);
	s = folder_state();	/* after those 0.3 s */
	assert_false(rate(s, "a", 1));
	state_close(&s);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, folder_setup, \
    folder_teardown)
	const struct CMUnitTest	tests[] = {
		T(is_there_after_a_restart),
		T(a_snapshot_takes_the_place_of_the_logs),
		T(counting_goes_on_during_a_snapshot),
		T(nothing_is_counted_twice_or_lost),
		T(a_large_log_brings_a_snapshot),
		T(a_torn_log_costs_its_end),
		T(a_damaged_snapshot_costs_its_part),
		T(other_files_do_no_harm),
		T(a_log_that_cannot_be_written),
		T(two_at_once_wait_for_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
