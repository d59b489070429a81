/*
 * move_test.c - recipients that go to the next host, and what counts in the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "mta/msg/relayed.h"
#include "mta/relay/move.h"

#define N	6

static struct job	job;

static int
make_job(void **state)
{
	(void)state;
	job = (struct job){ .n = N, .mta = SPAN("first[192.0.2.1]") };
	job.rcpts = arena_alloc(&job.arena, N * sizeof(*job.rcpts));
	return 0;
}

static int
drop_job(void **state)
{
	(void)state;
	arena_clear(&job.arena);
	return 0;
}

static void
answer(size_t rcpt, unsigned code, const char *status)
{
	struct outcome	o;

	outcome_set(&o, code, status, "code %u", code);
	job_result(&job, rcpt, &o);
}

static void
six_answers(void)
{
	answer(0, 250, "2.0.0");
	answer(1, 450, "4.2.1");
	answer(2, 550, "5.1.1");
	answer(3, 421, "4.3.2");
	answer(4, 451, "4.4.2");	/* it broke in the middle */
	answer(5, 452, "4.5.3");
}

static unsigned
without_result(void)
{
	unsigned	set = 0, i;

	for (i = 0; i < N; i++)
		set |= (job.rcpts[i].code == 0 ? 1u : 0u) << i;
	return set;
}

static void
what_moves_on_is_what_is_said(void **state)
{
	static const struct {
		unsigned	moves, gone;
	} rows[] = {
		{ 0, 0 }, { MOVE_CONNECT | MOVE_TLS | MOVE_LOGIN, 0 },
		{ MOVE_BUSY, 1 << 3 },
		{ MOVE_TEMPORARY, 1 << 1 | 1 << 3 | 1 << 5 },
		{ MOVE_REFUSED, 1 << 2 },
		{ MOVE_TEMPORARY | MOVE_REFUSED,
		    1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 }
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		drop_job(state);
		make_job(state);
		six_answers();
		assert_int_equal(move_begin(&job, rows[i].moves),
		    rows[i].gone != 0);
		assert_int_equal(without_result(), rows[i].gone);
	}
}

/* Who had an answer at the first host keeps the name of that host. */
static void
each_keeps_who_has_said_it(void **state)
{
	(void)state;
	six_answers();
	assert_true(move_begin(&job, MOVE_REFUSED));
	job_set_mta(&job, SPAN("second[192.0.2.2]"));
	assert_true(span_eq(job.rcpts[0].mta, SPAN("first[192.0.2.1]")));
	assert_int_equal(job.rcpts[2].mta.n, 0);
	answer(2, 250, "2.0.0");
	assert_true(move_begin(&job, MOVE_TEMPORARY));
	assert_true(span_eq(job.rcpts[2].mta, SPAN("second[192.0.2.2]")));
	assert_true(span_eq(job.rcpts[0].mta, SPAN("first[192.0.2.1]")));
}

static void
what_may_mend_counts(void **state)
{
	static const struct {
		unsigned	first, second, end;
	} rows[] = {
		{ 450, 250, 250 }, { 550, 250, 250 }, { 450, 451, 451 },
		{ 550, 554, 554 }, { 450, 550, 450 }, { 550, 451, 451 },
		{ 450, 0, 450 }, { 550, 0, 550 }
	};
	size_t	i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		drop_job(state);
		make_job(state);
		answer(0, rows[i].first, rows[i].first < 500 ? "4.0.1" :
		    "5.0.1");
		assert_true(move_begin(&job, MOVE_TEMPORARY | MOVE_REFUSED));
		if (rows[i].second != 0)
			answer(0, rows[i].second, "x.0.2");
		move_end(&job);
		assert_int_equal(job.rcpts[0].code, rows[i].end);
		assert_int_equal(job.rcpts[1].code, 0);
	}
}

static void
kinds_of_failures(void **state)
{
	struct outcome	o;

	(void)state;
	outcome_set(&o, 451, "4.4.1", "x");
	assert_int_equal(move_of(&o), MOVE_CONNECT);
	o.code = 421;
	assert_int_equal(move_of(&o), MOVE_BUSY);
	o.trouble = RELAY_TROUBLE_TLS;
	assert_int_equal(move_of(&o), MOVE_TLS);
	o.trouble = RELAY_TROUBLE_LOGIN;
	assert_int_equal(move_of(&o), MOVE_LOGIN);
	o.trouble = RELAY_TROUBLE_BUSY;
	assert_int_equal(move_of(&o), MOVE_BUSY);
	o.trouble = RELAY_TROUBLE_OTHER;
	assert_int_equal(move_of(&o), 0);
}

static void
hosts_are_remembered(void **state)
{
	struct hop_addr	a = { .ip = { .family = 4, .a = { 192, 0, 2, 1 } },
			    .port = 25, .name = "a.example" };
	struct hop_addr	b = a;

	(void)state;
	assert_false(move_was_there(&job, &a));
	move_note(&job, &a);
	b.ip.a[3] = 2;		/* another address of the same host */
	assert_true(move_was_there(&job, &b));
	b.port = 587;
	assert_false(move_was_there(&job, &b));
	a.name[0] = '\0';
	assert_false(move_was_there(&job, &a));
	move_note(&job, &a);
	assert_true(move_was_there(&job, &a));
	a.ip.a[3] = 9;
	assert_false(move_was_there(&job, &a));
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, make_job, drop_job)
	const struct CMUnitTest	tests[] = {
		TEST(what_moves_on_is_what_is_said),
		TEST(each_keeps_who_has_said_it), TEST(what_may_mend_counts),
		TEST(kinds_of_failures), TEST(hosts_are_remembered)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
