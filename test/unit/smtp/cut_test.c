/*
 * cut_test.c - sessions whose messages are cut through; relay is played.
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

#include "base/fileio.h"
#include "mta/msg/msg.h"
#include "mta/smtp/cut_relay.h"
#include "test/unit/smtp/played.h"
#include "test/unit/smtp/said.h"

#define POLICY(more)							\
	"edition 1\n"							\
	"hostname \"mx.example\"\n"					\
	"listen smtp on \"127.0.0.1:2525\"\n"				\
	"relay hop { host \"127.0.0.1\" port 9; cut through }\n"	\
	"relay slow { host \"127.0.0.1\" port 9 }\n"			\
	"queue { recipients 3 " more " }\n"				\
	"on rcpt { client.ip in 10.0.0.0/8 => accept }\n"		\
	"route { rcpt.domain == \"slow.example\" => relay slow\n"	\
	"    otherwise => relay hop }\n"				\
	"rewrite outbound rcpt { \"{user}@b.example\" => \"{user}@c.example\" }\n"

/* What relay has got, and what it says. */
static struct {
	struct chan	*chan;
	unsigned	 asked;
	size_t		 before;	/* messages that the queue had */
	uint64_t	 ticket;
	unsigned	 codes[8];	/* by recipient; 0 of the first: nothing is said */
	bool		 twice;		/* each is told twice */
	struct buf	 what;		/* "hop sender rcpt ..." */
	struct buf	 content;
}			 relay;

static void
say_done(void)
{
	uint32_t	n = 0, i, times = relay.twice ? 2 : 1;

	while (n < 8 && relay.codes[n] != 0)
		n++;
	chan_begin(relay.chan, MSG_CUT_DONE);
	chan_u64(relay.chan, relay.ticket);
	chan_str(relay.chan, "hop.example[127.0.0.1]");
	chan_str(relay.chan, "wanted=verified by=block reached=verified");
	chan_str(relay.chan, "");
	chan_u32(relay.chan, times * n);
	for (i = 0; i < times * n; i++) {
		chan_u32(relay.chan, n - 1 - i % n);	/* in any order */
		chan_u16(relay.chan, (uint16_t)relay.codes[n - 1 - i % n]);
		chan_str(relay.chan, relay.codes[n - 1 - i % n] >= 500 ?
		    "5.7.7" : "2.0.0");
		chan_str(relay.chan, "as told");
		chan_str(relay.chan, "");
	}
	chan_end(relay.chan);
}

static void
read_content(struct msg *m)
{
	int	fd;

	buf_reset(&relay.content);
	if (msg_u8(m) == 0) {
		buf_add_span(&relay.content, msg_bytes(m, CUT_INLINE_MAX));
		return;
	}
	assert_int_equal(msg_bytes(m, 0).n, 0);
	fd = msg_fd(m);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(file_read_fd(fd, 2u << 20, &relay.content), 0);
	assert_int_equal(write(fd, "x", 1), -1);	/* it is sealed */
	close(fd);
}

static void
note(struct span s)
{
	buf_addf(&relay.what, " %.*s", SPAN_ARG(s));
}

static bool
from_worker(struct chan *c, struct msg *m, void *arg)
{
	uint32_t	n, i;

	(void)c;
	(void)arg;
	assert_int_equal(m->type, MSG_CUT);
	relay.asked++;
	relay.ticket = msg_u64(m);
	(void)msg_u64(m);
	buf_reset(&relay.what);
	buf_add_span(&relay.what, msg_bytes(m, 100));
	assert_int_equal(msg_u32(m), 20);	/* connections */
	assert_int_equal(msg_u32(m), 100);	/* messages over one */
	(void)msg_u32(m);
	note(msg_bytes(m, 1000));
	(void)msg_bytes(m, 1000);
	n = msg_u32(m);
	for (i = 0; i < n; i++) {
		assert_int_equal(msg_u32(m), i);
		note(msg_bytes(m, 1000));
		(void)msg_u8(m);
		(void)msg_bytes(m, 1000);
		(void)msg_bytes(m, 1000);
	}
	read_content(m);
	assert_true(msg_end(m));
	if (relay.codes[0] != 0)
		say_done();
	return true;
}

static void
worker_gone(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	relay.chan = NULL;
}

static struct played *
start(const char *policy)
{
	static const struct chan_ops	 ops = { from_worker, worker_gone };
	struct played			*p = played_start(policy);
	int				 ends[2];

	chan_free(&relay.chan);
	memset(relay.codes, 0, sizeof(relay.codes));
	relay.asked = 0;
	relay.before = p->nmessages;
	relay.twice = false;
	chan_pair(ends);
	relay.chan = chan_new(ends[0], "worker", &ops, NULL);
	callout_client_attach(p->server->callouts, ends[1]);
	return p;
}

static int
hello(struct played *p)
{
	int	fd = played_client(p, "10.0.0.7");

	has(SAY(fd, "", 1), "220 ");
	(void)SAY(fd, "EHLO c.example\r\n", 1);
	return fd;
}

static void
bye(struct played *p, int fd)
{
	close(fd);
	played_settle(p, 5000);
	assert_null(p->server->sessions);
}

/* The answer to the dot of a message to these, by blanks. */
static const char *
send_with(int fd, const char *params, const char *to, const char *text)
{
	char		line[300];
	struct span	left = span_of(to), one;
	ptrdiff_t	blank;

	snprintf(line, sizeof(line), "MAIL FROM:<a@x.example>%s\r\n", params);
	has(played_say(fd, line, strlen(line), 1), "250 ");
	while (left.n > 0) {
		blank = span_index(left, ' ');
		one = blank < 0 ? left : span_mem(left.p, (size_t)blank);
		left = span_from(left, one.n + (blank >= 0));
		snprintf(line, sizeof(line), "RCPT TO:<%.*s>\r\n",
		    SPAN_ARG(one));
		has(played_say(fd, line, strlen(line), 1), "250 ");
	}
	has(SAY(fd, "DATA\r\n", 1), "354 ");
	return played_say(fd, text, strlen(text), 1);
}

static const char *
send_to(int fd, const char *to)
{
	return send_with(fd, "", to, "Subject: t\r\n\r\nline\r\n.\r\n");
}

static void
all_are_taken(void **state)
{
	struct played	*p = start(POLICY(""));
	int		 fd = hello(p);

	(void)state;
	relay.codes[0] = relay.codes[1] = 250;
	has(send_to(fd, "one@a.example two@b.example"),
	    "250 2.0.0 ok, relayed as ");
	buf_add_char(&relay.what, '\0');
	is(buf_span(&relay.what).p, "relay:hop a@x.example one@a.example "
	    "two@c.example");
	assert_true(span_prefix(buf_span(&relay.content), SPAN("Received: ")));
	assert_int_equal(p->nmessages - relay.before, 0);
	assert_int_equal(p->server->count.cut, 1);
	bye(p, fd);
}

static void
a_large_content_is_a_sealed_file(void **state)
{
	struct played	*p = start(POLICY(""));
	struct buf	 text = { 0 };
	int		 fd = hello(p);

	(void)state;
	relay.codes[0] = 250;
	while (text.n < 2 * CUT_INLINE_MAX)
		buf_add_str(&text, "0123456789abcdef\r\n");
	buf_add_str(&text, ".\r\n");
	buf_add_char(&text, '\0');
	has(send_with(fd, "", "one@a.example", buf_span(&text).p),
	    "250 2.0.0 ok, relayed as ");
	assert_true(relay.content.n > 2 * CUT_INLINE_MAX);
	buf_clear(&text);
	bye(p, fd);
}

static void
what_is_left_is_stored_alone(void **state)
{
	struct played	*p = start(POLICY(""));
	int		 fd = hello(p);

	(void)state;
	relay.codes[0] = 450;
	relay.codes[1] = 250;
	relay.codes[2] = 550;
	has(send_to(fd, "one@a.example two@a.example three@a.example"),
	    "250 2.0.0 ok, queued as ");
	assert_int_equal(p->nmessages - relay.before, 1);
	assert_int_equal(p->last.envelope.nrcpts, 2);
	assert_true(span_eq(p->last.envelope.rcpts[0], SPAN("one@a.example")));
	assert_true(span_eq(p->last.envelope.rcpts[1],
	    SPAN("three@a.example")));
	bye(p, fd);
}

static void
a_refusal_of_all_is_the_answer(void **state)
{
	struct played	*p = start(POLICY(""));
	int		 fd = hello(p);

	(void)state;
	relay.codes[0] = 550;
	relay.codes[1] = 554;
	has(send_to(fd, "one@a.example two@a.example"),
	    "550 5.7.7 hop.example[127.0.0.1] says: as told\r\n");
	assert_int_equal(p->nmessages - relay.before, 0);
	bye(p, fd);
}

static void
with_soft_bounce_it_is_stored(void **state)
{
	struct played	*p = start(POLICY("; soft bounce"));
	int		 fd = hello(p);

	(void)state;
	relay.codes[0] = 550;
	has(send_to(fd, "one@a.example"), "250 2.0.0 ok, queued as ");
	assert_int_equal(p->last.envelope.nrcpts, 1);
	bye(p, fd);
}

static void
nobody_is_asked_for_what_the_queue_must_have(void **state)
{
	static const struct {
		const char	*params, *to;
	} rows[] = {
		{ " BY=100;R", "one@a.example" },
		{ "", "one@slow.example" },
		{ "", "one@a.example two@slow.example" },
		{ "", "one@b.example one@c.example" },
		{ "", "1@a.example 2@a.example 3@a.example 4@a.example" },
	};
	struct played	*p = start(POLICY(""));
	int		 fd = hello(p);
	size_t		 i;

	(void)state;
	relay.codes[0] = 250;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		has(send_with(fd, rows[i].params, rows[i].to, "x\r\n.\r\n"),
		    "250 2.0.0 ok, queued as ");
	(void)SAY(fd, "MAIL FROM:<a@x.example>\r\n", 1);
	(void)SAY(fd, "RCPT TO:<one@a.example> NOTIFY=SUCCESS\r\n", 1);
	(void)SAY(fd, "DATA\r\n", 1);
	has(SAY(fd, "x\r\n.\r\n", 1), "250 2.0.0 ok, queued as ");
	assert_int_equal(relay.asked, 0);
	bye(p, fd);
}

static void
relay_dies(void **state)
{
	struct played	*p = start(POLICY(""));
	int		 fd = hello(p);

	(void)state;
	(void)SAY(fd, "MAIL FROM:<a@x.example>\r\n", 1);
	(void)SAY(fd, "RCPT TO:<one@a.example>\r\n", 1);
	(void)SAY(fd, "DATA\r\n", 1);
	(void)SAY(fd, "x\r\n.\r\n", 0);
	while (relay.asked == 0)
		played_turn();
	chan_free(&relay.chan);
	has(SAY(fd, "", 1), "250 2.0.0 ok, queued as ");
	has(send_to(fd, "one@a.example"), "250 2.0.0 ok, queued as ");
	assert_int_equal(p->nmessages - relay.before, 2);
	bye(p, fd);
}

static void
relay_talks_nonsense(void **state)
{
	struct played	*p = start(POLICY(""));
	int		 fd = hello(p);

	(void)state;
	relay.codes[0] = 250;
	relay.twice = true;
	has(send_to(fd, "one@a.example"), "250 2.0.0 ok, queued as ");
	assert_null(relay.chan);
	bye(p, fd);
}

static void
the_client_goes_while_it_waits(void **state)
{
	struct played	*p = start(POLICY(""));
	int		 fd = hello(p);
	struct session	*s;

	(void)state;
	(void)SAY(fd, "MAIL FROM:<a@x.example>\r\n", 1);
	(void)SAY(fd, "RCPT TO:<one@a.example>\r\n", 1);
	(void)SAY(fd, "DATA\r\n", 1);
	(void)SAY(fd, "x\r\n.\r\n", 0);
	while (relay.asked == 0)
		played_turn();
	s = p->server->sessions;
	session_free(&s);
	relay.codes[0] = 250;
	say_done();
	played_turns(20);
	assert_int_equal(p->nmessages - relay.before, 0);
	bye(p, fd);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(all_are_taken),
		cmocka_unit_test(a_large_content_is_a_sealed_file),
		cmocka_unit_test(what_is_left_is_stored_alone),
		cmocka_unit_test(a_refusal_of_all_is_the_answer),
		cmocka_unit_test(with_soft_bounce_it_is_stored),
		cmocka_unit_test(nobody_is_asked_for_what_the_queue_must_have),
		cmocka_unit_test(relay_dies),
		cmocka_unit_test(relay_talks_nonsense),
		cmocka_unit_test(the_client_goes_while_it_waits),
	};
	int			 failed;

	failed = cmocka_run_group_tests_name("cut", tests, NULL, NULL);
	chan_free(&relay.chan);
	buf_clear(&relay.what);
	buf_clear(&relay.content);
	return failed;
}
