/*
 * sts_test.c - which hosts a policy has, and how one travels from fetch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/loop.h"
#include "mta/msg/msg.h"
#include "mta/msg/sts.h"

static const struct span	patterns[] = {
	{ "mail.example.com", 16 }, { "*.example.net", 13 }
};
static const struct sts_policy	policy = {
	.result = STS_FOUND, .trouble = STS_FETCH_ERROR,
	.why = { "slow", 4 }, .mode = STS_MODE_ENFORCE, .id = { "2026a", 5 },
	.fetched_s = 1000, .expires_s = 87400, .text = { "version: STSv1\n", 15 },
	.n = 2, .mx = patterns
};

/* --- RFC 8461, 4.1 */

static void
which_hosts_match(void **state)
{
	static const struct {
		const char	*host;
		bool		 matches;
	} cases[] = {
		{ "mail.example.com", true },
		{ "MAIL.Example.com", true },
		{ "example.com", false },
		{ "x.mail.example.com", false },
		{ "mx.example.net", true },
		{ "MX.EXAMPLE.NET", true },
		{ "example.net", false },
		{ ".example.net", false },
		{ "a.mx.example.net", false },
		{ "mxexample.net", false },
		{ "", false },
	};
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (sts_matches(&policy, span_of(cases[i].host)) !=
		    cases[i].matches)
			fail_msg("%s", cases[i].host);
}

static void
assert_same(const struct sts_policy *p)
{
	size_t	i;

	assert_int_equal(p->result, policy.result);
	assert_int_equal(p->trouble, policy.trouble);
	assert_int_equal(p->mode, policy.mode);
	assert_int_equal(p->fetched_s, policy.fetched_s);
	assert_int_equal(p->expires_s, policy.expires_s);
	assert_true(span_eq(p->why, policy.why));
	assert_true(span_eq(p->id, policy.id));
	assert_true(span_eq(p->text, policy.text));
	assert_int_equal(p->n, policy.n);
	for (i = 0; i < p->n; i++)
		assert_true(span_eq(p->mx[i], policy.mx[i]));
}

static void
a_copy_stands_alone(void **state)
{
	struct sts_policy	*one = sts_policy_keep(&policy);
	struct sts_policy	*two = sts_policy_keep(one);

	(void)state;
	memset(one, 0xaa, sizeof(*one));
	free(one);
	assert_same(two);
	free(two);
}

/* --- on the way */

static struct {
	struct chan	*chan;
	unsigned	 n;
	uint64_t	 ticket;
	char		 domain[STS_DOMAIN_MAX + 1];
} other;

static struct {
	unsigned		 n;
	struct sts_policy	*policy;
} told;

static struct sts_client	*client;

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct span	domain;

	(void)c;
	(void)arg;
	assert_int_equal(m->type, MSG_STS_ASK);
	other.n++;
	other.ticket = msg_u64(m);
	domain = msg_bytes(m, STS_DOMAIN_MAX);
	assert_true(msg_end(m));
	snprintf(other.domain, sizeof(other.domain), "%.*s",
	    SPAN_ARG(domain));
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	other.chan = NULL;
}

static void
stop(void *arg)
{
	(void)arg;
	loop_stop();
}

static void
run(void)
{
	struct timer	t = { 0 };

	timer_set(&t, 60, stop, NULL);
	loop_run();
	timer_clear(&t);
}

static void
attach(void)
{
	static const struct chan_ops	ops = { on_message, on_closed };
	int				fds[2];

	chan_pair(fds);
	chan_free(&other.chan);
	other.chan = chan_new(fds[0], "test", &ops, NULL);
	sts_client_attach(client, fds[1]);
}

static void
cb(void *arg, const struct sts_policy *p)
{
	assert_ptr_equal(arg, &told);
	told.n++;
	told.policy = sts_policy_keep(p);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&told, 0, sizeof(told));
	other.n = 0;
	client = sts_client_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sts_client_free(&client);
	chan_free(&other.chan);
	free(told.policy);
	return 0;
}

static void
a_policy_comes_whole(void **state)
{
	(void)state;
	attach();
	(void)sts_client_ask(client, SPAN("example.com"), cb, &told);
	run();
	assert_string_equal(other.domain, "example.com");
	attach();	/* fetch is new: it is asked again */
	run();
	assert_int_equal(other.n, 2);
	sts_policy_put(other.chan, other.ticket, &policy);
	run();
	assert_int_equal(told.n, 1);
	assert_same(told.policy);
}

static void
too_long_a_domain_has_none(void **state)
{
	static char	domain[STS_DOMAIN_MAX + 1];

	(void)state;
	attach();
	memset(domain, 'a', sizeof(domain));
	(void)sts_client_ask(client, span_mem(domain, sizeof(domain)), cb,
	    &told);
	run();
	assert_int_equal(other.n, 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.policy->result, STS_NONE);
}

/* More patterns than there may be: whoever says so is no fetch. */
static void
nonsense_is_cut_off(void **state)
{
	static struct span	many[STS_MX_MAX + 1];
	struct sts_policy	p = policy;

	(void)state;
	attach();
	(void)sts_client_ask(client, SPAN("example.com"), cb, &told);
	run();
	p.mx = many;
	p.n = STS_MX_MAX + 1;
	sts_policy_put(other.chan, other.ticket, &p);
	run();
	assert_null(other.chan);
	assert_int_equal(told.n, 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(which_hosts_match),
		cmocka_unit_test(a_copy_stands_alone),
		cmocka_unit_test_setup_teardown(a_policy_comes_whole, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(too_long_a_domain_has_none,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(nonsense_is_cut_off, set_up,
		    tear_down),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
