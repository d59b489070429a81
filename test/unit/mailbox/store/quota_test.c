/*
 * quota_test.c - what a Maildir holds, by a file that others write too.
 */
#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fileio.h"
#include "mailbox/store/quota.h"

static char	 top[] = "/tmp/waybill-quota-XXXXXX";
static int	 box = -1;

static void
write_file(const char *name, const char *text)
{
	int	 fd = openat(box, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void
make_old(const char *name, int age_s)
{
	struct timespec	 t[2] = { { .tv_sec = time(NULL) - age_s },
	    { .tv_sec = time(NULL) - age_s } };

	assert_int_equal(utimensat(box, name, t, 0), 0);
}

static void
assert_says(const char *wanted)
{
	struct buf	 b = { 0 };
	int		 fd = openat(box, "maildirsize", O_RDONLY);

	assert_true(fd != -1);
	assert_int_equal(file_read_fd(fd, 1 << 20, &b), 0);
	assert_string_equal(buf_cstr(&b), wanted);
	close(fd);
	buf_clear(&b);
}

static int
make_box(void **state)
{
	char	 command[100];

	(void)state;
	strcpy(top + sizeof(top) - 7, "XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(command, sizeof(command), "mkdir %s/new %s/cur %s/tmp", top,
	    top, top);
	box = open(top, O_RDONLY | O_DIRECTORY);
	return system(command);
}

static int
remove_box(void **state)
{
	char	 command[100];

	(void)state;
	close(box);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static void
what_is_missing_is_counted(void **state)
{
	(void)state;
	write_file("new/1.a,S=100,W=120", "");
	write_file("cur/2.a,S=50:2,S", "");
	write_file("cur/3.a:2,", "12345");
	write_file("cur/4.a,S=999:2,ST", "");		/* in the dustbin */
	mkdirat(box, ".lists", 0700);
	mkdirat(box, ".lists/cur", 0700);
	write_file(".lists/cur/5.a,S=20", "");
	mkdirat(box, ".Trash", 0700);
	mkdirat(box, ".Trash/cur", 0700);
	write_file(".Trash/cur/6.a,S=9999", "");
	write_file("tmp/7.a,S=9999", "");
	assert_int_equal(quota_check(box, 1000, 100), QUOTA_ROOM);
	assert_says("1000S\n175 4\n");
	quota_add(box, 100, 1);
	quota_add(box, -50, -1);
	assert_says("1000S\n175 4\n100 1\n-50 -1\n");
	assert_int_equal(quota_check(box, 1000, 775), QUOTA_ROOM);
}

static void
another_quota_or_nonsense_is_counted_anew(void **state)
{
	static const char *const	 rows[] = {
		"", "500S\n0 0\n", "1000S,10C\n0 0\n", "1000S\nx y\n",
		"1000S\n5 1\n7", "1000S\n-5 -1\n", "1000\n0 0\n", "S\n0 0\n",
		"1000S\n99999999999999999999 1\n", "1000S\n5\n",
	};
	size_t				 i;

	(void)state;
	write_file("new/1.a,S=100", "");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file("maildirsize", rows[i]);
		assert_int_equal(quota_check(box, 1000, 1), QUOTA_ROOM);
		assert_says("1000S\n100 1\n");
	}
}

static void
nothing_above_the_quota_gets_in(void **state)
{
	(void)state;
	write_file("maildirsize", "1000S\n900 3\n");
	assert_int_equal(quota_check(box, 1000, 100), QUOTA_ROOM);
	assert_int_equal(quota_check(box, 1000, 101), QUOTA_FULL);
	assert_int_equal(quota_check(box, 1000, 1001), QUOTA_NEVER);
	assert_says("1000S\n900 3\n");
}

/* A count that may be wrong is not the reason of a refusal. */
static void
a_full_maildir_is_counted_again_before_it_is_refused(void **state)
{
	(void)state;
	write_file("maildirsize", "1000S\n900 3\n50 1\n");
	assert_int_equal(quota_check(box, 1000, 500), QUOTA_ROOM);
	assert_says("1000S\n0 0\n");
	write_file("maildirsize", "1000S\n900 3\n");
	make_old("maildirsize", 16 * 60);
	assert_int_equal(quota_check(box, 1000, 500), QUOTA_ROOM);
	assert_says("1000S\n0 0\n");
}

static void
a_file_that_has_grown_is_counted_anew_or_added_up(void **state)
{
	struct buf	 b = { 0 };
	unsigned	 i;

	(void)state;
	buf_add_str(&b, "1000000S\n");
	for (i = 0; i < 1300; i++)
		buf_add_str(&b, "1 1\n");
	write_file("maildirsize", buf_cstr(&b));
	assert_int_equal(quota_check(box, 1000000, 1), QUOTA_ROOM);
	assert_says("1000000S\n0 0\n");
	buf_reset(&b);
	buf_add_str(&b, "1000000S\n20000 20000\n");
	for (i = 0; i < 1300; i++)
		buf_add_str(&b, "1 1\n");
	write_file("maildirsize", buf_cstr(&b));
	assert_int_equal(quota_check(box, 1000000, 1), QUOTA_ROOM);
	assert_says("1000000S\n21300 21300\n");
	buf_clear(&b);
}

static void
without_the_file_nothing_is_added(void **state)
{
	struct stat	 st;

	(void)state;
	quota_add(box, 100, 1);
	assert_int_equal(fstatat(box, "maildirsize", &st, 0), -1);
}

/* What the owner puts there is neither followed nor waited for. */
static void
a_hostile_file_changes_no_answer(void **state)
{
	(void)state;
	write_file("new/1.a,S=100", "");
	assert_int_equal(symlinkat("/etc/passwd", box, "maildirsize"), 0);
	quota_add(box, 1, 1);
	assert_int_equal(quota_check(box, 1000, 900), QUOTA_ROOM);
	assert_says("1000S\n100 1\n");
	assert_int_equal(unlinkat(box, "maildirsize", 0), 0);
	assert_int_equal(mkfifoat(box, "maildirsize", 0600), 0);
	quota_add(box, 1, 1);
	assert_int_equal(quota_check(box, 1000, 901), QUOTA_FULL);
	assert_says("1000S\n100 1\n");
	assert_int_equal(unlinkat(box, "maildirsize", 0), 0);
	assert_int_equal(mkdirat(box, "maildirsize", 0700), 0);
	assert_int_equal(quota_check(box, 1000, 900), QUOTA_ROOM);
	assert_int_equal(quota_check(box, 1000, 901), QUOTA_FULL);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, make_box, remove_box)
	const struct CMUnitTest tests[] = {
		T(what_is_missing_is_counted),
		T(another_quota_or_nonsense_is_counted_anew),
		T(nothing_above_the_quota_gets_in),
		T(a_full_maildir_is_counted_again_before_it_is_refused),
		T(a_file_that_has_grown_is_counted_anew_or_added_up),
		T(without_the_file_nothing_is_added),
		T(a_hostile_file_changes_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
