/*
 * hop_test.c - texts of next hops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "mta/msg/hop.h"

static const struct {
	const char	*text;
	enum hop_kind	 kind;
	const char	*where, *block, *relay, *name;
} texts[] = {
	{ "relay:hub", HOP_TO_RELAY, "hub", "hub", "hub", "" },
	{ "relay:hub?host=a.example&login=x", HOP_TO_RELAY, "hub", "hub",
	    "hub", "" },
	{ "mx:a.example", HOP_TO_MX, "a.example", "", "", "a.example" },
	{ "mx:a.example:2525", HOP_TO_MX, "a.example:2525", "", "",
	    "a.example" },
	{ "mx:a.example?via=hub", HOP_TO_MX, "a.example", "hub", "hub",
	    "a.example" },
	{ "mx:[192.0.2.1]?login=x&via=hub", HOP_TO_MX, "[192.0.2.1]", "hub",
	    "hub", "" },
	{ "mx:a.example?login=x", HOP_TO_MX, "a.example", "", "",
	    "a.example" },
	{ "host:a.example:25", HOP_TO_HOST, "a.example:25", "", "",
	    "a.example" },
	{ "host:[2001:db8::1]:25", HOP_TO_HOST, "[2001:db8::1]:25", "", "",
	    "" },
	{ "lmtp:/run/a?b=c", HOP_TO_LMTP, "/run/a?b=c", "", "", "" },
	{ "lmtp:a.example:24", HOP_TO_LMTP, "a.example:24", "", "",
	    "a.example" },
	{ "filter:hub", HOP_TO_FILTER, "hub", "hub", "", "" }
};

static void
is(struct span got, const char *want)
{
	assert_int_equal(got.n, strlen(want));
	assert_memory_equal(got.p, want, got.n);
}

static void
texts_are_taken_apart(void **state)
{
	struct hop_text	h;
	size_t		i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(hop_parse(span_of(texts[i].text), &h));
		assert_int_equal(h.kind, texts[i].kind);
		assert_true(hop_is(span_of(texts[i].text), h.kind));
		is(h.whole, texts[i].text);
		is(h.where, texts[i].where);
		is(hop_block(&h), texts[i].block);
		is(hop_relay_block(span_of(texts[i].text)), texts[i].relay);
		is(hop_name(&h), texts[i].name);
	}
}

static void
what_is_none_is_refused(void **state)
{
	static const char *const	none[] = {
		"", "relay", "relay:", "relay:?host=a", "mx:", "smtp:a", "RELAY:a",
		"uid:1:2", " relay:a"
	};
	struct hop_text			h;
	size_t				i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(hop_parse(span_of(none[i]), &h));
	assert_int_equal(hop_relay_block(SPAN("uid:1:2")).n, 0);
}

static void
several_come_one_after_the_other(void **state)
{
	struct span	rest = SPAN("host:a:25 mx:b relay:c");
	struct hop_text	h;

	(void)state;
	assert_true(hop_next(&rest, &h));
	is(h.whole, "host:a:25");
	assert_true(hop_next(&rest, &h));
	is(h.where, "b");
	assert_true(hop_next(&rest, &h));
	is(h.where, "c");
	assert_false(hop_next(&rest, &h));
	rest = SPAN("mx:a nonsense mx:b");
	assert_true(hop_next(&rest, &h));
	assert_false(hop_next(&rest, &h));
}

/* Whatever stands in a value, it comes back, and has no blank on its way. */
static void
values_survive(void **state)
{
	static const char	login[] = "ann=b&c?d %41\t\xc3\xa4\n";
	struct arena		a = { 0 };
	struct buf		text = { 0 };
	struct hop_text		h;
	struct span		v;

	(void)state;
	hop_put(&text, HOP_TO_RELAY, SPAN("hub"));
	hop_put_param(&text, HOP_P_HOST, SPAN("[::1]:25"));
	hop_put_param(&text, HOP_P_HOST, SPAN("b.example"));
	hop_put_param(&text, HOP_P_LOGIN, span_of(login));
	hop_put_param(&text, HOP_P_HELO, SPAN(""));
	assert_int_equal(span_index(buf_span(&text), ' '), -1);
	assert_true(span_prefix(buf_span(&text),
	    SPAN("relay:hub?host=[::1]:25&host=b.example&login=ann%3Db%26")));
	assert_true(hop_parse(buf_span(&text), &h));
	assert_true(hop_param(&h, HOP_P_HOST, 0, &a, &v));
	is(v, "[::1]:25");
	assert_true(hop_param(&h, HOP_P_HOST, 1, &a, &v));
	is(v, "b.example");
	assert_false(hop_param(&h, HOP_P_HOST, 2, &a, &v));
	assert_true(hop_param(&h, HOP_P_LOGIN, 0, &a, &v));
	is(v, login);
	assert_true(hop_param(&h, HOP_P_HELO, 0, &a, &v));
	assert_int_equal(v.n, 0);
	assert_false(hop_param(&h, HOP_P_SOURCE, 0, &a, &v));
	buf_clear(&text);
	arena_clear(&a);
}

static void
bad_escapes_stay_as_they_are(void **state)
{
	struct arena	a = { 0 };
	struct hop_text	h;
	struct span	v;

	(void)state;
	assert_true(hop_parse(SPAN("relay:a?login=%4&helo=%zz%4a%4A%"), &h));
	assert_true(hop_param(&h, HOP_P_LOGIN, 0, &a, &v));
	is(v, "%4");
	assert_true(hop_param(&h, HOP_P_HELO, 0, &a, &v));
	is(v, "%zz%4aJ%");
	is(hop_format(&a, HOP_TO_MX, SPAN("a.example")), "mx:a.example");
	arena_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(texts_are_taken_apart),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(several_come_one_after_the_other),
		cmocka_unit_test(values_survive),
		cmocka_unit_test(bad_escapes_stay_as_they_are)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
