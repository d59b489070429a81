/*
 * asked_table_test.c - questions to a table of a server: the kind's keys in
 * their order, what is kept, rows as values, templates.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fileio.h"
#include "base/log.h"

#include "fake_server.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static struct asked_table	*table;

static void
open_table(const char *kind, int64_t cache_ms, int64_t cache_none_ms,
    uint32_t connections, struct fake_answer *answers, size_t n)
{
	struct asked_source	 src = {
		.name = SPAN("t"), .driver = SPAN("socket"),
		.kind = span_of(kind), .host = SPAN("mx.example"),
		.timeout_ms = 100, .connections = connections,
		.cache_ms = cache_ms, .cache_none_ms = cache_none_ms
	};
	const char		*why;

	fake_reset(answers, n);
	table = asked_open_with(&fake_driver, &src, &why);
	assert_non_null(table);
	run_for(1);
}

static void
close_table(void)
{
	asked_close(&table);
	assert_int_equal(fake.opened, fake.closed);
}

struct told {
	int		 n;
	enum map_result	 is;
	enum map_rank	 rank;
	char		 text[256];	/* "key=value", or why */
};

static void
told(void *arg, enum map_result is, const struct map_answer *a,
    const char *why)
{
	struct told	*t = arg;

	t->n++;
	t->is = is;
	if (is == MAP_FOUND) {
		t->rank = a->rank;
		snprintf(t->text, sizeof(t->text), "%.*s=%.*s",
		    SPAN_ARG(a->key), SPAN_ARG(a->value));
	} else
		snprintf(t->text, sizeof(t->text), "%s",
		    why != NULL ? why : "");
}

static uint64_t
ask_address(struct told *t, const char *whole)
{
	struct span		 s = span_of(whole);
	struct map_question	 q = { .ask = MAP_ASK_ADDRESS, .key = s,
				    .at = (size_t)span_index(s, '@'),
				    .detail_chars = SPAN("+") };

	*t = (struct told){ .n = 0 };
	return asked_ask(table, &q, told, t);
}

static uint64_t
ask_key(struct told *t, const char *key)
{
	struct map_question	 q = { .ask = MAP_ASK_KEY,
				    .key = span_of(key) };

	*t = (struct told){ .n = 0 };
	return asked_ask(table, &q, told, t);
}

static void
test_keys_in_the_kinds_order(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "@shop.example", .ms = 1, .value = "all@x.example" },
		{ .ms = 1 },
	};
	struct told		 t;

	(void)st;
	open_table("virtusers", 0, 0, 1, as, N(as));
	assert_int_not_equal(ask_address(&t, "Ann+x@shop.example"), 0);
	run_for(60);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.is, MAP_FOUND);
	assert_int_equal(t.rank, MAP_CATCH_ALL);
	assert_string_equal(t.text, "@shop.example=all@x.example");
	assert_string_equal(fake.log, "ann+x@shop.example "
	    "ann++@shop.example ann+*@shop.example ann@shop.example "
	    "++@shop.example +*@shop.example @shop.example ");
	close_table();
}

static unsigned
lines_with(const char *path, const char *what)
{
	struct buf	 text = { 0 };
	const char	*at;
	unsigned	 n = 0;

	assert_int_equal(file_read(path, 1 << 20, &text), 0);
	for (at = buf_cstr(&text); (at = strstr(at, what)) != NULL; at++)
		n++;
	buf_clear(&text);
	return n;
}

/* Once when it begins, though others are answered meanwhile, and once when it is over. */
static void
test_failures_are_told_once(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "good", .value = "v" },
		{ .does = FAKE_LATER },
	};
	char			 path[] = "/tmp/waybill-told-XXXXXX";
	struct told		 t;
	int			 i, fd = mkstemp(path);

	(void)st;
	assert_int_not_equal(fd, -1);
	log_open("test", fd, LOG_L_INFO);
	open_table("plain", 0, 0, 2, as, N(as));
	asked_calm(table, 300);
	for (i = 0; i < 20; i++) {
		(void)ask_key(&t, "bad");
		run_for(1);
		assert_int_equal(t.is, MAP_LATER);
		(void)ask_key(&t, "good");
		run_for(1);
		assert_int_equal(t.is, MAP_FOUND);
	}
	assert_int_equal(lines_with(path, "state=failing"), 1);
	assert_int_equal(lines_with(path, "map=t"), 1);
	run_for(350);
	(void)ask_key(&t, "good");
	run_for(1);
	assert_int_equal(lines_with(path, "state=answers failed=20"), 1);
	(void)ask_key(&t, "bad");
	run_for(1);
	assert_int_equal(lines_with(path, "state=failing"), 2);
	close_table();
	log_open("test", STDERR_FILENO, LOG_L_WARN);
	close(fd);
	unlink(path);
}

static void
test_exact_ends_the_question(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "ann@shop.example", .ms = 1, .value = "a" },
		{ .ms = 1, .value = "all" },
	};
	struct told		 t;

	(void)st;
	open_table("virtusers", 0, 0, 1, as, N(as));
	(void)ask_address(&t, "ann@shop.example");
	run_for(20);
	assert_string_equal(t.text, "ann@shop.example=a");
	assert_string_equal(fake.log, "ann@shop.example ");
	close_table();
}

/* With connections that have nothing to do the keys are asked together. */
static void
test_keys_beside_each_other(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "warm", .ms = 5 },
		{ .key = "ann@shop.example", .ms = 30, .value = "exact" },
		{ .key = "ann", .ms = 5, .value = "local" },
	};
	struct told		 w[2], t;

	(void)st;
	open_table("aliases", 0, 0, 4, as, N(as));
	(void)ask_key(&w[0], "warm");
	(void)ask_key(&w[1], "warm");
	run_for(20);
	assert_int_equal(fake.most, 2);
	(void)ask_address(&t, "ann@shop.example");
	assert_string_equal(fake.log, "warm warm ann@shop.example ann ");
	run_for(15);
	assert_int_equal(t.n, 0);	/* the exact one is still to come */
	run_for(40);
	assert_string_equal(t.text, "ann@shop.example=exact");
	close_table();
}

static void
test_answers_are_kept_for_their_time(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "is", .value = "1" }, { .key = "not" }
	};
	struct told		 t;
	struct asked_stats	 s;
	int			 i;

	(void)st;
	open_table("plain", 900, 300, 1, as, N(as));
	for (i = 0; i < 3; i++) {
		(void)ask_key(&t, "is");
		run_for(2);
		assert_int_equal(t.is, MAP_FOUND);
		(void)ask_key(&t, "not");
		run_for(2);
		assert_int_equal(t.is, MAP_NONE);
	}
	assert_string_equal(fake.log, "is not ");
	run_for(320);
	assert_int_equal(ask_key(&t, "is"), 0);	/* at once */
	assert_string_equal(t.text, "is=1");
	(void)ask_key(&t, "not");
	run_for(2);
	assert_string_equal(fake.log, "is not not ");
	run_for(650);
	(void)ask_key(&t, "is");
	run_for(2);
	assert_string_equal(fake.log, "is not not is ");
	asked_stats(table, &s);
	assert_int_equal(s.asked, 4);
	assert_int_equal(s.found, 2);
	assert_int_equal(s.none, 2);
	assert_int_equal(s.cached, 5);
	assert_int_equal(s.failed, 0);
	close_table();
}

static void
test_no_answer_in_time(void **st)
{
	struct fake_answer	 as[] = { { .does = FAKE_NEVER } };
	struct told		 t[3];
	struct asked_stats	 s;

	(void)st;
	open_table("plain", 0, 0, 1, as, N(as));
	(void)ask_key(&t[0], "a");
	(void)ask_key(&t[1], "b");
	(void)ask_key(&t[2], "c");
	run_for(130);
	assert_int_equal(t[0].n, 1);
	assert_int_equal(t[0].is, MAP_LATER);
	assert_non_null(strstr(t[0].text, "no answer within 10"));
	assert_int_equal(t[2].n, 1);
	assert_int_equal(t[2].is, MAP_LATER);
	asked_stats(table, &s);
	assert_true(s.down);
	assert_int_equal(s.waiting, 0);
	assert_int_equal(s.failed, 3);
	close_table();
}

static void
then_ask(void *arg, enum map_result is, const struct map_answer *a,
    const char *why)
{
	struct told	*t = arg;

	told(&t[0], is, a, why);
	(void)ask_key(&t[1], "b");
}

/* In the millisecond of an answer it is asked, and from then on is silent. */
static void
test_silence_right_behind_an_answer(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "a", .value = "1" }, { .does = FAKE_NEVER } };
	struct map_question	 q = { .ask = MAP_ASK_KEY, .key = SPAN("a") };
	struct told		 t[2] = { { .n = 0 } }, next;

	(void)st;
	open_table("plain", 0, 0, 2, as, N(as));
	(void)asked_ask(table, &q, then_ask, t);
	run_for(110);
	assert_int_equal(t[0].is, MAP_FOUND);
	assert_int_equal(t[1].is, MAP_LATER);
	(void)ask_key(&next, "c");
	assert_int_equal(next.n, 1);
	assert_int_equal(next.is, MAP_LATER);
	close_table();
}

static void
test_cancelled_question_is_not_told(void **st)
{
	struct fake_answer	 as[] = { { .ms = 10, .value = "x" } };
	struct told		 t;
	uint64_t		 ticket;

	(void)st;
	open_table("plain", 0, 0, 1, as, N(as));
	ticket = ask_key(&t, "a");
	run_for(2);
	asked_cancel(table, ticket);
	run_for(20);
	assert_int_equal(t.n, 0);
	asked_cancel(table, ticket);
	close_table();
}

static void
test_closing_answers_what_waits(void **st)
{
	struct fake_answer	 as[] = { { .does = FAKE_NEVER } };
	struct told		 t;

	(void)st;
	open_table("plain", 0, 0, 1, as, N(as));
	(void)ask_key(&t, "a");
	run_for(2);
	close_table();
	assert_int_equal(t.n, 1);
	assert_int_equal(t.is, MAP_LATER);
}

static void
test_too_many_questions(void **st)
{
	struct fake_answer	 as[] = { { .does = FAKE_NEVER } };
	static struct told	 t[ASKED_QUESTIONS_MAX + 1];
	size_t			 i;

	(void)st;
	open_table("plain", 0, 0, 1, as, N(as));
	for (i = 0; i < N(t); i++)
		(void)ask_key(&t[i], "a");
	assert_int_equal(t[0].n, 0);
	assert_int_equal(t[N(t) - 2].n, 0);
	assert_int_equal(t[N(t) - 1].n, 1);
	assert_int_equal(t[N(t) - 1].is, MAP_LATER);
	close_table();
}

/* A value of the wrong kind is no value, and is not kept. */
static void
test_value_of_the_wrong_kind(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "shop.example", .value = "smtpx:[hub]", .times = 1 },
		{ .key = "shop.example", .value = "smtp:[hub.example]:2525" },
	};
	struct map_question	 q = { .ask = MAP_ASK_DOMAIN,
				    .key = SPAN("shop.example") };
	struct told		 t = { .n = 0 };

	(void)st;
	open_table("routes", 1000, 1000, 1, as, N(as));
	(void)asked_ask(table, &q, told, &t);
	run_for(5);
	assert_int_equal(t.is, MAP_BROKEN);
	assert_non_null(strstr(t.text, "there is no such way"));
	(void)asked_ask(table, &q, told, &t);
	run_for(5);
	assert_int_equal(t.is, MAP_FOUND);
	assert_string_equal(t.text,
	    "shop.example=smtp:[hub.example]:2525");
	close_table();
}

/* As Postfix and sendmail write them: 192.0.2, 2001:db8. */
static void
test_addresses_as_servers_have_them(void **st)
{
	struct fake_answer	 as[] = {
		{ .key = "192.0", .value = "REJECT" },
		{ .key = "connect:2001:db8:0:1", .value = "450 later" },
		{ .key = "from:spam.example", .value = "OK" }, { .ms = 0 },
	};
	struct map_question	 q = { .ask = MAP_ASK_ACCESS_IP,
				    .role = MAP_CONNECT };
	struct told		 t = { .n = 0 };

	(void)st;
	open_table("access", 0, 0, 1, as, N(as));
	assert_true(ip_parse(SPAN("192.0.2.7"), &q.ip));
	(void)asked_ask(table, &q, told, &t);
	run_for(60);
	assert_string_equal(t.text, "192.0=REJECT");
	assert_string_equal(fake.log, "connect:192.0.2.7 192.0.2.7 "
	    "connect:192.0.2 192.0.2 connect:192.0 192.0 ");
	assert_true(ip_parse(SPAN("2001:db8:0:1::9"), &q.ip));
	fake.log[0] = '\0';
	(void)asked_ask(table, &q, told, &t);
	run_for(60);
	assert_string_equal(t.text, "connect:2001:db8:0:1=450 later");
	assert_non_null(strstr(fake.log, "connect:2001:db8:0:1::9 "));
	assert_non_null(strstr(fake.log, "connect:2001:db8:0:1:0 "));
	close_table();
}

/* --- rows.c */

static void
test_rows_as_values(void **st)
{
	static const char *const	 names[] = { "quota", "home" };
	static const struct {
		size_t		 nrows, ncolumns;
		const char	*values[4];
		const char	*kind;
		enum map_result	 is;
		const char	*text;	/* value, or part of why */
	} rows[] = {
		{ 0, 1, { NULL }, "plain", MAP_NONE, "" },
		{ 1, 1, { "v" }, "plain", MAP_FOUND, "v" },
		{ 1, 1, { NULL }, "plain", MAP_NONE, "" },
		{ 1, 1, { "" }, "plain", MAP_FOUND, "" },
		{ 1, 2, { "1G", "/h" }, "plain", MAP_FOUND,
		    "quota=1G\nhome=/h" },
		{ 1, 2, { NULL, "/h" }, "plain", MAP_FOUND, "home=/h" },
		{ 1, 2, { "1\nhome=/etc", "/h" }, "accounts", MAP_FOUND,
		    "quota=1 home=/etc\nhome=/h" },
		{ 2, 1, { "a", "b" }, "plain", MAP_FOUND, "a, b" },
		{ 3, 1, { "a", NULL, "b" }, "aliases", MAP_FOUND, "a, b" },
		{ 2, 1, { NULL, NULL }, "aliases", MAP_NONE, "" },
		{ 2, 1, { "a", "b" }, "routes", MAP_BROKEN,
		    "gave 2 rows where one is wanted" },
		{ 2, 2, { "a", "b", "c", "d" }, "plain", MAP_BROKEN,
		    "gave 2 rows where one is wanted" },
		{ 2, 1, { "a", "error:550 no" }, "virtusers", MAP_BROKEN,
		    "error:" },
	};
	struct asked_rows	 r;
	struct arena		 ar = { 0 };
	struct span		 v[4], value;
	const char		*why;
	enum map_result		 is;
	size_t			 i, k;

	(void)st;
	for (i = 0; i < N(rows); i++) {
		for (k = 0; k < 4; k++)
			v[k] = span_of(rows[i].values[k]);
		r = (struct asked_rows){ .nrows = rows[i].nrows,
		    .ncolumns = rows[i].ncolumns, .values = v,
		    .names = rows[i].ncolumns > 1 ? names : NULL };
		is = asked_rows_value(&r, span_of(rows[i].kind), &ar, &value,
		    &why);
		assert_int_equal(is, rows[i].is);
		if (is == MAP_FOUND)
			assert_true(span_eq(value, span_of(rows[i].text)));
		else if (is == MAP_BROKEN)
			assert_non_null(strstr(why, rows[i].text));
	}
	arena_clear(&ar);
}

static void
test_value_beyond_its_limit(void **st)
{
	struct arena		 ar = { 0 };
	struct buf		 b = { 0 };
	struct span		 v, value;
	struct asked_rows	 r = { 1, 1, NULL, &v, 0 };
	const char		*why = "";

	(void)st;
	memset(buf_reserve(&b, (1 << 20) + 1), 'x', (1 << 20) + 1);
	buf_grown(&b, (1 << 20) + 1);
	v = buf_span(&b);
	assert_int_equal(asked_rows_value(&r, SPAN("plain"), &ar, &value,
	    &why), MAP_BROKEN);
	assert_non_null(strstr(why, "more than 1 MiB"));
	v.n--;
	assert_int_equal(asked_rows_value(&r, SPAN("plain"), &ar, &value,
	    &why), MAP_FOUND);
	assert_int_equal(value.n, 1 << 20);
	buf_clear(&b);
	arena_clear(&ar);
}

static void
test_kinds_check_values(void **st)
{
	static const struct {
		const char	*kind, *key, *value;
		enum map_result	 is;
		const char	*text;
	} rows[] = {
		{ "plain", "k", "anything at all", MAP_FOUND,
		    "anything at all" },
		{ "aliases", "a", "x, y@z.example", MAP_FOUND,
		    "x, y@z.example" },
		{ "aliases", "a", ",", MAP_BROKEN, "no members" },
		{ "aliases", "a", ":include:/etc/passwd, b", MAP_FOUND,
		    ":include:/etc/passwd, b" },	/* it is not read */
		{ "virtusers", "@d.example", "%1@x.example", MAP_FOUND,
		    "%1@x.example" },
		{ "virtusers", "u+*@d.example", "error:nouser gone",
		    MAP_FOUND, "error:nouser gone" },
		{ "access", "connect:192.0.2.0/24", "REJECT", MAP_FOUND,
		    "REJECT" },
		{ "access", "x.example", "RELY", MAP_BROKEN, "" },
		{ "domains", "x.example", "not a domain", MAP_BROKEN, "" },
		{ "generics", "ann", "ann@x.example", MAP_FOUND,
		    "ann@x.example" },
		{ "accounts", "ann", "quota=1G\nhome=/h", MAP_FOUND,
		    "quota=1G\nhome=/h" },
		{ "accounts", "ann", "1", MAP_FOUND, "" },
		{ "accounts", "ann", "{SSHA}abc", MAP_FOUND, "" },
		{ "accounts", "ann", "quota=1G\nPassword=x", MAP_BROKEN,
		    "secret" },
		{ "accounts", "ann", "quota=1G\nx=$6$salt$hash", MAP_BROKEN,
		    "secret" },
		{ "accounts", "ann", "x={SSHA512}abc", MAP_BROKEN, "secret" },
		{ "accounts", "ann", "price=$5", MAP_FOUND, "price=$5" },
	};
	struct arena	 ar = { 0 };
	struct span	 value;
	const char	*why;
	size_t		 i;

	(void)st;
	for (i = 0; i < N(rows); i++) {
		value = span_of(rows[i].value);
		assert_int_equal(asked_rows_check(span_of(rows[i].kind),
		    span_of(rows[i].key), &ar, &value, &why), rows[i].is);
		if (rows[i].is == MAP_FOUND)
			assert_true(span_eq(value, span_of(rows[i].text)));
		else
			assert_non_null(strstr(why, rows[i].text));
	}
	arena_clear(&ar);
}

/* --- cache.c */

static void
test_cache_goes_by_the_clock(void **st)
{
	struct asked_cache	*c = asked_cache_new(10, 100000);
	struct span		 v;

	(void)st;
	assert_int_equal(asked_cache_get(c, SPAN("a"), 0, &v), MAP_WAIT);
	asked_cache_put(c, SPAN("a"), MAP_FOUND, SPAN("1"), 100);
	asked_cache_put(c, SPAN("b"), MAP_NONE, SPAN_NONE, 50);
	assert_int_equal(asked_cache_get(c, SPAN("a"), 49, &v), MAP_FOUND);
	assert_true(span_eq(v, SPAN("1")));
	assert_int_equal(asked_cache_get(c, SPAN("b"), 49, &v), MAP_NONE);
	assert_int_equal(asked_cache_get(c, SPAN("b"), 50, &v), MAP_WAIT);
	assert_int_equal(asked_cache_get(c, SPAN("a"), 99, &v), MAP_FOUND);
	asked_cache_put(c, SPAN("a"), MAP_FOUND, SPAN("2"), 200);
	assert_int_equal(asked_cache_get(c, SPAN("a"), 150, &v), MAP_FOUND);
	assert_true(span_eq(v, SPAN("2")));
	assert_int_equal(asked_cache_get(c, SPAN("a"), 200, &v), MAP_WAIT);
	asked_cache_free(&c);
}

static void
test_cache_drops_the_least_recently_used(void **st)
{
	struct asked_cache	*c = asked_cache_new(3, 100000);
	struct span		 v;
	size_t			 octets;

	(void)st;
	asked_cache_put(c, SPAN("a"), MAP_FOUND, SPAN("1"), 100);
	asked_cache_put(c, SPAN("b"), MAP_FOUND, SPAN("1"), 100);
	asked_cache_put(c, SPAN("c"), MAP_FOUND, SPAN("1"), 100);
	assert_int_equal(asked_cache_get(c, SPAN("a"), 1, &v), MAP_FOUND);
	asked_cache_put(c, SPAN("d"), MAP_FOUND, SPAN("1"), 100);
	assert_int_equal(asked_cache_size(c, &octets), 3);
	assert_int_equal(asked_cache_get(c, SPAN("b"), 1, &v), MAP_WAIT);
	assert_int_equal(asked_cache_get(c, SPAN("a"), 1, &v), MAP_FOUND);
	asked_cache_free(&c);
}

static void
test_cache_is_bounded_in_octets(void **st)
{
	struct asked_cache	*c = asked_cache_new(1000, 16000);
	char			 big[8000] = { 0 }, key[16];
	struct span		 v;
	size_t			 octets;
	int			 i;

	(void)st;
	for (i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		asked_cache_put(c, span_of(key), MAP_FOUND,
		    span_mem(big, 1000), 100);
		(void)asked_cache_size(c, &octets);
		assert_in_range(octets, 1, 16000);
	}
	assert_int_equal(asked_cache_get(c, SPAN("k199"), 1, &v), MAP_FOUND);
	asked_cache_put(c, SPAN("big"), MAP_FOUND, span_mem(big, 8000), 100);
	assert_int_equal(asked_cache_get(c, SPAN("big"), 1, &v), MAP_WAIT);
	assert_int_equal(asked_cache_get(c, SPAN("k199"), 1, &v), MAP_FOUND);
	asked_cache_free(&c);
}

/* --- template.c */

static void
test_templates(void **st)
{
	static const struct {
		const char	*text, *key, *filled;	/* NULL: a mistake */
	} rows[] = {
		{ "select 1", "k", "select 1" },
		{ "{key}", "ann@x.example", "ann@x.example" },
		{ "u={user},d={domain}.", "ann@x.example",
		    "u=ann,d=x.example." },
		{ "{user}|{domain}", "ann", "ann|" },
		{ "{user}|{domain}", "\"a@b\"@c", "\"a@b\"|c" },
		{ "{user}|{domain}", "@c", "|c" },
		{ "\\{key}", "k", "{key}" },
		{ "(cn=\\2a{key})}", "k", "(cn=\\2ak)}" },
		{ "\\\\{key}\\", "k", "\\k\\" },
		{ "", "k", "" },
		{ "{keys}", "k", NULL },
		{ "{", "k", NULL },
		{ "{key}{key}{key}{key}{key}{key}{key}{key}{key}{key}{key}"
		    "{key}{key}{key}{key}{key}{key}{key}{key}{key}{key}{key}"
		    "{key}{key}{key}{key}{key}{key}{key}{key}{key}{key}"
		    "{key}", "k", NULL },
	};
	struct asked_template	 t;
	struct buf		 b = { 0 };
	const char		*why;
	size_t			 i, k;

	(void)st;
	for (i = 0; i < N(rows); i++) {
		if (rows[i].filled == NULL) {
			assert_int_equal(asked_template_init(&t,
			    span_of(rows[i].text), &why), -1);
			assert_non_null(why);
			continue;
		}
		assert_int_equal(asked_template_init(&t,
		    span_of(rows[i].text), &why), 0);
		for (k = 0; k < t.n; k++)
			buf_add_span(&b, asked_part_value(&t.parts[k],
			    span_of(rows[i].key)));
		assert_true(span_eq(buf_span(&b), span_of(rows[i].filled)));
		buf_reset(&b);
		asked_template_clear(&t);
	}
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_rows_as_values),
		cmocka_unit_test(test_value_beyond_its_limit),
		cmocka_unit_test(test_kinds_check_values),
		cmocka_unit_test(test_cache_goes_by_the_clock),
		cmocka_unit_test(test_cache_drops_the_least_recently_used),
		cmocka_unit_test(test_cache_is_bounded_in_octets),
		cmocka_unit_test(test_failures_are_told_once),
		cmocka_unit_test(test_exact_ends_the_question),
		cmocka_unit_test(test_keys_in_the_kinds_order),
		cmocka_unit_test(test_keys_beside_each_other),
		cmocka_unit_test(test_answers_are_kept_for_their_time),
		cmocka_unit_test(test_no_answer_in_time),
		cmocka_unit_test(test_silence_right_behind_an_answer),
		cmocka_unit_test(test_cancelled_question_is_not_told),
		cmocka_unit_test(test_closing_answers_what_waits),
		cmocka_unit_test(test_too_many_questions),
		cmocka_unit_test(test_value_of_the_wrong_kind),
		cmocka_unit_test(test_addresses_as_servers_have_them),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
