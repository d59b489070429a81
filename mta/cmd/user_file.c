/*
 * user_file.c - an accounts file: read, and replaced by another.
 *
 * The new one is written beside, with the mode and the owner of the old, synced,
 * read again, and renamed; then its folder is synced.  Whoever reads has the
 * old one or the new.  A lock on the folder keeps two changes apart: one on
 * the file would be gone with it.
 */
#include "config.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/xalloc.h"
#include "maps/map.h"
#include "mta/auth/secret.h"

#include "mta/cmd/user.h"

#define FILE_MAX	(1u << 30)	/* octets, as of any table */
#define LOCK_TRIES	200		/* of LOCK_STEP_MS: 10 s */
#define LOCK_STEP_MS	50

static int
said(const char *path, const char *what)
{
	fprintf(stderr, "waybill user: %s: %s\n", path, what);
	return -1;
}

static int
said_errno(const char *path)
{
	return said(path, strerror(errno));
}

/* --- opening */

/* The path without links; of a file that is not there, its folder's. */
static char *
real_path(const char *path, bool may_be_new)
{
	char		*real = realpath(path, NULL), *copy, *folder, *out;
	const char	*slash;

	if (real != NULL || errno != ENOENT || !may_be_new)
		return real;
	slash = strrchr(path, '/');
	copy = slash == NULL ? xstrdup(".") :
	    xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	folder = realpath(copy, NULL);
	free(copy);
	if (folder == NULL)
		return NULL;
	out = xasprintf("%s/%s", folder, slash == NULL ? path : slash + 1);
	free(folder);
	return out;
}

static int
lock(const struct user_file *f)
{
	int	 i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(f->dir, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return said_errno(f->path);
		(void)poll(NULL, 0, LOCK_STEP_MS);
	}
	return said(f->path, "somebody else is changing a file of this folder");
}

static int
open_folder(struct user_file *f)
{
	char	*slash = strrchr(f->path, '/');
	char	*folder = xstrndup(f->path, slash == f->path ? 1 :
	    (size_t)(slash - f->path));

	f->name = slash + 1;
	f->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	return f->dir == -1 ? said_errno(f->path) : 0;
}

static int
read_text(struct user_file *f)
{
	if (fstat(f->fd, &f->st) == -1)
		return said_errno(f->path);
	if (!S_ISREG(f->st.st_mode))
		return said(f->path, "no plain file");
	if (file_read_fd(f->fd, FILE_MAX, &f->text) == -1)
		return said_errno(f->path);
	return 0;
}

static void
problem(void *arg, const struct map_problem *p)
{
	struct user_file	*f = arg;

	if (p->warning)
		return;
	f->mistakes++;
	if (p->line > 0)
		fprintf(stderr, "%s:%u:%u: error: %s\n", f->path, p->line,
		    p->column, p->what);
	else
		fprintf(stderr, "%s: error: %s\n", f->path, p->what);
}

/* Says the mistakes; the entries. */
static size_t
check(struct user_file *f, int fd)
{
	struct map_source	 src = { .name = SPAN("accounts"),
	    .driver = SPAN("text"), .kind = SPAN("accounts"), .fd = fd,
	    .path = f->path, .problem = problem, .arg = f };
	struct map		*m = map_open(&src);
	size_t			 n = map_size(m);

	map_close(&m);
	return n;
}

int
user_file_open(struct user_file *f, const char *path, bool change,
    bool may_be_new)
{
	*f = (struct user_file){ .dir = -1, .fd = -1 };
	if ((f->path = real_path(path, may_be_new)) == NULL) {
		(void)said_errno(path);
		return CMD_USAGE;
	}
	if (open_folder(f) == -1 || (change && lock(f) == -1))
		return CMD_USAGE;
	f->fd = openat(f->dir, f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY);
	if (f->fd == -1 && errno == ENOENT && may_be_new)
		return CMD_OK;
	if (f->fd == -1) {
		(void)said_errno(f->path);
		return CMD_USAGE;
	}
	if (read_text(f) == -1)
		return CMD_USAGE;
	(void)check(f, f->fd);
	if (change && cmd_exposed(f->path))
		cmd_say_exposed(f->path);
	return CMD_OK;
}

void
user_file_close(struct user_file *f)
{
	if (f->fd != -1)
		close(f->fd);
	if (f->dir != -1)
		close(f->dir);
	secret_buf_clear(&f->text);
	free(f->path);
	*f = (struct user_file){ .dir = -1, .fd = -1 };
}

/* --- replacing */

/* Mode and owner of the old file; a new one is its maker's alone. */
static int
keep_owner(const struct user_file *f, int fd)
{
	if (f->fd != -1) {
		if ((f->st.st_uid != geteuid() || f->st.st_gid != getegid()) &&
		    fchown(fd, f->st.st_uid, f->st.st_gid) == -1)
			return -1;
		return fchmod(fd, f->st.st_mode & 0777);
	}
	return fchmod(fd, 0600);
}

static int
write_beside(struct user_file *f, const char *beside, struct span text)
{
	int	 fd;

	if (unlinkat(f->dir, beside, 0) == -1 && errno != ENOENT)
		return said_errno(f->path);	/* what a killed one has left */
	fd = openat(f->dir, beside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1)
		return said_errno(f->path);
	if (keep_owner(f, fd) == -1) {
		close(fd);
		return said(f->path, "its owner or mode cannot be kept");
	}
	if (file_write_all(fd, text.p, text.n) == -1 || fsync(fd) == -1) {
		(void)said_errno(f->path);
		close(fd);
		return -1;
	}
	return fd;
}

int
user_file_replace(struct user_file *f, struct span text)
{
	char	*beside = xasprintf(".%s.new", f->name);
	int	 fd = write_beside(f, beside, text), rc = -1;

	if (fd != -1) {
		(void)check(f, fd);
		if (f->mistakes > 0)
			(void)said(f->path, "not changed: what would stand "
			    "there has mistakes");
		else if (renameat(f->dir, beside, f->dir, f->name) == -1 ||
		    fsync(f->dir) == -1)
			(void)said_errno(f->path);
		else
			rc = 0;
		close(fd);
	}
	if (rc == -1)
		(void)unlinkat(f->dir, beside, 0);
	free(beside);
	return rc;
}
