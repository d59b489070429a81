/*
 * arrival.c - connections that wait for their PROXY header.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "mta/smtp/admit.h"
#include "mta/smtp/arrival.h"
#include "mta/smtp/proxy.h"
#include "mta/smtp/server.h"

struct arrival {
	struct arrival		*next, **prev;	/* the server's list */
	struct server		*server;
	struct generation	*gen;
	const struct door	*door;		/* its */
	struct origin		 origin;
	struct watch		 watch;
	struct timer		 late;
	int			 fd;		/* -1: a session has it */
	struct buf		 in;		/* of the header, taken so far */
};

static void
arrival_free(struct arrival **ap)
{
	struct arrival	*a = *ap;

	*ap = NULL;
	*a->prev = a->next;
	if (a->next != NULL)
		a->next->prev = a->prev;
	a->server->narrivals--;
	watch_clear(&a->watch);
	timer_clear(&a->late);
	if (a->fd != -1)
		close(a->fd);
	generation_unref(&a->gen);
	buf_clear(&a->in);
	free(a);
}

static void
refuse(struct arrival *a, const char *why)
{
	char	ip[IP_TEXT_MAX];

	a->server->count.refused++;
	log_info("refused stage=proxy client=%s listener=%.*s why=%s",
	    ip_format(&a->origin.ip, ip), SPAN_ARG(a->door->name),
	    log_quote(span_of(why)));
	arrival_free(&a);
}

static void
too_late(void *arg)
{
	refuse(arg, "no PROXY header in time");
}

/* --- the header */

static void
become_session(struct arrival *a, const struct proxy_header *h)
{
	int	fd = a->fd;

	a->fd = -1;
	watch_clear(&a->watch);
	if (h->says == PROXY_CLIENT)
		origin_tell(&a->origin, &h->source, h->source_port);
	else if (h->says == PROXY_UNKNOWN)
		origin_tell(&a->origin, NULL, 0);
	admit_connection(a->server, a->gen, fd, &a->origin, a->door);
	arrival_free(&a);
}

/* n octets, which have been looked at, out of the socket. */
static bool
take(struct arrival *a, size_t n)
{
	ssize_t	got = recv(a->fd, buf_reserve(&a->in, n), n, 0);

	if (got != (ssize_t)n)
		return false;
	buf_grown(&a->in, n);
	return true;
}

static void
look(struct arrival *a, size_t seen)
{
	struct proxy_header	 h;
	struct span		 all = span_mem(buf_span(&a->in).p,
				    a->in.n + seen);
	size_t			 used;
	const char		*why = NULL;

	switch (proxy_parse(all, &h, &used, &why)) {
	case PROXY_PART:
		if (!take(a, seen))
			refuse(a, "connection broken");
		break;
	case PROXY_WHOLE:
		assert(used > a->in.n);
		if (take(a, used - a->in.n))
			become_session(a, &h);
		else
			refuse(a, "connection broken");
		break;
	case PROXY_BAD:
		refuse(a, why);
		break;
	}
}

static void
readable(void *arg, int what)
{
	struct arrival	*a = arg;
	size_t		 room = PROXY_HEADER_MAX - a->in.n;
	ssize_t		 n;

	(void)what;
	assert(a->in.n < PROXY_HEADER_MAX);
	n = recv(a->fd, buf_reserve(&a->in, room), room, MSG_PEEK);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		refuse(a, "closed before its PROXY header was whole");
	else
		look(a, (size_t)n);
}

/* --- its life */

static void
arrival_new(struct server *sv, int fd, const struct origin *o,
    const struct door *door)
{
	struct arrival	*a = xcalloc(1, sizeof(*a));

	a->server = sv;
	a->gen = generation_ref(sv->gen);
	a->door = door;
	a->origin = *o;
	a->fd = fd;
	a->next = sv->arrivals;
	a->prev = &sv->arrivals;
	if (a->next != NULL)
		a->next->prev = &a->next;
	sv->arrivals = a;
	sv->narrivals++;
	timer_set(&a->late, ARRIVAL_MS, too_late, a);
	watch_set(&a->watch, fd, LOOP_READ, readable, a);
}

void
arrival_take(struct server *sv, int fd, const struct origin *o,
    const struct door *door)
{
	if (!door_trusts(door, RS_OPT_LISTEN_proxy, &o->ip))
		admit_connection(sv, sv->gen, fd, o, door);
	else if (sv->limits.sessions + sv->narrivals >=
	    server_sessions_max(sv))
		admit_turn_away(sv, fd, &o->ip, door, LIMITS_SESSIONS);
	else
		arrival_new(sv, fd, o, door);
}

void
arrivals_free(struct server *sv)
{
	struct arrival	*a;

	while ((a = sv->arrivals) != NULL)
		arrival_free(&a);
}
