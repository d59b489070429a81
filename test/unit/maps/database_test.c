/*
 * database_test.c - a database answers as its text does, and one that is
 * damaged never gives a wrong answer.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <gdbm.h>
#include <sys/stat.h>

#include "test/unit/maps/map_fixture.h"

static char	folder[] = "/tmp/waybill-database-XXXXXX";
static char	path[64];
static const char	*driver, *why;
static struct map_building	 building = { .path = path, .mode = 0640,
	.uid = UINT32_MAX, .gid = UINT32_MAX };

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	return 0;
}

static int
use(const char *d)
{
	driver = d;
	snprintf(path, sizeof(path), "%s/t.%s", folder, d);
	building.format = span_of(d);
	return 0;
}

static int
use_gdbm(void **state)
{
	(void)state;
	return use("gdbm");
}

static int
use_cdb(void **state)
{
	(void)state;
	return use("cdb");
}

static int
use_lmdb(void **state)
{
	(void)state;
	return use("lmdb");
}

static int
unlink_it(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static int
drop_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static struct map *
open_database(struct fixture *f, const char *kind)
{
	char			 named[64];
	struct map_source	 src = {
		.name = SPAN("m"), .driver = span_of(driver),
		.kind = span_of(kind), .path = named,
		.include = fixture_include, .problem = fixture_problem,
		.arg = f,
	};
	struct map		*m;

	snprintf(named, sizeof(named), "/etc/w/tables/table.%s", driver);
	src.fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_not_equal(src.fd, -1);
	m = map_open(&src);
	close(src.fd);
	return m;
}

static void
build(struct fixture *f, const char *kind, const char *text)
{
	struct map	*m = fixture_open(f, kind, span_of(text));

	assert_int_equal(f->problems.n, 0);
	assert_int_equal(map_build(m, &building, &why), 0);
	map_close(&m);
}

static enum map_result
ask(const struct map *m, const char *whole, struct map_answer *a)
{
	struct span	 w = span_of(whole);
	ptrdiff_t	 at = span_index(w, '@');

	return map_get_address(m, w, at < 0 ? w.n : (size_t)at, SPAN("+"), a);
}

static void
an_address_is_found_as_in_the_text(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map_answer	 a, again;
	struct map		*m;

	(void)state;
	build(&f, "virtusers", "# x\nInfo@Shop.example owner@y.example\n"
	    "\n@shop.example %1@z.example\n");
	m = open_database(&f, "virtusers");
	assert_true(map_is_database(m));
	assert_int_equal(ask(m, "INFO@shop.example", &a), MAP_FOUND);
	assert_true(span_eq(a.value, SPAN("owner@y.example")));
	assert_int_equal(a.line, 2);
	assert_int_equal(a.rank, MAP_EXACT);
	assert_int_equal(ask(m, "other@shop.example", &again), MAP_FOUND);
	assert_int_equal(again.line, 4);
	assert_int_equal(again.rank, MAP_CATCH_ALL);
	assert_int_equal(ask(m, "other@else.example", &again), MAP_NONE);
	/* A test's line comes before the table's. */
	map_add(m, SPAN("info@shop.example"), SPAN("test@y.example"));
	assert_int_equal(ask(m, "info@shop.example", &again), MAP_FOUND);
	assert_true(span_eq(again.value, SPAN("test@y.example")));
	map_close(&m);
}

/* Long and short keys, in many pages and buckets. */
static void
all_of_many_keys_are_there_and_no_others(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map_answer	 a;
	struct buf		 text = { 0 };
	struct map		*m;
	unsigned		 i;
	char			 key[128];

	(void)state;
	for (i = 0; i < 2000; i += 2)
		buf_addf(&text, "d%u.%0*u.example: v%u\n", i, (int)(i % 90), i,
		    i);
	buf_add(&text, "", 1);
	build(&f, "plain", text.base + text.off);
	m = open_database(&f, "plain");
	assert_int_equal(map_size(m), 1000);
	for (i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "D%u.%0*u.example", i,
		    (int)(i % 90), i);
		assert_int_equal(map_get(m, span_of(key), &a),
		    i % 2 == 0 ? MAP_FOUND : MAP_NONE);
		snprintf(key, sizeof(key), "v%u", i);
		if (i % 2 == 0)
			assert_true(span_eq(a.value, span_of(key)));
	}
	map_close(&m);
	buf_clear(&text);
}

/* Values that have pages of their own in some formats. */
static void
large_values_are_whole(void **state)
{
	static char		 big[60001];
	struct fixture		 f = { .nfiles = 0 };
	struct map_answer	 a;
	struct buf		 text = { 0 };
	struct map		*m;
	unsigned		 i;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	for (i = 0; i < 20; i++)
		buf_addf(&text, "k%u %.*s\n", i, (int)(i * 3000), big);
	build(&f, "plain", buf_cstr(&text));
	m = open_database(&f, "plain");
	for (i = 0; i < 20; i++) {
		char	 key[8];

		snprintf(key, sizeof(key), "k%u", i);
		assert_int_equal(map_get(m, span_of(key), &a), MAP_FOUND);
		assert_true(span_eq(a.value, span_mem(big, i * 3000)));
		assert_int_equal(a.line, i + 1);
	}
	map_close(&m);
	buf_clear(&text);
}

static void
the_same_text_gives_the_same_octets(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct buf	 one = { 0 }, two = { 0 };
	struct stat	 st;

	(void)state;
	build(&f, "plain", "b 1\na 2\nc 3\n");
	assert_int_equal(file_read(path, 1u << 24, &one), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	build(&f, "plain", "b 1\na 2\nc 3\n");
	assert_int_equal(file_read(path, 1u << 24, &two), 0);
	assert_true(span_eq(buf_span(&one), buf_span(&two)));
	buf_clear(&one);
	buf_clear(&two);
}

static void
prefixes_of_an_access_table_are_there(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map_answer	 a;
	struct map		*m;
	struct ip		 ip;

	(void)state;
	build(&f, "access", "Connect:10.1.16.0/20 REJECT\n"
	    "2001:db8: RELAY\nConnect:friend.example OK\n");
	m = open_database(&f, "access");
	assert_true(ip_parse(SPAN("10.1.31.7"), &ip));
	assert_int_equal(map_access_ip(m, MAP_CONNECT, &ip, &a), MAP_FOUND);
	assert_int_equal(a.line, 1);
	assert_true(ip_parse(SPAN("2001:db8:1::7"), &ip));
	assert_int_equal(map_access_ip(m, MAP_CONNECT, &ip, &a), MAP_FOUND);
	assert_int_equal(a.line, 2);
	assert_true(ip_parse(SPAN("10.2.0.1"), &ip));
	assert_int_equal(map_access_ip(m, MAP_CONNECT, &ip, &a), MAP_NONE);
	assert_true(map_access_has_names(m));
	map_close(&m);
}

static void
count_member(void *arg, const struct alias_member *m)
{
	buf_add_span(arg, m->text);
	buf_add_char(arg, ' ');
}

static void
lists_include_files(void **state)
{
	static const struct fixture_file files[] = {
		{ "/etc/w/tables/kids", "tim\nuna@x.example\n" },
	};
	struct fixture		 f = { .files = files, .nfiles = 1 };
	struct map_answer	 a;
	struct buf		 got = { 0 };
	struct map		*m;

	(void)state;
	build(&f, "aliases", "root: ann\nkids: bob, :include:kids\n");
	m = open_database(&f, "aliases");
	assert_int_equal(f.problems.n, 0);
	assert_int_equal(ask(m, "kids@x.example", &a), MAP_FOUND);
	assert_int_equal(map_alias_members(m, a.value, count_member, &got,
	    &why), 0);
	assert_string_equal(buf_cstr(&got), "bob tim una@x.example ");
	map_close(&m);
	/* Without the file only what stands in it is missed. */
	f.nfiles = 0;
	m = open_database(&f, "aliases");
	assert_true(f.problems.n > 0);
	assert_int_equal(ask(m, "kids@x.example", &a), MAP_FOUND);
	buf_reset(&got);
	assert_int_equal(map_alias_members(m, a.value, count_member, &got,
	    &why), 0);
	assert_string_equal(buf_cstr(&got), "bob kids ");
	assert_int_equal(ask(m, "root@x.example", &a), MAP_FOUND);
	map_close(&m);
	buf_clear(&f.problems);
	buf_clear(&got);
}

static void
what_is_not_built(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;
	struct map_building nowhere = building;

	(void)state;
	(void)unlink(path);
	m = fixture_open(&f, "access", SPAN("a.example OK\nb.example NO\n"));
	assert_int_equal(map_build(m, &building, &why), -1);
	assert_string_equal(why, "a table with mistakes is not built");
	map_close(&m);
	buf_clear(&f.problems);
	m = fixture_open(&f, "accounts", SPAN("ann:{PLAIN}x\n"));
	assert_int_equal(map_build(m, &building, &why), -1);
	assert_non_null(strstr(why, "no secret"));
	map_close(&m);
	assert_int_equal(access(path, F_OK), -1);
	m = fixture_open(&f, "plain", SPAN("a b\n"));
	nowhere.path = "/nowhere/at/all";
	assert_int_equal(map_build(m, &nowhere, &why), -1);
	assert_null(why);
	map_close(&m);
	buf_clear(&f.problems);
}

static void
another_kind_is_refused(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map_answer	 a;
	struct map		*m;

	(void)state;
	build(&f, "plain", "a.example b\n");
	m = open_database(&f, "domains");
	assert_problem(&f, "0:0:0: the database was built for another kind");
	assert_int_equal(map_get(m, SPAN("a.example"), &a), MAP_BROKEN);
	buf_clear(&f.problems);
	map_close(&m);
}

static void
a_text_stands_where_no_database_was_built(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map_source	 src = { .name = SPAN("m"),
	    .driver = span_of(driver), .kind = SPAN("domains") };
	struct map_answer	 a;
	struct map		*m;

	(void)state;
	(void)f;
	src.fd = fixture_fd(SPAN("old.example new.example\n"));
	m = map_open(&src);
	close(src.fd);
	assert_false(map_is_database(m));
	assert_int_equal(map_get(m, SPAN("old.example"), &a), MAP_FOUND);
	assert_int_equal(a.line, 1);
	map_close(&m);
}

static void
a_database_of_others_is_read_as_a_table(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map_answer	 a;
	struct map		*m;
	GDBM_FILE		 g;
	char			 key[] = "Old.Example", value[] = "x.example";
	datum			 k = { key, sizeof(key) };	/* with its NUL */
	datum			 v = { value, sizeof(value) };

	(void)state;
	g = gdbm_open(path, 0, GDBM_NEWDB | GDBM_NOLOCK, 0644, NULL);
	assert_non_null(g);
	assert_int_equal(gdbm_store(g, k, v, GDBM_INSERT), 0);
	gdbm_close(g);
	m = open_database(&f, "domains");
	assert_int_equal(f.problems.n, 0);
	assert_int_equal(map_get(m, SPAN("old.example"), &a), MAP_FOUND);
	assert_true(span_eq(a.value, SPAN("x.example")));
	map_close(&m);
}

/* --- damage */

#define KEYS	300

static void
build_many(struct fixture *f)
{
	struct buf	 text = { 0 };
	unsigned	 i;

	for (i = 0; i < KEYS; i++)
		buf_addf(&text, "key%u value of %u\n", i, i);
	build(f, "plain", buf_cstr(&text));
	buf_clear(&text);
}

/* Each key says what it said, or that it cannot be asked: nothing else. */
static void
check_all(struct map *m)
{
	struct map_answer	 a;
	char			 key[32], value[32];
	unsigned		 i;

	for (i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		snprintf(value, sizeof(value), "value of %u", i);
		switch (map_get(m, span_of(key), &a)) {
		case MAP_FOUND:
			assert_true(span_eq(a.value, span_of(value)));
			assert_int_equal(a.line, i + 1);
			break;
		case MAP_NONE:
			fail();
			break;
		default:
			break;
		}
	}
}

static void
a_truncated_database_is_broken(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;
	struct buf	 whole = { 0 };
	size_t		 n;
	int		 fd;

	(void)state;
	build_many(&f);
	assert_int_equal(file_read(path, 1u << 24, &whole), 0);
	for (n = 0; n < whole.n; n += 1 + whole.n / 97) {
		fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		assert_int_equal(file_write_all(fd, whole.base + whole.off,
		    n), 0);
		close(fd);
		m = open_database(&f, "plain");
		check_all(m);
		map_close(&m);
	}
	buf_clear(&whole);
	buf_clear(&f.problems);
}

static void
a_damaged_database_gives_no_wrong_value(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m;
	struct buf	 whole = { 0 };
	uint64_t	 x = 88172645463325252u;
	unsigned	 i, k;
	char		*p;
	int		 fd;

	(void)state;
	build_many(&f);
	assert_int_equal(file_read(path, 1u << 24, &whole), 0);
	for (i = 0; i < 300; i++) {
		p = malloc(whole.n);
		memcpy(p, whole.base + whole.off, whole.n);
		for (k = 0; k < 1 + i % 8; k++) {	/* xorshift64 */
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			p[8 + x % (whole.n - 8)] ^= (char)(1 + (x >> 32) % 255);
		}
		fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		assert_int_equal(file_write_all(fd, p, whole.n), 0);
		close(fd);
		free(p);
		m = open_database(&f, "plain");
		check_all(m);
		map_close(&m);
	}
	buf_clear(&whole);
	buf_clear(&f.problems);
}

/* Up to three octets it lacks even what a database begins with. */
static void
what_is_left_of_a_database_is_no_text(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map_answer	 ans;
	struct map		*m;
	unsigned		 n;

	(void)state;
	for (n = 0; n <= 16; n++) {
		build_many(&f);
		assert_int_equal(truncate(path, n), 0);
		m = open_database(&f, "plain");
		assert_int_equal(map_get(m, SPAN("none"), &ans), MAP_BROKEN);
		assert_problem(&f, "0:0:0: the database is damaged");
		buf_clear(&f.problems);
		map_close(&m);
	}
}

#define EACH(test) \
	cmocka_unit_test_setup_teardown(test, use_gdbm, unlink_it), \
	cmocka_unit_test_setup_teardown(test, use_cdb, unlink_it), \
	cmocka_unit_test_setup_teardown(test, use_lmdb, unlink_it)

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		EACH(an_address_is_found_as_in_the_text),
		EACH(all_of_many_keys_are_there_and_no_others),
		EACH(large_values_are_whole),
		EACH(the_same_text_gives_the_same_octets),
		EACH(prefixes_of_an_access_table_are_there),
		EACH(lists_include_files),
		EACH(what_is_not_built),
		EACH(another_kind_is_refused),
		EACH(a_text_stands_where_no_database_was_built),
		cmocka_unit_test_setup_teardown(
		    a_database_of_others_is_read_as_a_table, use_gdbm,
		    unlink_it),
		EACH(a_truncated_database_is_broken),
		EACH(a_damaged_database_gives_no_wrong_value),
		EACH(what_is_left_of_a_database_is_no_text),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
