/*
 * dsn_test.c - a notification has the parts of RFC 3464, and nothing that
 * others wrote gets out of its place.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "mail/dsn.h"
#include "mail/dsn_text.h"
#include "mail/header.h"

#define NOW	1795258989123
#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct dsn_rcpt failed = {
	.address = S("bob@there.example"), .action = DSN_FAILED,
	.status = S("5.1.1"), .mta = S("mx.there.example"),
	.reply = S("550 5.1.1 no such user"),
	.why = S("The next server refused the recipient."),
	.last_attempt_ms = NOW - 1000,
};

static const struct dsn_rcpt delayed = {
	.address = S("tim@slow.example"), .action = DSN_DELAYED,
	.status = S("4.4.1"), .why = S("No server of the domain answers."),
	.will_retry_until_ms = NOW + 86400000,
};

static struct dsn
about(const struct dsn_rcpt *rcpts, size_t n)
{
	return (struct dsn){
		.reporting_mta = SPAN("mail.example.org"),
		.id = SPAN("0ABCDEFGHIJKL"), .to = SPAN("ann@x.example"),
		.arrival_ms = NOW - 5000, .now_ms = NOW,
		.rcpts = rcpts, .n = n,
		.original = SPAN("Subject: hello\r\n\r\n"),
	};
}

static const char wanted[] =
    "From: Mail Delivery System <MAILER-DAEMON@mail.example.org>\r\n"
    "To: <ann@x.example>\r\n"
    "Subject: Undelivered mail\r\n"
    "Date: Sat, 21 Nov 2026 11:03:09 +0000\r\n"
    "Message-ID: <0abcdefghijkl_1a1fdc63a43_0@mail.example.org>\r\n"
    "Auto-Submitted: auto-replied\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
    " boundary=\"=_0abcdefghijkl_1a1fdc63a43_0\"\r\n"
    "\r\n"
    "\r\n"
    "--=_0abcdefghijkl_1a1fdc63a43_0\r\n"
    "Content-Type: text/plain; charset=us-ascii\r\n"
    "\r\n"
    "This is the mail server mail.example.org.\r\n"
    "\r\n"
    "Your message could not be delivered to the following recipients, and\r\n"
    "will not be tried again:\r\n"
    "\r\n"
    "<bob@there.example>\r\n"
    "    The next server refused the recipient.\r\n"
    "    mx.there.example said:\r\n"
    "        550 5.1.1 no such user\r\n"
    "\r\n"
    "The header of your message is attached.\r\n"
    "\r\n"
    "--=_0abcdefghijkl_1a1fdc63a43_0\r\n"
    "Content-Type: message/delivery-status\r\n"
    "\r\n"
    "Reporting-MTA: dns; mail.example.org\r\n"
    "X-Waybill-Queue-ID: 0ABCDEFGHIJKL\r\n"
    "Arrival-Date: Sat, 21 Nov 2026 11:03:04 +0000\r\n"
    "\r\n"
    "Final-Recipient: rfc822; bob@there.example\r\n"
    "Action: failed\r\n"
    "Status: 5.1.1\r\n"
    "Remote-MTA: dns; mx.there.example\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
    "Last-Attempt-Date: Sat, 21 Nov 2026 11:03:08 +0000\r\n"
    "\r\n"
    "Final-Recipient: rfc822; tim@slow.example\r\n"
    "Action: delayed\r\n"
    "Status: 4.4.1\r\n"
    "Will-Retry-Until: Sun, 22 Nov 2026 11:03:09 +0000\r\n"
    "\r\n"
    "--=_0abcdefghijkl_1a1fdc63a43_0\r\n"
    "Content-Type: text/rfc822-headers\r\n"
    "\r\n"
    "Subject: hello\r\n"
    "\r\n"
    "\r\n"
    "--=_0abcdefghijkl_1a1fdc63a43_0--\r\n";

static void
failed_and_delayed_are_told(void **state)
{
	const struct dsn_rcpt	 rcpts[] = { failed, delayed };
	struct dsn		 d = about(rcpts, 2);
	struct buf		 out = { 0 };

	(void)state;
	dsn_compose(&d, &out);
	assert_string_equal(buf_cstr(&out), wanted);
	buf_clear(&out);
}

static void
a_mere_delay_is_named_so(void **state)
{
	struct dsn	 d = about(&delayed, 1);
	struct buf	 out = { 0 };

	(void)state;
	dsn_compose(&d, &out);
	assert_non_null(strstr(buf_cstr(&out), "\r\nSubject: Delayed mail\r\n"));
	assert_null(strstr(buf_cstr(&out), "will not be tried again"));
	buf_clear(&out);
}

/* Each line is short, and ends with CRLF; no control character in it. */
static void
assert_lines_are_clean(struct span s, bool ascii)
{
	size_t	 i, line = 0;

	for (i = 0; i < s.n; i++) {
		unsigned char	 ch = (unsigned char)s.p[i];

		if (ch == '\r' && i + 1 < s.n && s.p[i + 1] == '\n') {
			i++;
			line = 0;
			continue;
		}
		assert_true(ch >= ' ' && ch != 0x7f);
		assert_true(!ascii || ch < 0x80);
		assert_true(++line <= 998);
	}
	assert_int_equal(line, 0);
}

static void
what_others_wrote_stays_in_its_line(void **state)
{
	char			 word[3000];
	struct dsn_rcpt		 rc = failed;
	struct dsn		 d = about(&rc, 1);
	struct buf		 out = { 0 };

	(void)state;
	memset(word, 'x', sizeof(word));
	rc.reply = SPAN("550 no\r\nBcc: x@y.example\r\n\r\n--=_\n\xff");
	dsn_compose(&d, &out);
	assert_lines_are_clean(buf_span(&out), true);
	assert_null(strstr(buf_cstr(&out), "\nBcc:"));
	buf_reset(&out);
	rc.reply = span_mem(word, sizeof(word));
	rc.why = span_mem(word, sizeof(word));
	rc.mta = SPAN("mx\n.example");
	dsn_compose(&d, &out);
	assert_lines_are_clean(buf_span(&out), true);
	buf_clear(&out);
}

static void
the_boundary_is_not_in_the_header(void **state)
{
	struct dsn	 d = about(&failed, 1);
	struct buf	 out = { 0 };

	(void)state;
	d.original = SPAN("X: --=_0abcdefghijkl_1a1fdc63a43_0\r\n\r\n");
	dsn_compose(&d, &out);
	assert_non_null(strstr(buf_cstr(&out),
	    "boundary=\"=_0abcdefghijkl_1a1fdc63a43_1\""));
	buf_clear(&out);
}

static void
utf8_has_its_own_types(void **state)
{
	struct dsn_rcpt	 rc = failed;
	struct dsn	 d = about(&rc, 1);
	struct buf	 out = { 0 };

	(void)state;
	rc.address = SPAN("j\xc3\xb6rg@x.example");
	d.utf8 = true;
	dsn_compose(&d, &out);
	assert_lines_are_clean(buf_span(&out), false);
	assert_non_null(strstr(buf_cstr(&out),
	    "Final-Recipient: utf-8; j\xc3\xb6rg@x.example\r\n"));
	assert_non_null(strstr(buf_cstr(&out), "message/global-headers"));
	assert_non_null(strstr(buf_cstr(&out),
	    "message/global-delivery-status"));
	buf_reset(&out);
	d.utf8 = false;
	dsn_compose(&d, &out);
	assert_non_null(strstr(buf_cstr(&out), "utf-8; j\\x{F6}rg@x.example"));
	buf_clear(&out);
}

/* A hop without 8BITMIME takes it (RFC 6522, 4; RFC 2046, 5.2.1). */
static void
an_eightbit_header_is_written_in_ascii(void **state)
{
	struct dsn	 d = about(&failed, 1);
	struct buf	 out = { 0 };

	(void)state;
	d.original = SPAN("Subject: \xf6\r\n\r\n");
	dsn_compose(&d, &out);
	assert_lines_are_clean(buf_span(&out), true);
	assert_non_null(strstr(buf_cstr(&out), "text/rfc822-headers\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "Subject: =F6\r\n"));
	buf_reset(&out);
	d.full = true;
	dsn_compose(&d, &out);
	assert_non_null(strstr(buf_cstr(&out), "message/rfc822\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n"));
	buf_clear(&out);
}

static const struct dsn_rcpt arrived[] = {
	{ .address = S("box@x.example"), .action = DSN_DELIVERED,
	  .status = S("2.0.0"), .orcpt_type = S("rfc822"),
	  .orcpt = S("First+Last=Box@x.example") },
	{ .address = S("hop@x.example"), .action = DSN_RELAYED,
	  .status = S("2.0.0"), .mta = S("mx.x.example"),
	  .reply = S("250 2.0.0 ok") },
	{ .address = S("all@x.example"), .action = DSN_EXPANDED,
	  .status = S("2.1.5") },
};

/* RFC 3464, 2.2.1, 2.3.1 and 2.3.3; what was decoded is not encoded again. */
static void
success_is_told_with_what_the_sender_gave(void **state)
{
	static const char *const wanted_fields[] = {
		"\r\nSubject: Delivered mail\r\n",
		"\r\nOriginal-Envelope-Id: QQ+3=1\r\n"
		"Reporting-MTA: dns; mail.example.org\r\n",
		"\r\n\r\nOriginal-Recipient: rfc822; First+Last=Box@x.example\r\n"
		"Final-Recipient: rfc822; box@x.example\r\n"
		"Action: delivered\r\nStatus: 2.0.0\r\n",
		"\r\n\r\nFinal-Recipient: rfc822; hop@x.example\r\n"
		"Action: relayed\r\nStatus: 2.0.0\r\n"
		"Remote-MTA: dns; mx.x.example\r\n"
		"Diagnostic-Code: smtp; 250 2.0.0 ok\r\n",
		"\r\n\r\nFinal-Recipient: rfc822; all@x.example\r\n"
		"Action: expanded\r\nStatus: 2.1.5\r\n",
	};
	struct dsn	 d = about(arrived, 3);
	struct buf	 out = { 0 };
	size_t		 i;

	(void)state;
	d.envid = SPAN("QQ+3=1");
	dsn_compose(&d, &out);
	assert_lines_are_clean(buf_span(&out), true);
	for (i = 0; i < sizeof(wanted_fields) / sizeof(wanted_fields[0]); i++)
		if (strstr(buf_cstr(&out), wanted_fields[i]) == NULL)
			fail_msg("not there: %s", wanted_fields[i]);
	buf_clear(&out);
}

/* RFC 6533, 3: raw in a report of UTF-8, with numbers in one of ASCII. */
static void
an_original_recipient_may_be_utf8(void **state)
{
	struct dsn_rcpt	 rc = failed;
	struct dsn	 d = about(&rc, 1);
	struct buf	 out = { 0 };

	(void)state;
	rc.orcpt_type = SPAN("utf-8");
	rc.orcpt = SPAN("gr\xc3\xbcn@x.example");
	assert_true(dsn_needs_utf8(&d));
	dsn_compose(&d, &out);
	assert_non_null(strstr(buf_cstr(&out),
	    "Original-Recipient: utf-8; gr\\x{FC}n@x.example\r\n"));
	buf_reset(&out);
	d.utf8 = true;
	dsn_compose(&d, &out);
	assert_non_null(strstr(buf_cstr(&out),
	    "Original-Recipient: utf-8; gr\xc3\xbcn@x.example\r\n"));
	buf_clear(&out);
	rc = failed;
	assert_false(dsn_needs_utf8(&d));
}

/* RFC 3461, 4.3; the type is that of a message, and its body is there. */
static void
a_full_return_is_a_message(void **state)
{
	struct dsn	 d = about(&failed, 1);
	struct buf	 out = { 0 };

	(void)state;
	d.full = true;
	d.original = SPAN("Subject: x\r\n\r\nbody\r\n");
	dsn_compose(&d, &out);
	assert_non_null(strstr(buf_cstr(&out), "Content-Type: message/rfc822"
	    "\r\n\r\nSubject: x\r\n\r\nbody\r\n\r\n--"));
	assert_non_null(strstr(buf_cstr(&out),
	    "All of your message is attached.\r\n"));
	buf_reset(&out);
	d.full = false;
	d.cut = DSN_CUT_LARGE;
	dsn_compose(&d, &out);
	assert_non_null(strstr(buf_cstr(&out),
	    "The header of your message is attached.\r\n"
	    "The rest is not, because it is too large.\r\n"));
	buf_clear(&out);
}

/* Text and subject of another language, in octets that each hop takes. */
static void
a_text_of_another_language_is_ascii_on_the_wire(void **state)
{
	struct dsn_rcpt	 rc = failed;
	struct dsn	 d = about(&rc, 1);
	struct buf	 out = { 0 };

	(void)state;
	rc.address = SPAN("j\xc3\xb6rg@x.example");
	d.text = dsn_text_builtin(DSN_TEXT_DELAYED, SPAN("de-AT"));
	d.language = SPAN("de");
	rc.action = DSN_DELAYED;
	dsn_compose(&d, &out);
	assert_lines_are_clean(buf_span(&out), true);
	assert_non_null(strstr(buf_cstr(&out),
	    "Subject: =?utf-8?q?Verz=C3=B6gerte_Nachricht?=\r\n"));
	assert_non_null(strstr(buf_cstr(&out), "charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n"
	    "Content-Language: de\r\n\r\n"));
	assert_non_null(strstr(buf_cstr(&out), "<j=C3=B6rg@x.example>"));
	buf_clear(&out);
}

/* RFC 3464, 2.3.6; RFC 3834, 3.1.3. */
static void
a_program_has_a_diagnostic_of_its_own(void **state)
{
	struct dsn_rcpt	 rc = failed;
	struct dsn	 d = about(&rc, 1);
	struct buf	 out = { 0 };

	(void)state;
	rc.diagnostic = SPAN("x-unix");
	rc.mta = SPAN_NONE;
	rc.reply = SPAN("77: not allowed");
	d.original = SPAN("Message-ID: <1@x.example>\r\n\r\n");
	dsn_compose(&d, &out);
	assert_non_null(strstr(buf_cstr(&out),
	    "Diagnostic-Code: x-unix; 77: not allowed\r\n"));
	assert_null(strstr(buf_cstr(&out), "Remote-MTA"));
	assert_non_null(strstr(buf_cstr(&out),
	    "\r\nIn-Reply-To: <1@x.example>\r\n"));
	buf_clear(&out);
}

/* RFC 5322, 3.4.1: an address has a domain. */
static void
the_postmaster_without_a_domain_is_ours(void **state)
{
	struct dsn_rcpt	 rc = failed;
	struct dsn	 d = about(&rc, 1);
	struct buf	 out = { 0 };

	(void)state;
	d.to = SPAN("postmaster");
	dsn_compose(&d, &out);
	assert_non_null(strstr(buf_cstr(&out),
	    "\r\nTo: <postmaster@mail.example.org>\r\n"));
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_and_delayed_are_told),
		cmocka_unit_test(the_postmaster_without_a_domain_is_ours),
		cmocka_unit_test(a_mere_delay_is_named_so),
		cmocka_unit_test(what_others_wrote_stays_in_its_line),
		cmocka_unit_test(the_boundary_is_not_in_the_header),
		cmocka_unit_test(utf8_has_its_own_types),
		cmocka_unit_test(an_eightbit_header_is_written_in_ascii),
		cmocka_unit_test(success_is_told_with_what_the_sender_gave),
		cmocka_unit_test(an_original_recipient_may_be_utf8),
		cmocka_unit_test(a_full_return_is_a_message),
		cmocka_unit_test(
		    a_text_of_another_language_is_ascii_on_the_wire),
		cmocka_unit_test(a_program_has_a_diagnostic_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
