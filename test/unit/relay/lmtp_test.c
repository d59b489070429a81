/*
 * lmtp_test.c - the client where the hop speaks LMTP (RFC 2033), and where it is
 * a content filter, by chat.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/spool/envelope.h"
#include "test/unit/relay/chat.h"

#define HELLO		"S: 220 imap.y LMTP\nC: LHLO me.example\n"
#define PIPE		HELLO "S: 250-imap.y\nS: 250 PIPELINING\n"
#define MAIL		"C: MAIL FROM:<a@x.example>\n"
#define RCPT1		"C: RCPT TO:<r1@y>\n"
#define RCPT2		"C: RCPT TO:<r2@y>\n"
#define RCPT3		"C: RCPT TO:<r3@y>\n"
#define DATA		"C: DATA\n"
#define CONTENT		"C: Subject: x\nC: \nC: ..hi\nC: .\n"
#define QUIT		"C: QUIT\nS: 221 bye\n"
#define OK		"S: 250 2.0.0 ok\n"
#define GO		"S: 354 go\n"
#define LMTP(n, c, ...)	CHAT(n, c, __VA_ARGS__, .lmtp = true)

static const struct chat	each[] = {
	LMTP("one recipient", PIPE MAIL RCPT1 DATA OK OK GO CONTENT
	    "S: 250 2.1.5 saved\n" QUIT, "ready; 250 2.1.5 saved; idle; ended"),
	LMTP("each has its own", PIPE MAIL RCPT1 RCPT2 RCPT3 DATA OK OK OK OK GO
	    CONTENT "S: 250 2.1.5 one\nS: 452 4.2.2 full\nS: 550 5.2.1 off\n"
	    QUIT, "ready; 250 2.1.5 one; 452 4.2.2 full; 550 5.2.1 off; idle; "
	    "ended", .nrcpts = 3),
	LMTP("only those that RCPT took have one", PIPE MAIL RCPT1 RCPT2 RCPT3
	    DATA OK OK "S: 550 5.1.1 who?\n" OK GO CONTENT
	    "S: 250 one\nS: 250 three\n" QUIT,
	    "ready; 250 2.0.0 one; 550 5.1.1 who?; 250 2.0.0 three; idle; "
	    "ended", .nrcpts = 3),
	LMTP("in pieces, one of several lines", PIPE MAIL RCPT1 RCPT2 DATA OK
	    OK OK GO CONTENT "R: 250-2.1.5 a\nS: \nR: 250 2.1.5 b\nS: \nR: 25\n"
	    "S: 0 2.1.5 c\n" QUIT,
	    "ready; 250 2.1.5 a b; 250 2.1.5 c; idle; ended", .nrcpts = 2),
	LMTP("without PIPELINING", HELLO "S: 250 imap.y\n" MAIL OK RCPT1 OK
	    RCPT2 OK DATA GO CONTENT OK "S: 550 no\n" QUIT,
	    "ready; 250 2.0.0 ok; 550 5.0.0 no; idle; ended", .nrcpts = 2),
	LMTP("two messages on one session", PIPE MAIL RCPT1 RCPT2 DATA OK OK OK
	    GO CONTENT OK OK MAIL RCPT1 RCPT2 DATA OK OK OK GO CONTENT OK OK
	    QUIT, "ready; 250 2.0.0 ok; 250 2.0.0 ok; idle; 250 2.0.0 ok; "
	    "250 2.0.0 ok; idle; ended", .nrcpts = 2, .njobs = 2),
	LMTP("by BDAT", HELLO "S: 250-imap.y\nS: 250-CHUNKING\n"
	    "S: 250-BINARYMIME\nS: 250 PIPELINING\n"
	    "C: MAIL FROM:<a@x.example> BODY=BINARYMIME\n" RCPT1 RCPT2 OK OK OK
	    "C: BDAT 3 LAST\nB\n" OK "S: 452 4.2.2 full\n" QUIT,
	    "ready; 250 2.0.0 ok; 452 4.2.2 full; idle; ended", .nrcpts = 2,
	    .flags = ENV_BINARY, .content = "a\nb", .content_n = 3),
	LMTP("SIZE, 8BITMIME and DSN are used", HELLO "S: 250-imap.y\n"
	    "S: 250-SIZE\nS: 250-8BITMIME\nS: 250 DSN\n"
	    "C: MAIL FROM:<a@x.example> SIZE=19 BODY=8BITMIME ENVID=q\n" OK
	    "C: RCPT TO:<r1@y> NOTIFY=SUCCESS\n" OK DATA GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended", .flags = ENV_8BIT,
	    .envid = "q", .notify = NOTIFY_SUCCESS),
};

static void
each_recipient_has_its_own_outcome(void **state)
{
	(void)state;
	RUN(each);
}

#define LOST	"451 4.4.2 connection lost while waiting for the answer to the final dot"

static const struct chat	broken[] = {
	LMTP("those that answered are done", PIPE MAIL RCPT1 RCPT2 RCPT3 DATA OK
	    OK OK OK GO CONTENT "S: 250 one\nS: 550 5.2.1 off\nX\n",
	    "ready; 250 2.0.0 one; 550 5.2.1 off; " LOST "; unconnected; closed",
	    .nrcpts = 3),
	LMTP("none has answered", PIPE MAIL RCPT1 RCPT2 DATA OK OK OK GO CONTENT
	    "X\n", "ready; " LOST "; " LOST "; unconnected; closed",
	    .nrcpts = 2),
	LMTP("421 between", PIPE MAIL RCPT1 RCPT2 DATA OK OK OK GO CONTENT
	    "S: 250 one\nS: 421 4.3.2 down\n",
	    "ready; 250 2.0.0 one; 421 4.3.2 down; unconnected; closed",
	    .nrcpts = 2),
	LMTP("time runs out between", PIPE MAIL RCPT1 RCPT2 DATA OK OK OK GO
	    CONTENT "S: 250 one\nW\nT\n", "ready; 250 2.0.0 one; 451 4.4.2 timed "
	    "out while waiting for the answer to the final dot; unconnected; "
	    "closed", .nrcpts = 2),
	LMTP("nonsense between", PIPE MAIL RCPT1 RCPT2 DATA OK OK OK GO CONTENT
	    "S: 250 one\nS: what\n", "ready; 250 2.0.0 one; 451 4.5.0 not "
	    "understood instead of the answer to the final dot; unconnected; "
	    "closed", .nrcpts = 2),
	LMTP("more replies than recipients", PIPE MAIL RCPT1 DATA OK OK GO
	    CONTENT "S: 250 one\nS: 250 two\n",
	    "ready; 250 2.0.0 one; closed"),
	LMTP("354 though nobody was taken (4.2)", PIPE MAIL RCPT1 DATA OK
	    "S: 550 5.1.1 no\n" GO, "ready; 550 5.1.1 no; closed"),
	LMTP("503 when nobody was taken (4.2)", PIPE MAIL RCPT1 DATA OK
	    "S: 550 5.1.1 no\nS: 503 5.5.1 none\n" QUIT,
	    "ready; 550 5.1.1 no; idle; ended"),
	LMTP("refused before the dot has been said for all", PIPE MAIL RCPT1
	    RCPT2 DATA OK OK OK "S: 452 4.3.1 full\n" QUIT,
	    "ready; 452 4.3.1 full; 452 4.3.1 full; idle; ended",
	    .nrcpts = 2),
	LMTP("who knows no LHLO is not asked for HELO", HELLO
	    "S: 500 5.5.1 what?\n", "failed 400 4.5.1 what?"),
};

#define FILTER(n, c, ...) CHAT(n, c, __VA_ARGS__, .filter = true)
#define EHLO		"S: 220 mx.y\nC: EHLO me.example\n"

/* Postfix's XFORWARD_README. */
static const struct chat	told[] = {
	FILTER("all that it takes", EHLO "S: 250-mx.y\nS: 250-XFORWARD NAME ADDR "
	    "PORT PROTO HELO IDENT SOURCE\nS: 250 PIPELINING\n"
	    "C: XFORWARD NAME=[UNAVAILABLE] ADDR=192.0.2.9 "
	    "PORT=[UNAVAILABLE] PROTO=ESMTP\n"
	    "C: XFORWARD HELO=a+20b IDENT=7 SOURCE=REMOTE\n" MAIL RCPT1 DATA
	    OK OK OK OK GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended"),
	FILTER("some of it, one by one", EHLO "S: 250-mx.y\n"
	    "S: 250 xforward ident addr  what\n"
	    "C: XFORWARD ADDR=192.0.2.9\n" OK "C: XFORWARD IDENT=7\n" OK MAIL
	    OK RCPT1 OK DATA GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended"),
	FILTER("refused: it goes on", EHLO "S: 250-mx.y\n"
	    "S: 250-XFORWARD ADDR\nS: 250 PIPELINING\n"
	    "C: XFORWARD ADDR=192.0.2.9\n" MAIL RCPT1 DATA
	    "S: 550 5.7.1 not you\n" OK OK GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended"),
	FILTER("again behind RSET", EHLO "S: 250-mx.y\n"
	    "S: 250-XFORWARD ADDR\nS: 250 PIPELINING\n"
	    "C: XFORWARD ADDR=192.0.2.9\n" MAIL RCPT1 DATA OK OK
	    "S: 550 5.1.1 no\nS: 503 5.5.1 none\nC: RSET\n"
	    "C: XFORWARD ADDR=192.0.2.9\n" MAIL RCPT1 DATA OK OK OK OK GO
	    CONTENT OK QUIT,
	    "ready; 550 5.1.1 no; idle; 250 2.0.0 ok; idle; ended",
	    .njobs = 2),
	FILTER("not offered", EHLO "S: 250 mx.y\n" MAIL OK RCPT1 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended"),
	FILTER("an idle session that has ended is no refusal", EHLO
	    "S: 250-mx.y\nS: 250-XFORWARD ADDR\nS: 250 PIPELINING\n"
	    "C: XFORWARD ADDR=192.0.2.9\n" MAIL RCPT1 DATA OK OK OK GO CONTENT
	    OK "C: XFORWARD ADDR=192.0.2.9\n" MAIL RCPT1 DATA "X\n",
	    "ready; 250 2.0.0 ok; idle; 0  ; stale", .njobs = 2),
	CHAT("no filter: nothing is told", EHLO "S: 250-mx.y\n"
	    "S: 250 XFORWARD ADDR\n" MAIL OK RCPT1 OK DATA GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended"),
};

static void
a_filter_is_told_where_it_came_from(void **state)
{
	(void)state;
	RUN(told);
}

static void
what_has_no_answer_is_tried_again(void **state)
{
	(void)state;
	RUN(broken);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_recipient_has_its_own_outcome),
		cmocka_unit_test(what_has_no_answer_is_tried_again),
		cmocka_unit_test(a_filter_is_told_where_it_came_from),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
