/*
 * listener.c - accepting.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/smtp/arrival.h"
#include "mta/smtp/listener.h"
#include "mta/smtp/server.h"

#define ACCEPT_MAX	64	/* connections of one turn */
#define PAUSE_MS	500
#define EARLY_MS	10000	/* how long a start may take */
#define EARLY_STEP_MS	5

static void	ready(void *, int);

static void
enter(struct listener *l, int fd, const struct sockaddr *sa)
{
	struct server	*sv = l->server;
	struct origin	 o;

	if (origin_of(&o, fd, sa))
		arrival_take(sv, fd, &o, generation_door(sv->gen, l->object));
	else
		close(fd);
}

static void
pause_over(void *arg)
{
	struct listener	*l = arg;

	watch_set(&l->watch, l->fd, LOOP_READ, ready, l);
}

static void
pause_for(struct listener *l, int64_t ms)
{
	watch_set(&l->watch, l->fd, 0, ready, l);
	timer_set(&l->pause, ms, pause_over, l);
}

/* No descriptors, no memory in the kernel: others must end first. */
static void
rest(struct listener *l)
{
	struct span	name = generation_door(l->server->gen, l->object)->name;

	log_warn("accept listener=%.*s", SPAN_ARG(name));
	pause_for(l, PAUSE_MS);
}

/*
 * At the start the queue has not given a segment yet.  Clients wait in the
 * backlog for this moment rather than hear 451 at MAIL.
 */
static bool
too_early(const struct listener *l)
{
	return loop_now_ms() < l->early_until_ms &&
	    intake_state(l->server->intake, false) == INTAKE_NOT_NOW;
}

static void
ready(void *arg, int what)
{
	struct listener		*l = arg;
	struct sockaddr_storage	 ss;
	socklen_t		 n;
	int			 fd;

	(void)what;
	if (too_early(l)) {
		pause_for(l, EARLY_STEP_MS);
		return;
	}
	for (int i = 0; i < ACCEPT_MAX; i++) {
		n = sizeof(ss);
		fd = accept4(l->fd, (struct sockaddr *)&ss, &n,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			enter(l, fd, (struct sockaddr *)&ss);
		else if (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM) {
			rest(l);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR)
			return;		/* EAGAIN: all are in */
	}
}

static bool
is_local(int fd)
{
	int		domain = AF_UNSPEC;
	socklen_t	n = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 &&
	    domain == AF_UNIX;
}

struct listener *
listener_new(struct server *sv, int fd, uint32_t object)
{
	struct listener	*l = xcalloc(1, sizeof(*l));
	int		 on = 1;

	l->server = sv;
	l->fd = fd;
	l->object = object;
	l->early_until_ms = loop_now_ms() + EARLY_MS;
	/* Linux hands it on to the connections: a call less for each. */
	if (!is_local(fd) && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		log_warn("TCP_NODELAY");
	watch_set(&l->watch, fd, LOOP_READ, ready, l);
	return l;
}

void
listeners_free(struct listener **list)
{
	struct listener	*l;

	while ((l = *list) != NULL) {
		*list = l->next;
		watch_clear(&l->watch);
		timer_clear(&l->pause);
		close(l->fd);
		free(l);
	}
}
