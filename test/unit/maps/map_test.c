/*
 * map_test.c - text and inline tables of kind plain and accounts: what a key
 * gets, and where a mistake is named.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "test/unit/maps/map_fixture.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct {
	const char	*name, *kind;
	struct span	 text;
	const char	*key;
	enum map_result	 wanted;
	const char	*value;
	uint32_t	 line;
	const char	*problem;	/* NULL: none */
} rows[] = {
	{ "key value", "plain", S("a b\n"), "a", MAP_FOUND, "b", 1, NULL },
	{ "key: value", "plain", S("a: b\n"), "a", MAP_FOUND, "b", 1, NULL },
	{ "key : value", "plain", S("a : b c\n"), "a", MAP_FOUND, "b c", 1, NULL },
	{ "tabs and CRLF", "plain", S("a\tb \r\n"), "a", MAP_FOUND, "b", 1, NULL },
	{ "no line end", "plain", S("a b"), "a", MAP_FOUND, "b", 1, NULL },
	{ "key alone", "plain", S("a\n"), "a", MAP_FOUND, "", 1, NULL },
	{ "case is folded", "plain", S("Ab c\n"), "aB", MAP_FOUND, "c", 1, NULL },
	{ "not there", "plain", S("a b\n"), "c", MAP_NONE, NULL, 0, NULL },
	{ "an editor's mark of UTF-8", "plain", S("\xef\xbb\xbf" "a b\n"), "a", MAP_FOUND, "b", 1, NULL },
	{ "the mark alone", "plain", S("\xef\xbb\xbf"), "a", MAP_NONE, NULL, 0, NULL },
	{ "empty file", "plain", S(""), "c", MAP_NONE, NULL, 0, NULL },
	{ "empty key asked", "plain", S("a b\n"), "", MAP_NONE, NULL, 0, NULL },
	{ "comments and blank lines", "plain", S("# x\n\n  # y\n \t\na b\n"), "a", MAP_FOUND, "b", 5, NULL },
	{ "continued", "plain", S("a b\n c\nd e\n"), "a", MAP_FOUND, "b  c", 1, NULL },
	{ "line after a continued one", "plain", S("a b\n c\nd e\n"), "d", MAP_FOUND, "e", 3, NULL },
	{ "comment in a continued one", "plain", S("a b\n# no\n\n c\nd e\n"), "d", MAP_FOUND, "e", 5, NULL },
	{ "comment does not get into the value", "plain", S("a b\n# no\nd e\n"), "a", MAP_FOUND, "b", 1, NULL },
	{ "quoted key", "plain", S("\"a b\" c\n"), "a b", MAP_FOUND, "c", 1, NULL },
	{ "quoted key with colon", "plain", S("\"a:b\": c\n"), "a:b", MAP_FOUND, "c", 1, NULL },
	{ "IPv6 key", "plain", S("2001:db8::1 c\n::1\n"), "::1", MAP_FOUND, "", 2, NULL },
	{ "IPv6 network key", "plain", S("2001:db8::/32 c\n"), "2001:db8::/32", MAP_FOUND, "c", 1, NULL },
	{ "access key", "plain", S("Connect:192.0.2.1 REJECT\n"), "connect:192.0.2.1", MAP_FOUND, "REJECT", 1, NULL },
	{ "a duplicate: the first counts", "plain", S("a b\nc d\nA e\n"), "a", MAP_FOUND, "b", 1, "0:3:1: 'A' stands on line 1 already" },
	{ "blank after the colon is missing", "plain", S("x y\na:b\n"), "a", MAP_BROKEN, NULL, 2, "0:2:1: a blank is missing" },
	{ "a broken entry leaves the others", "plain", S("x y\na:b\n"), "x", MAP_FOUND, "y", 1, "0:2:1:" },
	{ "a broken entry leaves 'not there'", "plain", S("x y\na:b\n"), "z", MAP_NONE, NULL, 0, "0:2:1:" },
	{ "quotes do not end", "plain", S("x y\n\"a b\n"), "z", MAP_BROKEN, NULL, 0, "0:2:1: the quotes of the key do not end" },
	{ "a lost key leaves what is there", "plain", S("x y\n\"a b\n"), "x", MAP_FOUND, "y", 1, "0:2:1:" },
	{ "empty quotes", "plain", S("\"\" x\n"), "z", MAP_BROKEN, NULL, 0, "0:1:1: the key is empty" },
	{ "NUL in the value", "plain", S("a b\0c\n"), "a", MAP_BROKEN, NULL, 1, "0:1:4: the line has an octet 0" },
	{ "NUL in a continued line", "plain", S("a b\n c\0\n"), "a", MAP_BROKEN, NULL, 1, "0:2:3: the line has an octet 0" },
	{ "NUL in the key", "plain", S("a\0b c\n"), "z", MAP_BROKEN, NULL, 0, "0:1:2: the line has an octet 0" },
	{ "a first line that begins with a blank", "plain", S(" a b\n"), "a", MAP_BROKEN, NULL, 1, "0:1:1: a line that begins with a blank" },

	{ "account", "accounts", S("# x\ncolin:{PLAIN}one\n"), "colin", MAP_FOUND, "", 2, "0:2:7: the password stands there" },
	{ "account, folded", "accounts", S("Colin:x\n"), "colin", MAP_FOUND, "", 1, NULL },
	{ "account with domain", "accounts", S("a@x.example:x\n"), "a@x.example", MAP_FOUND, "", 1, NULL },
	{ "no such account", "accounts", S("colin:x\n"), "ann", MAP_NONE, NULL, 0, NULL },
	{ "a secret is no account", "accounts", S("colin:{PLAIN}one\n"), "{PLAIN}one", MAP_NONE, NULL, 0, "0:1:7: the password stands there" },
	{ "no colon", "accounts", S("colin {PLAIN}one\n"), "colin", MAP_BROKEN, NULL, 1, "0:1:1: a ':' is missing" },
	{ "no name", "accounts", S(":{PLAIN}one\n"), "colin", MAP_BROKEN, NULL, 0, "0:1:1: the name of the account is missing" },
	{ "blank in the name", "accounts", S("co lin:{PLAIN}one\n"), "co", MAP_BROKEN, NULL, 1, "0:1:1: a name has no blanks" },
	{ "columns", "accounts", S("colin:x\n\tquota=2G\n # no\n  home = /srv/a b \n"), "colin", MAP_FOUND, "quota=2G\nhome=/srv/a b", 1, NULL },
	{ "an app is no column", "accounts", S("colin:x\n app tea {PLAIN}two\n quota=1G\n"), "colin", MAP_FOUND, "quota=1G", 1, "0:2:10: the password stands there" },
	{ "a bad secret has a mailbox", "accounts", S("colin:{CRIPT}one\n"), "colin", MAP_FOUND, "", 1, "0:1:8: no such scheme" },
	{ "a bad column", "accounts", S("colin:x\n quota 2G\nann:x\n"), "colin", MAP_BROKEN, NULL, 1, "0:2:2: below an account stand" },
	{ "beside a bad column", "accounts", S("colin:x\n quota 2G\nann:x\n"), "ann", MAP_FOUND, "", 3, "0:2:2: below an account stand" },
	{ "a password is no column", "accounts", S("colin:x\n password=one\n"), "colin", MAP_BROKEN, NULL, 1, "0:2:2: all processes see columns" },
	{ "a secret without a name", "accounts", S("ann:x\n{PLAIN}one\n{PLAIN}one\n"), "ann", MAP_FOUND, "", 1, "0:2:1: a ':' is missing: name:{SCHEME}secret\n0:3:1: a ':' is missing: name:{SCHEME}secret\n" },
	{ "whom it may have meant", "accounts", S("ann:x\n{PLAIN}one:two\n"), "bob", MAP_BROKEN, NULL, 0, "0:2:1: the name of the account is missing" },
	{ "duplicate account", "accounts", S("a:x\na:*\n"), "a", MAP_FOUND, "", 1, "0:2:1: 'a' stands on line 1 already" },
};

static void
check_answer(size_t i, struct map *m)
{
	struct map_answer	 ans = { 0 };

	assert_int_equal(map_get(m, span_of(rows[i].key), &ans),
	    rows[i].wanted);
	assert_int_equal(ans.line, rows[i].line);
	if (rows[i].value != NULL)
		assert_true(span_eq(ans.value, span_of(rows[i].value)));
}

static void
keys_get_their_values(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture	 f = { .nfiles = 0 };
		struct map	*m;

		print_message("%s\n", rows[i].name);
		m = fixture_open(&f, rows[i].kind, rows[i].text);
		check_answer(i, m);
		if (rows[i].problem == NULL)
			assert_int_equal(f.problems.n, 0);
		else
			assert_problem(&f, rows[i].problem);
		buf_clear(&f.problems);
		map_close(&m);
		assert_null(m);
	}
}

static void
what_cannot_be_read_is_broken(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map_source	 src = { .name = SPAN("m"), .fd = -1,
	    .driver = SPAN("text"), .kind = SPAN("plain"),
	    .problem = fixture_problem, .arg = &f };
	struct map_answer	 ans;
	struct map		*m = map_open(&src);

	(void)state;
	assert_int_equal(map_get(m, SPAN("a"), &ans), MAP_BROKEN);
	assert_problem(&f, "0:0:0: the file is not there");
	map_close(&m);
	src.fd = open("/", O_RDONLY | O_DIRECTORY);
	m = map_open(&src);
	close(src.fd);
	assert_int_equal(map_get(m, SPAN("a"), &ans), MAP_BROKEN);
	map_close(&m);
	src.kind = SPAN("nonesuch");
	m = map_open(&src);
	assert_int_equal(map_get(m, SPAN("a"), &ans), MAP_BROKEN);
	map_close(&m);
	buf_clear(&f.problems);
}

static void
a_table_in_the_policy_answers(void **state)
{
	const struct span	 entries[] = { S("a"), S("1"), S("b"), S("2"),
	    S("A"), S("3") };
	struct fixture		 f = { .nfiles = 0 };
	struct map_source	 src = { .name = SPAN("m"), .fd = -1,
	    .driver = SPAN("inline"), .kind = SPAN("plain"),
	    .entries = entries, .nentries = 3, .problem = fixture_problem,
	    .arg = &f };
	struct map_answer	 ans;
	struct map		*m = map_open(&src);

	(void)state;
	assert_int_equal(map_get(m, SPAN("a"), &ans), MAP_FOUND);
	assert_true(span_eq(ans.value, SPAN("1")));
	assert_int_equal(map_size(m), 2);
	assert_problem(&f, "0:0:0: 'A' stands");
	assert_true(span_eq(map_kind(m), SPAN("plain")));
	map_close(&m);
	buf_clear(&f.problems);
}

static void
an_added_line_takes_the_place(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map		*m = fixture_open(&f, "plain", SPAN("a b\n"));
	struct map_answer	 ans;

	(void)state;
	map_add(m, SPAN("c"), SPAN("d"));
	map_add(m, SPAN("A"), SPAN("e"));
	assert_int_equal(map_size(m), 2);
	assert_int_equal(map_get(m, SPAN("c"), &ans), MAP_FOUND);
	assert_true(span_eq(ans.value, SPAN("d")));
	assert_int_equal(map_get(m, SPAN("a"), &ans), MAP_FOUND);
	assert_true(span_eq(ans.value, SPAN("e")));
	map_close(&m);
}

static void
a_line_over_64_kib_is_a_mistake(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct buf		 text = { 0 };
	struct map_answer	 ans;
	struct map		*m;
	size_t			 i;

	(void)state;
	buf_add_str(&text, "a ");
	for (i = 0; i < 16 << 20; i++)
		buf_add_char(&text, 'x');
	buf_add_str(&text, "\nb c\n");
	m = fixture_open(&f, "plain", buf_span(&text));
	assert_int_equal(map_get(m, SPAN("a"), &ans), MAP_BROKEN);
	assert_int_equal(map_get(m, SPAN("b"), &ans), MAP_FOUND);
	assert_problem(&f, "0:1:1: the line is longer");
	buf_clear(&f.problems);
	buf_clear(&text);
	map_close(&m);
}

static void
a_secret_does_not_stay_in_memory(void **state)
{
	char			 text[] = "# eve:{PLAIN}........\n"
	    "ann:{PLAIN}........\nbob {PLAIN}........\n";
	struct fixture		 f = { .nfiles = 0 };
	struct map_answer	 ans;
	struct map		*m;
	char			*p, needle[8], *copy;
	bool			 found;

	(void)state;
	memcpy(needle, "s3cr3t-X", 8);
	copy = malloc(8);
	memcpy(copy, needle, 8);
	found = fixture_in_heap(span_mem(copy, 8));
	explicit_bzero(copy, 8);
	free(copy);
	if (!found)
		skip();		/* a checker has its heap elsewhere */
	for (p = text; (p = strstr(p, "........")) != NULL; p += 8)
		memcpy(p, needle, 8);
	m = fixture_open(&f, "accounts", span_of(text));
	assert_int_equal(map_get(m, SPAN("ann"), &ans), MAP_FOUND);
	assert_int_equal(ans.value.n, 0);
	assert_false(fixture_in_heap(span_mem(needle, 8)));
	buf_clear(&f.problems);
	map_close(&m);
}

/* Enough to grow the hash many times. */
static void
many_keys_are_all_found(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct buf		 text = { 0 };
	struct map_answer	 ans;
	struct map		*m;
	char			 key[32], value[32];
	unsigned		 i;

	(void)state;
	for (i = 0; i < 50000; i++)
		buf_addf(&text, "user%u.example v%u\n", i, i);
	m = fixture_open(&f, "plain", buf_span(&text));
	assert_int_equal(map_size(m), 50000);
	for (i = 0; i < 50000; i += 7) {
		snprintf(key, sizeof(key), "USER%u.example", i);
		snprintf(value, sizeof(value), "v%u", i);
		assert_int_equal(map_get(m, span_of(key), &ans), MAP_FOUND);
		assert_true(span_eq(ans.value, span_of(value)));
		assert_int_equal(ans.line, i + 1);
	}
	assert_int_equal(map_get(m, SPAN("user50000.example"), &ans),
	    MAP_NONE);
	buf_clear(&text);
	map_close(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_get_their_values),
		cmocka_unit_test(what_cannot_be_read_is_broken),
		cmocka_unit_test(a_table_in_the_policy_answers),
		cmocka_unit_test(an_added_line_takes_the_place),
		cmocka_unit_test(a_line_over_64_kib_is_a_mistake),
		cmocka_unit_test(a_secret_does_not_stay_in_memory),
		cmocka_unit_test(many_keys_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
