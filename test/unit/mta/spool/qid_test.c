/*
 * qid_test.c - queue ids rise, are unique over instances, and sort as text.
 */
#include "mta/spool/qid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_ids_rise_however_many_are_taken_in_one_microsecond(void **state)
{
	struct qid_gen	g = { .instance = 3 };
	uint64_t	before = 0, q;
	int		i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		q = qid_next(&g);
		assert_true(q > before);
		assert_int_equal(q >> 6 & 63, 3);
		before = q;
	}
}

static void
test_instances_never_give_out_the_same(void **state)
{
	struct qid_gen	a = { .instance = 0 }, b = { .instance = 1 };
	uint64_t	of_a[500], q;
	size_t		i, k;

	(void)state;
	for (i = 0; i < 500; i++)
		of_a[i] = qid_next(&a);
	for (i = 0; i < 500; i++) {
		q = qid_next(&b);
		for (k = 0; k < 500; k++)
			assert_true(q != of_a[k]);
	}
}

static void
test_a_floor_holds_when_the_clock_was_set_back(void **state)
{
	struct qid_gen	g = { .instance = 62 };
	uint64_t	floor = UINT64_C(0x7000000000000FFF), q;

	(void)state;
	qid_floor(&g, floor);
	q = qid_next(&g);
	assert_true(q > floor);
	assert_true(qid_next(&g) > q);
	qid_floor(&g, 1);	/* a lower one changes nothing */
	assert_true(qid_next(&g) > q);
}

static void
test_text_is_read_back_and_sorts(void **state)
{
	static const uint64_t	ids[] = {
		0, 1, 31, 32, UINT64_C(1) << 63, UINT64_MAX
	};
	char			text[QID_TEXT], before[QID_TEXT] = "";
	uint64_t		back;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		qid_format(ids[i], text);
		assert_int_equal(strlen(text), QID_TEXT - 1);
		assert_true(strcmp(before, text) < 0);
		assert_true(qid_parse(span_of(text), &back));
		assert_true(back == ids[i]);
		strcpy(before, text);
	}
}

static void
test_what_is_no_id_is_refused(void **state)
{
	static const char *const	bad[] = {
		"", "0", "000000000000", "00000000000000", "000000000000W",
		"00000000000 0", "G000000000000", "00000000000a0",
		"../../../../e"
	};
	uint64_t			q;
	size_t				i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(qid_parse(span_of(bad[i]), &q));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_ids_rise_however_many_are_taken_in_one_microsecond),
		cmocka_unit_test(test_instances_never_give_out_the_same),
		cmocka_unit_test(test_a_floor_holds_when_the_clock_was_set_back),
		cmocka_unit_test(test_text_is_read_back_and_sorts),
		cmocka_unit_test(test_what_is_no_id_is_refused),
	};

	return cmocka_run_group_tests_name("spool/qid", tests, NULL, NULL);
}
