/*
 * maptable.c - a table that a sub-command opens by itself.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/maptable.h"

/* Of those that are known by a name beside the text. */
static const char *const	databases[] = { "gdbm", "cdb", "lmdb", "hash" };
#define NDATABASES	(sizeof(databases) / sizeof(databases[0]))

/* --- opening */

static int
include(void *arg, const char *path, uint32_t *index)
{
	struct maptable	*t = arg;

	t->includes = xreallocarray(t->includes, t->nincludes + 1,
	    sizeof(*t->includes));
	t->includes[t->nincludes++] = xstrdup(path);
	*index = t->nincludes;
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static void
say(const char *path, const struct map_problem *p)
{
	if (p->line > 0)
		fprintf(stderr, "%s:%u:%u: ", path, p->line, p->column);
	else
		fprintf(stderr, "%s: ", path);
	fprintf(stderr, "%s: %s\n", p->note ? "note" : p->warning ? "warning" :
	    "error", p->what);
}

static void
problem(void *arg, const struct map_problem *p)
{
	struct maptable	*t = arg;
	const char	*path = t->path;

	if (p->file > 0 && p->file <= t->nincludes)
		path = t->includes[p->file - 1];
	if (p->warning || p->note)
		t->warnings++;
	else
		t->mistakes++;
	if (t->problem != NULL)
		t->problem(t->arg, path, p);
	else
		say(path, p);
}

/* By its octets, or by its name when it is damaged; a text else. */
static const char *
database_driver(const char *path, int fd)
{
	const char	*driver = map_database_driver(fd), *suffix;
	size_t		 i, n = strlen(path), len;

	for (i = 0; driver == NULL && i < NDATABASES; i++) {
		suffix = map_driver_suffix(span_of(databases[i]));
		len = strlen(suffix);
		if (n > len && strcmp(path + n - len, suffix) == 0)
			driver = databases[i];
	}
	return driver != NULL ? driver : "text";
}

/* Of the file that is read, not of what has its name when that is done. */
static void
remember_owner(struct maptable *t, int fd)
{
	struct stat	 st;

	t->mode = 0600;
	t->uid = t->gid = UINT32_MAX;
	if (fstat(fd, &st) == -1)
		return;
	t->mode = st.st_mode & 0666;
	t->uid = st.st_uid;
	t->gid = st.st_gid;
}

int
maptable_open(struct maptable *t, struct span driver)
{
	struct map_source	 src = { .name = SPAN("table"),
	    .driver = driver, .path = t->path, .include = include,
	    .problem = problem, .arg = t, .notes = t->notes };
	struct arena		 ar = { 0 };

	if ((src.fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
	    O_NOCTTY)) == -1) {
		fprintf(stderr, "%s: %s: %s\n", t->who, t->path,
		    strerror(errno));
		return -1;
	}
	if (src.driver.n == 0)
		src.driver = span_of(database_driver(t->path, src.fd));
	remember_owner(t, src.fd);
	src.kind = span_of(t->kind);
	if (t->kind == NULL && !map_database_kind(src.fd, &ar, &src.kind))
		src.kind = SPAN("plain");
	t->map = map_open(&src);
	close(src.fd);
	arena_clear(&ar);
	return 0;
}

void
maptable_close(struct maptable *t)
{
	map_close(&t->map);
	while (t->nincludes > 0)
		free(t->includes[--t->nincludes]);
	free(t->includes);
	free(t->path);
}

char *
maptable_database(const char *text, struct span driver)
{
	return xasprintf("%s%s", text, map_driver_suffix(driver));
}

char *
maptable_beside(const char *text)
{
	char	*beside;
	size_t	 i;

	for (i = 0; i < NDATABASES; i++) {
		beside = maptable_database(text, span_of(databases[i]));
		if (access(beside, F_OK) == 0)
			return beside;
		free(beside);
	}
	return xstrdup(text);
}

/* --- building */

struct progress {
	const char	*path;
	bool		 said;
};

/* On a terminal, of what takes a while. */
static void
progress(void *arg, size_t done, size_t all)
{
	struct progress	*p = arg;

	if (all < 100000)
		return;
	p->said = true;
	fprintf(stderr, "\r%s: %zu of %zu entries", p->path, done, all);
}

int
maptable_build(struct maptable *t, const char *to, const char *out)
{
	struct progress		 p = { out, false };
	struct map_building	 how = { .format = span_of(to),
	    .path = out, .mode = t->mode, .uid = t->uid, .gid = t->gid,
	    .arg = &p };
	const char		*why;
	int			 rc;

	if (isatty(STDERR_FILENO))
		how.progress = progress;
	rc = map_build(t->map, &how, &why);
	if (p.said)
		fprintf(stderr, "\r\033[K");
	if (rc == 0)
		return CMD_OK;
	fprintf(stderr, "%s: %s: %s\n", t->who, out,
	    why != NULL ? why : strerror(errno));
	return why != NULL ? CMD_NO : CMD_USAGE;
}


bool
maptable_is_newer(const char *a, const char *b)
{
	struct stat	 x, y;

	if (stat(a, &x) == -1)
		return false;
	if (stat(b, &y) == -1)
		return true;
	return x.st_mtim.tv_sec > y.st_mtim.tv_sec ||
	    (x.st_mtim.tv_sec == y.st_mtim.tv_sec &&
	    x.st_mtim.tv_nsec > y.st_mtim.tv_nsec);
}
