/*
 * uidlog_file.c - a uid log on the disk, and the one process that writes it.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/fileio.h"
#include "mailbox/store/folder.h"
#include "mailbox/store/lock.h"
#include "mailbox/store/uidlog.h"

#define TRIES	5	/* the name has got another file while it was locked */

/* The file under its name, locked; -1 with errno. */
static int
open_locked(int folder)
{
	struct stat	 st, now;
	int		 fd, i;

	for (i = 0; i < TRIES; i++) {
		fd = openat(folder, UIDLOG_NAME, O_RDWR | O_CREAT | O_APPEND |
		    O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		if (fd == -1)
			return -1;
		if (lock_fcntl(fd) == -1 || fstat(fd, &st) == -1) {
			folder_close(fd);
			return -1;
		}
		if (S_ISREG(st.st_mode) && fstatat(folder, UIDLOG_NAME, &now,
		    AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == st.st_ino &&
		    now.st_dev == st.st_dev)
			return fd;
		close(fd);
	}
	errno = EAGAIN;
	return -1;
}

static int
read_log(int fd, struct uidlog *l, size_t *octets)
{
	struct buf	 b = { 0 };
	int		 rc;

	rc = file_read_fd(fd, UIDLOG_FILE_MAX, &b);
	*octets = b.n;
	if (rc == 0)
		(void)uidlog_parse(buf_span(&b), l);
	buf_clear(&b);
	return rc;
}

/* These octets are the log from now on; the lock goes over to their file. */
static int
replace(struct uidlog_file *f, struct span octets)
{
	int	 fd;

	fd = openat(f->folder, UIDLOG_NAME ".new", O_RDWR | O_CREAT |
	    O_TRUNC | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (lock_fcntl(fd) == -1 ||
	    file_write_all(fd, octets.p, octets.n) == -1 || fsync(fd) == -1 ||
	    renameat(f->folder, UIDLOG_NAME ".new", f->folder,
	    UIDLOG_NAME) == -1) {
		folder_close(fd);
		return -1;
	}
	close(f->fd);
	f->fd = fd;
	return folder_sync(f->folder);
}

/* UIDs that were told before mean nothing any more. */
static int
begin_anew(struct uidlog_file *f)
{
	uint32_t	 validity = (uint32_t)time(NULL);
	struct buf	 b = { 0 };
	int		 rc;

	if (validity <= f->log.validity)
		validity = f->log.validity + 1;
	uidlog_put_head(&b, validity == 0 ? 1 : validity, 1);
	uidlog_clear(&f->log);
	rc = uidlog_parse(buf_span(&b), &f->log) == 0 ?
	    replace(f, buf_span(&b)) : -1;
	buf_clear(&b);
	return rc;
}

static int
mend(struct uidlog_file *f, size_t octets)
{
	if (f->log.newer) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	if (f->log.validity == 0 || f->log.damaged)
		return begin_anew(f);
	if (f->log.good == octets)
		return 0;
	return ftruncate(f->fd, (off_t)f->log.good) == -1 ? -1 : fsync(f->fd);
}

int
uidlog_open(struct uidlog_file *f, int folder)
{
	size_t	 octets;
	int	 saved;

	memset(f, 0, sizeof(*f));
	f->folder = folder;
	if ((f->fd = open_locked(folder)) == -1)
		return -1;
	if (read_log(f->fd, &f->log, &octets) == 0 && mend(f, octets) == 0)
		return 0;
	saved = errno;
	uidlog_close(f);
	errno = saved;
	return -1;
}

int
uidlog_sync(struct uidlog_file *f)
{
	if (file_write_all(f->fd, buf_span(&f->added).p, f->added.n) == -1 ||
	    fsync(f->fd) == -1)
		return -1;
	buf_reset(&f->added);
	return 0;
}

int
uidlog_compact(struct uidlog_file *f)
{
	struct buf	 b = { 0 };
	size_t		 octets;
	int		 rc = -1;

	uidlog_clear(&f->log);
	if (read_log(f->fd, &f->log, &octets) == 0) {
		uidlog_put_all(&b, &f->log);
		rc = replace(f, buf_span(&b));
	}
	buf_clear(&b);
	return rc;
}

void
uidlog_close(struct uidlog_file *f)
{
	if (f->fd != -1)
		folder_close(f->fd);
	f->fd = -1;
	uidlog_clear(&f->log);
	buf_clear(&f->added);
}
