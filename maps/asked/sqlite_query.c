/*
 * sqlite_query.c - one query to one SQLite file.
 */
#include <sys/stat.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "maps/asked/sqlite_query.h"

#define STEPS		1000	/* of SQLite's machine between two looks at the clock */
#define BUSY_MS		5	/* between two tries at a locked file */

/* --- what goes wrong */

static void
failed(struct sqlite_query *q, enum map_result result, const char *what,
    const char *more)
{
	q->result = result;
	snprintf(q->why, sizeof(q->why), "%s: %s%s", q->path, what, more);
}

/* Whether it may be otherwise in a while. */
static bool
passes(struct sqlite_query *q, int rc)
{
	int	 error = sqlite3_system_errno(q->db);

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_INTERRUPT:
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
	case SQLITE_FULL:
	case SQLITE_PROTOCOL:
		return true;
	case SQLITE_CANTOPEN:
		return error == EMFILE || error == ENFILE || error == ENOMEM ||
		    error == EINTR;
	default:
		return false;
	}
}

static void
failed_sqlite(struct sqlite_query *q, int rc)
{
	const char	*hint = "";

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		hint = " (another program writes it)";
		break;
	case SQLITE_INTERRUPT:
		hint = " (the query takes longer than the table's timeout)";
		break;
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
		hint = " (in WAL mode its folder and -shm file are needed too)";
		break;
	case SQLITE_AUTH:
		hint = " (the query may only read)";
		break;
	}
	failed(q, passes(q, rc) ? MAP_LATER : MAP_BROKEN,
	    sqlite3_errmsg(q->db), hint);
}

/* --- opening */

static void
close_file(struct sqlite_query *q)
{
	sqlite3_finalize(q->stmt);
	sqlite3_close(q->db);
	q->stmt = NULL;
	q->db = NULL;
}

/* Only reading: no ATTACH, no PRAGMA, no extension. */
static int
allow(void *arg, int action, const char *a, const char *b, const char *c,
    const char *d)
{
	(void)arg;
	(void)a;
	(void)c;
	(void)d;
	if (action == SQLITE_FUNCTION)
		return b != NULL && sqlite3_stricmp(b, "load_extension") == 0 ?
		    SQLITE_DENY : SQLITE_OK;
	return action == SQLITE_SELECT || action == SQLITE_READ ||
	    action == SQLITE_RECURSIVE ? SQLITE_OK : SQLITE_DENY;
}

static bool
must_end(struct sqlite_query *q)
{
	return atomic_load(&q->stop) || clock_boot_ms() >= q->deadline_ms;
}

static int
on_progress(void *arg)
{
	return must_end(arg);
}

/* Not 0: try again. */
static int
on_busy(void *arg, int tries)
{
	struct timespec	 ts = { .tv_nsec = BUSY_MS * 1000000L };

	(void)tries;
	if (must_end(arg))
		return 0;
	nanosleep(&ts, NULL);
	return 1;
}

static void
confine(struct sqlite_query *q)
{
	sqlite3_db_config(q->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(q->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(q->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(q->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0,
	    NULL);
	sqlite3_limit(q->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(q->db, SQLITE_LIMIT_LENGTH, 4 * ASKED_OCTETS_MAX);
	sqlite3_busy_handler(q->db, on_busy, q);
	sqlite3_progress_handler(q->db, STEPS, on_progress, q);
	sqlite3_set_authorizer(q->db, allow, NULL);
}

/* Nothing but blanks, comments and ';' behind the statement. */
static bool
is_all(const char *tail)
{
	const char	*p = tail + strspn(tail, " \t\r\n;");

	return *p == '\0' || strncmp(p, "--", 2) == 0;
}

static bool
prepare(struct sqlite_query *q)
{
	const char	*tail = "";
	int		 rc;

	rc = sqlite3_prepare_v3(q->db, q->sql.text, -1,
	    SQLITE_PREPARE_PERSISTENT, &q->stmt, &tail);
	if (rc != SQLITE_OK) {
		failed_sqlite(q, rc);
		return false;
	}
	if (q->stmt == NULL || !is_all(tail) ||
	    !sqlite3_stmt_readonly(q->stmt) ||
	    sqlite3_stmt_isexplain(q->stmt) != 0 ||
	    sqlite3_column_count(q->stmt) == 0) {
		failed(q, MAP_BROKEN, "the query is not one SELECT", "");
		return false;
	}
	if (sqlite3_bind_parameter_count(q->stmt) != (int)q->sql.n) {
		failed(q, MAP_BROKEN, "the query has parameters of its own; "
		    "there are {key}, {user} and {domain}", "");
		return false;
	}
	return true;
}

/* The file itself, or something else of SQLite's. */
static void
not_opened(struct sqlite_query *q, int rc)
{
	int	 error = sqlite3_system_errno(q->db);

	if ((rc & 0xff) == SQLITE_CANTOPEN && error != 0)
		failed(q, passes(q, rc) ? MAP_LATER : MAP_BROKEN,
		    strerror(error), "");
	else
		failed_sqlite(q, rc);
}

static bool
open_file(struct sqlite_query *q, const struct stat *st)
{
	int	 rc;

	q->dev = st->st_dev;
	q->ino = st->st_ino;
	rc = sqlite3_open_v2(q->path, &q->db,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (q->db == NULL) {
		failed(q, MAP_LATER, "no memory", "");
		return false;
	}
	if (rc != SQLITE_OK) {
		not_opened(q, rc);
		return false;
	}
	confine(q);
	return prepare(q);
}

/* The query stands ready on the file that has the name now. */
static bool
is_ready(struct sqlite_query *q)
{
	struct stat	 st;

	if (stat(q->path, &st) == -1) {
		close_file(q);
		failed(q, errno == ENOENT || errno == EACCES ||
		    errno == ENOTDIR ? MAP_BROKEN : MAP_LATER,
		    strerror(errno), "");
		return false;
	}
	if (q->stmt != NULL && q->dev == st.st_dev && q->ino == st.st_ino)
		return true;
	close_file(q);
	if (!S_ISREG(st.st_mode)) {
		failed(q, MAP_BROKEN, "not a file", "");
		return false;
	}
	if (open_file(q, &st))
		return true;
	close_file(q);
	return false;
}

/* --- asking */

static bool
bind_key(struct sqlite_query *q)
{
	struct span	 value;
	size_t		 i;
	int		 rc = SQLITE_OK;

	for (i = 0; rc == SQLITE_OK && i < q->sql.n; i++) {
		value = asked_part_value(&q->sql.params[i],
		    buf_span(&q->key));
		rc = sqlite3_bind_text(q->stmt, (int)i + 1,
		    value.n > 0 ? value.p : "", (int)value.n, SQLITE_STATIC);
	}
	if (rc != SQLITE_OK)
		failed_sqlite(q, rc);
	return rc == SQLITE_OK;
}

static void
take_names(struct sqlite_query *q)
{
	const char	*name;
	size_t		 i;

	q->ncolumns = (size_t)sqlite3_column_count(q->stmt);
	q->names = arena_alloc(&q->gathered.arena,
	    q->ncolumns * sizeof(*q->names));
	for (i = 0; i < q->ncolumns; i++) {
		name = sqlite3_column_name(q->stmt, (int)i);
		q->names[i] = arena_strdup(&q->gathered.arena,
		    name == NULL ? "" : name);
	}
}

static void
take_row(struct sqlite_query *q)
{
	const void	*p;
	int		 i, n = (int)q->ncolumns;

	for (i = 0; i < n; i++) {
		if (sqlite3_column_type(q->stmt, i) == SQLITE_NULL) {
			asked_gather_add(&q->gathered, SPAN_NONE);
			continue;
		}
		p = sqlite3_column_blob(q->stmt, i);
		asked_gather_add(&q->gathered, span_mem(p == NULL ? "" : p,
		    (size_t)sqlite3_column_bytes(q->stmt, i)));
	}
}

static void
run(struct sqlite_query *q)
{
	int	 rc = SQLITE_DONE;

	while (!q->gathered.over &&
	    (rc = sqlite3_step(q->stmt)) == SQLITE_ROW) {
		if (q->gathered.n == 0)
			take_names(q);
		take_row(q);
	}
	if (q->gathered.over)
		failed(q, MAP_BROKEN, ASKED_TOO_MUCH, "");
	else if (rc == SQLITE_DONE)
		q->result = q->gathered.n > 0 ? MAP_FOUND : MAP_NONE;
	else
		failed_sqlite(q, rc);
}

void
sqlite_query_ask(struct sqlite_query *q)
{
	asked_gather_reset(&q->gathered);
	q->why[0] = '\0';
	q->deadline_ms = clock_boot_ms() + q->timeout_ms;
	if (!is_ready(q))
		return;
	if (bind_key(q))
		run(q);
	sqlite3_reset(q->stmt);
	sqlite3_clear_bindings(q->stmt);
	if (q->result == MAP_LATER || q->result == MAP_BROKEN)
		close_file(q);
}

struct sqlite_query *
sqlite_query_new(const char *path, const struct asked_sql *sql,
    int64_t timeout_ms)
{
	struct sqlite_query	*q = xcalloc(1, sizeof(*q));

	q->path = xstrdup(path);
	q->timeout_ms = timeout_ms;
	asked_sql_copy(&q->sql, sql);
	atomic_init(&q->stop, false);
	return q;
}

void
sqlite_query_free(struct sqlite_query *q)
{
	close_file(q);
	asked_gather_clear(&q->gathered);
	asked_sql_clear(&q->sql);
	buf_clear(&q->key);
	free(q->path);
	free(q);
}
