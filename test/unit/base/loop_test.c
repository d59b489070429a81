/*
 * loop_test.c - turns, timers, hooks, watches, threads.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/pool.h"

static char	order[64];

static void
note(char c)
{
	size_t	n = strlen(order);

	if (n + 1 < sizeof(order))
		order[n] = c;
}

static void
note_arg(void *arg)
{
	note(*(const char *)arg);
}

static int
fresh(void **state)
{
	(void)state;
	memset(order, 0, sizeof(order));
	loop_init();
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	loop_clear();
	return 0;
}

static void
a_loop_with_nothing_to_wait_for_ends(void **state)
{
	(void)state;
	loop_run();
	assert_string_equal(order, "");
}

static void
timers_run_in_time_order(void **state)
{
	struct timer	a = { 0 }, b = { 0 }, c = { 0 };
	int64_t		began = clock_boot_ms();

	(void)state;
	timer_set(&a, 30, note_arg, "a");
	timer_set(&b, 10, note_arg, "b");
	timer_set(&c, 20, note_arg, "c");
	assert_true(timer_pending(&c));
	timer_stop(&c);
	assert_false(timer_pending(&c));
	loop_run();
	assert_string_equal(order, "ba");
	/* the kernel's coarse clock has steps of up to 10 ms */
	assert_true(clock_boot_ms() - began >= 20);
	timer_clear(&a);
	timer_clear(&b);
	timer_clear(&c);
}

static struct timer	moved;

static void
set_again(void *arg)
{
	note('1');
	timer_set(&moved, 5, note_arg, arg);
}

static void
a_timer_may_be_set_anew(void **state)
{
	(void)state;
	timer_set(&moved, 5000, note_arg, "x");
	timer_set(&moved, 1, set_again, "2");
	loop_run();
	assert_string_equal(order, "12");
	timer_clear(&moved);
}

static void
soon_twice(void *arg)
{
	note('s');
	loop_soon(note_arg, arg);
}

static void
soon_runs_before_what_waits(void **state)
{
	struct timer	t = { 0 };

	(void)state;
	timer_set(&t, 20, note_arg, "t");
	loop_soon(soon_twice, "z");
	loop_soon(note_arg, "y");
	loop_run();
	assert_string_equal(order, "syzt");
	timer_clear(&t);
}

static void
hooks_run_at_each_turns_end_closers_last(void **state)
{
	static struct turn_hook	close_hook, a, b;

	(void)state;
	loop_at_turn_close(&close_hook, note_arg, "|");
	loop_at_turn_end(&a, note_arg, "a");
	loop_at_turn_end(&b, note_arg, "b");
	loop_soon(note_arg, "1");
	loop_run();
	/* before the first turn, the turn of 1, the turn that finds nothing */
	assert_string_equal(order, "ab|1ab|ab|");
}

static struct watch	w_read, w_write;
static int		pipes[2];

static void
on_readable(void *arg, int what)
{
	char	octet;

	assert_ptr_equal(arg, &w_read);
	assert_int_equal(what, LOOP_READ);
	assert_int_equal(read(pipes[0], &octet, 1), 1);
	note(octet);
	watch_clear(&w_read);		/* in its own callback */
}

static void
on_writable(void *arg, int what)
{
	(void)arg;
	assert_int_equal(what, LOOP_WRITE);
	assert_int_equal(write(pipes[1], "p", 1), 1);
	watch_set(&w_write, pipes[1], 0, on_writable, NULL);
}

static void
watches_tell_what_is_ready(void **state)
{
	(void)state;
	assert_int_equal(pipe(pipes), 0);
	watch_set(&w_read, pipes[0], LOOP_READ, on_readable, &w_read);
	watch_set(&w_write, pipes[1], LOOP_WRITE, on_writable, NULL);
	loop_run();
	assert_string_equal(order, "p");
	watch_clear(&w_write);
	close(pipes[0]);
	close(pipes[1]);
}

static void
stop(void *arg)
{
	note_arg(arg);
	loop_stop();
}

static void
raise_it(void *arg)
{
	(void)arg;
	assert_int_equal(raise(SIGUSR1), 0);
}

static void
signals_are_callbacks(void **state)
{
	(void)state;
	loop_signal(SIGUSR1, stop, "u");
	loop_soon(raise_it, NULL);
	loop_run();
	assert_string_equal(order, "u");
}

static void
slow(void *arg)
{
	int64_t	until = clock_boot_us() + 3000;

	(void)arg;
	while (clock_boot_us() < until)
		continue;
}

static void
the_lag_of_a_turn_is_counted(void **state)
{
	uint64_t	before[LOOP_LAG_BUCKETS], more = 0;
	int		i;

	(void)state;
	memcpy(before, loop_lag(), sizeof(before));
	loop_soon(slow, NULL);
	loop_run();
	for (i = 11; i < LOOP_LAG_BUCKETS; i++)	/* 2048 us and more */
		more += loop_lag()[i] - before[i];
	assert_true(more == 1);
}

#ifdef WAYBILL_TEST_HOOKS
static void
very_slow(void *arg)
{
	int64_t	until = clock_boot_us() + 21000;

	(void)arg;
	while (clock_boot_us() < until)
		continue;
	loop_stop();
}

/* What the log of that level has of a callback that takes very long. */
static bool
names_slow(enum log_level least)
{
	struct timer	t = { 0 };
	char		text[1000] = "";
	int		fd = memfd_create("log", MFD_CLOEXEC);

	log_open("loop_test", fd, least);
	timer_set(&t, 0, very_slow, NULL);
	loop_run();
	timer_clear(&t);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) >= 0);
	log_open("loop_test", STDERR_FILENO, LOG_L_INFO);
	close(fd);
	return strstr(text, "slow callback=very_slow ") != NULL;
}

static void
a_slow_callback_is_named_to_servers_only(void **state)
{
	(void)state;
	assert_true(names_slow(LOG_L_INFO));
	assert_false(names_slow(LOG_L_WARN));
}
#endif

/* --- pool */

#define JOBS	500

struct job {
	unsigned	n;
	pthread_t	on;
	bool		worked;
};

static unsigned	left;

static void
work(void *arg)
{
	struct job	*j = arg;

	j->on = pthread_self();
	j->worked = true;
}

static void
done(void *arg)
{
	struct job	*j = arg;

	assert_true(j->worked);
	assert_false(pthread_equal(j->on, pthread_self()));
	if (--left == 0)
		loop_stop();
}

static void
each_job_is_worked_and_done_once(void **state)
{
	static struct job	 jobs[JOBS];
	struct pool		*p = pool_new(3);
	unsigned		 i;

	(void)state;
	left = JOBS;
	for (i = 0; i < JOBS; i++)
		pool_run(p, work, done, &jobs[i]);
	loop_run();
	assert_int_equal(left, 0);
	pool_free(&p);
	assert_null(p);
}

static void
count(void *arg)
{
	(*(unsigned *)arg)++;
}

static void
freeing_waits_for_what_runs(void **state)
{
	struct pool	*p = pool_new(1);
	unsigned	 counted = 0;

	(void)state;
	pool_run(p, count, count, &counted);
	pool_free(&p);
	assert_true(counted <= 1);	/* worked or not begun; never done */
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, fresh, clear)
	const struct CMUnitTest	tests[] = {
		T(a_loop_with_nothing_to_wait_for_ends),
		T(timers_run_in_time_order),
		T(a_timer_may_be_set_anew),
		T(soon_runs_before_what_waits),
		T(watches_tell_what_is_ready),
		T(the_lag_of_a_turn_is_counted),
#ifdef WAYBILL_TEST_HOOKS
		T(a_slow_callback_is_named_to_servers_only),
#endif
		T(signals_are_callbacks),
		T(each_job_is_worked_and_done_once),
		T(freeing_waits_for_what_runs),
		/* hooks are never removed: last */
		T(hooks_run_at_each_turns_end_closers_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
