/*
 * door.c - the socket of programs: who connects is named and handed on.
 *
 * Anybody on this machine may connect; the kernel says as whom he runs.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"
#include "mta/pickup/pickup.h"

#define BACKLOG		512
#define ACCEPT_MAX	32	/* of one turn */
#define NAMING_MAX	512	/* connections under way; others wait in the kernel */
#define REST_MS		200

static void	ready(void *, int);

struct caller {
	struct pickup	*pickup;
	int		 fd;
	uint32_t	 uid;
	char		 login[LOGIN_MAX];
};

bool
door_hand_on(struct pickup *p, int fd, uint32_t uid, const char *login)
{
	struct chan	*c = NULL;
	unsigned	 i;

	for (i = 0; i < PICKUP_WORKERS_MAX && c == NULL; i++)
		c = p->smtp[p->next++ % PICKUP_WORKERS_MAX];
	if (c == NULL) {
		close(fd);
		return false;
	}
	chan_begin(c, MSG_PROGRAM);
	chan_u32(c, uid);
	chan_str(c, login);
	chan_fd(c, fd);
	chan_end(c);
	return true;
}

/* --- a connection */

static void
find_name(void *arg)
{
	struct caller	*c = arg;

	user_name(c->uid, c->login);
}

static void
named(void *arg)
{
	struct caller	*c = arg;
	struct pickup	*p = c->pickup;

	p->naming--;
	if (p->stopping)
		close(c->fd);
	else if (door_hand_on(p, c->fd, c->uid, c->login))
		p->count.connections++;
	else
		p->count.turned_away++;
	free(c);
	pickup_left(p);
}

static void
take(struct pickup *p, int fd)
{
	struct caller	*c;
	struct ucred	 who;
	socklen_t	 n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == -1) {
		log_warn("event=program why=\"not known who it is\"");
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->pickup = p;
	c->fd = fd;
	c->uid = who.uid;
	p->naming++;
	pool_run(p->namers, find_name, named, c);
}

/* --- accepting */

static void
rested(void *arg)
{
	struct pickup	*p = arg;

	if (p->listen_fd != -1)
		watch_set(&p->listening, p->listen_fd, LOOP_READ, ready, p);
}

static void
rest(struct pickup *p)
{
	watch_set(&p->listening, p->listen_fd, 0, ready, p);
	timer_set(&p->rest, REST_MS, rested, p);
}

static void
ready(void *arg, int what)
{
	struct pickup	*p = arg;
	int		 fd, i;

	(void)what;
	for (i = 0; i < ACCEPT_MAX; i++) {
		if (p->naming >= NAMING_MAX) {
			rest(p);
			return;
		}
		fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd != -1)
			take(p, fd);
		else if (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM) {
			log_warn("accept listener=programs");
			rest(p);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static int
listening_socket(void)
{
	struct sockaddr_un	sun = { .sun_family = AF_UNIX,
				    .sun_path = DROP_SOCKET };
	int			fd;

	/* By its name in the folder where we stand: a path may be too long. */
	if (unlink(DROP_SOCKET) == -1 && errno != ENOENT)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    chmod(DROP_SOCKET, 0666) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

void
door_make(struct pickup *p)
{
	p->listen_fd = listening_socket();
	if (p->listen_fd == -1)
		log_warn("listener=programs socket " DROP_PUBLIC "/"
		    DROP_SOCKET);
}

bool
door_open(struct pickup *p)
{
	if (p->listen_fd == -1)
		return false;
	watch_set(&p->listening, p->listen_fd, LOOP_READ, ready, p);
	return true;
}

void
door_close(struct pickup *p)
{
	if (p->listen_fd == -1)
		return;
	(void)unlink(DROP_SOCKET);
	watch_clear(&p->listening);
	timer_clear(&p->rest);
	close(p->listen_fd);
	p->listen_fd = -1;
}
