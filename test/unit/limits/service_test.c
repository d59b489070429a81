/*
 * service_test.c - the client (mta/msg/limits.h) against the real service, over channels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/chan.h"
#include "base/loop.h"
#include "mta/limits/service.h"
#include "mta/msg/msg.h"
#include "test/unit/limits/folder.h"

#define HOUR	INT64_C(3600000)

static struct service		 service;
static struct limits_client	*one, *two;

static void
attach(struct limits_client *l)
{
	int	ends[2];

	chan_pair(ends);
	service_peer(&service, ends[0], "test");
	limits_client_attach(l, ends[1]);
}

static int
setup(void **state)
{
	if (folder_setup(state) == -1)
		return -1;
	service = (struct service){ .state = folder_state() };
	one = limits_client_new();
	two = limits_client_new();
	return 0;
}

static int
teardown(void **state)
{
	limits_client_free(&one);
	limits_client_free(&two);
	folder_turns(5);
	assert_int_equal(service.sessions.n, 0);
	assert_int_equal(service.sessions.clients.n, 0);
	htab_clear(&service.sessions.clients);
	state_close(&service.state);
	return folder_teardown(state);
}

/* What came back: -1 is nothing yet, -2 twice. */
static void
took(void *arg, int what)
{
	int	*got = arg;

	*got = *got == -1 ? what : -2;
}

static void
answered(void *arg, enum limits_answer a)
{
	took(arg, (int)a);
}

static void
counted(void *arg, enum limits_result r)
{
	took(arg, (int)r);
}

static struct limits_rate
rate_of(uint64_t tx)
{
	return (struct limits_rate){ .name = SPAN("r"), .key = SPAN("k"),
	    .count = 2, .period_ms = HOUR, .tx = tx };
}

static int
ask(struct limits_client *l, uint64_t tx)
{
	struct limits_rate	q = rate_of(tx);
	int			got = -1;

	(void)limits_rate(l, &q, answered, &got);
	folder_turns(5);
	return got;
}

static void
two_workers_share_a_rate(void **state)
{
	(void)state;
	attach(one);
	attach(two);
	assert_int_equal(ask(one, 1), LIMITS_NO);
	assert_int_equal(ask(two, 2), LIMITS_NO);
	assert_int_equal(ask(one, 3), LIMITS_YES);
	assert_int_equal(ask(two, 1), LIMITS_NO);	/* counted before */
}

static void
two_workers_share_a_greylist(void **state)
{
	int	a = -1, b = -1, c = -1;

	(void)state;
	attach(one);
	attach(two);
	(void)limits_grey(one, SPAN("k"), HOUR, false, answered, &a);
	folder_turns(5);
	(void)limits_grey(two, SPAN("k"), 1, false, answered, &b);
	(void)limits_grey(two, SPAN("other"), HOUR, true, answered, &c);
	folder_turns(5);
	assert_int_equal(a, LIMITS_YES);
	assert_int_equal(b, LIMITS_NO);
	assert_int_equal(c, LIMITS_YES);
}

static void
a_question_waits_for_a_channel(void **state)
{
	struct limits_rate	q = rate_of(1);
	int			got = -1;

	(void)state;
	(void)limits_rate(one, &q, answered, &got);
	folder_turns(5);
	assert_int_equal(got, -1);
	attach(one);
	folder_turns(5);
	assert_int_equal(got, LIMITS_NO);
}

/* A receiver that is lost between question and answer. */
static void
a_question_is_asked_again_on_a_new_channel(void **state)
{
	struct limits_rate	q = rate_of(1);
	int			ends[2], got = -1;

	(void)state;
	chan_pair(ends);
	limits_client_attach(one, ends[1]);
	(void)limits_rate(one, &q, answered, &got);
	folder_turns(5);
	close(ends[0]);
	folder_turns(5);
	assert_int_equal(got, -1);
	assert_false(limits_client_there(one));
	attach(one);
	folder_turns(5);
	assert_int_equal(got, LIMITS_NO);
	assert_int_equal(ask(one, 2), LIMITS_NO);
	assert_int_equal(ask(one, 3), LIMITS_YES);
}

static void
a_question_given_up_is_not_answered(void **state)
{
	struct limits_rate	q = rate_of(1);
	uint64_t		t;
	int			got = -1;

	(void)state;
	attach(one);
	t = limits_rate(one, &q, answered, &got);
	limits_cancel(one, t);
	limits_cancel(one, t);
	folder_turns(5);
	assert_int_equal(got, -1);
	assert_int_equal(ask(one, 2), LIMITS_NO);
	assert_int_equal(ask(one, 3), LIMITS_YES);	/* it was counted */
}

static void
a_key_that_is_too_long_cannot_be_asked(void **state)
{
	char			*big = calloc(1, LIMITS_KEY_MAX + 1);
	struct limits_rate	 q = rate_of(1);
	int			 a = -1, b = -1, c = -1;

	(void)state;
	attach(one);
	q.key = span_mem(big, LIMITS_KEY_MAX + 1);
	(void)limits_rate(one, &q, answered, &a);
	(void)limits_grey(one, q.key, HOUR, false, answered, &b);
	(void)limits_grey(one, span_mem(big, LIMITS_KEY_MAX), HOUR, false,
	    answered, &c);
	folder_turns(5);
	assert_int_equal(a, LIMITS_CANNOT);
	assert_int_equal(b, LIMITS_CANNOT);
	assert_int_equal(c, LIMITS_YES);
	free(big);
}

/* --- sessions */

static uint64_t
up(struct limits_client *l, const char *client, int *got)
{
	*got = -1;
	return limits_count(l, span_of(client), 4, 2, counted, got);
}

static void
sessions_are_counted_over_all_workers(void **state)
{
	uint64_t	t[6];
	int		got[6];

	(void)state;
	attach(one);
	attach(two);
	t[0] = up(one, "a", &got[0]);
	t[1] = up(two, "a", &got[1]);
	folder_turns(5);
	t[2] = up(one, "a", &got[2]);
	folder_turns(5);
	assert_int_equal(got[0], LIMITS_OK);
	assert_int_equal(got[1], LIMITS_OK);
	assert_int_equal(got[2], LIMITS_CLIENT);
	limits_uncount(one, t[2]);	/* it held nothing */
	t[3] = up(one, "b", &got[3]);
	t[4] = up(one, "c", &got[4]);
	t[5] = up(one, "d", &got[5]);
	folder_turns(5);
	assert_int_equal(got[4], LIMITS_OK);
	assert_int_equal(got[5], LIMITS_SESSIONS);
	limits_uncount(one, t[0]);
	t[2] = up(one, "a", &got[2]);
	folder_turns(5);
	assert_int_equal(got[2], LIMITS_OK);
	assert_int_equal(service.sessions.n, 4);
	assert_int_equal(service.sessions.clients.n, 3);
	(void)t;
}

/* The session is counted by its address already. */
static void
the_sessions_of_a_user_are_counted_apart(void **state)
{
	static const char	ann[] = "ann, seventeen octets or more";
	uint64_t		t;
	int			got[5];

	(void)state;
	attach(one);
	attach(two);
	t = up(one, "a", &got[0]);
	(void)up(one, "b", &got[0]);
	(void)up(one, "c", &got[0]);
	(void)up(one, "d", &got[0]);
	limits_uncount(one, t);
	t = up(one, ann, &got[1]);
	(void)up(two, ann, &got[2]);
	folder_turns(5);
	(void)up(two, ann, &got[3]);
	(void)up(two, "a", &got[4]);	/* the fourth of all, still */
	folder_turns(5);
	assert_int_equal(got[1], LIMITS_OK);
	assert_int_equal(got[2], LIMITS_OK);
	assert_int_equal(got[3], LIMITS_CLIENT);
	assert_int_equal(got[4], LIMITS_OK);
	assert_int_equal(service.sessions.n, 4);
	limits_uncount(one, t);
	(void)up(one, ann, &got[3]);
	folder_turns(5);
	assert_int_equal(got[3], LIMITS_OK);
	assert_int_equal(service.sessions.n, 4);
}

static void
a_worker_that_dies_takes_its_sessions(void **state)
{
	int	got;

	(void)state;
	attach(one);
	attach(two);
	(void)up(one, "a", &got);
	(void)up(one, "a", &got);
	folder_turns(5);
	limits_client_free(&one);
	folder_turns(5);
	assert_int_equal(service.sessions.n, 0);
	one = limits_client_new();
	(void)up(two, "a", &got);
	folder_turns(5);
	assert_int_equal(got, LIMITS_OK);
}

/* One that ends at once is never heard of; one that stays is. */
static void
a_young_session_is_counted_when_it_stays(void **state)
{
	uint64_t	t;
	int		got[2] = { -1, -1 }, turns;

	(void)state;
	attach(one);
	t = limits_count_soon(one, SPAN("a"), 4, 2, counted, &got[0]);
	(void)limits_count_soon(one, SPAN("a"), 4, 2, counted, &got[1]);
	folder_turns(3);
	assert_int_equal(service.sessions.n, 0);
	limits_uncount(one, t);
	for (turns = 0; got[1] == -1 && turns < 5000; turns++)
		folder_turns(1);
	assert_int_equal(got[0], -1);
	assert_int_equal(got[1], LIMITS_OK);
	assert_int_equal(service.sessions.n, 1);
}

/* Very many at once are counted at once. */
static void
many_young_sessions_are_counted_at_once(void **state)
{
	int	got[LIMITS_YOUNG_MAX], i;

	(void)state;
	attach(one);
	for (i = 0; i < LIMITS_YOUNG_MAX; i++) {
		got[i] = -1;
		(void)limits_count_soon(one, SPAN("a"), 100, 3, counted,
		    &got[i]);
	}
	folder_turns(5);
	assert_int_equal(got[2], LIMITS_OK);
	assert_int_equal(got[3], LIMITS_CLIENT);
	assert_int_equal(service.sessions.n, 3);
}

static void
a_new_limits_is_told_of_the_sessions(void **state)
{
	uint64_t	t;
	int		got[3];

	(void)state;
	attach(one);
	t = up(one, "a", &got[0]);
	(void)up(one, "a", &got[1]);
	folder_turns(5);
	(void)limits_count(one, SPAN("a"), 0, 0, NULL, NULL);
	folder_turns(5);
	assert_int_equal(service.sessions.n, 3);	/* it is there, so it counts */
	attach(one);		/* as of another process */
	folder_turns(5);
	assert_int_equal(service.sessions.n, 3);
	limits_uncount(one, t);
	folder_turns(5);
	assert_int_equal(service.sessions.n, 2);
}

/* While it is away nobody waits, and it hears of them when it is back. */
static void
without_limits_nobody_waits(void **state)
{
	int	ends[2], got[2];

	(void)state;
	chan_pair(ends);
	limits_client_attach(one, ends[1]);
	(void)up(one, "a", &got[0]);
	folder_turns(5);
	assert_int_equal(got[0], -1);
	close(ends[0]);
	folder_turns(5);
	assert_int_equal(got[0], LIMITS_UNCOUNTED);
	(void)up(one, "a", &got[1]);
	folder_turns(5);
	assert_int_equal(got[1], LIMITS_UNCOUNTED);
	attach(one);
	folder_turns(5);
	assert_int_equal(service.sessions.n, 2);
}

static void
a_session_that_ends_while_it_waits(void **state)
{
	int	got;

	(void)state;
	attach(one);
	limits_uncount(one, up(one, "a", &got));
	folder_turns(5);
	assert_int_equal(got, -1);
	assert_int_equal(service.sessions.n, 0);
}

/* --- nonsense */

static bool	cut_off;

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)m;
	(void)arg;
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	cut_off = true;
}

static void
put(struct chan *c, unsigned type)
{
	chan_begin(c, (uint16_t)type);
	chan_u64(c, 1);
	if (type == MSG_RATE_ASK) {	/* a period of nothing */
		chan_u8(c, 0);
		chan_u64(c, 1);
		chan_u32(c, 1);
		chan_str(c, "r");
		chan_str(c, "k");
		chan_u32(c, 1);
		chan_u32(c, 0);
		chan_u64(c, 0);
	}
	if (type == MSG_COUNT_DOWN)
		chan_u8(c, 0);		/* too much */
	chan_end(c);
}

static void
nonsense_is_cut_off(void **state)
{
	static const struct chan_ops	ops = { on_message, on_closed };
	static const unsigned		types[] = { MSG_RATE_ASK,
	    MSG_GREY_ASK, MSG_COUNT_UP, MSG_COUNT_HELD, MSG_COUNT_DOWN,
	    MSG_DNS_ASK };
	struct chan			*c;
	size_t				 i;
	int				 ends[2];

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		cut_off = false;
		chan_pair(ends);
		service_peer(&service, ends[0], "test");
		c = chan_new(ends[1], "limits", &ops, NULL);
		put(c, types[i]);
		folder_turns(5);
		assert_true(cut_off);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest	tests[] = {
		T(two_workers_share_a_rate),
		T(two_workers_share_a_greylist),
		T(a_question_waits_for_a_channel),
		T(a_question_is_asked_again_on_a_new_channel),
		T(a_question_given_up_is_not_answered),
		T(a_key_that_is_too_long_cannot_be_asked),
		T(sessions_are_counted_over_all_workers),
		T(the_sessions_of_a_user_are_counted_apart),
		T(a_worker_that_dies_takes_its_sessions),
		T(a_young_session_is_counted_when_it_stays),
		T(many_young_sessions_are_counted_at_once),
		T(a_new_limits_is_told_of_the_sessions),
		T(without_limits_nobody_waits),
		T(a_session_that_ends_while_it_waits),
		T(nonsense_is_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
