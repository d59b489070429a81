/*
 * http_test.c - questions to the fetch process: all that stands in them comes
 * there, is asked again on a new channel, and is answered once.
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
#include "mta/msg/http.h"
#include "mta/msg/msg.h"

static struct {
	struct chan		*chan;
	unsigned		 n;
	uint64_t		 ticket;
	struct http_question	*asked;
} other;

static struct {
	unsigned		 n, status;
	enum http_result	 result;
	char			 text[256];	/* type|body|why */
} told;

static struct http_client	*client;

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct http_question	q;

	(void)c;
	(void)arg;
	assert_int_equal(m->type, MSG_HTTP_ASK);
	assert_true(http_question_read(m, &other.ticket, &q));
	free(other.asked);
	other.asked = http_question_keep(&q);
	other.n++;
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
	http_client_attach(client, fds[1]);
}

static void
cb(void *arg, const struct http_answer *a)
{
	assert_ptr_equal(arg, &told);
	told.n++;
	told.result = a->result;
	told.status = a->status;
	snprintf(told.text, sizeof(told.text), "%.*s|%.*s|%.*s",
	    SPAN_ARG(a->type), SPAN_ARG(a->body), SPAN_ARG(a->why));
}

static const struct http_question	post = {
	.method = HTTP_POST, .url = { "https://a.example/t", 19 },
	.type = { "text/plain", 10 }, .headers = { "X: y\n", 5 },
	.body = { "secret", 6 }, .octets_max = 1000, .seconds = 7,
	.redirects = 2
};

static int
set_up(void **state)
{
	(void)state;
	memset(&told, 0, sizeof(told));
	other.n = 0;
	client = http_client_new(true);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	http_client_free(&client);
	chan_free(&other.chan);
	free(other.asked);
	other.asked = NULL;
	return 0;
}

static void
asked_twice_and_answered_once(void **state)
{
	const struct http_answer	 a = { .result = HTTP_DONE, .status = 200,
	    .type = SPAN("text/plain"), .body = SPAN("x") };

	(void)state;
	attach();
	(void)http_client_ask(client, &post, cb, &told);
	run();
	assert_int_equal(other.n, 1);
	attach();
	run();
	assert_int_equal(other.n, 2);
	assert_int_equal(other.asked->method, HTTP_POST);
	assert_true(span_eq(other.asked->url, post.url));
	assert_true(span_eq(other.asked->type, post.type));
	assert_true(span_eq(other.asked->headers, post.headers));
	assert_true(span_eq(other.asked->body, post.body));
	assert_int_equal(other.asked->octets_max, 1000);
	assert_int_equal(other.asked->seconds, 7);
	assert_int_equal(other.asked->redirects, 2);
	http_answer_put(other.chan, other.ticket, &a);
	http_answer_put(other.chan, other.ticket, &a);
	run();
	assert_int_equal(told.n, 1);
	assert_int_equal(told.result, HTTP_DONE);
	assert_int_equal(told.status, 200);
	assert_string_equal(told.text, "text/plain|x|");
}

static void
too_long_is_not_sent(void **state)
{
	static char		url[HTTP_URL_MAX + 1];
	struct http_question	q = post;

	(void)state;
	attach();
	memset(url, 'a', sizeof(url));
	q.url = span_mem(url, sizeof(url));
	(void)http_client_ask(client, &q, cb, &told);
	run();
	assert_int_equal(other.n, 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.result, HTTP_REFUSED);
}

static void
cancelled_is_not_answered(void **state)
{
	const struct http_answer	a = { .result = HTTP_SLOW };
	uint64_t			ticket;

	(void)state;
	attach();
	ticket = http_client_ask(client, &post, cb, &told);
	run();
	http_client_cancel(client, ticket);
	http_answer_put(other.chan, ticket, &a);
	run();
	assert_int_equal(told.n, 0);
	assert_non_null(other.chan);
}

/* A peer that says what no fetch says is cut off; the question stays. */
static void
nonsense_is_cut_off(void **state)
{
	(void)state;
	attach();
	(void)http_client_ask(client, &post, cb, &told);
	run();
	chan_begin(other.chan, MSG_HTTP_ANSWER);
	chan_u64(other.chan, other.ticket);
	chan_u8(other.chan, HTTP_NRESULTS);
	chan_u16(other.chan, 200);
	chan_str(other.chan, "");
	chan_str(other.chan, "");
	chan_str(other.chan, "");
	chan_end(other.chan);
	run();
	assert_null(other.chan);
	assert_int_equal(told.n, 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(asked_twice_and_answered_once,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_long_is_not_sent, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(cancelled_is_not_answered,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(nonsense_is_cut_off, set_up,
		    tear_down),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
