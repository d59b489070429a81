/*
 * fake_server.c - see fake_server.h.
 */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

#include "fake_server.h"

struct fake_server	fake;

struct fake_conn {
	LIST_ENTRY(fake_conn)	 entry;
	struct asked_conn	*conn;
	struct timer		 timer;
	struct fake_answer	*answer;
	bool			 up;
};
static LIST_HEAD(, fake_conn)	conns = LIST_HEAD_INITIALIZER(conns);

void
fake_reset(struct fake_answer *answers, size_t n)
{
	size_t	 i;

	assert(LIST_EMPTY(&conns));
	fake = (struct fake_server){ .answers = answers, .nanswers = n };
	for (i = 0; i < n; i++)
		answers[i].used = 0;
}

static void *
fake_open(const struct asked_source *src, const char **why)
{
	(void)src;
	*why = "the test wants it so";
	return &fake;
}

static void
fake_close(void *table)
{
	assert(table == &fake);
}

static void
comes_up(void *arg)
{
	struct fake_conn	*fc = arg;

	fc->up = true;
	asked_conn_up(fc->conn);
}

static void
fake_connect(void *table, struct asked_conn *conn)
{
	struct fake_conn	*fc = xcalloc(1, sizeof(*fc)), *other;
	int			 n = 1;

	assert(table == asked_conn_table(conn));
	fc->conn = conn;
	asked_conn_set(conn, fc);
	LIST_FOREACH(other, &conns, entry)
		n++;
	LIST_INSERT_HEAD(&conns, fc, entry);
	fake.opened++;
	if (n > fake.most)
		fake.most = n;
	if (fake.connects == FAKE_AT_ONCE)
		comes_up(fc);
	else if (fake.connects == FAKE_SOON)
		timer_set(&fc->timer, fake.connect_ms, comes_up, fc);
	else if (fake.connects == FAKE_LOST) {
		fake.refused++;
		asked_conn_down(conn, "connection refused");
	}
}

static void
says(void *arg)
{
	struct fake_conn	*fc = arg;
	struct span		 value = span_of(fc->answer->value);
	struct asked_rows	 rows = {
		.nrows = fc->answer->value != NULL, .ncolumns = 1,
		.values = &value
	};

	if (fc->answer->does == FAKE_LOST)
		asked_conn_down(fc->conn, "the server closed it");
	else if (fc->answer->does == FAKE_LATER)
		asked_conn_answer(fc->conn, MAP_LATER, NULL, "being mended");
	else
		asked_conn_answer(fc->conn, MAP_FOUND, &rows, NULL);
}

static struct fake_answer *
answer_for(struct span key)
{
	static struct fake_answer	 none;
	struct fake_answer		*a;
	size_t				 i;

	for (i = 0; i < fake.nanswers; i++) {
		a = &fake.answers[i];
		if ((a->key == NULL || span_eq(key, span_of(a->key))) &&
		    (a->times == 0 || a->used < a->times)) {
			a->used++;
			return a;
		}
	}
	return &none;
}

static void
fake_ask(struct asked_conn *conn, struct span key)
{
	struct fake_conn	*fc = asked_conn_get(conn);
	size_t			 n = strlen(fake.log);

	fake.asked++;
	snprintf(fake.log + n, sizeof(fake.log) - n, "%.*s ", SPAN_ARG(key));
	fc->answer = answer_for(key);
	if (fc->answer->does == FAKE_NEVER)
		return;
	if (fc->answer->ms > 0)
		timer_set(&fc->timer, fc->answer->ms, says, fc);
	else
		says(fc);
}

static void
fake_disconnect(void *arg)
{
	struct fake_conn	*fc = arg;

	LIST_REMOVE(fc, entry);
	timer_clear(&fc->timer);
	fake.closed++;
	free(fc);
}

const struct asked_driver fake_driver = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.connect = fake_connect,
	.ask = fake_ask,
	.disconnect = fake_disconnect,
};

void
fake_cut(void)
{
	struct fake_conn	*fc;

	LIST_FOREACH(fc, &conns, entry)
		if (fc->up)
			asked_conn_down(fc->conn, "the server was stopped");
}

static void
stop(void *arg)
{
	(void)arg;
	loop_stop();
}

void
run_for(int ms)
{
	struct timer	 t = { .ev = NULL };

	timer_set(&t, ms, stop, NULL);
	loop_run();
	timer_clear(&t);
}
