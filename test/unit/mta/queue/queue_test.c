/*
 * queue_test.c - a whole queue among peers that are the test's: what comes
 * of messages, and what is left of them after each death.
 */
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

static bool
has_prepared(struct fakes *f)
{
	return f->prepares > 0;
}

static bool
has_committed(struct fakes *f)
{
	return f->commits > 0;
}

/* --- relay */

static void
relayed(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	uint64_t	 qid = fakes_accept(f, "a@x.test", "hop@y.test", 5000);

	fakes_until(f, is_empty);
	CHECK(f->q.count.accepted == 1);
	CHECK(f->njobs == 1);
	CHECK(f->jobs[0].qid == qid);
	CHECK(strcmp(f->jobs[0].hop, "relay:y.test") == 0);
	CHECK(strcmp(f->jobs[0].first, "hop@y.test") == 0);
	CHECK(strcmp(f->jobs[0].sender, "a@x.test") == 0);
	CHECK(f->shown == 1);
	CHECK(f->q.count.sent == 1);
}

static void
no_sync_for_relayed(const char *dir)
{
	struct fakes	*f = fakes_open(dir, 4 << 20);
	uint64_t	 before;
	int64_t		 since_ms;
	int		 i;

	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, is_empty);
	before = journal_stats(f->q.journal).syncs;
	since_ms = clock_boot_ms();
	for (i = 0; i < 200; i++)
		fakes_accept(f, "a@x.test", "hop@y.test", 5000);
	fakes_until(f, is_empty);
	/* Only the lazy one of each second, and spares. */
	CHECK(journal_stats(f->q.journal).syncs - before <=
	    4 + (uint64_t)(clock_boot_ms() - since_ms) / 1000);
	CHECK(f->njobs == 201);
}

static void
many_recipients(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	const char	*to[3] = { "hop1@y.test", "hop2@y.test", "hop@z.test" };

	fakes_accept_n(f, "a@x.test", to, 3, 500, true);
	fakes_until(f, is_empty);
	CHECK(f->njobs == 2);
	CHECK(f->jobs[0].n + f->jobs[1].n == 3);
	CHECK(f->q.count.sent == 3);
}

static void
tried_again(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct answer	 an;

	f->code = 451;
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, waits);
	CHECK(dest_answer(&f->q.index.first->dests[0], &an));
	CHECK(an.code == 451);
	CHECK(span_eq(an.text, SPAN("as the test wants")));
	f->code = 250;
	fakes_until(f, is_empty);
	CHECK(f->njobs == 2);
	CHECK(f->q.count.deferred == 1);
}

static void
relay_dies(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 0;
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, has_jobs);
	f->code = 250;
	fakes_peer(f, PROC_RELAY);
	fakes_until(f, is_empty);
	CHECK(f->njobs == 2);
	CHECK(f->jobs[0].id == f->jobs[1].id);
	CHECK(f->shown == 2);
}

static void
bounced(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	const char	*to[3] = { "fail1@y.test", "hop@y.test", "fail2@y.test" };

	fakes_accept_n(f, "hop@sender.test", to, 3, 500, true);
	fakes_until(f, is_bounced);
	/* One to the recipient, one notification for both that failed. */
	CHECK(f->njobs == 2);
	CHECK(strcmp(f->jobs[1].first, "hop@sender.test") == 0);
	CHECK(strcmp(f->jobs[1].sender, "") == 0);
	CHECK(f->q.count.failed == 2);
}

/* Jobs of that sender, with so many recipients together. */
static unsigned
rcpts_from(const struct fakes *f, const char *sender)
{
	unsigned	i, n = 0;

	for (i = 0; i < f->njobs; i++)
		if (strcmp(f->jobs[i].sender, sender) == 0)
			n += f->jobs[i].n;
	return n;
}

static void
another_envelope(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	const char	*to[4] = { "as1a@y.test", "as2@y.test", "hop@y.test",
	    "as1b@y.test" };

	fakes_accept_n(f, "a@x.test", to, 4, 500, true);
	fakes_until(f, is_empty);
	/* One hop, but a job for each sender. */
	CHECK(f->njobs == 3);
	CHECK(strcmp(f->jobs[0].sender, "hop1@s.test") == 0);
	CHECK(strcmp(f->jobs[0].first, "new@out.test") == 0);
	CHECK(strcmp(f->jobs[2].hop, "relay:y.test") == 0);
	CHECK(rcpts_from(f, "hop1@s.test") == 2);
	CHECK(rcpts_from(f, "hop2@s.test") == 1);
	CHECK(rcpts_from(f, "a@x.test") == 1);
	CHECK(f->q.count.sent == 4);
}

static unsigned
jobs_to(const struct fakes *f, const char *first)
{
	unsigned	i, n = 0;

	for (i = 0; i < f->njobs; i++)
		n += strcmp(f->jobs[i].first, first) == 0;
	return n;
}

static bool
three_bounces_done(struct fakes *f)
{
	return f->q.count.bounced == 3 && f->q.index.n == 0;
}

static void
another_bounced(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	const char	*to[4] = { "as1@y.test", "as2@y.test", "fail@y.test",
	    "as1b@y.test" };

	f->code = 550;
	fakes_accept_n(f, "hop@s.test", to, 4, 500, true);
	fakes_until(f, three_bounces_done);
	/* To those who stood in the envelopes that left, each once. */
	CHECK(f->q.count.failed == 4 + 3);
	CHECK(jobs_to(f, "hop1@s.test") == 1);
	CHECK(jobs_to(f, "hop2@s.test") == 1);
	CHECK(jobs_to(f, "hop@s.test") == 1);
}

static bool
two_warned(struct fakes *f)
{
	return f->q.count.bounced >= 2 && jobs_to(f, "hop1@s.test") > 0 &&
	    jobs_to(f, "hop2@s.test") > 0;
}

static void
another_warned(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	const char	*to[3] = { "as1@y.test", "as2@y.test", "as1b@y.test" };

	f->q.set.warns_ms[0] = 1000;
	f->q.set.nwarns = 1;
	fakes_retry(f, 60000);
	f->code = 451;
	fakes_accept_n(f, "drop@sender.test", to, 3, 500, true);
	fakes_until(f, two_warned);
	fakes_run_ms(f, 1500);
	CHECK(f->q.count.bounced == 2);
	CHECK(jobs_to(f, "hop1@s.test") == 1);
	CHECK(jobs_to(f, "hop2@s.test") == 1);
}

static bool
two_wait(struct fakes *f)
{
	struct message	*m = f->q.index.first;

	return m != NULL && m->ndests == 2 &&
	    m->dests[0].state == DEST_WAIT && m->dests[1].state == DEST_WAIT;
}

/* An expansion stands in the log, with the envelopes that leave. */
static void
another_expanded(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 451;
	fakes_retry(f, 3600000);
	fakes_accept(f, "a@x.test", "twoas@y.test", 500);
	fakes_until(f, two_wait);
	fakes_logged(f);
}

static void
another_found(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct target	 t;

	CHECK(f->q.index.n == 1 && f->q.index.first->ndests == 2);
	CHECK(dest_place(&f->q.index.first->dests[1], &t));
	CHECK(span_eq(t.address, SPAN("as2@pair.test")));
	CHECK(span_eq(t.mail_from, SPAN("hop2@s.test")));
	CHECK(span_eq(t.rcpt_to, SPAN("new@out.test")));
	fakes_until(f, is_empty);
	CHECK(rcpts_from(f, "hop1@s.test") == 1);
	CHECK(rcpts_from(f, "hop2@s.test") == 1);
}

static void
no_bounce_of_a_bounce(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_accept(f, "", "fail@y.test", 500);
	fakes_accept(f, "fail@sender.test", "fail@y.test", 500);
	fakes_until(f, is_bounced);
	fakes_run_ms(f, 100);
	CHECK(f->q.count.bounced == 1);
	CHECK(f->njobs == 0);
}

static void
expired(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_lifetime(f, 2000);
	fakes_retry(f, 60000);
	f->code = 451;
	fakes_accept(f, "drop@sender.test", "hop@y.test", 500);
	fakes_until(f, is_bounced);
	CHECK(f->q.count.discarded == 1);	/* the notification */
}

static bool
is_warned(struct fakes *f)
{
	return f->q.count.bounced > 0;
}

static void
warned(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->q.set.warns_ms[0] = 1000;
	f->q.set.nwarns = 1;
	fakes_retry(f, 60000);
	f->code = 451;
	fakes_accept(f, "drop@sender.test", "hop@y.test", 500);
	fakes_until(f, waits);
	fakes_until(f, is_warned);
	fakes_run_ms(f, 3000);
	CHECK(f->q.count.bounced == 1);		/* once */
	CHECK(f->q.index.n == 1);
	CHECK(f->q.index.first->dests[0].state == DEST_WAIT);
}

/* --- route */

static void
routed_later(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->later_until = 1;
	fakes_accept(f, "a@x.test", "later@y.test", 500);
	fakes_until(f, waits);
	fakes_until(f, is_empty);
	CHECK(f->asked == 2);
	CHECK(f->njobs == 1);
}

static void
route_dies(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->route_silent = true;
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, was_asked);
	f->route_silent = false;
	fakes_peer(f, PROC_ROUTE);
	fakes_until(f, is_empty);
	CHECK(f->njobs == 1);
}

static bool
hop_is_forgotten(struct fakes *f)
{
	return f->q.index.first->dests[0].hop == NULL;
}

static void
routed_again(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	unsigned	 before;

	f->code = 451;
	fakes_retry(f, 3600000);
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, waits);
	before = f->asked;
	chan_begin(f->route, MSG_ROUTE_CHANGED);
	chan_u32(f->route, 2);
	chan_end(f->route);
	fakes_until(f, hop_is_forgotten);
	f->code = 250;
	message_retry(&f->q, f->q.index.first);
	fakes_until(f, is_empty);
	CHECK(f->asked == before + 1);
}

/* --- mailboxes */

static void
delivered(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_accept(f, "a@x.test", "box@y.test", 5000);
	fakes_until(f, is_empty);
	CHECK(f->prepares == 1 && f->commits == 1);
	CHECK(span_eq(buf_span(&f->last_prefix), SPAN("Return-Path: <a@x.test>"
	    "\r\nDelivered-To: box@y.test\r\n")));
	CHECK(f->last_content.n == 5000);
	CHECK(!f->as_file);
	CHECK(f->q.count.delivered == 1);
}

static void
delivered_large(const char *dir)
{
	struct fakes	*f = fakes_open(dir, 2 << 20);

	fakes_accept(f, "a@x.test", "box@y.test", 600000);
	fakes_until(f, is_empty);
	CHECK(f->as_file);
	CHECK(f->last_content.n == 600000);
	CHECK(f->commits == 1);
}

static void
expanded(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_accept(f, "a@x.test", "pair@y.test", 500);
	fakes_until(f, is_empty);
	CHECK(f->commits == 1 && f->njobs == 1);
	CHECK(strcmp(f->jobs[0].first, "hop1@pair.test") == 0);
}

static void
mailbox_full(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->deliver_code = 452;
	fakes_accept(f, "a@x.test", "box@y.test", 500);
	fakes_until(f, waits);
	f->deliver_code = 0;
	fakes_until(f, is_empty);
	CHECK(f->commits == 1);
}

static void
mailbox_never(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->deliver_code = 550;
	fakes_accept(f, "drop@x.test", "box@y.test", 500);
	fakes_until(f, is_bounced);
	CHECK(f->commits == 0);
}

static void
deliver_dies(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->deliver_silent = true;
	fakes_accept(f, "a@x.test", "box@y.test", 500);
	fakes_until(f, has_prepared);
	f->deliver_silent = false;
	chan_free(&f->deliver);
	fakes_until(f, is_empty);
	CHECK(f->prepares == 2 && f->commits == 1);
}

static void
deliver_dies_after_commit(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->hold_commit = true;
	fakes_accept(f, "a@x.test", "box@y.test", 500);
	fakes_until(f, has_committed);
	f->hold_commit = false;
	chan_free(&f->deliver);
	fakes_until(f, is_empty);
	CHECK(f->prepares == 1 && f->commits == 2);
	CHECK(strcmp(f->names[0], f->names[1]) == 0);
}

/* --- the queue's own deaths */

static void
accept_without_end(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->route_silent = true;
	fakes_accept(f, "a@x.test", "hop1@y.test", 500);
	fakes_accept(f, "a@x.test", "hop2@y.test", 500);
	fakes_until(f, was_asked);
}

static void
find_two(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	CHECK(f->q.index.n == 2);
	fakes_until(f, is_empty);
	CHECK(f->njobs == 2);
	fakes_logged(f);	/* FINISHED is written */
}

static void
find_none(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	CHECK(f->q.index.n == 0);
	fakes_run_ms(f, 100);
	CHECK(f->njobs == 0);
}

static bool
two_committed(struct fakes *f)
{
	return f->commits == 2;
}

static void
commit_held(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->hold_commit = true;
	f->code = 0;
	fakes_accept(f, "a@x.test", "box@y.test", 500);
	fakes_accept(f, "a@x.test", "pair@y.test", 500);
	fakes_until(f, two_committed);
}

static void
only_commits(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	CHECK(f->q.index.n == 2);
	fakes_until(f, is_empty);
	CHECK(f->prepares == 0);	/* the log has both */
	CHECK(f->commits == 2);
	CHECK(f->njobs == 1);
	fakes_logged(f);
}

static void
deferred_once(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 451;
	fakes_retry(f, 3600000);
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, waits);
	fakes_logged(f);
}

static void
still_deferred(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct answer	 an;
	struct dest	*d;

	/* The retry of this process is short: no longer than that is waited. */
	CHECK(f->q.index.n == 1);
	d = &f->q.index.first->dests[0];
	CHECK(d->state == DEST_WAIT && d->attempts == 1);
	CHECK(dest_answer(d, &an) && an.code == 451);
	fakes_until(f, is_empty);
}

/* --- by hand */

static void
removed(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 451;
	fakes_retry(f, 3600000);
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, waits);
	message_remove(&f->q, f->q.index.first, "test");
	CHECK(f->q.index.n == 0);
	/* While a job is under way it goes when that ends. */
	f->code = 0;
	f->njobs = 0;
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, has_jobs);
	message_remove(&f->q, f->q.index.first, "test");
	CHECK(f->q.index.n == 1);
	fakes_relayed(f, 0, 451, "no");
	fakes_until(f, is_empty);
	CHECK(f->q.count.removed == 2);
}

static void
retried(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 451;
	fakes_retry(f, 3600000);
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, waits);
	f->code = 250;
	message_retry(&f->q, f->q.index.first);
	fakes_until(f, is_empty);
}

/* While a job of it is under way it is not looked at, nor is anybody told. */
static void
removed_in_a_job(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct message	*m;

	f->code = 0;
	f->q.set.warns_ms[0] = 1000;
	f->q.set.nwarns = 1;
	fakes_accept(f, "hop@s.test", "hop@y.test", 500);
	fakes_until(f, has_jobs);
	m = f->q.index.first;
	CHECK(m->heap_at != 0);
	message_remove(&f->q, m, "test");
	CHECK(m->heap_at == 0);
	fakes_run_ms(f, 2100);
	CHECK(f->q.index.n == 1 && f->q.count.bounced == 0);
	fakes_relayed(f, 0, 451, "later");
	fakes_until(f, is_empty);
	CHECK(f->q.count.bounced == 0);
}

static void
remove_and_die(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	char		 id[QID_TEXT], line[64];

	f->code = 451;
	fakes_retry(f, 3600000);
	qid_format(fakes_accept(f, "a@x.test", "hop@y.test", 500), id);
	fakes_until(f, waits);
	snprintf(line, sizeof(line), "remove %s\n", id);
	CHECK(strstr(fakes_ask(f, line), "\"messages\":1") != NULL);
}

ONE(a_message_goes_to_its_hop, relayed)
ONE(relaying_needs_no_sync, no_sync_for_relayed)
ONE(recipients_of_one_hop_go_together, many_recipients)
ONE(a_deferred_one_is_tried_again, tried_again)
ONE(a_new_relay_gets_the_open_jobs_again, relay_dies)
ONE(what_failed_is_told_in_one_notification, bounced)
ONE(what_leaves_may_have_another_envelope, another_envelope)
ONE(it_is_returned_to_who_stood_in_that_envelope, another_bounced)
ONE(a_delay_is_told_to_each_of_them, another_warned)
STEPS(after_a_kill_the_envelopes_are_the_same, another_expanded, another_found)
ONE(a_null_sender_is_never_told, no_bounce_of_a_bounce)
ONE(at_the_end_of_its_lifetime_it_is_returned, expired)
ONE(a_delay_is_told_once, warned)
ONE(route_may_say_later, routed_later)
ONE(a_new_route_is_asked_again, route_dies)
ONE(what_waits_is_routed_again_after_a_change, routed_again)
ONE(a_mailbox_gets_it_in_two_steps, delivered)
ONE(large_contents_go_as_a_memfd, delivered_large)
ONE(an_expansion_reaches_all_its_targets, expanded)
ONE(a_full_mailbox_is_tried_again, mailbox_full)
ONE(a_mailbox_that_refuses_is_told_to_the_sender, mailbox_never)
ONE(a_new_deliverer_begins_again, deliver_dies)
ONE(a_new_deliverer_only_commits_what_is_prepared, deliver_dies_after_commit)
STEPS(a_killed_queue_finds_all_and_only_what_is_open, accept_without_end, find_two, find_none)
STEPS(after_a_kill_the_prepared_are_only_committed, commit_held, only_commits, find_none)
STEPS(after_a_kill_the_deferred_wait_on, deferred_once, still_deferred)
ONE(a_message_can_be_removed, removed)
ONE(what_is_removed_in_a_job_warns_nobody, removed_in_a_job)
STEPS(what_was_removed_stays_away, remove_and_die, find_none)
ONE(a_message_can_be_tried_at_once, retried)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_a_message_goes_to_its_hop),
		cmocka_unit_test(test_relaying_needs_no_sync),
		cmocka_unit_test(test_recipients_of_one_hop_go_together),
		cmocka_unit_test(test_a_deferred_one_is_tried_again),
		cmocka_unit_test(test_a_new_relay_gets_the_open_jobs_again),
		cmocka_unit_test(test_what_failed_is_told_in_one_notification),
		cmocka_unit_test(test_what_leaves_may_have_another_envelope),
		cmocka_unit_test(test_it_is_returned_to_who_stood_in_that_envelope),
		cmocka_unit_test(test_a_delay_is_told_to_each_of_them),
		cmocka_unit_test(test_after_a_kill_the_envelopes_are_the_same),
		cmocka_unit_test(test_a_null_sender_is_never_told),
		cmocka_unit_test(test_at_the_end_of_its_lifetime_it_is_returned),
		cmocka_unit_test(test_a_delay_is_told_once),
		cmocka_unit_test(test_route_may_say_later),
		cmocka_unit_test(test_a_new_route_is_asked_again),
		cmocka_unit_test(test_what_waits_is_routed_again_after_a_change),
		cmocka_unit_test(test_a_mailbox_gets_it_in_two_steps),
		cmocka_unit_test(test_large_contents_go_as_a_memfd),
		cmocka_unit_test(test_an_expansion_reaches_all_its_targets),
		cmocka_unit_test(test_a_full_mailbox_is_tried_again),
		cmocka_unit_test(test_a_mailbox_that_refuses_is_told_to_the_sender),
		cmocka_unit_test(test_a_new_deliverer_begins_again),
		cmocka_unit_test(test_a_new_deliverer_only_commits_what_is_prepared),
		cmocka_unit_test(test_a_killed_queue_finds_all_and_only_what_is_open),
		cmocka_unit_test(test_after_a_kill_the_prepared_are_only_committed),
		cmocka_unit_test(test_after_a_kill_the_deferred_wait_on),
		cmocka_unit_test(test_a_message_can_be_removed),
		cmocka_unit_test(test_what_is_removed_in_a_job_warns_nobody),
		cmocka_unit_test(test_what_was_removed_stays_away),
		cmocka_unit_test(test_a_message_can_be_tried_at_once),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
