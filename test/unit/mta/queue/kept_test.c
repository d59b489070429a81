/*
 * kept_test.c - what is on hold or in quarantine stays where it is, through
 * restarts and checkpoints, and goes on when it is released.
 */
#include "mta/queue/kept.h"
#include "mta/spool/attributes.h"
#include "test/unit/mta/queue/cases.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SEGMENT	(256 << 10)

static uint64_t
accept_kept(struct fakes *f, unsigned how, const char *why)
{
	struct span	to[2] = { SPAN("hop@y.test"), SPAN("box@y.test") };
	struct envelope	e = { .sender = SPAN("hop@s.test"), .nrcpts = 2,
			    .rcpts = to };
	struct arena	a = { 0 };
	uint64_t	qid;

	attr_put_kept(&e, &a, how, span_of(why));
	qid = fakes_accept_as(f, &e, 500, true);
	arena_clear(&a);
	return qid;
}

static bool
is_there(struct fakes *f)
{
	return f->q.index.n > 0;
}

static bool
is_kept_so(struct queue *q, const struct message *m, unsigned how,
    const char *why)
{
	struct arena	a = { 0 };
	struct kept	k;
	bool		is;

	is = kept_ask(q, m, &a, &k) && k.how == how &&
	    span_eq(k.why, span_of(why));
	arena_clear(&a);
	return is;
}

/* --- by the policy */

static void
quarantined(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct message	*m;

	accept_kept(f, KEPT_QUARANTINE, "a virus");
	fakes_until(f, is_there);
	fakes_run_ms(f, 50);
	m = f->q.index.first;
	CHECK(f->asked == 0 && f->njobs == 0 && f->prepares == 0);
	CHECK(m->in_state[DEST_NEW] == 2);
	CHECK(is_kept_so(&f->q, m, KEPT_QUARANTINE, "a virus"));
	CHECK(f->q.nquarantined == 1 && f->q.nheld == 0);
	CHECK(m->heap_at == 0);		/* nothing of it is ever due */
}

static void
quarantined_still(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_run_ms(f, 50);
	CHECK(f->q.index.n == 1 && f->asked == 0);
	CHECK(is_kept_so(&f->q, f->q.index.first, KEPT_QUARANTINE,
	    "a virus"));
	CHECK(f->q.nquarantined == 1);
	journal_checkpoint(f->q.journal);
	fakes_logged(f);
}

static void
released(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct message	*m = f->q.index.first;

	f->route_silent = true;
	fakes_lifetime(f, 3600000);
	m->arrival_s -= 86400;	/* long before its lifetime */
	CHECK(message_release(&f->q, m, 0));
	CHECK(!message_release(&f->q, m, 0));
	CHECK(f->q.nquarantined == 0);
	fakes_until(f, was_asked);
	fakes_logged(f);
	CHECK(f->q.index.n == 1);
	journal_checkpoint(f->q.journal);
	fakes_logged(f);
}

static void
is_sent(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_until(f, is_empty);
	CHECK(f->njobs == 1 && f->commits == 1);
	CHECK(f->q.count.failed == 0 && f->q.nquarantined == 0);
}

STEPS(what_is_in_quarantine_stays_there_until_it_is_released, quarantined,
    quarantined_still, quarantined_still, released, is_sent)

static void
quarantine_ends(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->q.set.quarantine_ms = 1000;
	accept_kept(f, KEPT_QUARANTINE, "a virus");
	accept_kept(f, KEPT_HOLD, "look at it");
	fakes_until(f, is_there);
	while (f->q.index.n == 2)
		fakes_run_ms(f, 10);
	CHECK(is_kept_so(&f->q, f->q.index.first, KEPT_HOLD, "look at it"));
	CHECK(f->q.count.removed == 1 && f->q.count.bounced == 0);
	CHECK(f->q.nquarantined == 0 && f->q.nheld == 1);
	CHECK(f->njobs == 0 && f->commits == 0);
}

ONE(only_quarantine_ends_by_itself_and_nobody_is_told, quarantine_ends)

/* --- by hand */

static bool
both_wait(struct fakes *f)
{
	return f->q.index.n == 1 &&
	    f->q.index.first->in_state[DEST_WAIT] == 2;
}

/* Before it was ever routed; what the log then says of it finds no line. */
static void
rerouted_while_held(const char *dir)
{
	static char	*relays[] = { (char *)(uintptr_t)"b" };
	struct fakes	*f = fakes_open(dir, SEGMENT);
	uint64_t	 qid = accept_kept(f, KEPT_HOLD, "look at it");

	f->q.set.relays = relays;
	f->q.set.nrelays = 1;
	fakes_retry(f, 3600000);
	f->code = 451;
	fakes_until(f, is_there);
	CHECK(strstr(fakes_ask(f, "reroute all=yes to=b\n"),
	    "\"recipients\":2") != NULL);
	CHECK(message_release(&f->q, index_find(&f->q.index, qid), 0));
	fakes_until(f, both_wait);
	fakes_logged(f);
}

static void
waits_rerouted(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_retry(f, 3600000);
	CHECK(both_wait(f) && f->asked == 0);
	f->code = 250;
	message_retry(&f->q, f->q.index.first);
	fakes_until(f, is_empty);
	CHECK(f->njobs == 1 && strcmp(f->jobs[0].hop, "relay:b") == 0);
}

STEPS(what_is_moved_before_it_was_routed_waits_on_after_a_kill,
    rerouted_while_held, waits_rerouted)

static void
held(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct message	*m;

	f->code = 451;
	fakes_retry(f, 3600000);
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, waits);
	m = f->q.index.first;
	CHECK(message_hold(&f->q, m, 1000, SPAN("ask Ann")));
	CHECK(!message_hold(&f->q, m, 1000, SPAN("again")));
	CHECK(f->q.nheld == 1);
	CHECK(is_kept_so(&f->q, m, KEPT_HOLD, "ask Ann"));
	fakes_logged(f);
}

static void
held_still(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct arena	 a = { 0 };
	struct message	*m = f->q.index.first;
	struct kept	 k;

	fakes_lifetime(f, 1);	/* of what is tried */
	message_settle(&f->q, m);
	fakes_run_ms(f, 1500);
	CHECK(f->q.index.n == 1 && f->njobs == 0);
	CHECK(kept_ask(&f->q, m, &a, &k) && k.by_hand && k.uid == 1000);
	CHECK(span_eq(k.why, SPAN("ask Ann")));
	fakes_lifetime(f, 86400000);
	journal_checkpoint(f->q.journal);
	fakes_logged(f);
	arena_clear(&a);
}

static void
let_go(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	CHECK(is_kept_so(&f->q, f->q.index.first, KEPT_HOLD, "ask Ann"));
	CHECK(message_release(&f->q, f->q.index.first, 0));
	fakes_until(f, is_empty);
	CHECK(f->njobs == 1 && f->q.nheld == 0);
	CHECK(f->q.kept.n == 0);
}

STEPS(what_is_held_by_hand_is_held_after_a_restart, held, held_still, let_go)

static void
held_in_line(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct message	*first;

	f->code = 0;
	f->q.sched.general.concurrency = 1;
	fakes_accept(f, "a@x.test", "hop1@y.test", 500);
	fakes_until(f, has_jobs);
	first = f->q.index.first;
	first->dests[0].hop->site->concurrency = 1;
	fakes_accept(f, "a@x.test", "hop2@y.test", 500);
	while (f->q.index.n < 2 || first->next->in_state[DEST_READY] == 0)
		fakes_run_ms(f, 5);
	/* Neither who waits for a turn nor who is being sent. */
	CHECK(message_hold(&f->q, first->next, 0, SPAN("")));
	CHECK(message_hold(&f->q, first, 0, SPAN("")));
	fakes_relayed(f, 0, 451, "not now");
	while (first->in_state[DEST_WAIT] == 0)
		fakes_run_ms(f, 5);
	fakes_run_ms(f, 1500);
	CHECK(f->njobs == 1);
	f->code = 250;
	CHECK(message_release(&f->q, first->next, 0));
	CHECK(message_release(&f->q, first, 0));
	fakes_until(f, is_empty);
	CHECK(f->njobs == 3);
}

ONE(a_message_in_line_or_in_a_job_is_held_behind_it, held_in_line)

static void
removed_while_held(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	accept_kept(f, KEPT_HOLD, "look at it");
	fakes_until(f, is_there);
	CHECK(message_hold(&f->q, f->q.index.first, 7, SPAN("mine")) ==
	    false);
	message_remove(&f->q, f->q.index.first, "test");
	CHECK(f->q.index.n == 0 && f->q.nheld == 0);
	fakes_logged(f);
}

static void
is_away(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	CHECK(f->q.index.n == 0 && f->q.nheld == 0);
}

STEPS(what_is_held_can_be_removed, removed_while_held, is_away)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_what_is_in_quarantine_stays_there_until_it_is_released),
		cmocka_unit_test(test_only_quarantine_ends_by_itself_and_nobody_is_told),
		cmocka_unit_test(test_what_is_held_by_hand_is_held_after_a_restart),
		cmocka_unit_test(test_a_message_in_line_or_in_a_job_is_held_behind_it),
		cmocka_unit_test(test_what_is_held_can_be_removed),
		cmocka_unit_test(test_what_is_moved_before_it_was_routed_waits_on_after_a_kill),
	};

	return cmocka_run_group_tests_name("queue/kept", tests, NULL, NULL);
}
