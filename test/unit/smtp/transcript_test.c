/*
 * transcript_test.c - what a transcript shows of a session, and what it never
 * does.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/smtp/transcript.h"

static struct span
shown(struct transcript *t, struct buf *out)
{
	buf_reset(out);
	transcript_put(t, out);
	transcript_clear(t);
	return buf_span(out);
}

static void
both_sides_stand_in_their_order(void **state)
{
	struct transcript	t = { 0 };
	struct buf		out = { 0 };

	(void)state;
	transcript_server(&t, SPAN("220 mx.example\r\n"));
	transcript_client(&t, SPAN("EHLO a\x1b[2J\\\xff"), false);
	transcript_server(&t, SPAN("250-mx.example\r\n250 HELP\r\n"));
	transcript_spoiled(&t, "a line that is too long");
	assert_true(span_eq(shown(&t, &out), SPAN("S: 220 mx.example\n"
	    "C: EHLO a\\x1b[2J\\x5c\\xff\n"
	    "S: 250-mx.example\nS: 250 HELP\n"
	    "C: (a line that is too long)\n")));
	buf_clear(&out);
}

/* Each line of the client with what is shown of it. */
static void
nothing_of_a_login_is_shown(void **state)
{
	static const struct {
		const char	*said;
		bool		 inside;
		const char	*shown;
	} rows[] = {
		{ "dXNlcg==", false, "C: dXNlcg==\n" },	/* no login yet */
		{ "AUTH PLAIN AGEAYg==", false, "C: AUTH ***\n" },
		{ " auth plain AGEAYg==", false, "C: AUTH ***\n" },
		{ "AUTHPLAIN AGEAYg==", false, "C: AUTH ***\n" },
		{ "AGEAYg==", true, "C: ***\n" },
		{ "MAIL FROM:<a@b>", true, "C: ***\n" },
		{ "c2VjcmV0", false, "C: ***\n" },	/* AUTH was refused */
		{ "secret\x01", false, "C: ***\n" },
		{ "mail from:<a@b>", false, "C: mail from:<a@b>\n" },
	};
	struct transcript	t = { 0 };
	struct buf		out = { 0 }, want = { 0 };
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		transcript_client(&t, span_of(rows[i].said), rows[i].inside);
		buf_add_str(&want, rows[i].shown);
	}
	transcript_server(&t, SPAN("334 VXNlcm5hbWU6\r\n"));
	buf_add_str(&want, "S: 334 ***\n");
	assert_true(span_eq(shown(&t, &out), buf_span(&want)));
	buf_clear(&out);
	buf_clear(&want);
}

static void
the_first_and_the_last_lines_are_kept(void **state)
{
	struct transcript	t = { 0 };
	struct buf		out = { 0 }, line = { 0 };
	struct span		s, gap = SPAN("C: NOOP 19\n... 920 lines "
				    "are left out\nC: NOOP 940\n");
	unsigned		i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		buf_reset(&line);
		buf_addf(&line, "NOOP %u", i);
		transcript_client(&t, buf_span(&line), false);
	}
	s = shown(&t, &out);
	assert_true(span_prefix(s, SPAN("C: NOOP 0\nC: NOOP 1\n")));
	assert_non_null(memmem(s.p, s.n, gap.p, gap.n));
	assert_memory_equal(s.p + s.n - 12, "C: NOOP 999\n", 12);
	buf_clear(&out);
	buf_clear(&line);
}

static void
long_lines_are_cut_and_octets_bounded(void **state)
{
	struct transcript	t = { 0 };
	struct buf		out = { 0 };
	char			line[4096];
	struct span		s;
	unsigned		i;

	(void)state;
	memset(line, 1, sizeof(line));
	for (i = 0; i < 200; i++) {
		transcript_client(&t, span_mem(line, sizeof(line)), false);
		assert_true(t.head.n <= TRANSCRIPT_HEAD_MAX);
		assert_true(t.tail.n <= TRANSCRIPT_TAIL_MAX);
	}
	s = shown(&t, &out);
	assert_true(span_index(s, '\n') < TRANSCRIPT_LINE_MAX);
	assert_memory_equal(s.p + s.n - 4, "...\n", 4);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(both_sides_stand_in_their_order),
		cmocka_unit_test(nothing_of_a_login_is_shown),
		cmocka_unit_test(the_first_and_the_last_lines_are_kept),
		cmocka_unit_test(long_lines_are_cut_and_octets_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
