/*
 * driver_sqlite.c - a query to an SQLite file as a table.
 * waybill-tables(5), SERVERS.
 *
 * SQLite blocks on disk and locks: each connection has a thread.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "maps/asked/dial.h"
#include "maps/asked/sqlite_query.h"
#include "maps/asked/thread.h"

struct table {
	char			*path;
	struct asked_sql	 sql;
	int64_t			 timeout_ms;
};

struct conn {
	struct asked_conn	*conn;
	struct sqlite_query	*query;		/* the thread's while it works */
	struct asked_thread	*thread;
};

static void
table_close(void *arg)
{
	struct table	*t = arg;

	if (t == NULL)
		return;
	asked_sql_clear(&t->sql);
	free(t->path);
	free(t);
}

static void *
table_open(const struct asked_source *src, const char **why)
{
	struct table	*t = xcalloc(1, sizeof(*t));

	t->timeout_ms = asked_timeout_ms(src);
	t->path = xstrndup(src->where.n > 0 ? src->where.p : "", src->where.n);
	if (t->path[0] == '\0')
		*why = "there is no path of an SQLite file";
	else if (asked_sql_init(&t->sql, src->query, '?', why) == 0)
		return t;
	table_close(t);
	return NULL;
}

static void
end(void *query)
{
	sqlite_query_free(query);
}

static void
work(void *query)
{
	sqlite_query_ask(query);
}

/* c may be gone when this returns, and the thread at its next question. */
static void
on_done(void *owner)
{
	struct conn		*c = owner;
	struct sqlite_query	*q = c->query;
	struct asked_gather	 gathered = q->gathered;
	struct asked_rows	 rows;
	char			 why[sizeof(q->why)];

	q->gathered = (struct asked_gather){ 0 };
	memcpy(why, q->why, sizeof(why));
	asked_gather_rows(&gathered, q->names, q->ncolumns, &rows);
	asked_conn_answer(c->conn, q->result, &rows,
	    why[0] != '\0' ? why : NULL);
	asked_gather_clear(&gathered);
}

static void
begin(void *arg, struct asked_conn *conn)
{
	struct table	*t = arg;
	struct conn	*c = xcalloc(1, sizeof(*c));

	c->conn = conn;
	c->query = sqlite_query_new(t->path, &t->sql, t->timeout_ms);
	c->thread = asked_thread_new(end, c->query);
	asked_conn_set(conn, c);
	if (c->thread != NULL)
		asked_conn_up(conn);
	else
		asked_conn_down(conn, "no thread can be had for SQLite");
}

static void
disconnect(void *arg)
{
	struct conn	*c = arg;

	if (c->thread == NULL)
		sqlite_query_free(c->query);
	else {
		atomic_store(&c->query->stop, true);
		asked_thread_leave(&c->thread);		/* frees the query */
	}
	free(c);
}

static void
ask(struct asked_conn *conn, struct span key)
{
	struct conn	*c = asked_conn_get(conn);

	/* No text in a table has an octet 0. */
	if (key.n > 0 && memchr(key.p, '\0', key.n) != NULL) {
		asked_conn_answer(conn, MAP_NONE, NULL, NULL);
		return;
	}
	buf_reset(&c->query->key);
	buf_add_span(&c->query->key, key);
	asked_thread_run(c->thread, work, on_done, c);
}

const struct asked_driver asked_driver_sqlite = {
	.name = "sqlite",
	.open = table_open,
	.close = table_close,
	.connect = begin,
	.ask = ask,
	.disconnect = disconnect,
};
