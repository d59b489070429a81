/*
 * command_test.c - commands as arguments, values as parts of them.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/command.h"

static void
commands_are_divided(void **state)
{
	static const struct { const char *command, *wanted; } rows[] = {
		{ "/bin/x", "[/bin/x]" },
		{ "  /bin/x \t a  b ", "[/bin/x][a][b]" },
		{ "/bin/x 'a b' \"c d\"", "[/bin/x][a b][c d]" },
		{ "/bin/x a'b c'd", "[/bin/x][ab cd]" },
		{ "/bin/x '' \"\" \\0", "[/bin/x][][][]" },
		{ "/bin/x a\\ b '\\'' \\$x", "[/bin/x][a b]['][$x]" },
		{ "/bin/x 'a", NULL }, { "/bin/x \\", NULL }, { "", NULL },
		{ " ", NULL }, { "''", NULL }, { "/bin/x \\-a", NULL },
		{ "/bin/x -a b\\-c", "[/bin/x][-a][b-c]" },
	};
	struct arena	 ar = { 0 };
	struct buf	 got = { 0 };
	const char	*why = NULL;
	char		**argv;
	size_t		 i;
	int		 n, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = command_split(span_of(rows[i].command), &ar, &argv, &why);
		if (rows[i].wanted == NULL) {
			assert_int_equal(n, -1);
			assert_non_null(why);
			continue;
		}
		buf_reset(&got);
		for (k = 0; k < n; k++)
			buf_addf(&got, "[%s]", argv[k]);
		assert_string_equal(buf_cstr(&got), rows[i].wanted);
		assert_null(argv[n]);
	}
	buf_clear(&got);
	arena_clear(&ar);
}

static void
a_value_is_one_argument(void **state)
{
	static const char *const	values[] = {
		"plain", "", "a b", "$(id)", "';rm -rf /;'", "\"", "\\", "x\ny",
		"0", "o'neil@e.example", "\xc3\xa9"
	};
	struct arena	 ar = { 0 };
	const char	*why;
	char		**argv;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct span	 command = arena_join(&ar, SPAN("/p 'a "),
		    command_argument(span_of(values[i]), &ar), SPAN("' z"));

		assert_int_equal(command_split(command, &ar, &argv, &why), 3);
		assert_int_equal(strncmp(argv[1], "a ", 2), 0);
		assert_string_equal(argv[1] + 2, values[i]);
		assert_string_equal(argv[2], "z");
	}
	arena_clear(&ar);
}

static void
what_a_shell_would_read_is_seen(void **state)
{
	(void)state;
	assert_int_equal(command_shell(SPAN("/p a 'b;c' \\$d")), '\0');
	assert_int_equal(command_shell(SPAN("/p a; b")), ';');
	assert_int_equal(command_shell(SPAN("/p 'a' | b")), '|');
	assert_int_equal(command_shell(SPAN("/p `id`")), '`');
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(commands_are_divided),
		cmocka_unit_test(a_value_is_one_argument),
		cmocka_unit_test(what_a_shell_would_read_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
