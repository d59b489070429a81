/*
 * client_io.c - a session's octets: all that comes and leaves passes here.
 */
#include "mta/relay/client_int.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

/* --- the connection */

void
client_io_open(struct client *c, int fd)
{
	c->fd = fd;
	watch_set(&c->watch, fd, LOOP_WRITE, client_on_ready, c);
}

int
client_io_connected(struct client *c)
{
	int		error = 0, on = 1;
	socklen_t	n = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
		error = errno;
	if (error != 0)
		return error;
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	watch_set(&c->watch, c->fd, LOOP_READ, client_on_ready, c);
	return 0;
}

void
client_io_stop(struct client *c)
{
	watch_set(&c->watch, c->fd, 0, client_on_ready, c);
}

void
client_io_close(struct client *c)
{
	watch_clear(&c->watch);
	close(c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
}

/* --- output */

void
client_flush(struct client *c)
{
	ssize_t	n;

	while (c->out.n > 0) {
		n = send(c->fd, c->out.base + c->out.off, c->out.n,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			buf_eat(&c->out, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			buf_reset(&c->out);
	}
	watch_set(&c->watch, c->fd,
	    LOOP_READ | (c->out.n > 0 ? LOOP_WRITE : 0), client_on_ready, c);
}

void
client_want_write(struct client *c)
{
	watch_set(&c->watch, c->fd, LOOP_READ | LOOP_WRITE, client_on_ready, c);
}

/* --- input */

enum io_got
client_io_read(struct client *c, void *to, size_t size, size_t *n, int *error)
{
	ssize_t	got = recv(c->fd, to, size, MSG_DONTWAIT);

	*n = 0;
	*error = 0;
	if (got > 0) {
		*n = (size_t)got;
		return IO_OCTETS;
	}
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return IO_LATER;
	*error = got == 0 ? 0 : errno;
	return IO_ENDED;
}

bool
client_io_waiting(const struct client *c)
{
	char	octet;

	return recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}
