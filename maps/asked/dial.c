/*
 * dial.c - connect(2) to a place, one address after the other.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/asked/dial.h"

#define AGAIN_MS	20	/* a unix socket whose queue is full */

struct asked_dial {
	const struct asked_place	*place;
	int64_t				 each_ms;
	asked_dial_cb			*cb;
	void				*arg;
	struct asked_hosts		*hosts;
	struct ip			 ips[ASKED_ADDRESSES_MAX];
	size_t				 n, next;
	int				 fd;
	struct watch			 watch;
	struct timer			 timer;
	char				 why[ASKED_WHY_MAX];
};

/* --- what a policy writes */

static int
parse_port(struct span s, uint16_t *port)
{
	uint64_t	 n;

	if (!span_u64(s, UINT16_MAX, &n) || n == 0)
		return -1;
	*port = (uint16_t)n;
	return 0;
}

static int
parse_path(struct span s, struct asked_place *p, const char **why)
{
	if (s.n == 0 || s.p[0] != '/' ||
	    s.n >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		*why = "behind unix: stands the whole path of a socket, "
		    "at most 107 octets";
		return -1;
	}
	p->path = xstrndup(s.p, s.n);
	return 0;
}

/* Divides "host:port", "[v6]:port"; a port that is not there stays empty. */
static bool
split_port(struct span s, struct span *host, struct span *port)
{
	ptrdiff_t	 at;
	struct ip	 ip;

	*host = s;
	*port = SPAN_NONE;
	if (s.n > 0 && s.p[0] == '[') {
		if ((at = span_index(s, ']')) < 0)
			return false;
		*host = (struct span){ s.p + 1, (size_t)at - 1 };
		s = span_from(s, (size_t)at + 1);
		if (s.n > 0 && s.p[0] != ':')
			return false;
		*port = span_from(s, 1);
		return ip_parse(*host, &ip);
	}
	if ((at = span_index(s, ':')) >= 0) {
		host->n = (size_t)at;
		*port = span_from(s, (size_t)at + 1);
	}
	return host->n > 0 && span_index(*port, ':') < 0;
}

int
asked_place_parse(struct span s, uint16_t usual_port, struct asked_place *p,
    const char **why)
{
	struct span	 host, port;

	*p = (struct asked_place){ 0 };
	if (span_prefix(s, SPAN("unix:")))
		return parse_path(span_from(s, 5), p, why);
	if (span_prefix(s, SPAN("inet:")))
		s = span_from(s, 5);
	if (memchr(s.p, '\0', s.n) != NULL || !split_port(s, &host, &port)) {
		*why = "the server is \"unix:/path\" or \"host:port\", an "
		    "IPv6 address in brackets";
		return -1;
	}
	if (port.n == 0 && usual_port != 0)
		p->port = usual_port;
	else if (parse_port(port, &p->port) == -1) {
		*why = "behind the host stands a port, 1 to 65535";
		return -1;
	}
	p->host = xstrndup(host.p, host.n);
	return 0;
}

void
asked_place_clear(struct asked_place *p)
{
	free(p->path);
	free(p->host);
	*p = (struct asked_place){ 0 };
}

/* --- connecting */

static void	 try_next(void *);

static void
drop_socket(struct asked_dial *d)
{
	watch_clear(&d->watch);
	if (d->fd != -1)
		close(d->fd);
	d->fd = -1;
}

static void
connected(struct asked_dial *d)
{
	int	 fd = d->fd;

	watch_clear(&d->watch);
	timer_stop(&d->timer);
	d->fd = -1;
	d->cb(d->arg, fd, NULL);
}

static void
explain(struct asked_dial *d, const char *what)
{
	const struct asked_place	*p = d->place;
	char				 ip[IP_TEXT_MAX];

	if (p->path != NULL)
		snprintf(d->why, sizeof(d->why), "unix:%s: %s", p->path, what);
	else
		snprintf(d->why, sizeof(d->why), "%s[%s]:%u: %s", p->host,
		    ip_format(&d->ips[d->next - 1], ip), p->port, what);
}

static void
attempt_failed(struct asked_dial *d, const char *what)
{
	explain(d, what);
	drop_socket(d);
	timer_set(&d->timer, 0, try_next, d);
}

static void
on_writable(void *arg, int what)
{
	struct asked_dial	*d = arg;
	int			 error = 0;
	socklen_t		 n = sizeof(error);

	(void)what;
	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
		error = errno;
	if (error != 0)
		attempt_failed(d, strerror(error));
	else
		connected(d);
}

static void
on_slow(void *arg)
{
	attempt_failed(arg, "no connection in time");
}

static socklen_t
unix_address(const char *path, struct sockaddr_storage *out)
{
	struct sockaddr_un	*un = (struct sockaddr_un *)out;

	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(un->sun_path, path, strlen(path));
	return sizeof(*un);
}

static void
try_address(struct asked_dial *d, const struct sockaddr_storage *sa,
    socklen_t n)
{
	d->fd = socket(sa->ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd == -1) {
		attempt_failed(d, strerror(errno));
		return;
	}
	if (connect(d->fd, (const struct sockaddr *)sa, n) == 0)
		connected(d);
	else if (errno == EINPROGRESS) {
		watch_set(&d->watch, d->fd, LOOP_WRITE, on_writable, d);
		timer_set(&d->timer, d->each_ms, on_slow, d);
	} else if (errno == EAGAIN && d->place->path != NULL) {
		drop_socket(d);
		d->next--;
		timer_set(&d->timer, AGAIN_MS, try_next, d);
	} else
		attempt_failed(d, strerror(errno));
}

static void
try_next(void *arg)
{
	struct asked_dial	*d = arg;
	struct sockaddr_storage	 sa = { 0 };
	socklen_t		 n;

	if (d->next == d->n) {
		d->cb(d->arg, -1, d->why);
		return;
	}
	n = d->place->path != NULL ? unix_address(d->place->path, &sa) :
	    ip_to_sockaddr(&d->ips[d->next], d->place->port, &sa);
	d->next++;
	try_address(d, &sa, n);
}

static void
on_hosts(void *arg, const struct ip *ips, size_t n, enum map_result result,
    const char *why)
{
	struct asked_dial	*d = arg;

	(void)result;
	if (n > 0)
		memcpy(d->ips, ips, n * sizeof(*ips));
	else
		snprintf(d->why, sizeof(d->why), "%s", why);
	d->n = n;
	asked_hosts_free(&d->hosts);
	try_next(d);
}

struct asked_dial *
asked_dial_new(const struct asked_place *p, const struct asked_names *names,
    int64_t each_ms, asked_dial_cb *cb, void *arg)
{
	struct asked_dial	*d = xcalloc(1, sizeof(*d));

	d->place = p;
	d->each_ms = each_ms;
	d->cb = cb;
	d->arg = arg;
	d->fd = -1;
	if (p->path != NULL) {
		d->n = 1;
		timer_set(&d->timer, 0, try_next, d);
	} else
		d->hosts = asked_hosts_new(p->host, names, on_hosts, d);
	return d;
}

void
asked_dial_free(struct asked_dial **dp)
{
	struct asked_dial	*d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	asked_hosts_free(&d->hosts);
	drop_socket(d);
	timer_clear(&d->timer);
	free(d);
}
