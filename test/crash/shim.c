/*
 * shim.c - stands before write, sync and rename, and records them.
 *
 * Linked into a test, or preloaded into the server's processes
 * (LD_PRELOAD, WAYBILL_SHIM_TRACE=file).  A write is recorded when it has
 * ended, a sync when it begins and when it has ended: what was recorded before
 * BEGIN is durable after END, and nothing else.
 */
#include "test/crash/trace.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char	*map;
static bool	 swallow;

/* --- the record */

void
trace_open(const char *path)
{
	int	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	void	*p;

	if (fd == -1 || ftruncate(fd, (off_t)TRACE_SIZE) == -1)
		abort();
	p = mmap(NULL, TRACE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		abort();
	close(fd);
	map = p;
}

void
trace_swallow_syncs(bool on)
{
	swallow = on;
}

__attribute__((constructor)) static void
from_environment(void)
{
	const char	*path = getenv("WAYBILL_SHIM_TRACE");

	if (path != NULL)
		trace_open(path);
	if (getenv("WAYBILL_SHIM_NO_SYNC") != NULL)
		swallow = true;
}

/* Room for an event and its data; store its kind when all is there. */
static struct trace_event *
reserve(size_t data_n)
{
	_Atomic uint64_t	*used = (_Atomic uint64_t *)(void *)map;
	size_t			 n = (sizeof(struct trace_event) + data_n + 7) &
	    ~(size_t)7;
	uint64_t		 at;
	struct trace_event	*e;

	at = atomic_fetch_add(used, n);
	if (8 + at + n > TRACE_SIZE)
		abort();
	e = (struct trace_event *)(void *)(map + 8 + at);
	e->data_n = (uint32_t)data_n;
	return e;
}

static void
publish(struct trace_event *e, enum trace_kind kind)
{
	atomic_store((_Atomic uint32_t *)(void *)&e->kind, (uint32_t)kind);
}

/* Regular files and folders count; sockets and the like do not. */
static bool
inode(int fd, uint64_t *ino)
{
	struct stat	st;
	int		saved = errno;
	bool		ok;

	ok = map != NULL && fstat(fd, &st) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
	*ino = ok ? st.st_ino : 0;
	errno = saved;
	return ok;
}

static bool
is_zero(const char *p, size_t n)
{
	return n > 0 && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static void
record_write(uint64_t ino, const void *p, size_t n, uint64_t offset)
{
	bool			 zero = is_zero(p, n);
	struct trace_event	*e = reserve(zero ? 0 : n);

	e->ino = ino;
	e->offset = offset;
	e->size = n;
	if (!zero)
		memcpy(e + 1, p, n);
	publish(e, zero ? TRACE_ZERO : TRACE_WRITE);
}

static void
record(enum trace_kind kind, uint64_t dir, uint64_t ino, const char *data,
    size_t n, uint64_t offset)
{
	struct trace_event	*e = reserve(n);

	e->dir = dir;
	e->ino = ino;
	e->offset = offset;
	if (n > 0)
		memcpy(e + 1, data, n);
	publish(e, kind);
}

void
trace_mark(enum trace_mark what, uint64_t number)
{
	struct trace_event	*e;

	if (map == NULL)
		return;
	e = reserve(0);
	e->offset = what;
	e->size = number;
	publish(e, TRACE_MARK);
}

/* --- what stands before the C library */

#define NEXT(type, name) \
	static type (*next); \
	if (next == NULL) \
		*(void **)&next = dlsym(RTLD_NEXT, name)

typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t write_fn(int, const void *, size_t);
typedef ssize_t writev_fn(int, const struct iovec *, int);
typedef ssize_t pwritev_fn(int, const struct iovec *, int, off_t);
typedef int sync_fn(int);
typedef int openat_fn(int, const char *, int, ...);
typedef int open_fn(const char *, int, ...);
typedef int renameat_fn(int, const char *, int, const char *);
typedef int unlinkat_fn(int, const char *, int);
typedef int ftruncate_fn(int, off_t);
typedef int fallocate_fn(int, int, off_t, off_t);

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	NEXT(pwrite_fn, "pwrite");
	ssize_t		done = next(fd, p, n, at);
	uint64_t	ino;

	if (done > 0 && inode(fd, &ino))
		record_write(ino, p, (size_t)done, (uint64_t)at);
	return done;
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	NEXT(write_fn, "write");
	ssize_t		done = next(fd, p, n);
	uint64_t	ino;

	if (done > 0 && inode(fd, &ino))
		record_write(ino, p, (size_t)done,
		    (uint64_t)(lseek(fd, 0, SEEK_CUR) - done));
	return done;
}

static void
record_vector(uint64_t ino, const struct iovec *v, int n, uint64_t at,
    size_t done)
{
	size_t	k;
	int	i;

	for (i = 0; i < n && done > 0; i++) {
		k = v[i].iov_len < done ? v[i].iov_len : done;
		if (k > 0)
			record_write(ino, v[i].iov_base, k, at);
		at += k;
		done -= k;
	}
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	NEXT(pwritev_fn, "pwritev");
	ssize_t		done = next(fd, v, n, at);
	uint64_t	ino;

	if (done > 0 && inode(fd, &ino))
		record_vector(ino, v, n, (uint64_t)at, (size_t)done);
	return done;
}

ssize_t
pwritev64(int fd, const struct iovec *v, int n, off_t at)
{
	return pwritev(fd, v, n, at);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	NEXT(writev_fn, "writev");
	ssize_t		done = next(fd, v, n);
	uint64_t	ino;

	if (done > 0 && inode(fd, &ino))
		record_vector(ino, v, n,
		    (uint64_t)(lseek(fd, 0, SEEK_CUR) - done), (size_t)done);
	return done;
}

static int
synced(int fd, sync_fn *next)
{
	uint64_t	ino;
	int		result;

	if (swallow)
		return 0;
	if (!inode(fd, &ino))
		return next(fd);
	record(TRACE_BEGIN, 0, ino, NULL, 0, 0);
	result = next(fd);
	if (result == 0)
		record(TRACE_END, 0, ino, NULL, 0, 0);
	return result;
}

int
fdatasync(int fd)
{
	NEXT(sync_fn, "fdatasync");
	return synced(fd, next);
}

int
fsync(int fd)
{
	NEXT(sync_fn, "fsync");
	return synced(fd, next);
}

static void
record_open(int dirfd, const char *name, int flags, int fd)
{
	uint64_t	ino, dir;

	if (fd == -1 || !(flags & O_CREAT) || !inode(fd, &ino))
		return;
	if (dirfd >= 0 && inode(dirfd, &dir))
		record(TRACE_CREATE, dir, ino, name, strlen(name), 0);
	if (flags & O_TRUNC)
		record(TRACE_TRUNC, 0, ino, NULL, 0, 0);
}

int
openat(int dirfd, const char *name, int flags, ...)
{
	NEXT(openat_fn, "openat");
	va_list	ap;
	int	fd;
	mode_t	mode = 0;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = (mode_t)va_arg(ap, int);
		va_end(ap);
	}
	fd = next(dirfd, name, flags, mode);
	record_open(dirfd, name, flags, fd);
	return fd;
}

int
renameat(int from, const char *old, int to, const char *new)
{
	NEXT(renameat_fn, "renameat");
	int		result = next(from, old, to, new);
	uint64_t	dir, source;
	char		both[512];
	size_t		n = strlen(old) + 1 + strlen(new);

	if (result == 0 && inode(to, &dir) && inode(from, &source) &&
	    n < sizeof(both)) {
		strcpy(both, old);
		strcpy(both + strlen(old) + 1, new);
		if (source == dir)
			record(TRACE_RENAME, dir, 0, both, n, 0);
		else
			record(TRACE_MOVE, dir, source, both, n, 0);
	}
	return result;
}

int
unlinkat(int dirfd, const char *name, int flags)
{
	NEXT(unlinkat_fn, "unlinkat");
	int		result = next(dirfd, name, flags);
	uint64_t	dir;

	if (result == 0 && inode(dirfd, &dir))
		record(TRACE_UNLINK, dir, 0, name, strlen(name), 0);
	return result;
}

int
ftruncate(int fd, off_t n)
{
	NEXT(ftruncate_fn, "ftruncate");
	int		result = next(fd, n);
	uint64_t	ino;

	if (result == 0 && inode(fd, &ino))
		record(TRACE_TRUNC, 0, ino, NULL, 0, (uint64_t)n);
	return result;
}

/* Space without octets: a file that became longer reads as zeros. */
int
fallocate(int fd, int mode, off_t at, off_t n)
{
	NEXT(fallocate_fn, "fallocate");
	int		result = next(fd, mode, at, n);
	uint64_t	ino;

	if (result == 0 && mode == 0 && inode(fd, &ino))
		record(TRACE_TRUNC, 1, ino, NULL, 0, (uint64_t)(at + n));
	return result;
}
