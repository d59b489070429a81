/*
 * aliases_test.c - names, lists and the files they include.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/unit/maps/map_fixture.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct fixture_file files[] = {
	{ "/etc/w/tables/kids", "# the kids\ntim\nbob, ann (sister)\n" },
	{ "/etc/w/above", "x@y.example\n" },
	{ "/srv/nested", ":include:/etc/w/tables/kids\nlast\n" },
	{ "/srv/relative", ":include:sibling" },
	{ "/srv/sibling", "sib" },
	{ "/srv/loop", "a, :include:/srv/loop2\n" },
	{ "/srv/loop2", ":include:/srv/loop\n" },
	{ "/srv/bad", "ok\na b\nlast\n" },
	{ "/srv/empty", "# nobody\n" },
	{ "/srv/command", "|program -x, \"|p \\\"a b\\\"\"\n" },
};

/* The table is "name: LIST"; members as "text ", with a mark for the kind. */
static const struct {
	const char	*name;
	struct span	 table;
	enum map_result	 wanted;
	const char	*members;	/* NULL: the list is broken */
	const char	*problem;	/* NULL: none */
} lists[] = {
	{ "one", S("n: a\n"), MAP_FOUND, "a ", NULL },
	{ "several", S("n: a, b@x.example ,c\n"), MAP_FOUND, "a b@x.example c ", NULL },
	{ "no blank after the colon", S("n:a\n"), MAP_FOUND, "a ", NULL },
	{ "blank before the colon", S("n : a\n"), MAP_FOUND, "a ", NULL },
	{ "over lines", S("n: a,\n\tb,\n# c\n\td\n"), MAP_FOUND, "a b d ", NULL },
	{ "a comma at the end", S("n: a,\n"), MAP_FOUND, "a ", NULL },
	{ "detail", S("n: ann+web\n"), MAP_FOUND, "ann+web ", NULL },
	{ "comments", S("n: a (one, two (three)), (four) b\n"), MAP_FOUND, "a b ", NULL },
	{ "a name before the address", S("n: Ann M. <ann@x.example>, \"B, C <\" <b@x.example>\n"), MAP_FOUND, "ann@x.example b@x.example ", NULL },
	{ "not expanded further", S("n: \\n, \\b@x.example, a\n"), MAP_FOUND, "\\n \\b@x.example a ", NULL },
	{ "quoted local part", S("n: \"a b\"@x.example\n"), MAP_FOUND, "\"a b\"@x.example ", NULL },
	{ "included", S("n: :include:/etc/w/tables/kids, z\n"), MAP_FOUND, "tim bob ann z ", NULL },
	{ "included, relative to the table", S("n: :include:kids\n"), MAP_FOUND, "tim bob ann ", NULL },
	{ "included, relative to the folder above", S("n: :include:tables/kids, :include:above\n"), MAP_FOUND, "tim bob ann x@y.example ", NULL },
	{ "included in quotes", S("n: \":include:/etc/w/tables/kids\"\n"), MAP_FOUND, "tim bob ann ", NULL },
	{ "included twice", S("n: :include:/srv/sibling, :include:/srv/sibling\n"), MAP_FOUND, "sib sib ", NULL },
	{ "nested", S("n: :include:/srv/nested\n"), MAP_FOUND, "tim bob ann last ", NULL },
	{ "nested, relative", S("n: :include:/srv/relative\n"), MAP_FOUND, "sib ", NULL },
	{ "command", S("n: \"|prog a, b\", a\n"), MAP_FOUND, "|prog a, b a ", NULL },
	{ "command, quotes behind the bar", S("n: |\"prog a, b\"\n"), MAP_FOUND, "|prog a, b ", NULL },
	{ "command without quotes", S("n: | prog -f x , a\n"), MAP_FOUND, "|prog -f x a ", NULL },
	{ "no command", S("n: |, a\n"), MAP_FOUND, "?| a ", "0:1:4: the command is missing" },
	{ "file", S("n: /var/mail/n\n"), MAP_FOUND, "//var/mail/n ", NULL },
	{ "file with blanks", S("n: \"/var/mail/a b\"\n"), MAP_FOUND, "//var/mail/a b ", NULL },
	{ "nowhere", S("n: /dev/null\n"), MAP_FOUND, "//dev/null ", NULL },
	{ "an address that begins as a file", S("n: \"/a b\"@x.example\n"), MAP_FOUND, "\"/a b\"@x.example ", NULL },
	{ "commands in an included file", S("n: :include:/srv/command\n"), MAP_FOUND, "|program -x |p \"a b\" ", NULL },
	{ "empty list", S("n:\nm: a\n"), MAP_BROKEN, NULL, "0:1:2: the list has no members" },
	{ "commas only", S("n: , ,\n"), MAP_BROKEN, NULL, "0:1:2: the list has no members" },
	{ "not an address", S("n: a,\n b c, d\n"), MAP_FOUND, "a ?b c d ", "0:2:2: the address has characters" },
	{ "quotes do not end", S("n: a, \"b, c\n"), MAP_FOUND, "a ?\"b, c ", "0:1:7: the quotes do not end" },
	{ "comment does not end", S("n: a (b\n"), MAP_FOUND, "?(b ", "0:1:6: a comment does not end" },
	{ "text behind a comment", S("n: a (b) c (d), e\n"), MAP_FOUND, "?a e ", "0:1:4: a comma is missing" },
	{ "colon word", S("n: :fail: no\n"), MAP_FOUND, "?:fail: no ", "0:1:4: of the words between colons" },
	{ "include of nothing", S("n: :include:\n"), MAP_FOUND, "? ", "0:1:4: the file is missing" },
	{ "include is not there", S("n: a, :include:/srv/none, b\n"), MAP_FOUND, "a ?/srv/none b ", "0:1:7: the included file is not there" },
	{ "include loops", S("n: :include:/srv/loop\n"), MAP_FOUND, "a ?/srv/loop ", "7:1:1: the file includes itself" },
	{ "include with a mistake", S("n: :include:/srv/bad\n"), MAP_FOUND, "ok ?a b last ", "8:2:1: the address has characters" },
	{ "empty include: defer, do not lose", S("n: :include:/srv/empty\n"), MAP_FOUND, NULL, NULL },
	{ "no colon", S("n a\n"), MAP_BROKEN, NULL, "0:1:1: a ':' is missing" },
	{ "blank in the name", S("x y: a\nn: b\n"), MAP_FOUND, "b ", "0:1:1:" },
};

static void
add_member(void *arg, const struct alias_member *m)
{
	static const char *const	 marks[] = {
		[ALIAS_ADDRESS] = "", [ALIAS_MAILBOX] = "\\",
		[ALIAS_COMMAND] = "|", [ALIAS_FILE] = "/", [ALIAS_BAD] = "?"
	};

	assert_int_not_equal(m->kind, ALIAS_INCLUDE);
	assert_int_equal(m->why != NULL, m->kind == ALIAS_BAD);
	buf_addf(arg, "%s%.*s ", marks[m->kind], SPAN_ARG(m->text));
}

static void
check_members(struct map *m, struct span value, const char *wanted)
{
	struct buf	 b = { 0 };
	const char	*why = NULL;
	int		 rc = map_alias_members(m, value, add_member, &b, &why);

	if (wanted == NULL) {
		assert_int_equal(rc, -1);
		assert_non_null(why);
	} else {
		assert_int_equal(rc, 0);
		assert_string_equal(buf_cstr(&b), wanted);
	}
	buf_clear(&b);
}

static void
lists_are_taken_apart(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct fixture		 f = { .files = files,
		    .nfiles = sizeof(files) / sizeof(files[0]) };
		struct map_answer	 ans = { 0 };
		struct map		*m;

		print_message("%s\n", lists[i].name);
		m = fixture_open(&f, "aliases", lists[i].table);
		assert_int_equal(map_get(m, SPAN("n"), &ans),
		    lists[i].wanted);
		if (lists[i].wanted == MAP_FOUND)
			check_members(m, ans.value, lists[i].members);
		if (lists[i].problem == NULL)
			assert_string_equal(buf_cstr(&f.problems), "");
		else
			assert_problem(&f, lists[i].problem);
		buf_clear(&f.problems);
		map_close(&m);
	}
}

static const struct {
	const char	*name;
	struct span	 table, address, chars;
	enum map_result	 wanted;
	const char	*value;
} addresses[] = {
	{ "local part", S("ann: 1\n"), S("ann@x.example"), S("+"), MAP_FOUND, "1" },
	{ "case is folded", S("Ann: 1\n"), S("aNN@x.example"), S("+"), MAP_FOUND, "1" },
	{ "whole address first", S("ann: 1\nann@x.example: 2\n"), S("ann@x.example"), S("+"), MAP_FOUND, "2" },
	{ "whole address of another domain", S("ann@y.example: 2\n"), S("ann@x.example"), S("+"), MAP_NONE, NULL },
	{ "name with detail before name", S("ann: 1\nann+web: 2\n"), S("ann+web@x.example"), S("+"), MAP_FOUND, "2" },
	{ "name with any detail", S("ann: 1\nann+*: 2\n"), S("ann+web@x.example"), S("+"), MAP_FOUND, "2" },
	{ "any detail may be empty", S("ann: 1\nann+*: 2\n"), S("ann+@x.example"), S("+"), MAP_FOUND, "2" },
	{ "no detail is not any", S("ann: 1\nann+*: 2\n"), S("ann@x.example"), S("+"), MAP_FOUND, "1" },
	{ "any detail of another delimiter", S("ann: 1\nann+*: 2\n"), S("ann-web@x.example"), S("+-"), MAP_FOUND, "1" },
	{ "name without detail", S("ann: 1\n"), S("ann+web@x.example"), S("+"), MAP_FOUND, "1" },
	{ "no detail characters", S("ann: 1\n"), S("ann+web@x.example"), S(""), MAP_NONE, NULL },
	{ "a broken exact entry hides the general", S("ann: 1\nann+web:\n"), S("ann+web@x.example"), S("+"), MAP_BROKEN, NULL },
	{ "not there", S("ann: 1\n"), S("bob@x.example"), S("+"), MAP_NONE, NULL },
	{ "not there, but a key is lost", S("ann: 1\n\"x: 2\n"), S("bob@x.example"), S("+"), MAP_BROKEN, NULL },
	{ "no domain", S("ann: 1\n"), S("ann"), S("+"), MAP_FOUND, "1" },
	{ "quotes that are needed", S("\"a b\": 1\n"), S("\"a b\"@x.example"), S("+"), MAP_FOUND, "1" },
	{ "quotes that are not needed", S("\"ann\": 1\n"), S("ann@x.example"), S("+"), MAP_FOUND, "1" },
	{ "a colon in quotes", S("\"a:b\": 1\n"), S("\"a:b\"@x.example"), S("+"), MAP_FOUND, "1" },
	{ "domain of the key is folded", S("ann@B\xc3\xbc" "cher.example: 1\n"), S("ann@xn--bcher-kva.example"), S("+"), MAP_FOUND, "1" },
};

static void
the_exact_comes_before_the_general(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct fixture		 f = { .nfiles = 0 };
		struct map_answer	 ans = { 0 };
		struct span		 whole = addresses[i].address;
		ptrdiff_t		 at = span_index(whole, '@');
		struct map		*m;

		print_message("%s\n", addresses[i].name);
		m = fixture_open(&f, "aliases", addresses[i].table);
		assert_int_equal(map_get_address(m, whole, at < 0 ? whole.n :
		    (size_t)at, addresses[i].chars, &ans), addresses[i].wanted);
		if (addresses[i].value != NULL)
			assert_true(span_eq(ans.value,
			    span_of(addresses[i].value)));
		buf_clear(&f.problems);
		map_close(&m);
	}
}

static void
accounts_are_asked_exactly(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map		*m = fixture_open(&f, "accounts",
	    SPAN("ann:x\n"));
	struct map_answer	 ans;

	(void)state;
	assert_int_equal(map_get_address(m, SPAN("ann"), 3, SPAN("+"), &ans),
	    MAP_FOUND);
	assert_int_equal(map_get_address(m, SPAN("ann@x.example"), 3,
	    SPAN("+"), &ans), MAP_NONE);
	assert_int_equal(map_get_address(m, SPAN("ann+web"), 7, SPAN("+"),
	    &ans), MAP_NONE);
	map_close(&m);
}

static void
count(void *arg, const struct alias_member *m)
{
	(void)m;
	++*(size_t *)arg;
}

static void
a_list_has_an_end(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m = fixture_open(&f, "aliases", SPAN("a: b\n"));
	struct buf	 list = { 0 };
	const char	*why = NULL;
	size_t		 n = 0, i;

	(void)state;
	for (i = 0; i < 100000; i++)
		buf_add_str(&list, "a,");
	assert_int_equal(map_alias_members(m, buf_span(&list), count, &n,
	    &why), 0);
	assert_int_equal(n, 100000);
	buf_add_str(&list, "a");
	assert_int_equal(map_alias_members(m, buf_span(&list), count, &n,
	    &why), -1);
	assert_string_equal(why, "the list has more than 100000 members");
	buf_clear(&list);
	map_close(&m);
}

/* The file that holds them is no member. */
static void
a_list_in_a_file_is_as_long(void **state)
{
	struct buf		 text = { 0 };
	struct fixture		 f = { .nfiles = 1 };
	struct fixture_file	 file = { .path = "/l" };
	struct map_members	 w;
	struct arena		 scratch = { 0 };
	enum alias_item		 kind;
	struct span		 member;
	uint32_t		 line = 0;
	struct map		*m;
	size_t			 i;

	(void)state;
	for (i = 0; i < MAP_MEMBERS_MAX; i++)
		buf_add_str(&text, "a@example.org\n");
	buf_add_char(&text, '\0');
	file.text = buf_span(&text).p;
	f.files = &file;
	m = fixture_open(&f, "aliases", SPAN("a: :include:/l\n"));
	map_members_begin(&w, m, SPAN(":include:/l"));
	for (i = 0; i < MAP_MEMBERS_MAX; i++)
		assert_int_equal(map_members_next(&w, &scratch, &kind,
		    &member, &line), MAP_MEMBERS_ITEM);
	assert_int_equal(line, MAP_MEMBERS_MAX);
	assert_int_equal(map_members_next(&w, &scratch, &kind, &member,
	    &line), MAP_MEMBERS_END);
	/* One more, on either side of the file. */
	map_members_begin(&w, m, SPAN("b, :include:/l, c"));
	for (i = 0; i < MAP_MEMBERS_MAX; i++)
		assert_int_equal(map_members_next(&w, &scratch, &kind,
		    &member, &line), MAP_MEMBERS_ITEM);
	assert_int_equal(map_members_next(&w, &scratch, &kind, &member,
	    &line), MAP_MEMBERS_MANY);
	arena_clear(&scratch);
	buf_clear(&text);
	map_close(&m);
}

/* Each file includes the next twice: many more walks than files. */
static void
includes_end_at_a_depth(void **state)
{
	struct fixture_file	 deep[20];
	char			 paths[20][16], texts[20][64];
	struct fixture		 f = { .files = deep, .nfiles = 20 };
	struct map_answer	 ans;
	struct map		*m;
	size_t			 i;

	(void)state;
	for (i = 0; i < 20; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/d/%zu", i);
		snprintf(texts[i], sizeof(texts[i]),
		    ":include:/d/%zu, :include:/d/%zu\n", i + 1, i + 1);
		deep[i] = (struct fixture_file){ paths[i], texts[i] };
	}
	deep[15].text = "end\n";
	m = fixture_open(&f, "aliases", SPAN("n: :include:/d/0\n"));
	assert_int_equal(map_get(m, SPAN("n"), &ans), MAP_FOUND);
	map_close(&m);
	deep[15].text = texts[15];
	deep[16].text = "end\n";
	m = fixture_open(&f, "aliases", SPAN("n: :include:/d/0\n"));
	assert_int_equal(map_get(m, SPAN("n"), &ans), MAP_FOUND);
	assert_problem(&f, "16:1:1: files are included more than 16 deep");
	map_close(&m);
	buf_clear(&f.problems);
}

static void
an_added_line_is_checked_too(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map		*m = fixture_open(&f, "aliases", SPAN(""));
	struct map_answer	 ans;

	(void)state;
	map_add(m, SPAN("\"ann\""), SPAN("bob, tim"));
	map_add(m, SPAN("x"), SPAN("a b"));
	assert_int_equal(map_get(m, SPAN("ann"), &ans), MAP_FOUND);
	check_members(m, ans.value, "bob tim ");
	assert_int_equal(map_get(m, SPAN("x"), &ans), MAP_FOUND);
	check_members(m, ans.value, "?a b ");
	map_close(&m);
}

struct places {
	struct buf	 text;
};

static void
add_place(void *arg, const struct alias_member *m)
{
	struct places	*p = arg;

	buf_addf(&p->text, "%.*s %s:%u, ", SPAN_ARG(m->text),
	    m->file == NULL ? "-" : m->file, m->line);
}

static void
members_know_where_they_stand(void **state)
{
	struct fixture		 f = { .files = files,
	    .nfiles = sizeof(files) / sizeof(files[0]) };
	struct map		*m = fixture_open(&f, "aliases",
	    SPAN("n: a, :include:/srv/nested, z\n"));
	struct places		 p = { 0 };
	struct map_answer	 ans;
	const char		*why;

	(void)state;
	assert_int_equal(map_get(m, SPAN("n"), &ans), MAP_FOUND);
	assert_int_equal(map_alias_members(m, ans.value, add_place, &p, &why),
	    0);
	assert_string_equal(buf_cstr(&p.text), "a -:0, "
	    "tim /etc/w/tables/kids:2, bob /etc/w/tables/kids:3, "
	    "ann /etc/w/tables/kids:3, last /srv/nested:2, z -:0, ");
	buf_clear(&p.text);
	buf_clear(&f.problems);
	map_close(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_taken_apart),
		cmocka_unit_test(the_exact_comes_before_the_general),
		cmocka_unit_test(accounts_are_asked_exactly),
		cmocka_unit_test(a_list_has_an_end),
		cmocka_unit_test(a_list_in_a_file_is_as_long),
		cmocka_unit_test(includes_end_at_a_depth),
		cmocka_unit_test(an_added_line_is_checked_too),
		cmocka_unit_test(members_know_where_they_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
