/*
 * addrs_test.c - A and AAAA become one list; what a stranger may name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/loop.h"
#include "mta/fetch/addrs.h"
#include "mta/msg/msg.h"

/* Plays resolve: so many addresses of each family, or it fails. */
static struct {
	struct chan	*chan;
	size_t		 v4, v6;
	bool		 failing_v6;
	unsigned	 asked;
} dns;

static struct {
	unsigned	n;
	bool		failing;
	char		text[512];
} told;

static struct dns_client	*client;

static void
answer(uint64_t ticket, enum dns_type type)
{
	struct dns_record	records[16];
	struct dns_answer	a = { .records = records };
	char			text[32];
	size_t			i;

	a.n = type == DNS_A ? dns.v4 : dns.v6;
	a.result = a.n > 0 ? DNS_FOUND : DNS_NODATA;
	if (type == DNS_AAAA && dns.failing_v6)
		a.result = DNS_FAILING;
	for (i = 0; i < a.n; i++) {
		snprintf(text, sizeof(text), type == DNS_A ? "192.0.2.%zu" :
		    "2001:db8::%zu", i + 1);
		assert_true(ip_parse(span_of(text), &records[i].ip));
	}
	dns_answer_put(dns.chan, ticket, type, &a);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	uint64_t	ticket = msg_u64(m);
	unsigned	type = msg_u16(m);

	(void)c;
	(void)arg;
	assert_true(span_eq(msg_bytes(m, 255), SPAN("a.example")));
	dns.asked++;
	answer(ticket, (enum dns_type)type);
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	dns.chan = NULL;
}

static void
cb(void *arg, const struct addrs *all, bool failing)
{
	char	ip[IP_TEXT_MAX];
	size_t	i, n = 0;

	assert_ptr_equal(arg, &told);
	told.n++;
	told.failing = failing;
	for (i = 0; i < all->n; i++)
		n += (size_t)snprintf(told.text + n, sizeof(told.text) - n,
		    "%s ", ip_format(&all->v[i], ip));
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

static int
set_up(void **state)
{
	static const struct chan_ops	ops = { on_message, on_closed };
	int				fds[2];

	(void)state;
	memset(&told, 0, sizeof(told));
	memset(&dns, 0, sizeof(dns));
	client = dns_client_new();
	chan_pair(fds);
	dns.chan = chan_new(fds[0], "test", &ops, NULL);
	dns_client_attach(client, fds[1]);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dns_client_free(&client);
	chan_free(&dns.chan);
	return 0;
}

static void
by_turns(void **state)
{
	(void)state;
	dns.v4 = 2;
	dns.v6 = 9;
	(void)addrs_ask(client, SPAN("a.example"), cb, &told);
	run();
	assert_int_equal(told.n, 1);
	assert_string_equal(told.text, "192.0.2.1 2001:db8::1 192.0.2.2 "
	    "2001:db8::2 2001:db8::3 2001:db8::4 ");
}

/* One family that cannot be told is no harm while there is the other. */
static void
failing(void **state)
{
	(void)state;
	dns.failing_v6 = true;
	dns.v4 = 1;
	(void)addrs_ask(client, SPAN("a.example"), cb, &told);
	run();
	assert_false(told.failing);
	assert_string_equal(told.text, "192.0.2.1 ");
	dns.v4 = 0;
	told.text[0] = '\0';
	(void)addrs_ask(client, SPAN("a.example"), cb, &told);
	run();
	assert_true(told.failing);
	assert_string_equal(told.text, "");
}

static void
cancelled(void **state)
{
	struct addrs_question	*q;

	(void)state;
	q = addrs_ask(client, SPAN("a.example"), cb, &told);
	addrs_cancel(&q);
	run();
	assert_int_equal(dns.asked, 2);
	assert_int_equal(told.n, 0);
}

static void
what_a_stranger_may_name(void **state)
{
	static const struct {
		const char	*ip;
		bool		 is;
	} cases[] = {
		{ "192.0.2.1", true }, { "10.0.0.1", true },
		{ "2001:db8::1", true }, { "fd00::1", true },
		{ "127.0.0.1", false }, { "127.9.9.9", false },
		{ "0.0.0.0", false }, { "169.254.169.254", false },
		{ "224.0.0.1", false }, { "255.255.255.255", false },
		{ "::1", false }, { "::", false }, { "fe80::1", false },
		{ "ff02::1", false }, { "::ffff:127.0.0.1", false },
	};
	struct ip	ip;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(ip_parse(span_of(cases[i].ip), &ip));
		if (addrs_public(&ip) != cases[i].is)
			fail_msg("%s", cases[i].ip);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(by_turns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cancelled, set_up, tear_down),
		cmocka_unit_test(what_a_stranger_may_name),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
