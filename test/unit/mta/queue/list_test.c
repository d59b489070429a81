/*
 * list_test.c - a recipient that becomes very many: in the log, in the lines,
 * and after a kill at each of these.
 */
#include "test/unit/mta/queue/fakes.h"

#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SEGMENT	(1u << 20)
#define MANY	70000		/* more than 16 bits count */

static bool
is_empty(struct fakes *f)
{
	return f->q.count.accepted + f->q.max_qid > 0 && f->q.index.n == 0 &&
	    f->told == f->q.count.accepted;
}

static void
each_once(const struct fakes *f, unsigned from, unsigned to)
{
	unsigned	i;

	for (i = from; i < to; i++)
		CHECK(f->got[i] == 1);
}

static uint64_t
turns(void)
{
	uint64_t	n = 0;
	unsigned	i;

	for (i = 0; i < LOOP_LAG_BUCKETS; i++)
		n += loop_lag()[i];
	return n;
}

static bool
is_expanded(struct fakes *f)
{
	const struct message	*m = f->q.index.first;

	return m != NULL && m->ndests >= MANY &&
	    m->in_state[DEST_ROUTING] + m->in_state[DEST_LOGGING] == 0;
}

/* --- all of it, in one life */

static void
sent_once(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	uint64_t	 before = turns();

	fakes_accept(f, "a@x.test", "many70000@y.test", 500);
	fakes_until(f, is_expanded);
	/* Others had their turns between. */
	CHECK(turns() - before > 10);
	fakes_until(f, is_empty);
	CHECK(f->ngot == MANY);
	each_once(f, 0, MANY);
	CHECK(f->njobs == MANY / 100);
	CHECK(f->q.count.sent == MANY);
}

/* Two lists of one message, and somebody beside them. */
static void
two_lists(const char *dir)
{
	static const char *const rcpts[] = {
		"many300@y.test", "hop@y.test", "many300@z.test" };
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_accept_n(f, "a@x.test", rcpts, 3, 500, true);
	fakes_until(f, is_empty);
	CHECK(f->ngot == 600);
	CHECK(f->q.count.sent == 601);
}

static bool
in_the_middle(struct fakes *f)
{
	const struct message	*m = f->q.index.first;

	return m != NULL && m->ndests > MANY / 2;
}

static void
removed_while_it_is_expanded(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_accept(f, "a@x.test", "many70000@y.test", 500);
	fakes_until(f, in_the_middle);
	message_remove(&f->q, f->q.index.first);
	fakes_until(f, is_empty);
	CHECK(f->njobs == 0);
}

/* --- failed */

static bool
is_told(struct fakes *f)
{
	return f->q.count.bounced == 1 && is_empty(f);
}

/* However many members have failed, the sender is told once of his list. */
static void
all_fail(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 550;
	fakes_accept(f, "drop@sender.test", "many20000@y.test", 500);
	fakes_until(f, is_told);
	CHECK(f->ngot == 20000 && f->q.count.failed == 20000);
	CHECK(f->q.count.discarded == 1);	/* the notification */
}

static void
nobody_to_tell(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 550;
	fakes_accept(f, "", "many20000@y.test", 500);
	fakes_until(f, is_empty);
	CHECK(f->q.count.failed == 20000 && f->q.count.bounced == 0);
}

/* At the end of its lifetime too, a part at a time. */
static void
all_expire(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 451;
	f->q.set.lifetime_ms = 2000;
	f->q.sched.retries_ms[0] = f->q.sched.retries_ms[1] = 3600000;
	fakes_accept(f, "drop@sender.test", "many2500@y.test", 500);
	fakes_until(f, is_told);
	CHECK(f->ngot == 2500 && f->q.count.failed == 2500);
}

/* What is shown of very many: some, and how many there are. */
static void
shown(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	char		 line[40], id[QID_TEXT];
	const char	*said;

	f->code = 0;
	fakes_accept(f, "a@x.test", "many1500@y.test", 500);
	while (f->njobs == 0)
		fakes_run_ms(f, 1);
	fakes_relayed(f, 0, 250, "as the test wants");
	fakes_run_ms(f, 50);
	snprintf(line, sizeof(line), "show %s\n",
	    qid_format(f->q.index.first->qid, id));
	said = fakes_ask(f, line);
	CHECK(strstr(said, "\"total\":1500") != NULL);
	CHECK(strstr(said, "m100@many.test") != NULL);
	CHECK(strstr(said, "m1@many.test") == NULL);
	CHECK(strstr(said, "m1099@many.test") != NULL);
	CHECK(strstr(said, "m1100@many.test") == NULL);
}

/* --- killed */

/* While the log has a part of the list. */
static void
killed_in_the_middle(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_accept(f, "a@x.test", "many70000@y.test", 500);
	fakes_until(f, in_the_middle);
	CHECK(f->njobs == 0);
}

static void
all_comes(const char *dir)
{
	struct fakes		*f = fakes_open(dir, SEGMENT);
	const struct message	*m = f->q.index.first;

	CHECK(m != NULL && m->ndests > 1 && m->ndests < MANY);
	fakes_until(f, is_empty);
	CHECK(f->ngot == MANY);
	each_once(f, 0, MANY);
}

#define ANSWERED	300	/* jobs */

static bool
some_answered(struct fakes *f)
{
	return f->q.count.sent >= ANSWERED * 100;
}

/* The first 30,000 are sent, and the log has that; it was checkpointed too. */
static void
killed_while_it_is_sent(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	unsigned	 job;

	f->code = 0;
	fakes_accept(f, "a@x.test", "many70000@y.test", 500);
	for (job = 0; job < ANSWERED; job++) {
		while (f->njobs <= job)
			fakes_run_ms(f, 1);
		fakes_relayed(f, job, 250, "as the test wants");
	}
	fakes_until(f, some_answered);
	each_once(f, 0, ANSWERED * 100);
	journal_checkpoint(f->q.journal);
	fakes_run_ms(f, 1500);
	CHECK(journal_stats(f->q.journal).checkpoints > 0);
}

static void
the_rest_comes(const char *dir)
{
	struct fakes		*f = fakes_open(dir, SEGMENT);
	const struct message	*m = f->q.index.first;
	unsigned		 i;

	CHECK(m != NULL && m->ndests == MANY);
	CHECK(m->in_state[DEST_DONE] == ANSWERED * 100);
	fakes_until(f, is_empty);
	for (i = 0; i < ANSWERED * 100; i++)
		CHECK(f->got[i] == 0);
	each_once(f, ANSWERED * 100, MANY);
}

/* --- routed again */

static bool
all_wait(struct fakes *f)
{
	const struct message	*m = f->q.index.first;

	return m != NULL && m->ndests >= 1000 &&
	    m->in_state[DEST_WAIT] == m->nopen;
}

static bool
moved_on(struct fakes *f)
{
	return f->q.index.first->ndests == 1500 && all_wait(f);
}

/* The table has other members now: who has left gets nothing, who waits waits. */
static void
another_list(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct message	*m;
	uint64_t	 size;

	f->code = 451;
	f->q.sched.retries_ms[0] = f->q.sched.retries_ms[1] = 3600000;
	fakes_accept(f, "a@x.test", "many1000@y.test", 500);
	fakes_until(f, all_wait);
	m = f->q.index.first;
	CHECK(f->ngot == 1000 && m->dests[700].attempts == 1);
	fakes_run_ms(f, 50);
	size = journal_stats(f->q.journal).size;

	/* One of them is asked about, with the list of today. */
	f->many_from = 500;
	hop_unref(&f->q.sched, &m->dests[3].hop);
	dest_set_state(m, &m->dests[3], DEST_NEW);
	message_settle(&f->q, m);
	fakes_until(f, moved_on);
	CHECK(m->in_state[DEST_DONE] == 500);
	CHECK(m->dests[700].attempts == 1);
	CHECK(f->got[3] == 1 && f->got[700] == 1 && f->got[1400] == 1);
	/* The log has what is new, and what is no more. */
	fakes_run_ms(f, 50);
	CHECK(journal_stats(f->q.journal).size - size < 150000);
}

#define ONE(name, f) \
	static void \
	test_##name(void **state) \
	{ \
		(void)state; \
		fakes_in_child(f); \
	}

#define STEPS(name, ...) \
	static void \
	test_##name(void **state) \
	{ \
		void	(*const steps[])(const char *) = { __VA_ARGS__ }; \
		char	dir[] = "/tmp/waybill-queue-XXXXXX", rm[64]; \
		size_t	i; \
		(void)state; \
		assert_non_null(mkdtemp(dir)); \
		for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) \
			fakes_step(dir, steps[i]); \
		snprintf(rm, sizeof(rm), "rm -rf %s", dir); \
		assert_int_equal(system(rm), 0); \
	}

ONE(each_member_gets_it_once, sent_once)
ONE(two_lists_of_one_message, two_lists)
ONE(it_can_be_removed_in_the_middle, removed_while_it_is_expanded)
ONE(the_sender_is_told_once, all_fail)
ONE(a_null_sender_is_told_nothing, nobody_to_tell)
ONE(it_expires_in_parts, all_expire)
ONE(some_of_it_is_shown, shown)
STEPS(after_a_kill_in_the_expansion_all_comes, killed_in_the_middle, all_comes)
STEPS(after_a_kill_while_it_is_sent_the_rest_comes, killed_while_it_is_sent,
    the_rest_comes)
ONE(a_list_that_has_changed_is_compared, another_list)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_each_member_gets_it_once),
		cmocka_unit_test(test_two_lists_of_one_message),
		cmocka_unit_test(test_it_can_be_removed_in_the_middle),
		cmocka_unit_test(test_the_sender_is_told_once),
		cmocka_unit_test(test_a_null_sender_is_told_nothing),
		cmocka_unit_test(test_it_expires_in_parts),
		cmocka_unit_test(test_some_of_it_is_shown),
		cmocka_unit_test(test_after_a_kill_in_the_expansion_all_comes),
		cmocka_unit_test(
		    test_after_a_kill_while_it_is_sent_the_rest_comes),
		cmocka_unit_test(test_a_list_that_has_changed_is_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
