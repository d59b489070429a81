/*
 * lmtp_test.c - sessions of LMTP (RFC 2033): one reply for each recipient.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/unit/smtp/played.h"
#include "test/unit/smtp/said.h"

static const char policy[] =
    "edition 1\n"
    "hostname \"mx.example\"\n"
    "listen smtp on \"127.0.0.1:2525\"\n"
    "limits { message 2K; recipients 5; errors 9 }\n"
    "set ours = { \"here.example\" }\n"
    "on rcpt {\n"
    "  rcpt.domain not in ours => reject 550 5.7.1\n"
    "  rcpt.user == \"gone\" => discard\n"
    "  otherwise => accept\n"
    "}\n"
    "on content {\n"
    "  header[\"Subject\"] == \"bad\" => reject 554 5.7.1 \"bad\"\n"
    "  header[\"Subject\"] == \"lost\" => discard\n"
    "  header[\"Subject\"] == \"away\" => defer 421 4.7.0 \"away\"\n"
    "}\n"
    "route { otherwise => relay \"127.0.0.1:2526\" }\n";

static int
lhlo(struct played **p)
{
	int	fd;

	*p = played_start(policy);
	(*p)->server->gen->plain.kind = DOOR_LMTP;
	fd = played_client(*p, "192.0.2.9");
	is(SAY(fd, "", 1), "220 mx.example LMTP Waybill\r\n");
	has(SAY(fd, "LHLO client.example\r\n", 1), "250-PIPELINING\r\n");
	return fd;
}

static void
bye(struct played *p, int fd)
{
	close(fd);
	played_settle(p, 5000);
	assert_null(p->server->sessions);
	assert_int_equal(p->server->held, 0);
}

/* How often one stands in the other. */
static unsigned
times(const char *text, const char *part)
{
	unsigned	n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

/* 4.1 */
static void
ehlo_and_helo_are_refused(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd;

	(void)state;
	p->server->gen->plain.kind = DOOR_LMTP;
	fd = played_client(p, "192.0.2.9");
	(void)SAY(fd, "", 1);
	has(SAY(fd, "EHLO a.example\r\n", 1), "500 5.5.1 ");
	has(SAY(fd, "HELO a.example\r\n", 1), "500 5.5.1 ");
	has(SAY(fd, "MAIL FROM:<a@b.example>\r\n", 1),
	    "503 5.5.1 say LHLO first\r\n");
	has(SAY(fd, "LHLO a.example\r\n", 1), "250-ENHANCEDSTATUSCODES\r\n");
	bye(p, fd);
	p->server->gen->plain.kind = DOOR_SMTP;
	fd = played_client(p, "192.0.2.9");
	(void)SAY(fd, "", 1);
	has(SAY(fd, "LHLO a.example\r\n", 1), "500 5.5.1 ");
	bye(p, fd);
}

/* 4.2: also for the same recipient twice, and one that a rule discards. */
static void
each_recipient_has_its_reply(void **state)
{
	struct played	*p;
	int		 fd = lhlo(&p);
	size_t		 before = p->nmessages;
	const char	*got;

	(void)state;
	(void)SAY(fd, "MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@here.example>\r\n"
	    "RCPT TO:<no@elsewhere.example>\r\nRCPT TO:<ann@here.example>\r\n"
	    "RCPT TO:<gone@here.example>\r\nDATA\r\n", 6);
	got = SAY(fd, "Subject: s\r\n\r\ntext\r\n.\r\nNOOP\r\n", 4);
	assert_int_equal(times(got, "250 2.0.0 ok, queued as "), 3);
	assert_int_equal(times(got, "\r\n"), 4);
	assert_int_equal(p->nmessages, before + 1);
	has(buf_cstr(&p->last.content), ") with LMTP id ");
	bye(p, fd);
}

static void
a_refusal_is_said_to_each(void **state)
{
	static const struct {
		const char	*subject, *wanted;
	} rows[] = {
		{ "bad", "554 5.7.1 bad\r\n" }, { "lost", "250 2.0.0 ok\r\n" },
		{ "away", "421 4.7.0 away\r\n" },
	};
	char		 text[100];
	const char	*got;
	struct played	*p;
	int		 fd, n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = lhlo(&p);
		(void)SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<ann@here.example>\r\n"
		    "RCPT TO:<bob@here.example>\r\nDATA\r\n", 4);
		n = snprintf(text, sizeof(text), "Subject: %s\r\n\r\n.\r\n",
		    rows[i].subject);
		got = played_say(fd, text, (size_t)n, 2);
		assert_int_equal(times(got, rows[i].wanted), 2);
		assert_int_equal(times(got, "\r\n"), 2);
		bye(p, fd);
	}
}

static void
what_is_wrong_with_the_content_too(void **state)
{
	struct played	*p;
	int		 fd = lhlo(&p);
	const char	*got;

	(void)state;
	(void)SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<ann@here.example>\r\n"
	    "RCPT TO:<bob@here.example>\r\nDATA\r\n", 4);
	got = SAY(fd, "a\n.\r\nb\r\n.\r\n", 2);
	assert_int_equal(times(got, "550 5.6.11 "), 2);
	bye(p, fd);
}

/* 4.2: DATA without a recipient MUST fail with 503. */
static void
no_recipient_is_503(void **state)
{
	struct played	*p;
	int		 fd = lhlo(&p);

	(void)state;
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<no@elsewhere.example>\r\nDATA\r\n",
	    3), "\r\n503 5.5.1 ");
	bye(p, fd);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(ehlo_and_helo_are_refused),
		cmocka_unit_test(each_recipient_has_its_reply),
		cmocka_unit_test(a_refusal_is_said_to_each),
		cmocka_unit_test(what_is_wrong_with_the_content_too),
		cmocka_unit_test(no_recipient_is_503),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
