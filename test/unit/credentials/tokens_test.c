/*
 * tokens_test.c - tokens with a clock and an endpoint of the test's own; and
 * the gate before a password that may be wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/credentials/gate.h"
#include "mta/credentials/tokens.h"

static int64_t	now;

/* The endpoint: the question that is open. */
static struct {
	unsigned	 asked;
	char		 body[512];
	http_cb		*cb;
	void		*arg;
} web;

/* What who waits was told. */
static struct told {
	unsigned		n;
	enum token_result	is;
	char			token[64];
} told[4];

static int64_t
clock_of_test(void)
{
	return now;
}

static uint64_t
ask(void *ctx, const struct http_question *q, http_cb *cb, void *arg)
{
	(void)ctx;
	assert_true(q->body.n < sizeof(web.body));
	memcpy(web.body, q->body.p, q->body.n);
	web.body[q->body.n] = '\0';
	web.asked++;
	web.cb = cb;
	web.arg = arg;
	return web.asked;
}

static void
answer(unsigned status, const char *json)
{
	const struct http_answer	a = { .result = HTTP_DONE,
	    .status = status, .body = span_of(json) };

	web.cb(web.arg, &a);
}

static void
say(void *arg, enum token_result is, struct span token, const char *why)
{
	struct told	*t = arg;

	assert_non_null(why);
	t->n++;
	t->is = is;
	assert_true(token.n < sizeof(t->token));
	if (token.n > 0)
		memcpy(t->token, token.p, token.n);
	t->token[token.n] = '\0';
}

static struct source *
source(const char *refresh)
{
	struct source	*s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->relay = xstrdup("hop");
	s->kind = SOURCE_OAUTH;
	s->url = xstrdup("https://token.example/");
	s->client = xstrdup("me");
	s->has_refresh = true;
	buf_add_str(&s->secret, refresh);
	memcpy(s->digest, refresh, 4);	/* of one length in these tests */
	return s;
}

static struct tokens *
tokens_of_test(void)
{
	const struct tokens_how	how = { .now_ms = clock_of_test, .http = ask,
	    .folder = -1 };

	memset(&web, 0, sizeof(web));
	memset(told, 0, sizeof(told));
	now = 1000000;
	return tokens_new(&how);
}

static void
all_who_wait_get_one_answer(void **state)
{
	struct tokens		*t = tokens_of_test();
	struct source		*s = source("one ");
	struct token_wait	*w[3];
	unsigned		 i;

	(void)state;
	for (i = 0; i < 3; i++)
		w[i] = tokens_get(t, s, SPAN("ann"), say, &told[i]);
	assert_int_equal(web.asked, 1);
	tokens_cancel(&w[2]);
	answer(200, "{\"access_token\":\"t1\",\"expires_in\":3600}");
	for (i = 0; i < 2; i++) {
		assert_int_equal(told[i].n, 1);
		assert_string_equal(told[i].token, "t1");
	}
	assert_int_equal(told[2].n, 0);
	/* It is kept until shortly before its end. */
	now += (3600 - 61) * 1000;
	assert_null(tokens_get(t, s, SPAN("ann"), say, &told[3]));
	assert_int_equal(told[3].n, 1);
	now += 2000;
	assert_non_null(tokens_get(t, s, SPAN("ann"), say, &told[3]));
	assert_int_equal(web.asked, 2);
	answer(200, "{\"access_token\":\"t2\"}");
	assert_string_equal(told[3].token, "t2");
	source_unref(&s);
	tokens_free(&t);
}

static void
a_refused_one_is_asked_for_once(void **state)
{
	struct tokens	*t = tokens_of_test();
	struct source	*s = source("one ");

	(void)state;
	(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
	answer(200, "{\"access_token\":\"t1\"}");
	tokens_refused(t, s, SPAN("ann"), SPAN("t1"));
	(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
	assert_int_equal(web.asked, 2);
	answer(200, "{\"access_token\":\"t2\"}");
	/* Others were refused with the older one: that is no news. */
	tokens_refused(t, s, SPAN("ann"), SPAN("t1"));
	assert_null(tokens_get(t, s, SPAN("ann"), say, &told[0]));
	assert_string_equal(told[0].token, "t2");
	assert_int_equal(web.asked, 2);
	source_unref(&s);
	tokens_free(&t);
}

static void
failures_wait_longer_each_time(void **state)
{
	static const int64_t	waits[] = { 5000, 10000, 20000, 40000 };
	struct tokens		*t = tokens_of_test();
	struct source		*s = source("one ");
	unsigned		 i;

	(void)state;
	for (i = 0; i < 4; i++) {
		(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
		assert_int_equal(web.asked, i + 1);
		answer(503, "busy");
		assert_int_equal(told[0].is, TOKEN_LATER);
		now += waits[i] - 1;
		assert_null(tokens_get(t, s, SPAN("ann"), say, &told[1]));
		assert_int_equal(told[1].is, TOKEN_LATER);
		assert_int_equal(web.asked, i + 1);
		now += 1;
	}
	source_unref(&s);
	tokens_free(&t);
}

static void
a_refusal_stays_until_something_has_changed(void **state)
{
	struct tokens	*t = tokens_of_test();
	struct source	*s = source("one "), *other = source("two ");

	(void)state;
	(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
	answer(400, "{\"error\":\"invalid_grant\"}");
	assert_int_equal(told[0].is, TOKEN_REFUSED);
	now += 59000;
	assert_null(tokens_get(t, s, SPAN("ann"), say, &told[0]));
	assert_int_equal(told[0].is, TOKEN_REFUSED);
	assert_int_equal(web.asked, 1);
	(void)tokens_get(t, other, SPAN("ann"), say, &told[0]);
	assert_int_equal(web.asked, 2);
	assert_non_null(strstr(web.body, "refresh_token=two"));
	answer(200, "{\"access_token\":\"t2\"}");
	assert_int_equal(told[0].is, TOKEN_HAVE);
	source_unref(&s);
	source_unref(&other);
	tokens_free(&t);
}

/* The secret is changed while its older self is being asked for. */
static void
an_answer_to_an_older_question_is_not_used(void **state)
{
	struct tokens	*t = tokens_of_test();
	struct source	*s = source("one "), *other = source("two ");

	(void)state;
	(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
	(void)tokens_get(t, other, SPAN("ann"), say, &told[1]);
	assert_int_equal(web.asked, 1);
	answer(200, "{\"access_token\":\"old\"}");
	assert_int_equal(told[1].n, 0);
	assert_int_equal(web.asked, 2);
	answer(200, "{\"access_token\":\"new\"}");
	assert_string_equal(told[0].token, "new");
	assert_string_equal(told[1].token, "new");
	source_unref(&s);
	source_unref(&other);
	tokens_free(&t);
}

static void
refresh_tokens_are_followed(void **state)
{
	struct tokens	*t = tokens_of_test();
	struct source	*s = source("one ");

	(void)state;
	(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
	answer(200, "{\"access_token\":\"t1\",\"refresh_token\":\"next\"}");
	tokens_refused(t, s, SPAN("ann"), SPAN("t1"));
	(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
	assert_non_null(strstr(web.body, "refresh_token=next"));
	answer(200, "{\"access_token\":\"t2\"}");
	assert_string_equal(told[0].token, "t2");
	source_unref(&s);
	tokens_free(&t);
}

/* The scope is changed meanwhile: the older refresh token is worth nothing all the same. */
static void
a_refresh_token_outlives_a_change_of_other_things(void **state)
{
	struct tokens	*t = tokens_of_test();
	struct source	*s = source("one "), *other = source("one ");

	(void)state;
	other->digest[5] = 1;
	(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
	(void)tokens_get(t, other, SPAN("ann"), say, &told[1]);
	answer(200, "{\"access_token\":\"t1\",\"refresh_token\":\"next\"}");
	assert_int_equal(web.asked, 2);
	assert_non_null(strstr(web.body, "refresh_token=next"));
	answer(200, "{\"access_token\":\"t2\"}");
	assert_string_equal(told[1].token, "t2");
	source_unref(&s);
	source_unref(&other);
	tokens_free(&t);
}

static int
folder_of_test(char *name)
{
	int	fd;

	strcpy(name, "/tmp/waybill-tokens-XXXXXX");
	assert_non_null(mkdtemp(name));
	assert_true((fd = open(name, O_RDONLY | O_DIRECTORY)) != -1);
	return fd;
}

static void
one_that_could_not_be_written_is_written_later(void **state)
{
	struct tokens_how	 how = { .now_ms = clock_of_test,
	    .http = ask };
	struct tokens		*t = tokens_of_test();
	struct source		*s = source("one ");
	char			 gone[64], name[64], command[128];
	int			 fd;

	(void)state;
	tokens_free(&t);
	how.folder = folder_of_test(gone);
	assert_int_equal(rmdir(gone), 0);	/* nothing can be made in it */
	t = tokens_new(&how);
	(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
	answer(200, "{\"access_token\":\"t1\",\"refresh_token\":\"next\"}");
	fd = folder_of_test(name);
	assert_int_equal(dup2(fd, how.folder), how.folder);
	tokens_refused(t, s, SPAN("ann"), SPAN("t1"));
	(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
	answer(200, "{\"access_token\":\"t2\"}");
	tokens_free(&t);
	t = tokens_new(&how);		/* after a restart */
	(void)tokens_get(t, s, SPAN("ann"), say, &told[0]);
	assert_non_null(strstr(web.body, "refresh_token=next"));
	answer(200, "{\"access_token\":\"t3\"}");
	tokens_free(&t);
	source_unref(&s);
	close(fd);
	close(how.folder);
	snprintf(command, sizeof(command), "rm -r %s", name);
	assert_int_equal(system(command), 0);
}

/* --- the gate */

static struct {
	unsigned	n;
	enum gate_says	last;
} gate_told[3];

static void
gate_say(void *arg, enum gate_says is, const char *text)
{
	unsigned	*i = arg;

	(void)text;
	gate_told[*i].n++;
	gate_told[*i].last = is;
}

static void
one_tries_and_the_others_wait(void **state)
{
	static const uint8_t	 key[GATE_KEY] = { 1 }, other[GATE_KEY] = { 2 };
	static unsigned		 at[3] = { 0, 1, 2 };
	struct gate		*g = gate_new(clock_of_test);
	struct gate_wait	 w[3] = { { .cb = gate_say, .arg = &at[0] },
	    { .cb = gate_say, .arg = &at[1] }, { .cb = gate_say,
	    .arg = &at[2] } };
	const char		*why;

	(void)state;
	assert_int_equal(gate_enter(g, key, &w[0], &why), GATE_GO);
	assert_int_equal(gate_enter(g, key, &w[1], &why), GATE_WAIT);
	assert_int_equal(gate_enter(g, key, &w[2], &why), GATE_WAIT);
	assert_int_equal(gate_enter(g, other, &w[0], &why), GATE_GO);
	gate_leave(g, key, GATE_UNKNOWN, "");	/* 454: the next one tries */
	assert_int_equal(gate_told[1].last, GATE_GO);
	assert_int_equal(gate_told[2].n, 0);
	gate_leave(g, key, GATE_WRONG, "535 no");
	assert_int_equal(gate_told[2].last, GATE_REFUSED);
	assert_int_equal(gate_enter(g, key, &w[0], &why), GATE_REFUSED);
	assert_string_equal(why, "535 no");
	now += GATE_REFUSED_MS;
	assert_int_equal(gate_enter(g, key, &w[0], &why), GATE_GO);
	assert_int_equal(gate_enter(g, key, &w[1], &why), GATE_WAIT);
	gate_leave(g, key, GATE_RIGHT, "");	/* from now on all may */
	assert_int_equal(gate_told[1].n, 2);
	assert_int_equal(gate_enter(g, key, &w[2], &why), GATE_GO);
	gate_free(&g);
}

static int
quiet(void **state)
{
	(void)state;
	log_open("tokens", 2, LOG_L_ERROR);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_who_wait_get_one_answer),
		cmocka_unit_test(a_refused_one_is_asked_for_once),
		cmocka_unit_test(failures_wait_longer_each_time),
		cmocka_unit_test(a_refusal_stays_until_something_has_changed),
		cmocka_unit_test(an_answer_to_an_older_question_is_not_used),
		cmocka_unit_test(refresh_tokens_are_followed),
		cmocka_unit_test(
		    a_refresh_token_outlives_a_change_of_other_things),
		cmocka_unit_test(one_that_could_not_be_written_is_written_later),
		cmocka_unit_test(one_tries_and_the_others_wait),
	};

	return cmocka_run_group_tests(tests, quiet, NULL);
}
