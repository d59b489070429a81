/*
 * folder.c - the folders of a Maildir.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "base/xalloc.h"
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

void
folder_close(int fd)
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
	folder_close(up);
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

/* Maildir++: what has it belongs to the Maildir above. */
static int
make_marker(int at)
{
	int	 fd;

	fd = openat(at, "maildirfolder", O_WRONLY | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

int
folder_open(const char *path, bool make_it)
{
	return open_path(path, make_it ? MAKE_AT_MOST : 0);
}

int
folder_open_in(int maildir, const char *name)
{
	return openat(maildir, name, FOLDER_FLAGS | O_NOFOLLOW);
}

int
folder_open_sub(int at, const char *sub, bool make_it, bool marker)
{
	int	 fd;

	fd = openat(at, sub, FOLDER_FLAGS | O_NOFOLLOW);
	if (fd != -1 || errno != ENOENT || !make_it)
		return fd;
	if ((marker && make_marker(at) == -1) || make_subs(at) == -1)
		return -1;
	return openat(at, sub, FOLDER_FLAGS | O_NOFOLLOW);
}

/* --- one sync for many */

/* A folder that somebody syncs just now. */
struct shared {
	struct shared	*next;
	dev_t		 dev;
	ino_t		 ino;
	pthread_cond_t	 ends[2];	/* of the syncs with even and odd numbers */
	unsigned	 users;
	bool		 running;
	uint64_t	 begun, ended;	/* syncs, counted */
	uint64_t	 failed;	/* the last that did */
	int		 error;
};

static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared	*all;

static struct shared *
shared_get(const struct stat *st)
{
	struct shared	*s;

	for (s = all; s != NULL; s = s->next)
		if (s->dev == st->st_dev && s->ino == st->st_ino)
			break;
	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		pthread_cond_init(&s->ends[0], NULL);
		pthread_cond_init(&s->ends[1], NULL);
		s->dev = st->st_dev;
		s->ino = st->st_ino;
		s->next = all;
		all = s;
	}
	s->users++;
	return s;
}

static void
shared_put(struct shared *s)
{
	struct shared	**at = &all;

	if (--s->users > 0)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	pthread_cond_destroy(&s->ends[0]);
	pthread_cond_destroy(&s->ends[1]);
	free(s);
}

/*
 * With the lock, which is given up meanwhile.  Who waits, waits for the end of
 * this sync or of the next one; all of the first have what they wanted, and
 * one of the others begins.
 */
static void
sync_for_all(struct shared *s, int fd)
{
	int	 error;

	s->running = true;
	s->begun++;
	pthread_mutex_unlock(&lock);
	error = fsync(fd) == -1 ? errno : 0;
	pthread_mutex_lock(&lock);
	s->running = false;
	s->ended = s->begun;
	if (error != 0) {
		s->failed = s->ended;
		s->error = error;
	}
	pthread_cond_broadcast(&s->ends[s->ended % 2]);
	pthread_cond_signal(&s->ends[(s->ended + 1) % 2]);
}

int
folder_sync(int fd)
{
	struct shared	*s;
	struct stat	 st;
	uint64_t	 wanted;
	int		 error = 0;

	if (fstat(fd, &st) == -1)
		return -1;
	pthread_mutex_lock(&lock);
	s = shared_get(&st);
	wanted = s->begun + 1;	/* one that runs may have begun too early */
	while (s->ended < wanted) {
		if (s->running)
			pthread_cond_wait(&s->ends[wanted % 2], &lock);
		else
			sync_for_all(s, fd);
	}
	if (s->failed >= wanted)
		error = s->error;
	shared_put(s);
	pthread_mutex_unlock(&lock);
	errno = error;
	return error == 0 ? 0 : -1;
}
