/*
 * members_test.c - what an alias may list besides addresses, and whom the mail
 * of its members comes from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/unit/policy/family.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static const struct span	aliases[] = {
	SPAN("ann"), SPAN("\\ann, \"|/usr/bin/vacation ann\""),
	SPAN("tim"), SPAN("ann"),
	SPAN("straight"), SPAN("\\tim, \\una@far.example"),
	SPAN("both"), SPAN("tim, \\tim"),
	SPAN("program"), SPAN("|/bin/prog -f \"a b\""),
	SPAN("archive"), SPAN("/var/log/archive"),
	SPAN("nowhere"), SPAN("/dev/null"),
	SPAN("bad"), SPAN("colin, a b, x@far.example"),
	SPAN("worse"), SPAN("colin, \"x@far.example, y@far.example"),
	SPAN("gone"), SPAN(":include:/nonexistent/list, colin"),
	SPAN("left"), SPAN("Una <una@new.example.REDIRECT>"),
	SPAN("half"), SPAN("colin, left, redirect@far.example"),
	/* Owners. */
	SPAN("news"), SPAN("colin, x@far.example, nobody, |feed"),
	SPAN("owner-news"), SPAN("ann@desk.example"),
	SPAN("team"), SPAN("una, press"),
	SPAN("owner-team"), SPAN("\\colin"),
	SPAN("press"), SPAN("y@far.example, news"),
	SPAN("owner-press"), SPAN("colin, una"),
	SPAN("owner-owner"), SPAN("root@desk.example"),
	SPAN("self"), SPAN("self, colin"),
	SPAN("owner-self"), SPAN("x@desk.example"),
	SPAN("crowd"), SPAN("z@far.example"),
	SPAN("owner-crowd"), SPAN("|reader"),
};
static const struct family	family = { aliases, COUNT(aliases) / 2, false,
	NULL, NULL, 0, NULL, 0, false };

static void
describe(const struct target *t, struct buf *out)
{
	static const char *const kinds[] = {
		"?", "deliver", "hop", "discard", "fail", "later", "lmtp",
		"pipe", "file"
	};

	if (out->n > 0)
		buf_add_str(out, "; ");
	buf_add_str(out, kinds[t->kind]);
	if (t->kind == TARGET_DELIVER)
		buf_addf(out, " %.*s", SPAN_ARG(t->account));
	else if (t->kind == TARGET_HOP)
		buf_addf(out, " %.*s", SPAN_ARG(t->address));
	else if (t->kind == TARGET_PIPE || t->kind == TARGET_FILE)
		buf_addf(out, " %.*s", SPAN_ARG(t->path));
	else if (t->kind != TARGET_DISCARD)
		buf_addf(out, " %u %.*s", t->code, SPAN_ARG(t->status));
	assert_int_equal(t->owned, t->mail_from.n > 0);
	if (t->owned)
		buf_addf(out, " <%.*s>", SPAN_ARG(t->mail_from));
}

static void
expect(struct policy *p, const char *from, const char *rcpt,
    const char *wanted)
{
	struct policy_facts	 f = { .rcpt = span_of(rcpt),
	    .sender = span_of(from) };
	struct routing		*r;
	struct buf		 got = { 0 };
	const struct target	*t;
	size_t			 i, n;

	f.rcpt_at = rs_address(f.rcpt).at;
	f.sender_at = rs_address(f.sender).at;
	r = policy_route(p, &f, NULL, NULL, NULL);
	assert_non_null(r);
	t = routing_targets(r, &n);
	for (i = 0; i < n; i++)
		describe(&t[i], &got);
	print_message("%s\n", rcpt);
	assert_string_equal(buf_cstr(&got), wanted);
	buf_clear(&got);
	routing_free(&r);
}

static void
each_kind_of_member(void **state)
{
	static const struct { const char *rcpt, *wanted; } cases[] = {
		{ "ann@murphy.example",
		    "deliver ann; pipe /etc/programs/vacation ann" },
		{ "ann+web@murphy.example",
		    "deliver ann; pipe /etc/programs/vacation ann" },
		/* `\tim` is no alias, whoever else is. */
		{ "straight@murphy.example",
		    "deliver tim; hop una@far.example" },
		{ "both@murphy.example", "deliver ann; "
		    "pipe /etc/programs/vacation ann; deliver tim" },
		{ "program@murphy.example", "pipe /etc/programs/prog -f a b" },
		{ "archive@murphy.example", "file /var/log/archive" },
		{ "nowhere@murphy.example", "discard" },
		{ "left@murphy.example", "fail 551 5.1.6" },
		{ "half@murphy.example", "deliver colin; fail 551 5.1.6; "
		    "hop redirect@far.example" },
	};
	struct policy	*p = family_open(&family, NULL);
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		expect(p, "", cases[i].rcpt, cases[i].wanted);
	policy_unref(&p);
}

static void
who_has_moved_is_told_of(void **state)
{
	struct policy_facts	 f = { .rcpt = SPAN("left@murphy.example"),
	    .rcpt_at = 4 };
	struct policy		*p = family_open(&family, NULL);
	struct routing		*r = policy_route(p, &f, NULL, NULL, NULL);
	const struct target	*t;
	size_t			 n;

	(void)state;
	t = routing_targets(r, &n);
	assert_int_equal(n, 1);
	assert_string_equal(t->text.p, "has moved; please try "
	    "<una@new.example>");
	routing_free(&r);
	policy_unref(&p);
}

static void
one_bad_member_waits_alone(void **state)
{
	struct policy	*p = family_open(&family, NULL);

	(void)state;
	expect(p, "", "bad@murphy.example",
	    "deliver colin; later 451 4.3.5; hop x@far.example");
	expect(p, "", "worse@murphy.example",
	    "deliver colin; later 451 4.3.5");
	expect(p, "", "gone@murphy.example",
	    "later 451 4.3.5; deliver colin");
	policy_unref(&p);
}

static void
the_owner_of_a_list_is_its_sender(void **state)
{
	static const char	 from[] = "s@far.example";
	static const struct { const char *rcpt, *wanted; } cases[] = {
		{ "colin@murphy.example", "deliver colin" },
		{ "news@murphy.example", "deliver colin <ann@desk.example>; "
		    "hop x@far.example <ann@desk.example>; "
		    "fail 550 5.1.1 <ann@desk.example>; "
		    "pipe /etc/programs/feed <ann@desk.example>" },
		{ "news+x@murphy.example", "deliver colin <ann@desk.example>; "
		    "hop x@far.example <ann@desk.example>; "
		    "fail 550 5.1.1 <ann@desk.example>; "
		    "pipe /etc/programs/feed <ann@desk.example>" },
		/* The nearest list; of several owners the alias' own name. */
		{ "team@murphy.example",
		    "deliver Una <colin@murphy.example>; "
		    "hop y@far.example <owner-press@murphy.example>; "
		    "deliver colin <ann@desk.example>; "
		    "hop x@far.example <ann@desk.example>; "
		    "fail 550 5.1.1 <ann@desk.example>; "
		    "pipe /etc/programs/feed <ann@desk.example>" },
		{ "owner-press@murphy.example",
		    "deliver colin <root@desk.example>; "
		    "deliver Una <root@desk.example>" },
		{ "self@murphy.example", "fail 550 5.1.1 <x@desk.example>; "
		    "deliver colin <x@desk.example>" },
		{ "crowd@murphy.example",
		    "hop z@far.example <owner-crowd@murphy.example>" },
	};
	struct policy	*p = family_open(&family, NULL);
	size_t		 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		expect(p, from, cases[i].rcpt, cases[i].wanted);
	policy_unref(&p);
}

/* RFC 5321, 4.5.5: a null reverse-path stays one. */
static void
what_has_no_sender_gets_none(void **state)
{
	struct policy	*p = family_open(&family, NULL);

	(void)state;
	expect(p, "", "crowd@murphy.example", "hop z@far.example");
	policy_unref(&p);
}

/* EXPN: the members themselves, one level deep; no commands, no files. */
static void
a_list_is_told_one_level_deep(void **state)
{
	static const struct { const char *rcpt; bool list; const char *wanted; }
	cases[] = {
		{ "news@murphy.example", true, "hop colin@murphy.example; "
		    "hop x@far.example; hop nobody@murphy.example" },
		{ "team@murphy.example", true, "hop una@murphy.example; "
		    "hop press@murphy.example" },
		{ "self@murphy.example", true, "hop self@murphy.example; "
		    "hop colin@murphy.example" },
		{ "program@murphy.example", true, "" },
		{ "gone@murphy.example", true, "hop colin@murphy.example" },
		{ "colin@murphy.example", false, "deliver colin" },
	};
	struct policy		*p = family_open(&family, NULL);
	struct policy_facts	 f = { 0 };
	struct routing		*r;
	const struct target	*t;
	struct buf		 got = { 0 };
	size_t			 i, k, n;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		f.rcpt = span_of(cases[i].rcpt);
		f.rcpt_at = rs_address(f.rcpt).at;
		r = policy_route_members(p, &f, NULL, NULL);
		assert_non_null(r);
		assert_int_equal(routing_is_list(r), cases[i].list);
		t = routing_targets(r, &n);
		for (k = 0; k < n; k++) {
			struct target	plain = t[k];

			plain.owned = false;
			plain.mail_from = SPAN_NONE;
			describe(&plain, &got);
		}
		print_message("%s\n", cases[i].rcpt);
		assert_string_equal(buf_cstr(&got), cases[i].wanted);
		buf_clear(&got);
		routing_free(&r);
	}
	policy_unref(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_member),
		cmocka_unit_test(who_has_moved_is_told_of),
		cmocka_unit_test(one_bad_member_waits_alone),
		cmocka_unit_test(the_owner_of_a_list_is_its_sender),
		cmocka_unit_test(what_has_no_sender_gets_none),
		cmocka_unit_test(a_list_is_told_one_level_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
