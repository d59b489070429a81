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

static void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, text);
}

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_see_attachments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
