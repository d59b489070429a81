/*
 * request_test.c - lines of the control socket: what is meant by them.
 */
#include "mta/queue/request.h"
#include "mta/queue/index.h"
#include "mta/queue/reasons.h"
#include "mta/spool/attributes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
test_a_request_is_read(void **state)
{
	struct arena	a = { 0 };
	struct request	r;
	const char	*why = NULL;

	(void)state;
	assert_int_equal(request_parse(SPAN("remove  sender=a%20b@x.test "
	    "domain=.example.org\tolder=2d newer=1w code=45 status=4.4 "
	    "text=no%25 state=waiting,held reason=hop-dead,retry "
	    "priority=high,low tag=spam:yes* hop=mx:* limit=20 dry=yes "
	    "after=6C396KRDK1000 "), &a, &r, &why), 0);
	assert_true(span_eq(r.word, SPAN("remove")));
	assert_true(span_eq(r.sender.text, SPAN("a b@x.test")));
	assert_true(span_eq(r.domain, SPAN(".example.org")));
	assert_true(r.older_ms == 2 * 86400000);
	assert_true(r.newer_ms == 7 * 86400000);
	assert_true(span_eq(r.code, SPAN("45")));
	assert_true(span_eq(r.status, SPAN("4.4")));
	assert_true(span_eq(r.text, SPAN("no%")));
	assert_int_equal(r.states, 1u << DEST_WAIT | REQUEST_HELD);
	assert_true(r.reasons == (UINT64_C(1) << REASON_HOP_DEAD |
	    UINT64_C(1) << REASON_RETRY));
	assert_int_equal(r.priorities, 1u << PRIORITY_HIGH |
	    1u << PRIORITY_LOW);
	assert_true(span_eq(r.tag.text, SPAN("spam")));
	assert_true(span_eq(r.tag_value.text, SPAN("yes*")));
	assert_true(span_eq(r.hop.text, SPAN("mx:*")));
	assert_int_equal(r.limit, 20);
	assert_true(r.dry && r.after != 0 && !r.has_id && !r.all);
	assert_true(request_selects(&r));
	assert_true(request_selects_targets(&r));
	arena_clear(&a);
}

static void
test_an_id_may_stand_alone(void **state)
{
	struct arena	a = { 0 };
	struct request	r;
	const char	*why;

	(void)state;
	assert_int_equal(request_parse(SPAN("show 6C396KRDK1000"), &a, &r,
	    &why), 0);
	assert_true(r.has_id && r.id != 0);
	assert_true(request_selects(&r) && !request_selects_targets(&r));
	assert_int_equal(request_parse(SPAN("retry all=yes"), &a, &r, &why),
	    0);
	assert_true(r.all && !request_selects(&r));
	arena_clear(&a);
}

static const struct {
	const char	*line, *why;
} bad[] = {
	{ "list colour=red", "'colour': no such key" },
	{ "list sender=a sender=b", "'sender': stands twice" },
	{ "list 6C396KRDK1000 id=6C396KRDK1000", "'id': stands twice" },
	{ "show nobody", "'nobody': is no id" },
	{ "list sender=", "'': an address is missing; <> is the null sender" },
	{ "list sender=%4", "'sender=%4': % stands before two hexadecimal digits" },
	{ "list sender=%zz", "'sender=%zz': % stands before two hexadecimal digits" },
	{ "list older=soon", "'soon': is no age: 90s, 5m, 2h, 3d, 1w" },
	{ "list older=0", "'0': is no age: 90s, 5m, 2h, 3d, 1w" },
	{ "list older=-1d", "'-1d': is no age: 90s, 5m, 2h, 3d, 1w" },
	{ "list code=4500", "'4500': is no reply code, nor its first digits" },
	{ "list code=4x", "'4x': is no reply code, nor its first digits" },
	{ "list status=four", "'four': is no status: 4.4.1, or its first parts" },
	{ "list priority=urgent", "'urgent': no such priority: high, normal, low" },
	{ "list limit=many", "'many': is no number" },
	{ "list dry=maybe", "'maybe': is not yes" },
	{ "list text=", "'': a text is missing" },
	{ "list tag=:5", "':5': a tag's name is missing" },
	{ "list state=", "'': names no state" },
};

static void
test_nonsense_is_named(void **state)
{
	struct arena	a = { 0 };
	struct request	r;
	const char	*why;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = NULL;
		assert_int_equal(request_parse(span_of(bad[i].line), &a, &r,
		    &why), -1);
		assert_string_equal(why, bad[i].why);
		arena_reset(&a);
	}
	arena_clear(&a);
}

static void
test_a_line_has_an_end(void **state)
{
	struct arena	 a = { 0 };
	char		*line = malloc(REQUEST_LINE_MAX + 2);
	struct request	 r;
	const char	*why;

	(void)state;
	memset(line, 'a', REQUEST_LINE_MAX + 1);
	assert_int_equal(request_parse(span_mem(line, REQUEST_LINE_MAX), &a,
	    &r, &why), 0);
	assert_int_equal(request_parse(span_mem(line, REQUEST_LINE_MAX + 1),
	    &a, &r, &why), -1);
	assert_string_equal(why, "the line is too long");
	free(line);
	arena_clear(&a);
}

static const struct {
	const char	*pattern, *text;
	bool		 matches;
} globs[] = {
	{ "", "", true }, { "", "a", false }, { "*", "", true },
	{ "*", "anything", true }, { "a@b", "A@B", true },
	{ "a@b", "a@bc", false }, { "*@b.example", "x@b.example", true },
	{ "*@b.example", "x@a.b.example", false },
	{ "*@*.example", "x@a.b.example", true },
	{ "a*b*c", "aXbXbXc", true }, { "a*b*c", "aXbXbX", false },
	{ "**a", "bba", true }, { "*a", "bab", false },
};

static void
test_a_star_is_any_text(void **state)
{
	struct request_text	t = { .given = true };
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
		t.text = span_of(globs[i].pattern);
		print_message("%s %s\n", globs[i].pattern, globs[i].text);
		assert_int_equal(request_text_matches(&t,
		    span_of(globs[i].text)), globs[i].matches);
	}
}

/* No more than the product of both lengths, however many stars. */
static void
test_many_stars_end(void **state)
{
	char			text[300], pattern[300];
	struct request_text	t = { true, { pattern, sizeof(pattern) } };
	size_t			i;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % 2 == 0 ? '*' : 'a';
	pattern[sizeof(pattern) - 1] = 'b';
	assert_false(request_text_matches(&t, span_mem(text, sizeof(text))));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_a_request_is_read),
		cmocka_unit_test(test_an_id_may_stand_alone),
		cmocka_unit_test(test_nonsense_is_named),
		cmocka_unit_test(test_a_line_has_an_end),
		cmocka_unit_test(test_a_star_is_any_text),
		cmocka_unit_test(test_many_stars_end),
	};

	return cmocka_run_group_tests_name("queue/request", tests, NULL, NULL);
}
