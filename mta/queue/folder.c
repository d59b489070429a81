/*
 * folder.c - the spool's folder: who else uses it, what stands in it.
 */
#include "mta/queue/queue.h"

#include "base/clock.h"
#include "base/log.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOCK_MS		10000	/* an earlier queue may be about to end */
#define LOCK_OTHER_MS	1000	/* another server, whose parent lives, will not */
#define CONTROL_NAME	"control"

/* As whoever has started us; the folder itself may have to be made. */
void
spool_open(struct queue *q, const char *path)
{
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		fatal("spool %s", path);
	q->spool_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (q->spool_fd == -1)
		fatal("spool %s", path);
}

static int
open_below(struct queue *q, const char *name)
{
	int	fd;

	if (mkdirat(q->spool_fd, name, 0700) == -1 && errno != EEXIST)
		fatal("spool folder %s", name);
	fd = openat(q->spool_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		fatal("spool folder %s", name);
	return fd;
}

/* The parent of the queue that holds it, as that has written it there. */
static pid_t
holder(int fd)
{
	char	text[16] = "";

	(void)!pread(fd, text, sizeof(text) - 1, 0);
	return (pid_t)atoi(text);
}

static bool
is_another_server(pid_t parent)
{
	return parent > 1 && parent != getppid() &&
	    (kill(parent, 0) == 0 || errno == EPERM);
}

static void
sign(int fd)
{
	char	text[16];
	int	n = snprintf(text, sizeof(text), "%d\n", (int)getppid());

	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)n, 0) != n)
		log_warn("spool lock");	/* a second server waits longer */
}

static void
lock(struct queue *q)
{
	int64_t	began = clock_boot_ms(), waited;
	int	fd;

	fd = openat(q->spool_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		fatal("spool lock");
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			fatal("spool lock");
		waited = clock_boot_ms() - began;
		if (waited > LOCK_MS || (waited > LOCK_OTHER_MS &&
		    is_another_server(holder(fd))))
			fatalx("the spool is in use by another server, pid %d",
			    (int)holder(fd));
		usleep(20000);
	}
	sign(fd);
}

/* By a path relative to the folder, since there is no other in a chroot. */
static int
listen_control(struct queue *q)
{
	struct sockaddr_un	sun = { .sun_family = AF_UNIX,
	    .sun_path = CONTROL_NAME };
	int			fd;

	if (fchdir(q->spool_fd) == -1)
		fatal("spool");
	if (unlink(CONTROL_NAME) == -1 && errno != ENOENT)
		fatal("control socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    chmod(CONTROL_NAME, 0660) == -1 || listen(fd, 16) == -1)
		fatal("control socket");
	if (chdir("/") == -1)
		fatal("chdir");
	return fd;
}

/* As the queue's own user. */
void
spool_fill(struct queue *q, bool control)
{
	lock(q);
	q->seg_fd = open_below(q, "seg");
	q->body_fd = open_below(q, "body");
	if (fsync(q->spool_fd) == -1)
		fatal("spool");
	q->control_fd = control ? listen_control(q) : -1;
	q->segments.dirfd = q->seg_fd;
}
