/*
 * client_io.c - a session's octets: all that comes and leaves passes here.
 */
#include "mta/relay/client_int.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* --- the connection */

void
client_io_open(struct client *c, int fd)
{
	c->fd = fd;
	client_io_want(c, LOOP_WRITE);
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
	client_io_want(c, LOOP_READ);
	return 0;
}

void
client_io_want(struct client *c, int what)
{
	watch_set(&c->watch, c->fd, what, client_on_ready, c);
}

void
client_io_stop(struct client *c)
{
	client_io_want(c, 0);
}

void
client_io_close(struct client *c)
{
	client_tls_end(c);
	client_auth_end(c);
	watch_clear(&c->watch);
	close(c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
}

/* --- output */

/* true: some octets have left, there may be room for more. */
static bool
send_clear(struct client *c)
{
	ssize_t	n = send(c->fd, c->out.base + c->out.off, c->out.n,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		buf_eat(&c->out, (size_t)n);
	else if (errno == EAGAIN)
		return false;
	else if (errno != EINTR)
		buf_reset(&c->out);
	return true;
}

static bool
send_tls(struct client *c)
{
	size_t	n;

	c->tls.turned = false;
	switch (tls_connect_write(c->tls.conn, c->out.base + c->out.off,
	    c->out.n, &n)) {
	case TLS_DONE:
		buf_eat(&c->out, n);
		return true;
	case TLS_WANT_READ:
		c->tls.turned = true;
		return false;
	case TLS_WANT_WRITE:
		return false;
	default:
		buf_reset(&c->out);
		return true;
	}
}

void
client_flush(struct client *c)
{
	while (c->out.n > 0 && (c->tls.on ? send_tls(c) : send_clear(c)))
		continue;
	client_io_want(c, LOOP_READ |
	    (c->out.n > 0 && !c->tls.turned ? LOOP_WRITE : 0));
}

void
client_want_write(struct client *c)
{
	client_io_want(c, LOOP_READ | (c->tls.turned ? 0 : LOOP_WRITE));
}

/* --- input */

static enum io_got
read_clear(struct client *c, void *to, size_t size, size_t *n,
    const char **why)
{
	ssize_t	got = recv(c->fd, to, size, MSG_DONTWAIT);

	if (got > 0) {
		*n = (size_t)got;
		return IO_OCTETS;
	}
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return IO_LATER;
	*why = got == 0 ? NULL : strerror(errno);
	return IO_ENDED;
}

enum io_got
client_io_read(struct client *c, void *to, size_t size, size_t *n,
    const char **why)
{
	*n = 0;
	*why = NULL;
	if (!c->tls.on)
		return read_clear(c, to, size, n, why);
	switch (tls_connect_read(c->tls.conn, to, size, n)) {
	case TLS_DONE:
		return IO_OCTETS;
	case TLS_FAILED:
		*why = tls_connect_why(c->tls.conn);
		return IO_ENDED;
	case TLS_CLOSED:
		return IO_ENDED;
	default:
		return IO_LATER;
	}
}

bool
client_io_pending(const struct client *c)
{
	return c->tls.on && tls_connect_pending(c->tls.conn);
}

bool
client_io_waiting(const struct client *c)
{
	char	octet;

	if (c->tls.on)
		return tls_connect_waiting(c->tls.conn);
	return recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}
