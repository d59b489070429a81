/*
 * writer.c - writing a database file: which formats there are, and names that
 * outlive a power cut.
 */
#include "config.h"

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
    unsigned mode, const char **why)
{
	struct map_writer	*w;
	void			*file;

	*why = NULL;
	if ((file = f->open(path, mode, why)) == NULL)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->format = f;
	w->file = file;
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

int
map_writer_close(struct map_writer **wp, const char **why)
{
	struct map_writer	*w = *wp;
	int			 rc;

	*wp = NULL;
	*why = NULL;
	rc = w->format->close(w->file, !w->failed, why);
	if (w->failed) {
		*why = w->why;
		errno = w->saved_errno;
		rc = -1;
	}
	free(w);
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

int
map_write_sync(const char *path)
{
	int	 fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd == -1)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}
