/*
 * uidlog_test.c - the uid log: read as it was written, torn, damaged, served
 * by one process.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/crc.h"
#include "base/fileio.h"
#include "mailbox/store/uidlog.h"

static char	 top[] = "/tmp/waybill-uidlog-XXXXXX";
static int	 folder = -1;

/* A log with some of everything. */
static void
sample(struct buf *b)
{
	uidlog_put_head(b, 77, 1);
	uidlog_put_message(b, 1, 1000, SPAN("id1"), SPAN("1.Q.host,S=1,W=2"));
	uidlog_put_keyword(b, 0, SPAN("$Junk"));
	uidlog_put_keyword(b, 30, SPAN("50% \xc3\xbc\n"));
	uidlog_put_message(b, 2, 1001, SPAN("id2"), SPAN("2.a b%"));
	uidlog_put_keywords_of(b, 2, SPAN("0,30"));
	uidlog_put_gone(b, 1);
	uidlog_put_meta(b, SPAN("mailboxid"), SPAN("F 1"));
	uidlog_put_meta(b, SPAN("mailboxid"), SPAN("F 2"));
	uidlog_put_message(b, 9, 1002, SPAN_NONE, SPAN("3"));
}

static void
assert_span(struct span s, const char *wanted)
{
	assert_int_equal(s.n, strlen(wanted));
	assert_memory_equal(s.p, wanted, s.n);
}

static void
assert_sample(const struct uidlog *l)
{
	const struct uidlog_entry	*e;

	assert_int_equal(l->validity, 77);
	assert_int_equal(l->next, 10);
	assert_int_equal(l->live, 2);
	assert_false(l->damaged);
	assert_span(l->keywords[0], "$Junk");
	assert_span(l->keywords[30], "50% \xc3\xbc\n");
	assert_int_equal(l->nmeta, 1);
	assert_span(l->meta[0].value, "F 2");
	e = uidlog_find(l, 2);
	assert_non_null(e);
	assert_span(e->base, "2.a b%");
	assert_span(e->id, "id2");
	assert_span(e->keywords, "0,30");
	assert_int_equal(e->saved_s, 1001);
	assert_null(uidlog_find(l, 3));
	assert_int_equal(uidlog_find(l, 9)->id.n, 0);
}

static void
what_was_put_is_read(void **state)
{
	struct buf	 b = { 0 }, again = { 0 };
	struct uidlog	 l;

	(void)state;
	sample(&b);
	assert_int_equal(uidlog_parse(buf_span(&b), &l), 0);
	assert_sample(&l);
	assert_int_equal(l.good, b.n);
	assert_true(uidlog_find(&l, 1)->gone);
	uidlog_put_all(&again, &l);
	assert_true(again.n < b.n);
	uidlog_clear(&l);
	assert_int_equal(uidlog_parse(buf_span(&again), &l), 0);
	assert_sample(&l);
	assert_null(uidlog_find(&l, 1));
	uidlog_clear(&l);
	buf_clear(&again);
	buf_clear(&b);
}

/* The greatest uid that was ever given out outlives its message. */
static void
uids_are_not_given_out_again(void **state)
{
	struct buf	 b = { 0 }, again = { 0 };
	struct uidlog	 l;

	(void)state;
	uidlog_put_head(&b, 5, 1);
	uidlog_put_message(&b, 3, 1, SPAN_NONE, SPAN("a"));
	uidlog_put_message(&b, 4, 1, SPAN_NONE, SPAN("b"));
	uidlog_put_gone(&b, 4);
	assert_int_equal(uidlog_parse(buf_span(&b), &l), 0);
	uidlog_put_all(&again, &l);
	uidlog_clear(&l);
	assert_int_equal(uidlog_parse(buf_span(&again), &l), 0);
	assert_int_equal(l.next, 5);
	uidlog_put_gone(&again, 3);
	uidlog_clear(&l);
	assert_int_equal(uidlog_parse(buf_span(&again), &l), 0);
	buf_reset(&b);
	uidlog_put_all(&b, &l);
	uidlog_clear(&l);
	assert_int_equal(uidlog_parse(buf_span(&b), &l), 0);
	assert_int_equal(l.next, 5);
	assert_int_equal(l.n, 0);
	uidlog_clear(&l);
	buf_clear(&b);
	buf_clear(&again);
}

/* Cut at each octet, with nothing or zeros behind: the whole lines hold. */
static void
a_torn_end_is_no_damage(void **state)
{
	struct buf	 b = { 0 };
	struct uidlog	 l;
	size_t		 n, head, last;
	char		*torn;

	(void)state;
	sample(&b);
	head = (size_t)span_index(buf_span(&b), '\n') + 1;
	torn = malloc(b.n);
	for (n = 0; n < b.n; n++) {
		memset(torn, 0, b.n);
		memcpy(torn, b.base, n);
		for (last = n; last > 0 && torn[last - 1] != '\n'; last--)
			;
		assert_int_equal(uidlog_parse(span_mem(torn, n), &l),
		    n < head ? -1 : 0);
		assert_int_equal(l.good, n < head ? 0 : last);
		assert_false(l.damaged);
		uidlog_clear(&l);
		assert_int_equal(uidlog_parse(span_mem(torn, b.n), &l),
		    n < head ? -1 : 0);
		assert_int_equal(l.good, n < head ? 0 : last);
		uidlog_clear(&l);
	}
	free(torn);
	buf_clear(&b);
}

static void
damage_in_the_middle_is_seen(void **state)
{
	struct buf	 b = { 0 };
	struct uidlog	 l;
	size_t		 i, last;

	(void)state;
	sample(&b);
	for (last = b.n - 1; b.base[last - 1] != '\n'; last--)
		;
	for (i = (size_t)span_index(buf_span(&b), '\n') + 1; i + 1 < last; i++) {
		b.base[i] ^= 1;
		assert_int_equal(uidlog_parse(buf_span(&b), &l), 0);
		assert_true(l.damaged);
		uidlog_clear(&l);
		b.base[i] ^= 1;
	}
	buf_clear(&b);
}

static void
lines_that_make_no_sense_are_damage(void **state)
{
	struct buf	 b = { 0 };
	struct uidlog	 l;

	(void)state;
	uidlog_put_head(&b, 5, 10);
	uidlog_put_message(&b, 9, 1, SPAN_NONE, SPAN("a"));	/* below next */
	uidlog_put_gone(&b, 4);					/* unknown */
	uidlog_put_keyword(&b, UIDLOG_KEYWORDS_MAX, SPAN("x"));
	uidlog_put_message(&b, 10, 1, SPAN_NONE, SPAN("a"));
	assert_int_equal(uidlog_parse(buf_span(&b), &l), 0);
	assert_true(l.damaged);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.lines, 2);
	uidlog_clear(&l);
	buf_clear(&b);
}

/* --- on the disk */

static int
make_folder(void **state)
{
	(void)state;
	strcpy(top + sizeof(top) - 7, "XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	folder = open(top, O_RDONLY | O_DIRECTORY);
	return folder == -1 ? -1 : 0;
}

static int
remove_folder(void **state)
{
	char	 command[100];

	(void)state;
	close(folder);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static void
write_log(struct span s)
{
	int	 fd = openat(folder, UIDLOG_NAME, O_WRONLY | O_CREAT |
	    O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(file_write_all(fd, s.p, s.n), 0);
	close(fd);
}

static void
a_new_log_is_begun_and_goes_on(void **state)
{
	struct uidlog_file	 f;
	uint32_t		 validity;

	(void)state;
	assert_int_equal(uidlog_open(&f, folder), 0);
	validity = f.log.validity;
	assert_true(validity > 0);
	assert_int_equal(f.log.next, 1);
	uidlog_put_message(&f.added, 1, 5, SPAN_NONE, SPAN("a"));
	uidlog_put_message(&f.added, 2, 5, SPAN_NONE, SPAN("b"));
	uidlog_put_gone(&f.added, 1);
	assert_int_equal(uidlog_sync(&f), 0);
	assert_int_equal(f.added.n, 0);
	assert_int_equal(uidlog_compact(&f), 0);
	uidlog_put_message(&f.added, 3, 5, SPAN_NONE, SPAN("c"));
	assert_int_equal(uidlog_sync(&f), 0);
	uidlog_close(&f);
	assert_int_equal(uidlog_open(&f, folder), 0);
	assert_int_equal(f.log.validity, validity);
	assert_int_equal(f.log.next, 4);
	assert_int_equal(f.log.n, 2);
	uidlog_close(&f);
}

static void
a_torn_end_is_cut_off(void **state)
{
	struct uidlog_file	 f;
	struct buf		 b = { 0 };
	struct stat		 st;

	(void)state;
	sample(&b);
	write_log(span_mem(b.base, b.n - 3));
	assert_int_equal(uidlog_open(&f, folder), 0);
	assert_int_equal(f.log.next, 3);
	uidlog_put_message(&f.added, 3, 5, SPAN_NONE, SPAN("c"));
	assert_int_equal(uidlog_sync(&f), 0);
	uidlog_close(&f);
	assert_int_equal(uidlog_open(&f, folder), 0);
	assert_int_equal(f.log.validity, 77);
	assert_int_equal(f.log.next, 4);
	assert_int_equal(fstatat(folder, UIDLOG_NAME, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	uidlog_close(&f);
	buf_clear(&b);
}

static void
a_damaged_log_begins_anew(void **state)
{
	struct uidlog_file	 f;
	struct buf		 b = { 0 };

	(void)state;
	uidlog_put_head(&b, 4000000000u, 1);
	uidlog_put_message(&b, 1, 5, SPAN_NONE, SPAN("a"));
	uidlog_put_message(&b, 2, 5, SPAN_NONE, SPAN("b"));
	b.base[span_index(buf_span(&b), '\n') + 3] ^= 1;
	write_log(buf_span(&b));
	assert_int_equal(uidlog_open(&f, folder), 0);
	assert_true(f.log.validity > 4000000000u);
	assert_int_equal(f.log.n, 0);
	uidlog_close(&f);
	write_log(SPAN("nonsense\n"));
	assert_int_equal(uidlog_open(&f, folder), 0);
	assert_true(f.log.validity > 0);
	uidlog_close(&f);
	buf_clear(&b);
}

static void
a_log_of_a_later_version_is_left_alone(void **state)
{
	static const char	 text[] = "H 2 5 1 and more";
	struct uidlog_file	 f;
	struct buf		 b = { 0 };

	(void)state;
	buf_addf(&b, "%08x %s\n", crc32c(0, text, sizeof(text) - 1), text);
	write_log(buf_span(&b));
	assert_int_equal(uidlog_open(&f, folder), -1);
	assert_int_equal(errno, EPROTONOSUPPORT);
	buf_clear(&b);
}

static void
one_process_serves_a_folder(void **state)
{
	struct uidlog_file	 f, other;
	int			 status;
	pid_t			 pid;

	(void)state;
	assert_int_equal(uidlog_open(&f, folder), 0);
	assert_int_equal(uidlog_open(&other, folder), -1);
	assert_int_equal(errno, EAGAIN);
	uidlog_put_message(&f.added, 1, 5, SPAN_NONE, SPAN("a"));
	assert_int_equal(uidlog_sync(&f), 0);
	assert_int_equal(uidlog_compact(&f), 0);
	if ((pid = fork()) == 0) {
		int	 fd = open(top, O_RDONLY | O_DIRECTORY);

		/* The parent's descriptor came along with the fork. */
		close(f.fd);
		_exit(uidlog_open(&other, fd) == -1 && errno == EAGAIN ? 0 :
		    1);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	uidlog_close(&f);
	assert_int_equal(uidlog_open(&other, folder), 0);
	uidlog_close(&other);
}

static void
a_hostile_file_is_no_log(void **state)
{
	struct uidlog_file	 f;

	(void)state;
	assert_int_equal(symlinkat("/etc/passwd", folder, UIDLOG_NAME), 0);
	assert_int_equal(uidlog_open(&f, folder), -1);
	assert_int_equal(unlinkat(folder, UIDLOG_NAME, 0), 0);
	assert_int_equal(mkfifoat(folder, UIDLOG_NAME, 0600), 0);
	assert_int_equal(uidlog_open(&f, folder), -1);
	assert_int_equal(unlinkat(folder, UIDLOG_NAME, 0), 0);
	assert_int_equal(mkdirat(folder, UIDLOG_NAME, 0700), 0);
	assert_int_equal(uidlog_open(&f, folder), -1);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_read),
		cmocka_unit_test(uids_are_not_given_out_again),
		cmocka_unit_test(a_torn_end_is_no_damage),
		cmocka_unit_test(damage_in_the_middle_is_seen),
		cmocka_unit_test(lines_that_make_no_sense_are_damage),
		T(a_new_log_is_begun_and_goes_on),
		T(a_torn_end_is_cut_off),
		T(a_damaged_log_begins_anew),
		T(a_log_of_a_later_version_is_left_alone),
		T(one_process_serves_a_folder),
		T(a_hostile_file_is_no_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
