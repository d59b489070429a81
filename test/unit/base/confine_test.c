/*
 * confine_test.c - what a confined process may and may not do.
 *
 * Each check runs in a child of its own, since there is no way back.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/regex.h"

#define ALL	(CONFINE_OPEN | CONFINE_NET | CONFINE_SETUID | CONFINE_EXEC | \
		    CONFINE_KILL | CONFINE_CHILDREN)

/* Runs check() confined; its result must be 0. */
static int
confined(unsigned allow, int (*check)(void))
{
	int	status;
	pid_t	pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		confine_sandbox(allow);
		_exit(check());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool
fails(long rc, int error)
{
	return rc == -1 && errno == error;
}

#ifndef WAYBILL_SANITIZED
/* Every call of the table. */
static const struct { long nr; const char *name; unsigned unless; } deny[] = {
#define DENY(call, unless)	{ SYS_##call, #call, unless },
#include "base/confine_deny.def"
#undef DENY
};

static int
all_denied(void)
{
	size_t	i;

	for (i = 0; i < sizeof(deny) / sizeof(deny[0]); i++)
		if (!fails(syscall(deny[i].nr, 0, 0, 0, 0, 0, 0), EPERM)) {
			(void)dprintf(2, "not denied: %s\n", deny[i].name);
			return 1;
		}
	return 0;
}

static void
without_leave_the_whole_list_is_denied(void **state)
{
	(void)state;
	assert_int_equal(confined(0, all_denied), 0);
}

static int
no_new_process(void)
{
	if (!fails(fork(), EPERM))
		return 1;
	/* clone3 is not there, so that fork() in the C library takes clone. */
	return !fails(syscall(SYS_clone3, 0, 0), ENOSYS);
}

static void
a_process_has_no_children(void **state)
{
	(void)state;
	assert_int_equal(confined(CONFINE_OPEN | CONFINE_NET, no_new_process),
	    0);
}

static int
only_inet(void)
{
	int	v4 = socket(AF_INET, SOCK_STREAM, 0);
	int	v6 = socket(AF_INET6, SOCK_DGRAM, 0);
	int	family;

	for (family = 0; family < 45; family++)
		if (family != AF_INET && family != AF_INET6 &&
		    !fails(socket(family, SOCK_STREAM, 0), EPERM))
			return 1;
	if (!fails(listen(v4, 1), EPERM))
		return 2;
	return v4 == -1 || (v6 == -1 && errno == EPERM);
}

static void
the_net_is_inet_only(void **state)
{
	(void)state;
	assert_int_equal(confined(CONFINE_NET, only_inet), 0);
}
#endif

static bool	second_thread_ran;

static void *
second_thread(void *arg)
{
	(void)arg;
	second_thread_ran = true;
	return NULL;
}

static int
what_every_process_needs(void)
{
	pthread_t	t;
	int		pair[2], fd;
	char		octet = 'x';

	if (pthread_create(&t, NULL, second_thread, NULL) != 0 ||
	    pthread_join(t, NULL) != 0 || !second_thread_ran)
		return 1;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 ||
	    write(pair[0], &octet, 1) != 1 || read(pair[1], &octet, 1) != 1)
		return 2;
	if ((fd = memfd_create("x", MFD_CLOEXEC)) == -1 ||
	    ftruncate(fd, 4096) == -1 ||
	    mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		return 3;
	if (fsync(fd) == -1 || kill(getpid(), 0) == -1)
		return 4;
	return signal(SIGUSR1, SIG_IGN) == SIG_ERR || raise(SIGUSR1) != 0;
}

static void
threads_pairs_memory_and_own_signals_stay(void **state)
{
	(void)state;
	assert_int_equal(confined(0, what_every_process_needs), 0);
}

static int
no_signal_to_others(void)
{
	if (!fails(kill(getppid(), 0), EPERM))
		return 1;
	return !fails(syscall(SYS_tgkill, getppid(), getppid(), 0), EPERM);
}

static void
signals_go_to_oneself_only(void **state)
{
	(void)state;
	assert_int_equal(confined(CONFINE_OPEN, no_signal_to_others), 0);
}

static int
signal_to_parent(void)
{
	return kill(getppid(), 0) == -1;
}

static int
open_root(void)
{
	int	fd = open("/", O_RDONLY | O_DIRECTORY);

	if (fd == -1)
		return 1;
	/* Allowed by the filter; that it is not there is another matter. */
	return !fails(unlinkat(fd, "no-such-file", 0), ENOENT);
}

static int
make_child(void)
{
	int	status;
	pid_t	pid = fork();

	if (pid == 0) {
		(void)execl("/bin/true", "true", (char *)NULL);
		_exit(9);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return 1;
	return status;
}

static int
set_own_uid(void)
{
	uid_t	uid = getuid();

	return setresuid(uid, uid, uid) == -1;
}

static int
unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) == -1;
}

static int
inet_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) == -1;
}

static void
each_leave_lifts_its_part(void **state)
{
	(void)state;
	assert_int_equal(confined(CONFINE_OPEN, open_root), 0);
	assert_int_equal(confined(CONFINE_KILL, signal_to_parent), 0);
	assert_int_equal(confined(CONFINE_EXEC | CONFINE_OPEN, make_child), 0);
	assert_int_equal(confined(CONFINE_SETUID, set_own_uid), 0);
	assert_int_equal(confined(CONFINE_NET, inet_socket), 0);
	assert_int_equal(confined(CONFINE_CHILDREN, unix_socket), 0);
}

static int
never(void)
{
	static const long	calls[] = {
		SYS_mount, SYS_unshare, SYS_setns, SYS_bpf, SYS_kexec_load,
		SYS_init_module, SYS_keyctl, SYS_process_vm_readv,
		SYS_perf_event_open, SYS_userfaultfd, SYS_pivot_root
	};
	size_t			i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!fails(syscall(calls[i], 0, 0, 0, 0, 0), EPERM))
			return (int)i + 1;
	return !fails(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0),
	    EPERM);
}

static void
some_calls_no_process_has(void **state)
{
	(void)state;
	assert_int_equal(confined(ALL, never), 0);
}

static int
no_core_no_privileges(void)
{
	struct rlimit	lim;

	if (getrlimit(RLIMIT_CORE, &lim) == -1 || lim.rlim_max != 0)
		return 1;
#ifndef WAYBILL_SANITIZED
	if (getrlimit(RLIMIT_DATA, &lim) == -1 ||
	    lim.rlim_max > CONFINE_MEMORY_MAX)
		return 2;
#endif
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static void
no_core_and_no_new_privileges(void **state)
{
	(void)state;
	assert_int_equal(confined(0, no_core_no_privileges), 0);
}

static int
ids_of_root(void)
{
	confine_become(0, 0);
	return 0;
}

static int
user_that_is_not(void)
{
	confine_drop("no-such-user-here", NULL);
	return 0;
}

static void
root_is_refused_as_an_owner(void **state)
{
	(void)state;
	assert_int_equal(confined(ALL, ids_of_root), 1);
	if (geteuid() == 0)
		assert_int_equal(confined(ALL, user_that_is_not), 1);
}

static int
become_a_number(void)
{
	gid_t	groups[8];

	confine_become(12345, 12346);
	if (getuid() != 12345 || geteuid() != 12345 || getgid() != 12346)
		return 1;
	if (getgroups(8, groups) != 1 || groups[0] != 12346)
		return 2;
	return setuid(0) == 0;
}

static int
become_another(void)
{
	confine_become(getuid() + 1, getgid());
	return 0;
}

static void
the_drop_is_whole(void **state)
{
	(void)state;
	if (geteuid() == 0)
		assert_int_equal(confined(CONFINE_SETUID, become_a_number), 0);
	else
		assert_int_equal(confined(CONFINE_SETUID, become_another), 1);
}

static int
descriptors(void)
{
	struct rlimit	lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == -1)
		return 1;
	lim.rlim_cur = 64;
	if (setrlimit(RLIMIT_NOFILE, &lim) == -1)
		return 2;
	if (confine_descriptors(32) != 64)	/* never less than there was */
		return 3;
	return confine_descriptors(100) != 100;
}

static void
descriptors_are_raised(void **state)
{
	(void)state;
	assert_int_equal(confined(0, descriptors), 0);
}

/* A worker that runs already is given the image of a new policy. */
static int
compiles_and_matches(void)
{
	struct span	 groups[REGEX_GROUPS_MAX];
	char		 why[100];
	size_t		 at;
	unsigned	 n;
	struct regex	*re = regex_compile(SPAN("b+"), false, &at, why,
			    sizeof(why));

	if (re == NULL || !regex_is_compiled(re))
		return 1;
	return regex_match(re, SPAN("abc"), groups, &n) != REGEX_YES;
}

static void
expressions_become_machine_code(void **state)
{
	(void)state;
	assert_int_equal(confined(0, compiles_and_matches), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
#ifndef WAYBILL_SANITIZED
		cmocka_unit_test(without_leave_the_whole_list_is_denied),
		cmocka_unit_test(a_process_has_no_children),
		cmocka_unit_test(the_net_is_inet_only),
#endif
		cmocka_unit_test(threads_pairs_memory_and_own_signals_stay),
		cmocka_unit_test(signals_go_to_oneself_only),
		cmocka_unit_test(each_leave_lifts_its_part),
		cmocka_unit_test(some_calls_no_process_has),
		cmocka_unit_test(expressions_become_machine_code),
		cmocka_unit_test(no_core_and_no_new_privileges),
		cmocka_unit_test(root_is_refused_as_an_owner),
		cmocka_unit_test(the_drop_is_whole),
		cmocka_unit_test(descriptors_are_raised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
