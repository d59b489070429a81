/*
 * redis_test.c - commands as words, and what replies of redis say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <hiredis/hiredis.h>

#include "maps/asked/redis_command.h"

/* Words with '|' between them. */
static const struct {
	const char	*query, *key, *words;
} commands[] = {
	{ "GET mail:{key}", "ann", "GET|mail:ann" },
	{ " get\t mail:{key} ", "ann", "get|mail:ann" },
	{ "GET mail:{key}", "a b\r\nSET x y", "GET|mail:a b\r\nSET x y" },
	{ "GET {key}", "\" 'x", "GET|\" 'x" },
	{ "GET {key}", "{user}", "GET|{user}" },
	{ "HGET 'a b:{user}' {domain}", "ann@x", "HGET|a b:ann|x" },
	{ "HGET a\"b c\"d {key}", "k", "HGET|ab cd|k" },
	{ "HGET '' {key}", "k", "HGET||k" },
	{ "GET \\{{key}}", "k", "GET|{k}" },
};

static void
test_words(void **state)
{
	struct redis_command	 cmd;
	const char		*argv[REDIS_WORDS_MAX], *why;
	size_t			 lengths[REDIS_WORDS_MAX], i, j, n;
	struct arena		 arena = { 0 };
	struct buf		 all = { 0 };

	(void)state;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_int_equal(redis_command_init(&cmd,
		    span_of(commands[i].query), &why), 0);
		n = redis_command_fill(&cmd, span_of(commands[i].key),
		    &arena, argv, lengths);
		buf_reset(&all);
		for (j = 0; j < n; j++) {
			if (j > 0)
				buf_add_char(&all, '|');
			buf_add(&all, argv[j], lengths[j]);
		}
		assert_string_equal(buf_cstr(&all), commands[i].words);
		redis_command_clear(&cmd);
	}
	arena_clear(&arena);
	buf_clear(&all);
}

static void
test_no_commands(void **state)
{
	static const char *const	none[] = {
		"", "  ", "SET {key} 1", "DEL {key}", "{key}", "G{key}",
		"EVAL x 0", "MONITOR", "BLPOP {key} 0", "GET 'a", "GET {x}",
		"GET a a a a a a a a a a a a a a a a",
	};
	struct redis_command		cmd;
	const char			*why;
	size_t				i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		why = NULL;
		if (redis_command_init(&cmd, span_of(none[i]), &why) != -1)
			fail_msg("%s", none[i]);
		assert_non_null(why);
	}
}

/* --- replies, as hiredis reads them */

static const struct {
	const char	*query, *reply;
	enum map_result	 result;
	const char	*rows;	/* columns by '|', rows by '/', NULL as '-' */
	const char	*why;
} replies[] = {
	{ "GET {key}", "$5\r\nann@x\r\n", MAP_FOUND, "ann@x", NULL },
	{ "GET {key}", "$0\r\n\r\n", MAP_FOUND, "", NULL },
	{ "GET {key}", "$-1\r\n", MAP_NONE, NULL, NULL },
	{ "GET {key}", "+fine\r\n", MAP_FOUND, "fine", NULL },
	{ "HGET {key} n", ":0\r\n", MAP_FOUND, "0", NULL },
	{ "EXISTS {key}", ":0\r\n", MAP_NONE, NULL, NULL },
	{ "EXISTS {key}", ":1\r\n", MAP_FOUND, "", NULL },
	{ "SMEMBERS {key}", "*0\r\n", MAP_NONE, NULL, NULL },
	{ "SMEMBERS {key}", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", MAP_FOUND,
	    "a/b", NULL },
	{ "MGET {key} x", "*2\r\n$-1\r\n$1\r\nb\r\n", MAP_FOUND, "-/b",
	    NULL },
	{ "MGET {key} x", "*2\r\n$-1\r\n$-1\r\n", MAP_NONE, NULL, NULL },
	{ "HGETALL {key}", "*0\r\n", MAP_NONE, NULL, NULL },
	{ "HGETALL {key}", "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$0\r\n\r\n",
	    MAP_FOUND, "a=1|b=", NULL },
	{ "HGETALL {key}", "*3\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n",
	    MAP_FOUND, "a=1", NULL },
	{ "HMGET {key} a b", "*2\r\n$1\r\n1\r\n$-1\r\n", MAP_FOUND, "a=1|b-",
	    NULL },
	{ "LRANGE {key} 0 -1", "*1\r\n*1\r\n$1\r\na\r\n", MAP_BROKEN, NULL,
	    "no list" },
	{ "GET {key}", "-WRONGTYPE Operation\r\n", MAP_BROKEN, NULL,
	    "WRONGTYPE" },
	{ "GET {key}", "-NOAUTH Authentication\r\n", MAP_BROKEN, NULL,
	    "NOAUTH" },
	{ "GET {key}", "-NOPERM this user\r\n", MAP_BROKEN, NULL, "NOPERM" },
	{ "GET {key}", "-ERR no such\r\n", MAP_BROKEN, NULL, "no such" },
	{ "GET {key}", "-LOADING Redis is\r\n", MAP_LATER, NULL, "LOADING" },
	{ "GET {key}", "-READONLY You\r\n", MAP_LATER, NULL, "READONLY" },
	{ "GET {key}", "-OOM command\r\n", MAP_LATER, NULL, "OOM" },
	{ "GET {key}", "-MASTERDOWN Link\r\n", MAP_LATER, NULL, "Link" },
	{ "GET {key}", "-BUSY\r\n", MAP_LATER, NULL, "BUSY" },
};

static void
print_rows(const struct asked_rows *rows, struct buf *out)
{
	size_t	 i, j;

	for (i = 0; i < rows->nrows; i++) {
		if (i > 0)
			buf_add_char(out, '/');
		for (j = 0; j < rows->ncolumns; j++) {
			struct span	 v = rows->values[i *
			    rows->ncolumns + j];

			if (j > 0)
				buf_add_char(out, '|');
			if (rows->names != NULL)
				buf_addf(out, "%s%s", rows->names[j],
				    v.p == NULL ? "" : "=");
			if (v.p == NULL)
				buf_add_char(out, '-');
			else
				buf_add_span(out, v);
		}
	}
}

static redisReply *
read_reply(const char *octets)
{
	redisReader	*reader = redisReaderCreate();
	void		*reply = NULL;

	assert_int_equal(redisReaderFeed(reader, octets, strlen(octets)),
	    REDIS_OK);
	assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
	assert_non_null(reply);
	redisReaderFree(reader);
	return reply;
}

static void
is_reply(size_t i)
{
	struct redis_command	 cmd;
	struct asked_gather	 g = { 0 };
	struct asked_rows	 rows;
	struct buf		 text = { 0 };
	redisReply		*reply = read_reply(replies[i].reply);
	char			 why[256] = "";
	const char		*no;

	assert_int_equal(redis_command_init(&cmd, span_of(replies[i].query),
	    &no), 0);
	if (redis_reply_rows(&cmd, reply, &g, &rows, why) !=
	    replies[i].result)
		fail_msg("%s", replies[i].reply);
	if (replies[i].rows != NULL) {
		print_rows(&rows, &text);
		assert_string_equal(buf_cstr(&text), replies[i].rows);
	}
	if (replies[i].why != NULL)
		assert_non_null(strstr(why, replies[i].why));
	else
		assert_string_equal(why, "");
	freeReplyObject(reply);
	asked_gather_clear(&g);
	buf_clear(&text);
	redis_command_clear(&cmd);
}

static void
test_replies(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		is_reply(i);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_no_commands),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
