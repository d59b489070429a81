/*
 * tlsrpt_test.c - TLS_RESULT arrives as it was told, cut to its limits; nonsense cuts off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/loop.h"
#include "mta/msg/msg.h"
#include "mta/msg/tlsrpt.h"

#include "test/unit/base/run_loop.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }

static struct chan		*near_end, *far_end;
static struct arena		 arena;
static struct tlsrpt_result	 got;
static bool			 good;

/* What was read outlives the message: compared in here. */
static void			(*check)(void);

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)arg;
	good = m->type == MSG_TLS_RESULT && tlsrpt_read(m, &arena, &got);
	if (good)
		check();
	loop_stop();
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	(void)c;
	*(struct chan **)arg = NULL;
	loop_stop();
}

static const struct chan_ops	ops = { on_message, on_closed };

static int
open_ends(void **state)
{
	int	fds[2];

	(void)state;
	loop_init();
	chan_pair(fds);
	near_end = chan_new(fds[0], "near", &ops, &near_end);
	far_end = chan_new(fds[1], "far", &ops, &far_end);
	return 0;
}

static int
close_ends(void **state)
{
	(void)state;
	chan_free(&near_end);
	chan_free(&far_end);
	arena_clear(&arena);
	loop_clear();
	return 0;
}

static const struct span	strings[] = {
	S("version: STSv1"), S("mode: enforce"), S("mx: *.x.example")
}, mx[] = { S("*.x.example") };

static const struct tlsrpt_result	failure = {
	.policy = TLSRPT_STS, .domain = S("x.example"),
	.policy_domain = S("y.example"), .nstrings = 3, .strings = strings, .nmx = 1, .mx = mx,
	.result = S("certificate-expired"), .reason = S("notAfter passed"),
	.host = S("mx1.x.example"), .helo = S("mx1.x.example"),
	.source = { 4, { 192, 0, 2, 1 } }, .target = { 6, { 0x20, 1, 0xd, 0xb8 } }
};

static void
is_as_told(void)
{
	size_t	i;

	assert_int_equal(got.policy, TLSRPT_STS);
	assert_true(span_eq(got.domain, failure.domain));
	assert_true(span_eq(got.policy_domain, failure.policy_domain));
	assert_int_equal(got.nstrings, 3);
	for (i = 0; i < 3; i++)
		assert_true(span_eq(got.strings[i], strings[i]));
	assert_int_equal(got.nmx, 1);
	assert_true(span_eq(got.mx[0], mx[0]));
	assert_true(span_eq(got.result, failure.result));
	assert_true(span_eq(got.reason, failure.reason));
	assert_true(span_eq(got.host, failure.host));
	assert_true(span_eq(got.helo, failure.helo));
	assert_true(ip_eq(&got.source, &failure.source));
	assert_true(ip_eq(&got.target, &failure.target));
}

static void
a_result_arrives_as_it_was_told(void **state)
{
	(void)state;
	check = is_as_told;
	tlsrpt_put(near_end, &failure);
	run_loop();
	assert_true(good);
}

static void
is_cut(void)
{
	assert_int_equal(got.nstrings, TLSRPT_STRINGS_MAX);
	assert_int_equal(got.strings[0].n, TLSRPT_STRING_MAX);
	assert_int_equal(got.reason.n, TLSRPT_REASON_MAX);
	assert_int_equal(got.result.n, 0);
	assert_int_equal(got.source.family, 0);
}

static void
what_is_above_the_limits_is_cut(void **state)
{
	static char		 octets[2 * TLSRPT_STRING_MAX];
	struct span		 many[TLSRPT_STRINGS_MAX + 3];
	struct tlsrpt_result	 r = { .policy = TLSRPT_TLSA,
		.domain = S("x.example"), .strings = many,
		.nstrings = TLSRPT_STRINGS_MAX + 3 };
	size_t			 i;

	(void)state;
	memset(octets, 'a', sizeof(octets));
	for (i = 0; i < r.nstrings; i++)
		many[i] = span_mem(octets, sizeof(octets));
	r.reason = span_mem(octets, sizeof(octets));
	check = is_cut;
	tlsrpt_put(near_end, &r);
	run_loop();
	assert_true(good);
}

static void
is_never(void)
{
	fail();
}

static void
without_a_domain_it_is_nonsense(void **state)
{
	const struct tlsrpt_result	r = { .policy = TLSRPT_NO_POLICY };

	(void)state;
	check = is_never;
	tlsrpt_put(near_end, &r);
	run_loop();
	assert_false(good);
}

static void
policies_have_the_names_of_the_rfc(void **state)
{
	(void)state;
	assert_string_equal(tlsrpt_policy_name(TLSRPT_NO_POLICY),
	    "no-policy-found");
	assert_string_equal(tlsrpt_policy_name(TLSRPT_TLSA), "tlsa");
	assert_string_equal(tlsrpt_policy_name(TLSRPT_STS), "sts");
	assert_string_equal(tlsrpt_policy_name(TLSRPT_NPOLICIES), "?");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(policies_have_the_names_of_the_rfc),
		cmocka_unit_test_setup_teardown(
		    a_result_arrives_as_it_was_told, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(
		    what_is_above_the_limits_is_cut, open_ends, close_ends),
		cmocka_unit_test_setup_teardown(
		    without_a_domain_it_is_nonsense, open_ends, close_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
