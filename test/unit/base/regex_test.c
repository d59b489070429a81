/*
 * regex_test.c - what matches, with which groups; that no expression takes
 * long; that all is the same where no machine code can be had.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include <seccomp.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/regex.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

/* wanted: "no", "too much", or the groups, "-" for one without a part. */
static const struct { const char *re, *subject, *wanted; bool icase; }
rows[] = {
	{ "b", "abc", "b", false },
	{ "x", "abc", "no", false },
	{ "^$", "", "", false },
	{ "(a)(b)?(c)", "ac", "ac|a|-|c", false },
	{ "(a)|(b)", "a", "a|a|-", false },
	{ "make money", "Make MONEY fast", "Make MONEY", true },
	{ "make money", "Make MONEY fast", "no", false },
	{ "(?<user>[^@]+)@(?<host>.+)", "ann@x.example",
	    "ann@x.example|ann|x.example", false },
	/* characters in UTF-8, octets in what is none */
	{ "^.$", "\xc3\xa9", "\xc3\xa9", false },
	{ "^..$", "\xc3\xa9", "no", false },
	{ "^..$", "\xff\xc3", "\xff\xc3", false },
	{ "a.*z", "a \xff z", "a \xff z", false },
	{ "\xc3\x89", "caf\xc3\xa9", "\xc3\xa9", true },
	{ "\\x{20ac}|euro", "\xe2\x82\xac", "\xe2\x82\xac", false },
	{ "\\x{20ac}|euro", "\xff""euro", "euro", false },
	/* the end is the end, also before a line feed */
	{ "a$", "a\n", "no", false },
	{ "(?<=a)b", "ab", "b", false },
	{ "(?=a\\K)", "a", "refused", false },
};

static struct regex *
compiled(const char *text, bool icase)
{
	char	why[100];
	size_t	at;

	return regex_compile(span_of(text), icase, &at, why, sizeof(why));
}

static void
describe(const struct regex *re, struct span subject, struct buf *out)
{
	struct span	groups[REGEX_GROUPS_MAX];
	unsigned	n;

	switch (regex_match(re, subject, groups, &n)) {
	case REGEX_NO:
		buf_add_str(out, "no");
		return;
	case REGEX_TOO_MUCH:
		buf_add_str(out, "too much");
		return;
	default:
		break;
	}
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			buf_add_char(out, '|');
		if (groups[i].p == NULL)
			buf_add_char(out, '-');
		else
			buf_add_span(out, groups[i]);
	}
}

/* The number of rows that come out otherwise. */
static unsigned
run_rows(bool tell)
{
	unsigned	bad = 0;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct regex	*re = compiled(rows[i].re, rows[i].icase);
		struct buf	 got = { 0 };

		if (re == NULL)
			buf_add_str(&got, "refused");
		else
			describe(re, span_of(rows[i].subject), &got);
		if (strcmp(buf_cstr(&got), rows[i].wanted) != 0) {
			bad++;
			if (tell)
				print_error("/%s/ on \"%s\": %s\n", rows[i].re,
				    rows[i].subject, buf_cstr(&got));
		}
		regex_free(&re);
		buf_clear(&got);
	}
	return bad;
}

static void
test_each_row_matches_as_it_says(void **state)
{
	(void)state;
	assert_int_equal(run_rows(true), 0);
}

static const struct { const char *re; size_t at; const char *why; }
refused[] = {
	{ "a(b", 3, "missing closing parenthesis" },
	{ "*a", 0, "quantifier does not follow" },
	{ "[z-a]", 3, "range out of order" },
	{ "\\C", 2, "\\C is disabled" },
	{ "()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()",
	    64, "more than 31 groups" },
};

static void
test_what_is_no_expression_is_told(void **state)
{
	char	why[100], tiny[4];
	size_t	at;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		assert_null(regex_compile(span_of(refused[i].re), false, &at,
		    why, sizeof(why)));
		if (strstr(why, refused[i].why) == NULL)
			fail_msg("%s: %s", refused[i].re, why);
		assert_in_range(at, 0, strlen(refused[i].re));
	}
	assert_null(regex_compile(SPAN("a(b"), false, &at, tiny,
	    sizeof(tiny)));
	assert_int_equal(at, 3);
	assert_int_equal(tiny[3], '\0');
}

static void
test_a_long_expression_is_refused(void **state)
{
	char		*text = malloc(REGEX_TEXT_MAX + 1), why[100];
	size_t		 at;
	struct regex	*re;

	(void)state;
	memset(text, 'a', REGEX_TEXT_MAX + 1);
	assert_null(regex_compile(span_mem(text, REGEX_TEXT_MAX + 1), false,
	    &at, why, sizeof(why)));
	assert_non_null(strstr(why, "longer than 4096"));
	re = regex_compile(span_mem(text, REGEX_TEXT_MAX), false, &at, why,
	    sizeof(why));
	assert_non_null(re);
	regex_free(&re);
	regex_free(&re);
	free(text);
}

static void
test_groups_have_numbers_and_names(void **state)
{
	struct regex	*re = compiled("(a)(?<two>b)(?<three>c)", false);

	(void)state;
	assert_int_equal(regex_ngroups(re), 3);
	assert_int_equal(regex_group(re, SPAN("two")), 2);
	assert_int_equal(regex_group(re, SPAN("three")), 3);
	assert_int_equal(regex_group(re, SPAN("one")), 0);
	assert_int_equal(regex_group_name(re, 1).n, 0);
	assert_true(span_eq(regex_group_name(re, 2), SPAN("two")));
	regex_free(&re);
}

/*
 * Expressions that take exponential or polynomial time by themselves, each on
 * so many times `part` and then `end`.
 */
static const struct { const char *re, *part, *end; size_t times; } slow[] = {
	{ "(a+)+$", "a", "b", 64 },
	{ "(a+)+$", "a", "b", 60000 },
	{ "^(a|aa)+$", "a", "b", 60000 },
	{ "(x+x+)+[yz]", "x", "", 60000 },
	{ ".*.*.*[=;].*", "x", "", 60000 },
	{ ".*.*.*[=;].*", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", "", 1500 },
	{ "x.*.*.*[=;].*", "x", "", 1000 },
	{ "x.*.*[=;].*", "x", "", 60000 },
	{ "(?:(?:a*)*)*[bc]", "a", "", 60000 },
	{ "(.*)(.*)(.*)(.*)(.*)[xy]", "\xff", "", 60000 },
	{ "(a?){40}a{40}", "a", "", 39 },
	{ "(?s)a.*?a.*?a.*?a.*?[yz]", "a", "", 60000 },
};

static int64_t
time_of(const char *text, struct span subject, struct buf *out)
{
	struct regex	*re = compiled(text, false);
	int64_t		 start = clock_boot_ms();

	assert_non_null(re);
	describe(re, subject, out);
	regex_free(&re);
	return clock_boot_ms() - start;
}

static void
test_no_expression_takes_long(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(slow); i++) {
		struct buf	subject = { 0 }, out = { 0 };
		int64_t		ms;

		for (size_t k = 0; k < slow[i].times; k++)
			buf_add_str(&subject, slow[i].part);
		buf_add_str(&subject, slow[i].end);
		ms = time_of(slow[i].re, buf_span(&subject), &out);
		print_message("/%s/ %zu times: %s in %d ms\n", slow[i].re,
		    slow[i].times, buf_cstr(&out), (int)ms);
		assert_true(buf_span(&out).n <= 8);	/* no, too much */
		assert_in_range(ms, 0, 20 * REGEX_TIME_MS);
		buf_clear(&subject);
		buf_clear(&out);
	}
}

/* What the first try gives up for its length, but not for its nature. */
static void
test_a_long_subject_is_searched_to_its_end(void **state)
{
	struct buf	subject = { 0 }, out = { 0 };

	(void)state;
	for (unsigned i = 0; i < 6000; i++)
		buf_add_str(&subject, i % 200 == 0 ? "a" : "\xc3\xa9");
	buf_add_str(&subject, "needle!");
	time_of("a.*needle(.)$", buf_span(&subject), &out);
	assert_int_equal(buf_cstr(&out)[buf_span(&out).n - 1], '!');
	buf_reset(&out);
	time_of("needle(.)", buf_span(&subject), &out);
	assert_string_equal(buf_cstr(&out), "needle!|!");
	buf_clear(&subject);
	buf_clear(&out);
}

/* mprotect and mmap for execution are refused from here on. */
static void
forbid_machine_code(void)
{
	scmp_filter_ctx	f = seccomp_init(SCMP_ACT_ALLOW);

	if (f == NULL || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) != 0 ||
	    seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) != 0 ||
	    seccomp_load(f) != 0)
		_exit(100);
	seccomp_release(f);
}

/* Before anything else: what is allocated once would be used later. */
static int
without_machine_code(void)
{
	struct regex	*re;
	pid_t		 child = fork();
	int		 status;

	if (child == 0) {
		forbid_machine_code();
		if ((re = compiled("a", false)) == NULL)
			_exit(101);
		if (regex_is_compiled(re))
			_exit(102);
		regex_free(&re);
		_exit((int)run_rows(true));
	}
	if (child == -1 || waitpid(child, &status, 0) == -1)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_without_machine_code_all_is_the_same(void **state)
{
	assert_int_equal(*(int *)*state, 0);
}

static void
test_here_it_runs_as_machine_code(void **state)
{
	struct regex	*re = compiled("a", false);

	(void)state;
	assert_true(regex_is_compiled(re));
	regex_free(&re);
}

int
main(void)
{
	static int	without;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_matches_as_it_says),
		cmocka_unit_test(test_what_is_no_expression_is_told),
		cmocka_unit_test(test_a_long_expression_is_refused),
		cmocka_unit_test(test_groups_have_numbers_and_names),
		cmocka_unit_test(test_no_expression_takes_long),
		cmocka_unit_test(test_a_long_subject_is_searched_to_its_end),
		cmocka_unit_test(test_here_it_runs_as_machine_code),
		cmocka_unit_test_prestate(
		    test_without_machine_code_all_is_the_same, &without),
	};

	without = without_machine_code();
	return cmocka_run_group_tests_name("base/regex", tests, NULL, NULL);
}
