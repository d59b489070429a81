/*
 * content_test.c - what rules see of a content, and what becomes of its
 * header, when it is small and when it goes through a file.
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

#include "base/xalloc.h"
#include "test/unit/smtp/played.h"
#include "test/unit/smtp/said.h"

#define HEAD \
	"edition 1\n" \
	"hostname \"mx.example\"\n" \
	"listen smtp on \"127.0.0.1:2525\"\n" \
	"set ours = { \"here.example\" }\n" \
	"net home = { 10.0.0.0/8 }\n" \
	"map users = text \"@USERS@\" as accounts\n" \
	"mailbox box { accounts users; path \"/var/mail/{user}\" }\n"
#define TAIL \
	"on rcpt {\n" \
	"  client.ip in home => accept\n" \
	"  rcpt.domain not in ours => reject 550 5.7.1 \"no relaying\"\n" \
	"  rcpt unknown => reject 550 5.1.1 \"no {rcpt}\"\n" \
	"  otherwise => accept\n" \
	"}\n" \
	"route {\n" \
	"  rcpt.domain in ours => deliver box\n" \
	"  otherwise => mx\n" \
	"}\n"

static int
hello(struct played *p, const char *ip)
{
	int	fd = played_client(p, ip);

	has(SAY(fd, "", 1), "220 ");
	has(SAY(fd, "EHLO client.example\r\n", 1), "250 HELP\r\n");
	return fd;
}

static void
bye(struct played *p, int fd)
{
	has(SAY(fd, "QUIT\r\n", 1), "221 ");
	played_settle(p, 1000);
	close(fd);
}

/* Header, that many octets of text, and what stands behind it. */
static const char *
send_message(int fd, const char *header, size_t filler, const char *end)
{
	size_t	 n = strlen(header) + filler + strlen(end) + 8, i, at;
	char	*text = xmalloc(n);
	const char *reply;

	has(SAY(fd, "MAIL FROM:<colin@desk.here.example>\r\n"
	    "RCPT TO:<bob@here.example>\r\nDATA\r\n", 3), "354 ");
	at = (size_t)snprintf(text, n, "%s", header);
	memset(text + at, 'x', filler);
	for (i = 78; i + 1 < filler; i += 80)
		memcpy(text + at + i, "\r\n", 2);
	at += filler;
	at += (size_t)snprintf(text + at, n - at, "%s\r\n.\r\n", end);
	reply = played_say(fd, text, at, 1);
	free(text);
	return reply;
}

/* --- attachments */

static const char parts_policy[] = HEAD
    "limits { message 4M }\n"
    "on content {\n"
    "  attachments matches /\\.exe$/i => reject 554 5.7.1 \"no programs\"\n"
    "  attachments.type == \"application/x-bad\" =>\n"
    "    reject 554 5.7.1 \"no such type\"\n"
    "  header[\"Subject\"] == \"\xd0\xa1\xd0\xbf\xd0\xb0\xd0\xbc\" =>\n"
    "    reject 554 5.7.1 \"no such subject\"\n"
    "}\n" TAIL;

#define MIXED	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"

static void
rules_see_attachments(void **state)
{
	static const struct {
		const char	*header, *end, *reply;
	} rows[] = {
		{ "Subject: x\r\n\r\n", "", "250 2.0.0 " },
		{ "Subject: =?koi8-r?B?89DBzQ==?=\r\n\r\n", "", "554 5.7.1 no such subject" },
		{ "Content-Type: text/plain; name=x.txt\r\n\r\n", "", "250 2.0.0 " },
		{ "Content-Disposition: attachment;\r\n filename*0=x.; filename*1=EXE\r\n\r\n", "", "554 5.7.1 no programs" },
		{ MIXED, "\r\n--b\r\nContent-Type: a/b; name=x.exe\r\n\r\n\r\n--b--", "554 5.7.1 no programs" },
		{ MIXED, "\r\n--b\r\nContent-Type: application/x-bad\r\n\r\n\r\n--b--", "554 5.7.1 no such type" },
		{ MIXED, "\r\n--c\r\nContent-Type: application/x-bad\r\n\r\n\r\n--c--", "250 2.0.0 " },
		/* What cannot be looked through is not said to be clean. */
		{ "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n", "", "451 4.3.0 " },
	};
	static const size_t	 fillers[] = { 0, 100, 1500 * 1000 };
	struct played		*p = played_start(parts_policy);
	int			 fd = hello(p, "192.0.2.9");
	size_t			 i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (k = 0; k < sizeof(fillers) / sizeof(fillers[0]); k++)
			has(send_message(fd, rows[i].header, fillers[k],
			    rows[i].end), rows[i].reply);
	bye(p, fd);
}

/* --- rewriting */

static const char rewrite_policy[] = HEAD
    "limits { message 4M; recipients 10 }\n"
    "map names = { \"colin\" = \"colin.murphy\", \"ann\" = \"ann\" }\n"
    "rewrite inbound sender {\n"
    "  \"{user}@{host}.here.example\" => \"{user}@here.example\"\n"
    "}\n"
    "rewrite inbound rcpt {\n"
    "  \"{user}@old.example\" => \"{user}@here.example\"\n"
    "  \"{user}@older.example\" => \"{user}@old.example\"\n"
    "}\n"
    "rewrite inbound header {\n"
    "  \"{user}@old.example\" => \"{user}@here.example\"\n"
    "}\n"
    "rewrite outbound header {\n"
    "  \"{user}@{host}.here.example\" => \"{user}@example.com\"\n"
    "  \"{user in names}@here.example\" => \"{names[user]}@example.com\"\n"
    "}\n"
    "on mail { sender == <gone@here.example> => reject 553 5.1.8 }\n"
    "on content {\n"
    "  header[\"To\"] == \"bob@here.example\" => add header \"X-To: seen\"\n"
    "}\n" TAIL;

/* Outbound is a matter of route: the envelope keeps what inbound has made. */
static void
the_envelope_is_rewritten_before_the_rules(void **state)
{
	struct played	*p = played_start(rewrite_policy);
	int		 fd = hello(p, "192.0.2.9");

	(void)state;
	has(SAY(fd, "MAIL FROM:<gone@desk.here.example>\r\n", 1), "553 5.1.8 ");
	has(SAY(fd, "MAIL FROM:<\"co lin\"@desk.here.example>\r\n"
	    "RCPT TO:<bob@old.example>\r\nRCPT TO:<nobody@old.example>\r\n"
	    "RCPT TO:<postmaster>\r\n", 4), "250 2.1.0 ");
	has(SAY(fd, "DATA\r\n", 1), "354 ");
	has(SAY(fd, "\r\n.\r\n", 1), "250 2.0.0 ");
	assert_true(span_eq(p->last.envelope.sender,
	    SPAN("\"co lin\"@here.example")));
	assert_true(span_eq(p->last.envelope.rcpts[0],
	    SPAN("bob@here.example")));
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<bob@old.example>\r\nDATA\r\n",
	    3), "354 ");
	has(SAY(fd, "\r\n.\r\n", 1), "250 2.0.0 ");
	assert_int_equal(p->last.envelope.sender.n, 0);
	/* No result is rewritten again. */
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<bob@older.example>\r\n", 2),
	    "550 5.7.1 no relaying");
	bye(p, fd);
}

/* What was stored behind our Received: field, up to the text. */
static void
is_stored(struct played *p, const char *wanted)
{
	const char	*text = buf_cstr(&p->last.content);
	const char	*at = strstr(text, "+0000\r\n");

	assert_non_null(at);
	if (strncmp(at + 7, wanted, strlen(wanted)) != 0)
		fail_msg("wanted: %s got: %.*s", wanted,
		    (int)strlen(wanted) + 40, at + 7);
}

static const char header_in[] =
    "From: \"Colin  M.\"\r\n\t<COLIN@desk.Here.example> (me)\r\n"
    "To: bob@old.example\r\n"
    "Cc: G: ann@here.example, tim@here.example;\r\n"
    "Subject: colin@desk.here.example\r\n"
    "\r\n";

static const char header_inbound[] =
    "From: \"Colin  M.\"\r\n\t<COLIN@desk.Here.example> (me)\r\n"
    "To: bob@here.example\r\n"
    "Cc: G: ann@here.example, tim@here.example;\r\n"
    "Subject: colin@desk.here.example\r\n"
    "X-To: seen\r\n"
    "\r\n";

static const char header_outbound[] =
    "From: \"Colin  M.\"\r\n\t<COLIN@example.com> (me)\r\n"
    "To: bob@here.example\r\n"
    "Cc: G: ann@example.com, tim@here.example;\r\n"
    "Subject: colin@desk.here.example\r\n"
    "X-To: seen\r\n"
    "\r\n";

static void
send_and_compare(struct played *p, const char *ip, size_t filler,
    const char *wanted)
{
	int	 fd = hello(p, ip);

	has(send_message(fd, header_in, filler, ""), "250 2.0.0 ");
	is_stored(p, wanted);
	bye(p, fd);
}

static void
only_what_originates_here_gets_the_outbound_header(void **state)
{
	struct played	*p = played_start(rewrite_policy);

	(void)state;
	/* A stranger; a program of this machine; one who may relay. */
	send_and_compare(p, "192.0.2.9", 0, header_inbound);
	send_and_compare(p, "127.0.0.1", 0, header_outbound);
	send_and_compare(p, "10.1.2.3", 0, header_outbound);
	/* In a file of its own. */
	send_and_compare(p, "192.0.2.9", 1500 * 1000, header_inbound);
	send_and_compare(p, "10.1.2.3", 1500 * 1000, header_outbound);
}

static const char probe_policy[] = HEAD
    "limits { message 4M }\n"
    "tag known: bool\n"
    "tag asked: int\n"
    "rewrite outbound header {\n"
    "  \"{user}@{host}.here.example\" => \"{user}@example.com\"\n"
    "}\n"
    "on rcpt {\n"
    "  client.ip in home => tag known = true\n"
    "  rcpt.domain not in ours => tag asked = 1\n"
    "  otherwise => add header \"X-Asked: {rcpt}\"\n"
    "  known and client.ip in home => accept\n"
    "  otherwise => reject\n"
    "}\n"
    "on content { asked == 1 => reject 554 5.7.1 }\n"
    "route { otherwise => deliver box }\n";

/* Asking whether a stranger might be a recipient has no effects. */
static void
whether_it_originates_here_leaves_no_trace(void **state)
{
	struct played	*p = played_start(probe_policy);
	int		 fd = hello(p, "10.1.2.3");
	unsigned	 i;

	(void)state;
	for (i = 0; i < 2; i++) {
		has(send_message(fd, "To: a@desk.here.example\r\n\r\n", 0,
		    ""), "250 2.0.0 ");
		is_stored(p, "To: a@example.com\r\n"
		    "X-Asked: bob@here.example\r\n\r\n");
	}
	bye(p, fd);
}

static void
a_table_that_fails_defers(void **state)
{
	struct played	*p = played_start(rewrite_policy);
	const struct rs_image *im = policy_image(p->server->gen->policy);
	int		 fd = hello(p, "10.1.2.3");
	size_t		 before = p->nmessages;
	uint32_t	 i;

	(void)state;
	for (i = 0; i < rs_nmap(im); i++)
		if (span_eq(rs_string(im, rs_map(im, i)->name),
		    SPAN("names")))
			policy_map_failing(p->server->gen->policy, i);
	has(send_message(fd, "To: tim@here.example\r\n\r\n", 0, ""),
	    "451 4.3.0 ");
	assert_int_equal(p->nmessages, before);
	has(send_message(fd, "To: tim@far.example\r\n\r\n", 0, ""),
	    "250 2.0.0 ");
	bye(p, fd);
}

static void
a_header_with_too_many_addresses_is_not_taken(void **state)
{
	struct played	*p = played_start(rewrite_policy);
	int		 fd = hello(p, "192.0.2.9");
	struct buf	 header = { 0 };
	unsigned	 i;

	(void)state;
	for (i = 0; i < 6000; i++)
		buf_addf(&header, "To: a%u@x.example\r\n", i % 5000);
	buf_add_str(&header, "\r\n");
	has(send_message(fd, buf_cstr(&header), 0, ""), "250 2.0.0 ");
	buf_reset(&header);
	for (i = 0; i < 5001; i++)
		buf_addf(&header, "To: a%u@x.example\r\n", i);
	buf_add_str(&header, "\r\n");
	has(send_message(fd, buf_cstr(&header), 0, ""), "552 5.3.4 ");
	buf_clear(&header);
	bye(p, fd);
}

/* --- submissions (RFC 6409, 8) */

static const char submission_policy[] = HEAD
    "listen submission on \"127.0.0.1:2587\"\n"
    "on content {\n"
    "  header[\"Message-ID\"] matches /./ => accept\n"
    "  otherwise => reject 554 5.6.0 \"no id\"\n"
    "}\n" TAIL;

static int
hello_by(struct played *p, const char *listener)
{
	int	fd = played_client_by(p, "10.1.1.1", listener);

	has(SAY(fd, "", 1), "220 ");
	has(SAY(fd, "EHLO client.example\r\n", 1), "250 HELP\r\n");
	return fd;
}

static void
a_submission_is_mended(void **state)
{
	static const size_t	 fillers[] = { 100, 200000 };
	struct played		*p = played_start(submission_policy);
	const char		*got;
	int			 fd;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		fd = hello_by(p, "submission");
		has(send_message(fd, "Subject: x\r\nBcc: secret@b.example\r\n\r\n",
		    fillers[i], ""), "250 2.0.0 ");
		bye(p, fd);
		got = buf_cstr(&p->last.content);
		has(got, "\r\nSubject: x\r\nDate: ");
		has(got, "\r\nFrom: colin@desk.here.example\r\nMessage-ID: <");
		has(got, "@mx.example>\r\n\r\nxxxx");
		assert_null(strstr(got, "secret"));
	}
}

static void
other_mail_is_not_mended(void **state)
{
	struct played	*p = played_start(submission_policy);
	int		 fd;

	(void)state;
	fd = hello_by(p, "smtp");
	has(send_message(fd, "Subject: x\r\n\r\n", 100, ""),
	    "554 5.6.0 no id");
	has(send_message(fd, "Message-ID: x\r\nBcc: b@b.example\r\n\r\n",
	    100, ""), "250 2.0.0 ");
	bye(p, fd);
	has(buf_cstr(&p->last.content),
	    "\r\nMessage-ID: x\r\nBcc: b@b.example\r\n\r\nxxxx");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_see_attachments),
		cmocka_unit_test(the_envelope_is_rewritten_before_the_rules),
		cmocka_unit_test(only_what_originates_here_gets_the_outbound_header),
		cmocka_unit_test(whether_it_originates_here_leaves_no_trace),
		cmocka_unit_test(a_table_that_fails_defers),
		cmocka_unit_test(a_header_with_too_many_addresses_is_not_taken),
		cmocka_unit_test(a_submission_is_mended),
		cmocka_unit_test(other_mail_is_not_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
