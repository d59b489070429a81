/*
 * writer.c - writing a database file: which formats there are, and names that
 * outlive a power cut.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "maps/writer_int.h"

struct map_writer {
	const struct map_writer_format	*format;
	void				*file;
	int				 fd;
	const char			*why;	/* of the first failure */
	int				 saved_errno;
	bool				 failed;
};

static const struct map_writer_format *const formats[] = {
	&map_writer_gdbm, &map_writer_cdb, &map_writer_lmdb,
	&map_writer_hash, &map_writer_btree
};

const struct map_writer_format *
map_writer_find(struct span name, const char **why)
{
	size_t	 i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!span_eq(name, span_of(formats[i]->name)))
			continue;
		if (formats[i]->open != NULL)
			return formats[i];
		*why = "this program was built without Berkeley DB "
		    "(--with-db); gdbm, cdb and lmdb can be made";
		return NULL;
	}
	*why = "no such database; there are gdbm, cdb, lmdb, hash and btree";
	return NULL;
}

struct map_writer *
map_writer_open(const struct map_writer_format *f, const char *path,
    const char **why)
{
	struct map_writer	*w;
	void			*file;
	int			 fd, saved;

	*why = NULL;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return NULL;
	if ((file = f->open(fd, why)) == NULL) {
		saved = errno;
		close(fd);
		(void)unlink(path);
		errno = saved;
		return NULL;
	}
	w = xcalloc(1, sizeof(*w));
	w->format = f;
	w->file = file;
	w->fd = fd;
	return w;
}

void
map_writer_put(struct map_writer *w, struct span key, struct span value)
{
	const char	*why = NULL;

	if (w->failed || w->format->put(w->file, key, value, &why) == 0)
		return;
	w->failed = true;
	w->saved_errno = errno;
	w->why = why;
}

/* By the open file: under its name something else may stand by now. */
static int
give(int fd, const struct map_write_owner *to)
{
	if ((to->uid != UINT32_MAX || to->gid != UINT32_MAX) &&
	    fchown(fd, (uid_t)to->uid, (gid_t)to->gid) == -1 && errno != EPERM)
		return -1;
	return fchmod(fd, (mode_t)to->mode) == -1 ? -1 : fsync(fd);
}

int
map_writer_close(struct map_writer **wp, const struct map_write_owner *to,
    const char **why)
{
	struct map_writer	*w = *wp;
	int			 rc, saved;

	*wp = NULL;
	*why = NULL;
	rc = w->format->close(w->file, !w->failed, why);
	saved = errno;
	if (w->failed) {
		*why = w->why;
		saved = w->saved_errno;
		rc = -1;
	} else if (rc == 0 && (rc = give(w->fd, to)) == -1)
		saved = errno;
	close(w->fd);
	free(w);
	errno = saved;
	return rc;
}

char *
map_write_beside(const char *path)
{
	return xasprintf("%s.%ld.new", path, (long)getpid());
}

/* The name outlives a power cut too. */
static int
sync_folder(const char *path)
{
	const char	*slash = strrchr(path, '/');
	char		*dir;
	int		 fd, rc;

	dir = slash == NULL ? xstrdup(".") : slash == path ? xstrdup("/") :
	    xstrndup(path, (size_t)(slash - path));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (fd == -1)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

int
map_write_rename(const char *beside, const char *path)
{
	return rename(beside, path) == -1 ? -1 : sync_folder(path);
}

void
map_write_fd_path(int fd, char *out)
{
	(void)snprintf(out, FD_PATH_MAX, "/proc/self/fd/%d", fd);
}
