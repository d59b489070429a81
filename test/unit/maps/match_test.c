/*
 * match_test.c - tables of networks and of patterns, as they are read and as
 * they come out of an index.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>

#include <fcntl.h>

#include "maps/index.h"
#include "test/unit/maps/map_fixture.h"

#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* Each test runs on both. */
static bool		 frozen;
static struct arena	 arena;

static int
read_it(void **state)
{
	(void)state;
	frozen = false;
	return 0;
}

static int
freeze_it(void **state)
{
	(void)state;
	frozen = true;
	return 0;
}

static int
drop(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

static struct map *
table(struct fixture *f, const char *driver, const char *kind,
    const char *text)
{
	struct map		*m = fixture_open_as(f, driver, kind,
				    span_of(text));
	struct map_source	 src = { .name = SPAN("m"),
	    .driver = span_of(driver), .kind = span_of(kind) };
	int			 fd;

	if (!frozen)
		return m;
	fd = memfd_create("index", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_not_equal(fd, -1);
	assert_int_equal(map_index_write(m, fd), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	map_close(&m);
	m = map_index_open(&src, fd);
	close(fd);
	return m;
}

static enum map_result
ask(const struct map *m, enum map_ask how, const char *key,
    struct map_answer *a)
{
	struct map_look		 l = { .map = m, .arena = &arena };
	struct map_question	 q = { .ask = how, .role = MAP_CONNECT,
	    .key = span_of(key), .detail_chars = SPAN("+") };
	ptrdiff_t		 at = span_index(q.key, '@');

	q.at = at < 0 ? q.key.n : (size_t)at;
	if (how == MAP_ASK_ACCESS_IP)
		assert_true(ip_parse(q.key, &q.ip));
	return map_look(&l, &q, a);
}

/* NULL: it is not there. */
static void
assert_says(const struct map *m, enum map_ask how, const char *key,
    const char *wanted, uint32_t line)
{
	struct map_answer	 a;
	enum map_result		 is = ask(m, how, key, &a);

	if (wanted == NULL) {
		assert_int_equal(is, MAP_NONE);
		return;
	}
	assert_int_equal(is, MAP_FOUND);
	if (!span_eq(a.value, span_of(wanted)))
		fail_msg("%s: %.*s, not %s", key, SPAN_ARG(a.value), wanted);
	assert_int_equal(a.line, line);
}

static void
assert_broken(const struct map *m, const char *key)
{
	struct map_answer	 a;

	assert_int_equal(ask(m, MAP_ASK_KEY, key, &a), MAP_BROKEN);
}

/* --- networks */

static void
the_longest_prefix_holds(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;

	(void)state;
	m = table(&f, "cidr", "plain",
	    "# networks\n"
	    "10.1.0.0/16\tsixteen\n"
	    "10.0.0.0/8\teight,\n"
	    "\tand more\n"
	    "10.1.2.3\thost\n"
	    "2001:0DB8:0::/32 six\n"
	    "[2001:db8:1::]/48 longer\n"
	    "::/0 any\n");
	assert_says(m, MAP_ASK_KEY, "10.1.9.9", "sixteen", 2);
	assert_says(m, MAP_ASK_KEY, "10.9.9.9", "eight, \tand more", 3);
	assert_says(m, MAP_ASK_KEY, "10.1.2.3", "host", 5);
	assert_says(m, MAP_ASK_KEY, "11.1.2.3", NULL, 0);
	assert_says(m, MAP_ASK_KEY, "2001:db8::1", "six", 6);
	assert_says(m, MAP_ASK_KEY, "2001:db8:1:0:0:0:0:1", "longer", 7);
	assert_says(m, MAP_ASK_KEY, "fe80::1", "any", 8);
	assert_says(m, MAP_ASK_KEY, "::ffff:10.1.2.3", "host", 5);
	assert_says(m, MAP_ASK_KEY, "mail.example", NULL, 0);
	map_close(&m);
	buf_clear(&f.problems);
}

static void
networks_serve_as_access(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;

	(void)state;
	m = table(&f, "cidr", "access",
	    "198.51.100.7 OK\n198.51.100.0/24 550 no\n"
	    "2001:db8::/32 REJECT\n");
	assert_says(m, MAP_ASK_ACCESS_IP, "198.51.100.9", "550 no", 2);
	assert_says(m, MAP_ASK_ACCESS_IP, "198.51.100.7", "OK", 1);
	assert_says(m, MAP_ASK_ACCESS_IP, "2001:db8:5::1", "REJECT", 3);
	assert_says(m, MAP_ASK_ACCESS_IP, "192.0.2.1", NULL, 0);
	assert_says(m, MAP_ASK_ACCESS_HOST, "mail.example", NULL, 0);
	assert_int_equal(f.problems.n, 0);
	assert_false(map_access_has_names(m));
	map_close(&m);
}

static void
within_if_only_what_both_have(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;

	(void)state;
	m = table(&f, "cidr", "plain",
	    "if 10.0.0.0/8\n"
	    "10.1.0.0/16 a\n"
	    "0.0.0.0/0 b\n"
	    "192.0.2.0/24 never\n"
	    "endif\n"
	    "0.0.0.0/0 c\n");
	assert_problem(&f, "0:4:1: no address is in this network");
	assert_says(m, MAP_ASK_KEY, "10.1.1.1", "a", 2);
	assert_says(m, MAP_ASK_KEY, "10.2.1.1", "b", 3);
	assert_says(m, MAP_ASK_KEY, "192.0.2.1", "c", 6);
	map_close(&m);
	buf_clear(&f.problems);
}

static const struct {
	const char	*driver, *kind, *text, *problem;
} bad_lines[] = {
	{ "cidr", "plain", "10.0.0.1/8 x\n",
	    "0:1:1: the address has bits beyond" },
	{ "cidr", "plain", "10.0.0.0/40 x\n",
	    "0:1:1: the address has bits beyond" },
	{ "cidr", "plain", "[2001:db8:: x\n", "0:1:1: a network is" },
	{ "cidr", "plain", "a.example x\n", "0:1:1: a network is" },
	{ "cidr", "plain", "!10.0.0.0/8 x\n", "0:1:1: `!` is not known" },
	{ "cidr", "plain", "10.0.0.0/8\n", "0:1:1: the value is missing" },
	{ "cidr", "plain", "1.1.1.1 a\nif !10.0.0.0/8\nendif\n",
	    "0:2:4: `!` is not known" },
	{ "cidr", "plain", "1.1.1.1 a\nif 10.0.0.0/8\n",
	    "0:2:1: this `if` has no `endif`" },
	{ "cidr", "plain", "endif\n", "0:1:1: there is no `if`" },
	{ "regex", "plain", "/a/\n", "0:1:1: the value is missing" },
	{ "regex", "plain", "a/ b\n", "0:1:1: a pattern stands between" },
	{ "regex", "plain", "/a b\n", "0:1:1: the pattern does not end" },
	{ "regex", "plain", "/a/q b\n", "0:1:4: no such flag" },
	{ "regex", "plain", "/a(/ b\n", "0:1:" },
	{ "regex", "plain", "/a/ $1\n", "0:1:5: the pattern has fewer" },
	{ "regex", "plain", "!/(a)/ $1\n", "0:1:8: a pattern that must not" },
	{ "regex", "plain", "/(a)/ $x\n", "0:1:7: '$' stands before" },
	{ "regex", "plain", "/a/ b\nendif\n", "0:2:1: there is no `if`" },
	{ "regex", "plain", "if /a/ b\nendif\n", "0:1:8: nothing stands" },
	{ "regex", "plain", "if /a/\n", "0:0:0: an `if` has no `endif`" },
	{ "regex", "access", "/(.*)/ $1\n", "0:1:8: what a sender wrote" },
	{ "regex", "access", "/a/ NONSENSE\n", "0:1:" },
	{ "regex", "aliases", "/(.*)/ \"|run $1\"\n",
	    "0:1:14: what a sender wrote cannot stand in a command" },
	{ "regex", "virtusers", "/(.*)@a/ error:550 $1\n",
	    "0:1:20: what a sender wrote cannot stand in a command" },
};

/* With a line that cannot be read nothing is 'not there'. */
static void
mistakes_have_their_line(void **state)
{
	struct map_answer	 a;
	struct map		*m;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
		struct fixture	 f = { .nfiles = 0 };

		m = table(&f, bad_lines[i].driver, bad_lines[i].kind,
		    bad_lines[i].text);
		if (strncmp(buf_cstr(&f.problems), bad_lines[i].problem,
		    strlen(bad_lines[i].problem)) != 0)
			fail_msg("%s: %s", bad_lines[i].text,
			    buf_cstr(&f.problems));
		assert_int_equal(ask(m, MAP_ASK_KEY, "192.0.2.77", &a),
		    MAP_BROKEN);
		map_close(&m);
		buf_clear(&f.problems);
	}
}

static void
another_order_in_postfix_is_a_warning(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;

	(void)state;
	m = table(&f, "cidr", "plain", "10.0.0.0/8 a\n10.1.0.0/16 b\n"
	    "10.2.0.0/16 a\n10.3.0.0/16 c\n10.3.0.0/16 d\n");
	assert_problem(&f, "0:2:1: Postfix takes line 1 for these");
	assert_non_null(strstr(buf_cstr(&f.problems),
	    "0:4:1: Postfix takes line 1 for these"));
	assert_null(strstr(buf_cstr(&f.problems), "0:3:1:"));
	assert_non_null(strstr(buf_cstr(&f.problems), "stands on line 4"));
	assert_says(m, MAP_ASK_KEY, "10.3.0.1", "c", 4);
	map_close(&m);
	buf_clear(&f.problems);
}

static void
a_kind_that_cannot_be_is_refused(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;

	(void)state;
	m = table(&f, "cidr", "aliases", "10.0.0.0/8 a\n");
	assert_problem(&f, "0:0:0: networks are asked by tables of");
	assert_broken(m, "10.0.0.1");
	map_close(&m);
	buf_clear(&f.problems);
	m = table(&f, "regex", "routes", "/a/ b\n");
	assert_problem(&f, "0:0:0: patterns are asked by tables of");
	assert_broken(m, "a");
	map_close(&m);
	buf_clear(&f.problems);
}

/* --- patterns */

static void
the_first_that_matches_holds(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;

	(void)state;
	m = table(&f, "regex", "plain",
	    "# patterns\n"
	    "/^a.*z$/\tfirst,\n"
	    " and more\n"
	    "/^a/ second\n"
	    "/^CASE$/i exact\n"
	    "!/@/ no address\n"
	    "!!/^twice@/ yes\n"
	    "%^/path@x\\%y$% delimiter\n"
	    "/ann/Ax nothing\n"
	    "/^b b@$/x blanks\n");
	assert_int_equal(f.problems.n, 0);
	assert_says(m, MAP_ASK_KEY, "A--Z", "first,  and more", 2);
	assert_says(m, MAP_ASK_KEY, "abc@x", "second", 4);
	assert_says(m, MAP_ASK_KEY, "CASE", "exact", 5);
	assert_says(m, MAP_ASK_KEY, "case", "no address", 6);
	assert_says(m, MAP_ASK_KEY, "Twice@x", "yes", 7);
	assert_says(m, MAP_ASK_KEY, "/path@x%y", "delimiter", 8);
	assert_says(m, MAP_ASK_KEY, "x-ann@y", NULL, 0);
	assert_says(m, MAP_ASK_KEY, "bb@", "blanks", 10);
	map_close(&m);
}

static void
captures_are_put_in_and_said(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map_answer	 a;
	struct map		*m;

	(void)state;
	m = table(&f, "regex", "plain",
	    "/^(.)-(.*?)(-(.*))?@(.*)$/ ${2}$(1)@$5 costs $$1 [$4]\n"
	    "/^plain@/ as it is\n");
	assert_int_equal(ask(m, MAP_ASK_KEY, "x-yy@z", &a), MAP_FOUND);
	assert_true(span_eq(a.value, SPAN("yyx@z costs $1 []")));
	assert_true(a.filled);
	assert_true(span_prefix(a.key, SPAN("/^(.)-(.*?)")));
	assert_int_equal(ask(m, MAP_ASK_KEY, "plain@z", &a), MAP_FOUND);
	assert_false(a.filled);
	map_close(&m);
}

static void
if_and_endif_nest(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;

	(void)state;
	m = table(&f, "regex", "plain",
	    "if /@a\\.example$/\n"
	    "if !/^root@/\n"
	    "/^x/ inner\n"
	    "endif\n"
	    "/^root/ outer\n"
	    "endif\n"
	    "/^x/ behind\n");
	assert_int_equal(f.problems.n, 0);
	assert_says(m, MAP_ASK_KEY, "x@a.example", "inner", 3);
	assert_says(m, MAP_ASK_KEY, "root@a.example", "outer", 5);
	assert_says(m, MAP_ASK_KEY, "x@b.example", "behind", 7);
	assert_says(m, MAP_ASK_KEY, "root@b.example", NULL, 0);
	map_close(&m);
}

static void
only_the_whole_is_asked(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;

	(void)state;
	m = table(&f, "regex", "aliases", "/^ann$/ bob\n"
	    "/^(.*)-list@x\\.example$/ $1-members@x.example\n");
	assert_says(m, MAP_ASK_ADDRESS, "ann@x.example", NULL, 0);
	assert_says(m, MAP_ASK_ADDRESS, "news-list@x.example",
	    "news-members@x.example", 2);
	map_close(&m);
	m = table(&f, "regex", "access", "/^192\\.0\\.2\\./ REJECT\n"
	    "/^mail[0-9]\\.dyn\\.example$/ 550 dynamic\n"
	    "/^connect:/ OK\n/^<>$/ 450 later\n/^ann@/ SKIP\n");
	assert_says(m, MAP_ASK_ACCESS_IP, "192.0.2.9", "REJECT", 1);
	assert_says(m, MAP_ASK_ACCESS_IP, "198.51.100.1", NULL, 0);
	assert_says(m, MAP_ASK_ACCESS_HOST, "mail7.dyn.example",
	    "550 dynamic", 2);
	assert_says(m, MAP_ASK_ACCESS_HOST, "a.mail7.dyn.example", NULL, 0);
	assert_says(m, MAP_ASK_ACCESS_ADDRESS, "", "450 later", 4);
	assert_says(m, MAP_ASK_ACCESS_ADDRESS, "ann@y.example", "SKIP", 5);
	assert_true(map_access_has_names(m));
	map_close(&m);
	assert_int_equal(f.problems.n, 0);
}

/* A stranger's text is never a command, a file, a list or an error. */
static void
captures_that_mean_something_do_not_match(void **state)
{
	static const char *const hostile[] = { "\"|run\"-a@x", "/etc/f-a@x",
	    ":include:/f-a@x", "a,b-a@x", "a b-a@x", "\\root-a@x" };
	struct fixture		 f = { .nfiles = 0 };
	struct map		*m;
	size_t			 i;

	(void)state;
	m = table(&f, "regex", "virtusers", "/^(.*)-a@/ $1\n"
	    "/^(.*)-b@(.*)$/ $1@$2, ${1}.b@x.example\n");
	assert_int_equal(f.problems.n, 0);
	assert_says(m, MAP_ASK_ADDRESS, "ann-b@y.example",
	    "ann@y.example, ann.b@x.example", 2);
	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		assert_says(m, MAP_ASK_ADDRESS, hostile[i], NULL, 0);
	assert_says(m, MAP_ASK_ADDRESS, "b/c.d+e-a@x", "b/c.d+e", 1);
	map_close(&m);
}

/* Backtracking without end, and one broken line above. */
static void
what_cannot_be_told_is_broken(void **state)
{
	static char	 key[900];
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;

	(void)state;
	memset(key, 'a', sizeof(key) - 2);
	key[sizeof(key) - 2] = 'b';
	m = table(&f, "regex", "plain", "/^(a+)+(a+)+(a+)+$/ x\n/./ y\n");
	assert_broken(m, key);
	assert_says(m, MAP_ASK_KEY, "b", "y", 2);
	map_close(&m);
	m = table(&f, "regex", "plain", "/^a/ x\n/^b(/ y\n/^c/ z\n");
	assert_says(m, MAP_ASK_KEY, "a", "x", 1);
	assert_broken(m, "c");
	map_close(&m);
	buf_clear(&f.problems);
}

static void
a_line_of_a_test_comes_first(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;

	(void)state;
	m = table(&f, "regex", "plain", "/./ any\n");
	map_add(m, SPAN("ann"), SPAN("one"));
	assert_says(m, MAP_ASK_KEY, "ann", "one", 0);
	assert_says(m, MAP_ASK_KEY, "bob", "any", 1);
	map_close(&m);
}

static void
see(void *arg, const struct map_answer *a)
{
	buf_addf(arg, "%u %.*s = %.*s\n", a->line, SPAN_ARG(a->key),
	    SPAN_ARG(a->value));
}

static void
a_walk_gives_patterns_and_values(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct buf	 seen = { 0 };
	struct map	*m;

	(void)state;
	m = table(&f, "regex", "plain", "if /b/\n!/a b/x one  two\nendif\n");
	assert_int_equal(map_walk(m, see, &seen), 0);
	assert_string_equal(buf_cstr(&seen), "2 !/a b/x = one  two\n");
	map_close(&m);
	buf_clear(&seen);
}

#define BOTH(test) \
	cmocka_unit_test_setup_teardown(test, read_it, drop), \
	cmocka_unit_test_setup_teardown(test, freeze_it, drop)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		BOTH(the_longest_prefix_holds),
		BOTH(networks_serve_as_access),
		BOTH(within_if_only_what_both_have),
		BOTH(another_order_in_postfix_is_a_warning),
		BOTH(the_first_that_matches_holds),
		BOTH(captures_are_put_in_and_said),
		BOTH(if_and_endif_nest),
		BOTH(only_the_whole_is_asked),
		BOTH(captures_that_mean_something_do_not_match),
		BOTH(what_cannot_be_told_is_broken),
		BOTH(a_line_of_a_test_comes_first),
		BOTH(a_walk_gives_patterns_and_values),
		BOTH(a_kind_that_cannot_be_is_refused),
		BOTH(mistakes_have_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
