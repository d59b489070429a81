/*
 * fileio.c - whole reads and writes, and names that survive a power cut.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fileio.h"

#define CHUNK	(64u << 10)

/* A pipe has no offsets: read on where it stands. */
static ssize_t
read_at(int fd, char *p, size_t n, size_t off)
{
	ssize_t	got;

	do {
		got = pread(fd, p, n, (off_t)off);
		if (got == -1 && errno == ESPIPE)
			got = read(fd, p, n);
	} while (got == -1 && errno == EINTR);
	return got;
}

int
file_read_fd(int fd, size_t max, struct buf *out)
{
	size_t		chunk, total = 0;
	struct stat	st;
	ssize_t		got;

	chunk = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size > 0 && (size_t)st.st_size <= max ?
	    (size_t)st.st_size + 1 : CHUNK;
	while ((got = read_at(fd, buf_reserve(out, chunk), chunk, total)) > 0) {
		buf_grown(out, (size_t)got);
		total += (size_t)got;
		if (total > max) {
			errno = EFBIG;
			return -1;
		}
		chunk = CHUNK;
	}
	return got == 0 ? 0 : -1;
}

static int
check_kind(int fd)
{
	struct stat	st;

	if (fstat(fd, &st) == -1)
		return -1;
	if (S_ISDIR(st.st_mode))
		errno = EISDIR;
	else if (S_ISFIFO(st.st_mode))
		errno = EINVAL;
	else
		return 0;
	return -1;
}

int
file_read(const char *path, size_t max, struct buf *out)
{
	int	fd, rc, saved;

	/* The open of a FIFO would wait for a writer, and a terminal be ours. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
	    O_NOCTTY)) == -1)
		return -1;
	rc = check_kind(fd) == -1 ? -1 : file_read_fd(fd, max, out);
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

int
file_write_all(int fd, const void *data, size_t n)
{
	const char	*p = data;
	ssize_t		 done;

	while (n > 0) {
		if ((done = write(fd, p, n)) == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

int
file_pwrite_all(int fd, const void *data, size_t n, uint64_t off)
{
	const char	*p = data;
	ssize_t		 done;

	while (n > 0) {
		if ((done = pwrite(fd, p, n, (off_t)off)) == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		p += done;
		off += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int
file_pread_all(int fd, void *out, size_t n, uint64_t off)
{
	char	*p = out;
	ssize_t	 got;

	while (n > 0) {
		if ((got = pread(fd, p, n, (off_t)off)) == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (got == 0) {
			errno = ENODATA;
			return -1;
		}
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

/* Content, mode and the file itself are on disk when this returns 0. */
static int
write_synced(int dirfd, const char *name, const void *data, size_t n,
    unsigned mode)
{
	int	fd, rc = -1, saved;

	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, (mode_t)mode);
	if (fd == -1)
		return -1;
	if (fchmod(fd, (mode_t)mode) == 0 &&
	    file_write_all(fd, data, n) == 0 && fsync(fd) == 0)
		rc = 0;
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

int
file_replace(int dirfd, const char *name, const void *data, size_t n,
    unsigned mode)
{
	char	beside[256];
	int	len, saved;

	len = snprintf(beside, sizeof(beside), ".%s.new", name);
	if (len < 0 || (size_t)len >= sizeof(beside)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (write_synced(dirfd, beside, data, n, mode) == 0 &&
	    renameat(dirfd, beside, dirfd, name) == 0)
		return fsync(dirfd);
	saved = errno;
	(void)unlinkat(dirfd, beside, 0);
	errno = saved;
	return -1;
}
