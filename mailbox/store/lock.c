/*
 * lock.c - a file of messages is ours alone.
 *
 * The locks of fcntl(2) are those of open files (F_OFD_SETLK): they exclude
 * other threads of this process too, and other programs' locks of processes.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "mailbox/store/lock.h"

#define POLL_LEAST_MS	2
#define POLL_MOST_MS	200

bool
lock_order_parse(struct span list, struct lock_order *out)
{
	struct span	 word;
	ptrdiff_t	 at;
	unsigned	 n = 0;

	*out = (struct lock_order){ { LOCK_NONE, LOCK_NONE } };
	for (; list.n > 0; list = span_from(list, word.n + 1)) {
		word = list;
		if ((at = span_index(list, ',')) != -1)
			word.n = (size_t)at;
		if (n == LOCK_KINDS)
			return false;
		if (span_eq(word, SPAN("fcntl")))
			out->kinds[n] = LOCK_FCNTL;
		else if (span_eq(word, SPAN("dotlock")))
			out->kinds[n] = LOCK_DOTLOCK;
		else
			return false;
		if (n++ == 1 && out->kinds[0] == out->kinds[1])
			return false;
	}
	return n > 0;
}

/* --- fcntl */

int
lock_fcntl(int fd)
{
	struct flock	 fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
		return 0;
	if (errno == EACCES)
		errno = EAGAIN;
	return -1;
}

/* --- dotlock */

/* The number of a process that certainly is not there. */
static bool
is_dead(long pid)
{
	int	 fd;

	if (pid <= 0 || pid > INT_MAX)
		return false;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (fd != -1)
		close(fd);
	return fd == -1 && errno == ESRCH;
}

/* A number and nothing else: "123:host" may be a process of another machine. */
static long
pid_in(int fd)
{
	char	 text[32], *end;
	ssize_t	 n = read(fd, text, sizeof(text) - 1);
	long	 pid;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	pid = strtol(text, &end, 10);
	return end[strspn(end, " \n")] == '\0' ? pid : 0;
}

/* What stands there is nobody's any more; *st: which file it is. */
static bool
is_stale(const char *path, struct stat *st)
{
	int64_t	 age_s;
	bool	 dead;
	int	 fd;

	if (lstat(path, st) == -1)
		return false;
	age_s = (int64_t)(time(NULL) - st->st_mtime);
	if (age_s > LOCK_STALE_S)
		return true;
	if (age_s <= LOCK_DEAD_S || !S_ISREG(st->st_mode))
		return false;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return false;
	dead = is_dead(pid_in(fd));
	close(fd);
	return dead;
}

/*
 * Takes a stale lock away: first to another name, since somebody else may
 * have done so meanwhile, and what stands there be his new one.
 */
static void
break_stale(const char *path, const struct stat *stale)
{
	static _Atomic unsigned	 serial;
	char			 aside[PATH_MAX + 40];
	struct stat		 st;

	snprintf(aside, sizeof(aside), "%s.%ld.%u", path, (long)getpid(),
	    ++serial);
	if (rename(path, aside) == -1)
		return;
	if (lstat(aside, &st) == 0 && (st.st_ino != stale->st_ino ||
	    st.st_dev != stale->st_dev))
		(void)!link(aside, path);
	(void)unlink(aside);
}

static int
try_dotlock(const char *path)
{
	struct stat	 st;
	char		 pid[24];
	int		 fd, n;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		if (errno != EEXIST)
			return -1;
		if (is_stale(path, &st))
			break_stale(path, &st);
		errno = EAGAIN;
		return -1;
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	errno = 0;
	if (write(fd, pid, (size_t)n) == n) {
		close(fd);
		return 0;
	}
	/* Without a number nobody would know that its owner is gone. */
	n = errno;
	close(fd);
	(void)unlink(path);
	errno = n == 0 ? ENOSPC : n;
	return -1;
}

/* --- both */

static void
nap(int64_t ms)
{
	struct timespec	 t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

static int
try_one(enum lock_kind kind, const char *dotlock, int fd)
{
	return kind == LOCK_FCNTL ? lock_fcntl(fd) : try_dotlock(dotlock);
}

int
lock_take(struct lock *l, const struct lock_order *order, const char *path,
    int fd, int64_t wait_ms)
{
	int64_t	 end_ms = clock_boot_ms() + wait_ms, poll_ms = POLL_LEAST_MS;
	char	 name[PATH_MAX];
	int	 i, n;

	l->dotlock[0] = '\0';
	n = snprintf(name, sizeof(name), "%s.lock", path);
	if (n < 0 || (size_t)n >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (i = 0; i < LOCK_KINDS && order->kinds[i] != LOCK_NONE;) {
		if (try_one(order->kinds[i], name, fd) == 0) {
			if (order->kinds[i++] == LOCK_DOTLOCK)
				memcpy(l->dotlock, name, (size_t)n + 1);
			continue;
		}
		if (errno != EAGAIN || clock_boot_ms() >= end_ms) {
			n = errno;
			lock_drop(l);
			errno = n;
			return -1;
		}
		nap(poll_ms);
		poll_ms = poll_ms * 2 < POLL_MOST_MS ? poll_ms * 2 :
		    POLL_MOST_MS;
	}
	return 0;
}

/* One that cannot be taken away is stale for everybody at once. */
static void
remove_dotlock(const char *path)
{
	const struct timespec	 long_ago[2] = { { 0, 0 }, { 0, 0 } };

	if (unlink(path) == -1 && errno != ENOENT)
		(void)utimensat(AT_FDCWD, path, long_ago, AT_SYMLINK_NOFOLLOW);
}

void
lock_drop(struct lock *l)
{
	if (l->dotlock[0] != '\0')
		remove_dotlock(l->dotlock);
	l->dotlock[0] = '\0';
}
