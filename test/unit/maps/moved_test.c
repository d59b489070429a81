/*
 * moved_test.c - tables of columns, of those who have gone, and the traps of
 * other servers.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/unit/maps/map_fixture.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

/* --- records */

static const struct {
	const char	*line;
	const char	*record;	/* of the key `k`; NULL: broken */
	const char	*problem;
} records[] = {
	{ "k host=mail.example port=25 note=\"a b\"\n",
	    "host=mail.example\nport=25\nnote=a b", NULL },
	{ "k: host=x\n  port=26\n", "host=x\nport=26", NULL },
	{ "k a=\"say \\\"no\\\" \\\\ x\"\n", "a=say \"no\" \\ x", NULL },
	{ "k a= b=\"\"\n", "a=\nb=", NULL },
	{ "k a=b=c\n", "a=b=c", NULL },
	{ "k\n", NULL, "0:1:2: the record has no columns" },
	{ "k mail.example\n", NULL, "0:1:3: a column is name=value" },
	{ "k a=b c d=e\n", NULL, "0:1:7: a column is name=value" },
	{ "k 1a=b\n", NULL, "0:1:3: a column is name=value" },
	{ "k a=1 a=2\n", NULL, "0:1:7: this column stands twice" },
	{ "k a=\"b\n", NULL, "0:1:5: the quotes do not end" },
	{ "k a=\"b\"c\n", NULL, "0:1:8: a blank is missing" },
	{ "k a=\x01\n", NULL, "0:1:5: a column has no control" },
};

static void
columns_are_taken_apart(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < COUNT(records); i++) {
		struct fixture		 f = { .nfiles = 0 };
		struct map		*m = fixture_open(&f, "records",
		    span_of(records[i].line));
		struct map_answer	 a;
		enum map_result		 r = map_get(m, SPAN("k"), &a);

		print_message("%s", records[i].line);
		if (records[i].record == NULL)
			assert_int_equal(r, MAP_BROKEN);
		else {
			assert_int_equal(r, MAP_FOUND);
			assert_true(span_eq(a.value,
			    span_of(records[i].record)));
		}
		if (records[i].problem == NULL)
			assert_int_equal(f.problems.n, 0);
		else
			assert_problem(&f, records[i].problem);
		buf_clear(&f.problems);
		map_close(&m);
	}
}

/* The policy has a column a line; what a test adds is a line of the table. */
static void
records_from_elsewhere(void **state)
{
	static const struct span	 pairs[] = { SPAN("k"),
	    SPAN("host=x\nnote=a b=c") };
	struct map_source		 src = { .name = SPAN("m"),
	    .driver = SPAN("inline"), .kind = SPAN("records"), .fd = -1,
	    .entries = pairs, .nentries = 1 };
	struct map			*m = map_open(&src);
	struct map_answer		 a;

	(void)state;
	assert_int_equal(map_get(m, SPAN("k"), &a), MAP_FOUND);
	assert_true(span_eq(a.value, pairs[1]));
	map_add(m, SPAN("added"), SPAN("host=y port=25"));
	assert_int_equal(map_get(m, SPAN("added"), &a), MAP_FOUND);
	assert_true(span_eq(a.value, SPAN("host=y\nport=25")));
	map_close(&m);
}

/* --- moved */

static void
who_has_moved(void **state)
{
	static const char	 text[] =
	    "ann+web@x.example\t1\n"
	    "bob+\t2\n"
	    "ann@x.example\t3 ask her\n"
	    "bob\t4\n"
	    "@gone.example\tnew.example\n";
	static const struct {
		struct span	 address;
		uint32_t	 line;		/* 0: none */
		enum map_rank	 rank;
	} cases[] = {
		{ SPAN("ANN+web@X.example"), 1, MAP_EXACT },
		{ SPAN("ann+other@x.example"), 3, MAP_DETAIL },
		{ SPAN("ann@x.example"), 3, MAP_EXACT },
		{ SPAN("ann@y.example"), 0, MAP_EXACT },
		{ SPAN("bob@y.example"), 4, MAP_LOCAL },
		{ SPAN("bob+@y.example"), 2, MAP_LOCAL },
		{ SPAN("bob+x@gone.example"), 4, MAP_DETAIL },
		{ SPAN("any@gone.example"), 5, MAP_CATCH_ALL },
		{ SPAN("any@sub.gone.example"), 0, MAP_EXACT },
	};
	struct fixture		 f = { .nfiles = 0 };
	struct map		*m = fixture_open(&f, "moved",
	    span_of(text));
	struct map_answer	 a;
	enum map_result		 r;
	size_t			 i;

	(void)state;
	assert_string_equal(buf_cstr(&f.problems), "");
	for (i = 0; i < COUNT(cases); i++) {
		print_message("%.*s\n", SPAN_ARG(cases[i].address));
		r = map_get_address(m, cases[i].address, (size_t)span_index(
		    cases[i].address, '@'), SPAN("+"), &a);
		assert_int_equal(r, cases[i].line == 0 ? MAP_NONE :
		    MAP_FOUND);
		if (r != MAP_FOUND)
			continue;
		assert_int_equal(a.line, cases[i].line);
		assert_int_equal(a.rank, cases[i].rank);
	}
	buf_clear(&f.problems);
	map_close(&m);
}

/* --- traps */

static const struct {
	const char	*kind, *line;
	const char	*note;		/* NULL: none */
} traps[] = {
	{ "access", "Connect:IPv6:2001:db8:0:0:0:0:0:1 REJECT\n", NULL },
	{ "access", "IPv6:2001:db8 REJECT\n", NULL },
	{ "access", "Connect:IPv6:2001:db8::1 REJECT\n",
	    "0:1:14: sendmail never finds this key" },
	{ "access", "Connect:2001:db8:0:0:0:0:0:1 REJECT\n",
	    "0:1:9: sendmail never finds this key" },
	{ "access", "IPv6:2001:0db8:0:0:0:0:0:1 REJECT\n",
	    "0:1:6: sendmail never finds this key" },
	{ "access", "10.1.16.0/20 REJECT\n", "0:1:1: sendmail reads no" },
	{ "access", "192.0.2 REJECT\n", NULL },
	{ "access", "192.0.2. REJECT\n", "0:1:1: sendmail never finds" },
	{ "access", "From:a@b.example REJECT\n", NULL },
	{ "routes", "a.example smtp:[b.example]\n", NULL },
	{ "routes", "a.example smtp:b.example:26\n", NULL },
	{ "routes", "a.example smtp:[b.example]:[c.example]\n", NULL },
	{ "routes", "a.example smtp:[b.example]:26\n",
	    "0:1:27: sendmail takes what follows" },
	{ "virtusers", "a@b.example c\n", NULL },
	{ "virtusers", "a@b.example error:550 no, never\n", NULL },
	{ "virtusers", "a@b.example c, d\n", "0:1:13: sendmail sends to one" },
	{ "virtusers", "@b.example %1-%0@c.example\n",
	    "0:1:15: sendmail puts the key in" },
};

static void
traps_of_others_are_notes(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < COUNT(traps); i++) {
		struct fixture		 f = { .nfiles = 0, .notes = true };
		struct map		*m = fixture_open(&f, traps[i].kind,
		    span_of(traps[i].line));

		print_message("%s", traps[i].line);
		assert_int_equal(map_size(m), 1);
		if (traps[i].note == NULL)
			assert_int_equal(f.problems.n, 0);
		else
			assert_problem(&f, traps[i].note);
		buf_clear(&f.problems);
		map_close(&m);
		/* Nobody else is told. */
		f.notes = false;
		m = fixture_open(&f, traps[i].kind, span_of(traps[i].line));
		assert_int_equal(f.problems.n, 0);
		map_close(&m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_taken_apart),
		cmocka_unit_test(records_from_elsewhere),
		cmocka_unit_test(who_has_moved),
		cmocka_unit_test(traps_of_others_are_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
