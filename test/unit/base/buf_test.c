/*
 * buf_test.c - a run of octets: added at the end, eaten at the front.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"

static void
an_empty_one_holds_nothing(void **state)
{
	struct buf	b = { 0 };

	(void)state;
	assert_int_equal(buf_span(&b).n, 0);
	buf_add(&b, NULL, 0);
	assert_null(b.base);
	assert_string_equal(buf_cstr(&b), "");
	buf_clear(&b);
	assert_null(b.base);
}

static void
all_ways_of_adding(void **state)
{
	struct buf	b = { 0 };

	(void)state;
	buf_add_str(&b, "one");
	buf_add_char(&b, ' ');
	buf_add_span(&b, SPAN("two"));
	buf_addf(&b, " %d%s", 3, "!");
	assert_string_equal(buf_cstr(&b), "one two 3!");
	assert_int_equal(b.n, 10);
	buf_cut(&b, 3);
	assert_string_equal(buf_cstr(&b), "one");
	buf_clear(&b);
}

static void
a_long_format_fits(void **state)
{
	struct buf	b = { 0 };
	char		text[5000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	buf_addf(&b, "<%s>", text);
	assert_int_equal(b.n, sizeof(text) + 1);
	assert_int_equal(b.base[0], '<');
	assert_int_equal(b.base[b.n - 1], '>');
	buf_clear(&b);
}

/* Against a plain copy: many adds and eats of all sizes. */
static void
what_goes_in_comes_out(void **state)
{
	struct buf	b = { 0 };
	uint32_t	in = 0, out = 0, i;
	size_t		n;
	unsigned char	octet;

	(void)state;
	srandom(1);
	for (i = 0; i < 20000; i++) {
		for (n = (size_t)random() % 90; n > 0; n--) {
			octet = (unsigned char)(in++ * 7);
			buf_add(&b, &octet, 1);
		}
		for (n = (size_t)random() % 95; n > 0 && b.n > 0; n--) {
			octet = (unsigned char)buf_span(&b).p[0];
			assert_int_equal(octet, (unsigned char)(out++ * 7));
			buf_eat(&b, 1);
		}
	}
	assert_int_equal(b.n, in - out);
	assert_true(b.cap < 1u << 20);	/* eaten room is used again */
	buf_clear(&b);
}

static void
taking_moves_and_empties(void **state)
{
	struct buf	a = { 0 }, b = { 0 };
	char		*base;

	(void)state;
	buf_add_str(&b, "moved");
	base = b.base;
	buf_take(&a, &b);
	assert_ptr_equal(a.base, base);
	assert_null(b.base);
	buf_add_str(&b, "+copied");
	buf_take(&a, &b);
	assert_null(b.base);
	assert_string_equal(buf_cstr(&a), "moved+copied");
	buf_clear(&a);
}

static void
reserved_room_is_there(void **state)
{
	struct buf	b = { 0 };

	(void)state;
	buf_add_str(&b, "abc");
	buf_eat(&b, 1);
	memset(buf_reserve(&b, 100000), 'x', 100000);
	buf_grown(&b, 100000);
	assert_int_equal(b.n, 100002);
	assert_memory_equal(buf_span(&b).p, "bcx", 3);
	buf_reset(&b);
	assert_int_equal(b.n, 0);
	assert_non_null(b.base);
	buf_clear(&b);
}

static void
arenas_hand_out_zeroed_aligned_memory(void **state)
{
	struct arena	 a = { 0 };
	unsigned char	*p;
	size_t		 i, n, j;

	(void)state;
	for (i = 0; i < 2000; i++) {
		n = i * 7 % 900;
		p = arena_alloc(&a, n);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (j = 0; j < n; j++)
			assert_int_equal(p[j], 0);
		memset(p, 0xaa, n);
	}
	assert_true(a.total >= 2000 * 400);
	arena_reset(&a);
	assert_int_equal(a.total, 0);
	p = arena_alloc(&a, 64);
	for (j = 0; j < 64; j++)
		assert_int_equal(p[j], 0);
	arena_clear(&a);
	assert_null(a.head);
}

static void
arenas_copy_text(void **state)
{
	struct arena	a = { 0 };
	struct span	s;

	(void)state;
	s = arena_join(&a, SPAN("ann"), SPAN("@"), SPAN("x.example"));
	assert_string_equal(s.p, "ann@x.example");
	assert_int_equal(s.n, 13);
	s = arena_join(&a, SPAN_NONE, SPAN_NONE, SPAN_NONE);
	assert_string_equal(s.p, "");
	s = arena_printf(&a, "%0*d", 255, 1);
	assert_int_equal(s.n, 255);
	assert_int_equal(strlen(s.p), 255);
	s = arena_printf(&a, "%0*d", 256, 1);
	assert_int_equal(s.n, 256);
	assert_int_equal(strlen(s.p), 256);
	s = arena_span(&a, SPAN("abc"));
	assert_int_equal(s.n, 3);
	assert_string_equal(s.p, "abc");
	assert_string_equal(arena_span(&a, SPAN_NONE).p, "");
	assert_string_equal(arena_strdup(&a, "text"), "text");
	s = arena_printf(&a, "%05d", 42);
	assert_string_equal(s.p, "00042");
	assert_int_equal(s.n, 5);
	(void)arena_alloc(&a, 1u << 20);	/* larger than any block */
	assert_string_equal(s.p, "00042");
	arena_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(an_empty_one_holds_nothing),
		cmocka_unit_test(all_ways_of_adding),
		cmocka_unit_test(a_long_format_fits),
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(taking_moves_and_empties),
		cmocka_unit_test(reserved_room_is_there),
		cmocka_unit_test(arenas_hand_out_zeroed_aligned_memory),
		cmocka_unit_test(arenas_copy_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
