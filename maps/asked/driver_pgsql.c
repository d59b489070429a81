/*
 * driver_pgsql.c - a query to PostgreSQL as a table, by libpq's asynchronous
 * calls.  waybill-tables(5), SERVERS.
 *
 * What libpq would block for is done before: names are resolved by the
 * resolve process, Kerberos is not tried.  What is asked for is bound as a
 * parameter.
 */
#include <libpq-fe.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/xalloc.h"
#include "maps/asked/gather.h"
#include "maps/asked/pgsql_conninfo.h"
#include "maps/asked/sql.h"

struct table {
	struct pgsql_conninfo	*info;
	struct asked_sql	 sql;
	int64_t			 timeout_ms;
	bool			 sets_timeout;
};

enum state { RESOLVING, CONNECTING, SETTING, IDLE, ASKING };

struct conn {
	struct asked_conn	*conn;
	struct table		*table;
	struct pgsql_addresses	*addresses;
	PGconn			*pg;
	enum state		 state;
	int			 fd;		/* that is watched; libpq's, or -1 */
	struct watch		 watch;
	/* the answer, as far as it has come */
	struct asked_gather	 gathered;
	const char		**names;
	size_t			 ncolumns;
	enum map_result		 result;
	bool			 lost;		/* the server ends the connection */
	bool			 spent;		/* in a state of no use: for no other question */
	char			 why[512];
};

/* --- the policy's words */

static void
table_close(void *arg)
{
	struct table	*t = arg;

	if (t == NULL)
		return;
	pgsql_conninfo_free(&t->info);
	asked_sql_clear(&t->sql);
	free(t);
}

static void *
table_open(const struct asked_source *src, const char **why)
{
	struct table	*t = xcalloc(1, sizeof(*t));

	t->timeout_ms = asked_timeout_ms(src);
	t->info = pgsql_conninfo_new(src->where, src->login, src->password,
	    why);
	if (t->info != NULL &&
	    asked_sql_init(&t->sql, src->query, '$', why) == 0) {
		t->sets_timeout = !pgsql_conninfo_has(t->info, "options");
		return t;
	}
	table_close(t);
	return NULL;
}

/* --- why */

/* The first line of what libpq says, without its line end. */
static const char *
first_line(const char *text, char out[512])
{
	size_t	 n = strcspn(text, "\n");

	snprintf(out, 512, "%.*s", (int)n, n == 0 ? "no reason given" : text);
	return out;
}

static void
down(struct conn *c, const char *what)
{
	char	 why[512];

	watch_clear(&c->watch);
	asked_conn_down(c->conn, first_line(what, why));
}

static bool
has_class(const char *state, const char *const *classes)
{
	for (; *classes != NULL; classes++) {
		if (strncmp(state, *classes, strlen(*classes)) == 0)
			return true;
	}
	return false;
}

/* What an SQLSTATE (PostgreSQL's appendix A) says of the table. */
static enum map_result
result_of(const char *state)
{
	/* connection, rollback, resources, locks, operator, system, internal */
	static const char *const	passing[] = { "08", "40", "53", "55",
	    "57", "58", "XX000", NULL };
	/* The key is no text in the database's encoding. */
	static const char *const	none[] = { "22021", "22P05", NULL };

	return has_class(state, none) ? MAP_NONE :
	    has_class(state, passing) ? MAP_LATER : MAP_BROKEN;
}

/* After these the server closes the connection, or it is of no use. */
static bool
ends_connection(const char *state)
{
	static const char *const	ends[] = { "08", "57P01", "57P02",
	    "57P03", "57P05", "25P03", NULL };

	return has_class(state, ends);
}

static void
take_error(struct conn *c, const PGresult *r)
{
	const char	*state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char	*what = PQresultErrorField(r,
	    PG_DIAG_MESSAGE_PRIMARY);

	if (state == NULL)
		state = "08000";	/* libpq's own: the connection */
	if (what == NULL)
		what = PQresultErrorMessage(r);
	c->result = result_of(state);
	c->lost = ends_connection(state);
	snprintf(c->why, sizeof(c->why), "the server says: %.*s (%s)",
	    (int)strcspn(what, "\n"), what, state);
	if (strcmp(state, "57014") == 0)
		snprintf(c->why, sizeof(c->why),
		    "the query takes longer than the table's timeout");
}

/* --- an answer */

static void
take_names(struct conn *c, const PGresult *r)
{
	size_t	 i;

	c->ncolumns = (size_t)PQnfields(r);
	c->names = arena_alloc(&c->gathered.arena,
	    c->ncolumns * sizeof(*c->names));
	for (i = 0; i < c->ncolumns; i++)
		c->names[i] = arena_strdup(&c->gathered.arena,
		    PQfname(r, (int)i));
}

static void
take_row(struct conn *c, const PGresult *r)
{
	int	 i, n = (int)c->ncolumns;

	if (c->gathered.over)
		return;		/* read on, keep nothing: the end must be seen */
	for (i = 0; i < n; i++)
		asked_gather_add(&c->gathered, PQgetisnull(r, 0, i) ?
		    SPAN_NONE : span_mem(PQgetvalue(r, 0, i),
		    (size_t)PQgetlength(r, 0, i)));
}

static void
take_result(struct conn *c, const PGresult *r)
{
	switch (PQresultStatus(r)) {
	case PGRES_SINGLE_TUPLE:
		if (c->names == NULL)
			take_names(c, r);
		take_row(c, r);
		break;
	case PGRES_TUPLES_OK:
		break;
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		c->result = c->state == SETTING ? MAP_NONE : MAP_BROKEN;
		snprintf(c->why, sizeof(c->why),
		    "the query gives no rows: it is no SELECT");
		break;
	case PGRES_FATAL_ERROR:
	case PGRES_BAD_RESPONSE:
		take_error(c, r);
		break;
	default:
		c->result = MAP_BROKEN;
		c->spent = true;
		watch_clear(&c->watch);
		snprintf(c->why, sizeof(c->why),
		    "the query does something else than give rows");
		break;
	}
}

static void
forget_answer(struct conn *c)
{
	asked_gather_reset(&c->gathered);
	c->names = NULL;
	c->ncolumns = 0;
	c->result = MAP_FOUND;
	c->why[0] = '\0';
}

/* All of it has come; c may be gone when this returns. */
static void
answer(struct conn *c)
{
	struct asked_gather	 gathered = c->gathered;
	struct asked_rows	 rows;
	enum map_result		 result = c->result;
	char			 why[sizeof(c->why)];

	memcpy(why, c->why, sizeof(why));
	if (gathered.over) {
		result = MAP_BROKEN;
		snprintf(why, sizeof(why), "%s", ASKED_TOO_MUCH);
	} else if (result == MAP_FOUND && gathered.n == 0)
		result = MAP_NONE;
	asked_gather_rows(&gathered, c->names, c->ncolumns, &rows);
	c->gathered = (struct asked_gather){ 0 };
	c->state = IDLE;
	asked_conn_answer(c->conn, result, &rows,
	    why[0] != '\0' ? why : NULL);
	asked_gather_clear(&gathered);
}

static void
ended(struct conn *c)
{
	char	 why[sizeof(c->why)];

	if (c->lost) {
		memcpy(why, c->why, sizeof(why));
		down(c, why);
	} else if (c->state == SETTING) {
		c->state = IDLE;
		asked_conn_up(c->conn);
	} else
		answer(c);
}

/* --- the loop */

static void	 on_ready(void *, int);

/* libpq may take another socket while it connects. */
static void
watch_for(struct conn *c, int what)
{
	int	 fd = PQsocket(c->pg);

	if (fd != c->fd)
		watch_clear(&c->watch);
	c->fd = fd;
	watch_set(&c->watch, fd, what, on_ready, c);
}

/* Results that are there; none left and busy: wait. */
static void
take_results(struct conn *c)
{
	PGresult	*r;

	if (c->state == IDLE) {
		PQnotifies(c->pg);
		if (PQstatus(c->pg) != CONNECTION_OK)
			down(c, PQerrorMessage(c->pg));
		return;
	}
	while (!PQisBusy(c->pg)) {
		if ((r = PQgetResult(c->pg)) == NULL) {
			ended(c);
			return;
		}
		take_result(c, r);
		PQclear(r);
		if (c->lost || c->spent) {
			ended(c);
			return;
		}
	}
}

static void
exchange(struct conn *c, int what)
{
	int	 left = 0;

	if ((what & LOOP_READ) && PQconsumeInput(c->pg) == 0) {
		down(c, PQerrorMessage(c->pg));
		return;
	}
	if ((left = PQflush(c->pg)) == -1) {
		down(c, PQerrorMessage(c->pg));
		return;
	}
	watch_for(c, LOOP_READ | (left == 1 ? LOOP_WRITE : 0));
	if (what & LOOP_READ)
		take_results(c);
}

static void
ask_parameters(struct conn *c, const char *text, int n,
    const char *const *values)
{
	if (PQsendQueryParams(c->pg, text, n, NULL, values, NULL, NULL,
	    0) == 0 || PQsetSingleRowMode(c->pg) == 0) {
		down(c, PQerrorMessage(c->pg));
		return;
	}
	forget_answer(c);
	exchange(c, 0);
}

/* The server gives up too what the pool has given up. */
static void
set_timeout(struct conn *c)
{
	char	 text[64];

	c->state = SETTING;
	snprintf(text, sizeof(text), "set statement_timeout = %lld",
	    (long long)c->table->timeout_ms);
	ask_parameters(c, text, 0, NULL);
}

static void
connected(struct conn *c)
{
	if (PQsetnonblocking(c->pg, 1) == -1)
		down(c, PQerrorMessage(c->pg));
	else if (c->table->sets_timeout)
		set_timeout(c);
	else {
		c->state = IDLE;
		watch_for(c, LOOP_READ);
		asked_conn_up(c->conn);
	}
}

static void
poll_connect(struct conn *c)
{
	/* libpq may close the socket; the next may have the same number. */
	watch_clear(&c->watch);
	switch (PQconnectPoll(c->pg)) {
	case PGRES_POLLING_READING:
		watch_for(c, LOOP_READ);
		break;
	case PGRES_POLLING_WRITING:
		watch_for(c, LOOP_WRITE);
		break;
	case PGRES_POLLING_OK:
		connected(c);
		break;
	default:
		down(c, PQerrorMessage(c->pg));
		break;
	}
}

static void
on_ready(void *arg, int what)
{
	struct conn	*c = arg;

	if (c->state == CONNECTING)
		poll_connect(c);
	else
		exchange(c, what);
}

/* --- connecting */

static void
ignore_notice(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

static void
on_addresses(void *arg, const struct pgsql_words *words, const char *why)
{
	struct conn	*c = arg;

	if (words == NULL) {
		down(c, why);
		return;
	}
	c->state = CONNECTING;
	c->pg = PQconnectStartParams(words->keys, words->values, 0);
	pgsql_addresses_free(&c->addresses);
	if (c->pg == NULL)
		down(c, "no memory");
	else if (PQstatus(c->pg) == CONNECTION_BAD)
		down(c, PQerrorMessage(c->pg));
	else {
		PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
		watch_for(c, LOOP_WRITE);
	}
}

static void
begin(void *arg, struct asked_conn *conn)
{
	struct conn	*c = xcalloc(1, sizeof(*c));

	c->conn = conn;
	c->table = arg;
	c->fd = -1;
	asked_conn_set(conn, c);
	c->addresses = pgsql_addresses_new(c->table->info,
	    asked_conn_names(conn), on_addresses, c);
}

static void
disconnect(void *arg)
{
	struct conn	*c = arg;

	watch_clear(&c->watch);
	pgsql_addresses_free(&c->addresses);
	PQfinish(c->pg);
	asked_gather_clear(&c->gathered);
	free(c);
}

static void
ask(struct asked_conn *conn, struct span key)
{
	struct conn	*c = asked_conn_get(conn);
	const char	*values[ASKED_PARTS_MAX];
	struct arena	 scratch = { 0 };
	size_t		 i;

	/* No text of PostgreSQL has an octet 0. */
	if (key.n > 0 && memchr(key.p, '\0', key.n) != NULL) {
		asked_conn_answer(conn, MAP_NONE, NULL, NULL);
		return;
	}
	if (c->spent) {
		down(c, "the connection was used up by a query");
		return;
	}
	for (i = 0; i < c->table->sql.n; i++)
		values[i] = arena_span(&scratch, asked_part_value(
		    &c->table->sql.params[i], key)).p;
	c->state = ASKING;
	ask_parameters(c, c->table->sql.text, (int)c->table->sql.n, values);
	arena_clear(&scratch);
}

const struct asked_driver asked_driver_pgsql = {
	.name = "pgsql",
	.open = table_open,
	.close = table_close,
	.connect = begin,
	.ask = ask,
	.disconnect = disconnect,
};
