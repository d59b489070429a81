/*
 * counted_test.c - rates and greylist in a policy, by counters of the test's
 * own that answer at once, later, or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "cf/cf.h"
#include "mta/policy/policy.h"

static const char	text[] =
    "edition 1\n"
    "hostname \"mail.here.example\"\n"
    "set ours = { \"here.example\" }\n"
    "map users = { \"ann\" = \"x\" } as accounts\n"
    "listen smtp on \"*:25\"\n"
    "mailbox boxes { accounts users; path \"/m/{user}\" }\n"
    "on mail {\n"
    "    rate \"m\" by sender over 100/1h => reject 550 5.7.2\n"
    "    greylisted by client.ip/24, sender for 5m => defer 450 4.7.1\n"
    "}\n"
    "on rcpt {\n"
    "    rate \"r\" by client.ip over 5/1m => defer 450 4.7.2\n"
    "        failing => defer 452 4.7.3\n"
    "    rcpt unknown => reject 550 5.1.1\n"
    "    rcpt.domain in ours => accept\n"
    "}\n"
    "route {\n"
    "    rate \"out\" by sender over 2/1d => defer 450 4.7.4\n"
    "    rcpt.domain in ours => deliver boxes\n"
    "    otherwise => reject\n"
    "}\n";

/* What was asked last, and how it is answered. */
static struct {
	unsigned		 asked, cancelled;
	bool			 later;
	enum limits_answer	 answer;
	bool			 grey, peek;
	char			 name[16], key[128];
	uint32_t		 count, step;
	int64_t			 ms;
	uint64_t		 tx;
	limits_cb		*cb;
	void			*arg;
} q;

static struct policy	*policy;

static uint64_t
asked(struct span key, limits_cb *cb, void *arg)
{
	(void)snprintf(q.key, sizeof(q.key), "%.*s", SPAN_ARG(key));
	q.asked++;
	q.cb = cb;
	q.arg = arg;
	if (!q.later)
		cb(arg, q.answer);
	return q.asked;
}

static uint64_t
ask_rate(void *ctx, const struct limits_rate *r, limits_cb *cb, void *arg)
{
	(void)ctx;
	q.grey = false;
	(void)snprintf(q.name, sizeof(q.name), "%.*s", SPAN_ARG(r->name));
	q.count = r->count;
	q.ms = r->period_ms;
	q.tx = r->tx;
	q.step = r->step;
	q.peek = r->peek;
	return asked(r->key, cb, arg);
}

static uint64_t
ask_grey(void *ctx, struct span key, int64_t wait_ms, bool peek,
    limits_cb *cb, void *arg)
{
	(void)ctx;
	q.grey = true;
	q.ms = wait_ms;
	q.peek = peek;
	return asked(key, cb, arg);
}

static void
cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;
	assert_int_equal(ticket, q.asked);
	q.cancelled++;
}

static struct policy *
open_policy(bool counts)
{
	static struct cf	*cf;
	struct policy_source	 src = { .image_fd = -1 };
	struct policy		*p;
	const char		*why;

	if (cf == NULL)
		cf = cf_compile_mem("/etc/waybill/test.conf", span_of(text));
	assert_int_equal(cf_errors(cf), 0);
	src.image_mem = cf_image(cf);
	if (counts)
		src.limits = (struct policy_limits){ ask_rate, ask_grey,
		    cancel, &q };
	p = policy_open(&src, &why);
	assert_non_null(p);
	return p;
}

static int
setup(void **state)
{
	(void)state;
	memset(&q, 0, sizeof(q));
	policy = open_policy(true);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	policy_unref(&policy);
	return 0;
}

static struct policy_facts
facts(void)
{
	struct policy_facts	f = { .sender = SPAN("Joe@x.example"),
	    .rcpt = SPAN("ann@here.example"), .tx = 77, .command = 3 };

	f.sender_at = rs_address(f.sender).at;
	f.rcpt_at = rs_address(f.rcpt).at;
	assert_true(ip_parse(SPAN("203.0.113.9"), &f.client_ip));
	return f;
}

/* The code of a decision that is there at once; 0: no refusal. */
static unsigned
decide(enum rs_hook hook, struct policy_facts *f)
{
	struct decision		*d;
	const struct rs_verdict	*v;
	unsigned		 code;

	d = policy_decide(policy, hook, f, NULL, NULL, NULL);
	assert_true(decision_done(d));
	v = decision_verdict(d);
	code = v->kind == RS_V_ACCEPT || v->kind == RS_V_END ? 0 : v->code;
	decision_free(&d);
	return code;
}

static void
a_rate_is_asked_with_what_it_is_about(void **state)
{
	struct policy_facts	f = facts();

	(void)state;
	q.answer = LIMITS_YES;
	assert_int_equal(decide(RS_HOOK_MAIL, &f), 550);
	assert_int_equal(q.asked, 1);
	assert_string_equal(q.name, "m");
	assert_string_equal(q.key, "joe@x.example");
	assert_int_equal(q.count, 100);
	assert_int_equal(q.ms, 3600000);
	assert_int_equal(q.tx, 77);
	assert_false(q.peek);
	assert_int_equal(decide(RS_HOOK_RCPT, &f), 450);
	assert_string_equal(q.name, "r");
	assert_string_equal(q.key, "203.0.113.9");
}

static void
each_command_and_hook_is_a_step(void **state)
{
	struct policy_facts	f = facts();
	uint32_t		step;

	(void)state;
	q.answer = LIMITS_YES;
	(void)decide(RS_HOOK_MAIL, &f);
	step = q.step;
	(void)decide(RS_HOOK_MAIL, &f);
	assert_int_equal(q.step, step);
	(void)decide(RS_HOOK_RCPT, &f);
	assert_int_not_equal(q.step, step);
	step = q.step;
	f.command++;
	(void)decide(RS_HOOK_RCPT, &f);
	assert_int_not_equal(q.step, step);
}

static void
the_greylist_is_asked_when_the_rate_is_not_exceeded(void **state)
{
	struct policy_facts	f = facts();

	(void)state;
	q.answer = LIMITS_NO;
	assert_int_equal(decide(RS_HOOK_MAIL, &f), 0);
	assert_int_equal(q.asked, 2);
	assert_true(q.grey);
	assert_int_equal(q.ms, 300000);
	assert_non_null(strstr(q.key, "203.0.113.0/24"));
	assert_non_null(strstr(q.key, "joe@x.example"));
}

/* Behind `on rcpt` route is run dry; the real one counts. */
static void
a_dry_run_looks_and_does_not_count(void **state)
{
	struct policy_facts	 f = facts();
	struct routing		*r;

	(void)state;
	q.answer = LIMITS_NO;
	assert_int_equal(decide(RS_HOOK_RCPT, &f), 0);
	assert_string_equal(q.name, "out");
	assert_true(q.peek);
	r = policy_route(policy, &f, NULL, NULL, NULL);
	assert_true(routing_done(r));
	assert_string_equal(q.name, "out");
	assert_false(q.peek);
	routing_free(&r);
	f.tx = 0;
	r = policy_route(policy, &f, NULL, NULL, NULL);
	assert_true(q.peek);
	routing_free(&r);
}

static void
an_empty_key_is_nobody(void **state)
{
	struct policy_facts	f = facts();

	(void)state;
	f.sender = SPAN("");
	f.sender_at = 0;
	q.answer = LIMITS_YES;
	assert_int_equal(decide(RS_HOOK_MAIL, &f), 450);	/* greylisted */
	assert_int_equal(q.asked, 1);
	assert_true(q.grey);
}

static void
what_cannot_be_said_defers(void **state)
{
	struct policy_facts	f = facts();

	(void)state;
	q.answer = LIMITS_CANNOT;
	assert_int_equal(decide(RS_HOOK_MAIL, &f), 451);
	assert_int_equal(decide(RS_HOOK_RCPT, &f), 452);	/* failing => */
}

static void
without_counters_nothing_was_ever_counted(void **state)
{
	struct policy_facts	f = facts();

	(void)state;
	policy_unref(&policy);
	policy = open_policy(false);
	assert_int_equal(decide(RS_HOOK_RCPT, &f), 0);
	assert_int_equal(decide(RS_HOOK_MAIL, &f), 450);	/* for the first time */
}

static void
done(void *arg, struct decision *d)
{
	assert_true(decision_done(d));
	++*(unsigned *)arg;
}

static void
an_answer_that_comes_later(void **state)
{
	struct policy_facts	 f = facts();
	struct decision		*d;
	unsigned		 called = 0;

	(void)state;
	q.later = true;
	d = policy_decide(policy, RS_HOOK_MAIL, &f, NULL, done, &called);
	assert_false(decision_done(d));
	assert_int_equal(q.asked, 1);
	q.cb(q.arg, LIMITS_NO);
	assert_int_equal(q.asked, 2);
	assert_int_equal(called, 0);
	q.cb(q.arg, LIMITS_YES);
	assert_int_equal(called, 1);
	assert_int_equal(q.asked, 2);
	assert_int_equal(decision_verdict(d)->code, 450);
	decision_free(&d);
	assert_int_equal(q.cancelled, 0);
}

static void
a_decision_given_up_gives_up_its_question(void **state)
{
	struct policy_facts	 f = facts();
	struct decision		*d;
	unsigned		 called = 0;

	(void)state;
	q.later = true;
	d = policy_decide(policy, RS_HOOK_MAIL, &f, NULL, done, &called);
	decision_free(&d);
	assert_int_equal(q.cancelled, 1);
	/* The evaluation is used again, without its old answer. */
	d = policy_decide(policy, RS_HOOK_MAIL, &f, NULL, done, &called);
	assert_int_equal(q.asked, 2);
	decision_free(&d);
	assert_int_equal(called, 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest	tests[] = {
		T(a_rate_is_asked_with_what_it_is_about),
		T(each_command_and_hook_is_a_step),
		T(the_greylist_is_asked_when_the_rate_is_not_exceeded),
		T(a_dry_run_looks_and_does_not_count),
		T(an_empty_key_is_nobody),
		T(what_cannot_be_said_defers),
		T(without_counters_nothing_was_ever_counted),
		T(an_answer_that_comes_later),
		T(a_decision_given_up_gives_up_its_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
