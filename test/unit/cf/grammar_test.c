/*
 * grammar_test.c - policies made by chance out of the grammar: most compile,
 * and what the compiler makes of them holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test/fuzz/policy_check.h"
#include "test/fuzz/policy_grammar.h"

#define NPOLICIES	300
#define CHOICES_MAX	300

static void
policies_by_chance_hold(void **state)
{
	uint8_t		 choices[CHOICES_MAX];
	struct buf	 text = { 0 };
	unsigned	 i, k, n, compiled = 0;

	(void)state;
	for (i = 0; i < NPOLICIES; i++) {
		srandom(i + 1);
		n = 1 + (unsigned)random() % CHOICES_MAX;
		for (k = 0; k < n; k++)
			choices[k] = (uint8_t)(random() >> 8);
		buf_reset(&text);
		policy_grammar(span_mem(choices, n), &text);
		compiled += policy_check(buf_span(&text));
	}
	print_message("%u of %u compiled\n", compiled, NPOLICIES);
	assert_true(compiled >= NPOLICIES / 4);
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(policies_by_chance_hold),
	};

	return cmocka_run_group_tests_name("cf/grammar", tests, NULL, NULL);
}
