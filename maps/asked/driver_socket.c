/*
 * driver_socket.c - tables of a server that speaks Postfix's socketmap
 * protocol.  waybill-tables(5), SERVERS.
 *
 * A connection carries one question at a time.  Octets that nobody asked for
 * end it: they would be taken for the answer to the next question.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/asked/dial.h"
#include "maps/asked/socketmap.h"

#define READ_SIZE	16384

struct table {
	struct asked_place	 place;
	char			*map;
	int64_t			 each_ms;
};

struct conn {
	struct asked_conn	*conn;
	const struct table	*table;
	struct asked_dial	*dial;
	int			 fd;
	struct watch		 watch;
	bool			 asking;
	struct buf		 in, out;
};

static void
table_close(void *arg)
{
	struct table	*t = arg;

	if (t == NULL)
		return;
	asked_place_clear(&t->place);
	free(t->map);
	free(t);
}

static void *
table_open(const struct asked_source *src, const char **why)
{
	struct table	*t = xcalloc(1, sizeof(*t));

	t->each_ms = asked_timeout_ms(src) / 2;
	t->map = xstrndup(src->map.n > 0 ? src->map.p : src->name.p,
	    src->map.n > 0 ? src->map.n : src->name.n);
	if (asked_place_parse(src->where, 0, &t->place, why) == 0)
		return t;
	table_close(t);
	return NULL;
}

/* --- a connection */

static void
disconnect(void *arg)
{
	struct conn	*c = arg;

	asked_dial_free(&c->dial);
	watch_clear(&c->watch);
	if (c->fd != -1)
		close(c->fd);
	buf_clear(&c->in);
	buf_clear(&c->out);
	free(c);
}

/* The connection is of no more use; c is gone when this returns. */
static void
down(struct conn *c, const char *what)
{
	char	 why[ASKED_WHY_MAX];

	watch_clear(&c->watch);
	if (c->table->place.path != NULL)
		snprintf(why, sizeof(why), "unix:%s: %s",
		    c->table->place.path, what);
	else
		snprintf(why, sizeof(why), "inet:%s:%u: %s",
		    c->table->place.host, c->table->place.port, what);
	asked_conn_down(c->conn, why);
}

static void	 on_ready(void *, int);

static void
watch_again(struct conn *c)
{
	watch_set(&c->watch, c->fd,
	    LOOP_READ | (c->out.n > 0 ? LOOP_WRITE : 0), on_ready, c);
}

/* c may be gone when this returns: the pool asks the next. */
static void
answer(struct conn *c, const struct socketmap_reply *r)
{
	struct asked_rows	 rows = { 0 };
	struct buf		 in = c->in;
	char			 why[ASKED_WHY_MAX];

	/* The reply lies in `in`, which outlives c. */
	c->in = (struct buf){ 0 };
	c->asking = false;
	if (r->result == MAP_FOUND)
		rows = (struct asked_rows){ .nrows = 1, .ncolumns = 1,
		    .values = &r->text };
	snprintf(why, sizeof(why), "the server says: %.*s",
	    SPAN_ARG(r->text));
	asked_conn_answer(c->conn, r->result, &rows,
	    r->result == MAP_LATER || r->result == MAP_BROKEN ? why : NULL);
	buf_clear(&in);
}

static void
take_replies(struct conn *c)
{
	struct socketmap_reply	 r;
	const char		*why;
	size_t			 used;
	int			 rc;

	rc = socketmap_parse(buf_span(&c->in), &used, &r, &why);
	if (rc == -1)
		down(c, why);
	else if (rc == 1 && used != c->in.n)
		down(c, "more than one reply to a question");
	else if (rc == 1)
		answer(c, &r);
}

static void
read_more(struct conn *c)
{
	ssize_t	 n = read(c->fd, buf_reserve(&c->in, READ_SIZE), READ_SIZE);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1)
		down(c, strerror(errno));
	else if (n == 0)
		down(c, "the server has closed the connection");
	else if (!c->asking)
		down(c, "the server speaks without being asked");
	else {
		buf_grown(&c->in, (size_t)n);
		take_replies(c);
	}
}

/* false: c is gone. */
static bool
write_more(struct conn *c)
{
	ssize_t	 n = send(c->fd, buf_span(&c->out).p, c->out.n, MSG_NOSIGNAL);

	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		down(c, strerror(errno));
		return false;
	}
	if (n > 0)
		buf_eat(&c->out, (size_t)n);
	watch_again(c);
	return true;
}

static void
on_ready(void *arg, int what)
{
	struct conn	*c = arg;

	if ((what & LOOP_WRITE) != 0 && !write_more(c))
		return;
	if (what & LOOP_READ)
		read_more(c);
}

static void
on_dialled(void *arg, int fd, const char *why)
{
	struct conn	*c = arg;
	char		 copy[ASKED_WHY_MAX];

	if (fd == -1) {
		snprintf(copy, sizeof(copy), "%s", why);
		asked_conn_down(c->conn, copy);
		return;
	}
	c->fd = fd;
	asked_dial_free(&c->dial);
	watch_again(c);
	asked_conn_up(c->conn);
}

static void
begin(void *arg, struct asked_conn *conn)
{
	struct conn	*c = xcalloc(1, sizeof(*c));

	c->conn = conn;
	c->table = arg;
	c->fd = -1;
	asked_conn_set(conn, c);
	c->dial = asked_dial_new(&c->table->place, asked_conn_names(conn),
	    c->table->each_ms, on_dialled, c);
}

/* A reply that came late would be taken for the answer to the next question. */
static bool
is_unasked(const struct conn *c)
{
	char	 octet;

	return recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void
ask(struct asked_conn *conn, struct span key)
{
	struct conn	*c = asked_conn_get(conn);

	if (is_unasked(c)) {
		down(c, "the server speaks without being asked");
		return;
	}
	c->asking = true;
	socketmap_request(&c->out, span_of(c->table->map), key);
	(void)write_more(c);
}

const struct asked_driver asked_driver_socket = {
	.name = "socket",
	.open = table_open,
	.close = table_close,
	.connect = begin,
	.ask = ask,
	.disconnect = disconnect,
};
