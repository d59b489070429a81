/*
 * terms_test.c - what the terms of a hop do to the mail that waits for it:
 * lifetimes by class of error, the fallback, recipients of one transaction.
 */
#include "test/unit/mta/queue/cases.h"

#include "base/xalloc.h"
#include "mta/queue/lifetimes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEGMENT	(1 << 20)
#define HOUR_MS	3600000

static void
test_errors_have_classes(void **state)
{
	static const struct {
		unsigned	 code;
		const char	*status;
		enum error_class class;
	} cases[] = {
		{ 421, "4.7.0", CLASS_CONNECT }, { 451, "4.4.1", CLASS_CONNECT },
		{ 451, "4.4.2", CLASS_CONNECT }, { 451, "4.4.3", CLASS_CONNECT },
		{ 452, "4.5.3", CLASS_FULL }, { 452, "", CLASS_FULL },
		{ 450, "4.2.2", CLASS_FULL }, { 451, "4.3.1", CLASS_FULL },
		{ 450, "4.2.0", CLASS_GREYLISTED },
		{ 451, "4.7.1", CLASS_GREYLISTED },
		{ 451, "4.7.5", CLASS_OTHER },	/* not the TLS that is wanted */
		{ 450, "4.7.8", CLASS_OTHER },
		{ 450, "", CLASS_OTHER }, { 451, "4.3.0", CLASS_OTHER },
		{ 454, "4.7.0", CLASS_OTHER },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(error_class_of(cases[i].code,
		    span_of(cases[i].status)), cases[i].class);
}

static void
test_waits_are_of_the_class(void **state)
{
	struct terms	t = { 0 };

	(void)state;
	terms_set_retry(&t, &(struct retry_waits){ .n = 1, .ms = { 1000000 } });
	t.retry[CLASS_GREYLISTED] = (struct retry_waits){ .n = 2,
	    .ms = { 1000, 2000 } };
	assert_in_range(terms_retry_ms(&t, CLASS_GREYLISTED, 0, 7), 900, 1100);
	assert_in_range(terms_retry_ms(&t, CLASS_GREYLISTED, 9, 7), 1800, 2200);
	assert_in_range(terms_retry_ms(&t, CLASS_FULL, 0, 7), 900000, 1100000);
}

/* --- lifetimes */

/* One cannot be reached, one is greylisted: the first is over sooner. */
static void
lives_by_class(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct terms	*t = &f->q.sched.general;
	struct message	*m;

	fakes_retry(f, HOUR_MS);
	fakes_lifetime(f, HOUR_MS);
	t->lifetime_ms[CLASS_CONNECT] = 1000;
	f->code = 451;
	f->status4 = "4.7.1";
	fakes_accept(f, "a@x.test", "hop@grey.test", 500);
	fakes_until(f, waits);
	m = f->q.index.first;
	CHECK(message_expires_ms(&f->q, m) ==
	    (int64_t)m->arrival_s * 1000 + HOUR_MS);
	f->status4 = "4.4.1";
	fakes_accept(f, "drop@x.test", "hop@gone.test", 500);
	while (f->q.count.bounced == 0)
		fakes_run_ms(f, 20);
	CHECK(f->q.count.failed == 1);
	CHECK(f->q.index.first == m);
	CHECK(m->in_state[DEST_WAIT] == 1);
}

/* --- the fallback */

static bool
has_two_jobs(struct fakes *f)
{
	return f->njobs == 2;
}

static void
set_fallback(struct fakes *f, int64_t after_ms)
{
	f->q.sched.general.fallback = xstrndup("relay:spare", 11);
	f->q.sched.general.fallback_ms = after_ms;
}

static void
falls_back(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct answer	 an;
	struct dest	*d;

	set_fallback(f, 0);
	fakes_retry(f, HOUR_MS);
	f->code = 0;
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, has_jobs);
	CHECK(strcmp(f->jobs[0].hop, "relay:y.test") == 0);
	fakes_relayed(f, 0, 451, "not now");
	fakes_until(f, has_two_jobs);
	CHECK(strcmp(f->jobs[1].hop, "relay:spare") == 0);
	/* There it stays, and both are told of. */
	fakes_relayed(f, 1, 452, "full");
	fakes_until(f, waits);
	d = &f->q.index.first->dests[0];
	CHECK(strcmp(d->hop->text, "relay:spare") == 0);
	CHECK(dest_answer(d, &an));
	CHECK(an.code == 452 && span_eq(an.text, SPAN("full (before the "
	    "fallback, mx.test[192.0.2.1]: 451 not now)")));
	message_retry(&f->q, f->q.index.first);
	while (f->njobs < 3)
		fakes_run_ms(f, 5);
	CHECK(strcmp(f->jobs[2].hop, "relay:spare") == 0);
	fakes_relayed(f, 2, 450, "still");
	fakes_until(f, waits);
	CHECK(dest_answer(d, &an) && span_eq(an.text, SPAN("still (before the "
	    "fallback, mx.test[192.0.2.1]: 451 not now)")));
}

static bool
has_three_jobs(struct fakes *f)
{
	return f->njobs == 3;
}

/* Moved by hand it begins anew: the new hop's reply alone is told, and it has a fallback too. */
static void
falls_back_again(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	char		*relays[] = { (char *)(uintptr_t)"b" };
	struct dest	*d;

	f->q.set.relays = relays;
	f->q.set.nrelays = 1;
	set_fallback(f, 0);
	fakes_retry(f, HOUR_MS);
	f->code = 451;
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, has_two_jobs);
	fakes_until(f, waits);
	d = &f->q.index.first->dests[0];
	CHECK(d->flags & DEST_FALLBACK);
	f->code = 0;
	CHECK(strstr(fakes_ask(f, "reroute all=yes to=b\n"),
	    "\"recipients\":1") != NULL);
	CHECK(!(d->flags & DEST_FALLBACK));
	fakes_until(f, has_three_jobs);
	CHECK(strcmp(f->jobs[2].hop, "relay:b") == 0);
	fakes_relayed(f, 2, 451, "not here");
	while (f->njobs < 4)
		fakes_run_ms(f, 5);
	CHECK(strcmp(f->jobs[3].hop, "relay:spare") == 0);
}

static void
not_before_its_time(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	set_fallback(f, HOUR_MS);
	fakes_retry(f, HOUR_MS);
	f->code = 451;
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, waits);
	CHECK(f->njobs == 1);
	CHECK(strcmp(f->q.index.first->dests[0].hop->text, "relay:y.test") == 0);
}

static bool
is_dead(struct fakes *f)
{
	struct hop	*h = htab_get(&f->q.sched.hops, SPAN("relay:y.test"));

	return h != NULL && h->site->dead;
}

/* New mail does not even stand in line at a hop that is dead. */
static void
round_a_dead_hop(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	unsigned	 i, n;

	fakes_retry(f, HOUR_MS);
	f->code = 451;
	f->unconnected = true;
	for (i = 0; i < 20; i++)
		fakes_accept(f, "a@x.test", "hop@y.test", 500);
	fakes_until(f, is_dead);
	set_fallback(f, 0);
	n = f->njobs;
	f->unconnected = false;
	f->code = 250;
	fakes_accept(f, "a@x.test", "hop@y.test", 500);
	while (f->njobs == n)
		fakes_run_ms(f, 5);
	CHECK(strcmp(f->jobs[n].hop, "relay:spare") == 0);
}

/* --- recipients of one transaction */

static void
takes_two(const char *dir)
{
	static const char *const to[] = { "hop1@y.test", "hop2@y.test",
	    "hop3@y.test", "hop4@y.test", "hop5@y.test" };
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 0;
	fakes_accept_n(f, "a@x.test", to, 5, 500, true);
	fakes_until(f, has_jobs);
	CHECK(f->jobs[0].n == 5);
	CHECK(f->jobs[0].messages_max == 100);
	fakes_relayed_some(f, 0, 2, 452, "4.5.3");
	while (f->njobs < 3)
		fakes_run_ms(f, 5);
	CHECK(f->jobs[1].n == 2 && f->jobs[2].n == 1);
	CHECK(f->q.index.first->dests[4].attempts == 0);
	fakes_relayed(f, 1, 250, "ok");
	fakes_relayed(f, 2, 250, "ok");
	fakes_until(f, is_empty);
	CHECK(f->q.count.sent == 5 && f->q.count.deferred == 0);
}

/* A full mailbox is no limit of the transaction. */
static void
one_is_full(const char *dir)
{
	static const char *const to[] = { "hop1@y.test", "hop2@y.test" };
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 0;
	fakes_retry(f, HOUR_MS);
	fakes_accept_n(f, "a@x.test", to, 2, 500, true);
	fakes_until(f, has_jobs);
	fakes_relayed_some(f, 0, 1, 452, "4.2.2");
	while (f->q.count.deferred == 0)
		fakes_run_ms(f, 5);
	CHECK(f->njobs == 1);
	CHECK(f->q.index.first->dests[1].attempts == 1);
}

/* --- the same MX hosts */

static bool
both_are_sent(struct fakes *f)
{
	return f->q.count.sent == 2;
}

static void
share_a_site(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct hop	*one, *two;

	f->has_mx = true;
	memset(f->mx, 7, sizeof(f->mx));
	fakes_accept(f, "a@x.test", "hop@one.test", 500);
	fakes_accept(f, "a@x.test", "hop@two.test", 500);
	fakes_until(f, both_are_sent);
	one = htab_get(&f->q.sched.hops, SPAN("relay:one.test"));
	two = htab_get(&f->q.sched.hops, SPAN("relay:two.test"));
	CHECK(one != NULL && two != NULL && one->site == two->site);
}

ONE(a_lifetime_is_of_the_class_of_the_last_error, lives_by_class)
ONE(what_a_hop_puts_off_goes_to_its_fallback_once, falls_back)
ONE(what_is_moved_by_hand_may_fall_back_again, falls_back_again)
ONE(a_fallback_has_its_time, not_before_its_time)
ONE(new_mail_goes_round_a_dead_hop, round_a_dead_hop)
ONE(too_many_recipients_go_in_the_next_transaction, takes_two)
ONE(a_full_mailbox_is_tried_later, one_is_full)
ONE(hops_with_the_same_exchangers_share_a_site, share_a_site)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_errors_have_classes),
		cmocka_unit_test(test_waits_are_of_the_class),
		cmocka_unit_test(test_a_lifetime_is_of_the_class_of_the_last_error),
		cmocka_unit_test(test_what_a_hop_puts_off_goes_to_its_fallback_once),
		cmocka_unit_test(test_what_is_moved_by_hand_may_fall_back_again),
		cmocka_unit_test(test_a_fallback_has_its_time),
		cmocka_unit_test(test_new_mail_goes_round_a_dead_hop),
		cmocka_unit_test(test_too_many_recipients_go_in_the_next_transaction),
		cmocka_unit_test(test_a_full_mailbox_is_tried_later),
		cmocka_unit_test(test_hops_with_the_same_exchangers_share_a_site),
	};

	return cmocka_run_group_tests_name("queue/terms", tests, NULL, NULL);
}
