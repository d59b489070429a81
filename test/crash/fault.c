/*
 * fault.c - stands before write, sync, rename and the clock, and lets the n-th fail.
 *
 * Preloaded into all processes of a server (LD_PRELOAD), which share what
 * WAYBILL_FAULT names: a file of struct fault that the test writes while the
 * server runs (test/crash/fault.py).  Only files and folders of the file
 * system that it names count, so that neither sockets nor memory files do.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_WRITE,	/* write(2) and its kind */
	FAULT_SYNC,
	FAULT_RENAME,	/* rename, link, unlink */
	FAULT_CREATE,	/* open with O_CREAT, mkdir */
	FAULT_GROW,	/* ftruncate, fallocate */
	FAULT_SHORT,	/* a write takes half */
	FAULT_KINDS
};

/* As fault.py packs it. */
struct fault {
	_Atomic uint32_t	kind;		/* what fails; FAULT_NONE: nothing */
	_Atomic uint32_t	error;		/* errno */
	_Atomic int64_t		countdown;	/* the call that makes it 0 fails */
	_Atomic uint32_t	forever;	/* and all after it */
	_Atomic uint32_t	hits;		/* that have failed */
	_Atomic uint64_t	device;		/* st_dev */
	_Atomic int64_t		wall_ns;	/* added to CLOCK_REALTIME */
	_Atomic int64_t		boot_ns;	/* to CLOCK_BOOTTIME */
	_Atomic uint64_t	seen[FAULT_KINDS]; /* calls of each kind */
};

static struct fault	*fault;

__attribute__((constructor)) static void
from_environment(void)
{
	const char	*path = getenv("WAYBILL_FAULT");
	int		 fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void		*p;

	if (fd == -1)
		return;
	p = mmap(NULL, sizeof(*fault), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		fault = p;
}

/* --- whether this call fails */

static bool
fails(uint32_t kind)
{
	int64_t	left;

	atomic_fetch_add(&fault->seen[kind], 1);
	if (atomic_load(&fault->kind) != kind)
		return false;
	left = atomic_fetch_sub(&fault->countdown, 1) - 1;
	if (left > 0 || (left < 0 && !atomic_load(&fault->forever)))
		return false;
	atomic_fetch_add(&fault->hits, 1);
	errno = (int)atomic_load(&fault->error);
	return true;
}

static bool
counts(const struct stat *st)
{
	return (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) &&
	    st->st_dev == atomic_load(&fault->device);
}

static bool
fd_fails(int fd, uint32_t kind)
{
	struct stat	st;
	int		saved = errno;
	bool		ours = fault != NULL && fstat(fd, &st) == 0 &&
	    counts(&st);

	errno = saved;
	return ours && fails(kind);
}

/* What is named need not be there: its folder says where it is. */
static bool
name_fails(int dirfd, const char *path, uint32_t kind)
{
	struct stat	 st;
	char		 dir[4096];
	const char	*slash = strrchr(path, '/');
	int		 saved = errno;
	bool		 ours;

	if (fault == NULL)
		return false;
	snprintf(dir, sizeof(dir), "%.*s", slash == NULL ? 1 :
	    (int)(slash - path) + 1, slash == NULL ? "." : path);
	ours = fstatat(dirfd, dir, &st, 0) == 0 && counts(&st);
	errno = saved;
	return ours && fails(kind);
}

/* --- what stands before the C library */

#define NEXT(name, result, ...) \
	static result (*next)(__VA_ARGS__); \
	if (next == NULL) \
		*(void **)&next = dlsym(RTLD_NEXT, name)

/* How much of n a write takes. */
static size_t
taken(int fd, size_t n)
{
	return n > 1 && fd_fails(fd, FAULT_SHORT) ? n / 2 : n;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	NEXT("write", ssize_t, int, const void *, size_t);
	return fd_fails(fd, FAULT_WRITE) ? -1 : next(fd, p, taken(fd, n));
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	NEXT("pwrite", ssize_t, int, const void *, size_t, off_t);
	return fd_fails(fd, FAULT_WRITE) ? -1 : next(fd, p, taken(fd, n), at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	NEXT("writev", ssize_t, int, const struct iovec *, int);
	if (fd_fails(fd, FAULT_WRITE))
		return -1;
	return next(fd, v, n > 1 && fd_fails(fd, FAULT_SHORT) ? n / 2 : n);
}

ssize_t
pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	NEXT("pwritev", ssize_t, int, const struct iovec *, int, off_t);
	if (fd_fails(fd, FAULT_WRITE))
		return -1;
	return next(fd, v, n > 1 && fd_fails(fd, FAULT_SHORT) ? n / 2 : n, at);
}

ssize_t
pwritev64(int fd, const struct iovec *v, int n, off_t at)
{
	return pwritev(fd, v, n, at);
}

int
fsync(int fd)
{
	NEXT("fsync", int, int);
	return fd_fails(fd, FAULT_SYNC) ? -1 : next(fd);
}

int
fdatasync(int fd)
{
	NEXT("fdatasync", int, int);
	return fd_fails(fd, FAULT_SYNC) ? -1 : next(fd);
}

int
renameat(int from, const char *old, int to, const char *new)
{
	NEXT("renameat", int, int, const char *, int, const char *);
	return name_fails(to, new, FAULT_RENAME) ? -1 :
	    next(from, old, to, new);
}

int
rename(const char *old, const char *new)
{
	return renameat(AT_FDCWD, old, AT_FDCWD, new);
}

int
linkat(int from, const char *old, int to, const char *new, int flags)
{
	NEXT("linkat", int, int, const char *, int, const char *, int);
	return name_fails(to, new, FAULT_RENAME) ? -1 :
	    next(from, old, to, new, flags);
}

int
link(const char *old, const char *new)
{
	return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	NEXT("unlinkat", int, int, const char *, int);
	return name_fails(dirfd, path, FAULT_RENAME) ? -1 :
	    next(dirfd, path, flags);
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	NEXT("mkdirat", int, int, const char *, mode_t);
	return name_fails(dirfd, path, FAULT_CREATE) ? -1 :
	    next(dirfd, path, mode);
}

static int
open_next(int dirfd, const char *path, int flags, mode_t mode)
{
	NEXT("openat", int, int, const char *, int, ...);
	return flags & O_CREAT && name_fails(dirfd, path, FAULT_CREATE) ? -1 :
	    next(dirfd, path, flags, mode);
}

#define OPEN(call, dirfd) do { \
	va_list	ap; \
	mode_t	mode = 0; \
	if (flags & O_CREAT) { \
		va_start(ap, flags); \
		mode = (mode_t)va_arg(ap, int); \
		va_end(ap); \
	} \
	return open_next(dirfd, path, flags, mode); \
} while (0)

int
openat(int dirfd, const char *path, int flags, ...)
{
	OPEN(openat, dirfd);
}

int
openat64(int dirfd, const char *path, int flags, ...)
{
	OPEN(openat64, dirfd);
}

int
open(const char *path, int flags, ...)
{
	OPEN(open, AT_FDCWD);
}

int
open64(const char *path, int flags, ...)
{
	OPEN(open64, AT_FDCWD);
}

int
ftruncate(int fd, off_t n)
{
	NEXT("ftruncate", int, int, off_t);
	return fd_fails(fd, FAULT_GROW) ? -1 : next(fd, n);
}

int
ftruncate64(int fd, off_t n)
{
	return ftruncate(fd, n);
}

int
fallocate(int fd, int mode, off_t at, off_t n)
{
	NEXT("fallocate", int, int, int, off_t, off_t);
	return fd_fails(fd, FAULT_GROW) ? -1 : next(fd, mode, at, n);
}

int
posix_fallocate(int fd, off_t at, off_t n)
{
	NEXT("posix_fallocate", int, int, off_t, off_t);
	return fd_fails(fd, FAULT_GROW) ? errno : next(fd, at, n);
}

/* --- clocks that jump */

int
clock_gettime(clockid_t which, struct timespec *ts)
{
	NEXT("clock_gettime", int, clockid_t, struct timespec *);
	int	result = next(which, ts);
	int64_t	ns = 0;

	if (result != 0 || fault == NULL)
		return result;
	if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)
		ns = atomic_load(&fault->wall_ns);
	else if (which == CLOCK_BOOTTIME)
		ns = atomic_load(&fault->boot_ns);
	ns += ts->tv_nsec;
	ts->tv_sec += ns / 1000000000 - (ns % 1000000000 < 0);
	ts->tv_nsec = ns % 1000000000 + (ns % 1000000000 < 0 ? 1000000000 : 0);
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec	ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
