/*
 * recover_test.c - a damaged record costs its own message and no other, and
 * the log tells.
 */
#include "test/unit/mta/queue/cases.h"

#include "base/fileio.h"
#include "base/log.h"

#include <sys/mman.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SEGMENT	(256 << 10)
#define OCTETS	100000		/* of a message: longer than a piece searched */

static bool
three_wait(struct fakes *f)
{
	unsigned	 n = 0;
	struct message	*m;

	for (m = f->q.index.first; m != NULL; m = m->next)
		n += m->dests[0].state == DEST_WAIT;
	return n == 3;
}

static bool
all_told(struct fakes *f)
{
	return f->q.count.accepted == f->told;
}

static void
flip(const struct segment *g, uint64_t offset)
{
	uint8_t	c;

	CHECK(file_pread_all(g->fd, &c, 1, offset) == 0);
	c ^= 4;
	CHECK(file_pwrite_all(g->fd, &c, 1, offset) == 0);
}

static struct message *
message_from(struct fakes *f, const char *sender)
{
	struct message	*m;

	for (m = f->q.index.first; m != NULL; m = m->next)
		if (span_eq(message_sender(m), span_of(sender)))
			return m;
	return NULL;
}

/* Three messages; all are deferred, so that the log names them. */
static struct fakes *
accept_three(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->code = 451;
	fakes_retry(f, 3600000);
	fakes_accept(f, "first@x.test", "hop@y.test", 1000);
	fakes_accept(f, "a@x.test", "hop@y.test", OCTETS);
	fakes_accept(f, "b@x.test", "hop@y.test", OCTETS);
	fakes_until(f, three_wait);
	fakes_logged(f);
	return f;
}

static void
damage_content(const char *dir)
{
	struct fakes	*f = accept_three(dir);
	struct message	*m = message_from(f, "a@x.test");

	flip(m->seg, message_content_offset(m) + OCTETS / 2);
}

static void
damage_head(const char *dir)
{
	struct fakes	*f = accept_three(dir);
	struct message	*m = message_from(f, "a@x.test");

	flip(m->seg, message_offset(m) + 9);
}

static bool
is_sealed(struct fakes *f)
{
	return f->q.segments.nstate[SEGMENT_SEALED] == 1;
}

/* Three messages; the log knows the segment's end, and names no message. */
static struct fakes *
seal_three(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);

	f->route_silent = true;
	fakes_accept(f, "first@x.test", "hop@y.test", 1000);
	fakes_accept(f, "a@x.test", "hop@y.test", 1000);
	fakes_accept(f, "b@x.test", "hop@y.test", 1000);
	fakes_until(f, all_told);
	fakes_seal(f);
	fakes_until(f, is_sealed);
	fakes_logged(f);
	return f;
}

/* As segments and log may tell of them: the oldest last. */
static void
out_of_order(const char *dir)
{
	struct fakes	*f = seal_three(dir);
	struct index	*ix = &f->q.index;
	struct message	*old = ix->first, *m;
	unsigned	 n = 1;

	index_del(ix, old);
	index_add(ix, old);
	CHECK(ix->last == old);
	index_sort(ix);
	CHECK(ix->first == old && old->prev == NULL);
	for (m = old; m->next != NULL; m = m->next, n++)
		CHECK(m->qid < m->next->qid && m->next->prev == m);
	CHECK(n == 3 && ix->last == m);
}

ONE(the_oldest_is_the_first, out_of_order)

static void
damage_sealed(const char *dir)
{
	struct fakes	*f = seal_three(dir);
	struct message	*m = message_from(f, "a@x.test");

	flip(m->seg, message_offset(m) + 9);
}

static void
damage_sealed_and_table(const char *dir)
{
	struct fakes	*f = seal_three(dir);
	struct message	*m = message_from(f, "a@x.test");

	flip(m->seg, message_content_offset(m) + 500);
	flip(m->seg, m->seg->size - 1);
}

/* What was written to the log while this folder was recovered. */
static const char *
log_of_recovery(const char *dir, struct fakes **f)
{
	static char	text[16384];
	int		fd = memfd_create("log", 0);
	ssize_t		n;

	CHECK(fd != -1);
	log_open("queue", fd, LOG_L_INFO);
	*f = fakes_open(dir, SEGMENT);
	log_flush();
	n = pread(fd, text, sizeof(text) - 1, 0);
	CHECK(n > 0);
	text[n] = '\0';
	return text;
}

static struct fakes *
finds_the_others(const char *dir, bool named)
{
	struct fakes	*f;
	const char	*log = log_of_recovery(dir, &f);

	CHECK(f->q.index.n == 2);
	CHECK(message_from(f, "first@x.test") != NULL);
	CHECK(message_from(f, "b@x.test") != NULL);
	CHECK(strstr(log, "damaged record at ") != NULL);
	CHECK((strstr(log, "lost id=") != NULL) == named);
	return f;
}

static void
others_of_open(const char *dir)
{
	finds_the_others(dir, true);
}

static void
others_of_sealed(const char *dir)
{
	struct fakes	*f = finds_the_others(dir, false);

	fakes_until(f, is_empty);
	CHECK(f->njobs == 2);
}

/* The table has the envelopes: no record is looked at. */
static void
all_of_sealed(const char *dir)
{
	struct fakes	*f;
	const char	*log = log_of_recovery(dir, &f);

	CHECK(f->q.index.n == 3);
	CHECK(strstr(log, "damaged") == NULL && strstr(log, "lost") == NULL);
	fakes_until(f, is_empty);
	CHECK(f->njobs == 3);
}

/* --- what a start costs, when there is much */

#define MANY		500
#define MEMORY_MOST	600	/* octets of a message, one recipient, and its last answer */
#define READS_MOST	60	/* calls, not for each message */

static bool
many_wait(struct fakes *f)
{
	const struct message	*m;
	unsigned		 n = 0;

	for (m = f->q.index.first; m != NULL; m = m->next)
		n += m->dests[0].state == DEST_WAIT;
	return n == MANY;
}

static bool
has_checkpoint(struct fakes *f)
{
	return journal_stats(f->q.journal).checkpoints == 1;
}

static struct fakes *
accept_many(const char *dir)
{
	struct fakes	*f = fakes_open(dir, SEGMENT);
	unsigned	 i;

	f->code = 451;
	fakes_retry(f, 3600000);
	for (i = 0; i < MANY; i++)
		fakes_accept(f, "first@x.test", "hop@y.test", 100);
	fakes_until(f, many_wait);
	return f;
}

/* All records: nothing but their envelopes elsewhere tells of them. */
static void
damage_all(struct fakes *f)
{
	const struct message	*m;

	for (m = f->q.index.first; m != NULL; m = m->next)
		flip(m->seg, message_offset(m) + 9);
}

static void
many_in_checkpoint(const char *dir)
{
	struct fakes	*f = accept_many(dir);

	journal_checkpoint(f->q.journal);
	fakes_until(f, has_checkpoint);
	fakes_logged(f);
	damage_all(f);
}

static void
many_in_tables(const char *dir)
{
	struct fakes	*f = accept_many(dir);

	fakes_seal(f);
	fakes_until(f, is_sealed);
	fakes_logged(f);
	damage_all(f);
}

static unsigned
reads(void)
{
	FILE		*io = fopen("/proc/self/io", "r");
	char		 line[80];
	unsigned	 n = 0;

	CHECK(io != NULL);
	while (fgets(line, sizeof(line), io) != NULL)
		if (sscanf(line, "syscr: %u", &n) == 1)
			break;
	fclose(io);
	return n;
}

static void
find_many(const char *dir)
{
	unsigned	 before = reads();
	struct fakes	*f = fakes_open(dir, SEGMENT);

	CHECK(reads() - before < READS_MOST);
	CHECK(f->q.index.n == MANY);
	CHECK(f->q.index.first->dests[0].attempts == 1);
	CHECK(index_memory() / MANY < MEMORY_MOST);
}

static void
intact(const char *dir)
{
	accept_three(dir);
}

static void
says_nothing(const char *dir)
{
	struct fakes	*f;
	const char	*log = log_of_recovery(dir, &f);

	CHECK(f->q.index.n == 3);
	CHECK(strstr(log, "damaged") == NULL && strstr(log, "lost") == NULL);
}

STEPS(behind_a_damaged_content_the_log_is_believed, damage_content, others_of_open)
STEPS(behind_a_damaged_head_the_next_is_found, damage_head, others_of_open)
STEPS(what_a_table_has_needs_no_record, damage_sealed, all_of_sealed)
STEPS(after_a_checkpoint_no_record_is_read, many_in_checkpoint, find_many)
STEPS(with_tables_of_contents_no_record_is_read, many_in_tables, find_many)
STEPS(a_known_end_leads_over_damage, damage_sealed_and_table, others_of_sealed)
STEPS(nothing_is_said_of_what_is_whole, intact, says_nothing)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_the_oldest_is_the_first),
		cmocka_unit_test(test_behind_a_damaged_content_the_log_is_believed),
		cmocka_unit_test(test_behind_a_damaged_head_the_next_is_found),
		cmocka_unit_test(test_what_a_table_has_needs_no_record),
		cmocka_unit_test(test_after_a_checkpoint_no_record_is_read),
		cmocka_unit_test(test_with_tables_of_contents_no_record_is_read),
		cmocka_unit_test(test_a_known_end_leads_over_damage),
		cmocka_unit_test(test_nothing_is_said_of_what_is_whole),
	};

	return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}
