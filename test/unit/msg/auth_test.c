/*
 * auth_test.c - questions to the auth process: field by field, answered once,
 * asked again on a new channel, given up; what it offers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/loop.h"
#include "mta/msg/auth.h"
#include "mta/msg/msg.h"

/* The other side: what it was asked last. */
static struct {
	struct chan		*chan;
	unsigned		 n, closed;
	uint64_t		 ticket;
	struct auth_question	 q;	/* its spans lie in octets */
	char			 octets[6][64];
} other;

static struct {
	unsigned		 n;
	struct auth_verdict	 v;
} told;

static struct auth_client	*client;

static struct span
kept(struct span s, char to[64])
{
	assert_true(s.n <= 64);
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return span_mem(to, s.n);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct auth_question	*q = &other.q;

	(void)c;
	(void)arg;
	assert_true(auth_question_read(m, &other.ticket, q));
	other.n++;
	q->map = kept(q->map, other.octets[0]);
	q->user = kept(q->user, other.octets[1]);
	q->service = kept(q->service, other.octets[2]);
	q->mechanism = kept(q->mechanism, other.octets[3]);
	q->message = kept(q->message, other.octets[4]);
	q->secret = kept(q->secret, other.octets[5]);
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
	auth_client_attach(client, fds[1]);
}

static int
set_up(void **state)
{
	(void)state;
	loop_init();
	memset(&other, 0, sizeof(other));
	memset(&told, 0, sizeof(told));
	client = auth_client_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	auth_client_free(&client);
	chan_free(&other.chan);
	loop_clear();
	return 0;
}

static void
cb(void *arg, const struct auth_verdict *v)
{
	assert_ptr_equal(arg, &told);
	told.n++;
	told.v = *v;
}

static struct auth_question
question(enum auth_ask ask)
{
	return (struct auth_question){
		.ask = ask, .map = SPAN("users"), .user = SPAN("ann"),
		.client = ip_from_octets("\xc0\0\2\1", 4),
		.service = SPAN("smtp"), .mechanism = SPAN("TEST"),
		.hash = AUTH_SHA_256, .message = SPAN("n=ann,r=1"),
		.secret = SPAN("0123456789abcdef")
	};
}

static uint64_t
ask(enum auth_ask what)
{
	struct auth_question	 q = question(what);

	return auth_client_ask(client, &q, cb, &told);
}

static void
say(enum auth_ask what, const struct auth_verdict *v)
{
	auth_verdict_put(other.chan, other.ticket, what, v);
	run();
}

/* Which fields a question has. */
static const struct {
	enum auth_ask	 ask;
	bool		 hash, message, secret;
} shapes[] = {
	{ AUTH_ASK_PASSWORD, false, false, true },
	{ AUTH_ASK_SCRAM, true, false, false },
	{ AUTH_ASK_PROOF, true, true, true },
	{ AUTH_ASK_CRAM, false, true, true },
	{ AUTH_ASK_TOKEN, false, false, true },
	{ AUTH_ASK_KNOWN, false, false, false },
};

static void
each_question_arrives_whole(void **state)
{
	struct auth_question	 q;
	size_t			 i;

	(void)state;
	attach();
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		(void)ask(shapes[i].ask);
		run();
		q = question(shapes[i].ask);
		assert_int_equal(other.n, i + 1);
		assert_int_equal(other.q.ask, shapes[i].ask);
		assert_true(span_eq(other.q.map, q.map));
		assert_true(span_eq(other.q.user, q.user));
		assert_true(ip_eq(&other.q.client, &q.client));
		assert_true(span_eq(other.q.service, q.service));
		assert_true(span_eq(other.q.mechanism, q.mechanism));
		assert_int_equal(other.q.hash, shapes[i].hash ?
		    AUTH_SHA_256 : AUTH_SHA_1);
		assert_int_equal(other.q.message.n,
		    shapes[i].message ? q.message.n : 0);
		assert_int_equal(other.q.secret.n,
		    shapes[i].secret ? q.secret.n : 0);
	}
	assert_int_equal(told.n, 0);
}

static void
a_verdict_has_who_and_by_what(void **state)
{
	const struct auth_verdict	 v = {
		.result = AUTH_RIGHT, .which = "phone", .user = "Ann",
		.signature = "sig", .nsignature = 20
	};

	(void)state;
	attach();
	(void)ask(AUTH_ASK_PROOF);
	run();
	say(AUTH_ASK_PROOF, &v);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.v.result, AUTH_RIGHT);
	assert_string_equal(told.v.which, "phone");
	assert_string_equal(told.v.user, "Ann");
	assert_int_equal(told.v.nsignature, 20);
	assert_memory_equal(told.v.signature, v.signature, 20);
	say(AUTH_ASK_PROOF, &v);		/* once more: not told */
	assert_int_equal(told.n, 1);
}

static void
only_who_is_right_is_named(void **state)
{
	const struct auth_verdict	 v = {
		.result = AUTH_WRONG, .which = "phone", .user = "Ann",
		.signature = "sig", .nsignature = 20
	};

	(void)state;
	attach();
	(void)ask(AUTH_ASK_PASSWORD);
	run();
	say(AUTH_ASK_PASSWORD, &v);
	assert_int_equal(told.v.result, AUTH_WRONG);
	assert_string_equal(told.v.which, "");
	assert_string_equal(told.v.user, "");
	assert_int_equal(told.v.nsignature, 0);
}

static void
scram_is_told_salt_and_iterations(void **state)
{
	const struct auth_verdict	 v = {
		.result = AUTH_RIGHT, .salt = "salt", .nsalt = 4,
		.iterations = 4096
	};

	(void)state;
	attach();
	(void)ask(AUTH_ASK_SCRAM);
	run();
	say(AUTH_ASK_SCRAM, &v);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.v.iterations, 4096);
	assert_int_equal(told.v.nsalt, 4);
	assert_memory_equal(told.v.salt, "salt", 4);
}

/* An answer of the other kind is nonsense: the channel is cut. */
static void
an_answer_is_of_its_question(void **state)
{
	const struct auth_verdict	 v = { .result = AUTH_RIGHT };

	(void)state;
	attach();
	(void)ask(AUTH_ASK_PASSWORD);
	run();
	say(AUTH_ASK_SCRAM, &v);
	assert_int_equal(told.n, 0);
	assert_int_equal(other.closed, 1);
}

static void
open_questions_are_asked_of_the_next(void **state)
{
	const struct auth_verdict	 v = { .result = AUTH_WRONG };

	(void)state;
	(void)ask(AUTH_ASK_PASSWORD);		/* nobody is there yet */
	attach();
	run();
	assert_int_equal(other.n, 1);
	attach();
	run();
	assert_int_equal(other.n, 2);
	assert_true(span_eq(other.q.secret, SPAN("0123456789abcdef")));
	say(AUTH_ASK_PASSWORD, &v);
	assert_int_equal(told.n, 1);
	attach();
	run();
	assert_int_equal(other.n, 2);
}

static void
a_cancelled_question_is_not_answered(void **state)
{
	const struct auth_verdict	 v = { .result = AUTH_RIGHT };
	uint64_t			 ticket;

	(void)state;
	attach();
	ticket = ask(AUTH_ASK_PASSWORD);
	run();
	auth_client_cancel(client, ticket);
	auth_client_cancel(client, ticket);
	say(AUTH_ASK_PASSWORD, &v);
	assert_int_equal(told.n, 0);
	assert_int_equal(other.closed, 0);
}

static void
what_is_too_long_is_wrong(void **state)
{
	static char		 many[AUTH_PASSWORD_MAX + 1];
	struct auth_question	 q = question(AUTH_ASK_PASSWORD);

	(void)state;
	attach();
	memset(many, 'x', sizeof(many));
	q.secret = span_mem(many, sizeof(many));
	(void)auth_client_ask(client, &q, cb, &told);
	assert_int_equal(told.n, 0);		/* from the loop */
	run();
	assert_int_equal(other.n, 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.v.result, AUTH_WRONG);
	q.ask = AUTH_ASK_TOKEN;			/* these are longer */
	(void)auth_client_ask(client, &q, cb, &told);
	assert_int_equal(told.n, 1);
}

static void
offers_are_kept_until_the_next(void **state)
{
	const struct auth_offer	 two[] = {
		{ SPAN("users"), { AUTH_PLAIN | AUTH_SCRAM_SHA_256,
		    AUTH_PLAIN | AUTH_SCRAM_SHA_256 | AUTH_CRAM_MD5 } },
		{ SPAN("system"), { AUTH_PLAIN, AUTH_PLAIN } },
	};
	struct auth_offers	 o;

	(void)state;
	attach();
	assert_false(auth_client_offers(client, SPAN("users"), &o));
	auth_offers_put(other.chan, two, 2);
	run();
	assert_true(auth_client_offers(client, SPAN("users"), &o));
	assert_int_equal(o.sane, AUTH_PLAIN | AUTH_SCRAM_SHA_256);
	assert_int_equal(o.could, o.sane | AUTH_CRAM_MD5);
	assert_true(auth_client_offers(client, SPAN("users,system"), &o));
	assert_int_equal(o.sane, AUTH_PLAIN);
	assert_int_equal(o.could,
	    AUTH_PLAIN | AUTH_SCRAM_SHA_256 | AUTH_CRAM_MD5);
	assert_false(auth_client_offers(client, SPAN("users,no"), &o));
	chan_free(&other.chan);
	run();
	assert_true(auth_client_offers(client, SPAN("system"), &o));
	attach();
	auth_offers_put(other.chan, two, 1);
	run();
	assert_true(auth_client_offers(client, SPAN("users"), &o));
	assert_false(auth_client_offers(client, SPAN("system"), &o));
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest	tests[] = {
		T(each_question_arrives_whole),
		T(a_verdict_has_who_and_by_what),
		T(only_who_is_right_is_named),
		T(scram_is_told_salt_and_iterations),
		T(an_answer_is_of_its_question),
		T(open_questions_are_asked_of_the_next),
		T(a_cancelled_question_is_not_answered),
		T(what_is_too_long_is_wrong),
		T(offers_are_kept_until_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
