/*
 * log_test.c - lines: their shape, their gathering, and what peers wrote.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static int	pipes[2];

static const char *
written(void)
{
	static char	text[200000];
	ssize_t		n = read(pipes[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static int
open_pipe(void **state)
{
	(void)state;
	if (pipe(pipes) == -1)
		return -1;
	log_open("test", pipes[1], LOG_L_INFO);
	return 0;
}

static void
a_line_has_time_process_and_level(void **state)
{
	int		y, mo, d, h, mi, s, ms, n = 0;
	long		pid;
	const char	*line;

	(void)state;
	log_info("event=%s n=%d", "x", 7);
	line = written();
	assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ test[%ld] "
	    "info event=x n=7%n", &y, &mo, &d, &h, &mi, &s, &ms, &pid, &n), 8);
	assert_int_equal(pid, getpid());
	assert_true(y > 2000 && mo >= 1 && mo <= 12 && d >= 1 && s <= 60);
	assert_string_equal(line + n, "\n");
}

static void
errno_is_told_and_kept(void **state)
{
	(void)state;
	errno = ENOENT;
	log_warn("file=%s", "x");
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(written(),
	    " warn file=x: No such file or directory\n"));
	log_warnx("file=%s", "x");
	assert_non_null(strstr(written(), " warn file=x\n"));
}

static void
a_text_cannot_forge_a_line(void **state)
{
	const char	*line;

	(void)state;
	log_info("text=%s", "a\nb\r\nc");
	line = written();
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_null(strchr(line, '\r'));
}

static void
gathered_lines_leave_together(void **state)
{
	const char	*lines;

	(void)state;
	log_gather(true);
	log_info("one");
	log_debug("not wanted");
	log_info("two");
	log_warnx("three");
	log_flush();
	lines = written();
	assert_non_null(strstr(lines, "one\n"));
	assert_non_null(strstr(lines, "two\n"));
	assert_non_null(strstr(lines, "three\n"));
	assert_null(strstr(lines, "not wanted"));
	log_gather(false);
}

static void
a_long_line_is_cut(void **state)
{
	char	text[10000];

	(void)state;
	memset(text, 'x', sizeof(text));
	log_info("%.*s", (int)sizeof(text), text);
	assert_true(strlen(written()) <= 4096);
}

static void
a_whole_line_is_not_cut(void **state)
{
	char		text[10000];
	const char	*line;

	(void)state;
	memset(text, 'x', sizeof(text));
	log_gather(true);
	log_info("before");
	log_whole("what", (struct span){ text, sizeof(text) });
	line = strstr(written(), "before\n");
	assert_non_null(line);
	line = strstr(line, " info what x");
	assert_non_null(line);
	assert_int_equal(strspn(line + 11, "x"), sizeof(text));
	assert_string_equal(line + 11 + sizeof(text), "\n");
	log_gather(false);
	log_open("test", pipes[1], LOG_L_WARN);
	log_whole("what", (struct span){ text, 1 });
	log_open("test", pipes[1], LOG_L_INFO);
	log_info("after");
	assert_null(strstr(written(), "what"));
}

static void
levels_have_names(void **state)
{
	enum log_level	level = LOG_L_DEBUG;

	(void)state;
	assert_true(log_level_parse("error", &level));
	assert_int_equal(level, LOG_L_ERROR);
	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_L_DEBUG);
	assert_false(log_level_parse("loud", &level));
	assert_false(log_level_parse("", &level));
}

static void
fatal_ends_with_status_1(void **state)
{
	char	wanted[80];
	int	status;
	pid_t	pid;

	(void)state;
	log_info("before");	/* the parent's number is known by now */
	(void)written();
	if ((pid = fork()) == 0) {
		errno = EACCES;
		fatal("cannot");
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	(void)snprintf(wanted, sizeof(wanted),
	    " test[%ld] error cannot: Permission denied\n", (long)pid);
	assert_non_null(strstr(written(), wanted));
}

static const struct { struct span in; const char *log, *json; } quotes[] = {
	{ S("plain"), "plain", "\"plain\"" },
	{ S(""), "\"\"", "\"\"" },
	{ S("a b"), "\"a b\"", "\"a b\"" },
	{ S("a=b"), "\"a=b\"", "\"a=b\"" },
	{ S("say \"x\\\""), "\"say \\\"x\\\\\\\"\"",
	    "\"say \\\"x\\\\\\\"\"" },
	{ S("l\r\n"), "l\\x0d\\x0a", "\"l\\r\\n\"" },
	{ S("\x1b[2J"), "\\x1b[2J", "\"\\u001b[2J\"" },
	{ S("\0"), "\\x00", "\"\\u0000\"" },
	{ S("\x7f"), "\\x7f", "\"\\u007f\"" },
	{ S("\xc3\xa4"), "\xc3\xa4", "\"\xc3\xa4\"" },
	{ S("\xc2\x9b"), "\\xc2\\x9b", "\"\\u009b\"" },
	{ S("\xff" "a"), "\\xffa", "\"\\ufffda\"" },
	{ S("\xc3"), "\\xc3", "\"\\ufffd\"" },
};

static void
peer_text_is_escaped(void **state)
{
	struct buf	b = { 0 };
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(quotes); i++) {
		assert_string_equal(log_quote(quotes[i].in), quotes[i].log);
		json_quote(&b, quotes[i].in);
		assert_string_equal(buf_cstr(&b), quotes[i].json);
		buf_clear(&b);
	}
}

static void
long_peer_text_is_cut(void **state)
{
	char		text[300];
	const char	*q;
	int		i;

	(void)state;
	memset(text, 0x01, sizeof(text));
	q = log_quote(span_mem(text, sizeof(text)));
	assert_int_equal(strlen(q), 200 * 4 + 3);
	for (i = 0; i < 31; i++)
		(void)log_quote(SPAN("other"));
	assert_string_equal(q + strlen(q) - 3, "...");
}

static void
json_has_its_commas(void **state)
{
	struct buf	b = { 0 };
	struct json	j;

	(void)state;
	json_init(&j, &b);
	json_object(&j, NULL);
	json_str(&j, "a", "x");
	json_str(&j, "none", NULL);
	json_array(&j, "list");
	json_int(&j, NULL, -1);
	json_uint(&j, NULL, UINT64_MAX);
	json_object(&j, NULL);
	json_int(&j, "k", 1);
	json_int(&j, "l", 2);
	json_object_end(&j);
	json_array_end(&j);
	json_object(&j, "empty");
	json_object_end(&j);
	json_bool(&j, "yes", true);
	json_raw(&j, "raw", SPAN("[1]"));
	json_object_end(&j);
	assert_string_equal(buf_cstr(&b), "{\"a\":\"x\",\"none\":null,"
	    "\"list\":[-1,18446744073709551615,{\"k\":1,\"l\":2}],"
	    "\"empty\":{},\"yes\":true,\"raw\":[1]}");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_line_has_time_process_and_level),
		cmocka_unit_test(errno_is_told_and_kept),
		cmocka_unit_test(a_text_cannot_forge_a_line),
		cmocka_unit_test(gathered_lines_leave_together),
		cmocka_unit_test(a_long_line_is_cut),
		cmocka_unit_test(a_whole_line_is_not_cut),
		cmocka_unit_test(levels_have_names),
		cmocka_unit_test(fatal_ends_with_status_1),
		cmocka_unit_test(peer_text_is_escaped),
		cmocka_unit_test(long_peer_text_is_cut),
		cmocka_unit_test(json_has_its_commas),
	};

	return cmocka_run_group_tests(tests, open_pipe, NULL);
}
