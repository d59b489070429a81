/*
 * asked_pool_test.c - connections to a server that is slow, refuses, dies in
 * mid-question, or answers late.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_server.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static struct asked_pool	*pool;
static char			 states[1024];	/* "down CAUSE|up|" */

/* A key that was asked, and what came. */
struct told {
	struct asked_ask	 ask;
	int			 n;
	enum map_result		 is;
	char			 text[128];	/* value, or why */
};

static void
told(struct asked_ask *ask, enum map_result is, const struct asked_rows *rows,
    const char *why)
{
	struct told	*t = (struct told *)ask;

	t->n++;
	t->is = is;
	if (rows != NULL && rows->nrows > 0)
		snprintf(t->text, sizeof(t->text), "%.*s",
		    SPAN_ARG(rows->values[0]));
	else
		snprintf(t->text, sizeof(t->text), "%s",
		    why != NULL ? why : "");
}

static void
ask(struct told *t, const char *key, int ms)
{
	*t = (struct told){ .ask = { .key = span_of(key), .done = told,
	    .until_ms = loop_now_ms() + ms } };
	asked_pool_ask(pool, &t->ask);
}

static void
state(void *arg, const char *why)
{
	size_t	 n = strlen(states);

	(void)arg;
	snprintf(states + n, sizeof(states) - n, "%s%s|",
	    why != NULL ? "down " : "up", why != NULL ? why : "");
}

static void
open_pool(uint32_t connections, struct fake_answer *answers, size_t n)
{
	struct asked_pool_settings	 is = {
		.driver = &fake_driver, .table = &fake,
		.connections = connections, .connect_ms = 100,
		.idle_ms = 120, .first_ms = 40, .most_ms = 200,
		.state = state
	};

	fake_reset(answers, n);
	states[0] = '\0';
	pool = asked_pool_new(&is);
	run_for(1);
}

static void
close_pool(void)
{
	asked_pool_free(&pool);
	assert_int_equal(fake.opened, fake.closed);
}

static void
test_connection_is_opened_when_needed_and_kept(void **st)
{
	struct fake_answer	 as[] = { { .key = "a", .value = "1" },
				    { .key = "b", .value = NULL } };
	struct told		 a, b;

	(void)st;
	open_pool(4, as, N(as));
	assert_int_equal(fake.opened, 0);
	ask(&a, "a", 1000);
	run_for(5);
	ask(&b, "b", 1000);
	run_for(5);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.is, MAP_FOUND);
	assert_string_equal(a.text, "1");
	assert_int_equal(b.n, 1);
	assert_int_equal(b.is, MAP_FOUND);	/* with no row */
	assert_int_equal(fake.opened, 1);
	run_for(300);				/* idle_ms is over */
	assert_int_equal(fake.closed, 1);
	assert_string_equal(states, "");
	close_pool();
}

static void
test_no_more_connections_than_allowed(void **st)
{
	struct fake_answer	 as[] = { { .ms = 30, .value = "x" } };
	struct told		 t[7];
	struct asked_stats	 s;
	size_t			 i;

	(void)st;
	open_pool(3, as, N(as));
	for (i = 0; i < N(t); i++)
		ask(&t[i], "k", 1000);
	run_for(10);
	asked_pool_stats(pool, &s);
	assert_int_equal(s.connections, 3);
	assert_int_equal(s.waiting, 4);
	run_for(120);
	for (i = 0; i < N(t); i++)
		assert_int_equal(t[i].is, MAP_FOUND);
	assert_int_equal(fake.most, 3);
	close_pool();
}

static void
test_refused_is_down_and_tried_again_ever_later(void **st)
{
	struct fake_answer	 as[] = { { .value = "x" } };
	struct told		 a, b;
	struct asked_stats	 s;

	(void)st;
	open_pool(4, as, N(as));
	fake.connects = FAKE_LOST;
	ask(&a, "a", 1000);
	assert_int_equal(a.n, 1);	/* at once */
	assert_int_equal(a.is, MAP_LATER);
	assert_string_equal(a.text, "connection refused");
	ask(&b, "b", 1000);
	assert_int_equal(b.n, 1);
	assert_int_equal(b.is, MAP_LATER);
	asked_pool_stats(pool, &s);
	assert_true(s.down);
	assert_string_equal(s.why, "connection refused");
	assert_int_equal(fake.refused, 1);	/* b has not tried */
	run_for(1000);
	/* 20-40, 40-80, 80-160, then 100-200 ms apart */
	assert_in_range(fake.refused, 3, 12);
	assert_string_equal(states, "down connection refused|");
	fake.connects = FAKE_SOON;
	run_for(250);
	assert_string_equal(states, "down connection refused|up|");
	ask(&a, "a", 1000);
	run_for(10);
	assert_int_equal(a.is, MAP_FOUND);
	close_pool();
}

static void
test_connection_that_never_opens(void **st)
{
	struct told	 a;

	(void)st;
	open_pool(4, NULL, 0);
	fake.connects = FAKE_NEVER;
	ask(&a, "a", 1000);
	assert_int_equal(a.n, 0);
	run_for(140);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.is, MAP_LATER);
	assert_non_null(strstr(a.text, "no connection within 10"));
	assert_non_null(strstr(states, "down no connection within"));
	close_pool();
}

static void
test_lost_idle_connection_is_no_failure(void **st)
{
	struct fake_answer	 as[] = { { .value = "x" } };
	struct told		 a;

	(void)st;
	open_pool(4, as, N(as));
	ask(&a, "a", 1000);
	run_for(5);
	fake_cut();
	run_for(5);
	assert_int_equal(fake.closed, 1);
	ask(&a, "a", 1000);
	run_for(5);
	assert_int_equal(a.is, MAP_FOUND);
	assert_int_equal(fake.opened, 2);
	assert_string_equal(states, "");
	close_pool();
}

static void
test_key_is_asked_once_more_when_its_connection_is_lost(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "good", .value = "1" },
		{ .key = "bad", .does = FAKE_LOST, .ms = 5, .times = 1 },
		{ .key = "bad", .value = "2" },
		{ .key = "worse", .does = FAKE_LOST },
	};
	struct told		 a;

	(void)st;
	open_pool(4, as, N(as));
	ask(&a, "good", 1000);
	run_for(5);
	ask(&a, "bad", 1000);
	run_for(20);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.is, MAP_FOUND);
	assert_string_equal(a.text, "2");
	assert_int_equal(fake.opened, 2);
	ask(&a, "worse", 1000);
	run_for(20);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.is, MAP_LATER);
	assert_string_equal(a.text, "the server closed it");
	assert_string_equal(fake.log, "good bad bad worse worse ");
	assert_string_equal(states, "");
	close_pool();
}

static void
test_silent_server_is_down_until_one_key_is_answered(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "hangs", .does = FAKE_NEVER },
		{ .key = "well", .ms = 10, .value = "1" },
	};
	struct told		 a, b;

	(void)st;
	open_pool(4, as, N(as));
	ask(&a, "hangs", 60);
	run_for(70);
	assert_int_equal(a.is, MAP_LATER);
	assert_non_null(strstr(a.text, "no answer within 6"));
	assert_non_null(strstr(states, "down no answer within 6"));
	ask(&b, "well", 60);
	assert_int_equal(b.n, 1);		/* fails at once */
	assert_int_equal(b.is, MAP_LATER);
	run_for(60);				/* a connection is tried */
	assert_int_equal(fake.opened, 2);
	assert_null(strstr(states, "up"));
	ask(&a, "well", 60);
	ask(&b, "well", 60);
	assert_int_equal(a.n, 0);		/* this one is asked */
	assert_int_equal(b.is, MAP_LATER);	/* the other is not */
	run_for(20);
	assert_int_equal(a.is, MAP_FOUND);
	assert_non_null(strstr(states, "|up|"));
	close_pool();
}

/* One slow key beside others that are answered is no failure of the server. */
static void
test_slow_key_beside_quick_ones(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "hangs", .does = FAKE_NEVER },
		{ .key = "well", .value = "1" },
	};
	struct told		 slow, a;

	(void)st;
	open_pool(2, as, N(as));
	ask(&slow, "hangs", 50);
	run_for(10);
	ask(&a, "well", 50);
	run_for(10);
	assert_int_equal(a.is, MAP_FOUND);
	run_for(50);
	assert_int_equal(slow.is, MAP_LATER);
	ask(&a, "well", 50);
	run_for(10);
	assert_int_equal(a.is, MAP_FOUND);
	assert_string_equal(states, "");
	close_pool();
}

static void
test_answer_that_nobody_waits_for_any_more(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "late", .ms = 30, .value = "1" },
		{ .key = "next", .value = "2" },
	};
	struct told		 a, b;

	(void)st;
	open_pool(1, as, N(as));
	ask(&a, "late", 1000);
	run_for(5);
	asked_pool_forget(pool, &a.ask);
	memset(&a, 0, sizeof(a));
	ask(&b, "next", 1000);
	run_for(60);
	assert_int_equal(a.n, 0);
	assert_int_equal(b.n, 1);
	assert_string_equal(b.text, "2");	/* and not 1 */
	assert_int_equal(fake.opened, 1);
	close_pool();
}

static void
test_what_the_server_cannot_say_keeps_the_connection(void **st)
{
	struct fake_answer	 as[] = { { .does = FAKE_LATER, .times = 1 },
				    { .value = "1" } };
	struct told		 a;

	(void)st;
	open_pool(1, as, N(as));
	ask(&a, "a", 1000);
	run_for(5);
	assert_int_equal(a.is, MAP_LATER);
	assert_string_equal(a.text, "being mended");
	ask(&a, "a", 1000);
	run_for(5);
	assert_int_equal(a.is, MAP_FOUND);
	assert_int_equal(fake.opened, 1);
	assert_string_equal(states, "");
	close_pool();
}

static void
test_closing_with_keys_under_way(void **st)
{
	struct fake_answer	 as[] = { { .does = FAKE_NEVER } };
	struct told		 t[3];
	size_t			 i;

	(void)st;
	open_pool(1, as, N(as));
	for (i = 0; i < N(t); i++)
		ask(&t[i], "k", 1000);
	run_for(5);
	close_pool();
	for (i = 0; i < N(t); i++)
		assert_int_equal(t[i].n, 0);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_connection_is_opened_when_needed_and_kept),
		cmocka_unit_test(test_no_more_connections_than_allowed),
		cmocka_unit_test(test_refused_is_down_and_tried_again_ever_later),
		cmocka_unit_test(test_connection_that_never_opens),
		cmocka_unit_test(test_lost_idle_connection_is_no_failure),
		cmocka_unit_test(test_key_is_asked_once_more_when_its_connection_is_lost),
		cmocka_unit_test(test_silent_server_is_down_until_one_key_is_answered),
		cmocka_unit_test(test_slow_key_beside_quick_ones),
		cmocka_unit_test(test_answer_that_nobody_waits_for_any_more),
		cmocka_unit_test(test_what_the_server_cannot_say_keeps_the_connection),
		cmocka_unit_test(test_closing_with_keys_under_way),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
