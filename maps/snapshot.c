/*
 * snapshot.c - a file's octets as they were at one moment.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "maps/snapshot.h"

#define LOCK_TRIES	20
#define LOCK_PAUSE_NS	50000000L

/* A lock of the open file: another descriptor's close does not drop it. */
static int
lock(int fd, short type)
{
	struct flock	 l = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &l);
}

/* False: somebody writes the file.  Where locks are not known it goes on. */
static bool
lock_shared(int fd)
{
	const struct timespec	 pause = { .tv_nsec = LOCK_PAUSE_NS };
	unsigned		 i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (lock(fd, F_RDLCK) == 0)
			return true;
		if (errno != EAGAIN && errno != EACCES)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && same_time(a->st_mtim, b->st_mtim);
}

struct map_text *
map_snapshot(struct map *m, int fd, const char **why)
{
	struct stat	 before, after;
	struct map_text	*t;

	if (fd == -1 || fstat(fd, &before) == -1) {
		*why = "the file is not there, or cannot be read";
		return NULL;
	}
	if (!lock_shared(fd)) {
		*why = "another program writes the file just now";
		return NULL;
	}
	t = map_text_read(m, fd, 0, why);
	if (t != NULL && (fstat(fd, &after) == -1 ||
	    !is_unchanged(&before, &after))) {
		*why = "the file changed while it was read";
		t = NULL;
	}
	(void)lock(fd, F_UNLCK);
	return t;
}
