/*
 * store_test.c - a message stands in new/ exactly once, whole, and nowhere
 * that the mailbox's owner could have led us.
 */
#include "config.h"

#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fileio.h"
#include "mailbox/store/store.h"

static char	top[] = "/tmp/waybill-store-XXXXXX";

static const char *
in_top(const char *name)
{
	static char	 path[4][512];
	static unsigned	 i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", top, name);
	return path[i];
}

/* Files in a folder, "." and ".." left out; -1: it is not there. */
static int
count(const char *folder)
{
	DIR		*d = opendir(in_top(folder));
	struct dirent	*e;
	int		 n = 0;

	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
assert_file(const char *folder, const char *name, const char *wanted)
{
	struct buf	 b = { 0 };
	char		 path[512];

	snprintf(path, sizeof(path), "%s/%s", in_top(folder), name);
	assert_int_equal(file_read(path, 1u << 20, &b), 0);
	assert_string_equal(buf_cstr(&b), wanted);
	buf_clear(&b);
}

static enum store_result
put(const char *path, struct span base, struct span prefix,
    struct span content, bool as_is, char *final, struct store_error *e)
{
	struct store_place	 place = { .maildir = path };
	struct store_message	 m = { base, prefix, content, as_is };

	return store_prepare(&place, &m, final, e);
}

static enum store_result
prepare(const char *box, const char *base, const char *content, char *final,
    struct store_error *e)
{
	return put(in_top(box), span_of(base), SPAN("Return-Path: <>\r\n"),
	    span_of(content), false, final, e);
}

static void
a_message_is_prepared_and_committed(void **state)
{
	char			 final[STORE_FINAL_MAX];
	struct store_error	 e;
	struct stat		 st;

	(void)state;
	assert_int_equal(prepare("ann", "q1.0", "A: b\r\n\r\nx\r\n", final,
	    &e), STORE_OK);
	assert_string_equal(final, "q1.0,S=24,W=28");
	assert_int_equal(count("ann/tmp"), 1);
	assert_int_equal(count("ann/new"), 0);
	assert_int_equal(count("ann/cur"), 0);
	assert_file("ann/tmp", final, "Return-Path: <>\nA: b\n\nx\n");
	assert_int_equal(store_commit(in_top("ann"), final, &e), STORE_OK);
	assert_int_equal(count("ann/tmp"), 0);
	assert_int_equal(count("ann/new"), 1);
	assert_int_equal(stat(in_top("ann/new/q1.0,S=24,W=28"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 24);
	assert_int_equal(stat(in_top("ann/new"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void
again_is_the_same_file(void **state)
{
	char			 one[STORE_FINAL_MAX], two[STORE_FINAL_MAX];
	struct store_error	 e;

	(void)state;
	assert_int_equal(prepare("again", "q2.0", "x\r\n", one, &e), STORE_OK);
	assert_int_equal(prepare("again", "q2.0", "x\r\n", two, &e), STORE_OK);
	assert_string_equal(one, two);
	assert_int_equal(count("again/tmp"), 1);
	assert_int_equal(store_commit(in_top("again"), one, &e), STORE_OK);
	assert_int_equal(store_commit(in_top("again"), one, &e), STORE_OK);
	assert_int_equal(count("again/new"), 1);
	assert_file("again/new", one, "Return-Path: <>\nx\n");
}

static void
what_a_reader_took_is_not_delivered_again(void **state)
{
	char			 final[STORE_FINAL_MAX];
	struct store_error	 e;

	(void)state;
	assert_int_equal(prepare("read", "q3.0", "x\r\n", final, &e),
	    STORE_OK);
	assert_int_equal(store_commit(in_top("read"), final, &e), STORE_OK);
	assert_int_equal(rename(in_top("read/new/q3.0,S=18,W=20"),
	    in_top("read/cur/q3.0,S=18,W=20:2,S")), 0);
	assert_int_equal(store_commit(in_top("read"), final, &e), STORE_OK);
	assert_int_equal(count("read/new"), 0);
	assert_int_equal(count("read/cur"), 1);
}

static void
line_ends_become_lf(void **state)
{
	static const struct {
		const char	*content, *file, *suffix;
	} rows[] = {
		{ "", "", ",S=0,W=0" },
		{ "\r\n", "\n", ",S=1,W=2" },
		{ "a\r\nb", "a\nb", ",S=3,W=4" },
		{ "a\rb\r\r\n", "a\rb\r\n", ",S=5,W=6" },
		{ "a\r", "a\r", ",S=2,W=2" },
		{ "a\nb", "a\nb", ",S=3,W=4" },
		{ "\n", "\n", ",S=1,W=2" },
	};
	char			 final[STORE_FINAL_MAX];
	struct store_error	 e;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(put(in_top("lines"), SPAN("q"),
		    SPAN_NONE, span_of(rows[i].content), false, final, &e),
		    STORE_OK);
		assert_string_equal(final + 1, rows[i].suffix);
		assert_file("lines/tmp", final, rows[i].file);
	}
}

/* What looks like a line end in a part of octets is none. */
static void
binary_content_is_written_as_it_is(void **state)
{
	static const char	 octets[] = "A: b\r\n\r\n\0\r\n\n\r\r\n\xff";
	struct span		 content = span_mem(octets, sizeof(octets) - 1);
	char			 final[STORE_FINAL_MAX], path[512];
	struct store_error	 e;
	struct buf		 b = { 0 };

	(void)state;
	assert_int_equal(put(in_top("binary"), SPAN("q"),
	    SPAN("R: x\r\n"), content, true, final, &e), STORE_OK);
	assert_string_equal(final, "q,S=22,W=22");
	snprintf(path, sizeof(path), "%s/%s", in_top("binary/tmp"), final);
	assert_int_equal(file_read(path, 1u << 20, &b), 0);
	assert_true(span_eq(span_from(buf_span(&b), 6), content));
	buf_clear(&b);
}

/* Larger than a chunk, so that a CRLF lies across two of them. */
static void
a_large_message_is_whole(void **state)
{
	struct buf		 crlf = { 0 }, lf = { 0 };
	char			 final[STORE_FINAL_MAX];
	struct store_error	 e;
	unsigned		 i;

	(void)state;
	for (i = 0; i < 40000; i++) {
		buf_addf(&crlf, "%u\r\n", i);
		buf_addf(&lf, "%u\n", i);
	}
	assert_int_equal(put(in_top("large"), SPAN("q"), SPAN_NONE,
	    buf_span(&crlf), false, final, &e), STORE_OK);
	assert_file("large/tmp", final, buf_cstr(&lf));
	assert_int_equal(put(in_top("large"), SPAN("r"), SPAN_NONE,
	    buf_span(&crlf), true, final, &e), STORE_OK);
	assert_file("large/tmp", final, buf_cstr(&crlf));
	buf_clear(&crlf);
	buf_clear(&lf);
}

/* --- folders of Maildir++ */

static enum store_result
put_in(const char *box, const char *folder, const char *base, char *final,
    struct store_error *e)
{
	struct store_place	 place = { .maildir = in_top(box),
	    .folder = span_of(folder) };
	struct store_message	 m = { span_of(base), SPAN_NONE,
	    SPAN("x\r\n"), false };

	return store_prepare(&place, &m, final, e);
}

static void
a_folder_gets_what_names_it_when_it_is_there(void **state)
{
	char			 final[STORE_FINAL_MAX];
	struct store_error	 e;
	struct stat		 st;

	(void)state;
	assert_int_equal(put_in("det", "lists", "a", final, &e), STORE_OK);
	assert_string_equal(final, "a,S=2,W=3");
	assert_int_equal(mkdir(in_top("det/.lists"), 0700), 0);
	assert_int_equal(put_in("det", "lists", "b", final, &e), STORE_OK);
	assert_string_equal(final, ".lists/b,S=2,W=3");
	assert_int_equal(stat(in_top("det/.lists/maildirfolder"), &st), 0);
	assert_int_equal(count("det/.lists/tmp"), 1);
	assert_int_equal(store_commit(in_top("det"), final, &e), STORE_OK);
	assert_int_equal(store_commit(in_top("det"), final, &e), STORE_OK);
	assert_int_equal(count("det/.lists/new"), 1);
	assert_int_equal(count("det/new"), 0);
}

/* Each has its own answer, wherever it stands and whatever the others' are. */
static void
many_are_committed_together(void **state)
{
	char			 inbox[2][STORE_FINAL_MAX];
	char			 lists[STORE_FINAL_MAX], gone[STORE_FINAL_MAX];
	struct store_commit	 c[] = {
		{ .final = inbox[0] }, { .final = inbox[1] },
		{ .final = inbox[1] }, { .final = "../new/x" },
		{ .final = lists }, { .final = gone }, { .final = inbox[0] }
	};
	static const enum store_result	 wanted[] = {
		STORE_OK, STORE_OK, STORE_OK, STORE_NEVER, STORE_OK,
		STORE_LOST, STORE_OK
	};
	struct store_error	 e;
	size_t			 i, n = sizeof(c) / sizeof(c[0]);

	(void)state;
	assert_int_equal(put_in("all", "", "a", inbox[0], &e), STORE_OK);
	assert_int_equal(put_in("all", "", "b", inbox[1], &e), STORE_OK);
	assert_int_equal(mkdir(in_top("all/.lists"), 0700), 0);
	assert_int_equal(put_in("all", "lists", "c", lists, &e), STORE_OK);
	snprintf(gone, sizeof(gone), ".gone/d,S=2,W=3");
	store_commit_all(in_top("all"), c, n);
	for (i = 0; i < n; i++)
		assert_int_equal(c[i].result, wanted[i]);
	assert_int_equal(count("all/new"), 2);
	assert_int_equal(count("all/tmp"), 0);
	assert_int_equal(count("all/.lists/new"), 1);
	assert_int_equal(rename(in_top("all"), in_top("all2")), 0);
	store_commit_all(in_top("all"), c, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(c[i].result, STORE_LATER);
		assert_string_equal(c[i].error.status, "4.3.0");
	}
}

static void
what_is_no_folder_goes_to_the_inbox(void **state)
{
	static const char *const	 names[] = {
		"", "INBOX", "inbox", "..", ".", "../nofold", "a/b", ".hid",
		"link", "file", "new", "closed"
	};
	char				 final[STORE_FINAL_MAX];
	struct store_error		 e;
	size_t				 i;
	int				 fd;

	(void)state;
	mkdir(in_top("nofold"), 0700);
	assert_int_equal(symlink("/tmp", in_top("nofold/.link")), 0);
	fd = open(in_top("nofold/.file"), O_CREAT | O_WRONLY, 0600);
	assert_true(fd != -1);
	close(fd);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(put_in("nofold", names[i], "q", final, &e),
		    STORE_OK);
		assert_string_equal(final, "q,S=2,W=3");
	}
}

/* The message is still the queue's: it is prepared again, in the INBOX. */
static void
a_folder_that_vanishes_loses_no_message(void **state)
{
	char			 final[STORE_FINAL_MAX], command[600];
	struct store_error	 e;

	(void)state;
	mkdir(in_top("van"), 0700);
	mkdir(in_top("van/.gone"), 0700);
	assert_int_equal(put_in("van", "gone", "q", final, &e), STORE_OK);
	snprintf(command, sizeof(command), "rm -rf %s", in_top("van/.gone"));
	assert_int_equal(system(command), 0);
	assert_int_equal(store_commit(in_top("van"), final, &e), STORE_LOST);
	assert_int_equal(put_in("van", "gone", "q", final, &e), STORE_OK);
	assert_int_equal(rename(in_top("van/tmp"), in_top("van/away")), 0);
	assert_int_equal(store_commit(in_top("van"), final, &e), STORE_LOST);
	assert_int_equal(put_in("van", "", "q", final, &e), STORE_OK);
	assert_int_equal(rename(in_top("van"), in_top("van2")), 0);
	assert_int_equal(store_commit(in_top("van"), final, &e), STORE_LATER);
	assert_int_equal(rename(in_top("van2"), in_top("van")), 0);
	assert_int_equal(store_commit(in_top("van"), final, &e), STORE_OK);
}

/* What the owner has put where folders and files are to be. */
static void
hostile_things_are_neither_followed_nor_waited_for(void **state)
{
	char			 final[STORE_FINAL_MAX];
	struct store_error	 e;

	(void)state;
	mkdir(in_top("evil"), 0700);
	assert_int_equal(mkfifo(in_top("evil/tmp"), 0600), 0);
	assert_int_equal(put_in("evil", "", "q", final, &e), STORE_LATER);
	assert_int_equal(unlink(in_top("evil/tmp")), 0);
	mkdir(in_top("evil/tmp"), 0700);
	assert_int_equal(mkfifo(in_top("evil/tmp/q,S=2,W=3"), 0600), 0);
	assert_int_equal(put_in("evil", "", "q", final, &e), STORE_LATER);
	assert_int_equal(unlink(in_top("evil/tmp/q,S=2,W=3")), 0);
	mkdir(in_top("evil/tmp/q,S=2,W=3"), 0700);
	assert_int_equal(put_in("evil", "", "q", final, &e), STORE_LATER);
	assert_int_equal(rmdir(in_top("evil/tmp/q,S=2,W=3")), 0);
	assert_int_equal(symlink("/etc/passwd",
	    in_top("evil/tmp/q,S=2,W=3")), 0);
	assert_int_equal(put_in("evil", "", "q", final, &e), STORE_LATER);
	assert_int_equal(unlink(in_top("evil/tmp/q,S=2,W=3")), 0);
	assert_int_equal(put_in("evil", "", "q", final, &e), STORE_OK);
	assert_int_equal(symlink("/tmp", in_top("evil/new")), 0);
	assert_int_equal(store_commit(in_top("evil"), final, &e), STORE_LATER);
	assert_int_equal(unlink(in_top("evil/new")), 0);
	mkdir(in_top("evil/new"), 0700);
	mkdir(in_top("evil/new/q,S=2,W=3"), 0700);
	assert_int_equal(store_commit(in_top("evil"), final, &e), STORE_LATER);
	assert_int_equal(rmdir(in_top("evil/new/q,S=2,W=3")), 0);
	assert_int_equal(store_commit(in_top("evil"), final, &e), STORE_OK);
}

/* --- many at once */

#define THREADS		8
#define EACH		25

static void *
deliver_many(void *arg)
{
	struct store_place	 place = { .maildir = in_top("many") };
	unsigned		 i, me = *(unsigned *)arg;
	char			 final[STORE_FINAL_MAX], base[32];
	struct store_error	 e;

	for (i = 0; i < EACH; i++) {
		struct store_message	 m = { .content = SPAN("x\r\n") };

		snprintf(base, sizeof(base), "m%u.%u", me, i);
		m.base = span_of(base);
		if (store_prepare(&place, &m, final, &e) != STORE_OK ||
		    store_commit(place.maildir, final, &e) != STORE_OK)
			return NULL;
	}
	return arg;
}

static void
many_threads_share_folders_and_syncs(void **state)
{
	pthread_t	 t[THREADS];
	unsigned	 me[THREADS], i;
	void		*ok;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		me[i] = i;
		assert_int_equal(pthread_create(&t[i], NULL, deliver_many,
		    &me[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], &ok), 0);
		assert_non_null(ok);
	}
	assert_int_equal(count("many/new"), THREADS * EACH);
	assert_int_equal(count("many/tmp"), 0);
}

static void
two_missing_folders_are_made_and_no_more(void **state)
{
	char			 final[STORE_FINAL_MAX];
	struct store_error	 e;

	(void)state;
	assert_int_equal(prepare("x.example/ann", "q", "x\r\n", final, &e),
	    STORE_OK);
	assert_int_equal(count("x.example/ann/tmp"), 1);
	assert_int_equal(prepare("y/x.example/ann", "q", "x\r\n", final, &e),
	    STORE_LATER);
	assert_string_equal(e.status, "4.3.0");
	assert_int_equal(count("y"), -1);
}

static void
needless_slashes_do_no_harm(void **state)
{
	char			 final[STORE_FINAL_MAX];
	struct store_error	 e;

	(void)state;
	assert_int_equal(prepare("slash.example//ann/", "q", "x\r\n", final,
	    &e), STORE_OK);
	assert_int_equal(store_commit(in_top("slash.example/ann"), final,
	    &e), STORE_OK);
	assert_int_equal(count("slash.example/ann/new"), 1);
}

static void
links_are_not_followed(void **state)
{
	char			 final[STORE_FINAL_MAX];
	struct store_error	 e;

	(void)state;
	assert_int_equal(mkdir(in_top("elsewhere"), 0700), 0);
	assert_int_equal(symlink(in_top("elsewhere"), in_top("link")), 0);
	assert_int_equal(prepare("link", "q", "x\r\n", final, &e),
	    STORE_LATER);
	assert_int_equal(mkdir(in_top("box"), 0700), 0);
	assert_int_equal(symlink(in_top("elsewhere"), in_top("box/tmp")), 0);
	assert_int_equal(prepare("box", "q", "x\r\n", final, &e),
	    STORE_LATER);
	assert_int_equal(unlink(in_top("box/tmp")), 0);
	assert_int_equal(mkdir(in_top("box/tmp"), 0700), 0);
	assert_int_equal(symlink(in_top("elsewhere/file"),
	    in_top("box/tmp/q,S=18,W=20")), 0);
	assert_int_equal(prepare("box", "q", "x\r\n", final, &e),
	    STORE_LATER);
	assert_int_equal(count("elsewhere"), 0);
}

static void
hostile_paths_and_names_are_refused(void **state)
{
	static const char *const paths[] = {
		"", "/", "relative/box", "/tmp/../etc/box", "/tmp/./box",
		"//", "/tmp/..",
	};
	static const struct span names[] = {
		{ "", 0 }, { ".q", 2 }, { "a/b", 3 }, { "a\0b", 3 },
		{ "a:2,S", 5 }, { "a b", 3 }, { "a\nb", 3 },
	};
	char			 final[STORE_FINAL_MAX], big[STORE_FINAL_MAX];
	struct store_error	 e;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(put(paths[i], SPAN("q"), SPAN_NONE,
		    SPAN_NONE, false, final, &e), STORE_NEVER);
		assert_int_equal(e.status[0], '5');
		assert_int_equal(store_commit(paths[i], "q", &e), STORE_NEVER);
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(put(in_top("names"), names[i],
		    SPAN_NONE, SPAN_NONE, false, final, &e), STORE_NEVER);
	memset(big, 'a', sizeof(big));
	assert_int_equal(put(in_top("names"), span_mem(big, 199),
	    SPAN_NONE, SPAN_NONE, false, final, &e), STORE_NEVER);
	assert_int_equal(store_commit(in_top("names"), "../../x", &e),
	    STORE_NEVER);
	assert_int_equal(count("names"), -1);
}

/* A limit on the size of files stands in for a disk that ends. */
static void
a_failed_write_leaves_nothing(void **state)
{
	struct rlimit		 old, small;
	char			 final[STORE_FINAL_MAX], text[4096];
	struct store_error	 e;
	enum store_result	 r;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 100;
	setrlimit(RLIMIT_FSIZE, &small);
	r = prepare("limit", "q", text, final, &e);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(r, STORE_LATER);
	assert_int_equal(count("limit/tmp"), 0);
	assert_int_equal(prepare("limit", "q", text, final, &e), STORE_OK);
}

/* A full disk, where we may mount one. */
static void
a_full_disk_is_told_and_recovers(void **state)
{
	struct store_error	 e;
	char			 final[STORE_FINAL_MAX], *text;
	size_t			 n = 256u << 10;

	(void)state;
	mkdir(in_top("disk"), 0700);
	if (geteuid() != 0 || unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", in_top("disk"), "tmpfs", 0, "size=128k") == -1) {
		print_message("no small disk can be mounted here\n");
		skip();
	}
	text = malloc(n + 1);
	memset(text, 'x', n);
	text[n] = '\0';
	assert_int_equal(prepare("disk/ann", "q", text, final, &e),
	    STORE_LATER);
	assert_string_equal(e.status, "4.3.1");
	assert_int_equal(count("disk/ann/tmp"), 0);
	assert_int_equal(prepare("disk/ann", "q", "x\r\n", final, &e),
	    STORE_OK);
	assert_int_equal(store_commit(in_top("disk/ann"), final, &e),
	    STORE_OK);
	assert_int_equal(umount(in_top("disk")), 0);
	free(text);
}

/* What a Maildir holds already is not looked at: no folder of it is read. */
static void
delivery_reads_no_folder(void **state)
{
	char			 final[STORE_FINAL_MAX], base[32];
	char			 event[4096];
	struct store_error	 e;
	unsigned		 i;
	int			 fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	(void)state;
	assert_int_equal(put_in("full", "", "first", final, &e), STORE_OK);
	assert_int_equal(store_commit(in_top("full"), final, &e), STORE_OK);
	assert_true(inotify_add_watch(fd, in_top("full/new"),
	    IN_ACCESS | IN_ONLYDIR) != -1);
	assert_true(inotify_add_watch(fd, in_top("full/cur"),
	    IN_ACCESS | IN_ONLYDIR) != -1);
	for (i = 0; i < 50; i++) {
		snprintf(base, sizeof(base), "m%u", i);
		assert_int_equal(put_in("full", "", base, final, &e),
		    STORE_OK);
		assert_int_equal(store_commit(in_top("full"), final, &e),
		    STORE_OK);
	}
	assert_int_equal(read(fd, event, sizeof(event)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(count("full/new"), 51);
	assert_true(read(fd, event, sizeof(event)) > 0);
	close(fd);
}

static int
make_top(void **state)
{
	(void)state;
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_prepared_and_committed),
		cmocka_unit_test(again_is_the_same_file),
		cmocka_unit_test(what_a_reader_took_is_not_delivered_again),
		cmocka_unit_test(line_ends_become_lf),
		cmocka_unit_test(binary_content_is_written_as_it_is),
		cmocka_unit_test(a_large_message_is_whole),
		cmocka_unit_test(a_folder_gets_what_names_it_when_it_is_there),
		cmocka_unit_test(many_are_committed_together),
		cmocka_unit_test(what_is_no_folder_goes_to_the_inbox),
		cmocka_unit_test(a_folder_that_vanishes_loses_no_message),
		cmocka_unit_test(
		    hostile_things_are_neither_followed_nor_waited_for),
		cmocka_unit_test(many_threads_share_folders_and_syncs),
		cmocka_unit_test(delivery_reads_no_folder),
		cmocka_unit_test(two_missing_folders_are_made_and_no_more),
		cmocka_unit_test(needless_slashes_do_no_harm),
		cmocka_unit_test(links_are_not_followed),
		cmocka_unit_test(hostile_paths_and_names_are_refused),
		cmocka_unit_test(a_failed_write_leaves_nothing),
		cmocka_unit_test(a_full_disk_is_told_and_recovers),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
