/*
 * callouts_test.c - client, channel and the relay's side of callouts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "mta/msg/callout.h"
#include "mta/msg/msg.h"
#include "mta/relay/callouts.h"
#include "../base/run_loop.h"

#define JOBS_MAX	(CALLOUTS_OPEN_MAX + 8)

static struct callout_client	*client;
static struct callouts		*callouts;
static struct chan		*far_end;
static struct job		*jobs[JOBS_MAX];
static size_t			 njobs;
static enum callout_answer	 heard[JOBS_MAX];
static size_t			 nheard, wanted;

static void
take(void *arg, struct job *j)
{
	(void)arg;
	assert_true(njobs < JOBS_MAX);
	jobs[njobs++] = j;
	loop_stop();
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)arg;
	assert_int_equal(m->type, MSG_CALLOUT);
	return callouts_ask(callouts, c, m);
}

static void
on_closed(struct chan *c, void *arg)
{
	(void)arg;
	callouts_gone(callouts, c);
	far_end = NULL;
}

static void
hear(void *arg, enum callout_answer a)
{
	(void)arg;
	heard[nheard++] = a;
	if (nheard == wanted)
		loop_stop();
}

static int
setup(void **state)
{
	static const struct chan_ops	 ops = { on_message, on_closed };
	int				 fds[2];

	(void)state;
	loop_init();
	njobs = nheard = wanted = 0;
	callouts = callouts_new(take, NULL);
	client = callout_client_new();
	chan_pair(fds);
	far_end = chan_new(fds[1], "smtp", &ops, NULL);
	callout_client_attach(client, fds[0]);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	callout_client_free(&client);
	if (far_end != NULL)
		callouts_gone(callouts, far_end);
	chan_free(&far_end);
	callouts_free(&callouts);
	loop_clear();
	return 0;
}

/* Until n answers have been heard. */
static void
wait_heard(size_t n)
{
	wanted = n;
	while (nheard < n)
		run_loop();
	assert_int_equal(nheard, n);
}

static void
wait_job(size_t n)
{
	while (njobs < n)
		run_loop();
}

static void
finish(size_t job, unsigned code)
{
	struct outcome	o;

	outcome_set(&o, code, "2.0.0", "as the test says");
	job_result(jobs[job], 0, &o);
	callouts_done(callouts, jobs[job]);
}

static void
a_probe_has_no_content_and_the_null_sender(void **state)
{
	(void)state;
	(void)callout_ask(client, SPAN("mx:a.example"), SPAN("x@a.example"),
	    hear, NULL);
	wait_job(1);
	assert_true(jobs[0]->probe);
	assert_int_equal(jobs[0]->sender.n, 0);
	assert_true(span_eq(jobs[0]->hop, SPAN("mx:a.example")));
	assert_int_equal(jobs[0]->n, 1);
	assert_true(span_eq(jobs[0]->rcpts[0].address, SPAN("x@a.example")));
	finish(0, 250);
	wait_heard(1);
	assert_int_equal(heard[0], CALLOUT_YES);
}

static void
an_answer_is_kept(void **state)
{
	static const struct {
		unsigned		code;
		enum callout_answer	wanted;
	} cases[] = {
		{ 250, CALLOUT_YES }, { 550, CALLOUT_NO },
		{ 450, CALLOUT_CANNOT }
	};
	size_t	i;
	char	address[32];

	(void)state;
	for (i = 0; i < 3; i++) {
		(void)snprintf(address, sizeof(address), "u%zu@a.example", i);
		(void)callout_ask(client, SPAN("mx:a.example"),
		    span_of(address), hear, NULL);
		wait_job(i + 1);
		finish(i, cases[i].code);
		wait_heard(2 * i + 1);
		assert_int_equal(heard[2 * i], cases[i].wanted);
		/* No other job for the same question. */
		(void)callout_ask(client, SPAN("mx:a.example"),
		    span_of(address), hear, NULL);
		wait_heard(2 * i + 2);
		assert_int_equal(heard[2 * i + 1], cases[i].wanted);
		assert_int_equal(njobs, i + 1);
	}
	assert_int_equal(callouts_kept(callouts), 3);
}

static void
who_asks_the_same_waits_for_the_same(void **state)
{
	(void)state;
	(void)callout_ask(client, SPAN("relay:a"), SPAN("x@a.example"), hear,
	    NULL);
	(void)callout_ask(client, SPAN("relay:a"), SPAN("x@a.example"), hear,
	    NULL);
	(void)callout_ask(client, SPAN("relay:b"), SPAN("x@a.example"), hear,
	    NULL);
	wait_job(2);
	assert_int_equal(njobs, 2);
	finish(0, 550);
	wait_heard(2);
	finish(1, 250);
	wait_heard(3);
	assert_int_equal(heard[0], CALLOUT_NO);
	assert_int_equal(heard[1], CALLOUT_NO);
	assert_int_equal(heard[2], CALLOUT_YES);
}

static void
too_many_at_once_cannot_be_said(void **state)
{
	char	address[32];
	size_t	i;

	(void)state;
	for (i = 0; i <= CALLOUTS_OPEN_MAX; i++) {
		(void)snprintf(address, sizeof(address), "u%zu@a.example", i);
		(void)callout_ask(client, SPAN("mx:a.example"),
		    span_of(address), hear, NULL);
	}
	wait_heard(1);
	assert_int_equal(heard[0], CALLOUT_CANNOT);
	assert_int_equal(njobs, CALLOUTS_OPEN_MAX);
	for (i = 0; i < njobs; i++)
		finish(i, 250);
	wait_heard(1 + CALLOUTS_OPEN_MAX);
}

static void
what_is_dropped_is_told(void **state)
{
	(void)state;
	(void)callout_ask(client, SPAN("mx:a.example"), SPAN("x@a.example"),
	    hear, NULL);
	wait_job(1);
	job_free(&jobs[0]);		/* the sessions have done so */
	callouts_dropped(callouts);
	wait_heard(1);
	assert_int_equal(heard[0], CALLOUT_CANNOT);
	assert_int_equal(callouts_kept(callouts), 0);
}

static void
who_has_gone_is_not_told(void **state)
{
	(void)state;
	(void)callout_ask(client, SPAN("mx:a.example"), SPAN("x@a.example"),
	    hear, NULL);
	wait_job(1);
	callouts_gone(callouts, far_end);
	chan_free(&far_end);
	finish(0, 250);
	assert_int_equal(callouts_kept(callouts), 1);
	assert_int_equal(nheard, 0);
}

static void
what_is_too_long_is_never_sent(void **state)
{
	char	address[CALLOUT_TEXT_MAX + 2];

	(void)state;
	memset(address, 'a', sizeof(address));
	(void)callout_ask(client, SPAN("mx:a.example"),
	    span_mem(address, CALLOUT_TEXT_MAX + 1), hear, NULL);
	wait_heard(1);
	assert_int_equal(heard[0], CALLOUT_CANNOT);
	assert_int_equal(njobs, 0);
}

int
main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest	tests[] = {
		T(a_probe_has_no_content_and_the_null_sender),
		T(an_answer_is_kept),
		T(who_asks_the_same_waits_for_the_same),
		T(too_many_at_once_cannot_be_said),
		T(what_is_dropped_is_told),
		T(who_has_gone_is_not_told),
		T(what_is_too_long_is_never_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
