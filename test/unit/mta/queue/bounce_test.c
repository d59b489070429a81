/*
 * bounce_test.c - who is told of failures and delays besides what NOTIFY says:
 * several times, by `on bounce`, the postmaster; and soft bounces.
 */
#include "test/unit/mta/queue/cases.h"

#include "mta/queue/notify_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEGMENT	(1u << 20)
#define SENDER	"box@sender.test"

static struct notify_text	texts[] = { { DSN_TEXT_FAILED,
    (char *)(uintptr_t)"fr",
    (char *)(uintptr_t)"Subject: Non remis\n\nDe {hostname}\n" } };

static struct notify_set	set = {
	.postmaster = (char *)(uintptr_t)"box@postmaster.test",
	.language = (char *)(uintptr_t)"en", .texts = texts, .ntexts = 1
};

static struct fakes *
begin(const char *dir, uint32_t classes, bool asks)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	set.classes = classes;
	set.asks = asks;
	f->q.set.notify = &set;
	return f;
}

static bool
got(const struct fakes *f, const char *what)
{
	struct span	s = buf_span(&f->last_content);

	return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static bool
is_silent(struct fakes *f)
{
	return is_empty(f) && f->q.count.bounced == 0;
}

/* --- delays: each time once */

static bool
twice(struct fakes *f)
{
	return f->q.count.bounced == 2;
}

static bool
once(struct fakes *f)
{
	return f->q.count.bounced == 1 && f->commits == 1 &&
	    f->q.index.n == 1;
}

static void
delayed(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->q.set.warns_ms[0] = 1000;
	f->q.set.nwarns = 1;
	fakes_retry(f, 3600000);
	f->code = 451;
	fakes_accept(f, SENDER, "hop@y.test", 500);
	fakes_until(f, once);
	CHECK(f->q.index.first->warned == 1);
	fakes_logged(f);
}

/* The first was told before the restart, the third is not due. */
static void
delayed_on(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	CHECK(f->q.index.n == 1 && f->q.index.first->warned == 1);
	f->q.set.warns_ms[0] = 1000;
	f->q.set.warns_ms[1] = 2500;
	f->q.set.warns_ms[2] = 3600000;
	f->q.set.nwarns = 3;
	fakes_retry(f, 3600000);
	f->code = 451;
	fakes_until(f, once);
	fakes_run_ms(f, 1500);
	CHECK(f->q.count.bounced == 1);
	CHECK(f->q.index.first->warned == 2);
}

/* Times that passed while nobody looked are told of once. */
static void
delayed_together(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 451;
	fakes_retry(f, 3600000);
	fakes_accept(f, SENDER, "hop@y.test", 500);
	fakes_until(f, waits);
	f->q.index.first->arrival_s -= 100;
	f->q.set.warns_ms[0] = 1000;
	f->q.set.warns_ms[1] = 2000;
	f->q.set.nwarns = 2;
	message_settle(&f->q, f->q.index.first);
	fakes_until(f, once);
	fakes_run_ms(f, 1500);
	CHECK(f->q.count.bounced == 1);
	CHECK(f->q.index.first->warned == 2);
}

/* --- soft bounces */

static void
soft(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct answer	 an;

	f->q.set.soft_bounce = true;
	fakes_retry(f, 3600000);
	f->code = 550;
	fakes_accept(f, SENDER, "hop@y.test", 500);
	fakes_until(f, waits);
	CHECK(f->q.count.failed == 0 && f->q.count.bounced == 0);
	CHECK(dest_answer(&f->q.index.first->dests[0], &an));
	CHECK(an.code == 550);		/* and nothing else is told of it */
	f->code = 250;
	message_retry(&f->q, f->q.index.first);
	fakes_until(f, is_silent);
	fakes_accept(f, SENDER, "fail@y.test", 500);
	fakes_until(f, waits);
	CHECK(f->q.count.failed == 0);
}

/* --- on bounce */

static void
asked(const char *dir)
{
	struct fakes	*f = begin(dir, 0, true);

	f->bounce_language = "de-AT";
	fakes_accept(f, SENDER, "fail@y.test", 500);
	fakes_until(f, is_bounced);
	CHECK(f->bounces == 1);
	CHECK(got(f, "Subject: Unzustellbare Nachricht\r\n"));
	CHECK(got(f, "Content-Language: de\r\n"));
}

static void
own_text(const char *dir)
{
	struct fakes	*f = begin(dir, 0, true);

	f->bounce_language = "fr";
	fakes_accept(f, SENDER, "fail@y.test", 500);
	fakes_until(f, is_bounced);
	CHECK(got(f, "Subject: Non remis\r\n"));
}

static void
discarded(const char *dir)
{
	struct fakes	*f = begin(dir, UINT32_C(1) << TOLD_FAILED, true);

	f->bounce_discard = true;
	fakes_accept(f, SENDER, "fail@y.test", 500);
	fakes_until(f, is_silent);
	CHECK(f->bounces == 1 && f->commits == 0);
}

static bool
sent_to_both(struct fakes *f)
{
	return twice(f) && is_empty(f) && f->commits == 2;
}

static void
copied(const char *dir)
{
	struct fakes	*f = begin(dir, 0, true);

	f->bounce_copy = "box@else.test";
	f->bounce_header_only = true;
	fakes_accept(f, SENDER, "fail@y.test", 500);
	fakes_until(f, sent_to_both);
}

static bool
is_asked(struct fakes *f)
{
	return f->bounces == 1;
}

/* route dies with the question: the notification goes out as ever. */
static void
unanswered(const char *dir)
{
	struct fakes	*f = begin(dir, 0, true);

	f->bounce_silent = true;
	fakes_accept(f, SENDER, "fail@y.test", 500);
	fakes_until(f, is_asked);
	CHECK(f->q.count.bounced == 0);
	fakes_peer(f, PROC_ROUTE);
	fakes_until(f, is_bounced);
	CHECK(got(f, "Subject: Undelivered mail\r\n"));
}

/* The queue dies with it: the next one asks again. */
static void
asked_and_killed(const char *dir)
{
	struct fakes	*f = begin(dir, 0, true);

	f->bounce_silent = true;
	fakes_accept(f, SENDER, "fail@y.test", 500);
	fakes_until(f, is_asked);
}

static void
asked_again(const char *dir)
{
	struct fakes	*f = begin(dir, 0, true);

	fakes_until(f, is_bounced);
	CHECK(f->bounces == 1);
}

/* --- the postmaster */

static bool
sent_to_both_of_double(struct fakes *f)
{
	return twice(f) && is_empty(f) && f->commits == 1;
}

static void
doubled(const char *dir)
{
	struct fakes	*f = begin(dir, UINT32_C(1) << TOLD_DOUBLE, true);

	/* What it tells goes to who is not there; then that is told of. */
	fakes_accept(f, "fail@sender.test", "fail@y.test", 500);
	fakes_until(f, sent_to_both_of_double);
	CHECK(f->bounces == 1);		/* of the first alone */
	CHECK(got(f, "Subject: Notification that could not be delivered"));
	CHECK(got(f, "fail@sender.test"));
}

/* He is not there either: that ends it. */
static void
no_postmaster(const char *dir)
{
	struct fakes	*f = begin(dir, UINT32_C(1) << TOLD_DOUBLE, false);

	set.postmaster = (char *)(uintptr_t)"fail@postmaster.test";
	fakes_accept(f, "", "fail@y.test", 500);
	fakes_until(f, is_bounced);
	CHECK(f->commits == 0 && f->q.count.failed == 2);
}

static void
copies(const char *dir)
{
	struct fakes	*f = begin(dir, UINT32_C(1) << TOLD_FAILED, false);

	fakes_accept(f, SENDER, "fail@y.test", 500);
	fakes_until(f, sent_to_both);
}

/* No more than 20 an hour, and then how many it were. */
static void
bounded(const char *dir)
{
	struct fakes	*f = begin(dir, UINT32_C(1) << TOLD_RESOURCE, false);
	unsigned	 i, more;

	for (i = 0; i < 20; i++) {
		CHECK(postmaster_wants(&f->q, TOLD_RESOURCE, &more));
		CHECK(more == 0);
	}
	for (i = 0; i < 3; i++)
		CHECK(!postmaster_wants(&f->q, TOLD_RESOURCE, &more));
	CHECK(!postmaster_wants(&f->q, TOLD_POLICY, &more));
}

static void
told(const char *dir)
{
	struct fakes	*f = begin(dir, UINT32_C(1) << TOLD_RESOURCE, false);

	postmaster_tell(&f->q, TOLD_RESOURCE, "the disk is full",
	    SPAN("free 0\nb\xff" "d\n"));
	fakes_until(f, is_bounced);
	CHECK(got(f, "Subject: the disk is full\r\n"));
	CHECK(got(f, "free 0\r\nb?d\r\n"));
	postmaster_tell(&f->q, TOLD_SOFTWARE, "not wanted", SPAN("x"));
	fakes_run_ms(f, 100);
	CHECK(f->commits == 1);
}

/* --- which text */

static void
test_the_first_language_with_a_text_is_taken(void **state)
{
	static const struct {
		const char	*wanted, *got;
	} rows[] = {
		{ "fr", "fr" }, { "fr-CA;q=1, en", "fr" }, { "it, de-AT", "de" },
		{ "it", "en" }, { "", "en" }, { ",,;q=,\t", "en" },
		{ "DE", "de" }, { "d", "en" },
	};
	struct span	language;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(notify_set_text(&set, DSN_TEXT_FAILED,
		    span_of(rows[i].wanted), &language).n > 0);
		assert_true(span_eq(language, span_of(rows[i].got)));
	}
	assert_true(notify_set_text(NULL, DSN_TEXT_ARRIVED, SPAN("xx"),
	    &language).n > 0);
}

STEPS(a_delay_is_told_of_at_each_time_once, delayed, delayed_on)
ONE(times_that_pass_together_are_told_of_once, delayed_together)
ONE(soft_bounces_are_tried_again, soft)
ONE(on_bounce_says_the_language, asked)
ONE(a_text_of_the_policy_is_taken, own_text)
ONE(on_bounce_may_have_none_written, discarded)
ONE(on_bounce_may_have_copies_sent, copied)
ONE(an_answer_that_is_lost_loses_nothing, unanswered)
STEPS(nor_does_a_question_that_is, asked_and_killed, asked_again)
ONE(what_has_no_sender_goes_to_the_postmaster, doubled)
ONE(there_is_nobody_behind_him, no_postmaster)
ONE(he_may_have_copies, copies)
ONE(he_is_told_so_much_in_an_hour, bounded)
ONE(he_is_told_of_what_he_wants, told)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_a_delay_is_told_of_at_each_time_once),
		cmocka_unit_test(
		    test_times_that_pass_together_are_told_of_once),
		cmocka_unit_test(test_soft_bounces_are_tried_again),
		cmocka_unit_test(test_on_bounce_says_the_language),
		cmocka_unit_test(test_a_text_of_the_policy_is_taken),
		cmocka_unit_test(test_on_bounce_may_have_none_written),
		cmocka_unit_test(test_on_bounce_may_have_copies_sent),
		cmocka_unit_test(test_an_answer_that_is_lost_loses_nothing),
		cmocka_unit_test(test_nor_does_a_question_that_is),
		cmocka_unit_test(
		    test_what_has_no_sender_goes_to_the_postmaster),
		cmocka_unit_test(test_there_is_nobody_behind_him),
		cmocka_unit_test(test_he_may_have_copies),
		cmocka_unit_test(test_he_is_told_so_much_in_an_hour),
		cmocka_unit_test(test_he_is_told_of_what_he_wants),
		cmocka_unit_test(test_the_first_language_with_a_text_is_taken),
	};

	return cmocka_run_group_tests_name("queue/bounce", tests, NULL, NULL);
}
