/*
 * list_test.c - a recipient that becomes very many: in the log, in the lines,
 * and after a kill at each of these.
 */
#include "base/log.h"
#include "test/unit/mta/queue/cases.h"
#include "test/unit/mta/queue/read_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SEGMENT	(1u << 20)
#define MANY	70000		/* more than 16 bits count */

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
	message_remove(&f->q, f->q.index.first, "test");
	fakes_until(f, is_empty);
	CHECK(f->njobs == 0);
}

/* --- failed */

/* However many members have failed, the sender is told once of his list. */
static void
all_fail(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 550;
	fakes_accept(f, "drop@sender.test", "many20000@y.test", 500);
	fakes_until(f, is_bounced);
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

static bool
many_wait(struct fakes *f)
{
	const struct message	*m = f->q.index.first;

	return m != NULL && m->ndests == 2500 &&
	    m->in_state[DEST_WAIT] == m->nopen;
}

static bool
all_failed(struct fakes *f)
{
	return f->q.count.failed == 2500;
}

/* At the end of its lifetime too, a part at a time. */
static void
all_expire(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 451;
	fakes_retry(f, 3600000);
	fakes_accept(f, "drop@sender.test", "many2500@y.test", 500);
	fakes_until(f, many_wait);
	fakes_lifetime(f, 1);
	message_settle(&f->q, f->q.index.first);
	fakes_until(f, all_failed);
	fakes_lifetime(f, 3600000);		/* of the notification */
	fakes_until(f, is_bounced);
	CHECK(f->ngot == 2500 && f->q.count.failed == 2500);
}

static bool
hundred_sent(struct fakes *f)
{
	return f->q.count.sent == 100;
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
	fakes_until(f, has_jobs);
	fakes_relayed(f, 0, 250, "as the test wants");
	fakes_until(f, hundred_sent);
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

static void
count_part(void *arg, const struct record *r, struct span octets)
{
	(void)octets;
	*(unsigned *)arg += r->type == REC_PART;
}

/* A kill leaves what is written, be it synced or not. */
static bool
log_has_part(struct fakes *f)
{
	struct buf	log = { 0 };
	uint64_t	generation;
	unsigned	n = 0;

	journal_sync(f->q.journal, NULL, NULL);
	journal_turn(f->q.journal);
	CHECK(read_log(f->q.spool_fd, &log) == 0);
	CHECK(journal_scan(buf_span(&log), &generation, count_part, &n) > 0);
	buf_clear(&log);
	return n > 0;
}

static bool
part_is_logged(struct fakes *f)
{
	return in_the_middle(f) && log_has_part(f);
}

static void
killed_in_the_middle(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_accept(f, "a@x.test", "many70000@y.test", 500);
	fakes_until(f, part_is_logged);
	CHECK(f->q.index.first->ndests < MANY && f->njobs == 0);
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

static bool
has_checkpoint(struct fakes *f)
{
	return journal_stats(f->q.journal).checkpoints > 0;
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
	fakes_until(f, has_checkpoint);
	fakes_logged(f);
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
	fakes_retry(f, 3600000);
	fakes_accept(f, "a@x.test", "many1000@y.test", 500);
	fakes_until(f, all_wait);
	m = f->q.index.first;
	CHECK(f->ngot == 1000 && m->dests[700].attempts == 1);
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
	CHECK(journal_stats(f->q.journal).size - size < 150000);
}

static bool
two_wait(struct fakes *f)
{
	const struct message	*m = f->q.index.first;

	return m != NULL && f->gap_asks == 2 && m->in_state[DEST_WAIT] == 2 &&
	    m->nopen == 2;
}

static bool
asked_three(struct fakes *f)
{
	const struct message	*m = f->q.index.first;

	return f->gap_asks == 3 && m != NULL &&
	    m->in_state[DEST_ROUTING] + m->in_state[DEST_LOGGING] == 0;
}

/* What a list in the list has led to is kept while that cannot be read. */
static void
behind_a_gap(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct message	*m;
	uint32_t	 i;

	f->code = 451;
	fakes_retry(f, 50);
	fakes_accept(f, "a@x.test", "gap@y.test", 500);
	fakes_until(f, two_wait);
	m = f->q.index.first;
	fakes_retry(f, 3600000);
	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].state == DEST_WAIT) {
			hop_unref(&f->q.sched, &m->dests[i].hop);
			dest_set_state(m, &m->dests[i], DEST_NEW);
		}
	message_settle(&f->q, m);
	fakes_until(f, asked_three);
	CHECK(m->nopen >= 2);
	f->code = 250;
	for (i = 0; i < m->ndests; i++)
		if (m->dests[i].state == DEST_WAIT)
			dest_set_state(m, &m->dests[i], DEST_NEW);
	message_settle(&f->q, m);
	fakes_until(f, is_empty);
	CHECK(f->q.count.sent == 2);
}

ONE(what_is_behind_a_gap_is_kept, behind_a_gap)
ONE(each_member_gets_it_once, sent_once)
ONE(two_lists_of_one_message, two_lists)
ONE(it_can_be_removed_in_the_middle, removed_while_it_is_expanded)
ONE(the_sender_is_bounced_once, all_fail)
ONE(a_null_sender_is_bounced_nothing, nobody_to_tell)
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
		cmocka_unit_test(test_what_is_behind_a_gap_is_kept),
		cmocka_unit_test(test_two_lists_of_one_message),
		cmocka_unit_test(test_it_can_be_removed_in_the_middle),
		cmocka_unit_test(test_the_sender_is_bounced_once),
		cmocka_unit_test(test_a_null_sender_is_bounced_nothing),
		cmocka_unit_test(test_it_expires_in_parts),
		cmocka_unit_test(test_some_of_it_is_shown),
		cmocka_unit_test(test_after_a_kill_in_the_expansion_all_comes),
		cmocka_unit_test(
		    test_after_a_kill_while_it_is_sent_the_rest_comes),
		cmocka_unit_test(test_a_list_that_has_changed_is_compared),
	};

	/* A line for each of 70,000 members says nothing. */
	log_open("queue", STDERR_FILENO, LOG_L_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
