/*
 * journal_test.c - the status log: what is read is always a prefix of what
 * was written, whatever a power cut has left of the rest.
 */
#include "test/unit/mta/queue/read_log.h"

#include "base/crc.h"
#include "base/fileio.h"
#include "base/loop.h"
#include "base/pool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define N	200

static bool	loop_ready;

struct fixture {
	char		 path[64];
	int		 dirfd;
	struct pool	*syncs, *work;
	struct journal	*journal;
	struct turn_hook turn;
	unsigned	 synced;
	unsigned	 slices;	/* of a checkpoint: how many */
};

/* What a scan has seen: queue ids in order. */
struct seen {
	uint64_t	qids[20 * N];
	unsigned	n;
	uint64_t	generation;
};

static void
see(void *arg, const struct record *r, struct span octets)
{
	struct seen	*s = arg;

	assert_true(octets.n > 0);
	assert_int_equal(r->type, REC_FINISHED);
	s->qids[s->n++] = r->qid;
}

static struct fixture *the;

static void
on_turn(void *arg)
{
	(void)arg;
	if (the != NULL && the->journal != NULL)
		journal_turn(the->journal);
}

static bool
slice(void *arg, struct journal *j, unsigned step)
{
	struct fixture	*f = arg;
	struct record	 r = { .type = REC_FINISHED, .qid = 100000 + step };

	journal_dump(j, &r);
	return step + 1 < f->slices;
}

static const struct journal_ops	ops = { slice };

static int
setup(void **state)
{
	static struct turn_hook	 hook;
	struct fixture		*f = calloc(1, sizeof(*f));

	if (!loop_ready) {
		loop_init();
		loop_at_turn_end(&hook, on_turn, NULL);
		loop_ready = true;
	}
	snprintf(f->path, sizeof(f->path), "/tmp/waybill-journal-XXXXXX");
	if (mkdtemp(f->path) == NULL)
		return -1;
	f->dirfd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->syncs = pool_new(1);
	f->work = pool_new(1);
	f->slices = 3;
	f->journal = journal_open(f->dirfd, 0, 0, f->syncs, f->work, &ops, f);
	assert_non_null(f->journal);
	*state = the = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture	*f = *state;

	journal_close(&f->journal);
	pool_free(&f->syncs);
	pool_free(&f->work);
	unlinkat(f->dirfd, "status.log", 0);
	unlinkat(f->dirfd, "status.new", 0);
	close(f->dirfd);
	rmdir(f->path);
	free(f);
	the = NULL;
	return 0;
}

static void
add(struct fixture *f, uint64_t qid)
{
	struct record	r = { .type = REC_FINISHED, .qid = qid };

	journal_add(f->journal, &r);
}

static void
on_synced(void *arg)
{
	struct fixture	*f = arg;

	f->synced++;
	loop_stop();
}

static void
sync_now(struct fixture *f)
{
	unsigned	before = f->synced;

	journal_sync(f->journal, on_synced, f);
	while (f->synced == before)
		loop_run();
}

static uint64_t
scan(struct fixture *f, struct seen *s)
{
	struct buf	b = { 0 };
	uint64_t	end;

	memset(s, 0, sizeof(*s));
	assert_int_equal(read_log(f->dirfd, &b), 0);
	end = journal_scan(buf_span(&b), &s->generation, see, s);
	buf_clear(&b);
	return end;
}

static void
assert_prefix(const struct seen *s, unsigned most)
{
	unsigned	i;

	assert_true(s->n <= most);
	for (i = 0; i < s->n; i++)
		assert_int_equal(s->qids[i], i + 1);
}

static void
test_what_was_synced_is_read(void **state)
{
	struct fixture	*f = *state;
	struct seen	 s;
	unsigned	 i;

	for (i = 1; i <= N; i++)
		add(f, i);
	sync_now(f);
	assert_true(scan(f, &s) > JOURNAL_HEAD);
	assert_int_equal(s.n, N);
	assert_prefix(&s, N);
}

static void
test_many_waiters_share_one_sync(void **state)
{
	struct fixture	*f = *state;
	uint64_t	 before = journal_stats(f->journal).syncs;
	unsigned	 i;

	for (i = 1; i <= 50; i++) {
		add(f, i);
		journal_sync(f->journal, on_synced, f);
	}
	while (f->synced < 50)
		loop_run();
	assert_true(journal_stats(f->journal).syncs - before <= 2);
}

/* Cut at each octet: the state is that of some earlier moment. */
static void
test_cut_anywhere_it_is_a_prefix(void **state)
{
	struct fixture	*f = *state;
	struct seen	 s;
	struct buf	 b = { 0 };
	struct span	 whole;
	uint64_t	 end, len;
	unsigned	 i, before = 0;

	for (i = 1; i <= N; i++)
		add(f, i);
	sync_now(f);
	assert_int_equal(read_log(f->dirfd, &b), 0);
	whole = buf_span(&b);
	len = scan(f, &s);
	for (whole.n = 0; whole.n <= len; whole.n++) {
		memset(&s, 0, sizeof(s));
		end = journal_scan(whole, &s.generation, see, &s);
		assert_true(end <= whole.n);
		assert_prefix(&s, N);
		assert_true(s.n >= before);
		before = s.n;
	}
	assert_int_equal(before, N);
	buf_clear(&b);
}

/* Sectors that never came, in the middle: what is behind them does not count. */
static void
test_a_hole_ends_it(void **state)
{
	struct fixture	*f = *state;
	struct seen	 s;
	struct buf	 b = { 0 };
	uint64_t	 len, at;
	unsigned	 i;

	for (i = 1; i <= N; i++)
		add(f, i);
	sync_now(f);
	len = scan(f, &s);
	assert_int_equal(read_log(f->dirfd, &b), 0);
	for (at = 512; at + 512 < len; at += 512) {
		struct buf	image = { 0 };

		buf_add_span(&image, buf_span(&b));
		memset(image.base + image.off + at, 0, 512);
		memset(&s, 0, sizeof(s));
		assert_true(journal_scan(buf_span(&image), &s.generation, see,
		    &s) <= at + 512);
		assert_prefix(&s, N - 1);
		buf_clear(&image);
	}
	buf_clear(&b);
}

static void
reopen(struct fixture *f, uint64_t generation, uint64_t end)
{
	journal_close(&f->journal);
	f->journal = journal_open(f->dirfd, generation, end, f->syncs,
	    f->work, &ops, f);
	assert_non_null(f->journal);
}

static void
test_it_goes_on_behind_a_torn_end(void **state)
{
	struct fixture	*f = *state;
	struct seen	 s;
	uint64_t	 end, third;
	char		 bad = 0x55;
	unsigned	 i;
	int		 fd;

	for (i = 1; i <= 3; i++)
		add(f, i);
	sync_now(f);
	end = scan(f, &s);
	third = end - (end - JOURNAL_HEAD) / 3;
	journal_close(&f->journal);
	/* The second record is torn, the third is whole. */
	fd = openat(f->dirfd, "status.log", O_RDWR);
	assert_int_equal(pwrite(fd, &bad, 1, (off_t)third - 2), 1);
	close(fd);
	end = scan(f, &s);
	assert_int_equal(s.n, 1);
	f->journal = journal_open(f->dirfd, s.generation, end, f->syncs,
	    f->work, &ops, f);
	/* One record as long as the torn one: the old third must not follow. */
	add(f, 2);
	sync_now(f);
	scan(f, &s);
	assert_int_equal(s.n, 2);
	assert_prefix(&s, 2);
}

static void
test_records_of_an_earlier_file_do_not_count(void **state)
{
	struct fixture	*f = *state;
	struct seen	 s;
	struct buf	 b = { 0 };
	uint64_t	 end;
	char		*g;

	add(f, 1);
	sync_now(f);
	assert_int_equal(read_log(f->dirfd, &b), 0);
	g = b.base + b.off + 16;
	g[0]++;		/* another generation, with the head's checksum made good */
	memset(&s, 0, sizeof(s));
	assert_int_equal(journal_scan(buf_span(&b), &s.generation, see, &s),
	    0);
	uint32_t crc = crc32c(0, b.base + b.off, 60);
	memcpy(b.base + b.off + 60, &crc, 4);
	end = journal_scan(buf_span(&b), &s.generation, see, &s);
	assert_int_equal(end, JOURNAL_HEAD);
	assert_int_equal(s.n, 0);
	buf_clear(&b);
}

static void
wait_for_checkpoint(struct fixture *f)
{
	unsigned	i = 0;

	while (journal_stats(f->journal).checkpoints == 0) {
		assert_true(i++ < 10000);
		sync_now(f);
	}
}

static void
test_a_checkpoint_begins_with_the_state_and_goes_on(void **state)
{
	struct fixture	*f = *state;
	struct seen	 s;
	unsigned	 i, dumped = 0, later = 0;
	uint64_t	 before;

	for (i = 1; i <= N; i++)
		add(f, i);
	sync_now(f);
	before = journal_stats(f->journal).size;
	journal_checkpoint(f->journal);
	add(f, 5000);		/* while it is under way */
	wait_for_checkpoint(f);
	add(f, 5001);
	sync_now(f);
	scan(f, &s);
	assert_int_equal(s.generation, 2);
	for (i = 0; i < s.n; i++) {
		assert_true(s.qids[i] >= 5000);	/* nothing of the old log */
		dumped += s.qids[i] >= 100000;
		later += s.qids[i] < 100000;
	}
	assert_int_equal(dumped, f->slices);
	assert_int_equal(later, 2);
	assert_true(journal_stats(f->journal).size < before);
	reopen(f, s.generation, scan(f, &s));
	assert_int_equal(scan(f, &s) > JOURNAL_HEAD, 1);
	assert_int_equal(s.n, f->slices + 2);
}

static void
test_a_sync_answered_during_a_checkpoint_is_in_the_file_in_force(void **state)
{
	struct fixture	*f = *state;
	struct seen	 s;
	unsigned	 i, k, found;

	f->slices = 50;
	journal_checkpoint(f->journal);
	for (i = 1; i <= N; i++) {
		add(f, i);
		sync_now(f);
		scan(f, &s);
		for (k = found = 0; k < s.n; k++)
			found += s.qids[k] == i;
		assert_int_equal(found, 1);
	}
	assert_int_equal(journal_stats(f->journal).checkpoints, 1);
}

/* The log never ends where zeros have not been written before. */
static void
test_space_is_there_before_it_is_needed(void **state)
{
	struct fixture	*f = *state;
	struct stat	 st;
	unsigned	 i, round;

	f->slices = 1;
	for (round = 0; round < 100; round++) {
		for (i = 0; i < 1000; i++)
			add(f, i + 1);
		sync_now(f);
		assert_int_equal(fstatat(f->dirfd, "status.log", &st, 0), 0);
		assert_true((uint64_t)st.st_size >
		    journal_stats(f->journal).size);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(test_what_was_synced_is_read),
		TEST(test_many_waiters_share_one_sync),
		TEST(test_cut_anywhere_it_is_a_prefix),
		TEST(test_a_hole_ends_it),
		TEST(test_it_goes_on_behind_a_torn_end),
		TEST(test_records_of_an_earlier_file_do_not_count),
		TEST(test_a_checkpoint_begins_with_the_state_and_goes_on),
		TEST(test_a_sync_answered_during_a_checkpoint_is_in_the_file_in_force),
		TEST(test_space_is_there_before_it_is_needed),
	};

	return cmocka_run_group_tests_name("queue/journal", tests, NULL, NULL);
}
