/*
 * rewrite_test.c - an address becomes another, stays, or cannot be told; and
 * the envelope that leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "test/unit/policy/family.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static const struct span	aliases[] = {
	SPAN("list"), SPAN("una@far.example, tim@hop.example, ann"),
};

static const struct span	none[] = { SPAN("x@x.example"), SPAN("ann") };

static const struct span	table[] = {
	SPAN("colin@murphy.example"), SPAN("Colin.Murphy@Example.COM"),
	SPAN("bare@murphy.example"), SPAN("naked"),
	SPAN("same@murphy.example"), SPAN("same@MURPHY.example"),
	SPAN("chain@murphy.example"), SPAN("colin@murphy.example"),
	SPAN("broken@murphy.example"), SPAN("no address <"),
	SPAN("spaces@murphy.example"), SPAN("\"two words\"@example.com"),
	SPAN("\"a b\"@murphy.example"), SPAN("\"\\a b\"@example.com"),
	SPAN("u8@murphy.example"), SPAN("j\xc3\xb6rg@b\xc3\xbc" "cher.example"),
	SPAN("una@far.example"), SPAN("una@nearer.example"),
	SPAN("postmaster"), SPAN("nobody@example.com"),
};

static const struct family	family = { .aliases = aliases,
	.naliases = COUNT(aliases) / 2, .virtusers = none, .nvirtusers = 1,
	.rewrites = table, .nrewrites = COUNT(table) / 2 };

static void
addresses_become_others(void **state)
{
	static const struct {
		const char	*in;
		enum rewritten	 is;
		const char	*out;
	} rows[] = {
		{ "colin@murphy.example", REWRITTEN_NEW, "Colin.Murphy@example.com" },
		{ "COLIN@murphy.example", REWRITTEN_NEW, "Colin.Murphy@example.com" },
		{ "ann@murphy.example", REWRITTEN_SAME, "ann@murphy.example" },
		/* A name alone stays where it was. */
		{ "bare@murphy.example", REWRITTEN_NEW, "naked@murphy.example" },
		{ "same@murphy.example", REWRITTEN_SAME, "same@murphy.example" },
		/* The result is not rewritten again. */
		{ "chain@murphy.example", REWRITTEN_NEW, "colin@murphy.example" },
		{ "broken@murphy.example", REWRITTEN_CANNOT, "broken@murphy.example" },
		{ "spaces@murphy.example", REWRITTEN_NEW, "\"two words\"@example.com" },
		{ "\"a b\"@murphy.example", REWRITTEN_NEW, "\"a b\"@example.com" },
		{ "u8@murphy.example", REWRITTEN_NEW, "j\xc3\xb6rg@xn--bcher-kva.example" },
		{ "", REWRITTEN_SAME, "" },
		{ "postmaster", REWRITTEN_SAME, "postmaster" },
	};
	struct policy		*p = family_open(&family, NULL);
	struct policy_facts	 f = { .helo = SPAN("x") };
	unsigned		 h;
	size_t			 i;

	(void)state;
	for (h = RS_HOOK_REWRITE_IN_SENDER; h <= RS_HOOK_REWRITE_OUT_HEADER;
	    h++)
		for (i = 0; i < COUNT(rows); i++) {
			struct rewriting	*r;
			struct address		 ad;

			r = policy_rewrite(p, (enum rs_hook)h, &f,
			    span_of(rows[i].in), NULL, NULL, NULL);
			assert_true(rewriting_done(r));
			assert_int_equal(rewriting_result(r, &ad), rows[i].is);
			assert_true(span_eq(ad.whole, span_of(rows[i].out)));
			rewriting_free(&r);
			assert_null(r);
		}
	policy_unref(&p);
}

static void
without_a_block_nothing_is_asked(void **state)
{
	struct family		 plain = family;
	struct policy		*p;
	struct policy_facts	 f = { .helo = SPAN("x") };
	struct rewriting	*r;
	struct address		 ad;

	(void)state;
	plain.rewrites = NULL;
	p = family_open(&plain, NULL);
	assert_false(policy_has(p, RS_HOOK_REWRITE_IN_SENDER));
	r = policy_rewrite(p, RS_HOOK_REWRITE_IN_SENDER, &f,
	    SPAN("colin@murphy.example"), NULL, NULL, NULL);
	assert_int_equal(rewriting_result(r, &ad), REWRITTEN_SAME);
	rewriting_free(&r);
	policy_unref(&p);
}

static void
a_table_that_fails_cannot_say(void **state)
{
	struct policy		*p = family_open(&family, NULL);
	struct policy_facts	 f = { .helo = SPAN("x") };
	struct rewriting	*r;
	struct address		 ad;

	(void)state;
	policy_map_failing(p, FAMILY_REWRITES);
	r = policy_rewrite(p, RS_HOOK_REWRITE_IN_RCPT, &f,
	    SPAN("colin@murphy.example"), NULL, NULL, NULL);
	assert_int_equal(rewriting_result(r, &ad), REWRITTEN_CANNOT);
	assert_true(span_eq(ad.whole, SPAN("colin@murphy.example")));
	rewriting_free(&r);
	policy_unref(&p);
}

/* --- waiting */

static void
note(void *arg, struct rewriting *r)
{
	struct address	 ad;
	int		*n = arg;

	assert_int_equal(rewriting_result(r, &ad), REWRITTEN_NEW);
	assert_true(span_eq(ad.whole, SPAN("Colin.Murphy@example.com")));
	++*n;
}

static void
note_and_free(void *arg, struct rewriting *r)
{
	note(arg, r);
	rewriting_free(&r);
}

static void
it_can_wait(void **state)
{
	struct family		 waits = family;
	struct family_dns	 dns = { .ptr = "a.example", .address = "192.0.2.1" };
	struct policy		*p;
	struct policy_facts	 f = { .helo = SPAN("x") };
	struct rewriting	*r;
	int			 n = 0;

	(void)state;
	waits.with_dns = true;
	p = family_open(&waits, &dns);
	f.names = policy_names_new();
	assert_true(ip_parse(SPAN("192.0.2.1"), &f.client_ip));
	r = policy_rewrite(p, RS_HOOK_REWRITE_IN_SENDER, &f,
	    SPAN("colin@murphy.example"), NULL, note, &n);
	assert_false(rewriting_done(r));
	while (family_dns_answer(&dns))
		;
	assert_true(rewriting_done(r));
	assert_int_equal(n, 1);
	rewriting_free(&r);
	/* The names are known now: at once, and freed by who is told. */
	assert_null(policy_rewrite(p, RS_HOOK_REWRITE_IN_SENDER, &f,
	    SPAN("colin@murphy.example"), NULL, note_and_free, &n));
	assert_int_equal(n, 2);
	policy_names_free(&f.names);
	policy_unref(&p);
}

static void
one_that_waits_is_given_up(void **state)
{
	struct family		 waits = family;
	struct family_dns	 dns = { .ptr = "a.example" };
	struct policy		*p;
	struct policy_facts	 f = { .helo = SPAN("x") };
	struct rewriting	*r;
	int			 n = 0;

	(void)state;
	waits.with_dns = true;
	p = family_open(&waits, &dns);
	f.names = policy_names_new();
	assert_true(ip_parse(SPAN("192.0.2.1"), &f.client_ip));
	r = policy_rewrite(p, RS_HOOK_REWRITE_IN_SENDER, &f,
	    SPAN("colin@murphy.example"), NULL, note, &n);
	rewriting_free(&r);
	while (family_dns_answer(&dns))
		;
	assert_int_equal(n, 0);
	policy_names_free(&f.names);
	policy_unref(&p);
}

/* --- the envelope that leaves */

static void
put_target(const struct target *t, struct buf *out)
{
	static const char *const kinds[] = {
		"?", "deliver", "hop", "discard", "fail", "later"
	};

	buf_addf(out, "%s %.*s from=%.*s to=%.*s\n", kinds[t->kind],
	    SPAN_ARG(t->address), SPAN_ARG(t->mail_from),
	    SPAN_ARG(t->rcpt_to));
}

static void
expect_route(struct policy *p, const char *sender, const char *rcpt,
    const char *wanted)
{
	struct policy_facts	 f = { .sender = span_of(sender),
	    .rcpt = span_of(rcpt) };
	struct routing		*r;
	const struct target	*t;
	struct buf		 got = { 0 };
	size_t			 i, n;

	f.sender_at = rs_address(f.sender).at;
	f.rcpt_at = rs_address(f.rcpt).at;
	r = policy_route(p, &f, NULL, NULL, NULL);
	t = routing_targets(r, &n);
	for (i = 0; i < n; i++)
		put_target(&t[i], &got);
	assert_string_equal(buf_cstr(&got), wanted);
	buf_clear(&got);
	routing_free(&r);
}

static void
what_leaves_has_its_own_envelope(void **state)
{
	struct policy	*p = family_open(&family, NULL);

	(void)state;
	expect_route(p, "colin@murphy.example", "x@far.example",
	    "hop x@far.example from=Colin.Murphy@example.com to=\n");
	expect_route(p, "colin@murphy.example", "x@hop.example",
	    "hop x@hop.example from=Colin.Murphy@example.com to=\n");
	expect_route(p, "colin@murphy.example", "x@host.example",
	    "hop x@host.example from=Colin.Murphy@example.com to=\n");
	expect_route(p, "ann@murphy.example", "una@far.example",
	    "hop una@far.example from= to=una@nearer.example\n");
	expect_route(p, "", "una@far.example",
	    "hop una@far.example from= to=una@nearer.example\n");
	/* What stays here keeps it. */
	expect_route(p, "colin@murphy.example", "tim@murphy.example",
	    "deliver tim@murphy.example from= to=\n");
	expect_route(p, "colin@murphy.example", "list@murphy.example",
	    "hop una@far.example from=Colin.Murphy@example.com to=una@nearer.example\n"
	    "hop tim@hop.example from=Colin.Murphy@example.com to=\n"
	    "deliver ann@murphy.example from= to=\n");
	policy_unref(&p);
}

static void
what_cannot_be_rewritten_does_not_leave(void **state)
{
	struct policy	*p = family_open(&family, NULL);

	(void)state;
	expect_route(p, "broken@murphy.example", "una@far.example",
	    "later una@far.example from= to=\n");
	expect_route(p, "broken@murphy.example", "list@murphy.example",
	    "later una@far.example from= to=\n"
	    "later tim@hop.example from= to=\n"
	    "deliver ann@murphy.example from= to=\n");
	policy_map_failing(p, FAMILY_REWRITES);
	expect_route(p, "", "una@far.example",
	    "later una@far.example from= to=\n");
	expect_route(p, "ann@murphy.example", "tim@murphy.example",
	    "deliver tim@murphy.example from= to=\n");
	policy_unref(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_become_others),
		cmocka_unit_test(without_a_block_nothing_is_asked),
		cmocka_unit_test(a_table_that_fails_cannot_say),
		cmocka_unit_test(it_can_wait),
		cmocka_unit_test(one_that_waits_is_given_up),
		cmocka_unit_test(what_leaves_has_its_own_envelope),
		cmocka_unit_test(what_cannot_be_rewritten_does_not_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
