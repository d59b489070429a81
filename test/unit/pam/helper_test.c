/*
 * helper_test.c - who executes waybill-pam: its exit status is the answer, and
 * one that does not end is ended.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/pam/helper.h"

static char	 folder[] = "/tmp/waybill-helper-XXXXXX";
static char	*program;
static int	 got;		/* -1: nothing yet */
static unsigned	 times;

/* What stands for waybill-pam: it is given "ann NUL word NUL". */
static const struct {
	const char		*name, *script;
	enum auth_result	 want;
} rows[] = {
	{ "right", "exit 0", AUTH_RIGHT },
	{ "wrong", "exit 1", AUTH_WRONG },
	{ "cannot", "exit 2", AUTH_CANNOT },
	{ "another status", "exit 7", AUTH_CANNOT },
	{ "killed", "kill -9 $$", AUTH_CANNOT },
	{ "the pipe is its input", "test \"$(tr '\\0' ' ')\" = 'ann word '", AUTH_RIGHT },
	{ "and nothing else is open", "test ! -e /proc/$$/fd/20", AUTH_RIGHT },
	{ "one that does not end", "exec sleep 60", AUTH_CANNOT },
};

static void
on_answer(void *arg, enum auth_result r)
{
	(void)arg;
	got = (int)r;
	times++;
	loop_stop();
}

static void
write_program(const char *script)
{
	char	*text = xasprintf("#!/bin/sh\n%s\n", script);
	int	 fd = open(program, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	assert_int_not_equal(fd, -1);
	assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
	close(fd);
	free(text);
}

static void
start(int64_t timeout_ms)
{
	const struct helper_how	 how = { folder, timeout_ms };
	int			 ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(file_write_all(ends[1], "ann\0word", 9), 0);
	close(ends[1]);
	assert_int_equal(dup2(STDIN_FILENO, 20), 20);
	got = -1;
	helper_start(&how, ends[0], on_answer, NULL);
	close(20);
}

static void
its_status_is_the_answer(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_program(rows[i].script);
		times = 0;
		start(i + 1 < sizeof(rows) / sizeof(rows[0]) ? 30000 : 100);
		while (got == -1)
			loop_run();
		if (got != (int)rows[i].want || times != 1)
			fail_msg("%s: %d", rows[i].name, got);
	}
}

static void
one_that_is_not_there(void **state)
{
	(void)state;
	(void)unlink(program);
	start(30000);
	while (got == -1)
		loop_run();
	assert_int_equal(got, AUTH_CANNOT);
}

static void
too_many_at_a_time(void **state)
{
	int	 i;

	(void)state;
	write_program("exec sleep 60");
	times = 0;
	for (i = 0; i < HELPERS_MAX; i++)
		start(30000);
	assert_int_equal(times, 0);
	start(30000);
	assert_int_equal(got, AUTH_CANNOT);
	helpers_clear();
	assert_int_equal(times, 1);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	program = xasprintf("%s/waybill-pam", folder);
	loop_init();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(program);
	(void)rmdir(folder);
	free(program);
	loop_clear();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(its_status_is_the_answer),
		cmocka_unit_test(one_that_is_not_there),
		cmocka_unit_test(too_many_at_a_time),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
