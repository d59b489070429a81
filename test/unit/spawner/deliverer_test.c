/*
 * deliverer_test.c - who may have a deliver process, and as whom it runs.
 *
 * A script stands for waybill-deliver: it tells the queue who it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/loop.h"
#include "mta/msg/msg.h"
#include "mta/spawner/deliverer.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const char	script[] = "#!/bin/sh\n"
    "{ id -u; id -g; id -G; echo \"$@\"\n"
    "sed -n 's/^CapPrm:[[:space:]]*//p; s/^CapEff:[[:space:]]*//p' "
    "/proc/self/status\n"
    "} >&4\n"
    "read nothing <&3\n";	/* until the spawner has gone */

static char	dir[64];

static int
set_stage(void **state)
{
	char	path[100];
	int	fd;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/deliverer_test.XXXXXX");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) == -1)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/waybill-deliver", dir);
	fd = open(path, O_WRONLY | O_CREAT, 0755);
	if (fd == -1 || file_write_all(fd, script, strlen(script)) == -1 ||
	    fchmod(fd, 0755) == -1)
		return -1;
	close(fd);
	loop_init();
	return 0;
}

static int
clear_stage(void **state)
{
	char	path[100];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/waybill-deliver", dir);
	loop_clear();
	return unlink(path) == -1 || rmdir(dir) == -1 ? -1 : 0;
}

static const struct {
	bool		root;
	unsigned	running;
	uid_t		uid;
	gid_t		gid;
	bool		ok;
} cases[] = {
	{ true, 0, 0, 1000, false },
	{ true, 0, 1000, 0, false },
	{ true, 0, 8, 8, false },		/* mail, a user of the system */
	{ true, 0, 99, 99, false },
	{ true, 0, 100, 8, true },
	{ true, 0, 1000, 1000, true },
	{ true, 0, (uid_t)-1, 1000, false },
	{ true, 0, 1000, (gid_t)-1, false },
	{ true, DELIVERERS_MAX - 1, 1000, 1000, true },
	{ true, DELIVERERS_MAX, 1000, 1000, false },
};

static void
root_and_the_system_have_none(void **state)
{
	struct deliverers	d = { 0 };
	size_t			i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		d.root = cases[i].root;
		d.running = cases[i].running;
		assert_int_equal(deliverer_refusal(&d, cases[i].uid,
		    cases[i].gid) == NULL, cases[i].ok);
	}
}

static void
without_root_only_the_caller_has_one(void **state)
{
	struct deliverers	d = { .root = false };

	(void)state;
	assert_null(deliverer_refusal(&d, geteuid(), getegid()));
	assert_non_null(deliverer_refusal(&d, geteuid() + 1, getegid()));
}

/* What the script says, whole lines, as far as it has come in 10 s. */
static void
read_lines(int fd, unsigned lines, char *out, size_t room)
{
	struct pollfd	pfd = { fd, POLLIN, 0 };
	size_t		n = 0, i;
	ssize_t		got;

	while (lines > 0 && poll(&pfd, 1, 10000) == 1) {
		got = recv(fd, out + n, room - n - 1, 0);
		if (got <= 0)
			break;
		for (i = 0; i < (size_t)got; i++)
			lines -= out[n + i] == '\n' && lines > 0;
		n += (size_t)got;
	}
	out[n] = '\0';
}

static void
it_runs_as_the_owner_with_no_capability(void **state)
{
	struct deliverers	d;
	char			said[400], wanted[400];
	const char		*why;
	unsigned		uid = geteuid(), gid = getegid();
	int			fd;

	(void)state;
	deliverers_init(&d, dir, "warn");
	if (d.root) {
		uid = 12345;
		gid = 12346;
	}
	fd = deliverer_start(&d, uid, gid, false, &why);
	assert_int_not_equal(fd, -1);
	assert_int_equal(d.running, 1);
	read_lines(fd, 6, said, sizeof(said));
	if (d.root) {
		(void)snprintf(wanted, sizeof(wanted), "%u\n%u\n%u\n"
		    "--instance %u --log-level warn\n"
		    "0000000000000000\n0000000000000000\n", uid, gid, gid, uid);
		assert_string_equal(said, wanted);
	} else
		assert_int_equal(strtoul(said, NULL, 10), uid);
	close(fd);
	deliverers_clear(&d);
}

static void
stop(void *arg)
{
	(void)arg;
	loop_stop();
}

static void
look(void *arg)
{
	if (*(const unsigned *)arg == 0)
		loop_stop();
	else
		loop_soon(look, arg);
}

/* Its channel to the spawner closes with it. */
static void
its_end_is_noticed(void **state)
{
	struct deliverers	d;
	struct timer		t = { 0 };
	const char		*why;
	int			fd;

	(void)state;
	deliverers_init(&d, dir, NULL);
	free(d.program);
	d.program = strdup("/bin/true");
	close(d.program_fd);
	d.program_fd = proc_program(d.program);
	fd = deliverer_start(&d, d.root ? 12345 : geteuid(),
	    d.root ? 12346 : getegid(), false, &why);
	assert_int_not_equal(fd, -1);
	timer_set(&t, 10000, stop, NULL);
	loop_soon(look, &d.running);
	loop_run();
	assert_int_equal(d.running, 0);
	assert_int_equal(d.started, 1);
	timer_clear(&t);
	close(fd);
	deliverers_clear(&d);
}

static void
a_refusal_starts_nothing(void **state)
{
	struct deliverers	d;
	const char		*why = NULL;

	(void)state;
	deliverers_init(&d, dir, NULL);
	assert_int_equal(deliverer_start(&d, d.root ? 0 : geteuid() + 1,
	    getegid(), false, &why), -1);
	assert_non_null(why);
	assert_true(strlen(why) > 0);
	assert_int_equal(d.running, 0);
	assert_int_equal(d.refused, 1);
	deliverers_clear(&d);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, set_stage, clear_stage)
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(root_and_the_system_have_none),
		cmocka_unit_test(without_root_only_the_caller_has_one),
		T(a_refusal_starts_nothing),
		T(it_runs_as_the_owner_with_no_capability),
		T(its_end_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
