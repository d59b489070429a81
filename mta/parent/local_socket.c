/*
 * local_socket.c - listening sockets in the file system.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"

#include "mta/parent/local_socket.h"

#define MODE	0660

static int
new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static bool
address_of(const char *path, struct sockaddr_un *sun)
{
	size_t	n = strlen(path);

	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n >= sizeof(sun->sun_path))
		return false;
	memcpy(sun->sun_path, path, n);
	return true;
}

/* Somebody listens there; also when that cannot be found out. */
static bool
is_served(const struct sockaddr_un *sun)
{
	int	fd = new_socket(), rc;

	if (fd == -1)
		return true;
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	rc = rc == -1 ? errno : 0;
	close(fd);
	return rc != ECONNREFUSED;
}

/* What a server that was killed has left.  false: *why. */
static bool
make_way(const struct sockaddr_un *sun, char **why)
{
	struct stat	st;

	if (lstat(sun->sun_path, &st) == -1)
		return true;	/* bind() says what is wrong */
	if (!S_ISSOCK(st.st_mode)) {
		*why = xasprintf("%s is there, and no socket", sun->sun_path);
		return false;
	}
	if (is_served(sun)) {
		*why = xasprintf("%s: another program listens there",
		    sun->sun_path);
		return false;
	}
	if (unlink(sun->sun_path) == -1 && errno != ENOENT) {
		*why = xasprintf("%s: %s", sun->sun_path, strerror(errno));
		return false;
	}
	return true;
}

static bool
give_to_group(const struct local_socket *s, char **why)
{
	const struct group	*g;

	if (s->group == NULL)
		return true;
	if ((g = getgrnam(s->group)) == NULL)
		*why = xasprintf("there is no group '%s'", s->group);
	else if (lchown(s->path, (uid_t)-1, g->gr_gid) == -1)
		*why = xasprintf("%s cannot be given to the group '%s': %s",
		    s->path, s->group, strerror(errno));
	return *why == NULL;
}

/* With its mode from the first moment on. */
static int
bind_it(int fd, const struct sockaddr_un *sun)
{
	mode_t	old = umask(0777 & ~MODE);
	int	rc = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));

	umask(old);
	return rc;
}

/* Nobody can connect before the group is set: then it listens. */
static int
begin(struct local_socket *s, int fd, const struct sockaddr_un *sun,
    int backlog, char **why)
{
	struct stat	st;

	if (bind_it(fd, sun) == -1 || lstat(s->path, &st) == -1) {
		*why = xasprintf("%s: %s", s->path, strerror(errno));
		return -1;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	if (!give_to_group(s, why)) {
		local_socket_remove(s);
		return -1;
	}
	if (listen(fd, backlog) == -1) {
		*why = xasprintf("%s: %s", s->path, strerror(errno));
		local_socket_remove(s);
		return -1;
	}
	return 0;
}

int
local_socket_open(struct local_socket *s, int backlog, char **why)
{
	struct sockaddr_un	sun;
	int			fd;

	*why = NULL;
	if (!address_of(s->path, &sun)) {
		*why = xasprintf("%s: a socket's path has at most %zu octets",
		    s->path, sizeof(sun.sun_path) - 1);
		return -1;
	}
	if (!make_way(&sun, why))
		return -1;
	if ((fd = new_socket()) == -1) {
		*why = xasprintf("socket: %s", strerror(errno));
		return -1;
	}
	if (begin(s, fd, &sun, backlog, why) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

void
local_socket_remove(const struct local_socket *s)
{
	struct stat	st;

	if (lstat(s->path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    st.st_dev == s->dev && st.st_ino == s->ino &&
	    unlink(s->path) == -1)
		log_warn("%s", s->path);
}
