/*
 * routing_test.c - a recipient's way to its targets, with everything that can
 * be wrong with an expansion.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test/unit/policy/family.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static const struct span	aliases[] = {
	SPAN("postmaster"), SPAN("colin"),
	SPAN("family"), SPAN("colin, Ann, tim, una@elsewhere.example"),
	SPAN("all"), SPAN("family, ann, tim@murphy.example"),
	SPAN("ann"), SPAN("ann, ann@archive.example"),
	SPAN("ring"), SPAN("ring2"),
	SPAN("ring2"), SPAN("ring3, tim"),
	SPAN("ring3"), SPAN("ring"),
	SPAN("half"), SPAN("nobody, tim"),
	SPAN("ghost"), SPAN("nobody"),
	SPAN("tim+exact"), SPAN("ann@hop.example"),
	SPAN("shut"), SPAN("x@shut.example"),
	SPAN("self"), SPAN("self"),
	SPAN("diamond"), SPAN("left, right"),
	SPAN("left"), SPAN("right"),
	SPAN("right"), SPAN("left"),
};

static const struct family	family = { aliases, COUNT(aliases) / 2, false,
	NULL, NULL, 0, NULL, 0, false };

/* One target as text: "deliver colin /var/mail/colin", "hop mx:x", "fail 550 5.1.1". */
static void
describe(const struct target *t, struct buf *out)
{
	static const char *const kinds[] = {
		"?", "deliver", "hop", "discard", "fail", "later"
	};

	if (out->n > 0)
		buf_add_str(out, "; ");
	buf_add_str(out, kinds[t->kind]);
	if (t->kind == TARGET_DELIVER)
		buf_addf(out, " %.*s %.*s", SPAN_ARG(t->account),
		    SPAN_ARG(t->path));
	else if (t->kind == TARGET_HOP)
		buf_addf(out, " %.*s %.*s", SPAN_ARG(t->hop),
		    SPAN_ARG(t->address));
	else if (t->kind != TARGET_DISCARD)
		buf_addf(out, " %u %.*s", t->code, SPAN_ARG(t->status));
}

static struct routing *
route(struct policy *p, const char *rcpt)
{
	struct policy_facts	f = { .rcpt = span_of(rcpt) };
	struct routing		*r;

	f.rcpt_at = rs_address(f.rcpt).at;
	r = policy_route(p, &f, NULL, NULL, NULL);
	assert_non_null(r);
	assert_true(routing_done(r));
	return r;
}

static void
expect(struct policy *p, const char *rcpt, const char *wanted)
{
	struct routing		*r = route(p, rcpt);
	struct buf		 got = { 0 };
	const struct target	*t;
	size_t			 i, n;

	t = routing_targets(r, &n);
	for (i = 0; i < n; i++)
		describe(&t[i], &got);
	assert_string_equal(buf_cstr(&got), wanted);
	buf_clear(&got);
	routing_free(&r);
}

static void
each_way(void **state)
{
	static const struct { const char *rcpt, *wanted; } cases[] = {
		{ "tim@murphy.example", "deliver tim /var/mail/tim" },
		/* The account's spelling is the table's. */
		{ "TIM@murphy.example", "deliver tim /var/mail/tim" },
		{ "una@murphy.example", "deliver Una /var/mail/Una" },
		/* Exact before detail; detail falls back to the user. */
		{ "colin+lists@murphy.example",
		    "deliver colin+lists /var/mail/colin+lists" },
		{ "colin+other@murphy.example",
		    "deliver colin /var/mail/colin" },
		{ "tim+exact@murphy.example",
		    "hop relay:provider ann@hop.example" },
		/* A name that may be no file's. */
		{ "a/b@murphy.example", "deliver a/b /var/mail/a%2Fb" },
		{ "nobody@murphy.example", "fail 550 5.1.1" },
		{ "x@far.example", "hop mx:far.example x@far.example" },
		{ "x@[192.0.2.1]", "hop mx:[192.0.2.1] x@[192.0.2.1]" },
		{ "x@[IPv6:2001:db8::1]",
		    "hop mx:[2001:db8::1] x@[IPv6:2001:db8::1]" },
		{ "x@hop.example", "hop relay:provider x@hop.example" },
		{ "x@host.example",
		    "hop host:[192.0.2.9]:2525 x@host.example" },
		{ "x@shut.example", "fail 550 5.1.2" },
	};
	struct policy	*p = family_open(&family, NULL);
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		expect(p, cases[i].rcpt, cases[i].wanted);
	policy_unref(&p);
}

static void
expansions(void **state)
{
	static const struct { const char *rcpt, *wanted; } cases[] = {
		{ "postmaster@murphy.example",
		    "deliver colin /var/mail/colin" },
		/* A name that leads to itself is delivered. */
		{ "ann@murphy.example", "deliver ann /var/mail/ann; "
		    "hop mx:archive.example ann@archive.example" },
		{ "self@murphy.example", "fail 550 5.1.1" },
		/* Members once, whoever names them. */
		{ "all@murphy.example", "deliver colin /var/mail/colin; "
		    "deliver ann /var/mail/ann; "
		    "hop mx:archive.example ann@archive.example; "
		    "deliver tim /var/mail/tim; "
		    "hop mx:elsewhere.example una@elsewhere.example" },
		{ "half@murphy.example",
		    "fail 550 5.1.1; deliver tim /var/mail/tim" },
		/* Loops. */
		{ "ring@murphy.example",
		    "deliver tim /var/mail/tim; fail 554 5.4.6" },
		{ "diamond@murphy.example", "fail 554 5.4.6" },
	};
	struct policy	*p = family_open(&family, NULL);
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		expect(p, cases[i].rcpt, cases[i].wanted);
	policy_unref(&p);
}

/* RFC 5321, 4.5.1: <postmaster> has no domain, and a place to go. */
static void
postmaster_without_domain(void **state)
{
	struct family	 f = family;
	struct policy	*p = family_open(&f, NULL);

	(void)state;
	/* Our hostname is no domain of ours, but the one above it is. */
	expect(p, "Postmaster", "deliver colin /var/mail/colin");
	policy_unref(&p);
	f.postmaster = "ann@murphy.example";
	p = family_open(&f, NULL);
	expect(p, "postmaster", "deliver ann /var/mail/ann; "
	    "hop mx:archive.example ann@archive.example");
	policy_unref(&p);
}

/* 'Cannot say' is never 'not there'. */
static void
tables_that_fail(void **state)
{
	struct policy	*p = family_open(&family, NULL);
	struct routing	*r;

	(void)state;
	policy_map_failing(p, FAMILY_USERS);
	expect(p, "tim@murphy.example", "later 451 4.3.0");
	r = route(p, "tim@murphy.example");
	assert_int_equal(routing_unknown(r), -1);
	assert_int_equal(routing_refusal(r), 0);
	routing_free(&r);
	policy_map_failing(p, FAMILY_ALIASES);
	expect(p, "tim@murphy.example", "later 451 4.3.0");
	expect(p, "x@far.example", "hop mx:far.example x@far.example");
	policy_unref(&p);
}

static void
unknown_and_refused(void **state)
{
	static const struct { const char *rcpt; int unknown, refused; }
	cases[] = {
		{ "tim@murphy.example", 0, -1 },
		{ "nobody@murphy.example", 1, -1 },
		{ "ghost@murphy.example", 1, -1 },
		{ "half@murphy.example", 0, -1 },	/* one is known */
		{ "x@far.example", 0, -1 },
		{ "x@shut.example", 0, 0 },
		{ "shut@murphy.example", 0, 0 },
		{ "diamond@murphy.example", 0, 0 },
	};
	struct policy	*p = family_open(&family, NULL);
	struct routing	*r;
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		r = route(p, cases[i].rcpt);
		assert_int_equal(routing_unknown(r), cases[i].unknown);
		assert_int_equal(routing_refusal(r), cases[i].refused);
		routing_free(&r);
	}
	policy_unref(&p);
}

/* n names that lead to each other, the last one to tim. */
static void
chain(unsigned n, const char *wanted)
{
	char		 names[80][8];
	struct span	 pairs[80];
	struct family	 f = { pairs, n, false, NULL, NULL, 0, NULL, 0, false };
	struct policy	*p;
	unsigned	 i;

	for (i = 0; i <= n; i++)
		(void)snprintf(names[i], sizeof(names[i]), "n%u", i);
	for (i = 0; i < n; i++) {
		pairs[2 * i] = span_of(names[i]);
		pairs[2 * i + 1] = i + 1 == n ? SPAN("tim") :
		    span_of(names[i + 1]);
	}
	p = family_open(&f, NULL);
	expect(p, "n0@murphy.example", wanted);
	policy_unref(&p);
}

static void
as_deep_as_it_may_be(void **state)
{
	(void)state;
	chain(32, "deliver tim /var/mail/tim");
	chain(33, "fail 554 5.4.6");
}

/* More than 100,000 members in all: nothing of it is sent. */
static void
as_large_as_it_may_be(void **state)
{
	struct buf	 a = { 0 }, b = { 0 };
	struct span	 pairs[6] = { SPAN("both"), SPAN("left, right"),
			    SPAN("left"), SPAN_NONE, SPAN("right"), SPAN_NONE };
	struct family	 f = { pairs, 3, false, NULL, NULL, 0, NULL, 0, false };
	struct policy	*p;
	unsigned	 i;

	(void)state;
	for (i = 0; i < 60000; i++) {
		buf_addf(&a, "a%u@far.example,", i);
		buf_addf(&b, "b%u@far.example,", i);
	}
	pairs[3] = buf_span(&a);
	pairs[5] = buf_span(&b);
	p = family_open(&f, NULL);
	expect(p, "both@murphy.example", "fail 554 5.3.4");
	policy_unref(&p);
	buf_clear(&a);
	buf_clear(&b);
}

/* Long lists give way to others between slices. */
static void		(*later_cb)(void *);
static void		*later_arg;

static void
later(void (*cb)(void *), void *arg)
{
	later_cb = cb;
	later_arg = arg;
}

/* A policy with a list of n members who are far away. */
static struct policy *
far_list(unsigned n, struct buf *list)
{
	static struct span	 pairs[2];
	static struct family	 f = { pairs, 1, false, NULL, NULL, 0, NULL, 0, false };
	unsigned		 i;

	for (i = 0; i < n; i++)
		buf_addf(list, "a%u@far.example,", i);
	pairs[0] = SPAN("list");
	pairs[1] = buf_span(list);
	return family_open_later(&f, later);
}

static void
slices(void **state)
{
	struct policy_facts	 facts = { .rcpt = SPAN("list@murphy.example"),
				    .rcpt_at = 4 };
	struct buf		 list = { 0 };
	struct policy		*p = far_list(100000, &list);
	struct routing		*r;
	unsigned		 turns = 0;
	uint64_t		 steps = 0;
	size_t			 n;

	(void)state;
	r = policy_route(p, &facts, NULL, NULL, NULL);
	for (; !routing_done(r); turns++) {
		assert_true(routing_steps(r) > steps);
		steps = routing_steps(r);
		later_cb(later_arg);
	}
	assert_true(turns > 1);
	(void)routing_targets(r, &n);
	assert_int_equal(n, 100000);
	routing_free(&r);
	/* One that is given up between two slices goes when its turn comes. */
	r = policy_route(p, &facts, NULL, NULL, NULL);
	assert_false(routing_done(r));
	routing_free(&r);
	later_cb(later_arg);
	policy_unref(&p);
	buf_clear(&list);
}

/* Who asks whether it goes anywhere reads no further than to the first that does. */
static void
a_dry_run_reads_one_member(void **state)
{
	struct policy_facts	 facts = { .rcpt = SPAN("list@murphy.example"),
				    .rcpt_at = 4 };
	struct buf		 list = { 0 };
	struct policy		*p = far_list(100000, &list);
	struct routing		*r;
	size_t			 n;

	(void)state;
	r = policy_route_dry(p, &facts, NULL, NULL, NULL);
	assert_true(routing_done(r));
	(void)routing_targets(r, &n);
	assert_int_equal(n, 1);
	assert_true(routing_steps(r) < 5);
	assert_int_equal(routing_unknown(r), 0);
	assert_int_equal(routing_refusal(r), -1);
	routing_free(&r);
	policy_unref(&p);
	buf_clear(&list);
}

/* One that has an end only: refused when it is sent, and said why. */
static void
too_many_members(void **state)
{
	struct policy_facts	 facts = { .rcpt = SPAN("list@murphy.example"),
				    .rcpt_at = 4 };
	struct buf		 list = { 0 };
	struct policy		*p = far_list(100001, &list);
	const struct target	*t;
	struct routing		*r;
	size_t			 n;

	(void)state;
	r = policy_route(p, &facts, NULL, NULL, NULL);
	while (!routing_done(r))
		later_cb(later_arg);
	t = routing_targets(r, &n);
	assert_int_equal(n, 1);
	assert_int_equal(t->kind, TARGET_FAIL);
	assert_int_equal(t->code, 554);
	assert_true(span_eq(t->text,
	    SPAN("the list has more than 100000 members")));
	assert_true(span_eq(t->address, SPAN("list@murphy.example")));
	routing_free(&r);
	policy_unref(&p);
	buf_clear(&list);
}

/* --- virtusers: the exact before the general, whatever stands first */

static const struct span	virtusers[] = {
	SPAN("@murphy.example"), SPAN("%1-all@far.example"),
	SPAN("++@murphy.example"), SPAN("%2@detail.example"),
	SPAN("tim+*@murphy.example"), SPAN("%1-%2@far.example"),
	SPAN("shop@murphy.example"), SPAN("tim@murphy.example, x@hop.example"),
	SPAN("root@murphy.example"), SPAN("root@far.example"),
	SPAN("gone@murphy.example"), SPAN("error:5.1.6:551 she has left"),
	SPAN("later@murphy.example"), SPAN("error:450 not now"),
};

static void
a_catch_all_takes_the_mail_of_nobody_who_exists(void **state)
{
	static const struct { const char *rcpt, *wanted; } cases[] = {
		{ "tim@murphy.example", "deliver tim /var/mail/tim" },
		{ "postmaster@murphy.example",
		    "deliver colin /var/mail/colin" },
		{ "colin+lists@murphy.example",
		    "deliver colin+lists /var/mail/colin+lists" },
		{ "colin+other@murphy.example",
		    "deliver colin /var/mail/colin" },
		{ "nobody@murphy.example",
		    "hop mx:far.example nobody-all@far.example" },
		{ "nobody+x@murphy.example",
		    "hop mx:detail.example x@detail.example" },
		{ "tim+x@murphy.example",
		    "hop mx:far.example tim-x@far.example" },
		{ "shop@murphy.example", "deliver tim /var/mail/tim; "
		    "hop relay:provider x@hop.example" },
		{ "gone@murphy.example", "fail 551 5.1.6" },
		{ "later@murphy.example", "later 450 4.7.1" },
	};
	struct family	 f = family;
	struct policy	*p;
	size_t		 i;

	(void)state;
	f.virtusers = virtusers;
	f.nvirtusers = COUNT(virtusers) / 2;
	p = family_open(&f, NULL);
	for (i = 0; i < COUNT(cases); i++)
		expect(p, cases[i].rcpt, cases[i].wanted);
	/* A table that cannot say whether he exists: not the catch-all. */
	policy_map_failing(p, FAMILY_USERS);
	expect(p, "nobody@murphy.example", "later 451 4.3.0");
	expect(p, "gone@murphy.example", "fail 551 5.1.6");
	policy_unref(&p);
	p = family_open(&f, NULL);
	policy_map_failing(p, FAMILY_ALIASES);
	expect(p, "nobody@murphy.example", "later 451 4.3.0");
	policy_unref(&p);
}

static void
a_catch_all_that_leads_to_itself_is_no_mailbox(void **state)
{
	static const struct span	all[] = {
		SPAN("@murphy.example"), SPAN("%1@murphy.example")
	};
	struct family	 f = family;
	struct policy	*p;

	(void)state;
	f.virtusers = all;
	f.nvirtusers = 1;
	p = family_open(&f, NULL);
	expect(p, "nobody@murphy.example", "fail 550 5.1.1");
	expect(p, "tim@murphy.example", "deliver tim /var/mail/tim");
	policy_unref(&p);
}

/* Each table is passed over when the name itself has its turn. */
static void
among_its_own_members_in_two_tables(void **state)
{
	static const struct span virtual[] = {
		SPAN("tim@murphy.example"), SPAN("x@far.example, tim") };
	static const struct span names[] = {
		SPAN("tim"), SPAN("y@far.example, tim, tim") };
	struct family		 f = { names, 1, false, NULL, virtual, 1, NULL, 0, false };
	struct policy		*p = family_open(&f, NULL);

	(void)state;
	expect(p, "tim@murphy.example", "hop mx:far.example x@far.example; "
	    "hop mx:far.example y@far.example; deliver tim /var/mail/tim");
	policy_unref(&p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_way),
		cmocka_unit_test(expansions),
		cmocka_unit_test(postmaster_without_domain),
		cmocka_unit_test(tables_that_fail),
		cmocka_unit_test(unknown_and_refused),
		cmocka_unit_test(as_deep_as_it_may_be),
		cmocka_unit_test(as_large_as_it_may_be),
		cmocka_unit_test(slices),
		cmocka_unit_test(a_dry_run_reads_one_member),
		cmocka_unit_test(too_many_members),
		cmocka_unit_test(among_its_own_members_in_two_tables),
		cmocka_unit_test(
		    a_catch_all_takes_the_mail_of_nobody_who_exists),
		cmocka_unit_test(
		    a_catch_all_that_leads_to_itself_is_no_mailbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
