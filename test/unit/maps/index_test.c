/*
 * index_test.c - a table written as an index says what the table said; a
 * damaged index says that it is broken.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>

#include "maps/index_int.h"
#include "test/unit/maps/map_fixture.h"

#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static int
index_fd(const struct map *m)
{
	int	fd = memfd_create("index", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_not_equal(fd, -1);
	assert_int_equal(map_index_write(m, fd), 0);
	return fd;
}

static struct map *
open_index(const char *kind, int fd)
{
	struct map_source	 src = {
		.name = SPAN("m"), .driver = SPAN("text"),
		.kind = span_of(kind), .host = SPAN("host.example")
	};

	return map_index_open(&src, fd);
}

/* The same table out of its index; m is closed. */
static struct map *
indexed(struct map *m)
{
	char		 kind[INDEX_NAME_MAX];
	struct map	*x;
	int		 fd = index_fd(m);

	assert_int_equal(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	snprintf(kind, sizeof(kind), "%.*s", SPAN_ARG(map_kind(m)));
	map_close(&m);
	x = open_index(kind, fd);
	close(fd);
	return x;
}

static struct map *
table(struct fixture *f, const char *kind, const char *text)
{
	return indexed(fixture_open(f, kind, span_of(text)));
}

static void
assert_value(const struct map *m, const char *key, const char *value,
    uint32_t line)
{
	struct map_answer	 a;

	assert_int_equal(map_get(m, span_of(key), &a), MAP_FOUND);
	assert_true(span_eq(a.value, span_of(value)));
	assert_int_equal(a.line, line);
}

static void
assert_says(const struct map *m, const char *key, enum map_result is)
{
	struct map_answer	 a;

	assert_int_equal(map_get(m, span_of(key), &a), is);
}

/* --- what stands in it */

static void
keys_are_found_with_value_and_line(void **state)
{
	struct fixture		 f = { .files = NULL };
	struct map		*m = table(&f, "plain", "# one\n"
	    "Key value of it\nother  x\n\nlast y\n");
	struct map_answer	 a;

	(void)state;
	assert_value(m, "key", "value of it", 2);
	assert_value(m, "OTHER", "x", 3);
	assert_value(m, "last", "y", 5);
	assert_says(m, "none", MAP_NONE);
	assert_says(m, "", MAP_NONE);
	assert_int_equal(map_size(m), 3);
	assert_int_equal(map_get(m, SPAN("kEY"), &a), MAP_FOUND);
	assert_true(span_eq(a.key, SPAN("Key")));
	map_close(&m);
}

static void
an_empty_table_has_no_key(void **state)
{
	struct fixture	 f = { .files = NULL };
	struct map	*m = table(&f, "aliases", "");

	(void)state;
	assert_says(m, "a", MAP_NONE);
	assert_int_equal(map_size(m), 0);
	map_close(&m);
}

static void
a_broken_entry_stays_broken(void **state)
{
	struct fixture	 f = { .files = NULL };
	struct map	*m = table(&f, "routes", "good.example smtp:[a.example]\n"
	    "bad.example what:is:this\n");

	(void)state;
	assert_says(m, "good.example", MAP_FOUND);
	assert_says(m, "bad.example", MAP_BROKEN);
	assert_says(m, "none.example", MAP_NONE);
	map_close(&m);
	buf_clear(&f.problems);
}

static void
a_lost_key_makes_none_impossible(void **state)
{
	struct fixture	 f = { .files = NULL };
	struct map	*m = indexed(fixture_open(&f, "plain",
	    SPAN("ann x\n\0 y\n")));

	(void)state;
	assert_says(m, "ann", MAP_FOUND);
	assert_says(m, "bob", MAP_BROKEN);
	map_close(&m);
	buf_clear(&f.problems);
}

static void
a_table_that_cannot_be_read_is_broken(void **state)
{
	struct map_source	 src = { .driver = SPAN("text"), .fd = -1,
	    .kind = SPAN("plain") };
	struct map		*m = indexed(map_open(&src));

	(void)state;
	assert_says(m, "a", MAP_BROKEN);
	map_close(&m);
}

static void
an_access_table_keeps_prefixes_and_names(void **state)
{
	struct fixture		 f = { .files = NULL };
	struct map		*m = table(&f, "access", "Connect:192.0.2 REJECT\n"
	    "10.1.16.0/20 OK\nConnect:spam.example REJECT\n");
	struct map_answer	 a;
	struct ip		 ip;

	(void)state;
	assert_true(map_access_has_names(m));
	assert_true(ip_parse(SPAN("192.0.2.7"), &ip));
	assert_int_equal(map_access_ip(m, MAP_CONNECT, &ip, &a), MAP_FOUND);
	assert_int_equal(a.line, 1);
	assert_true(ip_parse(SPAN("10.1.31.255"), &ip));
	assert_int_equal(map_access_ip(m, MAP_FROM, &ip, &a), MAP_FOUND);
	assert_true(ip_parse(SPAN("10.1.32.1"), &ip));
	assert_int_equal(map_access_ip(m, MAP_FROM, &ip, &a), MAP_NONE);
	map_close(&m);
}

static void
other_kinds_look_as_they_do_in_a_text(void **state)
{
	struct fixture		 f = { .files = NULL };
	struct map		*v, *r, *g;
	struct map_answer	 a;

	(void)state;
	v = table(&f, "virtusers", "@shop.example ann\n");
	assert_int_equal(map_get_address(v, SPAN("x@shop.example"), 1,
	    SPAN("+"), &a), MAP_FOUND);
	assert_int_equal(a.rank, MAP_CATCH_ALL);
	r = table(&f, "routes", ".inside.example smtp:[hub.example]:2525\n");
	assert_int_equal(map_get_domain(r, SPAN("a.inside.example"), &a),
	    MAP_FOUND);
	g = table(&f, "generics", "ann Ann.Field@example.org\n");
	assert_int_equal(map_get_address(g, SPAN("ann@host.example"), 3,
	    SPAN("+"), &a), MAP_FOUND);
	map_close(&v);
	map_close(&r);
	map_close(&g);
}

/* --- included files */


static void
walk_list(const struct map *m, const char *name, char *out, size_t room)
{
	struct map_members	 w;
	struct map_answer	 a;
	struct arena		 scratch = { 0 };
	enum alias_item		 kind;
	struct span		 text;
	uint32_t		 line;
	size_t			 n = 0;

	out[0] = '\0';
	assert_int_equal(map_get(m, span_of(name), &a), MAP_FOUND);
	map_members_begin(&w, m, a.value);
	while (map_members_next(&w, &scratch, &kind, &text, &line) ==
	    MAP_MEMBERS_ITEM)
		n += (size_t)snprintf(out + n, room - n, "%.*s:%u ",
		    SPAN_ARG(text), line);
	arena_clear(&scratch);
}

static void
members_of_included_files_are_there(void **state)
{
	static const struct fixture_file	files[] = {
		{ "/etc/w/tables/list", "# ours\nbob\n:include:more\n" },
		{ "/etc/w/tables/more", "cy, dan\n" },
	};
	struct fixture	 f = { .files = files, .nfiles = 2 };
	struct map	*m = table(&f, "aliases",
	    "team: ann, :include:list\n");
	char		 got[100];

	(void)state;
	walk_list(m, "team", got, sizeof(got));
	assert_string_equal(got, "ann:0 bob:2 cy:1 dan:1 ");
	map_close(&m);
}

/* --- what is added lies above */

static void
an_added_line_takes_the_place_of_one(void **state)
{
	struct fixture	 f = { .files = NULL };
	struct map	*m = table(&f, "plain", "a one\nb two\n");

	(void)state;
	map_add(m, SPAN("B"), SPAN("three"));
	map_add(m, SPAN("c"), SPAN("four"));
	assert_value(m, "a", "one", 1);
	assert_value(m, "b", "three", 0);
	assert_value(m, "c", "four", 0);
	assert_int_equal(map_size(m), 3);
	map_close(&m);
}


static void
note(void *arg, const struct map_answer *a)
{
	buf_addf(arg, "%.*s=%.*s,", SPAN_ARG(a->key), SPAN_ARG(a->value));
}

static void
a_walk_is_in_the_order_of_the_table(void **state)
{
	struct fixture	 f = { .files = NULL };
	struct map	*m = table(&f, "plain", "z 1\ny 2\nx 3\n");
	struct buf	 seen = { 0 };

	(void)state;
	map_add(m, SPAN("y"), SPAN("4"));
	assert_int_equal(map_walk(m, note, &seen), 0);
	assert_string_equal(buf_cstr(&seen), "z=1,x=3,y=4,");
	buf_clear(&seen);
	map_close(&m);
}

static void
many_keys_are_all_found(void **state)
{
	struct fixture	 f = { .files = NULL };
	struct buf	 text = { 0 };
	struct map	*m;
	char		 key[20], value[20];
	unsigned	 i;

	(void)state;
	for (i = 0; i < 20000; i++)
		buf_addf(&text, "key%u value%u\n", i, i);
	m = table(&f, "plain", buf_cstr(&text));
	for (i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "KEY%u", i);
		snprintf(value, sizeof(value), "value%u", i);
		assert_value(m, key, value, i + 1);
		snprintf(key, sizeof(key), "key%u", i + 20000);
		assert_says(m, key, MAP_NONE);
	}
	map_close(&m);
	buf_clear(&text);
}

/* --- what is no index */

static void
an_index_of_another_kind_is_refused(void **state)
{
	struct fixture	 f = { .files = NULL };
	struct map	*m = fixture_open(&f, "plain", SPAN("a b\n"));
	int		 fd = index_fd(m);

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	map_close(&m);
	m = open_index("aliases", fd);
	assert_says(m, "a", MAP_BROKEN);
	map_close(&m);
	close(fd);
}

static void
an_index_that_can_be_changed_is_refused(void **state)
{
	struct fixture	 f = { .files = NULL };
	struct map	*m = fixture_open(&f, "plain", SPAN("a b\n"));
	int		 fd = index_fd(m);

	(void)state;
	map_close(&m);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	m = open_index("plain", fd);
	assert_says(m, "a", MAP_BROKEN);
	map_close(&m);
	close(fd);
	m = open_index("plain", -1);
	assert_says(m, "a", MAP_BROKEN);
	map_close(&m);
}

/* The index of a small table with one octet more or less. */
static int
damaged_fd(const char *octets, size_t n, size_t at, unsigned char x)
{
	int	fd = memfd_create("index", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_not_equal(fd, -1);
	assert_int_equal(file_write_all(fd, octets, n), 0);
	if (at < n) {
		x ^= (unsigned char)octets[at];
		assert_int_equal(file_pwrite_all(fd, &x, 1, at), 0);
	}
	assert_int_equal(fcntl(fd, F_ADD_SEALS, SEALS), 0);
	return fd;
}

/* Whatever it says, it says something, and reads nothing outside. */
static void
ask_all(int fd)
{
	struct map		*m = open_index("aliases", fd);
	struct map_answer	 a;
	struct buf		 seen = { 0 };
	struct arena		 scratch = { 0 };
	struct map_members	 w;
	enum alias_item		 kind;
	struct span		 text;
	uint32_t		 line;

	if (map_get(m, SPAN("team"), &a) == MAP_FOUND) {
		map_members_begin(&w, m, a.value);
		while (map_members_next(&w, &scratch, &kind, &text, &line) ==
		    MAP_MEMBERS_ITEM)
			;
	}
	(void)map_get(m, SPAN("none"), &a);
	(void)map_walk(m, note, &seen);
	(void)map_size(m);
	arena_clear(&scratch);
	buf_clear(&seen);
	map_close(&m);
	close(fd);
}

static void
each_damage_is_survived(void **state)
{
	static const struct fixture_file	files[] = {
		{ "/etc/w/tables/list", "bob\n" },
	};
	struct fixture	 f = { .files = files, .nfiles = 1 };
	struct map	*m = fixture_open(&f, "aliases",
	    SPAN("team: ann, :include:list\nbad:\nroot: ann\n"));
	struct buf	 octets = { 0 };
	size_t		 i;
	int		 fd = index_fd(m);

	(void)state;
	map_close(&m);
	assert_int_equal(file_read_fd(fd, 1 << 20, &octets), 0);
	close(fd);
	for (i = 0; i < octets.n; i++) {
		ask_all(damaged_fd(octets.base, i, SIZE_MAX, 0));
		ask_all(damaged_fd(octets.base, octets.n, i, 0xff));
		ask_all(damaged_fd(octets.base, octets.n, i, 1));
		ask_all(damaged_fd(octets.base, octets.n, i, 0x80));
	}
	buf_clear(&octets);
	buf_clear(&f.problems);
}

static void
a_cut_index_is_broken(void **state)
{
	struct fixture		 f = { .files = NULL };
	struct map		*m = fixture_open(&f, "plain", SPAN("a b\n"));
	struct buf		 octets = { 0 };
	size_t			 i;
	int			 fd = index_fd(m);

	(void)state;
	map_close(&m);
	assert_int_equal(file_read_fd(fd, 1 << 20, &octets), 0);
	close(fd);
	for (i = 0; i < octets.n; i++) {
		fd = damaged_fd(octets.base, i, SIZE_MAX, 0);
		m = open_index("plain", fd);
		assert_says(m, "a", MAP_BROKEN);
		map_close(&m);
		close(fd);
	}
	buf_clear(&octets);
}

/* Nothing is written that cannot be found again. */
static void
too_large_is_an_error(void **state)
{
	static struct map_entry	 entries[5];
	static char		 octets[1 << 12];
	struct map		 m = { .kind = &map_kind_plain, .n = 5 };
	size_t			 i;
	int			 fd;

	(void)state;
	for (i = 0; i < 5; i++)
		entries[i] = (struct map_entry){ .key = octets, .key_n = 1,
		    .value_n = 1u << 30 };
	m.entries = entries;
	fd = memfd_create("index", MFD_CLOEXEC);
	errno = 0;
	assert_int_equal(map_index_write(&m, fd), -1);
	assert_int_equal(errno, EFBIG);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(keys_are_found_with_value_and_line),
		cmocka_unit_test(an_empty_table_has_no_key),
		cmocka_unit_test(a_broken_entry_stays_broken),
		cmocka_unit_test(a_lost_key_makes_none_impossible),
		cmocka_unit_test(a_table_that_cannot_be_read_is_broken),
		cmocka_unit_test(an_access_table_keeps_prefixes_and_names),
		cmocka_unit_test(other_kinds_look_as_they_do_in_a_text),
		cmocka_unit_test(members_of_included_files_are_there),
		cmocka_unit_test(an_added_line_takes_the_place_of_one),
		cmocka_unit_test(a_walk_is_in_the_order_of_the_table),
		cmocka_unit_test(many_keys_are_all_found),
		cmocka_unit_test(an_index_of_another_kind_is_refused),
		cmocka_unit_test(an_index_that_can_be_changed_is_refused),
		cmocka_unit_test(a_cut_index_is_broken),
		cmocka_unit_test(each_damage_is_survived),
		cmocka_unit_test(too_large_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
