/*
 * order_test.c - ranks and weights, by numbers that are no chance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/relay/order.h"

#define DRAWS	60000

/* One after the other, from a row that is always the same. */
static uint32_t
row(void *arg)
{
	uint64_t	*x = arg;

	*x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*x >> 32);
}

static uint32_t
always(void *arg)
{
	return *(const uint32_t *)arg;
}

static void
smaller_ranks_come_first(void **state)
{
	struct order_item	it[] = {
		{ 30, 1, 0 }, { 10, 1, 1 }, { 20, 65535, 2 }, { 10, 0, 3 },
		{ 5, 0, 4 }
	};
	uint64_t		seed = 1;
	size_t			i;

	(void)state;
	order_items(it, 5, row, &seed);
	assert_int_equal(it[0].index, 4);
	for (i = 1; i < 5; i++)
		assert_true(it[i - 1].rank <= it[i].rank);
	order_items(it, 0, row, &seed);
}

/* How often each of n is the first, in DRAWS. */
static void
first_ones(const uint16_t *weights, size_t n, unsigned *firsts)
{
	struct order_item	it[8];
	uint64_t		seed = 20260101;
	unsigned		k;
	size_t			i;

	for (i = 0; i < n; i++)
		firsts[i] = 0;
	for (k = 0; k < DRAWS; k++) {
		for (i = 0; i < n; i++)
			it[i] = (struct order_item){ 7, weights[i],
			    (uint16_t)i };
		order_items(it, n, row, &seed);
		firsts[it[0].index]++;
	}
}

static void
about(unsigned got, unsigned want)
{
	unsigned	off = got > want ? got - want : want - got;

	if (off > want / 20 + 30)
		fail_msg("%u, not about %u", got, want);
}

static void
first_places_go_by_weight(void **state)
{
	static const uint16_t	weights[] = { 3, 1, 2 };
	unsigned		n[3];

	(void)state;
	first_ones(weights, 3, n);
	about(n[0], DRAWS / 2);
	about(n[1], DRAWS / 6);
	about(n[2], DRAWS / 3);
}

static void
without_weights_all_are_the_same(void **state)
{
	static const uint16_t	weights[] = { 0, 0, 0, 0 };
	unsigned		n[4], i;

	(void)state;
	first_ones(weights, 4, n);
	for (i = 0; i < 4; i++)
		about(n[i], DRAWS / 4);
}

/* RFC 2782: a very small chance beside weights greater than 0. */
static void
weight_zero_is_seldom_the_first(void **state)
{
	static const uint16_t	weights[] = { 0, 99 };
	unsigned		n[2];

	(void)state;
	first_ones(weights, 2, n);
	about(n[0], DRAWS / 100);
	assert_int_equal(n[0] + n[1], DRAWS);
}

static void
the_second_place_is_drawn_from_the_rest(void **state)
{
	static uint32_t		top = UINT32_MAX - 5;
	struct order_item	it[] = { { 1, 5, 0 }, { 1, 1, 1 }, { 1, 4, 2 } };
	unsigned		seen = 0;
	size_t			i;

	(void)state;
	order_items(it, 3, always, &top);
	for (i = 0; i < 3; i++)
		seen |= 1u << it[i].index;
	assert_int_equal(seen, 7);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(smaller_ranks_come_first),
		cmocka_unit_test(first_places_go_by_weight),
		cmocka_unit_test(without_weights_all_are_the_same),
		cmocka_unit_test(weight_zero_is_seldom_the_first),
		cmocka_unit_test(the_second_place_is_drawn_from_the_rest)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
