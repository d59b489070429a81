/*
 * session_test.c - whole sessions in this process: order, content, what is
 * stored.
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

#include "base/log.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"
#include "mta/policy/policy.h"
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
	"route {\n" \
	"  rcpt.domain in ours => deliver box\n" \
	"  otherwise => mx\n" \
	"}\n"
#define RCPT_RULES \
	"on rcpt {\n" \
	"  rcpt.domain not in ours => reject 550 5.7.1 \"no relaying\"\n" \
	"  rcpt unknown => reject 550 5.1.1 \"no {rcpt}\"\n" \
	"  otherwise => accept\n" \
	"}\n"

static const char plain_policy[] = HEAD
    "limits { message 2M; recipients 3; errors 5; commands 60; hops 4 }\n"
    RCPT_RULES TAIL;

/* Greeted, EHLO said. */
static int
hello(struct played *p)
{
	int	fd = played_client(p, "192.0.2.9");

	is(SAY(fd, "", 1), "220 mx.example ESMTP Waybill\r\n");
	has(SAY(fd, "EHLO client.example\r\n", 1), "250 HELP\r\n");
	return fd;
}

/* In a transaction, with 354 said. */
static int
data(struct played *p)
{
	int	fd = hello(p);

	has(SAY(fd, "MAIL FROM:<x@y.example>\r\nRCPT TO:<ann@here.example>\r\n"
	    "DATA\r\n", 3), "354 ");
	return fd;
}

static void
bye(struct played *p, int fd)
{
	close(fd);
	played_settle(p, 5000);
	assert_null(p->server->sessions);
	assert_int_equal(p->server->held, 0);
	assert_int_equal(intake_held(p->server->intake), 0);
}

/* What was stored behind our Received: field. */
static const char *
stored(struct played *p)
{
	const char	*text = buf_cstr(&p->last.content);
	const char	*at = strstr(text, "+0000\r\n");

	assert_non_null(at);
	assert_int_equal(strncmp(text, "Received: from ", 15), 0);
	return at + 7;
}

static void
a_message_is_stored_before_250(void **state)
{
	struct played	*p = played_start(plain_policy);
	size_t		 before = p->nmessages;
	int		 fd = data(p);

	(void)state;
	has(SAY(fd, "Subject: s\r\n\r\n..dot\r\nline\r\n.\r\n", 1),
	    "250 2.0.0 ok, queued as ");
	assert_int_equal(p->nmessages, before + 1);
	is(stored(p), "Subject: s\r\n\r\n.dot\r\nline\r\n");
	assert_true(span_eq(p->last.envelope.sender, SPAN("x@y.example")));
	assert_int_equal(p->last.envelope.nrcpts, 1);
	assert_true(span_eq(p->last.envelope.rcpts[0],
	    SPAN("ann@here.example")));
	assert_int_equal(p->last.envelope.size, p->last.content.n);
	assert_int_equal(p->last.envelope.flags, 0);
	has(buf_cstr(&p->last.content), "\tfor <ann@here.example>;\r\n");
	has(SAY(fd, "QUIT\r\n", 1), "221 2.0.0 ");
	bye(p, fd);
}

static void
all_at_once_is_answered_in_order(void **state)
{
	struct played	*p = played_start(plain_policy);
	size_t		 before = p->nmessages;
	const char	*got;
	int		 fd = hello(p);

	(void)state;
	/* Content that did not wait for 354 is content all the same. */
	got = SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<ann@here.example>\r\n"
	    "RCPT TO:<no@here.example>\r\nRCPT TO:<bob@here.example>\r\n"
	    "DATA\r\nQUIT\r\n.\r\nNOOP\r\nMAIL FROM:<a@b.example>\r\n", 8);
	has(got, "250 2.1.0 sender ok\r\n"
	    "250 2.1.5 recipient ok\r\n"
	    "550 5.1.1 no no@here.example\r\n"
	    "250 2.1.5 recipient ok\r\n"
	    "354 send the message, end with <CRLF>.<CRLF>\r\n"
	    "250 2.0.0 ok, queued as ");
	has(got, "\r\n250 2.0.0 ok\r\n250 2.1.0 sender ok\r\n");
	is(stored(p), "QUIT\r\n");
	assert_int_equal(p->nmessages, before + 1);
	assert_int_equal(p->last.envelope.nrcpts, 2);
	assert_null(strstr(buf_cstr(&p->last.content), "for <"));
	bye(p, fd);
}

#define CONTENT(name, octets, code) { name, { octets, sizeof(octets) - 1 }, code }
static const struct {
	const char	*name;
	struct span	 octets;	/* with a true end */
	const char	*code;
} refused_contents[] = {
	CONTENT("LF.LF", "a\n.\nMAIL FROM:<e@v.il>\r\n.\r\n", "550 5.6.11"),
	CONTENT("LF.CRLF", "a\n.\r\nb\r\n.\r\n", "550 5.6.11"),
	CONTENT("CRLF.LF", "a\r\n.\nb\r\n.\r\n", "550 5.6.11"),
	CONTENT("CR.CR", "a\r.\rb\r\n.\r\n", "550 5.6.11"),
	CONTENT("CR.CRLF", "a\r.\r\nb\r\n.\r\n", "550 5.6.11"),
	CONTENT("CRLF.CR", "a\r\n.\rb\r\n.\r\n", "550 5.6.11"),
	CONTENT("CRCRLF", "a\r\r\nb\r\n.\r\n", "550 5.6.11"),
	CONTENT("NUL", "a\0b\r\n.\r\n", "550 5.6.0"),
};

static void
smuggling_is_refused_after_the_true_end(void **state)
{
	struct played	*p = played_start(plain_policy);
	size_t		 before = p->nmessages;
	const char	*got;
	int		 fd;

	(void)state;
	for (size_t i = 0; i < sizeof(refused_contents) /
	    sizeof(refused_contents[0]); i++) {
		fd = data(p);
		got = played_say(fd, refused_contents[i].octets.p,
		    refused_contents[i].octets.n, 1);
		if (strncmp(got, refused_contents[i].code,
		    strlen(refused_contents[i].code)) != 0)
			fail_msg("%s: %s", refused_contents[i].name, got);
		is(SAY(fd, "NOOP\r\n", 1), "250 2.0.0 ok\r\n");
		bye(p, fd);
	}
	assert_int_equal(p->nmessages, before);
}

static void
octet_by_octet_is_the_same(void **state)
{
	static const char	 text[] = "A: b\r\n\r\n.\xe4.\r\n..\r\n.\r\n";
	struct played		*p = played_start(plain_policy);
	int			 fd = data(p);

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(text); i++)
		is(played_say(fd, text + i, 1, 0), "");
	played_turns(10);
	has(played_say(fd, "\n", 1, 1), "250 2.0.0 ");
	is(stored(p), "A: b\r\n\r\n\xe4.\r\n.\r\n");
	assert_int_equal(p->last.envelope.flags, ENV_8BIT);
	bye(p, fd);
}

static void
a_spoiled_line_is_one_refusal(void **state)
{
	struct played	*p = played_start(plain_policy);
	int		 fd = hello(p);
	char		 line[3000];

	(void)state;
	is(SAY(fd, "NOOP\nMAIL FROM:<a@b.example>\r\nNOOP\r\n", 2),
	    "500 5.5.2 only CRLF ends a line\r\n250 2.0.0 ok\r\n");
	memset(line, 'x', sizeof(line));
	memcpy(line + sizeof(line) - 8, "\r\nNOOP\r\n", 8);
	is(played_say(fd, line, sizeof(line), 2),
	    "500 5.5.2 line too long\r\n250 2.0.0 ok\r\n");
	is(SAY(fd, "NO\0OP\r\n", 1), "500 5.5.2 control characters have no "
	    "place in a command\r\n");
	bye(p, fd);
}

static void
limits_hold(void **state)
{
	struct played	*p = played_start(plain_policy);
	int		 fd = hello(p);

	(void)state;
	has(SAY(fd, "MAIL FROM:<a@b.example> SIZE=3000000\r\n", 1),
	    "552 5.3.4 ");
	has(SAY(fd, "MAIL FROM:<a@b.example>\r\n", 1), "250 ");
	for (int i = 0; i < 3; i++)
		has(SAY(fd, "RCPT TO:<ann@here.example>\r\n", 1), "250 ");
	has(SAY(fd, "RCPT TO:<ann@here.example>\r\n", 1), "452 4.5.3 ");
	has(SAY(fd, "RSET\r\nX\r\nX\r\nX\r\nX\r\nNOOP\r\nNOOP\r\n", 6),
	    "500 5.5.1 command not recognised\r\n421 4.7.0 mx.example too "
	    "many errors");
	bye(p, fd);
	fd = hello(p);
	for (int i = 0; i < 59; i++)
		has(SAY(fd, "NOOP\r\n", 1), "250 ");
	has(SAY(fd, "NOOP\r\n", 1), "421 4.7.0 ");
	bye(p, fd);
}

static void
a_large_message_has_a_file(void **state)
{
	struct played	*p = played_start(plain_policy);
	size_t		 n = 1500 * 1000, bodies = p->nbodies;
	char		*text = xmalloc(n);
	int		 fd = data(p);

	(void)state;
	for (size_t i = 0; i < n; i++)
		text[i] = i % 100 == 98 ? '\r' : i % 100 == 99 ? '\n' : 'x';
	memcpy(text, "Subject: large\r\n\r\n", 18);
	assert_string_equal(played_say(fd, text, n, 0), "");
	has(SAY(fd, ".\r\n", 1), "250 2.0.0 ");
	assert_int_equal(p->nbodies, bodies + 1);
	assert_int_equal(strlen(stored(p)), n);
	assert_memory_equal(stored(p), text, n);
	bye(p, fd);
	/* Too large altogether: known at its end, and nothing is kept. */
	fd = data(p);
	assert_string_equal(played_say(fd, text, n, 0), "");
	assert_string_equal(played_say(fd, text, n, 0), "");
	has(SAY(fd, ".\r\n", 1), "552 5.3.4 ");
	assert_int_equal(p->ndropped, 1);
	bye(p, fd);
	/* And when there is no space for the file. */
	p->no_bodies = true;
	fd = data(p);
	assert_string_equal(played_say(fd, text, n, 0), "");
	has(SAY(fd, ".\r\n", 1), "452 4.3.1 ");
	p->no_bodies = false;
	bye(p, fd);
	free(text);
}

static const char edit_policy[] = HEAD
    "on connect { otherwise => add header \"X-Session: yes\" }\n"
    "on content {\n"
    "  header[\"Subject\"] == \"bad\" => reject 554 5.7.1 \"bad subject\"\n"
    "  header[\"Subject\"] == \"away\" => discard\n"
    "  message.size > 1000 => add header \"X-Large: yes\"\n"
    "  otherwise => remove header \"X-Spam\", set header \"Subject: new\"\n"
    "}\n" RCPT_RULES TAIL;

static void
rules_edit_the_header(void **state)
{
	static const char head[] = "Subject: new\r\nX-Session: yes\r\n"
	    "X-Large: yes\r\n\r\n";
	struct played	*p = played_start(edit_policy);
	const char	*got;
	size_t		 before = p->nmessages, n = 1200 * 1000;
	char		*text = xmalloc(n);
	int		 fd = data(p);

	(void)state;
	has(SAY(fd, "X-Spam: 1\r\nSubject: old\r\n\r\nbody\r\n.\r\n", 1),
	    "250 ");
	is(stored(p), "Subject: new\r\nX-Session: yes\r\n\r\nbody\r\n");
	assert_int_equal(p->last.envelope.size, p->last.content.n);
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<bob@here.example>\r\nDATA\r\n",
	    3), "354");
	has(SAY(fd, "Subject: bad\r\n\r\nb\r\n.\r\n", 1),
	    "554 5.7.1 bad subject");
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<bob@here.example>\r\nDATA\r\n",
	    3), "354");
	has(SAY(fd, "Subject: away\r\n\r\nb\r\n.\r\n", 1), "250 2.0.0 ok\r\n");
	assert_int_equal(p->nmessages, before + 1);
	bye(p, fd);
	/* The same in a file: what follows the header moves. */
	for (size_t i = 0; i < n; i++)
		text[i] = i % 100 == 98 ? '\r' : i % 100 == 99 ? '\n' :
		    (char)('a' + i / 1000 % 26);
	memcpy(text, "X-Spam: 1\r\nSubject: old\r\n\r\n", 27);
	fd = data(p);
	assert_string_equal(played_say(fd, text, n, 0), "");
	has(SAY(fd, ".\r\n", 1), "250 2.0.0 ");
	got = stored(p);
	assert_int_equal(strncmp(got, head, sizeof(head) - 1), 0);
	got += sizeof(head) - 1;
	assert_int_equal(strlen(got), n - 27);
	assert_memory_equal(got, text + 27, n - 27);
	bye(p, fd);
	free(text);
}

static const char refusing_policy[] = HEAD
    "on connect { client.ip in home => reject 554 5.7.1 \"not you\" }\n"
    "on helo { client.helo == \"evil\" => reject 550 5.7.1 \"no\"\n"
    "          client.helo == \"later\" => defer 421 4.7.0 \"go away\" }\n"
    "on mail { sender.domain == \"bad.example\" => reject 553 5.1.8 \"bad\" }\n"
    "on data { rcpts.count > 1 => defer 451 4.7.1 \"one by one\" }\n"
    RCPT_RULES TAIL;

static void
hooks_refuse_where_they_stand(void **state)
{
	struct played	*p = played_start(refusing_policy);
	int		 fd = played_client(p, "10.1.1.1");

	(void)state;
	is(SAY(fd, "", 1), "554 5.7.1 not you\r\n");
	has(SAY(fd, "EHLO a.example\r\n", 1), "503 5.5.1 ");
	has(SAY(fd, "QUIT\r\n", 1), "221 ");
	bye(p, fd);
	fd = played_client(p, "192.0.2.1");
	has(SAY(fd, "EHLO evil\r\n", 2), "550 5.7.1 no\r\n");
	has(SAY(fd, "MAIL FROM:<a@b.example>\r\n", 1), "503 5.5.1 ");
	has(SAY(fd, "EHLO good.example\r\n", 1), "250 HELP");
	has(SAY(fd, "MAIL FROM:<a@bad.example>\r\n", 1), "553 5.1.8 bad");
	has(SAY(fd, "RCPT TO:<ann@here.example>\r\n", 1), "503 5.5.1 ");
	has(SAY(fd, "MAIL FROM:<a@b.example>\r\n", 1), "250 ");
	has(SAY(fd, "RCPT TO:<a@there.example>\r\n", 1), "550 5.7.1 no rel");
	has(SAY(fd, "DATA\r\n", 1), "554 5.5.1 ");
	has(SAY(fd, "RCPT TO:<ann@here.example>\r\nRCPT TO:<bob@here.example>"
	    "\r\nDATA\r\n", 3), "451 4.7.1 one by one");
	/* Whoever does not wait for the answer to DATA is not read on. */
	has(SAY(fd, "MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@here.example>\r\n"
	    "RCPT TO:<bob@here.example>\r\nDATA\r\nMAIL FROM:<c@d.example>\r\n",
	    5), "451 4.7.1 one by one\r\n421 4.5.0 ");
	bye(p, fd);
	fd = played_client(p, "192.0.2.1");
	has(SAY(fd, "EHLO later\r\nNOOP\r\n", 2), "421 4.7.0 go away\r\n");
	bye(p, fd);
}

static const char waiting_policy[] = HEAD
    "on connect { client.name == \"x.example\" => reject }\n"
    RCPT_RULES TAIL;

static const char waiting_at_mail_policy[] = HEAD
    "on mail { client.verified_name == \"x.example\" => reject }\n"
    RCPT_RULES TAIL;

static void
what_waits_for_dns_is_parked(void **state)
{
	struct played	*p = played_start(waiting_at_mail_policy);
	size_t		 asked = p->nasked;
	const char	*got;
	int		 fd = hello(p);

	(void)state;
	p->dns_ms = 60;
	/* Nothing is said meanwhile, then all in its order; asked once. */
	assert_string_equal(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<x@y.example>\r\n"
	    "RSET\r\nNOOP\r\nMAIL FROM:<>\r\nNO", 0), "");
	played_turns(20);
	assert_string_equal(SAY(fd, "OP\r\n", 0), "");
	got = SAY(fd, "", 6);
	is(got, "250 2.1.0 sender ok\r\n550 5.7.1 no relaying\r\n"
	    "250 2.0.0 reset\r\n250 2.0.0 ok\r\n250 2.1.0 sender ok\r\n"
	    "250 2.0.0 ok\r\n");
	assert_int_equal(p->nasked, asked + 1);
	bye(p, fd);
	/* Who leaves while it waits, or has said all, does no harm. */
	fd = hello(p);
	assert_string_equal(SAY(fd, "MAIL FROM:<>\r\n", 0), "");
	played_turns(10);
	close(fd);
	played_settle(p, 5000);
	assert_null(p->server->sessions);
}

static void
an_early_talker_is_refused(void **state)
{
	struct played	*p = played_start(waiting_policy);
	int		 fd;

	(void)state;
	p->dns_ms = 40;
	fd = played_client(p, "192.0.2.1");
	is(SAY(fd, "", 1), "220 mx.example ESMTP Waybill\r\n");
	bye(p, fd);
	fd = played_client(p, "192.0.2.1");
	has(SAY(fd, "EHLO a.example\r\n", 1), "554 5.5.0 ");
	has(SAY(fd, "QUIT\r\n", 2), "503 5.5.1 ");
	bye(p, fd);
	/* A session that the server gives up while it waits. */
	fd = played_client(p, "192.0.2.1");
	played_turns(5);
	p->server->sessions->deadline_ms = 0;
	session_timeout(p->server->sessions);
	assert_null(p->server->sessions);
	assert_int_equal(p->ncancelled, 1);
	close(fd);
}

static void
a_loop_is_stopped(void **state)
{
	struct played	*p = played_start(plain_policy);
	int		 fd = data(p);

	(void)state;
	has(SAY(fd, "Received: a\r\nReceived: b\r\nReceived: c\r\n"
	    "Received: d\r\nReceived: e\r\n\r\n.\r\n", 1), "554 5.4.6 ");
	bye(p, fd);
}

static const char tags_policy[] = HEAD
    "tag spam: bool\n"
    "on content { header[\"Subject\"] == \"spam\" => tag spam = true }\n"
    RCPT_RULES
    "route {\n"
    "  spam and rcpt.user == \"ann\" => reject 550 5.7.1 \"no spam\"\n"
    "  otherwise => deliver box\n"
    "}\n";

/* The language's order of evaluation, 5. */
static void
a_route_that_reads_tags_answers_the_dot(void **state)
{
	struct played	*p = played_start(tags_policy);
	size_t		 before = p->nmessages;
	int		 fd = data(p);

	(void)state;
	has(SAY(fd, "Subject: spam\r\n\r\n.\r\n", 1), "550 5.7.1 no spam");
	assert_int_equal(p->nmessages, before);
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<ann@here.example>\r\nDATA\r\n",
	    3), "354");
	has(SAY(fd, "Subject: ham\r\n\r\n.\r\n", 1), "250 2.0.0 ");
	/* One who takes it is enough: the other's refusal is a bounce. */
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<ann@here.example>\r\n"
	    "RCPT TO:<bob@here.example>\r\nDATA\r\n", 4), "354");
	has(SAY(fd, "Subject: spam\r\n\r\n.\r\n", 1), "250 2.0.0 ");
	assert_int_equal(p->nmessages, before + 2);
	assert_true(p->last.envelope.nfacts >= 1);
	assert_int_equal(p->last.envelope.facts[p->last.envelope.nfacts -
	    1].fact, POLICY_FACT_TAG | 0);
	assert_int_equal(p->last.envelope.facts[p->last.envelope.nfacts -
	    1].value.i, 1);
	bye(p, fd);
}

static void
a_body_file_outlives_its_queue(void **state)
{
	struct played	*p = played_start(plain_policy);
	size_t		 n = 1300 * 1000, before = p->nmessages;
	char		*text = xmalloc(n);
	int		 fd = data(p);

	(void)state;
	memset(text, 'x', n);
	for (size_t i = 98; i + 1 < n; i += 100)
		memcpy(text + i, "\r\n", 2);
	memcpy(text, "S: x\r\n\r\n", 8);
	assert_string_equal(played_say(fd, text, n, 0), "");
	played_turns(50);
	played_queue_dies(p);
	played_queue(p);
	has(SAY(fd, "\r\n.\r\n", 1), "250 2.0.0 ");
	assert_int_equal(p->nmessages, before + 1);
	bye(p, fd);
	free(text);
}

/* The queue gave both segments up: what comes goes into a third. */
static void
a_revoked_segment_is_left(void **state)
{
	struct played	*p = played_start(plain_policy);
	int		 fd = hello(p);
	uint32_t	 id;
	size_t		 had = p->nsegments;

	(void)state;
	for (id = 1; id <= had; id++) {
		chan_begin(p->queue, MSG_SEGMENT_REVOKED);
		chan_u32(p->queue, id);
		chan_u32(p->queue, 7);
		chan_end(p->queue);
	}
	played_turns(20);
	assert_int_equal(p->nsegments, had + 2);
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<ann@here.example>\r\nDATA\r\n",
	    3), "354");
	has(SAY(fd, "\r\n.\r\n", 1), "250 2.0.0 ");
	assert_true(p->segment > had);
	bye(p, fd);
}

static void
without_a_queue_a_message_waits(void **state)
{
	struct played	*p = played_start(plain_policy);
	size_t		 resumed;
	int		 fd = hello(p);

	(void)state;
	/* Nothing is promised that no queue knows of: the next one is waited for. */
	played_queue_dies(p);
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<ann@here.example>\r\nDATA\r\n",
	    3), "354");
	assert_string_equal(SAY(fd, "\r\n.\r\n", 0), "");
	resumed = p->nresumed;
	played_queue(p);
	assert_int_equal(p->nresumed, resumed + 2);
	has(SAY(fd, "", 1), "250 2.0.0 ");
	bye(p, fd);
}

static void
a_failed_sync_fails_all_who_wait(void **state)
{
	struct played	*p = played_start(plain_policy);
	size_t		 before, failed;
	int		 fd = hello(p), i;

	(void)state;
	/* Use up what is good: the played segments break from now on. */
	p->broken_segments = true;
	before = p->nmessages;
	for (i = 0; i < 40 && p->nfailed == 0; i++) {
		static char	big[600 * 1000];

		memset(big, 'x', sizeof(big));
		for (size_t k = 98; k + 1 < sizeof(big); k += 100)
			memcpy(big + k, "\r\n", 2);
		has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<ann@here.example>\r\n"
		    "DATA\r\n", 3), "354");
		assert_string_equal(played_say(fd, big, sizeof(big), 0), "");
		p->own_content = false;
		if (strncmp(SAY(fd, "\r\n.\r\n", 1), "451 4.3.0 ", 10) == 0)
			break;
	}
	played_turns(20);
	failed = p->nfailed;
	assert_true(failed >= 1);
	assert_true(p->nsealed >= 1);
	assert_int_equal(p->nmessages, before + (size_t)i);
	p->broken_segments = false;
	p->own_content = true;
	/* The spare one breaks too; then a good one comes. */
	for (i = 0; i < 4; i++) {
		has(SAY(fd, "RSET\r\nMAIL FROM:<>\r\n"
		    "RCPT TO:<ann@here.example>\r\nDATA\r\n", 4), "354");
		if (strncmp(SAY(fd, "\r\n.\r\n", 1), "250 ", 4) == 0)
			break;
	}
	assert_in_range(i, 0, 2);
	bye(p, fd);
}

static void
a_client_that_leaves_keeps_its_message_stored(void **state)
{
	struct played	*p = played_start(plain_policy);
	size_t		 before = p->nmessages;
	int		 fd = data(p);

	(void)state;
	assert_int_equal(write(fd, "\r\nx\r\n.\r\n", 8), 8);
	close(fd);
	played_settle(p, 5000);
	played_turns(50);
	assert_int_equal(p->nmessages, before + 1);
}

static void
stopping_lets_data_finish(void **state)
{
	struct played	*p = played_start(plain_policy);
	int		 idle = hello(p), busy = data(p);
	struct buf	 got = { 0 };

	(void)state;
	server_stop(p->server, 10000, NULL, NULL);
	played_replies(idle, 1, &got);
	has(buf_cstr(&got), "421 4.3.2 ");
	has(SAY(busy, "\r\nx\r\n.\r\n", 2), "250 2.0.0 ok");
	buf_clear(&got);
	close(idle);
	close(busy);
	played_settle(p, 5000);
	assert_null(p->server->sessions);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_stored_before_250),
		cmocka_unit_test(all_at_once_is_answered_in_order),
		cmocka_unit_test(smuggling_is_refused_after_the_true_end),
		cmocka_unit_test(octet_by_octet_is_the_same),
		cmocka_unit_test(a_spoiled_line_is_one_refusal),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(a_large_message_has_a_file),
		cmocka_unit_test(rules_edit_the_header),
		cmocka_unit_test(hooks_refuse_where_they_stand),
		cmocka_unit_test(what_waits_for_dns_is_parked),
		cmocka_unit_test(an_early_talker_is_refused),
		cmocka_unit_test(a_loop_is_stopped),
		cmocka_unit_test(a_route_that_reads_tags_answers_the_dot),
		cmocka_unit_test(a_body_file_outlives_its_queue),
		cmocka_unit_test(a_revoked_segment_is_left),
		cmocka_unit_test(without_a_queue_a_message_waits),
		cmocka_unit_test(a_failed_sync_fails_all_who_wait),
		cmocka_unit_test(a_client_that_leaves_keeps_its_message_stored),
		cmocka_unit_test(stopping_lets_data_finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
