/*
 * made_test.c - maps made of others: which they are, and that a question to
 * one ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "ruleset/build.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define MAPS_MAX	70

/* Maps as "name driver member member ...". */
struct row {
	const char	*name;
	const char	*maps[6];
	bool		 ok;
};

static const struct row rows[] = {
	{ "of two", { "f first a b", "a inline", "b inline" }, true },
	{ "of some that are made", { "u union f a", "f first b a", "a inline",
	    "b inline" }, true },
	{ "the same twice", { "p pipe a a", "a inline" }, true },
	{ "of none", { "f first", "a inline" }, false },
	{ "of one that is not there", { "f first a c", "a inline" }, false },
	{ "of itself", { "f first a f", "a inline" }, false },
	{ "of one that is made of it", { "f first g", "g pipe a f",
	    "a inline" }, false },
	{ "of seventeen", { "f first a a a a a a a a a a a a a a a a a",
	    "a inline" }, false },
	{ "64 in all", { "f first g g g a a a a a a a a a a a a",
	    "g pipe a a a a a a a a a a a a a a a a", "a inline" }, true },
	{ "65 in all", { "f first g g g a a a a a a a a a a a a a",
	    "g pipe a a a a a a a a a a a a a a a a", "a inline" }, false },
	{ "entries of others name nothing", { "a inline b c d" }, true },
};

static struct span
next_word(struct span *s)
{
	ptrdiff_t	blank = span_index(*s, ' ');
	struct span	word = *s;

	if (blank >= 0)
		word.n = (size_t)blank;
	*s = span_from(*s, blank < 0 ? s->n : word.n + 1);
	return word;
}

static void
add_map(struct rs_build *b, const char *text)
{
	struct span	rest = span_of(text), pairs[2 * MAPS_MAX];
	struct span	name = next_word(&rest), driver = next_word(&rest);
	size_t		n = 0;

	while (rest.n > 0) {
		pairs[n++] = SPAN("0");
		pairs[n++] = next_word(&rest);
	}
	rs_build_map(b, name, driver, SPAN("plain"), UINT32_MAX, 1, pairs,
	    n / 2);
}

/* The image of a row; NULL: it was refused. */
static struct rs_image *
image_of(const struct row *r, struct buf *octets)
{
	struct rs_build	*b = rs_build_new();
	const char	*why = "";
	int		 done;

	for (size_t i = 0; i < COUNT(r->maps) && r->maps[i] != NULL; i++)
		add_map(b, r->maps[i]);
	done = rs_build_finish(b, octets, &why);
	rs_build_free(&b);
	return done == -1 ? NULL :
	    rs_image_open_mem(octets->base + octets->off, octets->n, &why);
}

static void
members_are_proved(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf	 octets = { 0 };
		struct rs_image	*im = image_of(&rows[i], &octets);

		if ((im != NULL) != rows[i].ok)
			fail_msg("%s: %s", rows[i].name, im != NULL ?
			    "was taken" : "was refused");
		rs_image_free(&im);
		buf_clear(&octets);
	}
}

static void
a_chain_of_maps_is_too_long(void **state)
{
	struct rs_build	*b = rs_build_new();
	struct buf	 octets = { 0 };
	const char	*why = NULL;
	char		 text[40];

	(void)state;
	for (int i = 0; i < MAPS_MAX; i++) {
		snprintf(text, sizeof(text), "m%d first m%d", i, i + 1);
		add_map(b, text);
	}
	add_map(b, "m70 inline");
	assert_int_equal(rs_build_finish(b, &octets, &why), -1);
	assert_string_equal(why, "MAPS 0: the maps that it is made of are "
	    "none, not there, or too many");
	rs_build_free(&b);
	buf_clear(&octets);
}

static void
members_have_their_order(void **state)
{
	static const struct row	row = { "", { "f first b a", "u union f",
	    "p pipe b", "a inline", "b pgsql" }, true };
	struct buf		octets = { 0 };
	struct rs_image		*im = image_of(&row, &octets);

	(void)state;
	assert_non_null(im);
	assert_int_equal(rs_map_made(im, 0), RS_MADE_FIRST);
	assert_int_equal(rs_map_made(im, 1), RS_MADE_UNION);
	assert_int_equal(rs_map_made(im, 2), RS_MADE_PIPE);
	assert_int_equal(rs_map_made(im, 3), RS_MADE_NOT);
	assert_int_equal(rs_map_member(im, 0, 0), 4);
	assert_int_equal(rs_map_member(im, 0, 1), 3);
	assert_int_equal(rs_map_member(im, 0, 2), UINT32_MAX);
	assert_int_equal(rs_map_member(im, 1, 0), 0);
	assert_int_equal(rs_map_member(im, 3, 0), UINT32_MAX);
	assert_false(rs_map_is_asked(im, 0));
	assert_false(rs_map_is_asked(im, 3));
	assert_true(rs_map_is_asked(im, 4));
	rs_image_free(&im);
	buf_clear(&octets);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(members_are_proved),
		cmocka_unit_test(a_chain_of_maps_is_too_long),
		cmocka_unit_test(members_have_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
