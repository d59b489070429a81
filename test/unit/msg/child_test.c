/*
 * child_test.c - a process under a parent: configuration, peers, its end.
 *
 * The process is a fork of this one that runs child_open() and child_run();
 * this one plays the parent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "mta/child/child.h"

#include "test/unit/base/run_loop.h"

static struct chan	*child;
static pid_t		 pid;
static unsigned		 heard;		/* the type that came last */
static uint64_t		 first_field;
static char		 text[200];

/* --- the process */

static bool
its_config(struct child_config *cfg, void *arg)
{
	(void)arg;
	if (cfg->generation == 99)
		return false;
	if (cfg->image_fd == -1 || cfg->nfiles != 4 || cfg->file_fds[0] != -1 ||
	    cfg->file_fds[3] == -1 || cfg->nowners != 1 ||
	    cfg->owners[0].object != 5 || cfg->owners[0].uid != 1000 ||
	    cfg->owners[0].gid != 1001 || cfg->nlisteners != 1 ||
	    cfg->listeners[0].object != 2 || cfg->listeners[0].fd == -1)
		_exit(70);
	return true;
}

static void
its_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	(void)arg;
	if (proc != PROC_QUEUE || instance != 3 ||
	    write(fd, "hello", 5) != 5)
		_exit(71);
	close(fd);
}

static void
its_stats(struct buf *out, void *arg)
{
	(void)arg;
	buf_addf(out, "\"instance\":%u", child_instance());
}

static void
its_stop(uint32_t drain_ms, void *arg)
{
	(void)arg;
	if (drain_ms != 1234)
		_exit(72);
	child_done();
}

static void
live(int fd)
{
	static const struct child_ops	 its_ops = {
		.config = its_config, .peer = its_peer,
		.stats = its_stats, .stop = its_stop
	};
	static char			 a0[] = "x", a1[] = "--instance",
	    a2[] = "7", a3[] = "--log-level", a4[] = "error", a5[] = "--spool",
	    a6[] = "/var/spool/x";
	static char			*argv[] = { a0, a1, a2, a3, a4, a5, a6,
	    NULL };

	if (dup2(fd, PARENT_FD) == -1)
		_exit(73);
	child_open(PROC_RELAY, 7, argv, &its_ops, NULL);
	if (child_option("chroot") != NULL ||
	    strcmp(child_option("spool"), "/var/spool/x") != 0)
		_exit(74);
	child_run();
	_exit(0);
}

/* --- the parent */

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct span	s;
	int		i;

	(void)c;
	(void)arg;
	heard = m->type;
	first_field = m->type == MSG_READY ? msg_u32(m) : msg_u64(m);
	if (m->type == MSG_STATS) {
		for (i = 0; i < LOOP_LAG_BUCKETS; i++)
			(void)msg_u64(m);
		s = msg_bytes(m, sizeof(text) - 1);
		memcpy(text, s.p, s.n);
		text[s.n] = '\0';
	}
	assert_true(msg_end(m));
	loop_stop();
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	child = NULL;
	heard = 0;
	loop_stop();
}

static int
begin(void **state)
{
	static const struct chan_ops	ops = { on_message, on_closed };
	int				fds[2];

	(void)state;
	chan_pair(fds);
	if ((pid = fork()) == 0) {
		if (fds[1] != PARENT_FD)
			close(fds[0]);
		live(fds[1]);
	}
	close(fds[1]);
	loop_init();
	child = chan_new(fds[0], "child", &ops, NULL);
	return pid == -1 ? -1 : 0;
}

static int
finish(void **state)
{
	(void)state;
	chan_free(&child);
	loop_clear();
	return 0;
}

static int
exit_status(void)
{
	int	status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
scrap(void)
{
	int	fd = memfd_create("scrap", MFD_CLOEXEC);

	assert_int_not_equal(fd, -1);
	return fd;
}

static void
numbered(uint16_t type, uint32_t generation, uint32_t n, bool with_fd)
{
	chan_begin(child, type);
	chan_u32(child, generation);
	chan_u32(child, n);
	if (with_fd)
		chan_fd(child, scrap());
	chan_end(child);
}

static void
image(uint32_t generation)
{
	chan_begin(child, MSG_CONFIG_IMAGE);
	chan_u32(child, generation);
	chan_fd(child, scrap());
	chan_end(child);
}

static void
configure(uint32_t generation)
{
	image(generation);
	numbered(MSG_CONFIG_FILE, generation, 3, true);
	numbered(MSG_CONFIG_FILE, generation, 1, true);
	chan_begin(child, MSG_CONFIG_OWNER);
	chan_u32(child, generation);
	chan_u32(child, 5);
	chan_u32(child, 1000);
	chan_u32(child, 1001);
	chan_end(child);
	numbered(MSG_CONFIG_LISTENER, generation, 2, true);
	chan_begin(child, MSG_CONFIG_DONE);
	chan_u32(child, generation);
	chan_end(child);
}

static void
stop(void)
{
	chan_begin(child, MSG_STOP);
	chan_u32(child, 1234);
	chan_end(child);
	run_loop();
	assert_null(child);
	assert_int_equal(exit_status(), 0);
}

static void
a_configuration_is_taken_whole(void **state)
{
	(void)state;
	configure(1);
	run_loop();
	assert_int_equal(heard, MSG_READY);
	assert_int_equal(first_field, 1);
	image(2);		/* begun, never finished: dropped */
	configure(3);
	run_loop();
	assert_int_equal(first_field, 3);
	stop();
}

static void
who_does_not_take_it_is_not_ready(void **state)
{
	(void)state;
	configure(99);
	configure(100);
	run_loop();
	assert_int_equal(first_field, 100);
	stop();
}

static void
a_peer_gets_its_channel(void **state)
{
	int	fds[2];
	char	got[5];

	(void)state;
	chan_pair(fds);
	chan_begin(child, MSG_PEER);
	chan_u8(child, PROC_QUEUE);
	chan_u32(child, 3);
	chan_fd(child, fds[0]);
	chan_end(child);
	chan_flush(child);
	assert_int_equal(recv(fds[1], got, 5, MSG_WAITALL), 5);
	assert_memory_equal(got, "hello", 5);
	close(fds[1]);
	stop();
}

static void
counters_are_told(void **state)
{
	(void)state;
	chan_begin(child, MSG_STATS_WANTED);
	chan_u64(child, 77);
	chan_end(child);
	run_loop();
	assert_int_equal(heard, MSG_STATS);
	assert_int_equal(first_field, 77);
	assert_string_equal(text, "{\"instance\":7}");
	stop();
}

static void
without_a_parent_there_is_no_child(void **state)
{
	(void)state;
	chan_free(&child);
	assert_int_equal(exit_status(), 0);
}

static void
send_nothing(void)
{
	numbered(MSG_CONFIG_FILE, 1, 0, true);	/* before any image */
}

static void
send_file_twice(void)
{
	image(1);
	numbered(MSG_CONFIG_FILE, 1, 2, true);
	numbered(MSG_CONFIG_FILE, 1, 2, true);
}

static void
send_other_generation(void)
{
	image(1);
	numbered(MSG_CONFIG_LISTENER, 2, 0, true);
}

static void
send_huge_index(void)
{
	image(1);
	numbered(MSG_CONFIG_FILE, 1, UINT32_MAX, true);
}

static void
send_leftovers(void)
{
	chan_begin(child, MSG_STOP);
	chan_u64(child, 1234);
	chan_end(child);
}

static void
send_unknown(void)
{
	chan_begin(child, MSG_NTYPES);
	chan_end(child);
}

static void
nonsense_of_the_parent_ends_the_process(void **state)
{
	void	(*const sends[])(void) = {
		send_nothing, send_file_twice, send_other_generation,
		send_huge_index, send_leftovers, send_unknown
	};
	size_t	i;

	for (i = 0; i < sizeof(sends) / sizeof(sends[0]); i++) {
		assert_int_equal(begin(state), 0);
		sends[i]();
		run_loop();
		assert_null(child);
		assert_int_equal(exit_status(), 0);
		assert_int_equal(finish(state), 0);
	}
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, begin, finish)
	const struct CMUnitTest	tests[] = {
		T(a_configuration_is_taken_whole),
		T(who_does_not_take_it_is_not_ready),
		T(a_peer_gets_its_channel),
		T(counters_are_told),
		T(without_a_parent_there_is_no_child),
		cmocka_unit_test(nonsense_of_the_parent_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
