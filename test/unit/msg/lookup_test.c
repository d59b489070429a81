/*
 * lookup_test.c - questions to the lookup process: asked again on a new
 * channel, answered once, given up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/loop.h"
#include "mta/msg/lookup.h"
#include "mta/msg/msg.h"

/* The other side: what it was asked last. */
static struct other {
	struct chan		*chan;
	unsigned		 n, closed;
	uint64_t		 ticket;
	uint32_t		 generation, map, at;
	unsigned		 ask, role;
	char			 key[64], detail[8];
	size_t			 ip_n;
} other;

static struct told {
	unsigned	n;
	enum map_result	is;
	enum map_rank	rank;
	char		value[64];
} told;

static struct lookup_client	*client;

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct span	key, detail;

	(void)c;
	(void)arg;
	assert_int_equal(m->type, MSG_LOOKUP);
	other.n++;
	other.ticket = msg_u64(m);
	other.generation = msg_u32(m);
	other.map = msg_u32(m);
	other.ask = msg_u8(m);
	other.role = msg_u8(m);
	other.at = msg_u32(m);
	key = msg_bytes(m, LOOKUP_KEY_MAX);
	detail = msg_bytes(m, 64);
	other.ip_n = msg_bytes(m, 16).n;
	assert_true(msg_end(m));
	snprintf(other.key, sizeof(other.key), "%.*s", SPAN_ARG(key));
	snprintf(other.detail, sizeof(other.detail), "%.*s",
	    SPAN_ARG(detail));
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	other.chan = NULL;
	other.closed++;
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
	lookup_client_attach(client, fds[1]);
}

static int
set_up(void **state)
{
	(void)state;
	memset(&other, 0, sizeof(other));
	memset(&told, 0, sizeof(told));
	client = lookup_client_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	lookup_client_free(&client);
	chan_free(&other.chan);
	return 0;
}

static void
cb(void *arg, enum map_result is, const struct map_answer *a)
{
	assert_ptr_equal(arg, &told);
	told.n++;
	told.is = is;
	if (a != NULL) {
		told.rank = a->rank;
		snprintf(told.value, sizeof(told.value), "%.*s",
		    SPAN_ARG(a->value));
	}
}

static uint64_t
ask(const char *key)
{
	struct map_question	q = {
		.ask = MAP_ASK_ADDRESS, .key = span_of(key), .at = 3,
		.detail_chars = SPAN("+")
	};

	return lookup_client_ask(client, 4, 2, &q, cb, &told);
}

static void
say(uint64_t ticket, unsigned result, unsigned rank, const char *value)
{
	chan_begin(other.chan, MSG_LOOKED_UP);
	chan_u64(other.chan, ticket);
	chan_u8(other.chan, (uint8_t)result);
	chan_u8(other.chan, (uint8_t)rank);
	chan_u32(other.chan, 0);
	chan_str(other.chan, "k");
	chan_str(other.chan, value);
	chan_end(other.chan);
}

/* Where it cannot be said: why, when lookup has told it. */
static void
a_cause_comes_with_a_failure(void **state)
{
	(void)state;
	attach();
	(void)ask("ann@x.example");
	run();
	say(other.ticket, MAP_LATER, 0, "no route");
	run();
	assert_int_equal(told.is, MAP_LATER);
	assert_string_equal(told.value, "no route");
	memset(&told, 0, sizeof(told));
	(void)ask("bob@x.example");
	run();
	say(other.ticket, MAP_NONE, 0, "nothing");
	run();
	assert_int_equal(told.is, MAP_NONE);
	assert_string_equal(told.value, "");
}

static void
a_question_and_its_answer(void **state)
{
	(void)state;
	attach();
	(void)ask("ann@x.example");
	run();
	assert_int_equal(other.n, 1);
	assert_int_equal(other.generation, 4);
	assert_int_equal(other.map, 2);
	assert_int_equal(other.ask, MAP_ASK_ADDRESS);
	assert_int_equal(other.at, 3);
	assert_string_equal(other.key, "ann@x.example");
	assert_string_equal(other.detail, "+");
	assert_int_equal(other.ip_n, 0);
	say(other.ticket, MAP_FOUND, MAP_DETAIL, "value");
	say(other.ticket, MAP_NONE, 0, "");	/* twice: not told again */
	run();
	assert_int_equal(told.n, 1);
	assert_int_equal(told.is, MAP_FOUND);
	assert_int_equal(told.rank, MAP_DETAIL);
	assert_string_equal(told.value, "value");
}

static void
asked_again_on_a_new_channel(void **state)
{
	uint64_t	first;

	(void)state;
	(void)ask("ann@x.example");	/* nobody is there yet */
	attach();
	run();
	assert_int_equal(other.n, 1);
	first = other.ticket;
	attach();
	run();
	assert_int_equal(other.n, 2);
	assert_int_equal(other.ticket, first);
	say(other.ticket, MAP_LATER, 0, "");
	run();
	assert_int_equal(told.n, 1);
	assert_int_equal(told.is, MAP_LATER);
}

static void
a_cancelled_question_is_not_told(void **state)
{
	uint64_t	ticket;

	(void)state;
	attach();
	ticket = ask("ann@x.example");
	run();
	lookup_client_cancel(client, ticket);
	say(other.ticket, MAP_FOUND, 0, "late");
	run();
	assert_int_equal(told.n, 0);
}

static void
no_table_has_so_long_a_key(void **state)
{
	char	key[LOOKUP_KEY_MAX + 2];

	(void)state;
	attach();
	memset(key, 'x', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	(void)ask(key);
	run();
	assert_int_equal(other.n, 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.is, MAP_NONE);
}

static void
nonsense_cuts_the_other_side_off(void **state)
{
	(void)state;
	attach();
	(void)ask("ann@x.example");
	run();
	say(other.ticket, MAP_FOUND, 99, "");
	run();
	assert_int_equal(other.closed, 1);
	assert_int_equal(told.n, 0);
	attach();
	run();
	assert_int_equal(other.n, 2);
	say(other.ticket, MAP_WAIT, 0, "");
	run();
	assert_int_equal(other.closed, 2);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(a_question_and_its_answer),
		TEST(a_cause_comes_with_a_failure),
		TEST(asked_again_on_a_new_channel),
		TEST(a_cancelled_question_is_not_told),
		TEST(no_table_has_so_long_a_key),
		TEST(nonsense_cuts_the_other_side_off),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
