/*
 * cache_test.c - passwords that were right: found by all that they belong to,
 * for their time, and by nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "mta/auth/cache.h"

static void
is_found_by_all_of_it(void **state)
{
	struct cache	*c = cache_new(), *other = cache_new();
	uint8_t		 id[CACHE_ID], wrong[CACHE_ID];

	(void)state;
	cache_id(c, SPAN("users"), SPAN("ann"), SPAN("one"), id);
	assert_false(cache_any(c, id, 1));
	cache_put(c, id, SPAN("$y$hash"), 1, 100);
	assert_true(cache_any(c, id, 1));
	assert_true(cache_has(c, id, SPAN("$y$hash"), 99));
	assert_false(cache_has(c, id, SPAN("$y$new"), 1));
	assert_false(cache_has(c, id, SPAN("$y$hash"), 100));
	assert_false(cache_any(c, id, 100));
	cache_id(c, SPAN("users"), SPAN("ann"), SPAN("two"), wrong);
	assert_false(cache_any(c, wrong, 1));
	cache_id(c, SPAN("users"), SPAN("bob"), SPAN("one"), wrong);
	assert_false(cache_any(c, wrong, 1));
	cache_id(c, SPAN("usersa"), SPAN("nn"), SPAN("one"), wrong);
	assert_false(cache_any(c, wrong, 1));
	/* Each process has a key of its own. */
	cache_id(other, SPAN("users"), SPAN("ann"), SPAN("one"), wrong);
	assert_memory_not_equal(id, wrong, sizeof(id));
	cache_clear(c);
	assert_false(cache_any(c, id, 1));
	cache_free(&c);
	cache_free(&other);
	assert_null(c);
}

static void
the_latest_secret_counts(void **state)
{
	struct cache	*c = cache_new();
	uint8_t		 id[CACHE_ID];

	(void)state;
	cache_id(c, SPAN("users"), SPAN("ann"), SPAN("one"), id);
	cache_put(c, id, SPAN("old"), 1, 100);
	cache_put(c, id, SPAN("new"), 2, 100);
	assert_true(cache_has(c, id, SPAN("new"), 3));
	assert_false(cache_has(c, id, SPAN("old"), 3));
	cache_put(c, id, SPAN("never"), 3, 3);
	assert_false(cache_has(c, id, SPAN("never"), 3));
	cache_free(&c);
}

/* More than there is room for: the last ones are there, and memory stays. */
static void
it_is_bounded(void **state)
{
	struct cache	*c = cache_new();
	uint8_t		 id[CACHE_ID];
	unsigned	 i, found = 0, n = 3 * CACHE_ENTRIES;
	char		 user[16];

	(void)state;
	for (i = 0; i < n; i++) {
		(void)snprintf(user, sizeof(user), "u%u", i);
		cache_id(c, SPAN("users"), span_of(user), SPAN("one"), id);
		cache_put(c, id, SPAN("s"), 1, 1000 + (int64_t)i);
	}
	assert_true(cache_has(c, id, SPAN("s"), 1));
	for (i = 0; i < n; i++) {
		(void)snprintf(user, sizeof(user), "u%u", i);
		cache_id(c, SPAN("users"), span_of(user), SPAN("one"), id);
		found += cache_any(c, id, 1);
	}
	assert_in_range(found, CACHE_ENTRIES / 2, CACHE_ENTRIES);
	cache_free(&c);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(is_found_by_all_of_it),
		cmocka_unit_test(the_latest_secret_counts),
		cmocka_unit_test(it_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
