/*
 * folder.c - the folders of a Maildir.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "mailbox/store/folder.h"

#define FOLDER_MODE	0700
#define FOLDER_FLAGS	(O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define MAKE_AT_MOST	2	/* components of the path */

static bool
component_ok(struct span c)
{
	return c.n <= NAME_MAX && !span_eq(c, SPAN(".")) &&
	    !span_eq(c, SPAN(".."));
}

bool
folder_path(const char *maildir, char out[PATH_MAX])
{
	struct span	 rest = span_of(maildir), c;
	size_t		 n = 0;

	if (rest.n >= PATH_MAX - 8 || rest.n == 0 || rest.p[0] != '/')
		return false;
	for (; rest.n > 0; rest = span_from(rest, c.n)) {
		rest = span_from(rest, 1);
		c = span_mem(rest.p, strcspn(rest.p, "/"));
		if (!component_ok(c))
			return false;
		if (c.n == 0)
			continue;
		out[n++] = '/';
		memcpy(out + n, c.p, c.n);
		n += c.n;
	}
	out[n] = '\0';
	return n > 0;
}

/* Keeps errno. */
static void
close_quietly(int fd)
{
	int	 saved = errno;

	close(fd);
	errno = saved;
}

/* Makes name in the folder at, and syncs that; one that is there is fine. */
static int
make(int at, const char *name)
{
	if (mkdirat(at, name, FOLDER_MODE) == -1)
		return errno == EEXIST ? 0 : -1;
	return fsync(at);
}

/* Opens path, making at most n of its last components. */
static int
open_path(const char *path, unsigned n)
{
	char	 parent[PATH_MAX];
	size_t	 slash;
	int	 up, fd;

	fd = open(path, FOLDER_FLAGS | O_NOFOLLOW);
	if (fd != -1 || errno != ENOENT || n == 0)
		return fd;
	slash = (size_t)(strrchr(path, '/') - path);
	memcpy(parent, path, slash);
	parent[slash] = '\0';
	if (slash == 0)
		up = open("/", FOLDER_FLAGS);
	else if ((up = open(parent, FOLDER_FLAGS)) == -1 && errno == ENOENT)
		up = open_path(parent, n - 1);
	if (up == -1)
		return -1;
	if (make(up, path + slash + 1) == 0)
		fd = openat(up, path + slash + 1, FOLDER_FLAGS | O_NOFOLLOW);
	close_quietly(up);
	return fd;
}

static int
make_subs(int at)
{
	static const char *const	 subs[] = { "tmp", "new", "cur" };
	size_t				 i;

	for (i = 0; i < sizeof(subs) / sizeof(subs[0]); i++)
		if (make(at, subs[i]) == -1)
			return -1;
	return 0;
}

int
folder_open(const char *path, const char *sub, bool make_it)
{
	int	 at, fd;

	at = open_path(path, make_it ? MAKE_AT_MOST : 0);
	if (at == -1)
		return -1;
	fd = openat(at, sub, FOLDER_FLAGS | O_NOFOLLOW);
	if (fd == -1 && errno == ENOENT && make_it && make_subs(at) == 0)
		fd = openat(at, sub, FOLDER_FLAGS | O_NOFOLLOW);
	close_quietly(at);
	return fd;
}
