/*
 * sites_test.c - hops that share a site, priorities, room for new mail, and what
 * a turn costs when very many wait for a hop that is dead.
 */
#include "mta/queue/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MESSAGES_MAX	120000

static struct {
	struct sched	 s;
	struct message	*m[MESSAGES_MAX];
	size_t		 n;
	struct { struct hop *hop; unsigned job; struct message *m; } out[MESSAGES_MAX];
	size_t		 done, nout;	/* jobs: ended, started */
} t;

static bool
start(void *arg, struct hop *h, struct message *m, const uint32_t *dests,
    uint32_t n)
{
	(void)arg;
	(void)dests;
	(void)n;
	t.out[t.nout].hop = h;
	t.out[t.nout].m = m;
	t.out[t.nout++].job = sched_starting(&t.s);
	return true;
}

static const struct sched_ops	ops = { start, NULL };

static int
setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	sched_init(&t.s, &ops, NULL);
	t.s.general = (struct terms){ .concurrency = 20, .start = 5,
	    .recipients = 100 };
	terms_set_retry(&t.s.general,
	    &(struct retry_waits){ .n = 1, .ms = { 60000 } });
	t.s.now_ms = 1000000;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	while (t.n > 0) {
		sched_forget(&t.s, t.m[--t.n]);
		hop_unref(&t.s, &t.m[t.n]->dests[0].hop);
		message_free(&t.m[t.n]);
	}
	sched_clear(&t.s);
	return 0;
}

static struct message *
mail(const char *sender, const char *hop, unsigned priority, bool again)
{
	struct span	 rcpt = SPAN("b@example.net");
	struct envelope	 e = { .qid = t.n + 1, .size = 1000,
	    .sender = span_of(sender), .nrcpts = 1, .rcpts = &rcpt };
	struct arena	 a = { 0 };
	struct buf	 b = { 0 };
	struct message	*m;

	assert_true(t.n < MESSAGES_MAX);
	if (priority != PRIORITY_NORMAL)
		attr_put_priority(&e, &a, priority);
	envelope_format(&e, &b);
	m = t.m[t.n++] = message_new(buf_span(&b));
	buf_clear(&b);
	arena_clear(&a);
	assert_non_null(m);
	m->dests[0].hop = sched_hop(&t.s, span_of(hop));
	m->dests[0].attempts = again;
	dest_set_state(m, &m->dests[0], DEST_READY);
	sched_ready(&t.s, m);
	return m;
}

static void
mails(unsigned n, const char *sender, const char *hop)
{
	while (n-- > 0)
		mail(sender, hop, PRIORITY_NORMAL, false);
}

static void
end(enum sched_outcome o)
{
	assert_true(t.done < t.nout);
	sched_ended(&t.s, t.out[t.done].hop, o, t.out[t.done].job);
	t.done++;
	sched_run(&t.s);
}

static struct hop *
hop(const char *text)
{
	return htab_get(&t.s.hops, span_of(text));
}

/* --- sites */

static const uint8_t	set_one[SCHED_SET] = { 1 }, set_two[SCHED_SET] = { 2 };

static void
test_hops_of_one_set_share_their_concurrency(void **state)
{
	unsigned	i;

	(void)state;
	mails(50, "a@x", "mx:one.test");
	mails(50, "a@x", "mx:two.test");
	sched_run(&t.s);
	assert_int_equal(t.nout, 10);
	sched_learned(&t.s, hop("mx:one.test"), set_one);
	sched_learned(&t.s, hop("mx:two.test"), set_one);
	assert_ptr_equal(hop("mx:one.test")->site, hop("mx:two.test")->site);
	assert_int_equal(hop("mx:one.test")->site->outstanding, 10);
	assert_int_equal(hop("mx:one.test")->site->wants, 90);
	for (i = 0; i < 4; i++)
		end(SCHED_OK);
	assert_int_equal(t.nout, 10);	/* they have ten, and may have five */
	while (t.done < t.nout)
		end(SCHED_OK);
	assert_int_equal(t.nout, 100);
	assert_int_equal(t.s.jobs, 0);
}

static void
test_a_failure_is_of_all_hops_of_a_set(void **state)
{
	unsigned	i;

	(void)state;
	mails(50, "a@x", "mx:one.test");
	sched_learned(&t.s, hop("mx:one.test"), set_one);
	sched_run(&t.s);
	for (i = 0; !hop("mx:one.test")->site->dead; i++)
		end(SCHED_BAD);
	mails(1, "b@x", "mx:two.test");
	sched_learned(&t.s, hop("mx:two.test"), set_one);
	i = (unsigned)t.nout;
	sched_run(&t.s);
	assert_int_equal(t.nout, i);
	assert_true(hop("mx:two.test")->site->dead);
}

static void
test_a_hop_may_leave_its_site(void **state)
{
	(void)state;
	mails(20, "a@x", "mx:one.test");
	mails(20, "a@x", "mx:two.test");
	sched_learned(&t.s, hop("mx:one.test"), set_one);
	sched_learned(&t.s, hop("mx:two.test"), set_one);
	sched_run(&t.s);
	assert_int_equal(t.nout, 5);
	sched_learned(&t.s, hop("mx:two.test"), set_two);
	assert_ptr_equal(hop("mx:one.test")->site, hop("mx:two.test")->site);
	t.s.now_ms += 6 * 60 * 1000;	/* not more often */
	sched_learned(&t.s, hop("mx:two.test"), set_two);
	assert_ptr_not_equal(hop("mx:one.test")->site, hop("mx:two.test")->site);
	sched_run(&t.s);
	while (t.done < t.nout)
		end(SCHED_OK);
	assert_int_equal(t.nout, 40);
	assert_int_equal(hop("mx:one.test")->site->outstanding, 0);
	assert_int_equal(hop("mx:two.test")->site->outstanding, 0);
	assert_int_equal(hop("mx:one.test")->site->wants, 0);
}

/* --- priorities */

static void
count_first(unsigned jobs, unsigned n[NPRIORITIES])
{
	memset(n, 0, NPRIORITIES * sizeof(*n));
	while (t.done < jobs)
		end(SCHED_OK);
	for (unsigned i = 0; i < jobs; i++)
		n[message_priority(t.out[i].m)]++;
}

static void
test_priorities_have_their_shares_and_low_is_not_starved(void **state)
{
	unsigned	n[NPRIORITIES], i;

	(void)state;
	for (i = 0; i < 500; i++) {
		mail("a@x", "relay:hop", PRIORITY_LOW, false);
		mail("a@x", "relay:hop", PRIORITY_NORMAL, false);
		mail("a@x", "relay:hop", PRIORITY_HIGH, false);
	}
	sched_run(&t.s);
	count_first(210, n);
	assert_in_range(n[PRIORITY_HIGH], 155, 165);
	assert_in_range(n[PRIORITY_NORMAL], 38, 42);
	assert_in_range(n[PRIORITY_LOW], 8, 12);
}

static void
test_without_others_low_has_all_turns(void **state)
{
	unsigned	i;

	(void)state;
	for (i = 0; i < 50; i++)
		mail("a@x", "relay:hop", PRIORITY_LOW, false);
	sched_run(&t.s);
	while (t.done < t.nout)
		end(SCHED_OK);
	assert_int_equal(t.nout, 50);
}

/* --- room for new mail, in all */

static void
test_old_trouble_leaves_room_for_new_mail(void **state)
{
	char		text[32];
	unsigned	i, k;

	(void)state;
	t.s.remote_max = 100;
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "mx:slow%u.test", i);
		for (k = 0; k < 4; k++)
			mail("a@x", text, PRIORITY_NORMAL, true);
	}
	sched_run(&t.s);
	assert_int_equal(t.nout, 75);	/* a quarter is left */
	mails(5, "b@x", "mx:new.test");
	sched_run(&t.s);
	assert_int_equal(t.nout, 80);
	/* Nothing is forgotten when there is room again. */
	while (t.done < t.nout)
		end(SCHED_NONE);
	assert_int_equal(t.nout, 405);
	assert_int_equal(t.s.old, 0);
}

/* --- what a turn costs */

/* Steps of 10,000 jobs for one hop. */
static uint64_t
steps_of(const char *text)
{
	uint64_t	before;
	size_t		until = t.nout + 10000;

	mails(10000, "c@x", text);
	before = t.s.steps;
	sched_run(&t.s);
	t.done = t.nout < 5 ? 0 : t.nout - hop(text)->site->outstanding;
	while (t.nout < until) {
		if (t.done % 1000 == 0)
			sched_tick(&t.s);
		end(SCHED_OK);
	}
	return t.s.steps - before;
}

static void
test_a_turn_costs_the_same_with_100000_for_a_dead_hop(void **state)
{
	uint64_t	alone, beside;

	(void)state;
	alone = steps_of("relay:good");
	while (t.done < t.nout)
		end(SCHED_OK);
	mails(5, "a@x", "relay:bad");
	sched_run(&t.s);
	while (!hop("relay:bad")->site->dead) {
		if (t.done == t.nout) {
			mails(1, "a@x", "relay:bad");
			sched_run(&t.s);
		}
		end(SCHED_BAD);
	}
	while (t.done < t.nout)
		end(SCHED_NONE);
	mails(98000, "a@x", "relay:bad");
	assert_int_equal(hop("relay:bad")->wants, 98000);
	beside = steps_of("relay:fine");
	assert_true(beside < alone + alone / 100);
	assert_int_equal(hop("relay:bad")->wants, 98000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(test_hops_of_one_set_share_their_concurrency),
		TEST(test_a_failure_is_of_all_hops_of_a_set),
		TEST(test_a_hop_may_leave_its_site),
		TEST(test_priorities_have_their_shares_and_low_is_not_starved),
		TEST(test_without_others_low_has_all_turns),
		TEST(test_old_trouble_leaves_room_for_new_mail),
		TEST(test_a_turn_costs_the_same_with_100000_for_a_dead_hop),
	};

	return cmocka_run_group_tests_name("queue/sites", tests, NULL, NULL);
}
