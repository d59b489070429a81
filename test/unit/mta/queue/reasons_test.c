/*
 * reasons_test.c - each reason has a word of its own, and each state of a
 * target the reason that tells most.
 */
#include "mta/queue/queue.h"
#include "mta/queue/reasons.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_words_are_words_and_each_is_there_once(void **state)
{
	unsigned	r;

	(void)state;
	for (r = 0; r < REASON_N; r++) {
		struct span	w = span_of(reason_word(r));

		assert_int_equal(reason_parse(w), r);
		assert_int_equal(strspn(w.p, "abcdefghijklmnopqrstuvwxyz-"),
		    w.n);
	}
	assert_int_equal(reason_parse(SPAN("")), REASON_N);
	assert_int_equal(reason_parse(SPAN("hop")), REASON_N);
}

static void
test_texts_say_something_and_end_without_a_full_stop(void **state)
{
	unsigned	r;

	(void)state;
	for (r = 0; r < REASON_N; r++) {
		struct span	means = span_of(reason_means(r));
		struct span	todo = span_of(reason_remedy(r));

		assert_true(means.n > 10 && todo.n >= strlen("nothing"));
		assert_int_not_equal(means.p[means.n - 1], '.');
		assert_int_not_equal(todo.p[todo.n - 1], '.');
	}
}

static struct {
	struct queue	 q;
	struct hop	*hop;
	struct message	 m;
	struct dest	 d;
} t;

static int
setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	sched_init(&t.q.sched, NULL, NULL);
	t.q.sched.general = (struct terms){ .concurrency = 20, .start = 5 };
	router_open(&t.q);
	t.hop = sched_hop(&t.q.sched, SPAN("relay:x"));
	t.d.hop = t.hop;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hop_unref(&t.q.sched, &t.hop);
	free(t.d.last);
	sched_clear(&t.q.sched);
	free(t.q.router);
	return 0;
}

static enum reason
reason_in(unsigned state)
{
	t.d.state = (uint8_t)state;
	return reason_of_dest(&t.q, &t.m, &t.d);
}

static void
test_states_that_say_it_themselves(void **state)
{
	(void)state;
	assert_int_equal(reason_in(DEST_NEW), REASON_NO_ROUTER);
	assert_int_equal(reason_in(DEST_ROUTING), REASON_NO_ROUTER);
	assert_int_equal(reason_in(DEST_LOGGING), REASON_LOGGING);
	assert_int_equal(reason_in(DEST_ACTIVE), REASON_ACTIVE);
	assert_int_equal(reason_in(DEST_FAILED), REASON_FAILED);
	assert_int_equal(reason_in(DEST_ARRIVED), REASON_ARRIVED);
	assert_int_equal(reason_in(DEST_DONE), REASON_DONE);
	t.d.flags = DEST_PREPARED;
	assert_int_equal(reason_in(DEST_ACTIVE), REASON_PREPARED);
	t.m.flags = M_GONE;
	assert_int_equal(reason_in(DEST_ACTIVE), REASON_REMOVED);
}

static void
test_ready_names_what_is_in_its_way(void **state)
{
	(void)state;
	assert_int_equal(reason_in(DEST_READY), REASON_IN_LINE);
	t.q.sched.jobs = t.q.sched.jobs_max;
	assert_int_equal(reason_in(DEST_READY), REASON_JOBS_LIMIT);
	t.hop->site->outstanding = t.hop->site->concurrency;
	assert_int_equal(reason_in(DEST_READY), REASON_HOP_LIMIT);
	t.hop->site->dead = true;
	assert_int_equal(reason_in(DEST_READY), REASON_HOP_DEAD);
	t.hop->site->blocked = true;
	assert_int_equal(reason_in(DEST_READY), REASON_NO_RELAY);
	t.hop->local = true;
	assert_int_equal(reason_in(DEST_READY), REASON_NO_DELIVERER);
	t.q.stopping = true;
	assert_int_equal(reason_in(DEST_READY), REASON_STOPPING);
	t.hop->site->dead = false;	/* it stands in no list of such */
}

static void
test_a_retry_is_of_the_class_of_its_last_answer(void **state)
{
	static const struct {
		unsigned	 code;
		const char	*status;
		enum reason	 want;
	} cases[] = {
		{ 421, "4.3.2", REASON_RETRY_CONNECT },
		{ 451, "4.4.1", REASON_RETRY_CONNECT },
		{ 450, "4.2.0", REASON_RETRY_GREYLISTED },
		{ 451, "4.7.1", REASON_RETRY_GREYLISTED },
		{ 452, "4.5.3", REASON_RETRY_FULL },
		{ 450, "4.2.2", REASON_RETRY_FULL },
		{ 451, "4.3.1", REASON_RETRY_FULL },
		{ 450, "4.2.1", REASON_RETRY },
		{ 451, "4.3.0", REASON_RETRY },
		{ 451, "4.7.5", REASON_RETRY_TLS },
		{ 454, "4.7.0", REASON_RETRY_LOGIN },
	};

	(void)state;
	assert_int_equal(reason_in(DEST_WAIT), REASON_RETRY);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dest_set_answer(&t.d, &(struct answer){
		    .code = (uint16_t)cases[i].code,
		    .status = span_of(cases[i].status) });
		assert_int_equal(reason_in(DEST_WAIT), cases[i].want);
	}
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test(test_##f)
#define IN_A_QUEUE(f) \
	cmocka_unit_test_setup_teardown(test_##f, setup, teardown)
	const struct CMUnitTest	tests[] = {
		TEST(words_are_words_and_each_is_there_once),
		TEST(texts_say_something_and_end_without_a_full_stop),
		IN_A_QUEUE(states_that_say_it_themselves),
		IN_A_QUEUE(ready_names_what_is_in_its_way),
		IN_A_QUEUE(a_retry_is_of_the_class_of_its_last_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
