/*
 * storage_test.c - where a queue's messages lie: segments and the workers that
 * write them, what is left of them moved, checkpoints, files of bodies.
 */
#include "test/unit/mta/queue/cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SEGMENT	(256 << 10)

/* --- segments and workers */

static void
untold(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	const char	*to = "hop@y.test";

	fakes_accept_n(f, "a@x.test", &to, 1, 500, false);
	fakes_run_ms(f, 50);
	CHECK(f->njobs == 0);
	chan_free(&f->smtp);	/* it dies before it could tell */
	fakes_until(f, has_jobs);
	CHECK(f->njobs == 1);
}

static bool
two_jobs(struct fakes *f)
{
	return f->njobs == 2;
}

static void
passed_over(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	const char	*to = "hop@y.test";

	fakes_accept_n(f, "a@x.test", &to, 1, 500, false);
	fakes_accept(f, "a@x.test", "hop@z.test", 500);
	fakes_until(f, two_jobs);
	fakes_until(f, is_empty);
}

static bool
all_freed(struct fakes *f)
{
	return f->q.segments.nstate[SEGMENT_SEALED] +
	    f->q.segments.nstate[SEGMENT_FREEING] == 0;
}

static void
reused(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	int		 i;

	for (i = 0; i < 400; i++) {
		fakes_accept(f, "a@x.test", "hop@y.test", 10000);
		if (i % 20 == 0)
			fakes_until(f, is_empty);
	}
	fakes_until(f, is_empty);
	fakes_until(f, all_freed);
	CHECK(f->segments >= 15);
	CHECK(f->q.segments.max_id < 10);	/* files are used again */
	CHECK(f->q.segments.max_generation >= f->segments);
	CHECK(f->gone > 0);
}

/* The worker names its open segment, on this channel or a new one. */
static void
resume(struct fakes *f)
{
	chan_begin(f->smtp, MSG_SEGMENT_RESUME);
	chan_u32(f->smtp, f->seg.id);
	chan_u32(f->smtp, f->seg.generation);
	chan_u64(f->smtp, f->seg_at);
	chan_end(f->smtp);
}

static bool
three_jobs(struct fakes *f)
{
	return f->njobs == 3;
}

static void
resumed(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	const char	*to = "hop@y.test";
	struct segment	*g;

	/* As if the queue were new and the worker not. */
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, is_empty);
	fakes_accept_n(f, "a@x.test", &to, 1, 500, false);
	g = segments_find(&f->q.segments, f->seg);
	CHECK(g != NULL);
	resume(f);
	fakes_until(f, two_jobs);
	fakes_until(f, is_empty);
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, three_jobs);
}

/* The queue knows that the worker's channel has closed. */
static bool
is_lost(struct fakes *f)
{
	return f->q.segments.nstate[SEGMENT_OPEN] == 0 &&
	    f->q.segments.nstate[SEGMENT_LOST] == 1;
}

/* The same worker on a new channel: the old one closes first, or after. */
static void
channel_again(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	int		 round;

	for (round = 0; round < 4; round++) {
		fakes_accept(f, "a@x.test", "hop@y.test", 500);
		fakes_until(f, is_empty);
		if (round % 2 == 0) {
			chan_free(&f->smtp);
			fakes_until(f, is_lost);
		}
		fakes_peer(f, PROC_SMTP);
		resume(f);
	}
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, is_empty);
	CHECK(f->njobs == 5);
	CHECK(f->segments == 1);
}

static bool
is_given_up(struct fakes *f)
{
	intake_tick(&f->q);
	return f->q.segments.nstate[SEGMENT_SEALED] == 1;
}

static bool
is_freed(struct fakes *f)
{
	intake_tick(&f->q);
	return segments_find(&f->q.segments, f->seg) == NULL;
}

static bool
is_revoked(struct fakes *f)
{
	return f->revoked == 1;
}

/* Given up, and named again before it is freed; when freed, he is cut off. */
static void
resumed_late(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->route_silent = true;
	f->q.resume_ms = 0;
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, was_asked);
	chan_free(&f->smtp);
	fakes_until(f, is_given_up);
	f->route_silent = false;
	fakes_peer(f, PROC_SMTP);
	resume(f);
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_peer(f, PROC_ROUTE);
	fakes_until(f, is_empty);
	CHECK(f->njobs == 2);
	chan_free(&f->smtp);
	fakes_until(f, is_freed);
	fakes_peer(f, PROC_SMTP);
	resume(f);
	fakes_until(f, is_revoked);	/* what it writes would be lost */
}

static uint64_t
spool_octets(const struct fakes *f)
{
	const struct segment	*g;
	uint64_t		 n = 0;

	for (g = f->q.segments.first; g != NULL; g = g->next)
		if (g->state != SEGMENT_SPARE && g->state != SEGMENT_FREE &&
		    g->state != SEGMENT_MAKING)
			n += g->size;
	return n;
}

static uint64_t
live_octets(const struct fakes *f)
{
	const struct segment	*g;
	uint64_t		 n = 0;

	for (g = f->q.segments.first; g != NULL; g = g->next)
		n += g->live_octets;
	return n;
}

static bool
thirty_stay(struct fakes *f)
{
	return f->q.count.accepted == f->told && f->q.index.n == 30;
}

static bool
spool_is_small(struct fakes *f)
{
	return spool_octets(f) <= 2 * live_octets(f) + 2 * SEGMENT;
}

/* 1 % stays: the spool stays below twice the live octets and two segments. */
static void
one_percent(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	unsigned	 i;

	f->q.copy_after_ms = 1000;
	f->code = 0;
	f->q.sched.general.concurrency = 1000;
	for (i = 0; i < 3000; i++)
		fakes_accept(f, "a@x.test", i % 100 == 0 ? "later@keep.test" :
		    "drop@y.test", 10000), f->later_until = UINT32_MAX;
	fakes_until(f, thirty_stay);
	fakes_until(f, spool_is_small);
	CHECK(f->q.index.n == 30);
	fakes_logged(f);
}

static void
thirty_left(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct message	*m;

	CHECK(f->q.index.n == 30);
	for (m = f->q.index.first; m != NULL; m = m->next) {
		struct segment_record	r;

		CHECK(segment_read(m->seg->fd, m->seg->id, m->seg->size,
		    message_offset(m), true, &r) == 1);
	}
}

static bool
n_500(struct fakes *f)
{
	return f->q.index.n == 500;
}

static bool
n_550(struct fakes *f)
{
	return f->q.count.accepted == f->told && f->q.index.n == 550 &&
	    journal_stats(f->q.journal).checkpoints > 0;
}

static void
many_left(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->later_until = UINT32_MAX;
	for (unsigned i = 0; i < 500; i++)
		fakes_accept(f, "a@x.test", "later@keep.test", 1000);
	fakes_until(f, n_500);
	journal_checkpoint(f->q.journal);
	for (unsigned i = 0; i < 100; i++)
		fakes_accept(f, "a@x.test", i % 2 ? "later@keep.test" :
		    "drop@y.test", 1000);
	fakes_until(f, n_550);
	fakes_logged(f);
}

static void
find_550(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	CHECK(f->q.index.n == 550);
}

/* --- bodies */

static bool
has_body(struct fakes *f)
{
	return f->body_fd != -1;
}

static uint64_t	body;		/* of these tests */

static bool
is_there(struct fakes *f)
{
	char	name[QID_TEXT];

	return faccessat(f->q.body_fd, qid_format(body, name), F_OK, 0) == 0;
}

static bool
is_gone(struct fakes *f)
{
	return !is_there(f);
}

static void
ask_body(struct fakes *f)
{
	body = qid_next(&f->qids);
	f->body_fd = -1;
	chan_begin(f->smtp, MSG_BODY_WANTED);
	chan_u64(f->smtp, body);
	chan_end(f->smtp);
	fakes_until(f, has_body);
}

static void
bodies(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	ask_body(f);
	CHECK(f->body_fd >= 0);
	CHECK(is_there(f));
	chan_begin(f->smtp, MSG_BODY_DROPPED);
	chan_u64(f->smtp, body);
	chan_end(f->smtp);
	fakes_until(f, is_gone);
	/* One that its worker's death leaves behind goes when it is old. */
	ask_body(f);
	chan_free(&f->smtp);
	fakes_run_ms(f, 20);
	bodies_sweep(&f->q);
	CHECK(is_there(f));
	f->q.set.transaction_ms = -3600000;
	bodies_sweep(&f->q);
	CHECK(is_gone(f));
}

static void
body_relayed(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	body = fakes_accept_body(f, "a@x.test", "hop@y.test", 100000);
	fakes_until(f, is_empty);
	CHECK(f->body && f->njobs == 1);
	fakes_until(f, is_gone);
}

static bool
is_full(struct fakes *f)
{
	return f->space.strangers == SPACE_FULL;
}

static bool
has_space(struct fakes *f)
{
	return f->space.strangers == SPACE_OPEN;
}

static void
no_space(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_run_ms(f, 20);
	CHECK(has_space(f));
	f->q.set.reserve_octets = UINT64_MAX;
	space_check(&f->q);
	fakes_until(f, is_full);
	f->q.set.reserve_octets = 1;
	space_check(&f->q);
	fakes_until(f, has_space);
}

static bool
is_busy(struct fakes *f)
{
	return f->space.strangers == SPACE_BUSY &&
	    f->space.users == SPACE_OPEN;
}

static bool
is_delayed(struct fakes *f)
{
	return f->space.delay_ms > 0;
}

static bool
is_not_delayed(struct fakes *f)
{
	return f->space.delay_ms == 0;
}

#define MOST	16

/* The limit holds from the message on that reaches it, not from a second. */
static void
messages_limit(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	unsigned	 i;

	f->code = 0;
	f->q.throttle.messages = MOST;
	for (i = 0; i < MOST - 1; i++)
		fakes_accept(f, "a@x.test", "hop@y.test", 100);
	fakes_until(f, has_jobs);
	CHECK(has_space(f));
	fakes_accept(f, "a@x.test", "hop@y.test", 100);
	fakes_until(f, is_busy);
	CHECK(throttle_holds(&f->q.throttle, REASON_MESSAGES));
	f->code = 250;
	for (i = f->njobs; i > 0; i--)
		fakes_relayed(f, i - 1, 250, "ok");
	fakes_until(f, is_empty);
	fakes_until(f, has_space);
	CHECK(index_memory() == 0);
}

/* The memory of messages is counted, and comes down with them. */
static void
memory_limit(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->q.throttle.memory = 1;
	f->q.sched.jobs_max = 0;
	fakes_accept(f, "a@x.test", "hop@y.test", 100);
	fakes_until(f, is_full);
	CHECK(throttle_holds(&f->q.throttle, REASON_MEMORY));
	f->q.sched.jobs_max = 10;
	fakes_until(f, is_empty);
	fakes_until(f, has_space);
}

static void
marked(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 0;
	f->q.throttle.mark = 1;
	fakes_accept(f, "a@x.test", "hop@y.test", 100);
	fakes_accept(f, "a@x.test", "hop@y.test", 100);
	fakes_until(f, is_delayed);
	CHECK(throttle_holds(&f->q.throttle, REASON_MARK));
	CHECK(has_space(f));
	while (f->njobs < 2)
		fakes_run_ms(f, 10);
	fakes_relayed(f, 0, 250, "ok");
	fakes_relayed(f, 1, 250, "ok");
	fakes_until(f, is_not_delayed);
}

ONE(what_a_dead_worker_had_synced_counts, untold)
ONE(a_record_that_nobody_named_is_read, passed_over)
ONE(segments_are_used_again, reused)
ONE(a_worker_may_resume_its_segment, resumed)
ONE(a_worker_on_a_new_channel_goes_on_in_its_segment, channel_again)
ONE(a_segment_given_up_is_resumed_until_it_is_freed, resumed_late)
STEPS(what_is_left_moves_so_that_segments_go, one_percent, thirty_left)
STEPS(a_checkpoint_loses_nothing, many_left, find_550, find_550)
ONE(bodies_come_and_go, bodies)
ONE(a_body_is_relayed_and_removed, body_relayed)
ONE(below_the_reserve_smtp_is_told, no_space)
ONE(at_as_many_messages_as_may_be_smtp_is_told, messages_limit)
ONE(with_as_much_memory_as_may_be_smtp_is_told, memory_limit)
ONE(above_the_mark_mail_is_delayed, marked)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_what_a_dead_worker_had_synced_counts),
		cmocka_unit_test(test_a_record_that_nobody_named_is_read),
		cmocka_unit_test(test_segments_are_used_again),
		cmocka_unit_test(test_a_worker_may_resume_its_segment),
		cmocka_unit_test(test_a_worker_on_a_new_channel_goes_on_in_its_segment),
		cmocka_unit_test(test_a_segment_given_up_is_resumed_until_it_is_freed),
		cmocka_unit_test(test_what_is_left_moves_so_that_segments_go),
		cmocka_unit_test(test_a_checkpoint_loses_nothing),
		cmocka_unit_test(test_bodies_come_and_go),
		cmocka_unit_test(test_a_body_is_relayed_and_removed),
		cmocka_unit_test(test_below_the_reserve_smtp_is_told),
		cmocka_unit_test(test_at_as_many_messages_as_may_be_smtp_is_told),
		cmocka_unit_test(test_with_as_much_memory_as_may_be_smtp_is_told),
		cmocka_unit_test(test_above_the_mark_mail_is_delayed),
	};

	return cmocka_run_group_tests_name("storage", tests, NULL, NULL);
}
