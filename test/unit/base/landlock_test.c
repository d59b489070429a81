/*
 * landlock_test.c - a process that may read some files, and no others.
 */
#include "config.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/landlock.h"

static char	dir[64], in[96], out[96], made[96];

static void
touch(const char *path)
{
	int	fd = open(path, O_WRONLY | O_CREAT, 0644);

	assert_int_not_equal(fd, -1);
	close(fd);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/waybill-landlock-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(in, sizeof(in), "%s/in", dir);
	snprintf(out, sizeof(out), "%s/out", dir);
	snprintf(made, sizeof(made), "%s/in/made", dir);
	assert_int_equal(mkdir(in, 0755), 0);
	touch(out);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(made);
	(void)unlink(out);
	(void)rmdir(in);
	return rmdir(dir);
}

/* In a process of its own: 0 as wanted, 77 no Landlock, else which step. */
static int
confined(const char *there)
{
	const char	*paths[] = { in, "/nowhere/at/all" };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return 1;
	if (!landlock_read_only(paths, 2))
		return 77;
	if (open(there, O_RDONLY) == -1 || open(in, O_RDONLY) == -1)
		return 2;
	if (open(out, O_RDONLY) != -1 || errno != EACCES)
		return 3;
	if (open("/etc/passwd", O_RDONLY) != -1)
		return 4;
	if (open(there, O_RDWR) != -1 || open(made, O_WRONLY | O_CREAT,
	    0600) != -1)
		return 5;
	if (unlink(there) != -1 || rename(there, made) != -1)
		return 6;
	return 0;
}

static void
only_what_is_named_is_read(void **state)
{
	char	there[128];
	int	status;
	pid_t	pid;

	(void)state;
	snprintf(there, sizeof(there), "%s/there", in);
	touch(there);
	if ((pid = fork()) == 0)
		_exit(confined(there));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)unlink(there);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(only_what_is_named_is_read,
		    set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
