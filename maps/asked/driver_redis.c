/*
 * driver_redis.c - a redis server's values as a table, by hiredis'
 * asynchronous calls.  waybill-tables(5), SERVERS.
 *
 * The policy's command is taken apart into words once; what is asked for is
 * put into words, which go to the server with their lengths: a key is never
 * read as anything else.
 */
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/asked/dial.h"
#include "maps/asked/redis_command.h"

#define USUAL_PORT	6379
#define READ_SIZE	16384	/* what hiredis reads at once */
#define REPLY_MAX	(4u << 20)	/* octets of a reply as it comes, before its values are counted */

struct table {
	struct asked_place	 place;
	struct redis_command	 command;
	char			*login, *password;	/* or NULL */
	unsigned		 db;
};

/* hiredis' hooks; freed by its cleanup, which may be later than the rest. */
struct events {
	redisAsyncContext	*redis;
	struct watch		 watch;
	int			 what;
	size_t			 octets;	/* of the reply under way */
};

struct conn {
	struct asked_conn	*conn;
	const struct table	*table;
	struct asked_hosts	*hosts;
	struct ip		 ips[ASKED_ADDRESSES_MAX];
	size_t			 n, next;
	redisAsyncContext	*redis;		/* its data is this, or NULL when given up */
	struct events		*events;	/* of redis */
	bool			 up;		/* logged in: one reply for one question from here on */
	bool			 asking;
	bool			 spent;		/* an answer was too much: not to be used again */
	char			 why[ASKED_WHY_MAX];
};

/* --- the policy's words */

static void
table_close(void *arg)
{
	struct table	*t = arg;

	if (t == NULL)
		return;
	asked_place_clear(&t->place);
	redis_command_clear(&t->command);
	if (t->password != NULL)
		explicit_bzero(t->password, strlen(t->password));
	free(t->password);
	free(t->login);
	free(t);
}

/* Takes "/db" off the end of "host:port/db". */
static int
parse_db(struct span *where, unsigned *db, const char **why)
{
	ptrdiff_t	 slash = span_index(*where, '/');
	uint64_t	 n = 0;

	*db = 0;
	if (slash < 0 || span_prefix(*where, SPAN("unix:")))
		return 0;
	if (!span_u64(span_from(*where, (size_t)slash + 1), 65535, &n)) {
		*why = "behind the / stands the number of a database";
		return -1;
	}
	where->n = (size_t)slash;
	*db = (unsigned)n;
	return 0;
}

static void *
table_open(const struct asked_source *src, const char **why)
{
	struct table	*t = xcalloc(1, sizeof(*t));
	struct span	 where = src->where;

	if (src->login.n > 0)
		t->login = xstrndup(src->login.p, src->login.n);
	if (src->password.n > 0)
		t->password = xstrndup(src->password.p, src->password.n);
	if (parse_db(&where, &t->db, why) == 0 &&
	    asked_place_parse(where, USUAL_PORT, &t->place, why) == 0 &&
	    redis_command_init(&t->command, src->query, why) == 0)
		return t;
	table_close(t);
	return NULL;
}

/* --- why */

static void
explain(struct conn *c, const char *what)
{
	const struct asked_place	*p = &c->table->place;

	if (p->path != NULL)
		snprintf(c->why, sizeof(c->why), "unix:%s: %s", p->path, what);
	else
		snprintf(c->why, sizeof(c->why), "%s:%u: %s", p->host, p->port,
		    what);
}

/* c is gone when this returns. */
static void
down(struct conn *c, const char *what)
{
	char	 why[ASKED_WHY_MAX];

	explain(c, what);
	memcpy(why, c->why, sizeof(why));
	asked_conn_down(c->conn, why);
}

/* --- hiredis on our loop */

static void	 too_much(struct conn *);

/*
 * Something is there that nobody has asked for.  It would be taken for the
 * answer to the next question, and hiredis ends the process over it.
 */
static bool
is_unasked(const struct conn *c)
{
	char	 octet;

	return c != NULL && c->up && !c->asking && recv(c->redis->c.fd,
	    &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* The same, within what has been read. */
static bool
has_rest(const redisAsyncContext *ac)
{
	return ac->c.reader->pos < ac->c.reader->len;
}

/* At once, also out of a reply's callback: hiredis looks at nothing more. */
static void
unasked(struct conn *c)
{
	redisAsyncContext	*ac = c->redis;

	c->redis = NULL;
	ac->data = NULL;
	redisAsyncFree(ac);
	down(c, "the server says more than it was asked");
}

/* Counts what is about to be read: hiredis keeps a reply whole. */
static bool
is_too_much(struct events *e)
{
	int	 n = 0;

	if (ioctl(e->redis->c.fd, FIONREAD, &n) == -1 || n < 0)
		n = 0;
	e->octets += n < READ_SIZE ? (size_t)n : READ_SIZE;
	return e->octets > REPLY_MAX;
}

static void
on_ready(void *arg, int what)
{
	struct events	*e = arg;

	/* Either may free all of it; the loop calls again for the other. */
	if (what & LOOP_WRITE)
		redisAsyncHandleWrite(e->redis);
	else if (is_unasked(e->redis->data))
		unasked(e->redis->data);
	else if (is_too_much(e) && e->redis->data != NULL)
		too_much(e->redis->data);
	else
		redisAsyncHandleRead(e->redis);
}

static void
watch_for(struct events *e, int what)
{
	e->what = what;
	watch_set(&e->watch, e->redis->c.fd, what, on_ready, e);
}

static void
add_read(void *arg)
{
	struct events	*e = arg;

	watch_for(e, e->what | LOOP_READ);
}

static void
del_read(void *arg)
{
	struct events	*e = arg;

	watch_for(e, e->what & ~LOOP_READ);
}

static void
add_write(void *arg)
{
	struct events	*e = arg;

	watch_for(e, e->what | LOOP_WRITE);
}

static void
del_write(void *arg)
{
	struct events	*e = arg;

	watch_for(e, e->what & ~LOOP_WRITE);
}

static void
cleanup(void *arg)
{
	struct events	*e = arg;

	watch_clear(&e->watch);
	free(e);
}

static void
attach(struct conn *c)
{
	struct events	*e = xcalloc(1, sizeof(*e));

	e->redis = c->redis;
	c->events = e;
	c->redis->data = c;
	c->redis->ev.data = e;
	c->redis->ev.addRead = add_read;
	c->redis->ev.delRead = del_read;
	c->redis->ev.addWrite = add_write;
	c->redis->ev.delWrite = del_write;
	c->redis->ev.cleanup = cleanup;
}

/* --- asking */

/* c may be gone when this returns. */
static void
on_reply(redisAsyncContext *ac, void *reply, void *arg)
{
	struct conn		*c = ac->data;
	struct asked_gather	 gathered = { 0 };
	struct asked_rows	 rows;
	enum map_result		 result;
	char			 why[256] = "";

	(void)arg;
	if (c == NULL || reply == NULL)
		return;		/* given up, or lost: on_disconnected() says it */
	c->asking = false;
	if (has_rest(ac)) {
		unasked(c);
		return;
	}
	result = redis_reply_rows(&c->table->command, reply, &gathered, &rows,
	    why);
	asked_conn_answer(c->conn, result, &rows, why[0] != '\0' ? why : NULL);
	asked_gather_clear(&gathered);
}

/* What is still to come of the reply is not read; the next question finds it so. */
static void
too_much(struct conn *c)
{
	watch_for(c->events, 0);
	c->spent = true;
	if (c->asking) {
		c->asking = false;
		asked_conn_answer(c->conn, MAP_BROKEN, NULL, ASKED_TOO_MUCH);
	} else
		unasked(c);
}

static void
ask(struct asked_conn *conn, struct span key)
{
	struct conn	*c = asked_conn_get(conn);
	const char	*argv[REDIS_WORDS_MAX];
	size_t		 lengths[REDIS_WORDS_MAX], n;
	struct arena	 scratch = { 0 };
	int		 rc;

	if (c->spent) {
		down(c, "the connection was used up by an answer");
		return;
	}
	if (is_unasked(c)) {
		unasked(c);
		return;
	}
	c->asking = true;
	c->events->octets = 0;
	n = redis_command_fill(&c->table->command, key, &scratch, argv,
	    lengths);
	rc = redisAsyncCommandArgv(c->redis, on_reply, NULL, (int)n, argv,
	    lengths);
	arena_clear(&scratch);
	if (rc != REDIS_OK)
		down(c, "the question cannot be sent");
}

/* --- connecting */

static void	 try_next(struct conn *);

/* An error of AUTH or SELECT ends it; one of PING only when it wants a login. */
static void
on_login(redisAsyncContext *ac, void *arg, void *is_last)
{
	struct conn		*c = ac->data;
	const redisReply	*reply = arg;
	bool			 last = is_last != NULL;
	char			 why[ASKED_WHY_MAX];

	if (c == NULL || reply == NULL)
		return;
	if (reply->type == REDIS_REPLY_ERROR && (!last ||
	    strncmp(reply->str, "NOAUTH", 6) == 0 ||
	    strncmp(reply->str, "LOADING", 7) == 0)) {
		snprintf(why, sizeof(why), "the server says: %s", reply->str);
		down(c, why);
	} else if (last && has_rest(ac))
		unasked(c);
	else if (last) {
		c->up = true;
		asked_conn_up(c->conn);
	}
}

/* The last is always there: its reply says that the server answers. */
static void
log_in(struct conn *c)
{
	const struct table	*t = c->table;

	if (t->password != NULL && t->login != NULL)
		redisAsyncCommand(c->redis, on_login, NULL, "AUTH %s %s",
		    t->login, t->password);
	else if (t->password != NULL)
		redisAsyncCommand(c->redis, on_login, NULL, "AUTH %s",
		    t->password);
	if (t->db != 0)
		redisAsyncCommand(c->redis, on_login, NULL, "SELECT %u",
		    t->db);
	redisAsyncCommand(c->redis, on_login, c, "PING");
}

static void
on_connected(const redisAsyncContext *ac, int status)
{
	struct conn	*c = ac->data;

	if (c == NULL)
		return;
	if (status == REDIS_OK) {
		log_in(c);
		return;
	}
	explain(c, ac->errstr);
	c->redis->data = NULL;		/* hiredis frees it */
	c->redis = NULL;
	try_next(c);
}

static void
on_disconnected(const redisAsyncContext *ac, int status)
{
	struct conn	*c = ac->data;

	if (c == NULL)
		return;
	c->redis = NULL;		/* hiredis frees it */
	down(c, status == REDIS_OK || ac->errstr == NULL ? "disconnected" :
	    ac->errstr);
}

/* false: why says it. */
static bool
start(struct conn *c)
{
	const struct asked_place	*p = &c->table->place;
	char				 ip[IP_TEXT_MAX];

	if (p->path != NULL)
		c->redis = redisAsyncConnectUnix(p->path);
	else
		c->redis = redisAsyncConnect(ip_format(&c->ips[c->next], ip),
		    p->port);
	c->next++;
	if (c->redis == NULL || c->redis->err != 0) {
		explain(c, c->redis == NULL ? "no memory" : c->redis->errstr);
		if (c->redis != NULL)
			redisAsyncFree(c->redis);
		c->redis = NULL;
		return false;
	}
	attach(c);
	redisAsyncSetConnectCallback(c->redis, on_connected);
	redisAsyncSetDisconnectCallback(c->redis, on_disconnected);
	return true;
}

static void
try_next(struct conn *c)
{
	char	 why[ASKED_WHY_MAX];

	while (c->next < c->n) {
		if (start(c))
			return;
	}
	memcpy(why, c->why, sizeof(why));
	asked_conn_down(c->conn, why);
}

static void
on_hosts(void *arg, const struct ip *ips, size_t n, enum map_result result,
    const char *why)
{
	struct conn	*c = arg;

	(void)result;
	if (n > 0)
		memcpy(c->ips, ips, n * sizeof(*ips));
	else
		snprintf(c->why, sizeof(c->why), "%s", why);
	c->n = n;
	asked_hosts_free(&c->hosts);
	try_next(c);
}

static void
begin(void *arg, struct asked_conn *conn)
{
	struct conn	*c = xcalloc(1, sizeof(*c));

	c->conn = conn;
	c->table = arg;
	asked_conn_set(conn, c);
	if (c->table->place.path != NULL) {
		c->n = 1;
		try_next(c);
	} else
		c->hosts = asked_hosts_new(c->table->place.host,
		    asked_conn_names(conn), on_hosts, c);
}

static void
disconnect(void *arg)
{
	struct conn	*c = arg;

	asked_hosts_free(&c->hosts);
	if (c->redis != NULL) {
		c->redis->data = NULL;
		redisAsyncFree(c->redis);
	}
	free(c);
}

const struct asked_driver asked_driver_redis = {
	.name = "redis",
	.open = table_open,
	.close = table_close,
	.connect = begin,
	.ask = ask,
	.disconnect = disconnect,
};
