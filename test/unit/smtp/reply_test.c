/*
 * reply_test.c - replies and the Received: field as octets; counting sessions.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/status.h"
#include "mta/smtp/limits.h"
#include "mta/smtp/received.h"
#include "mta/smtp/reply.h"

/* RFC 5321, 4.2 and RFC 2034, 4: class of code and status agree. */
static void
every_reply_is_a_good_line(void **state)
{
	struct reply_line	l;
	struct buf		out = { 0 };
	struct span		s;

	(void)state;
	for (unsigned i = 0; i < REPLY_NREPLIES; i++) {
		buf_reset(&out);
		reply_put(&out, (enum smtp_reply)i, SPAN("mx.example"));
		s = buf_span(&out);
		assert_in_range(s.n, 5, REPLY_LINE_MAX);
		assert_memory_equal(s.p + s.n - 2, "\r\n", 2);
		s.n -= 2;
		assert_true(reply_line_parse(s, &l));
		assert_false(l.more);
		assert_int_equal(l.code, reply_code((enum smtp_reply)i));
		if (reply_status((enum smtp_reply)i).n > 0)
			assert_true(status_agrees(l.code,
			    reply_status((enum smtp_reply)i)));
		else
			assert_true(l.code == 220 || l.code == 250 ||
			    l.code == 354);
		assert_int_equal(span_index(s, '%'), -1);
	}
	buf_clear(&out);
}

static void
a_reply_cannot_become_two(void **state)
{
	struct buf	out = { 0 };
	char		long_text[2000];

	(void)state;
	reply_put_raw(&out, 550, SPAN("5.7.1"), SPAN("no\r\n250 2.0.0 yes\xff"));
	assert_string_equal(buf_cstr(&out),
	    "550 5.7.1 no??250 2.0.0 yes?\r\n");
	buf_reset(&out);
	memset(long_text, 'x', sizeof(long_text));
	reply_put_raw(&out, 550, SPAN("5.7.1"),
	    span_mem(long_text, sizeof(long_text)));
	assert_int_equal(out.n, REPLY_LINE_MAX);
	assert_memory_equal(buf_span(&out).p + out.n - 2, "\r\n", 2);
	buf_clear(&out);
}

/* RFC 3848; RFC 6531, 4.3. */
static void
received_names_the_protocol(void **state)
{
	static const struct {
		struct received	 r;
		const char	*with;
	} rows[] = {
		{ { .esmtp = false }, "SMTP" },
		{ { .tls = true }, "SMTP" },
		{ { .esmtp = true }, "ESMTP" },
		{ { .esmtp = true, .tls = true }, "ESMTPS" },
		{ { .esmtp = true, .login = true }, "ESMTPA" },
		{ { .esmtp = true, .tls = true, .login = true }, "ESMTPSA" },
		{ { .lmtp = true, .esmtp = true }, "LMTP" },
		{ { .lmtp = true, .esmtp = true, .tls = true }, "LMTPS" },
		{ { .lmtp = true, .esmtp = true, .login = true }, "LMTPA" },
		{ { .esmtp = true, .utf8 = true }, "UTF8SMTP" },
		{ { .esmtp = true, .utf8 = true, .tls = true, .login = true },
		    "UTF8SMTPSA" },
		{ { .lmtp = true, .esmtp = true, .utf8 = true, .tls = true,
		    .login = true }, "UTF8LMTPSA" },
	};
	char	with[RECEIVED_WITH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(received_with(&rows[i].r, with),
		    rows[i].with);
}

static void
received_names_who_and_when(void **state)
{
	struct ip	ip;
	struct received	r = {
		.helo = SPAN("client.example"), .client = &ip,
		.hostname = SPAN("mx.example"), .esmtp = true,
		.qid = "0123456789ABC", .rcpt = SPAN("ann@mx.example"),
		.now_ms = 1795258989000
	};
	struct buf	out = { 0 };

	(void)state;
	assert_true(ip_parse(SPAN("2001:db8::1"), &ip));
	received_put(&r, &out);
	assert_string_equal(buf_cstr(&out),
	    "Received: from client.example ([IPv6:2001:db8::1])\r\n"
	    "\tby mx.example (Waybill) with ESMTP id 0123456789ABC\r\n"
	    "\tfor <ann@mx.example>;\r\n"
	    "\tSat, 21 Nov 2026 11:03:09 +0000\r\n");
	buf_reset(&out);
	r.rcpt = SPAN_NONE;
	r.esmtp = false;
	r.client_name = SPAN("c.example");
	assert_true(ip_parse(SPAN("192.0.2.7"), &ip));
	received_put(&r, &out);
	assert_string_equal(buf_cstr(&out),
	    "Received: from client.example (c.example [192.0.2.7])\r\n"
	    "\tby mx.example (Waybill) with SMTP id 0123456789ABC;\r\n"
	    "\tSat, 21 Nov 2026 11:03:09 +0000\r\n");
	buf_clear(&out);
}

static struct ip
ip_of(const char *s)
{
	struct ip	ip;

	assert_true(ip_parse(span_of(s), &ip));
	return ip;
}

static void
a_client_is_an_address_or_a_64(void **state)
{
	struct limits	l = { 0 };
	struct ip	a = ip_of("192.0.2.1"), b = ip_of("192.0.2.2");
	struct ip	c = ip_of("2001:db8::1"), d = ip_of("2001:db8::2:3");
	struct ip	e = ip_of("2001:db8:0:1::1");

	(void)state;
	assert_int_equal(limits_enter(&l, &a, 5, 1), LIMITS_OK);
	assert_int_equal(limits_enter(&l, &a, 5, 1), LIMITS_CLIENT);
	assert_int_equal(limits_enter(&l, &b, 5, 1), LIMITS_OK);
	assert_int_equal(limits_enter(&l, &c, 5, 1), LIMITS_OK);
	assert_int_equal(limits_enter(&l, &d, 5, 1), LIMITS_CLIENT);
	assert_int_equal(limits_enter(&l, &e, 5, 1), LIMITS_OK);
	assert_int_equal(limits_enter(&l, &d, 4, 9), LIMITS_SESSIONS);
	assert_int_equal(limits_of(&l, &d), 1);
	limits_leave(&l, &c);
	assert_int_equal(limits_of(&l, &d), 0);
	assert_int_equal(limits_enter(&l, &d, 5, 0), LIMITS_CLIENT);
	limits_leave(&l, &a);
	limits_leave(&l, &b);
	limits_leave(&l, &e);
	assert_int_equal(l.sessions, 0);
	assert_int_equal(l.clients.n, 0);
	htab_clear(&l.clients);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reply_is_a_good_line),
		cmocka_unit_test(a_reply_cannot_become_two),
		cmocka_unit_test(received_names_the_protocol),
		cmocka_unit_test(received_names_who_and_when),
		cmocka_unit_test(a_client_is_an_address_or_a_64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
