/*
 * deliver_test.c - the process, spoken to as the queue does: each request is
 * answered once, and it ends when its peers have gone.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fileio.h"
#include "base/loop.h"
#include "mta/msg/deliver.h"
#include "mta/msg/msg.h"

#define PROGRAM		"./waybill-deliver"
#define PATIENCE_MS	20000

static char	top[] = "/tmp/waybill-deliver-XXXXXX";

/* What the process has answered, and how it ended. */
static struct {
	pid_t		 pid;
	int		 spawner;
	struct chan	*queue;
	struct buf	 answers;	/* "NAME job text\n" */
	unsigned	 n, wanted;
	bool		 closed, late;
	struct timer	 patience;
} t;

static void
on_late(void *arg)
{
	(void)arg;
	t.late = true;
	loop_stop();
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	uint64_t	 job = msg_u64(m);
	struct span	 text = SPAN_NONE, status = SPAN_NONE;
	unsigned	 code = 0;

	(void)c;
	(void)arg;
	if (m->type == MSG_PREPARED)
		text = msg_bytes(m, 4096);
	if (m->type == MSG_DELIVER_FAILED) {
		code = msg_u16(m);
		status = msg_bytes(m, 16);
		text = msg_bytes(m, 4096);
	}
	assert_true(msg_end(m));
	buf_addf(&t.answers, "%s %u", msg_name(m->type), (unsigned)job);
	if (code != 0)
		buf_addf(&t.answers, " %u %.*s", code, SPAN_ARG(status));
	else
		buf_addf(&t.answers, " %.*s", SPAN_ARG(text));
	buf_add_char(&t.answers, '\n');
	if (++t.n == t.wanted)
		loop_stop();
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	t.queue = NULL;
	t.closed = true;
	loop_stop();
}

/* 3 and 4 are where the program looks for its channels. */
static void
exec_program(int spawner, int queue)
{
	int	 a = fcntl(spawner, F_DUPFD, 10);
	int	 b = fcntl(queue, F_DUPFD, 10);

	dup2(a, 3);
	dup2(b, 4);
	execl(PROGRAM, PROGRAM, "--log-level", "error", (char *)NULL);
	_exit(127);
}

static int
start(void **state)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	int				 s[2], q[2];

	(void)state;
	chan_pair(s);
	chan_pair(q);
	memset(&t, 0, sizeof(t));
	if ((t.pid = fork()) == 0)
		exec_program(s[1], q[1]);
	close(s[1]);
	close(q[1]);
	t.spawner = s[0];
	t.queue = chan_new(q[0], "deliver", &ops, NULL);
	return t.pid == -1 ? -1 : 0;
}

/* The status with which the process ended. */
static int
wait_for_end(void)
{
	int	 status = -1;

	if (t.pid > 0)
		waitpid(t.pid, &status, 0);
	t.pid = 0;
	return status;
}

static int
stop(void **state)
{
	(void)state;
	chan_free(&t.queue);
	if (t.spawner != -1)
		close(t.spawner);
	wait_for_end();
	buf_clear(&t.answers);
	timer_clear(&t.patience);
	return 0;
}

static void
run_until(unsigned answers)
{
	t.wanted = answers;
	t.late = false;
	timer_set(&t.patience, PATIENCE_MS, on_late, NULL);
	if (t.n < answers || answers == 0)
		loop_run();
	assert_false(t.late);
}

static const char *
box(const char *name)
{
	static char	 path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static void
deliver(unsigned job, const char *maildir, const char *name,
    const char *content, int fd)
{
	chan_begin(t.queue, MSG_DELIVER);
	chan_u8(t.queue, DELIVER_MAILDIR);
	chan_u64(t.queue, job);
	chan_str(t.queue, maildir);
	chan_str(t.queue, "");
	chan_str(t.queue, name);
	chan_str(t.queue, "");
	chan_str(t.queue, "ann@example.org");
	chan_u64(t.queue, 1000);
	chan_str(t.queue, "Return-Path: <>\r\n");
	chan_u8(t.queue, 0);
	chan_u8(t.queue, fd != -1);
	chan_str(t.queue, content);
	if (fd != -1)
		chan_fd(t.queue, fd);
	chan_end(t.queue);
}

static void
commit(unsigned job, const char *maildir, const char *name)
{
	chan_begin(t.queue, MSG_COMMIT);
	chan_u8(t.queue, DELIVER_MAILDIR);
	chan_u64(t.queue, job);
	chan_str(t.queue, maildir);
	chan_str(t.queue, "");
	chan_str(t.queue, name);
	chan_end(t.queue);
}

static int
count(const char *maildir, const char *sub)
{
	char		 path[512];
	DIR		*d;
	struct dirent	*e;
	int		 n = 0;

	snprintf(path, sizeof(path), "%s/%s", box(maildir), sub);
	if ((d = opendir(path)) == NULL)
		return -1;
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
a_message_goes_through_both_steps(void **state)
{
	(void)state;
	deliver(7, box("ann"), "q1", "x\r\n", -1);
	run_until(1);
	assert_string_equal(buf_cstr(&t.answers),
	    "PREPARED 7 q1,S=18,W=20\n");
	assert_int_equal(count("ann", "new"), 0);
	commit(8, box("ann"), "q1,S=18,W=20");
	commit(9, box("ann"), "q1,S=18,W=20");
	run_until(3);
	assert_int_equal(count("ann", "new"), 1);
	assert_int_equal(count("ann", "tmp"), 0);
	assert_non_null(strstr(buf_cstr(&t.answers), "DELIVERED 8 \n"));
	assert_non_null(strstr(buf_cstr(&t.answers), "DELIVERED 9 \n"));
}

static void
a_content_comes_by_descriptor(void **state)
{
	int	 fd = memfd_create("content", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(file_write_all(fd, "large\r\n", 7), 0);
	deliver(1, box("fd"), "q", "", fd);
	run_until(1);
	assert_string_equal(buf_cstr(&t.answers),
	    "PREPARED 1 q,S=22,W=24\n");
}

static void
a_failure_says_whether_to_try_again(void **state)
{
	(void)state;
	deliver(1, "relative", "q", "x\r\n", -1);
	run_until(1);
	assert_string_equal(buf_cstr(&t.answers),
	    "DELIVER_FAILED 1 554 5.3.5\n");
	commit(2, box("nobody"), "q");
	run_until(2);
	assert_non_null(strstr(buf_cstr(&t.answers),
	    "DELIVER_FAILED 2 451 4.3.0\n"));
}

/* Of two Maildirs, and one that fails among each turn's. */
static void
commit_many(unsigned n)
{
	char		 name[32], line[64];
	unsigned	 i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "m%u,S=18,W=20", i);
		commit(1000 + i, box(i % 2 ? "one" : "two"),
		    i % 8 == 5 ? "../m" : name);
	}
	run_until(2 * n);
	for (i = 0; i < n; i++) {
		snprintf(line, sizeof(line), i % 8 == 5 ?
		    "DELIVER_FAILED %u 554 5.3.5\n" : "DELIVERED %u \n",
		    1000 + i);
		assert_non_null(strstr(buf_cstr(&t.answers), line));
	}
	assert_int_equal(count("one", "new") + count("two", "new"), n - n / 8);
	assert_int_equal(count("one", "tmp") + count("two", "tmp"), n / 8);
}

static void
many_jobs_are_each_answered_once(void **state)
{
	char		 name[32], line[64];
	unsigned	 i;

	(void)state;
	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		deliver(i, box(i % 2 ? "one" : "two"), name, "x\r\n", -1);
	}
	run_until(64);
	assert_int_equal(t.n, 64);
	assert_int_equal(count("one", "tmp"), 32);
	assert_int_equal(count("two", "tmp"), 32);
	for (i = 0; i < 64; i++) {
		snprintf(line, sizeof(line), "PREPARED %u m%u,", i, i);
		assert_non_null(strstr(buf_cstr(&t.answers), line));
	}
	commit_many(64);
}

static void
nonsense_ends_it(void **state)
{
	(void)state;
	chan_begin(t.queue, MSG_COMMIT);
	chan_u64(t.queue, 1);
	chan_end(t.queue);
	run_until(0);
	assert_true(t.closed);
	assert_int_equal(wait_for_end(), 0);
}

static void
it_ends_with_the_queue(void **state)
{
	(void)state;
	deliver(1, box("late"), "q", "x\r\n", -1);
	run_until(1);
	chan_free(&t.queue);
	assert_int_equal(wait_for_end(), 0);
}

static void
it_ends_with_the_spawner(void **state)
{
	(void)state;
	close(t.spawner);
	t.spawner = -1;
	run_until(0);
	assert_true(t.closed);
	assert_int_equal(wait_for_end(), 0);
}

static int
make_top(void **state)
{
	(void)state;
	loop_init();
	return mkdtemp(top) == NULL ? -1 : 0;
}

static int
remove_top(void **state)
{
	char	 command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

#define WITH_PROCESS(f)	cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROCESS(a_message_goes_through_both_steps),
		WITH_PROCESS(a_content_comes_by_descriptor),
		WITH_PROCESS(a_failure_says_whether_to_try_again),
		WITH_PROCESS(many_jobs_are_each_answered_once),
		WITH_PROCESS(nonsense_ends_it),
		WITH_PROCESS(it_ends_with_the_queue),
		WITH_PROCESS(it_ends_with_the_spawner),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
