/*
 * parent_test.c - the parent with processes that only write down what it says.
 *
 * As root the parent runs as nobody: the test is about processes, not users.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "mta/msg/msg.h"

#include "test/unit/parent/image.h"

#define PROCESSES	10	/* with two smtp */
#define PEERS		40	/* that they are told of, together */
#define PATIENCE_MS	20000
#define NOBODY		65534

static char		dir[64];
static unsigned		port;
static pid_t		parent;
static struct buf	events;

/* --- the stage */

static const char *
in_dir(const char *name)
{
	static char	 paths[4][200];
	static unsigned	 next;
	char		*path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void
write_file(const char *name, const void *p, size_t n, mode_t mode)
{
	int	fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(file_write_all(fd, p, n), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	if (geteuid() == 0)
		assert_int_equal(fchown(fd, NOBODY, NOBODY), 0);
	close(fd);
}

static void
copy_program(const char *from, const char *name)
{
	struct buf	b = { 0 };

	assert_int_equal(file_read(from, 256u << 20, &b), 0);
	write_file(name, b.base, b.n, 0755);
	buf_clear(&b);
}

static unsigned
free_port(void)
{
	struct sockaddr_in	in = { .sin_family = AF_INET };
	socklen_t		n = sizeof(in);
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	close(fd);
	return ntohs(in.sin_port);
}

static void
write_image(unsigned on_port)
{
	char		 address[40];
	const char	*list[] = { address };
	struct buf	 b = { 0 };

	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", on_port);
	image_build(&b, list, 1, "spool", in_dir("policy.conf"),
	    in_dir("users"));
	write_file("image", b.base, b.n, 0600);
	buf_clear(&b);
}

/* Stands for `waybill compile`: hands out the image, or what is in "bad". */
static const char	compiler[] = "#!/bin/sh\n"
    "cd \"${0%/*}\" || exit 3\n"
    "test \"$1 $3 $4 $5\" = 'compile -o - --for-run' || exit 4\n"
    "test -e bad && { cat bad >&2; exit 1; }\n"
    "cat image\n";

static int
set_stage(void **state)
{
	static const char *const	names[] = {
		"smtp", "route", "queue", "relay", "resolve", "spawner",
		"limits", "index", "pickup", "fetch"
	};
	char				link_name[40];
	size_t				i;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/parent_test.XXXXXX");
	if (mkdtemp(dir) == NULL ||
	    (geteuid() == 0 && chown(dir, NOBODY, NOBODY) == -1))
		return -1;
	copy_program("waybill-parent", "waybill-parent");
	copy_program("test/unit/parent/fake_child", "fake");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(link_name, sizeof(link_name), "waybill-%s",
		    names[i]);
		if (symlink("fake", in_dir(link_name)) == -1)
			return -1;
	}
	write_file("compile", compiler, strlen(compiler), 0755);
	write_file("policy.conf", "#\n", 2, 0644);
	write_file("users", "ann:x\n", 6, 0644);
	write_file("events", "", 0, 0644);
	write_file("log", "", 0, 0644);
	port = free_port();
	write_image(port);
	return 0;
}

static int
clear_stage(void **state)
{
	char	command[100];

	(void)state;
	if (parent > 0) {
		(void)kill(parent, SIGKILL);
		(void)waitpid(parent, NULL, 0);
		parent = 0;
	}
	buf_clear(&events);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void
exec_parent(void)
{
	char	policy[200];
	int	fd = open(in_dir("image"), O_RDONLY);
	int	out = open(in_dir("log"), O_WRONLY | O_APPEND);

	(void)snprintf(policy, sizeof(policy), "%s", in_dir("policy.conf"));
	(void)setenv("FAKE_LOG", in_dir("events"), 1);
	if (geteuid() == 0 && (setgid(NOBODY) == -1 || setuid(NOBODY) == -1))
		_exit(90);
	if (dup2(fd, 20) == -1 || dup2(out, 2) == -1)
		_exit(91);
	(void)execl(in_dir("waybill-parent"), "waybill-parent", "--image-fd",
	    "20", "--policy", policy, "--compile-command", in_dir("compile"),
	    "--libexec", dir, "--workers", "2", (char *)NULL);
	_exit(92);
}

static void
start(void)
{
	parent = fork();
	assert_int_not_equal(parent, -1);
	if (parent == 0)
		exec_parent();
}

/* --- watching it */

static void
pause_ms(long ms)
{
	struct timespec	ts = { 0, ms * 1000000 };

	(void)nanosleep(&ts, NULL);
}

static const char *
contents(const char *name)
{
	buf_reset(&events);
	assert_int_equal(file_read(in_dir(name), 1u << 20, &events), 0);
	return buf_cstr(&events);
}

static unsigned
occurrences(const char *name, const char *what)
{
	const char	*at = contents(name);
	unsigned	 n = 0;

	while ((at = strstr(at, what)) != NULL) {
		n++;
		at += strlen(what);
	}
	return n;
}

/* It has ended, and nobody has asked for its status yet. */
static bool
parent_has_gone(void)
{
	siginfo_t	si = { 0 };

	return parent > 0 && waitid(P_PID, (id_t)parent, &si,
	    WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid == parent;
}

/* Until `what` stands in the file n times. */
static void
wait_for(const char *name, const char *what, unsigned n)
{
	int64_t	until = clock_boot_ms() + PATIENCE_MS;

	while (occurrences(name, what) < n) {
		if (clock_boot_ms() > until || parent_has_gone())
			fail_msg("no %u times %s in %s:\n%.900s", n, what,
			    name, contents(name));
		pause_ms(20);
	}
}

/* The pid of the newest process of that name ("smtp[0]"). */
static pid_t
pid_of(const char *process)
{
	const char	*at = contents("events"), *last = NULL;
	char		 head[40];

	(void)snprintf(head, sizeof(head), "%s pid=", process);
	while ((at = strstr(at, head)) != NULL) {
		last = at;
		at += strlen(head);
	}
	assert_non_null(last);
	return (pid_t)strtol(last + strlen(head), NULL, 10);
}

static int
end_status(void)
{
	int64_t	until = clock_boot_ms() + PATIENCE_MS;
	int	status;

	while (waitpid(parent, &status, WNOHANG) == 0) {
		if (clock_boot_ms() > until)
			fail_msg("the parent has not ended:\n%s",
			    contents("log"));
		pause_ms(20);
	}
	parent = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
start_and_wait(void)
{
	start();
	wait_for("log", "event=ready", 1);
}

/* --- tests */

static void
each_process_gets_configuration_and_peers(void **state)
{
	(void)state;
	start_and_wait();
	wait_for("events", "gen=1 image=yes tables=0 owners=1 listeners=0",
	    7);		/* queue, relay, resolve, limits, spawner, pickup, fetch */
	wait_for("events", "gen=1 image=yes tables=1 owners=1 listeners=0",
	    1);				/* route */
	wait_for("events", "gen=1 image=yes tables=1 owners=1 listeners=1",
	    2);				/* smtp */
	wait_for("events", "peer ", PEERS);
	pause_ms(100);
	assert_int_equal(occurrences("events", "peer "), PEERS);
	assert_int_equal(occurrences("events", "peer queue[0]"), 7);
	assert_int_equal(occurrences("events", "peer resolve[0]"), 6);
	assert_int_equal(occurrences("events", "peer limits[0]"), 3);
	assert_int_equal(occurrences("events", "peer smtp[1]"), 5);
	assert_int_equal(occurrences("events", "peer pickup[0]"), 2);
	assert_int_equal(occurrences("events", "peer fetch[0]"), 3);
	assert_int_equal(occurrences("events", "peer spawner[0]"), 1);
	assert_int_equal(occurrences("events", dir), 1);	/* spool */
}

static void
who_dies_is_followed_and_connected_again(void **state)
{
	pid_t	smtp, queue;

	(void)state;
	start_and_wait();
	smtp = pid_of("smtp[1]");
	wait_for("events", "peer ", PEERS);
	assert_int_equal(kill(smtp, SIGKILL), 0);
	wait_for("events", "peer smtp[1]", 10);
	wait_for("events", "peer ", PEERS + 10);	/* all five and it */
	assert_int_not_equal(pid_of("smtp[1]"), smtp);
	wait_for("log", "process=smtp[1] pid=", 1);
	wait_for("events", "ended smtp[1] signal=9 status=0", 1);
	queue = pid_of("queue[0]");
	assert_int_equal(kill(queue, SIGKILL), 0);
	wait_for("events", "peer ", PEERS + 20);
	assert_int_not_equal(pid_of("queue[0]"), queue);
	wait_for("events", "ended queue[0] signal=9 status=0", 1);
	assert_int_equal(occurrences("log", "event=died signal=9"), 2);
}

static void
a_reload_is_a_new_generation_for_all(void **state)
{
	(void)state;
	start_and_wait();
	assert_int_equal(kill(pid_of("queue[0]"), SIGUSR1), 0);
	wait_for("events", "reloaded ticket=10 ok=1 text=", 1);
	assert_int_equal(occurrences("events", "config gen=2 "), PROCESSES);
	assert_int_equal(kill(parent, SIGHUP), 0);
	wait_for("events", "config gen=3 ", PROCESSES);
	wait_for("log", "event=reloaded", 2);
	assert_int_equal(occurrences("events", "reloaded ticket="), 1);
}

static void
a_bad_policy_changes_nothing(void **state)
{
	(void)state;
	start_and_wait();
	write_file("bad", "policy.conf:1:1: error: no", 26, 0644);
	assert_int_equal(kill(pid_of("queue[0]"), SIGUSR1), 0);
	wait_for("events",
	    "reloaded ticket=10 ok=0 text=policy.conf:1:1: error: no\n", 1);
	assert_int_equal(unlink(in_dir("bad")), 0);
	write_file("image", "nonsense", 8, 0600);
	assert_int_equal(kill(pid_of("queue[0]"), SIGUSR1), 0);
	wait_for("events", "reloaded ticket=11 ok=0 text=the compiled", 1);
	assert_int_equal(occurrences("events", "config gen=2"), 0);
	write_image(free_port());
	assert_int_equal(kill(pid_of("queue[0]"), SIGUSR1), 0);
	wait_for("events", "reloaded ticket=12 ok=1", 1);
	assert_int_equal(occurrences("events", "config gen=2 "), PROCESSES);
}

static void
a_changed_table_is_read_again(void **state)
{
	(void)state;
	start_and_wait();
	write_file("bad", "not compiled now", 16, 0644);
	write_file("users", "ann:x\nbob:y\n", 12, 0644);
	wait_for("events", "config gen=2 ", PROCESSES);
	wait_for("log", "event=table-changed text-changed=no", 1);
	/* With the text changed too. */
	write_file("policy.conf", "# new\n", 6, 0644);
	write_file("users", "ann:x\n", 6, 0644);
	wait_for("events", "config gen=3 ", PROCESSES);
	wait_for("log", "event=table-changed text-changed=yes", 1);
	assert_int_equal(occurrences("events", "index gen="), 3);
}

static void
rename_users(const char *text)
{
	write_file("users.new", text, strlen(text), 0644);
	pause_ms(20);
	assert_int_equal(rename(in_dir("users.new"), in_dir("users")), 0);
}

static void
a_renamed_table_is_taken_at_once(void **state)
{
	int64_t	began;

	(void)state;
	start_and_wait();
	began = clock_boot_ms();
	rename_users("cy:z\n");
	wait_for("events", "config gen=2 ", PROCESSES);
	assert_true(clock_boot_ms() - began < 1900);
}

/* Until the parent says so of its tables. */
static void
wait_for_tables(const char *what)
{
	int64_t		until = clock_boot_ms() + PATIENCE_MS;
	unsigned	asked = occurrences("events", " last=1 parent[0]");

	do {
		if (clock_boot_ms() > until)
			fail_msg("no %s in %s", what, contents("events"));
		assert_int_equal(kill(pid_of("queue[0]"), SIGUSR2), 0);
		wait_for("events", " last=1 parent[0]", ++asked);
	} while (occurrences("events", what) == 0);
}

static void
a_table_with_a_mistake_keeps_the_old_one(void **state)
{
	(void)state;
	start_and_wait();
	wait_for_tables("\"state\":\"good\",\"entries\":1,");
	rename_users("mistake\n");
	wait_for("log", "event=table-kept map=users", 1);
	wait_for("log", "why=\"users:1:1: so it is\"", 1);
	wait_for_tables("\"state\":\"old\"");
	rename_users("unreadable\n");
	wait_for("log", "event=table-kept map=users", 2);
	assert_int_equal(unlink(in_dir("users")), 0);
	wait_for("log", "event=table-kept map=users", 3);
	assert_int_equal(occurrences("events", "config gen=2"), 0);
	pause_ms(900);		/* it is said once */
	assert_int_equal(occurrences("log", "event=table-kept"), 3);
	write_file("users", "good\n", 5, 0644);
	wait_for("events", "config gen=2 ", PROCESSES);
	wait_for_tables("\"state\":\"good\",\"entries\":1,\"octets\":5");
}

static void
a_table_that_was_never_read_is_missing(void **state)
{
	(void)state;
	write_file("users", "unreadable", 10, 0644);
	start_and_wait();
	wait_for("log", "event=table-broken map=users", 1);
	wait_for("events", "gen=1 image=yes tables=0 owners=1", PROCESSES);
	wait_for_tables("\"state\":\"none\"");
	rename_users("good");
	wait_for("events", "config gen=2 image=yes tables=1", 3);
}

static void
who_dies_at_a_table_is_followed_and_given_up(void **state)
{
	(void)state;
	start_and_wait();
	rename_users("die");
	wait_for("log", "process=index[0] pid=", 3);
	wait_for("log", "event=table-kept map=users", 1);
	assert_int_equal(occurrences("log", "died of signal 9"), 1);
	assert_int_equal(occurrences("events", "config gen=2"), 0);
	wait_for("events", "index gen=2 text=die", 4);	/* later */
	rename_users("good");
	wait_for("events", "config gen=2 ", PROCESSES);
}

#ifdef WAYBILL_TEST_HOOKS
static void
who_hangs_at_a_table_is_ended(void **state)
{
	(void)state;
	(void)setenv("WAYBILL_TEST_INDEX_MS", "200", 1);
	write_file("users", "hang", 4, 0644);
	start_and_wait();
	(void)unsetenv("WAYBILL_TEST_INDEX_MS");
	wait_for("log", "signal=9 late=yes", 1);
	wait_for("log", "event=table-broken map=users", 1);
	rename_users("good");
	wait_for("events", "config gen=2 ", PROCESSES);
}

/* The processes are there when the first tables are; then it is done. */
static void
a_reload_before_the_start_is_not_forgotten(void **state)
{
	(void)state;
	(void)setenv("WAYBILL_TEST_INDEX_MS", "700", 1);
	write_file("users", "hang", 4, 0644);
	start();
	(void)unsetenv("WAYBILL_TEST_INDEX_MS");
	wait_for("events", "index gen=1 ", 1);
	assert_int_equal(kill(parent, SIGHUP), 0);
	wait_for("log", "event=reload-asked", 1);
	wait_for("events", "config gen=2 ", PROCESSES);
	wait_for("log", "event=ready", 1);
	assert_int_equal(occurrences("log", "event=ready"), 1);
}
#endif

static void
a_reload_reads_only_what_has_changed(void **state)
{
	(void)state;
	start_and_wait();
	assert_int_equal(kill(parent, SIGHUP), 0);
	wait_for("events", "config gen=2 image=yes tables=1", 3);
	assert_int_equal(occurrences("events", "index gen="), 1);
}

static void
status_has_a_part_of_each(void **state)
{
	(void)state;
	start_and_wait();
	assert_int_equal(kill(pid_of("relay[0]"), SIGKILL), 0);
	wait_for("events", "relay[0] pid=", 7);	/* a new one, with its peers */
	assert_int_equal(kill(pid_of("queue[0]"), SIGUSR2), 0);
	wait_for("events", "part ticket=10 last=1 parent[0]", 1);
	assert_int_equal(occurrences("events", "part ticket=10 last=0"), PROCESSES);
	assert_int_equal(occurrences("events",
	    "last=0 smtp[1] alive=1 restarts=0 answered=1 {\"fake\":1}"), 1);
	assert_int_equal(occurrences("events",
	    "last=0 relay[0] alive=1 restarts=1 answered=1"), 1);
	assert_int_equal(occurrences("events", "\"text_differs\":false"), 1);
}

static void
who_does_not_answer_is_told_as_such(void **state)
{
	pid_t	route;

	(void)state;
	start_and_wait();
	route = pid_of("route[0]");
	assert_int_equal(kill(route, SIGSTOP), 0);
	assert_int_equal(kill(pid_of("queue[0]"), SIGUSR2), 0);
	wait_for("events", "part ticket=10 last=1", 1);
	assert_int_equal(occurrences("events",
	    "last=0 route[0] alive=1 restarts=0 answered=0"), 1);
	assert_int_equal(kill(route, SIGCONT), 0);
}

#ifdef WAYBILL_TEST_HOOKS
static void
a_test_may_wrap_each_process(void **state)
{
	char	what[100];

	(void)state;
	(void)snprintf(what, sizeof(what), "/usr/bin/env  FAKE_LOG=%s",
	    in_dir("events2"));
	write_file("events2", "", 0, 0644);
	(void)setenv("WAYBILL_TEST_WRAP", what, 1);
	start_and_wait();
	(void)unsetenv("WAYBILL_TEST_WRAP");
	wait_for("events2", "config gen=1", PROCESSES);
	assert_int_equal(occurrences("events", "config"), 0);
}

/* How the tests of crashes end a process at a message: once. */
static void
a_test_may_kill_a_process_at_a_message(void **state)
{
	char	what[40];

	(void)state;
	(void)snprintf(what, sizeof(what), "route:%d", MSG_STATS_WANTED);
	(void)setenv("WAYBILL_TEST_KILL", what, 1);
	start_and_wait();
	(void)unsetenv("WAYBILL_TEST_KILL");
	assert_int_equal(kill(pid_of("queue[0]"), SIGUSR2), 0);
	wait_for("events", "part ticket=10 last=1", 1);
	assert_int_equal(occurrences("events", " answered=0 "), 1);
	wait_for("events", "peer route[0]", 4);
	assert_int_equal(kill(pid_of("queue[0]"), SIGUSR2), 0);
	wait_for("events", "part ticket=11 last=1", 1);
	assert_int_equal(occurrences("events",
	    "last=0 route[0] alive=1 restarts=1 answered=1"), 1);
}
#endif

/* Where the first STOP of each stands in the events. */
static size_t
stop_of(const char *process)
{
	const char	*all = contents("events"), *line = all;
	size_t		 n = strlen(process);

	while (*line != '\0') {
		if (strncmp(line, process, n) == 0 &&
		    strstr(line, " stop ") != NULL &&
		    strstr(line, " stop ") < strchr(line, '\n'))
			return (size_t)(line - all);
		line = strchr(line, '\n') + 1;
	}
	fail_msg("%s was not stopped", process);
	return 0;
}

static void
the_end_comes_in_the_order_of_the_mail(void **state)
{
	(void)state;
	start_and_wait();
	assert_int_equal(kill(parent, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
	assert_int_equal(occurrences("events", " stop drain="), PROCESSES);
	assert_true(stop_of("smtp[0]") < stop_of("relay"));
	assert_true(stop_of("smtp[1]") < stop_of("route"));
	assert_true(stop_of("relay") < stop_of("queue"));
	assert_true(stop_of("spawner") < stop_of("queue"));
	assert_true(stop_of("queue") < stop_of("resolve"));
	assert_true(stop_of("queue") < stop_of("limits"));
	assert_int_equal(occurrences("log", "event=late"), 0);
}

static void
who_is_late_is_killed(void **state)
{
	(void)state;
	(void)setenv("FAKE_HANG", "relay", 1);
	start_and_wait();
	assert_int_equal(kill(parent, SIGTERM), 0);
	assert_int_equal(end_status(), 0);
	(void)unsetenv("FAKE_HANG");
	assert_int_equal(occurrences("log", "process=relay pid="), 2);
	assert_int_equal(occurrences("log", "event=late"), 1);
}

static void
a_second_signal_ends_it_at_once(void **state)
{
	int64_t	began;

	(void)state;
	(void)setenv("FAKE_HANG", "smtp", 1);
	start_and_wait();
	began = clock_boot_ms();
	assert_int_equal(kill(parent, SIGINT), 0);
	wait_for("events", " stop ", 2);
	assert_int_equal(kill(parent, SIGINT), 0);
	assert_int_equal(end_status(), 0);
	(void)unsetenv("FAKE_HANG");
	assert_true(clock_boot_ms() - began < 5000);
}

static void
a_port_in_use_ends_it_with_a_reason(void **state)
{
	struct sockaddr_in	in = { .sin_family = AF_INET };
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)port);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 1), 0);
	start();
	assert_int_equal(end_status(), 1);
	assert_int_equal(occurrences("log", "Address already in use"), 1);
	assert_int_equal(occurrences("events", "config"), 0);
	close(fd);
}

static void
a_process_that_cannot_start_ends_it(void **state)
{
	(void)state;
	(void)setenv("FAKE_FAIL", "relay", 1);
	start();
	assert_int_equal(end_status(), 1);
	(void)unsetenv("FAKE_FAIL");
	assert_int_equal(occurrences("log", "cannot start, says the test"), 1);
	assert_int_equal(occurrences("log", "event=cannot-start"), 1);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, set_stage, clear_stage)
	const struct CMUnitTest	tests[] = {
		T(each_process_gets_configuration_and_peers),
		T(who_dies_is_followed_and_connected_again),
		T(a_reload_is_a_new_generation_for_all),
		T(a_bad_policy_changes_nothing),
		T(a_changed_table_is_read_again),
		T(a_renamed_table_is_taken_at_once),
		T(a_table_with_a_mistake_keeps_the_old_one),
		T(a_table_that_was_never_read_is_missing),
		T(who_dies_at_a_table_is_followed_and_given_up),
		T(a_reload_reads_only_what_has_changed),
		T(status_has_a_part_of_each),
		T(who_does_not_answer_is_told_as_such),
#ifdef WAYBILL_TEST_HOOKS
		T(who_hangs_at_a_table_is_ended),
		T(a_reload_before_the_start_is_not_forgotten),
		T(a_test_may_wrap_each_process),
		T(a_test_may_kill_a_process_at_a_message),
#endif
		T(the_end_comes_in_the_order_of_the_mail),
		T(who_is_late_is_killed),
		T(a_second_signal_ends_it_at_once),
		T(a_port_in_use_ends_it_with_a_reason),
		T(a_process_that_cannot_start_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
