/*
 * pattern_test.c - how addresses are divided, what patterns match and capture,
 * and that a match is bounded.
 *
 * Patterns here are written as in a policy: {x} {x*} {x.} {x in s} {x not in
 * s} {x in m} {x not in m}; the set s holds staff, it.dept, x.example and
 * .club.example, the map m says yes to ann, bob.jones and whole@x.example, and
 * fails for fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ruleset/build.h"
#include "ruleset/pattern.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

/* wanted: "no", "too much", "cannot", or what the names took, by '|'. */
static const struct { const char *pattern, *address, *wanted; } rows[] = {
	/* parts and whole */
	{ "{user}@{host}", "ann@x.example", "ann|x.example" },
	{ "{user}@{host}", "postmaster", "no" },
	{ "{who}", "ann@x.example", "ann@x.example" },
	{ "{who}", "postmaster", "postmaster" },
	{ "postmaster", "PostMaster", "" },
	{ "postmaster", "postmaster@x.example", "no" },
	{ "{user}@x.example", "ann@X.EXAMPLE", "ann" },
	{ "Ann@{host}", "aNN@x.example", "x.example" },
	{ "{user}@{host}.corp.example", "ann@a.b.corp.example", "ann|a.b" },
	{ "{user}@{host}.corp.example", "ann@corp.example", "no" },
	{ "{user}@{host}.example", "ann@xexample", "no" },
	/* numbers of tokens */
	{ "{a.}@{b}", "ann@x.example", "ann|x.example" },
	{ "{a.}@{b}", "ann.lee@x.example", "no" },
	{ "{a.}.{b.}@{c}", "ann.lee@x.example", "ann|lee|x.example" },
	{ "{a*}ann@{b}", "ann@x.example", "|x.example" },
	{ "{a*}ann@{b}", "lee.ann@x.example", "lee.|x.example" },
	{ "x{a*}@{b}", "x@x.example", "|x.example" },
	{ "{a}@{b}", "@x.example", "no" },
	/* the shortest first, then longer ones */
	{ "{a}.{b}@{c}", "j.r.lee@x.example", "j|r.lee|x.example" },
	{ "{a}{b}@{c}", "j.r@x.example", "j|.r|x.example" },
	{ "{a*}{b*}@{c}", "j@x.example", "|j|x.example" },
	{ "{a}.{b}.{c.}@{d}", "j.r.d.lee@x", "j|r.d|lee|x" },
	/* specials */
	{ "{u}+{d}@{h}", "ann+list+x@x.example", "ann|list+x|x.example" },
	{ "{u}-{d}@{h}", "ann-list@x.example", "no" },
	{ "{u}%{h}@{x}", "ann%far@x.example", "ann|far|x.example" },
	{ "{h}!{u}@{x}", "far!ann@x.example", "far|ann|x.example" },
	{ "{u}%{h}", "ann%far@x.example", "ann|far@x.example" },
	{ "{u.}@{h}", "a/b@x", "no" },
	{ "{u.}@{h}", "a=b#c_d@x", "a=b#c_d|x" },
	{ "{u}@[{h}]", "ann@[192.0.2.1]", "ann|192.0.2.1" },
	/* what is quoted is one token */
	{ "{u.}@{h}", "\"a b.c+d@e\"@x.example", "\"a b.c+d@e\"|x.example" },
	{ "{u}+{d}@{h}", "\"a+b\"@x.example", "no" },
	/* sets */
	{ "{u in s}@localhost", "staff@localhost", "staff" },
	{ "{u in s}@localhost", "STAFF@localhost", "STAFF" },
	{ "{u in s}@localhost", "ann@localhost", "no" },
	{ "{u in s}.{r}@h", "it.dept.tools@h", "it.dept|tools" },
	{ "{u}@{d in s}", "ann@x.example", "ann|x.example" },
	{ "{u}@{d in s}", "ann@chess.club.example", "ann|chess.club.example" },
	{ "{u}@{d in s}", "ann@y.example", "no" },
	{ "{u}@mail.{d in s}", "ann@mail.x.example", "ann|x.example" },
	{ "{u not in s}@h", "ann@h", "ann" },
	{ "{u not in s}@h", "staff@h", "no" },
	{ "{u not in s}@h", "ann.lee@h", "no" },
	/* maps */
	{ "{u in m}@h", "ann@h", "ann" },
	{ "{u in m}@h", "bob.jones@h", "bob.jones" },
	{ "{u in m}.{r}@h", "bob.jones.x@h", "bob.jones|x" },
	{ "{u in m}@h", "eve@h", "no" },
	{ "{u in m}@h", "fail@h", "cannot" },
	{ "{u}@{d not in s}", "ann@x.example", "no" },
	{ "{u}@{d not in s}", "ann@a.y.test", "ann|a.y.test" },
	{ "{u}@{d not in s}", "ann@h", "ann|h" },
	{ "{u}@{d not in s}.test", "ann@a.y.test", "no" },
	{ "{u}@{d not in s}.test", "ann@y.test", "ann|y" },
	{ "{u}@{d not in m}", "ann@a.y.test", "ann|a.y.test" },
	{ "{u not in m}@h", "eve@h", "eve" },
	{ "{u not in m}@h", "ann@h", "no" },
	{ "{u not in m}@h", "fail@h", "cannot" },
	{ "{who in m}", "whole@x.example", "whole@x.example" },
	{ "{who in m}", "ann@x.example", "no" },
	{ "{u}@{d in m}", "eve@fail", "cannot" },
	/* where one part does not match nothing hangs on the other */
	{ "{u in m}@h", "fail@x", "no" },
	{ "ann@{d in m}", "eve@fail", "no" },
	/* a part that is not asked for cannot fail */
	{ "ann@{d in m}", "eve@fail", "no" },
	{ "{x*}", "", "no" },
	/* bounds */
	{ "{a}{b}{c}{d}{e}{f}{g}{h}{i}z@x",
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a@x",
	    "too much" },
	{ "{a in m}{b in m}z@x",
	    "ann.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"
	    ".a.a.a@x", "too much" },
};

static struct rs_build	*b;

/* "{x in s}" from its brace on; its length. */
static size_t
read_name(const char *p, struct rs_token *t)
{
	size_t	n = strcspn(p, "}"), name = strcspn(p + 1, "*. }");
	bool	is_map = p[n - 1] == 'm';

	t->string = rs_build_string(b, span_mem(p + 1, name));
	t->kind = RS_TOK_SOME;
	if (p[n - 1] == '*')
		t->kind = RS_TOK_ANY;
	else if (p[n - 1] == '.')
		t->kind = RS_TOK_ONE;
	else if (strncmp(p + 1 + name, " in", 3) == 0)
		t->kind = is_map ? RS_TOK_IN_MAP : RS_TOK_IN_SET;
	else if (strncmp(p + 1 + name, " not", 4) == 0)
		t->kind = is_map ? RS_TOK_NOT_MAP : RS_TOK_NOT_SET;
	return n + 1;
}

static void
add_pattern(const char *text)
{
	struct rs_token	tokens[RS_PATTERN_TOKENS];
	struct span	parts[RS_PATTERN_TOKENS];
	size_t		n = 0, nparts, len;

	for (const char *p = text; *p != '\0'; p += len) {
		tokens[n] = (struct rs_token){ RS_TOK_AT, 0, 0 };
		len = 1;
		if (*p == '{')
			len = read_name(p, &tokens[n]);
		if (*p == '{' || *p == '@') {
			n++;
			continue;
		}
		len = strcspn(p, "{@");
		nparts = rs_tokenize(span_mem(p, len), p == text, parts,
		    RS_PATTERN_TOKENS);
		for (size_t i = 0; i < nparts; i++)
			tokens[n++] = (struct rs_token){ RS_TOK_TEXT,
			    rs_build_string(b, parts[i]), 0 };
	}
	rs_build_pattern(b, span_of(text), tokens, n);
}

static enum rs_answer
has(void *ctx, uint32_t map, const struct rs_value *key)
{
	unsigned	*asked = ctx;

	assert_int_equal(map, 0);
	++*asked;
	if (span_eq(key->s, SPAN("whole@x.example")))
		return key->type == RS_T_ADDRESS ? RS_HAVE : RS_ABSENT;
	if (span_eq(key->s, SPAN("fail")))
		return RS_CANNOT;
	return span_eq(key->s, SPAN("ann")) ||
	    span_eq(key->s, SPAN("bob.jones")) ? RS_HAVE : RS_ABSENT;
}

static struct buf	 octets;
static struct rs_image	*im;

static int
make(void **state)
{
	struct span	items[] = { SPAN("staff"), SPAN("it.dept"),
			    SPAN("x.example"), SPAN(".club.example") };
	const char	*why = "";

	(void)state;
	b = rs_build_new();
	rs_build_domains(b, SPAN("s"), items, 4);
	rs_build_map(b, SPAN("m"), SPAN("text"), SPAN("plain"), UINT32_MAX, 1,
	    NULL, 0);
	for (size_t i = 0; i < COUNT(rows); i++)
		add_pattern(rows[i].pattern);
	if (rs_build_finish(b, &octets, &why) == -1)
		fail_msg("%s", why);
	rs_build_free(&b);
	im = rs_image_open_mem(octets.base + octets.off, octets.n, &why);
	assert_non_null(im);
	return 0;
}

static int
unmake(void **state)
{
	(void)state;
	rs_image_free(&im);
	buf_clear(&octets);
	return 0;
}

static void
describe(uint32_t pattern, enum rs_like like, const struct span *captures,
    struct buf *out)
{
	static const char *const said[] = {
		[RS_LIKE_NO] = "no", [RS_LIKE_YES] = "",
		[RS_LIKE_TOO_MUCH] = "too much", [RS_LIKE_CANNOT] = "cannot",
		[RS_LIKE_WAIT] = "wait",
	};
	const struct rs_pattern	*p = rs_pattern(im, pattern);
	const char		*before = "";

	buf_add_str(out, said[like]);
	for (uint32_t i = 0; like == RS_LIKE_YES && i < p->n; i++) {
		unsigned	kind = rs_token(im, p->first + i)->kind;

		if (kind == RS_TOK_TEXT || kind == RS_TOK_AT)
			continue;
		buf_add_str(out, before);
		buf_add_span(out, captures[i]);
		before = "|";
	}
}

static void
test_each_row_matches_as_it_says(void **state)
{
	unsigned		 asked = 0;
	struct rs_like_tables	 tables = { has, &asked };
	struct span		 captures[RS_PATTERN_TOKENS];

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		struct rs_value	address = rs_address(span_of(rows[i].address));
		struct buf	got = { 0 };

		print_message("%s  %s\n", rows[i].pattern, rows[i].address);
		describe(i, rs_pattern_match(im, i, &address, &tables,
		    captures), captures, &got);
		assert_string_equal(buf_cstr(&got), rows[i].wanted);
		buf_clear(&got);
	}
	assert_in_range(asked, 10, COUNT(rows) * RS_LIKE_ASKS);
}

/* The same, of a table that lets each question wait once. */
struct slow { unsigned asked, patience; };

static enum rs_answer
has_later(void *ctx, uint32_t map, const struct rs_value *key)
{
	struct slow	*s = ctx;
	unsigned	 asked;

	if (s->asked++ >= s->patience) {
		s->asked = 0;
		s->patience++;
		return RS_WAIT;
	}
	return has(&asked, map, key);
}

static void
test_waiting_for_a_table_changes_nothing(void **state)
{
	struct slow		 slow;
	struct rs_like_tables	 tables = { has_later, &slow };
	struct span		 captures[RS_PATTERN_TOKENS];
	unsigned		 waited = 0;

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		struct rs_value	address = rs_address(span_of(rows[i].address));
		struct buf	got = { 0 };
		enum rs_like	like;

		slow = (struct slow){ 0, 0 };
		while ((like = rs_pattern_match(im, i, &address, &tables,
		    captures)) == RS_LIKE_WAIT)
			waited++;
		describe(i, like, captures, &got);
		assert_string_equal(buf_cstr(&got), rows[i].wanted);
		buf_clear(&got);
	}
	assert_in_range(waited, 10, COUNT(rows) * RS_LIKE_ASKS);
}

static void
test_only_addresses_are_matched(void **state)
{
	unsigned		 asked = 0;
	struct rs_like_tables	 tables = { has, &asked };
	struct span		 captures[RS_PATTERN_TOKENS];
	struct rs_value		 values[] = {
		rs_text(RS_T_TEXT, SPAN("ann@x.example")),
		rs_int(RS_T_INT, 1), rs_empty(RS_T_NONE),
		rs_empty(RS_T_ADDRESS),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++)
		assert_int_equal(rs_pattern_match(im, 0, &values[i], &tables,
		    captures), RS_LIKE_NO);
}

/* An address of so many tokens, of which no server would take one. */
static void
test_an_address_beyond_all_measure_is_given_up(void **state)
{
	unsigned		 asked = 0;
	struct rs_like_tables	 tables = { has, &asked };
	struct span		 captures[RS_PATTERN_TOKENS];
	char			 text[3 * RS_ADDRESS_TOKENS];

	(void)state;
	for (size_t local = RS_ADDRESS_TOKENS - 8;
	    local < RS_ADDRESS_TOKENS + 8; local++) {
		struct rs_value	v;

		memset(text, '.', local);
		memcpy(text + local, "@x.y", 4);
		v = rs_address(span_mem(text, local + 4));
		assert_int_equal(rs_pattern_match(im, 0, &v, &tables,
		    captures), local + 4 <= RS_ADDRESS_TOKENS ? RS_LIKE_YES :
		    RS_LIKE_TOO_MUCH);
	}
}

static const struct { const char *part; bool local; const char *wanted; }
divided[] = {
	{ "", false, "" },
	{ "ann", true, "ann" },
	{ "a.b", true, "a|.|b" },
	{ "..", true, ".|." },
	{ "a+b%c!d/e:f^g", true, "a|+|b|%|c|!|d|/|e|:|f|^|g" },
	{ "a-b_c=d&e'f", true, "a-b_c=d&e'f" },
	{ "\"a.b c\"", true, "\"a.b c\"" },
	{ "\"a.b", false, "\"a|.|b" },
	{ "[192.0.2.1]", false, "[|192|.|0|.|2|.|1|]" },
	{ "\xc3\xa9.x", true, "\xc3\xa9|.|x" },
};

static void
test_addresses_are_divided_into_tokens(void **state)
{
	struct span	tokens[20];

	(void)state;
	for (size_t i = 0; i < COUNT(divided); i++) {
		struct buf	got = { 0 };
		size_t		n = rs_tokenize(span_of(divided[i].part),
				    divided[i].local, tokens, 20);

		for (size_t k = 0; k < n; k++) {
			buf_add_str(&got, k == 0 ? "" : "|");
			buf_add_span(&got, tokens[k]);
		}
		assert_string_equal(buf_cstr(&got), divided[i].wanted);
		buf_clear(&got);
	}
	assert_int_equal(rs_tokenize(SPAN("a.b.c"), false, tokens, 2), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_are_divided_into_tokens),
		cmocka_unit_test(test_each_row_matches_as_it_says),
		cmocka_unit_test(test_waiting_for_a_table_changes_nothing),
		cmocka_unit_test(test_only_addresses_are_matched),
		cmocka_unit_test(test_an_address_beyond_all_measure_is_given_up),
	};

	return cmocka_run_group_tests_name("ruleset/pattern", tests, make,
	    unmake);
}
