/*
 * schedule_test.c - turns, concurrency and dead hops, with a clock and a hop
 * that are the test's.
 */
#include "mta/queue/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define STARTED_MAX	200000

static struct {
	struct sched	 s;
	struct message	*started[STARTED_MAX];
	uint32_t	 sizes[STARTED_MAX];	/* targets of each job */
	struct hop	*hops[STARTED_MAX];
	unsigned	 n;
	unsigned	 jobs[STARTED_MAX];
	bool		 refuse;
	uint64_t	 qids;
	struct terms	 own;
} t;

static bool
start(void *arg, struct hop *h, struct message *m, const uint32_t *dests,
    uint32_t n)
{
	uint32_t	i;

	(void)arg;
	if (t.refuse)
		return false;
	for (i = 0; i < n; i++)
		assert_int_equal(m->dests[dests[i]].state, DEST_ACTIVE);
	assert_true(t.n < STARTED_MAX);
	t.started[t.n] = m;
	t.sizes[t.n] = n;
	t.jobs[t.n] = sched_starting(&t.s);
	t.hops[t.n++] = h;
	return true;
}

/* "relay:hop" has a limit of its own where a test says one. */
static const struct terms *
terms(void *arg, struct span hop)
{
	(void)arg;
	return t.own.concurrency > 0 && span_eq(hop, SPAN("relay:hop")) ?
	    &t.own : NULL;
}

static const struct sched_ops	ops = { start, terms };

static int
setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	sched_init(&t.s, &ops, NULL);
	t.s.general = (struct terms){ .concurrency = 20, .start = 5,
	    .recipients = 100 };
	terms_set_retry(&t.s.general,
	    &(struct retry_waits){ .n = 2, .ms = { 60000, 120000 } });
	t.s.now_ms = 1000000;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	sched_clear(&t.s);
	return 0;
}

/* A message from a sender with n recipients, READY at the hop. */
static struct message *
message(const char *sender, const char *hop, uint32_t n, uint64_t size)
{
	struct span	 rcpts[300];
	struct envelope	 e = { .qid = ++t.qids, .size = size,
	    .sender = span_of(sender), .nrcpts = n, .rcpts = rcpts };
	struct buf	 b = { 0 };
	struct message	*m;
	uint32_t	 i;

	for (i = 0; i < n; i++)
		rcpts[i] = SPAN("b@example.net");
	envelope_format(&e, &b);
	m = message_new(buf_span(&b));
	buf_clear(&b);
	assert_non_null(m);
	for (i = 0; i < n; i++) {
		m->dests[i].hop = sched_hop(&t.s, span_of(hop));
		dest_set_state(m, &m->dests[i], DEST_READY);
	}
	sched_ready(&t.s, m);
	return m;
}

static void
forget(struct message *m)
{
	uint32_t	i;

	sched_forget(&t.s, m);
	for (i = 0; i < m->ndests; i++)
		hop_unref(&t.s, &m->dests[i].hop);
	message_free(&m);
}

/* Ends the jobs from `from` on with this outcome; those that start meanwhile are not ended. */
static void
end_jobs(unsigned from, unsigned to, enum sched_outcome o)
{
	unsigned	i;

	for (i = from; i < to; i++)
		sched_ended(&t.s, t.hops[i], o, t.jobs[i]);
	sched_run(&t.s);
}

static void
test_a_hop_begins_with_five(void **state)
{
	struct message	*m[30];
	unsigned	 i;

	(void)state;
	for (i = 0; i < 30; i++)
		m[i] = message("a@x", "relay:hop", 1, 1000);
	sched_run(&t.s);
	assert_int_equal(t.n, 5);
	for (i = 0; i < 30; i++)
		forget(m[i]);
}

static void
test_a_window_without_error_makes_it_one_more_up_to_the_limit(void **state)
{
	struct message	*m[600];
	unsigned	 i, done = 0;

	(void)state;
	for (i = 0; i < 600; i++)
		m[i] = message("a@x", "relay:hop", 1, 1000);
	sched_run(&t.s);
	end_jobs(0, 5, SCHED_OK);
	assert_int_equal(t.hops[0]->site->concurrency, 6);
	assert_int_equal(t.hops[0]->site->outstanding, 6);
	done = 5;
	while (done < 500) {
		unsigned	to = t.n;

		end_jobs(done, to, SCHED_OK);
		done = to;
		assert_true(t.hops[0]->site->outstanding <= 20);
	}
	assert_int_equal(t.hops[0]->site->concurrency, 20);
	for (i = 0; i < 600; i++)
		forget(m[i]);
}

static void
test_a_hop_may_have_a_limit_of_its_own(void **state)
{
	struct message	*m[60];
	unsigned	 i, done = 0;

	(void)state;
	t.own = t.s.general;
	t.own.concurrency = 3;
	for (i = 0; i < 60; i++)
		m[i] = message("a@x", i % 2 ? "relay:hop" : "relay:other", 1,
		    1000);
	sched_run(&t.s);
	assert_int_equal(t.n, 3 + 5);
	while (done < t.n) {
		unsigned	to = t.n;

		end_jobs(done, to, SCHED_OK);
		done = to;
	}
	for (i = 0; i < t.n; i++)
		if (strcmp(t.hops[i]->text, "relay:hop") == 0)
			assert_int_equal(t.hops[i]->site->concurrency, 3);
	for (i = 0; i < 60; i++)
		forget(m[i]);
}

static void
test_a_failure_halves_it_once_for_those_that_failed_together(void **state)
{
	struct message	*m[50];
	struct hop	*h;
	unsigned	 i;

	(void)state;
	for (i = 0; i < 50; i++)
		m[i] = message("a@x", "relay:hop", 1, 1000);
	sched_run(&t.s);
	h = t.hops[0];
	h->site->concurrency = 12;
	end_jobs(0, 1, SCHED_OK);
	assert_int_equal(h->site->outstanding, 12);
	t.refuse = true;	/* no new ones, for the sum */
	end_jobs(1, 13, SCHED_BAD);
	assert_int_equal(h->site->concurrency, 6);
	assert_int_equal(h->site->bad_windows, 1);
	assert_false(h->site->dead);
	for (i = 0; i < 50; i++)
		forget(m[i]);
}

static struct hop *
kill_hop(struct message **m, unsigned n)
{
	struct hop	*h;
	unsigned	 i, done = 0;

	for (i = 0; i < n; i++)
		m[i] = message("a@x", "relay:hop", 1, 1000);
	sched_run(&t.s);
	h = t.hops[0];
	while (!h->site->dead) {
		assert_true(done < t.n);
		done++;
		end_jobs(done - 1, done, SCHED_BAD);
	}
	while (done < t.n) {
		done++;
		end_jobs(done - 1, done, SCHED_BAD);
	}
	return h;
}

static void
test_after_three_windows_a_hop_is_dead_and_then_probed(void **state)
{
	struct message	*m[60];
	struct hop	*h = kill_hop(m, 60);
	unsigned	 n = t.n, i;

	(void)state;
	assert_int_equal(h->site->concurrency, 1);
	assert_int_equal(h->site->outstanding, 0);
	sched_tick(&t.s);
	sched_run(&t.s);
	assert_int_equal(t.n, n);	/* dead: nothing starts */
	t.s.now_ms = h->site->probe_ms;
	sched_tick(&t.s);
	sched_run(&t.s);
	assert_int_equal(t.n, n + 1);	/* one probe */
	end_jobs(n, n + 1, SCHED_BAD);
	assert_int_equal(t.n, n + 1);
	assert_true(h->site->probe_ms > t.s.now_ms);
	t.s.now_ms = h->site->probe_ms;
	sched_tick(&t.s);
	sched_run(&t.s);
	end_jobs(n + 1, n + 2, SCHED_OK);
	assert_false(h->site->dead);		/* it lives, and more may go */
	assert_true(t.n > n + 2);
	for (i = 0; i < 60; i++)
		forget(m[i]);
}

static void
test_by_hand_a_dead_hop_is_probed_at_once(void **state)
{
	struct message	*m[60];
	unsigned	 n, i;

	(void)state;
	kill_hop(m, 60);
	n = t.n;
	sched_revive(&t.s);
	sched_run(&t.s);
	assert_int_equal(t.n, n + 1);
	for (i = 0; i < 60; i++)
		forget(m[i]);
}

/* 30 messages, of which five are under way; the first is refused. */
static struct hop *
refuse_login(struct message **m)
{
	unsigned	i;

	for (i = 0; i < 30; i++)
		m[i] = message("a@x", "relay:hop", 1, 1000);
	sched_run(&t.s);
	end_jobs(0, 1, SCHED_REFUSED);
	return t.hops[0];
}

static void
test_a_refused_login_holds_the_hop_for_an_hour(void **state)
{
	struct message	*m[30];
	struct hop	*h = refuse_login(m);
	unsigned	 i;

	(void)state;
	assert_true(h->site->held);
	end_jobs(1, 5, SCHED_REFUSED);
	sched_tick(&t.s);
	sched_run(&t.s);
	assert_int_equal(t.n, 5);	/* nothing more begins */
	t.s.now_ms += 3600 * 1000;
	sched_tick(&t.s);
	sched_run(&t.s);
	assert_int_equal(t.n, 6);	/* one tries */
	end_jobs(5, 6, SCHED_OK);
	assert_false(h->site->held);
	assert_false(h->site->dead);
	assert_true(t.n > 6);
	for (i = 0; i < 30; i++)
		forget(m[i]);
}

static void
test_other_secrets_release_the_hop(void **state)
{
	struct message	*m[30];
	struct hop	*h = refuse_login(m);
	unsigned	 i;

	(void)state;
	end_jobs(1, 5, SCHED_REFUSED);
	sched_release(&t.s);
	sched_run(&t.s);
	assert_int_equal(t.n, 6);
	end_jobs(5, 6, SCHED_REFUSED);	/* not better ones */
	assert_int_equal(t.n, 6);
	assert_true(h->site->held);
	for (i = 0; i < 30; i++)
		forget(m[i]);
}

static void
test_other_secrets_do_not_wake_what_is_dead(void **state)
{
	struct message	*m[60];
	unsigned	 n, i;

	(void)state;
	assert_false(kill_hop(m, 60)->site->held);
	n = t.n;
	sched_release(&t.s);
	sched_run(&t.s);
	assert_int_equal(t.n, n);
	for (i = 0; i < 60; i++)
		forget(m[i]);
}

/* 100,000 from A must not hold up one from B for more than two rounds. */
static void
test_senders_of_a_hop_take_turns(void **state)
{
	static struct message	*m[100000];
	struct message		*b;
	unsigned		 i, done, began, until;

	(void)state;
	for (i = 0; i < 100000; i++)
		m[i] = message("a@x", "relay:hop", 1, 10240);
	sched_run(&t.s);
	for (done = 0; done < 1000; done++)
		end_jobs(done, done + 1, SCHED_OK);
	b = message("b@x", "relay:hop", 1, 10240);
	began = t.n;
	until = began + 2 * t.hops[0]->site->concurrency;
	while (b->dests[0].state == DEST_READY && t.n < until + 1) {
		end_jobs(done, done + 1, SCHED_OK);
		done++;
	}
	assert_int_equal(b->dests[0].state, DEST_ACTIVE);
	assert_true(t.n <= until);
	for (i = 0; i < 100000; i++)
		forget(m[i]);
	forget(b);
}

static void
test_large_messages_do_not_take_more_than_their_share(void **state)
{
	struct message	*m[400];
	unsigned	 i, done, large = 0, small = 0;

	(void)state;
	for (i = 0; i < 200; i++)
		m[i] = message("large@x", "relay:hop", 1, 256 << 10);
	for (; i < 400; i++)
		m[i] = message("small@x", "relay:hop", 1, 16 << 10);
	sched_run(&t.s);
	for (done = 0; done < 150; done++)
		end_jobs(done, done + 1, SCHED_OK);
	for (i = 0; i < 150; i++) {
		large += t.started[i]->size > 100000;
		small += t.started[i]->size < 100000;
	}
	/* The same octets for both: sixteen small ones for a large one. */
	assert_true(small > 10 * large);
	assert_true(large > 0);
	for (i = 0; i < 400; i++)
		forget(m[i]);
}

static void
test_one_turn_in_four_is_for_retries(void **state)
{
	struct message	*m[200];
	unsigned	 i, done, again = 0;

	(void)state;
	for (i = 0; i < 100; i++)
		m[i] = message("a@x", "relay:hop", 1, 1000);
	for (; i < 200; i++) {
		m[i] = message("a@x", "relay:other", 1, 1000);
		hop_unref(&t.s, &m[i]->dests[0].hop);
		sched_forget(&t.s, m[i]);
		m[i]->dests[0].hop = sched_hop(&t.s, SPAN("relay:hop"));
		m[i]->dests[0].attempts = 1;
		dest_set_state(m[i], &m[i]->dests[0], DEST_READY);
		sched_ready(&t.s, m[i]);
	}
	sched_run(&t.s);
	for (done = 0; t.n < 80; done++)
		end_jobs(done, done + 1, SCHED_OK);
	for (i = 0; i < t.n; i++)
		again += t.started[i]->dests[0].attempts > 0;
	assert_in_range(again, 15, 25);
	for (i = 0; i < 200; i++)
		forget(m[i]);
}

static void
test_recipients_of_a_message_go_together_up_to_a_hundred(void **state)
{
	struct message	*m = message("a@x", "relay:hop", 250, 1000);

	(void)state;
	sched_run(&t.s);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.sizes[0], 100);
	assert_int_equal(t.sizes[1], 100);
	assert_int_equal(t.sizes[2], 50);
	forget(m);
}

static void
test_a_deliverer_gets_one_target_at_a_time(void **state)
{
	struct message	*m = message("a@x", "uid:7:7", 250, 1000);

	(void)state;
	sched_run(&t.s);
	assert_int_equal(t.n, 64);
	assert_int_equal(t.sizes[0], 1);
	end_jobs(0, 1, SCHED_NONE);
	assert_int_equal(t.n, 65);
	forget(m);
}

static void
test_hops_do_not_wait_for_each_other(void **state)
{
	struct message	*m[40];
	unsigned	 i;

	(void)state;
	for (i = 0; i < 40; i++)
		m[i] = message("a@x", i % 2 ? "mx:one" : "mx:two", 1, 1000);
	sched_run(&t.s);
	assert_int_equal(t.n, 10);
	for (i = 0; i < 40; i++)
		forget(m[i]);
}

static void
test_what_cannot_start_now_starts_when_unblocked(void **state)
{
	struct message	*m = message("a@x", "relay:hop", 1, 1000);

	(void)state;
	t.refuse = true;
	sched_run(&t.s);
	assert_int_equal(m->dests[0].state, DEST_READY);
	t.refuse = false;
	sched_run(&t.s);
	assert_int_equal(t.n, 0);
	sched_unblock_all(&t.s, false);
	sched_run(&t.s);
	assert_int_equal(t.n, 1);
	forget(m);
}

static void
test_a_forgotten_message_is_not_started(void **state)
{
	struct message	*m = message("a@x", "relay:hop", 1, 1000);
	struct message	*other = message("a@x", "relay:hop", 1, 1000);

	(void)state;
	forget(m);
	sched_run(&t.s);
	assert_int_equal(t.n, 1);
	assert_ptr_equal(t.started[0], other);
	forget(other);
}

static void
test_waits_grow_and_the_last_repeats_with_a_tenth_of_jitter(void **state)
{
	int64_t		ms, least = INT64_MAX, most = 0;
	unsigned	i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		ms = terms_retry_ms(&t.s.general, CLASS_OTHER, 0, i * 977);
		assert_in_range(ms, 54000, 66000);
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
		assert_in_range(terms_retry_ms(&t.s.general, CLASS_OTHER, 50, i), 108000, 132000);
	}
	assert_true(least < 55000 && most > 65000);
}

static void
test_a_hop_that_nobody_wants_is_forgotten_after_a_while(void **state)
{
	struct message	*m = message("a@x", "relay:hop", 1, 1000);
	unsigned	 i;

	(void)state;
	sched_run(&t.s);
	end_jobs(0, 1, SCHED_OK);
	forget(m);
	sched_tick(&t.s);
	assert_int_equal(t.s.hops.n, 1);
	for (i = 0; i < 200; i++) {
		t.s.now_ms += 1000;
		sched_tick(&t.s);
	}
	assert_int_equal(t.s.hops.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(test_a_hop_begins_with_five),
		TEST(test_a_window_without_error_makes_it_one_more_up_to_the_limit),
		TEST(test_a_hop_may_have_a_limit_of_its_own),
		TEST(test_a_failure_halves_it_once_for_those_that_failed_together),
		TEST(test_after_three_windows_a_hop_is_dead_and_then_probed),
		TEST(test_by_hand_a_dead_hop_is_probed_at_once),
		TEST(test_a_refused_login_holds_the_hop_for_an_hour),
		TEST(test_other_secrets_release_the_hop),
		TEST(test_other_secrets_do_not_wake_what_is_dead),
		TEST(test_senders_of_a_hop_take_turns),
		TEST(test_large_messages_do_not_take_more_than_their_share),
		TEST(test_one_turn_in_four_is_for_retries),
		TEST(test_recipients_of_a_message_go_together_up_to_a_hundred),
		TEST(test_a_deliverer_gets_one_target_at_a_time),
		TEST(test_hops_do_not_wait_for_each_other),
		TEST(test_what_cannot_start_now_starts_when_unblocked),
		TEST(test_a_forgotten_message_is_not_started),
		TEST(test_waits_grow_and_the_last_repeats_with_a_tenth_of_jitter),
		TEST(test_a_hop_that_nobody_wants_is_forgotten_after_a_while),
	};

	return cmocka_run_group_tests_name("queue/schedule", tests, NULL, NULL);
}
