/*
 * mbox_test.c - a file of messages: what stands in it, locks, and what is left
 * of a delivery that did not end.
 */
#include "config.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fileio.h"
#include "mailbox/store/mbox.h"

#define FROM	"From a@example.org Fri Feb 13 23:31:30 2009\n"

static char	 top[] = "/tmp/waybill-mbox-XXXXXX";
static char	 path[100], dotlock[110];

static struct mbox_place
place(void)
{
	struct mbox_place	 p = { .path = path, .wait_ms = 30 };

	assert_true(lock_order_parse(SPAN("fcntl,dotlock"), &p.locks));
	return p;
}

static struct mbox_message
message(const char *content)
{
	struct mbox_message	 m = { SPAN("a@example.org"), 1234567890,
	    SPAN("R: x\r\n"), span_of(content), false };

	return m;
}

static enum store_result
deliver(const char *content, struct store_error *e)
{
	struct mbox_place	 p = place();
	struct mbox_message	 m = message(content);

	return mbox_deliver(&p, &m, e);
}

static void
write_box(const char *octets, size_t n)
{
	int	 fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(file_write_all(fd, octets, n), 0);
	close(fd);
}

static void
assert_box(const char *wanted)
{
	struct buf	 b = { 0 };

	assert_int_equal(file_read(path, 1u << 20, &b), 0);
	assert_string_equal(buf_cstr(&b), wanted);
	buf_clear(&b);
}

static int
make_top(void **state)
{
	(void)state;
	strcpy(top + sizeof(top) - 7, "XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/ann", top);
	snprintf(dotlock, sizeof(dotlock), "%s.lock", path);
	return 0;
}

static int
remove_top(void **state)
{
	char	 command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

/* --- what stands in it */

static void
messages_stand_one_behind_the_other(void **state)
{
	struct store_error	 e;
	struct stat		 st;

	(void)state;
	assert_int_equal(deliver("\r\none\r\n", &e), STORE_OK);
	assert_int_equal(deliver("\r\ntwo\r\n", &e), STORE_OK);
	assert_box(FROM "R: x\n\none\n\n" FROM "R: x\n\ntwo\n\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(dotlock, F_OK), -1);
}

static void
lines_that_look_like_from_are_escaped(void **state)
{
	struct store_error	 e;

	(void)state;
	assert_int_equal(deliver("\r\nFrom me\r\n>From you\r\n>>From x\r\n"
	    "From: y\r\n From z\r\n>> From\r\nFrom the end", &e), STORE_OK);
	assert_box(FROM "R: x\n\n>From me\n>>From you\n>>>From x\n"
	    "From: y\n From z\n>> From\n>From the end\n\n");
}

static void
the_null_sender_and_odd_ones_have_a_from_line(void **state)
{
	struct mbox_place	 p = place();
	struct mbox_message	 m = message("\r\nx\r\n");
	struct store_error	 e;

	(void)state;
	m.sender = SPAN_NONE;
	assert_int_equal(mbox_deliver(&p, &m, &e), STORE_OK);
	m.sender = SPAN("\"a b\n\"@x");
	assert_int_equal(mbox_deliver(&p, &m, &e), STORE_OK);
	assert_box("From MAILER-DAEMON Fri Feb 13 23:31:30 2009\n"
	    "R: x\n\nx\n\n"
	    "From \"a-b-\"@x Fri Feb 13 23:31:30 2009\nR: x\n\nx\n\n");
}

static void
what_another_left_open_is_ended_first(void **state)
{
	struct store_error	 e;

	(void)state;
	write_box("From b@x\n\nhalf", 14);
	assert_int_equal(deliver("\r\none\r\n", &e), STORE_OK);
	assert_box("From b@x\n\nhalf\n\n" FROM "R: x\n\none\n\n");
	write_box("From b@x\n\nhalf\n", 15);
	assert_int_equal(deliver("\r\none\r\n", &e), STORE_OK);
	assert_box("From b@x\n\nhalf\n\n" FROM "R: x\n\none\n\n");
}

/* --- a delivery that did not end */

static const char	 whole[] = "From b@x\n\nb\n\n" FROM "R: x\n\nFrom\n\n"
			    "x\n\n";
#define BEFORE	13	/* octets of another's message */

/* The file cut at each octet of the message: it is there once in the end. */
static void
a_torn_message_is_written_over(void **state)
{
	struct store_error	 e;
	size_t			 n;

	(void)state;
	for (n = BEFORE; n < sizeof(whole); n++) {
		write_box(whole, n);
		assert_int_equal(deliver("\r\nFrom\r\n\r\nx\r\n", &e),
		    STORE_OK);
		assert_box(whole);
	}
	for (n = BEFORE; n < sizeof(whole); n++) {
		write_box(whole, n);
		assert_int_equal(truncate(path, (off_t)(sizeof(whole) - 1)),
		    0);
		assert_int_equal(deliver("\r\nFrom\r\n\r\nx\r\n", &e),
		    STORE_OK);
		/* Nothing of it is there: these zeros are nobody's we know. */
		if (n > BEFORE)
			assert_box(whole);
	}
}

/* Its end in another window of the search than its beginning. */
static void
a_large_torn_message_is_found(void **state)
{
	struct buf		 text = { 0 }, wanted = { 0 };
	struct store_error	 e;
	struct stat		 st;
	unsigned		 i;

	(void)state;
	for (i = 0; i < 30000; i++)
		buf_addf(&text, "%u F\r\n", i);
	buf_add_str(&wanted, "From b@x\n\nb\n\n");
	write_box(wanted.base, wanted.n);
	assert_int_equal(deliver(buf_cstr(&text), &e), STORE_OK);
	assert_int_equal(stat(path, &st), 0);
	for (i = 1; i < 5; i++) {
		assert_int_equal(truncate(path, st.st_size - (off_t)i *
		    (st.st_size / 5)), 0);
		assert_int_equal(deliver(buf_cstr(&text), &e), STORE_OK);
		buf_reset(&wanted);
		assert_int_equal(file_read(path, 1u << 20, &wanted), 0);
		assert_int_equal(wanted.n, st.st_size);
	}
	buf_clear(&text);
	buf_clear(&wanted);
}

static void
another_message_is_not_taken_for_the_same(void **state)
{
	struct store_error	 e;

	(void)state;
	write_box(FROM "R: x\n\none\n\n", sizeof(FROM) - 1 + 11);
	assert_int_equal(deliver("\r\none more\r\n", &e), STORE_OK);
	assert_box(FROM "R: x\n\none\n\n" FROM "R: x\n\none more\n\n");
}

static void
a_failed_write_is_cut_off_again(void **state)
{
	struct rlimit		 old, small;
	struct store_error	 e;
	enum store_result	 r;
	char			 text[4096];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	write_box("From b@x\n\nb\n\n", 13);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 1000;
	setrlimit(RLIMIT_FSIZE, &small);
	r = deliver(text, &e);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(r, STORE_LATER);
	assert_box("From b@x\n\nb\n\n");
}

/* --- locks */

static void
a_dotlock_that_is_held_makes_it_wait(void **state)
{
	struct store_error	 e;
	char			 pid[20];
	int			 fd = open(dotlock, O_CREAT | O_WRONLY, 0600);
	struct timespec		 t[2] = { { .tv_sec = time(NULL) - 60 },
	    { .tv_sec = time(NULL) - 60 } };

	(void)state;
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	assert_int_equal(file_write_all(fd, pid, strlen(pid)), 0);
	futimens(fd, t);
	close(fd);
	assert_int_equal(deliver("\r\nx\r\n", &e), STORE_LATER);
	assert_string_equal(e.status, "4.2.0");
	assert_int_equal(access(dotlock, F_OK), 0);
	assert_box("");
	assert_int_equal(unlink(dotlock), 0);
	assert_int_equal(deliver("\r\nx\r\n", &e), STORE_OK);
}

static pid_t
dead_process(void)
{
	pid_t	 pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

/* As dovecot writes it, over NFS: its process is not one of ours. */
static void
another_hosts_dotlock_holds(void **state)
{
	struct store_error	 e;
	struct timespec		 t[2] = {
	    { .tv_sec = time(NULL) - LOCK_DEAD_S - 5 },
	    { .tv_sec = time(NULL) - LOCK_DEAD_S - 5 } };
	char			 pid[40];
	int			 fd = open(dotlock, O_CREAT | O_WRONLY, 0600);

	(void)state;
	snprintf(pid, sizeof(pid), "%ld:other.example", (long)dead_process());
	assert_int_equal(file_write_all(fd, pid, strlen(pid)), 0);
	futimens(fd, t);
	close(fd);
	assert_int_equal(deliver("\r\nx\r\n", &e), STORE_LATER);
	assert_string_equal(e.status, "4.2.0");
	assert_int_equal(unlink(dotlock), 0);
}

static void
stale_dotlocks_are_taken_away(void **state)
{
	struct store_error	 e;
	struct timespec		 t[2];
	char			 pid[20];
	int			 fd, i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fd = open(dotlock, O_CREAT | O_WRONLY | O_TRUNC, 0600);
		snprintf(pid, sizeof(pid), "%ld\n", i == 0 ? 0L :
		    (long)dead_process());
		assert_int_equal(file_write_all(fd, pid, strlen(pid)), 0);
		t[0].tv_sec = t[1].tv_sec = time(NULL) -
		    (i == 0 ? LOCK_STALE_S : LOCK_DEAD_S) - 5;
		t[0].tv_nsec = t[1].tv_nsec = 0;
		futimens(fd, t);
		close(fd);
		assert_int_equal(deliver("\r\nx\r\n", &e), STORE_OK);
		assert_int_equal(access(dotlock, F_OK), -1);
	}
}

/* Another program's lock, of the kind that belongs to a process. */
static void
a_lock_of_fcntl_makes_it_wait(void **state)
{
	struct flock		 fl = { .l_type = F_WRLCK,
	    .l_whence = SEEK_SET };
	struct store_error	 e;
	int			 p[2], status, fd;
	pid_t			 pid;
	char			 c;

	(void)state;
	write_box("", 0);
	assert_int_equal(pipe(p), 0);
	if ((pid = fork()) == 0) {
		fd = open(path, O_RDWR);
		_exit(fcntl(fd, F_SETLK, &fl) == -1 ||
		    write(p[1], "x", 1) != 1 || pause() == 0);
	}
	assert_int_equal(read(p[0], &c, 1), 1);
	assert_int_equal(deliver("\r\nx\r\n", &e), STORE_LATER);
	assert_string_equal(e.status, "4.2.0");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_int_equal(deliver("\r\nx\r\n", &e), STORE_OK);
	close(p[0]);
	close(p[1]);
}

static void
only_the_locks_that_are_named_are_taken(void **state)
{
	struct mbox_place	 p = place();
	struct mbox_message	 m = message("\r\nx\r\n");
	struct store_error	 e;
	struct lock_order	 o;

	(void)state;
	close(open(dotlock, O_CREAT | O_WRONLY, 0600));
	assert_true(lock_order_parse(SPAN("fcntl"), &p.locks));
	assert_int_equal(mbox_deliver(&p, &m, &e), STORE_OK);
	assert_true(lock_order_parse(SPAN("dotlock,fcntl"), &p.locks));
	assert_int_equal(mbox_deliver(&p, &m, &e), STORE_LATER);
	assert_false(lock_order_parse(SPAN(""), &o));
	assert_false(lock_order_parse(SPAN("fcntl,fcntl"), &o));
	assert_false(lock_order_parse(SPAN("flock"), &o));
	assert_false(lock_order_parse(SPAN("fcntl,dotlock,fcntl"), &o));
}

#define THREADS		6
#define EACH		10

static void *
deliver_many(void *arg)
{
	struct mbox_place	 p = place();
	struct mbox_message	 m;
	struct store_error	 e;
	char			 text[64];
	int			 i;

	p.wait_ms = LOCK_WAIT_MS;
	for (i = 0; i < EACH; i++) {
		snprintf(text, sizeof(text), "\r\n%p.%02d.\r\n", arg, i);
		m = message(text);
		if (mbox_deliver(&p, &m, &e) != STORE_OK)
			return NULL;
	}
	return arg;
}

static void
many_deliverers_write_one_behind_the_other(void **state)
{
	struct buf	 b = { 0 };
	pthread_t	 t[THREADS];
	const char	*at;
	int		 ids[THREADS], i, n = 0;
	void		*ok;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, deliver_many,
		    &ids[i]), 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], &ok), 0);
		assert_non_null(ok);
	}
	assert_int_equal(file_read(path, 1u << 20, &b), 0);
	for (at = buf_cstr(&b); (at = strstr(at, ".\n\n")) != NULL; at += 3)
		n += at[3] == '\0' || strncmp(at + 3, FROM,
		    sizeof(FROM) - 1) == 0;
	assert_int_equal(n, THREADS * EACH);
	buf_clear(&b);
}

/* --- quota, and what is no mailbox */

static void
a_quota_is_the_size_of_the_file(void **state)
{
	struct mbox_place	 p = place();
	struct mbox_message	 m = message("\r\nxx\r\n");
	struct store_error	 e;

	(void)state;
	p.quota = 50;
	assert_int_equal(mbox_deliver(&p, &m, &e), STORE_LARGE);
	assert_string_equal(e.status, "5.2.3");
	p.quota = 54;
	assert_int_equal(mbox_deliver(&p, &m, &e), STORE_OK);
	assert_int_equal(mbox_deliver(&p, &m, &e), STORE_OK);	/* it is there */
	m.content = SPAN("\r\nyy\r\n");
	assert_int_equal(mbox_deliver(&p, &m, &e), STORE_FULL);
	assert_string_equal(e.status, "4.2.2");
	assert_box(FROM "R: x\n\nxx\n\n");
}

static void
what_is_no_plain_file_of_ours_is_refused(void **state)
{
	struct store_error	 e;
	char			 other[120];

	(void)state;
	snprintf(other, sizeof(other), "%s/other", top);
	close(open(other, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(deliver("x\r\n", &e), STORE_LATER);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(other, path), 0);
	assert_int_equal(deliver("x\r\n", &e), STORE_LATER);
	assert_string_equal(e.status, "4.3.5");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(deliver("x\r\n", &e), STORE_LATER);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(deliver("x\r\n", &e), STORE_LATER);
	assert_int_equal(rmdir(path), 0);
	if (geteuid() == 0) {
		write_box("", 0);
		assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
		assert_int_equal(deliver("x\r\n", &e), STORE_LATER);
		assert_string_equal(e.status, "4.3.5");
	}
}

static void
a_path_that_names_no_file_is_refused(void **state)
{
	static const char *const	 rows[] = { "", "x", "/", "/a/../b" };
	struct mbox_place		 p = place();
	struct mbox_message		 m = message("x\r\n");
	struct store_error		 e;
	size_t				 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p.path = rows[i];
		assert_int_equal(mbox_deliver(&p, &m, &e), STORE_NEVER);
	}
	snprintf(path, sizeof(path), "%s/none/ann", top);
	p.path = path;
	assert_int_equal(mbox_deliver(&p, &m, &e), STORE_LATER);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, make_top, remove_top)
	const struct CMUnitTest tests[] = {
		T(messages_stand_one_behind_the_other),
		T(lines_that_look_like_from_are_escaped),
		T(the_null_sender_and_odd_ones_have_a_from_line),
		T(what_another_left_open_is_ended_first),
		T(a_torn_message_is_written_over),
		T(a_large_torn_message_is_found),
		T(another_message_is_not_taken_for_the_same),
		T(a_failed_write_is_cut_off_again),
		T(a_dotlock_that_is_held_makes_it_wait),
		T(another_hosts_dotlock_holds),
		T(stale_dotlocks_are_taken_away),
		T(a_lock_of_fcntl_makes_it_wait),
		T(only_the_locks_that_are_named_are_taken),
		T(many_deliverers_write_one_behind_the_other),
		T(a_quota_is_the_size_of_the_file),
		T(what_is_no_plain_file_of_ours_is_refused),
		T(a_path_that_names_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
