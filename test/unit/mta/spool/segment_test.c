/*
 * segment_test.c - a journal ends where it is torn; an earlier use is never read.
 */
#include "mta/spool/octets.h"
#include "mta/spool/segment.h"

#include "base/crc.h"
#include "base/fileio.h"

#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE	65536
#define N	5

static const struct segment_id	id = { 7, 3 };

struct fixture {
	int			fd;
	uint64_t		ends[N + 1];	/* of records, from SEGMENT_HEAD on */
	struct segment_toc	toc;
};

/* Octets of record i: its content is of its own length and letter. */
static struct span
content_of(unsigned i, char *room)
{
	size_t	n = 100 + 333 * (size_t)i;

	memset(room, 'a' + (int)i, n);
	return span_mem(room, n);
}

static struct span
envelope_of(unsigned i, struct segment_id s, char out[32])
{
	snprintf(out, 32, "envelope %u of %u", i, s.generation);
	return span_of(out);
}

static uint64_t
put(int fd, struct segment_id s, uint64_t at, unsigned i)
{
	char		room[4096];
	struct span	c = content_of(i, room);
	struct buf	b = { 0 };
	char		env[32];

	segment_put(&b, s, at, envelope_of(i, s, env), c, 0, c.n,
	    crc32c(0, c.p, c.n));
	assert_int_equal(b.n, segment_record_size(strlen(env), c.n));
	assert_int_equal(file_pwrite_all(fd, buf_span(&b).p, b.n, at), 0);
	at += b.n;
	buf_clear(&b);
	return at;
}

static int
setup(void **state)
{
	struct fixture	*f = calloc(1, sizeof(*f));
	char		 room[4096], env[32];
	unsigned	 i;

	f->fd = memfd_create("segment", MFD_CLOEXEC);
	if (f->fd == -1 || ftruncate(f->fd, SIZE) == -1)
		return -1;
	assert_int_equal(segment_format_head(f->fd, id, SIZE), 0);
	f->ends[0] = SEGMENT_HEAD;
	for (i = 0; i < N; i++) {
		segment_toc_add(&f->toc, f->ends[i], envelope_of(i, id, env),
		    0, content_of(i, room).n);
		f->ends[i + 1] = put(f->fd, id, f->ends[i], i);
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture	*f = *state;

	close(f->fd);
	segment_toc_clear(&f->toc);
	free(f);
	return 0;
}

/* How many records are read, one after the other, and where that ends. */
static unsigned
count(int fd, struct segment_id s, uint64_t *end)
{
	struct segment_record	r;
	unsigned		n = 0;

	*end = SEGMENT_HEAD;
	while (segment_read(fd, s, SIZE, *end, true, &r) == 1) {
		*end = r.offset + r.length;
		n++;
	}
	return n;
}

static void
test_records_are_read_as_they_were_written(void **state)
{
	struct fixture		*f = *state;
	struct segment_record	 r;
	struct buf		 env = { 0 };
	char			 want[32];
	unsigned		 i;

	for (i = 0; i < N; i++) {
		assert_int_equal(segment_read(f->fd, id, SIZE, f->ends[i],
		    true, &r), 1);
		assert_true(r.offset + r.length == f->ends[i + 1]);
		assert_int_equal(r.content_length, 100 + 333 * i);
		buf_reset(&env);
		assert_int_equal(segment_read_envelope(f->fd, &r, &env), 1);
		snprintf(want, sizeof(want), "envelope %u of 3", i);
		assert_string_equal(buf_cstr(&env), want);
	}
	buf_clear(&env);
}

static void
test_the_head_says_what_the_file_is(void **state)
{
	struct fixture		*f = *state;
	struct segment_id	 s;
	uint64_t		 size;
	unsigned		 i;
	char			 c;

	assert_int_equal(segment_read_head(f->fd, &s, &size), 0);
	assert_int_equal(s.id, 7);
	assert_int_equal(s.generation, 3);
	assert_int_equal(size, SIZE);
	for (i = 0; i < SEGMENT_HEAD; i++) {
		assert_int_equal(pread(f->fd, &c, 1, i), 1);
		c ^= 0x20;
		assert_int_equal(pwrite(f->fd, &c, 1, i), 1);
		assert_int_equal(segment_read_head(f->fd, &s, &size), -1);
		c ^= 0x20;
		assert_int_equal(pwrite(f->fd, &c, 1, i), 1);
	}
}

/* The last record reaches the disk up to some octet: it is there or it is not. */
static void
test_a_tail_torn_at_each_octet_ends_the_journal_before_it(void **state)
{
	struct fixture	*f = *state;
	uint64_t	 at, end, begin = f->ends[N - 1];
	size_t		 n = (size_t)(f->ends[N] - begin), i, body;
	char		*whole = malloc(n), zero = 0;

	assert_int_equal(pread(f->fd, whole, n, (off_t)begin), n);
	for (i = n; i-- > 0;) {
		at = begin + i;
		assert_int_equal(pwrite(f->fd, &zero, 1, (off_t)at), 1);
		/* Padding is no part of what the checksums cover. */
		for (body = i; body < n && whole[body] == 0; body++)
			;
		if (body == n)
			assert_int_equal(count(f->fd, id, &end), N);
		else
			assert_int_equal(count(f->fd, id, &end), N - 1);
	}
	free(whole);
}

/* 512 octets at a time, in any order: a record counts when all of it is there. */
static void
test_sectors_that_came_in_another_order_make_no_record(void **state)
{
	struct fixture	*f = *state;
	char		*whole = malloc(SIZE), *image = malloc(SIZE);
	unsigned	 seed, i, n, complete, sector, last;
	uint64_t	 end;
	int		 fd = memfd_create("image", MFD_CLOEXEC);

	assert_int_equal(pread(f->fd, whole, SIZE, 0), SIZE);
	last = (unsigned)(f->ends[N] / 512);
	for (seed = 1; seed <= 500; seed++) {
		srandom(seed);
		memset(image, 0, SIZE);
		memcpy(image, whole, 512);	/* the head was synced */
		bool	there[SIZE / 512] = { true };
		for (sector = 1; sector <= last; sector++)
			if ((there[sector] = random() % 4 != 0))
				memcpy(image + 512 * sector,
				    whole + 512 * sector, 512);
		assert_int_equal(pwrite(fd, image, SIZE, 0), SIZE);
		for (complete = 0; complete < N; complete++) {
			bool	all = true;
			for (i = (unsigned)(f->ends[complete] / 512);
			    i <= (f->ends[complete + 1] - 1) / 512; i++)
				all = all && there[i];
			if (!all)
				break;
		}
		n = count(fd, id, &end);
		if (n != complete)	/* but for padding in the last sector */
			assert_int_equal(memcmp(image + f->ends[complete],
			    whole + f->ends[complete],
			    f->ends[complete + 1] - f->ends[complete]), 0);
		assert_true(n >= complete);
	}
	close(fd);
	free(whole);
	free(image);
}

static void
test_what_an_earlier_use_left_is_never_read_as_new(void **state)
{
	struct fixture		*f = *state;
	struct segment_id	 again = { 7, 4 };
	struct segment_toc	 toc = { 0 };
	uint64_t		 end;

	assert_int_equal(segment_format_head(f->fd, again, SIZE), 0);
	assert_int_equal(count(f->fd, again, &end), 0);
	/* The same record again: behind it stands the old second one. */
	end = put(f->fd, again, SEGMENT_HEAD, 0);
	assert_true(end == f->ends[1]);
	assert_int_equal(count(f->fd, again, &end), 1);
	assert_true(end == f->ends[1]);
	assert_int_equal(segment_read_toc(f->fd, again, SIZE, &end, &toc), 0);
}

static void
test_a_record_counts_only_where_it_was_written(void **state)
{
	struct fixture		*f = *state;
	struct segment_record	 r;
	size_t			 n = (size_t)(f->ends[2] - f->ends[1]);
	char			*record = malloc(n);

	assert_int_equal(pread(f->fd, record, n, (off_t)f->ends[1]), n);
	assert_int_equal(pwrite(f->fd, record, n, (off_t)f->ends[N]), n);
	assert_int_equal(segment_read(f->fd, id, SIZE, f->ends[N], true, &r),
	    0);
	free(record);
}

static void
test_a_seal_names_all_records(void **state)
{
	struct fixture		*f = *state;
	struct segment_toc	 toc = { 0 };
	struct buf		 b = { 0 };
	struct segment_record	 r;
	struct span		 env;
	uint64_t		 at, end = 0;
	size_t			 i, k, pos;
	char			 c, room[4096], text[32];

	assert_int_equal(segment_read_toc(f->fd, id, SIZE, &end, &toc), 0);
	at = segment_seal(&b, id, SIZE, f->ends[N], &f->toc);
	assert_int_equal(at + b.n, SIZE);
	assert_int_equal(b.n, segment_seal_size(f->toc.table.n));
	assert_int_equal(file_pwrite_all(f->fd, buf_span(&b).p, b.n, at), 0);
	assert_int_equal(segment_read_toc(f->fd, id, SIZE, &end, &toc), 1);
	assert_true(end == f->ends[N]);
	assert_int_equal(toc.n, N);
	for (i = pos = 0; segment_toc_next(&toc, &pos, &r, &env); i++) {
		assert_true(r.offset == f->ends[i]);
		assert_true(r.offset + r.length == f->ends[i + 1]);
		assert_int_equal(r.content_length,
		    content_of((unsigned)i, room).n);
		assert_true(span_eq(env, envelope_of((unsigned)i, id, text)));
	}
	assert_int_equal(i, N);
	/* Torn at any octet it is no seal. */
	for (k = 0; k < b.n; k++) {
		c = buf_span(&b).p[k] ^ 1;
		assert_int_equal(pwrite(f->fd, &c, 1, (off_t)(at + k)), 1);
		segment_toc_clear(&toc);
		assert_int_equal(segment_read_toc(f->fd, id, SIZE, &end, &toc),
		    0);
		c ^= 1;
		assert_int_equal(pwrite(f->fd, &c, 1, (off_t)(at + k)), 1);
	}
	segment_toc_clear(&toc);
	buf_clear(&b);
}

/* As version 0.1 wrote them: offsets, and no envelopes. */
static void
test_a_seal_of_offsets_alone_is_read_too(void **state)
{
	struct fixture		*f = *state;
	struct segment_toc	 toc = { 0 };
	struct segment_record	 r;
	struct span		 env;
	struct buf		 b = { 0 };
	uint8_t			 where[16];
	uint64_t		 end = 0, at = SIZE - 8 * N - 32;
	size_t			 i, pos;

	for (i = 0; i < N; i++)
		octets_put(&b, f->ends[i], 8);
	buf_add_str(&b, "WBSEAL1\n");
	octets_put(&b, N, 8);
	octets_put(&b, f->ends[N], 8);
	octets_put(&b, 0, 4);
	octets_store(where, id.id, 4);
	octets_store(where + 4, id.generation, 4);
	octets_store(where + 8, at, 8);
	octets_put(&b, crc32c(crc32c(0, where, sizeof(where)),
	    buf_span(&b).p, b.n), 4);
	assert_int_equal(file_pwrite_all(f->fd, buf_span(&b).p, b.n, at), 0);
	assert_int_equal(segment_read_toc(f->fd, id, SIZE, &end, &toc), 1);
	assert_true(toc.old && end == f->ends[N]);
	for (i = pos = 0; segment_toc_next(&toc, &pos, &r, &env); i++)
		assert_true(r.offset == f->ends[i] && env.n == 0);
	assert_int_equal(i, N);
	segment_toc_clear(&toc);
	buf_clear(&b);
}

/* Its checksum is right, but what it says cannot be. */
static void
test_a_seal_that_makes_no_sense_is_none(void **state)
{
	static const struct { uint64_t offset, content; uint32_t flags; }
		cases[] = {
		{ SEGMENT_HEAD + 4, 10, 0 },		/* no multiple of 8 */
		{ 0, 10, 0 },				/* in the head */
		{ SEGMENT_HEAD, SEGMENT_BODY_MAX + 1, 0 },
		{ SEGMENT_HEAD, SIZE, 0 },		/* beyond the end */
		{ SIZE, 10, SEGMENT_F_BODY },
	};
	struct fixture		*f = *state;
	struct buf		 b = { 0 };
	uint64_t		 at, end = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct segment_toc	toc = { 0 };

		segment_toc_add(&toc, cases[i].offset, SPAN("env"),
		    cases[i].flags, cases[i].content);
		at = segment_seal(&b, id, SIZE, f->ends[N], &toc);
		assert_int_equal(file_pwrite_all(f->fd, buf_span(&b).p, b.n,
		    at), 0);
		segment_toc_clear(&toc);
		assert_int_equal(segment_read_toc(f->fd, id, SIZE, &end, &toc),
		    0);
		buf_clear(&b);
	}
}

static void
test_a_body_elsewhere_takes_no_room(void **state)
{
	struct fixture		*f = *state;
	struct segment_record	 r;
	struct buf		 b = { 0 };

	segment_put(&b, id, f->ends[N], SPAN("envelope"), SPAN_NONE,
	    SEGMENT_F_BODY, 50 << 20, 0x12345678);
	assert_int_equal(b.n, segment_record_size(8, 0));
	assert_int_equal(file_pwrite_all(f->fd, buf_span(&b).p, b.n,
	    f->ends[N]), 0);
	assert_int_equal(segment_read(f->fd, id, SIZE, f->ends[N], true, &r),
	    1);
	assert_int_equal(r.content_length, 50 << 20);
	assert_int_equal(r.content_crc, 0x12345678);
	assert_int_equal(r.length, b.n);
	buf_clear(&b);
}

static void
test_names_of_files(void **state)
{
	char		name[SEGMENT_NAME];
	uint32_t	n;

	(void)state;
	assert_string_equal(segment_name(42, name), "S0000002a");
	assert_true(segment_name_parse("S0000002a", &n));
	assert_int_equal(n, 42);
	assert_false(segment_name_parse("S0000002A", &n));
	assert_false(segment_name_parse("S000002a", &n));
	assert_false(segment_name_parse("T0000002a", &n));
	assert_false(segment_name_parse("..", &n));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(test_records_are_read_as_they_were_written),
		TEST(test_the_head_says_what_the_file_is),
		TEST(test_a_tail_torn_at_each_octet_ends_the_journal_before_it),
		TEST(test_sectors_that_came_in_another_order_make_no_record),
		TEST(test_what_an_earlier_use_left_is_never_read_as_new),
		TEST(test_a_record_counts_only_where_it_was_written),
		TEST(test_a_seal_names_all_records),
		TEST(test_a_seal_of_offsets_alone_is_read_too),
		TEST(test_a_seal_that_makes_no_sense_is_none),
		TEST(test_a_body_elsewhere_takes_no_room),
		cmocka_unit_test(test_names_of_files),
	};

	return cmocka_run_group_tests_name("spool/segment", tests, NULL, NULL);
}
