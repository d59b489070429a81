/*
 * fileio_test.c - whole reads and writes, and files that are replaced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"

static char	dir[] = "/tmp/fileio_test.XXXXXX";
static int	dirfd_;

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
	return dirfd_ == -1 ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	close(dirfd_);
	return rmdir(dir);
}

static int
scratch(const char *content, size_t n)
{
	int	fd = openat(dirfd_, "scratch", O_RDWR | O_CREAT, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(file_write_all(fd, content, n), 0);
	assert_int_equal(unlinkat(dirfd_, "scratch", 0), 0);
	return fd;
}

static void
all_of_a_file_is_read(void **state)
{
	struct buf	b = { 0 };
	size_t		n = 300000;
	char		*text = malloc(n);
	int		fd;

	(void)state;
	assert_non_null(text);
	memset(text, 'y', n);
	fd = scratch(text, n);
	buf_add_str(&b, "before ");
	assert_int_equal(file_read_fd(fd, n, &b), 0);
	assert_int_equal(b.n, n + 7);
	assert_memory_equal(b.base, "before yyy", 10);
	buf_reset(&b);
	assert_int_equal(file_read_fd(fd, n - 1, &b), -1);
	assert_int_equal(errno, EFBIG);
	buf_clear(&b);
	close(fd);
	free(text);
}

static void
a_pipe_is_read_too(void **state)
{
	struct buf	b = { 0 };
	int		pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(file_write_all(pipes[1], "through", 7), 0);
	close(pipes[1]);
	assert_int_equal(file_read_fd(pipes[0], 100, &b), 0);
	assert_string_equal(buf_cstr(&b), "through");
	buf_clear(&b);
	close(pipes[0]);
}

static void
a_missing_file_is_an_error(void **state)
{
	struct buf	b = { 0 };

	(void)state;
	assert_int_equal(file_read("/no/such/file", 10, &b), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(b.n, 0);
}

static void
positions(void **state)
{
	char	out[4];
	int	fd = scratch("0123456789", 10);

	(void)state;
	assert_int_equal(file_pwrite_all(fd, "ab", 2, 4), 0);
	assert_int_equal(file_pread_all(fd, out, 4, 3), 0);
	assert_memory_equal(out, "3ab6", 4);
	assert_int_equal(file_pread_all(fd, out, 4, 8), -1);
	assert_int_equal(errno, ENODATA);
	close(fd);
	assert_int_equal(file_pwrite_all(-1, "x", 1, 0), -1);
	assert_int_equal(errno, EBADF);
}

static void
a_file_is_replaced_whole(void **state)
{
	struct buf	b = { 0 };
	struct stat	st;
	int		fd;

	(void)state;
	assert_int_equal(file_replace(dirfd_, "f", "old text", 8, 0600), 0);
	assert_int_equal(file_replace(dirfd_, "f", "new", 3, 0640), 0);
	assert_int_equal(fstatat(dirfd_, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	fd = openat(dirfd_, "f", O_RDONLY);
	assert_int_equal(file_read_fd(fd, 100, &b), 0);
	assert_string_equal(buf_cstr(&b), "new");
	assert_int_equal(fstatat(dirfd_, ".f.new", &st, 0), -1);
	close(fd);
	buf_clear(&b);
	assert_int_equal(unlinkat(dirfd_, "f", 0), 0);
}

static void
what_cannot_be_replaced_stays(void **state)
{
	char		name[300];
	struct stat	st;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(file_replace(dirfd_, name, "x", 1, 0600), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(mkdirat(dirfd_, "d", 0700), 0);
	assert_int_equal(file_replace(dirfd_, "d", "x", 1, 0600), -1);
	assert_int_equal(fstatat(dirfd_, ".d.new", &st, 0), -1);
	assert_int_equal(unlinkat(dirfd_, "d", AT_REMOVEDIR), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(all_of_a_file_is_read),
		cmocka_unit_test(a_pipe_is_read_too),
		cmocka_unit_test(a_missing_file_is_an_error),
		cmocka_unit_test(positions),
		cmocka_unit_test(a_file_is_replaced_whole),
		cmocka_unit_test(what_cannot_be_replaced_stays),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
