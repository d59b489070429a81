/*
 * failures_test.c - wrong logins by address and by user, and what follows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "mta/auth/failures.h"

static const struct failures_limits	 limits = {
	.failures = 3, .refuse = 8, .slowest_ms = 1000, .window_ms = 60000
};

static struct failures	*f;
static int64_t		 now;

static int
setup(void **state)
{
	(void)state;
	f = failures_new();
	now = 1000;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	failures_free(&f);
	return 0;
}

static struct failures_who
who(const char *client, const char *user)
{
	struct failures_who	 w = {
		.maps = SPAN("users"), .user = span_of(user)
	};

	if (client != NULL)
		assert_true(ip_parse(span_of(client), &w.client));
	return w;
}

static void
fails(const char *client, const char *user, uint64_t tried)
{
	struct failures_who	 w = who(client, user);

	failures_add(f, &limits, &w, tried, now);
}

static int64_t
wait_ms(const char *client, const char *user)
{
	struct failures_who	 w = who(client, user);

	return failures_wait_ms(f, &limits, &w, now);
}

static bool
is_refused(const char *client)
{
	struct failures_who	 w = who(client, "anybody");

	return failures_refused(f, &limits, &w, now);
}

static void
answers_wait_more_and_more(void **state)
{
	static const int64_t	 waits[] = { 0, 0, 0, 250, 500, 1000, 1000 };
	size_t			 i;
	char			 user[16];

	(void)state;
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_int_equal(wait_ms("192.0.2.1", "other"), waits[i]);
		assert_int_equal(wait_ms("192.0.2.2", "other"), 0);
		(void)snprintf(user, sizeof(user), "user%zu", i);
		fails("192.0.2.1", user, i + 1);
	}
	assert_false(is_refused("192.0.2.1"));
	fails("192.0.2.1", "last", 99);
	assert_true(is_refused("192.0.2.1"));
	assert_false(is_refused("192.0.2.2"));
	now += limits.window_ms;
	assert_false(is_refused("192.0.2.1"));
	assert_int_equal(wait_ms("192.0.2.1", "other"), 0);
}

static void
an_address_of_ipv6_is_its_network(void **state)
{
	int	 i;
	char	 client[40];

	(void)state;
	for (i = 0; i < 8; i++) {
		(void)snprintf(client, sizeof(client), "2001:db8::%x", i + 1);
		fails(client, "ann", (uint64_t)i + 1);
	}
	assert_true(is_refused("2001:db8::ffff"));
	assert_false(is_refused("2001:db8:0:1::1"));
}

static void
one_password_counts_once(void **state)
{
	int	 i;

	(void)state;
	for (i = 0; i < 20; i++)
		fails("192.0.2.1", "ann", 7);
	assert_int_equal(wait_ms("192.0.2.1", "ann"), 0);
	for (i = 0; i < 3; i++)
		fails("192.0.2.1", "ann", 0);	/* it cannot be told */
	assert_int_equal(wait_ms("192.0.2.1", "ann"), 500);
	now += limits.window_ms;
	fails("192.0.2.1", "ann", 7);
	fails("192.0.2.1", "ann", 8);
	fails("192.0.2.1", "ann", 9);
	assert_int_equal(wait_ms("192.0.2.1", "ann"), 250);
}

/* Many addresses, one user: they wait, and he does not where he is known. */
static void
nobody_locks_out_another(void **state)
{
	struct failures_who	 ann = who("192.0.2.1", "ann");
	char			 client[40];
	int			 i;

	(void)state;
	failures_right(f, &ann, now);
	for (i = 0; i < 200; i++) {
		(void)snprintf(client, sizeof(client), "198.51.100.%d", i);
		fails(client, i % 2 ? "ann" : "ANN", (uint64_t)i + 1);
	}
	assert_int_equal(wait_ms("203.0.113.1", "Ann"), 1000);
	assert_int_equal(wait_ms("192.0.2.1", "ANN"), 0);
	assert_int_equal(wait_ms("203.0.113.1", "bob"), 0);
	assert_false(is_refused("203.0.113.1"));
	now += limits.window_ms - 1;
	assert_int_equal(wait_ms("203.0.113.1", "ann"), 1000);
	now += 1;
	assert_int_equal(wait_ms("203.0.113.1", "ann"), 0);
}

static void
without_an_address_the_user_counts(void **state)
{
	struct failures_who	 w = who(NULL, "ann");
	int			 i;

	(void)state;
	for (i = 0; i < 20; i++)
		fails(NULL, "ann", 7);
	assert_false(failures_refused(f, &limits, &w, now));
	assert_int_equal(wait_ms(NULL, "ann"), 1000);
	assert_int_equal(wait_ms(NULL, "bob"), 0);
}

static void
the_tables_are_bounded(void **state)
{
	char	 client[40];
	int	 i;

	(void)state;
	for (i = 0; i < 8; i++)
		fails("192.0.2.1", "ann", (uint64_t)i + 1);
	for (i = 0; i < FAILURES_ENTRIES_MAX - 1; i++) {
		(void)snprintf(client, sizeof(client), "10.%d.%d.%d",
		    i >> 16, i >> 8 & 255, i & 255);
		fails(client, "bob", 1);
	}
	assert_true(is_refused("192.0.2.1"));
	fails("203.0.113.9", "bob", 1);
	assert_false(is_refused("192.0.2.1"));
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest	 tests[] = {
		T(answers_wait_more_and_more),
		T(an_address_of_ipv6_is_its_network),
		T(one_password_counts_once),
		T(nobody_locks_out_another),
		T(without_an_address_the_user_counts),
		T(the_tables_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
