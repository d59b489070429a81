/*
 * asked_words_test.c - what policies write of servers' tables, and what keys
 * become in it: places, SQL, values that are gathered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "maps/asked/dial.h"
#include "maps/asked/gather.h"
#include "maps/asked/sql.h"

/* --- places */

static const struct {
	struct span	 in;
	const char	*path, *host;
	uint16_t	 port;
} places[] = {
	{ SPAN("unix:/run/x"), "/run/x", NULL, 0 },
	{ SPAN("inet:127.0.0.1:7000"), NULL, "127.0.0.1", 7000 },
	{ SPAN("db.example:1"), NULL, "db.example", 1 },
	{ SPAN("db.example"), NULL, "db.example", 6379 },
	{ SPAN("[2001:db8::1]:65535"), NULL, "2001:db8::1", 65535 },
	{ SPAN("inet:[::1]"), NULL, "::1", 6379 },
};

static const struct span no_places[] = {
	SPAN(""), SPAN("unix:"), SPAN("unix:x"), SPAN(":80"), SPAN("h:0"),
	SPAN("h:65536"), SPAN("h:-1"), SPAN("h:80x"), SPAN("::1:80"),
	SPAN("[::1"), SPAN("[::1]80"), SPAN("[h]:80"), SPAN("h:1:2"),
	SPAN("a\0b:80"), SPAN("inet:"),
};

static void
test_places(void **state)
{
	struct asked_place	 p;
	const char		*why;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		assert_int_equal(asked_place_parse(places[i].in, 6379, &p,
		    &why), 0);
		if (places[i].path != NULL)
			assert_string_equal(p.path, places[i].path);
		else
			assert_string_equal(p.host, places[i].host);
		assert_int_equal(p.port, places[i].port);
		asked_place_clear(&p);
	}
	for (i = 0; i < sizeof(no_places) / sizeof(no_places[0]); i++) {
		why = NULL;
		if (asked_place_parse(no_places[i], 6379, &p, &why) != -1)
			fail_msg("%.*s", SPAN_ARG(no_places[i]));
		assert_non_null(why);
		assert_null(p.host);
		assert_null(p.path);
	}
	/* Without a usual port it must stand there. */
	assert_int_equal(asked_place_parse(SPAN("h"), 0, &p, &why), -1);
}

/* --- SQL */

static const struct {
	const char	*query, *text;
	size_t		 n;
} queries[] = {
	{ "select a from t where k = {key}",
	    "select a from t where k = $1", 1 },
	{ "select {user}, {domain}, {key}, {user}",
	    "select $1, $2, $3, $4", 4 },
	{ "select 'it''s', \"a b\", k from t where k = {key}",
	    "select 'it''s', \"a b\", k from t where k = $1", 1 },
	{ "select '--' || {key} /* c */ || '/*' || {key} -- end",
	    "select '--' || $1 /* c */ || '/*' || $2 -- end", 2 },
	{ "select 1 -- it's\n where k = {key}",
	    "select 1 -- it's\n where k = $1", 1 },
	{ "select '\\{key}' where k = {key}",
	    "select '{key}' where k = $1", 1 },
};

static const char *const no_queries[] = {
	"", "select '{key}'", "select 'a' || '{key}'", "select \"{key}\"",
	"select '%{key}%'", "select 1 -- {key}", "select 1 /* {key} */",
	"select '''{key}'", "select {name}", "select {key",
};

static void
test_sql(void **state)
{
	struct asked_sql	 sql, copy;
	const char		*why;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		assert_int_equal(asked_sql_init(&sql,
		    span_of(queries[i].query), '$', &why), 0);
		assert_string_equal(sql.text, queries[i].text);
		assert_int_equal(sql.n, queries[i].n);
		asked_sql_copy(&copy, &sql);
		asked_sql_clear(&sql);
		assert_string_equal(copy.text, queries[i].text);
		asked_sql_clear(&copy);
	}
	for (i = 0; i < sizeof(no_queries) / sizeof(no_queries[0]); i++) {
		why = NULL;
		if (asked_sql_init(&sql, span_of(no_queries[i]), '$',
		    &why) != -1)
			fail_msg("%s", no_queries[i]);
		assert_non_null(why);
		asked_sql_clear(&sql);
	}
}

static void
test_sql_marks(void **state)
{
	struct asked_sql	 sql;
	const char		*why;

	(void)state;
	assert_int_equal(asked_sql_init(&sql, SPAN("select {user}, {domain}"),
	    '?', &why), 0);
	assert_string_equal(sql.text, "select ?1, ?2");
	assert_true(span_eq(asked_part_value(&sql.params[0], SPAN("a@b@c")),
	    SPAN("a@b")));
	assert_true(span_eq(asked_part_value(&sql.params[1], SPAN("a@b@c")),
	    SPAN("c")));
	asked_sql_clear(&sql);
}

/* --- values */

static void
test_gather(void **state)
{
	static const char *const	names[] = { "a", "b" };
	struct asked_gather		g = { 0 };
	struct asked_rows		rows;

	(void)state;
	asked_gather_add(&g, SPAN("x"));
	asked_gather_add(&g, SPAN_NONE);
	asked_gather_add(&g, SPAN(""));
	asked_gather_add(&g, SPAN("y"));
	asked_gather_rows(&g, names, 2, &rows);
	assert_int_equal(rows.nrows, 2);
	assert_null(rows.values[1].p);
	assert_non_null(rows.values[2].p);
	assert_int_equal(rows.values[2].n, 0);
	assert_true(span_eq(rows.values[3], SPAN("y")));
	asked_gather_rows(&g, NULL, 0, &rows);
	assert_int_equal(rows.nrows, 0);
	asked_gather_clear(&g);
}

static void
test_gather_is_bounded(void **state)
{
	static char		half[ASKED_OCTETS_MAX / 2];
	struct asked_gather	g = { 0 };
	size_t			i;

	(void)state;
	asked_gather_add(&g, span_mem(half, sizeof(half)));
	asked_gather_add(&g, span_mem(half, sizeof(half)));
	assert_false(g.over);
	asked_gather_add(&g, SPAN(""));
	assert_false(g.over);
	asked_gather_add(&g, SPAN("x"));
	assert_true(g.over);
	asked_gather_add(&g, SPAN(""));		/* and so it stays */
	assert_int_equal(g.n, 3);
	asked_gather_reset(&g);
	assert_false(g.over);
	for (i = 0; i < ASKED_VALUES_MAX; i++)
		asked_gather_add(&g, SPAN(""));
	assert_false(g.over);
	asked_gather_add(&g, SPAN(""));
	assert_true(g.over);
	asked_gather_clear(&g);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_sql),
		cmocka_unit_test(test_sql_marks),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(test_gather_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
