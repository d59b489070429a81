/*
 * replies_test.c - replies of next hops: whole, in pieces, too much, nonsense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "mta/relay/outcome.h"
#include "mta/relay/replies.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct {
	struct span	in;
	enum reply_got	got;
	unsigned	code;
	size_t		used;
	struct span	status;
	const char	*text;
} replies[] = {
	{ S("250 ok\r\n"), REPLY_READY, 250, 8, S(""), "ok" },
	{ S("250\r\n"), REPLY_READY, 250, 5, S(""), "" },
	{ S("250 ok\n"), REPLY_READY, 250, 7, S(""), "ok" },
	{ S("250 2.1.0 ok\r\n354 x"), REPLY_READY, 250, 14, S("2.1.0"), "ok" },
	{ S("550-5.1.1 no\r\n550 5.1.1 such user\r\n"), REPLY_READY, 550, 35,
	    S("5.1.1"), "no such user" },
	{ S("550-no\r\n550 5.1.1 such\r\n"), REPLY_READY, 550, 24, S(""),
	    "no such" },
	{ S("550 4.1.1 x\r\n"), REPLY_READY, 550, 13, S(""), "4.1.1 x" },
	{ S("250 a\tb\001\303\274\r\n"), REPLY_READY, 250, 12, S(""),
	    "a b???" },
	{ S("250-\r\n250 \r\n"), REPLY_READY, 250, 12, S(""), "" },
	{ S(""), REPLY_MORE, 0, 0, S(""), NULL },
	{ S("250 ok\r"), REPLY_MORE, 0, 0, S(""), NULL },
	{ S("250-ok\r\n"), REPLY_MORE, 0, 0, S(""), NULL },
	{ S("250-a\r\n250-b\r\n250"), REPLY_MORE, 0, 0, S(""), NULL },
	{ S("250-a\r\n251 b\r\n"), REPLY_NONSENSE, 0, 0, S(""), NULL },
	{ S("\r\n"), REPLY_NONSENSE, 0, 0, S(""), NULL },
	{ S("ok\r\n"), REPLY_NONSENSE, 0, 0, S(""), NULL },
	{ S("150 x\r\n"), REPLY_NONSENSE, 0, 0, S(""), NULL },
	{ S("260 x\r\n"), REPLY_NONSENSE, 0, 0, S(""), NULL },
	{ S("560 x\r\n"), REPLY_NONSENSE, 0, 0, S(""), NULL },
	{ S("25 x\r\n"), REPLY_NONSENSE, 0, 0, S(""), NULL },
	{ S("2500 x\r\n"), REPLY_NONSENSE, 0, 0, S(""), NULL },
	{ S("250-a\r\n\r\n250 b\r\n"), REPLY_NONSENSE, 0, 0, S(""), NULL },
};

static void
replies_are_read(void **state)
{
	struct reply_pos	pos;
	struct reply		r;
	char			text[REPLY_TEXT_MAX + 1];
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		pos = (struct reply_pos){ 0 };
		assert_int_equal(reply_parse(replies[i].in, &pos, &r),
		    replies[i].got);
		if (replies[i].got != REPLY_READY)
			continue;
		assert_int_equal(r.code, replies[i].code);
		assert_int_equal(r.raw.n, replies[i].used);
		assert_true(span_eq(r.status, replies[i].status));
		assert_string_equal(reply_text(&r, text), replies[i].text);
		assert_int_equal(pos.done, 0);
	}
}

static void
octet_by_octet_is_the_same(void **state)
{
	const struct span	whole = S("250-a\r\n250-b\r\n250 c\r\n");
	struct reply_pos	pos = { 0 };
	struct reply		r;
	size_t			n;

	(void)state;
	for (n = 0; n < whole.n; n++)
		assert_int_equal(reply_parse((struct span){ whole.p, n }, &pos,
		    &r), REPLY_MORE);
	assert_int_equal(reply_parse(whole, &pos, &r), REPLY_READY);
	assert_int_equal(r.raw.n, whole.n);
}

static void
fill(struct buf *b, size_t line, size_t lines)
{
	size_t	i;

	while (lines-- > 0) {
		buf_add_str(b, lines > 0 ? "250-" : "250 ");
		for (i = 6; i < line; i++)
			buf_add_char(b, 'x');
		buf_add_str(b, "\r\n");
	}
}

static enum reply_got
parse(size_t line, size_t lines)
{
	struct buf		b = { 0 };
	struct reply_pos	pos = { 0 };
	struct reply		r;
	enum reply_got		got;

	fill(&b, line, lines);
	got = reply_parse(buf_span(&b), &pos, &r);
	buf_clear(&b);
	return got;
}

static void
a_reply_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(parse(REPLY_LINE_MAX, 1), REPLY_READY);
	assert_int_equal(parse(REPLY_LINE_MAX + 1, 1), REPLY_NONSENSE);
	assert_int_equal(parse(20, REPLY_LINES_MAX), REPLY_READY);
	assert_int_equal(parse(20, REPLY_LINES_MAX + 1), REPLY_NONSENSE);
	assert_int_equal(parse(REPLY_LINE_MAX, 16), REPLY_READY);
	assert_int_equal(parse(REPLY_LINE_MAX, 17), REPLY_NONSENSE);
}

static void
a_line_without_end_is_nonsense(void **state)
{
	char			line[REPLY_LINE_MAX];
	struct reply_pos	pos = { 0 };
	struct reply		r;

	(void)state;
	memset(line, '2', sizeof(line));
	assert_int_equal(reply_parse(span_mem(line, sizeof(line) - 1), &pos,
	    &r), REPLY_MORE);
	assert_int_equal(reply_parse(span_mem(line, sizeof(line)), &pos, &r),
	    REPLY_NONSENSE);
}

static void
long_texts_are_cut(void **state)
{
	struct buf		b = { 0 };
	struct reply_pos	pos = { 0 };
	struct reply		r;
	char			text[REPLY_TEXT_MAX + 1];

	(void)state;
	fill(&b, 300, 5);
	assert_int_equal(reply_parse(buf_span(&b), &pos, &r), REPLY_READY);
	assert_int_equal(strlen(reply_text(&r, text)), REPLY_TEXT_MAX);
	buf_clear(&b);
}

static struct ehlo
ehlo(struct span in)
{
	struct reply_pos	pos = { 0 };
	struct reply		r;
	struct ehlo		e;

	assert_int_equal(reply_parse(in, &pos, &r), REPLY_READY);
	ehlo_parse(&r, &e);
	return e;
}

static void
extensions_are_found(void **state)
{
	struct ehlo	e;

	(void)state;
	e = ehlo((struct span)S("250-PIPELINING\r\n250-size 1000\r\n"
	    "250-8bitMIME\r\n250-AUTH PLAIN\r\n250-SMTPUTF8\r\n"
	    "250 EnhancedStatusCodes\r\n"));
	assert_false(e.pipelining);	/* the first line is a name */
	assert_true(e.size && e.eightbitmime && e.smtputf8 && e.enhanced);
	assert_int_equal(e.size_max, 1000);
	e = ehlo((struct span)S("250-x\r\n250-SIZE\r\n250 PIPELINING\r\n"));
	assert_true(e.size && e.pipelining);
	assert_int_equal(e.size_max, 0);
	e = ehlo((struct span)S("250-x\r\n250-SIZE 1x\r\n250 XPIPELINING\r\n"));
	assert_int_equal(e.size_max, 0);
	assert_false(e.pipelining);
}

/* RFC 9422, 3 and 4 */
static void
limits_are_found(void **state)
{
	struct ehlo	e;

	(void)state;
	e = ehlo((struct span)S("250-x\r\n250-limits RcptMax=100 MAILMAX=20 "
	    "NEW=7  RCPTDOMAINMAX=1\r\n250 SIZE 7\r\n"));
	assert_int_equal(e.rcpt_max, 100);
	assert_int_equal(e.mail_max, 20);
	assert_int_equal(e.rcpt_domain_max, 1);
	assert_int_equal(e.size_max, 7);
	e = ehlo((struct span)S("250-x\r\n250 LIMITS RCPTMAX=1000000 "
	    "MAILMAX= RCPTDOMAINMAX=-1 RCPTMAX\r\n"));
	assert_int_equal(e.rcpt_max, 0);
	assert_int_equal(e.mail_max, 0);
	assert_int_equal(e.rcpt_domain_max, 0);
}

static const struct { struct span in, host; } hosts[] = {
	{ S("220 mx.example.org ESMTP\r\n"), S("mx.example.org") },
	{ S("250-mx\r\n250 x\r\n"), S("mx") },
	{ S("250 mx<script>\r\n"), S("") },
	{ S("250 \303\274.example\r\n"), S("") },
	{ S("250\r\n"), S("") },
};

static void
a_name_is_a_host_name_or_none(void **state)
{
	struct reply_pos	pos = { 0 };
	struct reply		r;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		assert_int_equal(reply_parse(hosts[i].in, &pos, &r),
		    REPLY_READY);
		assert_true(span_eq(reply_host(&r), hosts[i].host));
	}
}

static void
an_outcome_keeps_the_hops_words(void **state)
{
	struct reply_pos	pos = { 0 };
	struct reply		r;
	struct outcome		o;

	(void)state;
	assert_int_equal(reply_parse(SPAN("452 4.2.2 full\r\n"), &pos, &r),
	    REPLY_READY);
	outcome_reply(&o, &r);
	assert_int_equal(o.code, 452);
	assert_string_equal(o.status, "4.2.2");
	assert_string_equal(o.text, "full");
	assert_int_equal(reply_parse(SPAN("552 full\r\n"), &pos, &r),
	    REPLY_READY);
	outcome_reply(&o, &r);
	assert_string_equal(o.status, "5.0.0");
	assert_true(outcome_is_final(&o));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(replies_are_read),
		cmocka_unit_test(octet_by_octet_is_the_same),
		cmocka_unit_test(a_reply_is_bounded),
		cmocka_unit_test(a_line_without_end_is_nonsense),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(extensions_are_found),
		cmocka_unit_test(limits_are_found),
		cmocka_unit_test(a_name_is_a_host_name_or_none),
		cmocka_unit_test(an_outcome_keeps_the_hops_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
