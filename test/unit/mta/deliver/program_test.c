/*
 * program_test.c - what the end of a program means, and forward files that are
 * what they should not be.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "mta/deliver/forward.h"
#include "mta/deliver/program.h"

static void
ends_are_replies(void **state)
{
	static const struct {
		struct program_end	 end;
		const char		*output;
		unsigned		 code;
		const char		*status, *text;
	} rows[] = {
		{ { PROGRAM_EXITED, 0 }, "", 250, "2.0.0", "delivered" },
		{ { PROGRAM_EXITED, 67 }, "", 554, "5.1.1",
		    "no such user (exit code 67)" },
		{ { PROGRAM_EXITED, 75 }, "busy\nmore", 451, "4.3.0", "busy" },
		{ { PROGRAM_EXITED, 77 }, "5.7.9 no", 554, "5.7.9", ": no" },
		{ { PROGRAM_EXITED, 77 }, "4.7.9 no", 554, "5.7.1", "4.7.9" },
		{ { PROGRAM_EXITED, 1 }, "\n\nx\033y", 554, "5.3.0", "x?y" },
		{ { PROGRAM_EXITED, 127 }, "", 451, "4.3.5", "not found" },
		{ { PROGRAM_KILLED, SIGSEGV }, "", 451, "4.3.0", "signal" },
		{ { PROGRAM_LATE, 5 }, "", 451, "4.3.0", "5 seconds" },
		{ { PROGRAM_NOT_RUN, ENOENT }, "", 451, "4.3.5", "No such" },
		{ { PROGRAM_NOT_RUN, ENOMEM }, "", 451, "4.3.0", "run" },
	};
	struct program_reply	 r;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		program_status(&rows[i].end, span_of(rows[i].output), &r);
		assert_int_equal(r.code, rows[i].code);
		assert_string_equal(r.status, rows[i].status);
		assert_non_null(strstr(r.text, rows[i].text));
	}
}

static void
it_reads_and_writes(void **state)
{
	char			 cat[] = "/bin/cat";
	char			*argv[] = { cat, NULL }, *env[] = { NULL };
	struct program		 p = { .argv = argv, .envp = env,
	    .folder = "/", .time_s = 20, .output_max = 12,
	    .head = SPAN("A: b\r\n"), .content = SPAN("\r\nx\r\ny\r") };
	struct program_end	 e;
	struct buf		 out = { 0 };

	(void)state;
	e = program_run(&p, &out);
	assert_int_equal(e.how, PROGRAM_EXITED);
	assert_int_equal(e.number, 0);
	assert_string_equal(buf_cstr(&out), "A: b\n\nx\ny\r");
	buf_clear(&out);
}

/* One that stays behind and writes for ever holds nobody up. */
static void
what_it_leaves_behind_may_flood(void **state)
{
	char			 sh[] = "/bin/sh", c[] = "-c";
	char			 flood[] = "trap '' PIPE; for i in 1 2 3 4; do "
	    "(exec timeout 20 yes) & done; exit 3";
	char			*argv[] = { sh, c, flood, NULL };
	char			 where[] = "PATH=/usr/bin:/bin";
	char			*env[] = { where, NULL };
	struct program		 p = { .argv = argv, .envp = env,
	    .folder = "/", .time_s = 20, .output_max = 100 };
	struct program_end	 e;
	struct buf		 out = { 0 };

	(void)state;
	(void)alarm(15);
	e = program_run(&p, &out);
	(void)alarm(0);
	assert_int_equal(e.how, PROGRAM_EXITED);
	assert_int_equal(e.number, 3);
	assert_true(out.n <= 100);
	buf_clear(&out);
}

/* --- forward files */

static char	top[] = "/var/tmp/waybill-forward-XXXXXX", path[200];

static void
put(const char *text, mode_t mode)
{
	int	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static enum forward_result
read_it(void)
{
	struct buf		 text = { 0 };
	const char		*why = NULL;
	enum forward_result	 is = forward_read(path, &text, &why);

	assert_non_null(why);
	buf_clear(&text);
	return is;
}

static void
hostile_files_are_not_used(void **state)
{
	char	other[250];

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/.forward", top);
	snprintf(other, sizeof(other), "%s/other", top);
	assert_int_equal(read_it(), FORWARD_NONE);
	put("ann\n", 0644);
	assert_int_equal(read_it(), FORWARD_FOUND);
	put("ann\n", 0664);
	assert_int_equal(read_it(), FORWARD_UNSAFE);
	put("", 0644);
	assert_int_equal(read_it(), FORWARD_NONE);
	put("ann\n", 0644);
	assert_int_equal(link(path, other), 0);
	assert_int_equal(read_it(), FORWARD_UNSAFE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(read_it(), FORWARD_UNSAFE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(read_it(), FORWARD_UNSAFE);
	assert_int_equal(unlink(path), 0);
	put("ann\n", 0644);
	assert_int_equal(truncate(path, FORWARD_MAX + 1), 0);
	assert_int_equal(read_it(), FORWARD_UNSAFE);
	put("ann\n", 0644);
	assert_int_equal(chmod(top, 0777), 0);
	assert_int_equal(read_it(), FORWARD_UNSAFE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(rmdir(top), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(ends_are_replies),
		cmocka_unit_test(it_reads_and_writes),
		cmocka_unit_test(what_it_leaves_behind_may_flood),
		cmocka_unit_test(hostile_files_are_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
