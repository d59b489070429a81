/*
 * bdd_test.c - decision diagrams against all assignments of few variables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cf/bdd.h"

#define VARS	4

static bool
truth(const struct bdd *b, bdd_node f, unsigned bits)
{
	int8_t		 values[VARS + 1] = { 0 };
	unsigned	 i;

	for (i = 0; i < VARS; i++)
		values[i + 1] = bits >> i & 1;
	return bdd_eval(b, f, values);
}

/* A function of VARS variables from its table of 2^VARS bits. */
static bdd_node
from_table(struct bdd *b, unsigned table)
{
	bdd_node	 f = BDD_FALSE, term;
	unsigned	 bits, i;

	for (bits = 0; bits < 1u << VARS; bits++) {
		if ((table >> bits & 1) == 0)
			continue;
		term = BDD_TRUE;
		for (i = 0; i < VARS; i++)
			term = bdd_and(b, term, bits >> i & 1 ?
			    bdd_var(b, i + 1) : bdd_not(b, bdd_var(b, i + 1)));
		f = bdd_or(b, f, term);
	}
	return f;
}

static void
agrees_with_tables(void **state)
{
	struct bdd	*b = bdd_new(1 << 16, 10000000);
	unsigned	 t, u, bits;
	bdd_node	 f, g, h;

	(void)state;
	srand(7);
	for (t = 0; t < 300; t++) {
		u = (unsigned)rand() & 0xffff;
		f = from_table(b, u);
		g = from_table(b, (unsigned)rand() & 0xffff);
		h = bdd_ite(b, f, g, bdd_not(b, g));
		for (bits = 0; bits < 1u << VARS; bits++) {
			assert_int_equal(truth(b, f, bits), u >> bits & 1);
			assert_int_equal(truth(b, bdd_and(b, f, g), bits),
			    truth(b, f, bits) && truth(b, g, bits));
			assert_int_equal(truth(b, bdd_or(b, f, g), bits),
			    truth(b, f, bits) || truth(b, g, bits));
			assert_int_equal(truth(b, h, bits),
			    truth(b, f, bits) == truth(b, g, bits));
		}
		/* The same function has the same number. */
		assert_int_equal(f, bdd_not(b, bdd_not(b, f)));
		assert_int_equal(bdd_or(b, f, bdd_not(b, f)), BDD_TRUE);
		assert_int_equal(bdd_and(b, f, bdd_not(b, f)), BDD_FALSE);
	}
	bdd_free(&b);
	assert_null(b);
}

static void
finds_a_path(void **state)
{
	struct bdd	*b = bdd_new(1 << 16, 10000000);
	int8_t		 values[VARS + 1];
	unsigned	 table;
	bdd_node	 f;

	(void)state;
	for (table = 1; table < 0x10000; table += 37) {
		f = from_table(b, table);
		memset(values, -1, sizeof(values));
		assert_true(bdd_path(b, f, values));
		assert_true(bdd_eval(b, f, values));
	}
	assert_false(bdd_path(b, BDD_FALSE, values));
	bdd_free(&b);
}

static void
knows_on_what_it_depends(void **state)
{
	struct bdd	*b = bdd_new(1 << 16, 1000000);
	bdd_node	 x = bdd_var(b, 1), y = bdd_var(b, 2), f;

	(void)state;
	f = bdd_or(b, bdd_and(b, x, y), bdd_and(b, x, bdd_not(b, y)));
	assert_int_equal(f, x);
	assert_true(bdd_depends(b, f, 1));
	assert_false(bdd_depends(b, f, 2));
	bdd_free(&b);
}

/* What exceeds the bounds is told as such, and stays so. */
static void
work_is_bounded(void **state)
{
	struct bdd	*b = bdd_new(64, 1000000);
	bdd_node	 f = BDD_TRUE;
	uint32_t	 i;

	(void)state;
	for (i = 1; i < 200; i++)
		f = bdd_and(b, f, bdd_var(b, i));
	assert_int_equal(f, BDD_TOO_MUCH);
	assert_int_equal(bdd_not(b, f), BDD_TOO_MUCH);
	assert_int_equal(bdd_var(b, BDD_VARS_MAX + 1), BDD_TOO_MUCH);
	bdd_free(&b);
}

/* Blocks of many rules: a later variable stands above the earlier ones. */
static void
a_long_block_is_quick(void **state)
{
	struct bdd	*b = bdd_new(1 << 20, 100000);
	bdd_node	 left = BDD_TRUE;
	uint32_t	 i;

	(void)state;
	for (i = 1; i <= 5000; i++)
		left = bdd_and(b, left, bdd_not(b, bdd_var(b, i)));
	assert_true(left != BDD_FALSE && left != BDD_TOO_MUCH);
	bdd_free(&b);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(agrees_with_tables),
		cmocka_unit_test(finds_a_path),
		cmocka_unit_test(knows_on_what_it_depends),
		cmocka_unit_test(work_is_bounded),
		cmocka_unit_test(a_long_block_is_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
