/*
 * notify_test.c - what the queue makes of the parameters of MAIL and RCPT
 * (RFC 3461, 2852, 3030), among played peers.
 *
 * The sender has a mailbox here, so a notification is what deliver gets last.
 */
#include "test/unit/mta/queue/cases.h"

#include "base/clock.h"
#include "mta/msg/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEGMENT	(1u << 20)
#define SENDER	"box@sender.test"
#define MAX	4

/* A message of these recipients; what is asked for of each. */
struct given {
	const char	*sender;		/* NULL: SENDER */
	const char	*rcpts[MAX];
	uint8_t		 notify[MAX];
	const char	*orcpt;			/* of the first */
	uint32_t	 flags;
	int64_t		 by_ms;			/* from now */
	size_t		 octets;		/* 0: 500 */
};

static uint64_t
accept_given(struct fakes *f, const struct given *g)
{
	struct envelope_param	params[MAX] = { { 0 } };
	struct span		rcpts[MAX];
	struct envelope		e = { .sender = span_of(g->sender == NULL ?
				    SENDER : g->sender), .rcpts = rcpts,
				    .params = params, .flags = g->flags,
				    .envid = SPAN("Q+1"),
				    .arrival_ms = clock_wall_ms() };

	for (; e.nrcpts < MAX && g->rcpts[e.nrcpts] != NULL; e.nrcpts++) {
		rcpts[e.nrcpts] = span_of(g->rcpts[e.nrcpts]);
		params[e.nrcpts].notify = g->notify[e.nrcpts];
	}
	if (g->orcpt != NULL) {
		params[0].orcpt_type = SPAN("rfc822");
		params[0].orcpt = span_of(g->orcpt);
	}
	e.by_ms = e.arrival_ms + g->by_ms;
	return fakes_accept_as(f, &e, g->octets == 0 ? 500 : g->octets, true);
}

static unsigned
count_in(const struct fakes *f, const char *what)
{
	struct span	s = buf_span(&f->last_content);
	size_t		i, len = strlen(what);
	unsigned	n = 0;

	for (i = 0; i + len <= s.n; i++)
		n += memcmp(s.p + i, what, len) == 0;
	return n;
}

static bool
says(const struct fakes *f, const char *what)
{
	if (count_in(f, what) == 1)
		return true;
	print_message("wanted once: %s\n%.*s", what,
	    SPAN_ARG(buf_span(&f->last_content)));
	return false;
}

static bool
is_silent(struct fakes *f)
{
	return is_empty(f) && f->q.count.bounced == 0;
}

/* --- failure (RFC 3461, 5.2.6) */

static void
never(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	accept_given(f, &(struct given){ .rcpts = { "fail@y.test",
	    "fail2@y.test" }, .notify = { NOTIFY_NEVER, NOTIFY_SUCCESS } });
	fakes_until(f, is_silent);
	CHECK(f->q.count.failed == 2);
}

static void
failure(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	accept_given(f, &(struct given){ .rcpts = { "fail1@y.test",
	    "fail2@y.test", "fail3@y.test", "fail4@y.test" },
	    .notify = { NOTIFY_FAILURE, NOTIFY_NEVER, 0, NOTIFY_DELAY },
	    .orcpt = "first+1@orig.test" });
	fakes_until(f, is_bounced);
	/* Of those alone who may be named: 5.2.8. */
	CHECK(count_in(f, "\r\nAction: failed\r\n") == 2);
	CHECK(says(f, "\r\nOriginal-Envelope-Id: Q+1\r\n"));
	CHECK(says(f, "\r\nOriginal-Recipient: rfc822; first+1@orig.test\r\n"
	    "Final-Recipient: rfc822; fail1@y.test\r\n"));
	CHECK(says(f, "Final-Recipient: rfc822; fail3@y.test\r\n"));
	CHECK(count_in(f, "fail2@y.test") + count_in(f, "fail4@y.test") == 0);
	CHECK(says(f, "\r\nContent-Type: text/rfc822-headers\r\n"));
}

static void
returned(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	struct buf	 content = { 0 };
	uint64_t	 qid;

	qid = accept_given(f, &(struct given){ .rcpts = { "fail@y.test" },
	    .flags = ENV_RET_FULL, .octets = 3000 });
	fakes_content(qid, 3000, &content);
	fakes_until(f, is_bounced);
	CHECK(says(f, "\r\nContent-Type: message/rfc822\r\n"));
	CHECK(says(f, buf_cstr(&content)));
	buf_clear(&content);
}

static void
returned_header(const char *dir)
{
	static const struct given	rows[] = {
		{ .rcpts = { "fail@y.test" }, .flags = ENV_RET_HDRS },
		{ .rcpts = { "fail@y.test" },
		  .flags = ENV_RET_FULL | ENV_REQUIRETLS },
		{ .rcpts = { "fail@y.test" },
		  .flags = ENV_RET_FULL | ENV_BINARY },
		{ .rcpts = { "fail@y.test" }, .flags = ENV_RET_FULL,
		  .octets = 300000 },		/* of a segment of 1 MiB */
		{ .rcpts = { "box@y.test" }, .flags = ENV_RET_FULL,
		  .notify = { NOTIFY_SUCCESS } },
	};
	struct fakes	*f = fakes_open(dir, SEGMENT);
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->q.count.bounced = 0;
		accept_given(f, &rows[i]);
		fakes_until(f, is_bounced);
		CHECK(says(f, "\r\nContent-Type: text/rfc822-headers\r\n"));
		CHECK(f->last_content.n < 3000);
	}
}

/* --- success (5.2.2, 5.2.3) */

static void
success(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	accept_given(f, &(struct given){ .rcpts = { "box@y.test",
	    "hop@y.test", "box2@y.test", "hop2@y.test" },
	    .notify = { NOTIFY_SUCCESS, NOTIFY_SUCCESS | NOTIFY_FAILURE,
	    NOTIFY_FAILURE, 0 }, .orcpt = "me@orig.test" });
	fakes_until(f, is_bounced);
	CHECK(says(f, "\r\nSubject: Delivered mail\r\n"));
	CHECK(says(f, "\r\nOriginal-Recipient: rfc822; me@orig.test\r\n"
	    "Final-Recipient: rfc822; box@y.test\r\nAction: delivered\r\n"
	    "Status: 2.0.0\r\n"));
	CHECK(says(f, "\r\nFinal-Recipient: rfc822; hop@y.test\r\n"
	    "Action: relayed\r\nStatus: 2.0.0\r\n"
	    "Remote-MTA: dns; mx.test\r\n"
	    "Diagnostic-Code: smtp; 250 2.0.0 as the test wants\r\n"));
	CHECK(count_in(f, "box2@y.test") + count_in(f, "hop2@y.test") == 0);
}

/* The hop has DSN: it has been told all, and tells the sender. */
static void
handed_on(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->offers = RELAYED_DSN;
	accept_given(f, &(struct given){ .rcpts = { "hop@y.test" },
	    .notify = { NOTIFY_SUCCESS }, .orcpt = "me@orig.test",
	    .flags = ENV_RET_HDRS });
	fakes_until(f, is_silent);
	CHECK(strcmp(f->jobs[0].envid, "Q+1") == 0);
	CHECK(strcmp(f->jobs[0].param, "1;rfc822;me@orig.test") == 0);
	CHECK(f->jobs[0].flags == ENV_RET_HDRS);
	/* One alias of one: all goes on, with the address that it had. */
	accept_given(f, &(struct given){ .rcpts = { "forward@y.test" },
	    .notify = { NOTIFY_SUCCESS } });
	fakes_until(f, is_silent);
	CHECK(strcmp(f->jobs[1].first, "hop@else.test") == 0);
	CHECK(strcmp(f->jobs[1].param, "1;rfc822;forward@y.test") == 0);
	/* Who asked for nothing has nothing added. */
	accept_given(f, &(struct given){ .rcpts = { "forward@y.test" } });
	fakes_until(f, is_silent);
	CHECK(strcmp(f->jobs[2].param, "0;;") == 0);
}

static void
nobody(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	accept_given(f, &(struct given){ .sender = "", .rcpts = { "box@y.test",
	    "hop@y.test", "pair@y.test", "fail@y.test" },
	    .notify = { NOTIFY_SUCCESS, NOTIFY_SUCCESS, NOTIFY_SUCCESS,
	    NOTIFY_FAILURE }, .flags = ENV_BY_NOTIFY | ENV_BY_TRACE,
	    .by_ms = 1000 });
	fakes_until(f, is_silent);
	CHECK(f->q.count.delivered == 2);
}

/* --- aliases and lists (5.2.7) */

static void
expanded(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	accept_given(f, &(struct given){ .rcpts = { "pair@y.test" },
	    .notify = { NOTIFY_SUCCESS | NOTIFY_FAILURE },
	    .orcpt = "me@orig.test", .flags = ENV_RET_FULL });
	fakes_until(f, is_bounced);
	CHECK(says(f, "\r\nSubject: Expanded mail\r\n"));
	CHECK(says(f, "\r\nFinal-Recipient: rfc822; pair@y.test\r\n"
	    "Action: expanded\r\nStatus: 2.1.5\r\n"));
	CHECK(count_in(f, "pair.test") == 0);	/* its members are hidden */
	CHECK(count_in(f, "\r\nAction: ") == 1);
	CHECK(strcmp(f->jobs[0].param, "2;rfc822;me@orig.test") == 0);
	CHECK(strcmp(f->jobs[0].envid, "Q+1") == 0);
	CHECK(f->jobs[0].flags == ENV_RET_FULL);
}

static void
expanded_success_only(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	accept_given(f, &(struct given){ .rcpts = { "pair@y.test" },
	    .notify = { NOTIFY_SUCCESS } });
	fakes_until(f, is_bounced);
	CHECK(strcmp(f->jobs[0].param, "8;rfc822;pair@y.test") == 0);
}

/* A list has got it; what its members get is its owner's. */
static void
list(const char *dir)
{
	static const char *const	to[] = { "list@y.test", "list1@y.test" };
	struct fakes			*f = fakes_open(dir, SEGMENT);
	size_t				 i;

	for (i = 0; i < 2; i++) {
		f->q.count.bounced = f->njobs = 0;
		accept_given(f, &(struct given){ .rcpts = { to[i] },
		    .notify = { NOTIFY_SUCCESS }, .orcpt = "me@orig.test",
		    .flags = ENV_RET_FULL });
		fakes_until(f, is_bounced);
		CHECK(says(f, "\r\nOriginal-Recipient: rfc822; me@orig.test\r\n"));
		CHECK(says(f, "\r\nAction: delivered\r\n"));
		CHECK(count_in(f, "list.test") == 0);
		CHECK(strcmp(f->jobs[0].param, "0;;") == 0);
		CHECK(strcmp(f->jobs[0].envid, "") == 0);
		CHECK(f->jobs[0].flags == 0);
	}
}

/* NOTIFY=NEVER is the sender's word, not the owner's. */
static void
list_failed(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 550;
	accept_given(f, &(struct given){ .rcpts = { "list1@y.test" },
	    .notify = { NOTIFY_NEVER }, .flags = ENV_RET_FULL });
	fakes_until(f, is_bounced);
	CHECK(says(f, "\r\nTo: <box-owner@s.test>\r\n"));
	CHECK(says(f, "Final-Recipient: rfc822; hop1@list.test\r\n"));
	CHECK(count_in(f, "Original-Envelope-Id") == 0);
	CHECK(says(f, "\r\nContent-Type: text/rfc822-headers\r\n"));
}

/* --- a restart between arriving and telling */

static bool
has_two_jobs(struct fakes *f)
{
	return f->njobs == 2;
}

static bool
has_arrived(struct fakes *f)
{
	return f->q.index.first->in_state[DEST_ARRIVED] == 2;
}

/* One at a mailbox, one at a hop, and one that keeps them from being told. */
static void
not_told_yet(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	unsigned	 z;

	f->code = 0;
	accept_given(f, &(struct given){ .rcpts = { "box@y.test",
	    "hop@y.test", "hop@z.test" }, .notify = { NOTIFY_SUCCESS,
	    NOTIFY_SUCCESS, NOTIFY_SUCCESS } });
	fakes_until(f, has_two_jobs);
	z = strcmp(f->jobs[0].hop, "relay:z.test") == 0 ? 0 : 1;
	fakes_relayed(f, 1 - z, 250, "as the test wants");
	fakes_until(f, has_arrived);
	fakes_logged(f);
	CHECK(f->q.count.bounced == 0);
}

static bool
is_told_late(struct fakes *f)
{
	return f->q.count.bounced > 0 && f->q.index.n == 1;
}

static bool
is_checkpointed(struct fakes *f)
{
	return journal_stats(f->q.journal).checkpoints > 0;
}

static void
not_told_in_a_checkpoint(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	unsigned	 z;

	f->code = 0;
	accept_given(f, &(struct given){ .rcpts = { "box@y.test",
	    "hop@y.test", "hop@z.test" }, .notify = { NOTIFY_SUCCESS,
	    NOTIFY_SUCCESS, NOTIFY_SUCCESS | NOTIFY_DELAY },
	    .flags = ENV_BY_NOTIFY,
	    .by_ms = 1000 });
	fakes_until(f, has_two_jobs);
	z = strcmp(f->jobs[0].hop, "relay:z.test") == 0 ? 0 : 1;
	fakes_relayed(f, 1 - z, 250, "as the test wants");
	fakes_until(f, has_arrived);
	/* The notification of the delay goes to a mailbox too. */
	fakes_until(f, is_told_late);
	fakes_logged(f);
	journal_checkpoint(f->q.journal);
	fakes_until(f, is_checkpointed);
}

static void
told_after_all(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_until(f, is_bounced);
	CHECK(f->njobs == 1);		/* z.test */
	CHECK(f->commits == 1);		/* the notification */
	CHECK(says(f, "box@y.test\r\nAction: delivered\r\n"));
	CHECK(says(f, "hop@y.test\r\nAction: relayed\r\n"));
	CHECK(says(f, "hop@z.test\r\nAction: relayed\r\n"));
}

static void
expansion_not_told_yet(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 0;
	accept_given(f, &(struct given){ .rcpts = { "pair@y.test" },
	    .notify = { NOTIFY_SUCCESS } });
	fakes_until(f, has_jobs);
	fakes_logged(f);
	CHECK(f->q.index.first->in_state[DEST_ARRIVED] == 1);
}

static void
expansion_told_after_all(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_until(f, is_bounced);
	CHECK(says(f, "pair@y.test\r\nAction: expanded\r\n"));
	CHECK(count_in(f, "\r\nAction: ") == 1);
}

/* --- delays, and deadlines (RFC 2852) */

static void
warned(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->q.set.warns_ms[0] = 1000;
	f->q.set.nwarns = 1;
	fakes_retry(f, 60000);
	f->code = 451;
	accept_given(f, &(struct given){ .rcpts = { "hop@y.test",
	    "hop2@y.test", "hop3@y.test" }, .notify = { NOTIFY_FAILURE,
	    NOTIFY_DELAY, 0 } });
	fakes_run_ms(f, 3000);
	CHECK(f->q.count.bounced == 1);
	CHECK(count_in(f, "\r\nAction: delayed\r\n") == 2);
	CHECK(count_in(f, "<hop@y.test>") == 0);
	CHECK(count_in(f, "\r\nWill-Retry-Until: ") == 2);
}

static void
too_late(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_retry(f, 3000);
	f->code = 451;
	accept_given(f, &(struct given){ .rcpts = { "hop@y.test" },
	    .flags = ENV_BY_RETURN, .by_ms = 1500 });
	fakes_until(f, has_jobs);
	CHECK(f->jobs[0].flags == ENV_BY_RETURN);
	CHECK(f->jobs[0].by_ms > clock_wall_ms());
	fakes_until(f, is_bounced);
	CHECK(f->njobs == 1);		/* not again */
	CHECK(says(f, "\r\nAction: failed\r\nStatus: 5.4.7\r\n"));
}

/* Neither does it get into a mailbox then. */
static void
too_late_for_a_mailbox(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	accept_given(f, &(struct given){ .rcpts = { "box@y.test" },
	    .flags = ENV_BY_RETURN, .by_ms = -1 });
	fakes_until(f, is_bounced);
	CHECK(f->prepares == 1);	/* the notification */
	CHECK(says(f, "\r\nStatus: 5.4.7\r\n"));
}

static void
late(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	fakes_retry(f, 60000);
	f->code = 451;
	accept_given(f, &(struct given){ .rcpts = { "hop@y.test",
	    "hop2@y.test" }, .notify = { 0, NOTIFY_FAILURE },
	    .flags = ENV_BY_NOTIFY, .by_ms = 1000 });
	fakes_until(f, is_told_late);
	CHECK(says(f, "\r\nAction: delayed\r\nStatus: 4.4.7\r\n"));
	fakes_logged(f);
}

/* Told once, also after a restart, and then it goes. */
static void
late_once(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->offers = RELAYED_DELIVERBY;
	fakes_run_ms(f, 2500);
	fakes_until(f, is_silent);
}

/* 4.1.4: a hop without DELIVERBY is told of, and each with T. */
static void
traced(const char *dir)
{
	static const struct {
		uint32_t	flags;
		uint8_t		notify, offers;
		bool		told;
	} rows[] = {
		{ ENV_BY_NOTIFY, 0, RELAYED_DSN | RELAYED_DELIVERBY, false },
		{ ENV_BY_NOTIFY, 0, RELAYED_DSN, true },
		{ ENV_BY_NOTIFY, NOTIFY_NEVER, RELAYED_DSN, false },
		{ ENV_BY_RETURN, 0, RELAYED_DELIVERBY, false },
		{ ENV_BY_RETURN | ENV_BY_TRACE, 0,
		  RELAYED_DSN | RELAYED_DELIVERBY, true },
	};
	struct fakes	*f = fakes_open(dir, SEGMENT);
	size_t		 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->q.count.bounced = 0;
		f->offers = rows[i].offers;
		accept_given(f, &(struct given){ .rcpts = { "hop@y.test" },
		    .notify = { rows[i].notify }, .flags = rows[i].flags,
		    .by_ms = 60000 });
		fakes_until(f, is_empty);
		CHECK(f->q.count.bounced == rows[i].told);
		CHECK(!rows[i].told || says(f, "\r\nAction: relayed\r\n"));
	}
}

/* --- binary content (RFC 3030) */

static void
binary(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	accept_given(f, &(struct given){ .rcpts = { "box@y.test" },
	    .flags = ENV_BINARY });
	fakes_until(f, is_silent);
	CHECK(f->as_is);
	accept_given(f, &(struct given){ .rcpts = { "box@y.test" },
	    .flags = ENV_UTF8 });
	fakes_until(f, is_silent);
	CHECK(!f->as_is);
}

ONE(who_asks_for_nothing_is_told_nothing, never)
ONE(failures_are_told_as_asked_for, failure)
ONE(a_message_is_returned_in_full_where_asked_for, returned)
ONE(else_its_header_is, returned_header)
ONE(arriving_is_told_where_asked_for, success)
ONE(a_hop_with_dsn_takes_that_over, handed_on)
ONE(a_null_sender_is_told_nothing, nobody)
ONE(an_alias_of_several_is_expanded, expanded)
ONE(nothing_is_left_of_success_alone, expanded_success_only)
ONE(to_a_list_it_is_delivered, list)
ONE(its_owner_is_told_of_members, list_failed)
STEPS(what_has_arrived_is_told_after_a_restart, not_told_yet, told_after_all)
STEPS(a_checkpoint_knows_it_too, not_told_in_a_checkpoint, told_after_all)
STEPS(so_is_an_expansion, expansion_not_told_yet, expansion_told_after_all)
ONE(delays_are_told_as_asked_for, warned)
ONE(what_is_too_late_is_returned, too_late)
ONE(not_delivered_either, too_late_for_a_mailbox)
STEPS(what_is_late_is_told_once, late, late_once)
ONE(a_hop_that_knows_no_time_is_told_of, traced)
ONE(binary_content_is_delivered_as_it_is, binary)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_who_asks_for_nothing_is_told_nothing),
		cmocka_unit_test(test_failures_are_told_as_asked_for),
		cmocka_unit_test(
		    test_a_message_is_returned_in_full_where_asked_for),
		cmocka_unit_test(test_else_its_header_is),
		cmocka_unit_test(test_arriving_is_told_where_asked_for),
		cmocka_unit_test(test_a_hop_with_dsn_takes_that_over),
		cmocka_unit_test(test_a_null_sender_is_told_nothing),
		cmocka_unit_test(test_an_alias_of_several_is_expanded),
		cmocka_unit_test(test_nothing_is_left_of_success_alone),
		cmocka_unit_test(test_to_a_list_it_is_delivered),
		cmocka_unit_test(test_its_owner_is_told_of_members),
		cmocka_unit_test(test_what_has_arrived_is_told_after_a_restart),
		cmocka_unit_test(test_a_checkpoint_knows_it_too),
		cmocka_unit_test(test_so_is_an_expansion),
		cmocka_unit_test(test_delays_are_told_as_asked_for),
		cmocka_unit_test(test_what_is_too_late_is_returned),
		cmocka_unit_test(test_not_delivered_either),
		cmocka_unit_test(test_what_is_late_is_told_once),
		cmocka_unit_test(test_a_hop_that_knows_no_time_is_told_of),
		cmocka_unit_test(test_binary_content_is_delivered_as_it_is),
	};

	return cmocka_run_group_tests_name("queue/notify", tests, NULL, NULL);
}
