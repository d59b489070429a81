/*
 * listeners.c - the listening sockets of the policy's `listen` blocks.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/listeners.h"
#include "mta/parent/local_socket.h"

#define BACKLOG		4096
#define SOMAXCONN_FILE	"/proc/sys/net/core/somaxconn"

struct listener {
	struct ip	 ip;
	uint16_t	 port;
	uint32_t	 object;	/* in the image */
	uint32_t	 line;
	bool		 any;		/* of "*": IPv6 may be missing */
	struct local_socket local;	/* path: NULL where there is an address */
	int		*fds;		/* for each worker; NULL: not open */
};

unsigned
listeners_parse(struct span s, struct ip out[2], uint16_t *port)
{
	size_t		at = s.n;
	struct span	host;
	uint64_t	n;

	while (at > 0 && s.p[at - 1] != ':')
		at--;
	if (at == 0 || !span_u64(span_from(s, at), 65535, &n) || n == 0)
		return 0;
	*port = (uint16_t)n;
	host = span_mem(s.p, at - 1);
	if (span_eq(host, SPAN("*"))) {
		out[0] = (struct ip){ .family = 4 };
		out[1] = (struct ip){ .family = 6 };
		return 2;
	}
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = span_mem(host.p + 1, host.n - 2);
		return ip_parse(host, out) && out[0].family == 6;
	}
	return ip_parse(host, out) && out[0].family == 4;
}

/* --- what the image wants */

static void
want(struct listeners *ls, const struct listener *l)
{
	ls->l = xreallocarray(ls->l, ls->n + 1, sizeof(*ls->l));
	ls->l[ls->n++] = *l;
}

static void
want_local(struct listeners *ls, const struct rs_image *image,
    struct span path, uint32_t object, uint32_t line)
{
	const struct rs_optval	*v;
	struct listener		 l = { .object = object, .line = line };
	struct rs_place		 place;
	struct span		 group = SPAN_NONE;

	if (rs_option(image, object, RS_OPT_LISTEN_group, 0, &v)) {
		place = rs_option_place(image, v, 0);
		if (!place.is_func && place.index != UINT32_MAX)
			group = rs_const(image, place.index).s;
	}
	l.local.path = xstrndup(path.p, path.n);
	if (group.n > 0)
		l.local.group = xstrndup(group.p, group.n);
	want(ls, &l);
}

static int
want_text(struct listeners *ls, struct span text, uint32_t object,
    uint32_t line, char **why)
{
	struct ip	ip[2];
	uint16_t	port;
	unsigned	i, n = listeners_parse(text, ip, &port);

	if (n == 0) {
		*why = xasprintf("line %u: '%.*s' is not ADDRESS:PORT", line,
		    SPAN_ARG(text));
		return -1;
	}
	for (i = 0; i < n; i++)
		want(ls, &(struct listener){ .ip = ip[i], .port = port,
		    .object = object, .line = line, .any = n == 2 });
	return 0;
}

static int
want_object(struct listeners *ls, const struct rs_image *image,
    uint32_t object, char **why)
{
	const struct rs_optval	*v;
	struct rs_place		 place;
	struct span		 text;
	uint32_t		 i;

	if (!rs_option(image, object, RS_OPT_LISTEN_on, 0, &v))
		return 0;
	for (i = 0; i < v->nplaces; i++) {
		place = rs_option_place(image, v, i);
		if (place.is_func || place.index == UINT32_MAX)
			continue;
		text = rs_const(image, place.index).s;
		if (span_prefix(text, SPAN("unix:/")))
			want_local(ls, image, span_from(text, 5), object,
			    v->line);
		else if (want_text(ls, text, object, v->line, why) == -1)
			return -1;
	}
	return 0;
}

static int
want_all(struct listeners *ls, const struct rs_image *image, char **why)
{
	uint32_t	i, n = rs_nobject(image);

	for (i = 0; i < n; i++)
		if (rs_object(image, i)->kind == RS_O_LISTEN &&
		    want_object(ls, image, i, why) == -1)
			return -1;
	return 0;
}

/* --- sockets */

static const char *
text_of(const struct listener *l, char out[80])
{
	char	ip[IP_TEXT_MAX];

	(void)snprintf(out, 80, l->ip.family == 6 ? "[%s]:%u" : "%s:%u",
	    ip_format(&l->ip, ip), l->port);
	return out;
}

static bool
set(int fd, int level, int option)
{
	int	on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

/* The kernel cuts longer queues off, and says nothing. */
static int
backlog(void)
{
	static bool	told;
	struct buf	text = { 0 };
	struct span	digits;
	uint64_t	most = BACKLOG;

	if (file_read(SOMAXCONN_FILE, 64, &text) == 0) {
		digits = buf_span(&text);
		if (digits.n > 0 && digits.p[digits.n - 1] == '\n')
			digits.n--;
		if (!span_u64(digits, UINT32_MAX, &most))
			most = BACKLOG;
	}
	buf_clear(&text);
	if (most < BACKLOG && !told)
		log_warnx("event=short-backlog somaxconn=%u wanted=%u "
		    "why=\"more connections that wait to be accepted are "
		    "dropped; see net.core.somaxconn\"", (unsigned)most,
		    BACKLOG);
	told = true;
	return most < BACKLOG ? (int)most : BACKLOG;
}

/*
 * A bound, listening socket, or -1 with errno.  Not shared: the bind fails
 * when anybody listens there, which SO_REUSEPORT would not tell of another
 * server of the same user.
 */
static int
open_socket(const struct listener *l, bool shared)
{
	struct sockaddr_storage	ss;
	socklen_t		n = ip_to_sockaddr(&l->ip, l->port, &ss);
	int			fd, saved;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return -1;
	if (set(fd, SOL_SOCKET, SO_REUSEADDR) &&
	    (!shared || set(fd, SOL_SOCKET, SO_REUSEPORT)) &&
	    (l->ip.family == 4 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
	    bind(fd, (struct sockaddr *)&ss, n) == 0 &&
	    (!shared || listen(fd, backlog()) == 0))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static char *
explain(const struct listener *l, int error)
{
	char		text[80];
	const char	*help = "";

	if (error == EADDRINUSE)
		help = "; another program listens there (ss -ltnp shows which)";
	else if (error == EACCES)
		help = "; ports below 1024 need root";
	else if (error == EADDRNOTAVAIL)
		help = "; this machine does not have that address";
	return xasprintf("cannot listen on %s (line %u): %s%s",
	    text_of(l, text), l->line, strerror(error), help);
}

static void
close_one(struct listener *l, unsigned workers)
{
	unsigned	i;

	for (i = 0; l->fds != NULL && i < workers; i++)
		if (l->fds[i] != -1)
			close(l->fds[i]);
	if (l->fds != NULL && l->local.path != NULL)
		local_socket_remove(&l->local);
	free(l->fds);
	l->fds = NULL;
}

/* One socket for all workers: SO_REUSEPORT is nothing for these. */
static int
open_local(struct listener *l, unsigned workers, char **why)
{
	char		*cause;
	unsigned	 i;
	int		 fd = local_socket_open(&l->local, backlog(), &cause);

	if (fd == -1) {
		*why = xasprintf("cannot listen (line %u): %s", l->line,
		    cause);
		free(cause);
		return -1;
	}
	l->fds = xcalloc(workers, sizeof(*l->fds));
	for (i = 0; i < workers; i++)
		if ((l->fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
			fatal("descriptor");
	close(fd);
	return 0;
}

static int
open_one(struct listener *l, unsigned workers)
{
	unsigned	i;
	int		probe;

	if ((probe = open_socket(l, false)) == -1)
		return -1;
	close(probe);
	l->fds = xcalloc(workers, sizeof(*l->fds));
	for (i = 0; i < workers; i++)
		l->fds[i] = -1;
	for (i = 0; i < workers; i++)
		if ((l->fds[i] = open_socket(l, true)) == -1)
			return -1;
	return 0;
}

/* No IPv6 on this machine: "*" is IPv4 then. */
static bool
may_be_missing(const struct listener *l, int error)
{
	return l->any && l->ip.family == 6 &&
	    (error == EAFNOSUPPORT || error == EADDRNOTAVAIL);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same(const struct listener *a, const struct listener *b)
{
	return a->port == b->port && ip_eq(&a->ip, &b->ip) &&
	    same_text(a->local.path, b->local.path);
}

static struct listener *
find(struct listeners *ls, const struct listener *like)
{
	size_t	i;

	for (i = 0; i < ls->n; i++)
		if (ls->l[i].fds != NULL && same(&ls->l[i], like))
			return &ls->l[i];
	return NULL;
}

static int
open_new(struct listeners *wanted, struct listeners *old, char **why)
{
	struct listener	*l;
	size_t		 i;
	int		 error;

	for (i = 0; i < wanted->n; i++) {
		l = &wanted->l[i];
		if (find(old, l) != NULL)
			continue;
		if (l->local.path != NULL) {
			if (open_local(l, wanted->workers, why) == -1)
				return -1;
			continue;
		}
		if (open_one(l, wanted->workers) == 0)
			continue;
		error = errno;
		close_one(l, wanted->workers);
		if (may_be_missing(l, error))
			continue;
		*why = explain(l, error);
		return -1;
	}
	return 0;
}

void
listeners_close(struct listeners *ls)
{
	size_t	i;

	for (i = 0; i < ls->n; i++) {
		close_one(&ls->l[i], ls->workers);
		free(ls->l[i].local.path);
		free(ls->l[i].local.group);
	}
	free(ls->l);
	ls->l = NULL;
	ls->n = 0;
}

int
listeners_set(struct listeners *ls, const struct rs_image *image, char **why)
{
	struct listeners	 wanted = { .workers = ls->workers };
	struct listener		*l, *kept;
	size_t			 i;

	if (want_all(&wanted, image, why) == -1 ||
	    open_new(&wanted, ls, why) == -1) {
		listeners_close(&wanted);
		return -1;
	}
	for (i = 0; i < wanted.n; i++) {
		l = &wanted.l[i];
		if (l->fds == NULL && (kept = find(ls, l)) != NULL) {
			l->fds = kept->fds;
			l->local.dev = kept->local.dev;
			l->local.ino = kept->local.ino;
			kept->fds = NULL;
		}
	}
	listeners_close(ls);
	*ls = wanted;
	return 0;
}

void
listeners_send(const struct listeners *ls, struct chan *c,
    uint32_t generation, uint32_t worker)
{
	size_t	i;
	int	copy;

	for (i = 0; i < ls->n; i++) {
		if (ls->l[i].fds == NULL)
			continue;
		copy = fcntl(ls->l[i].fds[worker], F_DUPFD_CLOEXEC, 0);
		if (copy == -1)
			fatal("descriptor");
		chan_begin(c, MSG_CONFIG_LISTENER);
		chan_u32(c, generation);
		chan_u32(c, ls->l[i].object);
		chan_fd(c, copy);
		chan_end(c);
	}
}
