/*
 * drop_test.c - a message of the drop folder is read as it was written, and
 * nothing else is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/drop/drop.h"

static void
put(const struct drop *d, struct buf *out)
{
	drop_head(d, out);
	buf_add_span(out, d->content);
	drop_tail(d, out);
}

static void
what_was_written_is_read(void **state)
{
	struct span	rcpts[] = { SPAN("ann"), SPAN("\"b c\"@d.example") };
	struct drop	d = { .has_sender = true, .sender = SPAN("x@y.example"),
			    .rcpts = rcpts, .nrcpts = 2,
			    .notify = SPAN("SUCCESS,DELAY"),
			    .ret = DROP_RET_HDRS, .envid = SPAN("q1"),
			    .eightbit = true,
			    .content = SPAN("a: b\r\n\r\ncontent 9\r\n") };
	struct drop	r;
	struct arena	a = { 0 };
	struct buf	b = { 0 };
	const char	*why;

	(void)state;
	put(&d, &b);
	assert_true(drop_parse(buf_span(&b), &a, &r, &why));
	assert_true(r.has_sender && r.eightbit);
	assert_true(span_eq(r.sender, d.sender));
	assert_int_equal(r.nrcpts, 2);
	assert_true(span_eq(r.rcpts[0], rcpts[0]));
	assert_true(span_eq(r.rcpts[1], rcpts[1]));
	assert_true(span_eq(r.notify, d.notify));
	assert_int_equal(r.ret, DROP_RET_HDRS);
	assert_true(span_eq(r.envid, d.envid));
	assert_true(span_eq(r.content, d.content));
	buf_clear(&b);
	arena_clear(&a);
}

/* <> is a sender; without the line it is the user himself. */
static void
no_sender_and_the_null_sender_differ(void **state)
{
	struct span	rcpt = SPAN("ann");
	struct drop	d = { .rcpts = &rcpt, .nrcpts = 1 }, r;
	struct arena	a = { 0 };
	struct buf	b = { 0 };
	const char	*why;

	(void)state;
	put(&d, &b);
	assert_true(drop_parse(buf_span(&b), &a, &r, &why));
	assert_false(r.has_sender);
	buf_reset(&b);
	d.has_sender = true;
	put(&d, &b);
	assert_true(drop_parse(buf_span(&b), &a, &r, &why));
	assert_true(r.has_sender && r.sender.n == 0);
	buf_clear(&b);
	arena_clear(&a);
}

/* Cut at each octet, and with each octet changed. */
static void
nothing_less_is_a_message(void **state)
{
	struct span	rcpt = SPAN("ann");
	struct drop	d = { .rcpts = &rcpt, .nrcpts = 1,
			    .content = SPAN("a: b\r\n\r\nhi\r\n") }, r;
	struct arena	a = { 0 };
	struct buf	b = { 0 };
	const char	*why;
	struct span	whole;
	size_t		i, content;
	char		was;

	(void)state;
	put(&d, &b);
	whole = buf_span(&b);
	for (i = 0; i < whole.n; i++)
		assert_false(drop_parse(span_mem(whole.p, i), &a, &r, &why));
	content = sizeof("WBDROP1\nrcpt ann\ncontent 12\n") - 1;
	for (i = content; i < whole.n; i++) {
		was = b.base[b.off + i];
		b.base[b.off + i] = (char)(was ^ 1);
		assert_false(drop_parse(whole, &a, &r, &why));
		b.base[b.off + i] = was;
	}
	buf_clear(&b);
	arena_clear(&a);
}

static void
nonsense_is_refused(void **state)
{
	static const char *const	all[] = {
		"", "WBDROP2\n", "WBDROP1\ncontent 0\ncrc 00000000\n",
		"WBDROP1\nrcpt \ncontent 0\ncrc 00000000\n",
		"WBDROP1\nrcpt a\nuid 0\ncontent 0\ncrc 00000000\n",
		"WBDROP1\nrcpt a\rRSET\ncontent 0\ncrc 00000000\n",
		"WBDROP1\nrcpt a\nnotify X Y\ncontent 0\ncrc 00000000\n",
		"WBDROP1\nrcpt a\nret ALL\ncontent 0\ncrc 00000000\n",
		"WBDROP1\nrcpt a\ncontent 18446744073709551615\ncrc 0\n",
		"WBDROP1\nrcpt a\ncontent 0\ncrc 00000000\nmore\n",
	};
	struct arena			a = { 0 };
	struct drop			r;
	const char			*why;
	size_t				i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		why = NULL;
		assert_false(drop_parse(span_of(all[i]), &a, &r, &why));
		assert_non_null(why);
	}
	arena_clear(&a);
}

static void
settings_have_defaults(void **state)
{
	struct drop_settings	s, r;
	struct buf		b = { 0 };

	(void)state;
	drop_settings_parse(SPAN("files 7\nnonsense\noctets x\nlater 3\n"), &s);
	assert_int_equal(s.files_max, 7);
	assert_int_equal(s.octets_max, 256u << 20);
	assert_int_equal(s.message_max, 50u << 20);
	assert_false(s.none);
	s.none = true;
	drop_settings_format(&s, &b);
	drop_settings_parse(buf_span(&b), &r);
	assert_int_equal(r.files_max, 7);
	assert_true(r.none);
	drop_settings_parse(SPAN("message 99999999999\n"), &s);
	assert_int_equal(s.message_max, DROP_MESSAGE_MAX);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(no_sender_and_the_null_sender_differ),
		cmocka_unit_test(nothing_less_is_a_message),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(settings_have_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
