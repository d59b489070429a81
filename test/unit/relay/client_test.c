/*
 * client_test.c - the client's states against a scripted hop (chat.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "mta/spool/envelope.h"
#include "test/unit/relay/chat.h"

/* --- chats */

#define HELLO		"S: 220 mx.y ready\nC: EHLO me.example\n"
#define PLAIN		HELLO "S: 250 mx.y\n"
#define PIPE		HELLO "S: 250-mx.y\nS: 250 PIPELINING\n"
#define MAIL		"C: MAIL FROM:<a@x.example>\n"
#define RCPT1		"C: RCPT TO:<r1@y>\n"
#define RCPT2		"C: RCPT TO:<r2@y>\n"
#define RCPT3		"C: RCPT TO:<r3@y>\n"
#define DATA		"C: DATA\n"
#define CONTENT		"C: Subject: x\nC: \nC: ..hi\nC: .\n"
#define QUIT		"C: QUIT\nS: 221 bye\n"
#define OK		"S: 250 2.0.0 ok\n"
#define GO		"S: 354 go\n"

static const struct chat	whole[] = {
	CHAT("one by one", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT
	    "S: 250 2.6.0 queued as 7\n" QUIT,
	    "ready; 250 2.6.0 queued as 7; idle; ended"),
	CHAT("pipelined, replies apart", PIPE MAIL RCPT1 DATA OK OK GO CONTENT
	    "S: 250 done\n" QUIT, "ready; 250 2.0.0 done; idle; ended"),
	CHAT("pipelined, replies in pieces", PIPE MAIL RCPT1 DATA
	    "R: 250-a\nS: \nS: 250 b\nR: 25\nS: 0 ok\nS: 354-\nS: 354 go\n"
	    CONTENT "R: 250 \nS: fine\n" QUIT,
	    "ready; 250 2.0.0 fine; idle; ended"),
	CHAT("two messages on one session", PIPE MAIL RCPT1 DATA OK OK GO CONTENT
	    OK MAIL RCPT1 DATA OK OK GO CONTENT "S: 250 second\n" QUIT,
	    "ready; 250 2.0.0 ok; idle; 250 2.0.0 second; idle; ended",
	    .njobs = 2),
	CHAT("HELO where EHLO is unknown", "S: 220 x\nC: EHLO me.example\n"
	    "S: 502 what?\nC: HELO me.example\nS: 250 hi\n" MAIL OK RCPT1 OK
	    DATA GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended"),
	CHAT("SIZE and 8BITMIME are used", HELLO
	    "S: 250-mx.y\nS: 250-size 1000\nS: 250 8bitmime\n"
	    "C: MAIL FROM:<a@x.example> SIZE=19 BODY=8BITMIME\n" OK RCPT1 OK
	    DATA GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_8BIT),
	CHAT("SMTPUTF8 is used", HELLO "S: 250-mx.y\nS: 250 SMTPUTF8\n"
	    "C: MAIL FROM:<a@x.example> SMTPUTF8\n" OK RCPT1 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_UTF8),
	CHAT("a last line without its end", PLAIN MAIL OK RCPT1 OK DATA GO
	    "C: a\nC: ..\nC: .\n" OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .content = "a\r\n."),
	CHAT("lines that end with LF alone", "L: 220 x\nC: EHLO me.example\n"
	    "L: 250-x\nL: 250 PIPELINING\n" MAIL RCPT1 DATA OK OK GO CONTENT
	    OK QUIT, "ready; 250 2.0.0 ok; idle; ended"),
};

static void
a_message_is_sent(void **state)
{
	(void)state;
	RUN(whole);
}

static const struct chat	partial[] = {
	CHAT("some recipients are refused, pipelined",
	    PIPE MAIL RCPT1 RCPT2 RCPT3 DATA OK "S: 550 5.1.1 who?\n" OK
	    "S: 450-4.2.1 busy\nS: 450 4.2.1 now\n" GO CONTENT OK QUIT,
	    "ready; 550 5.1.1 who?; 250 2.0.0 ok; 450 4.2.1 busy now; idle; "
	    "ended", .nrcpts = 3),
	CHAT("some recipients are refused, one by one",
	    PLAIN MAIL OK RCPT1 "S: 550 no\n" RCPT2 OK DATA GO CONTENT OK QUIT,
	    "ready; 550 5.0.0 no; 250 2.0.0 ok; idle; ended", .nrcpts = 2),
	CHAT("all are refused: no DATA, then RSET", PLAIN MAIL OK RCPT1
	    "S: 550 no\nC: RSET\n" OK MAIL OK RCPT1 OK DATA GO CONTENT OK QUIT,
	    "ready; 550 5.0.0 no; idle; 250 2.0.0 ok; idle; ended",
	    .njobs = 2),
	CHAT("all are refused, 354 comes: a lone dot (RFC 2920, 3.1)",
	    PIPE MAIL RCPT1 DATA OK "S: 550 5.1.1 no\n" GO
	    "C: .\nS: 554 no recipients\n" MAIL RCPT1 DATA OK OK GO CONTENT OK
	    QUIT, "ready; 550 5.1.1 no; idle; 250 2.0.0 ok; idle; ended",
	    .njobs = 2),
	CHAT("all are refused, DATA too", PIPE MAIL RCPT1 DATA OK
	    "S: 550 5.1.1 no\nS: 503 5.5.1 none\n" "C: RSET\n" MAIL RCPT1 DATA
	    OK OK OK GO CONTENT OK QUIT,
	    "ready; 550 5.1.1 no; idle; 250 2.0.0 ok; idle; ended",
	    .njobs = 2),
	CHAT("MAIL is refused, pipelined", PIPE MAIL RCPT1 RCPT2 DATA
	    "S: 550 5.7.1 not you\nS: 503 x\nS: 503 x\nS: 503 x\n" QUIT,
	    "ready; 550 5.7.1 not you; 550 5.7.1 not you; idle; ended",
	    .nrcpts = 2),
	CHAT("MAIL is refused, 354 comes", PIPE MAIL RCPT1 DATA
	    "S: 451 4.3.0 later\n" OK GO "C: .\n" OK QUIT,
	    "ready; 451 4.3.0 later; idle; ended"),
	CHAT("MAIL is refused, one by one", PLAIN MAIL "S: 452 4.3.1 full\n"
	    MAIL OK RCPT1 OK DATA GO CONTENT OK QUIT,
	    "ready; 452 4.3.1 full; idle; 250 2.0.0 ok; idle; ended",
	    .njobs = 2),
	CHAT("DATA is refused", PIPE MAIL RCPT1 RCPT2 DATA OK OK "S: 550 no\n"
	    "S: 451 4.7.1 wait\n" QUIT,
	    "ready; 451 4.7.1 wait; 550 5.0.0 no; idle; ended", .nrcpts = 2),
	CHAT("the dot is refused", PIPE MAIL RCPT1 RCPT2 DATA OK OK "S: 550 no\n"
	    GO CONTENT "S: 554 5.7.1 spam\n" QUIT,
	    "ready; 554 5.7.1 spam; 550 5.0.0 no; idle; ended", .nrcpts = 2),
	CHAT("the dot is deferred", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT
	    "S: 451 wait\n" QUIT, "ready; 451 4.0.0 wait; idle; ended"),
	CHAT("a status of another class is none", PLAIN MAIL OK RCPT1 OK DATA GO
	    CONTENT "S: 451 5.1.1 wait\n" QUIT,
	    "ready; 451 4.0.0 5.1.1 wait; idle; ended"),
};

static void
refusals_belong_to_their_recipients(void **state)
{
	(void)state;
	RUN(partial);
}

#define LACKS		"mx.y[192.0.2.1] does not offer "
#define UTF8_WHY	"553 5.6.7 " LACKS "SMTPUTF8, which the address needs"
#define NO_UTF8		"ready; " UTF8_WHY
#define NO_UTF8_LATER	"; " UTF8_WHY

static const struct chat	cannot[] = {
	CHAT("larger than SIZE", HELLO "S: 250-mx.y\nS: 250 SIZE 18\n" QUIT,
	    "ready; 552 5.3.4 19 octets are more than mx.y[192.0.2.1] takes "
	    "(18); idle; ended"),
	CHAT("SIZE without a limit", HELLO "S: 250-mx.y\nS: 250 SIZE 0\n"
	    "C: MAIL FROM:<a@x.example> SIZE=19\n" OK RCPT1 OK DATA GO CONTENT
	    OK QUIT, "ready; 250 2.0.0 ok; idle; ended"),
	CHAT("8BITMIME declared, yet 7 bit", PLAIN MAIL OK RCPT1 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_8BIT),
	CHAT("SMTPUTF8 needed by an address in the header", PLAIN QUIT,
	    "ready; 554 5.6.7 " LACKS "SMTPUTF8, and the message cannot be "
	    "converted: an address in its header needs SMTPUTF8; idle; ended",
	    .flags = ENV_UTF8,
	    .content = "From: \303\274@x.example\r\n\r\n"),
	CHAT("8 bit in a part that is signed, without 8BITMIME", PLAIN QUIT,
	    "ready; 554 5.6.3 " LACKS "8BITMIME, and the message cannot be "
	    "converted: a part of it is signed as it is; idle; ended",
	    .flags = ENV_8BIT, .content = "Content-Type: multipart/signed; "
	    "boundary=s\r\n\r\n--s\r\n\r\n\303\274\r\n--s--\r\n"),
	CHAT("larger than SIZE only in its other form",
	    HELLO "S: 250-mx.y\nS: 250 SIZE 121\n" QUIT, "ready; 552 5.3.4 "
	    "122 octets are more than mx.y[192.0.2.1] takes (121); idle; "
	    "ended", .flags = ENV_8BIT, .content = "\r\n\303\274\r\n"),
	CHAT("SMTPUTF8 needed by the sender's local part", PLAIN QUIT,
	    NO_UTF8 "; idle; ended", .flags = ENV_UTF8,
	    .sender = "\303\274@x.example"),
	CHAT("SMTPUTF8 needed by one recipient", PLAIN MAIL OK RCPT2 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok" NO_UTF8_LATER
	    "; idle; ended", .flags = ENV_UTF8, .nrcpts = 2,
	    .rcpt = "\303\274@y"),
	CHAT("SMTPUTF8 said, and not needed", PLAIN MAIL OK RCPT1 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_UTF8, .content = "Subject: x\r\n\r\n.hi\r\n"),
	CHAT("domains have A-labels (RFC 5890)", PLAIN
	    "C: MAIL FROM:<a@xn--grn-ioa.example>\n" OK
	    "C: RCPT TO:<r@xn--bcher-kva.example>\n" OK DATA GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended", .flags = ENV_UTF8,
	    .sender = "a@gr\303\274n.example", .rcpt = "r@b\303\274cher.example"),
	CHAT("REQUIRETLS in the clear (RFC 8689, 4.2.1)",
	    HELLO "S: 250-mx.y\nS: 250 REQUIRETLS\n" QUIT,
	    "ready; 554 5.7.10 REQUIRETLS: there is no encrypted and verified "
	    "connection to mx.y[192.0.2.1]; idle; ended",
	    .flags = ENV_REQUIRETLS),
	CHAT("a notification of one goes (RFC 8689, 5)", PLAIN
	    "C: MAIL FROM:<>\n" OK RCPT1 OK DATA GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_REQUIRETLS | ENV_DSN, .sender = ""),
	CHAT("and without the parameter, which is of TLS", HELLO
	    "S: 250-mx.y\nS: 250 REQUIRETLS\nC: MAIL FROM:<>\n" OK RCPT1 OK
	    DATA GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_REQUIRETLS, .sender = ""),
};

static void
what_a_hop_cannot_take_is_not_tried(void **state)
{
	(void)state;
	RUN(cannot);
}

#define ENCODED(type)	"C: MIME-Version: 1.0\n" type \
			"C: Content-Transfer-Encoding: quoted-printable\nC: \n"
#define UNKNOWN		"C: Content-Type: text/plain; charset=unknown-8bit\n"
#define EHLO_SIZE	HELLO "S: 250-mx.y\nS: 250 SIZE\n" \
			"C: MAIL FROM:<a@x.example> SIZE=122\n" OK RCPT1 OK DATA GO
#define DONE		"ready; 250 2.0.0 ok; idle; ended"

/* RFC 6152, 3; RFC 3030, 3: other octets that mean the same. */
static const struct chat	converted[] = {
	CHAT("8 bit without 8BITMIME, in its new length", EHLO_SIZE
	    ENCODED(UNKNOWN) "C: =C3=BC\nC: .\n" OK QUIT, DONE,
	    .flags = ENV_8BIT,
	    .content = "\r\n\303\274\r\n"),
	CHAT("8 bit in the header without SMTPUTF8", PLAIN MAIL OK RCPT1 OK
	    DATA GO "C: Subject: =?utf-8?q?=C3=BC?=\nC: \nC: .\n" OK QUIT, DONE,
	    .flags = ENV_UTF8, .content = "Subject: \303\274\r\n\r\n"),
	CHAT("dots are stuffed in the form that leaves", PLAIN MAIL OK RCPT1 OK
	    DATA GO ENCODED(UNKNOWN) "C: ..\nC: =C3=BC\nC: .\n" OK QUIT, DONE,
	    .flags = ENV_8BIT, .content = "\r\n.\r\n\303\274\r\n"),
	CHAT("a CR or LF that stands alone becomes text", PLAIN MAIL OK RCPT1 OK
	    DATA GO "C: A: b\n" ENCODED() "C: a=0A..=0D=\nC: .\n" OK QUIT, DONE,
	    .flags = ENV_BINARY, .content = "A: b\r\n\r\na\n..\r"),
	CHAT("said to be binary, and has 8 bits", EHLO_SIZE
	    ENCODED(UNKNOWN) "C: =C3=BC\nC: .\n" OK QUIT, DONE,
	    .flags = ENV_BINARY,
	    .content = "\r\n\303\274\r\n"),
};

static void
what_a_hop_cannot_take_is_converted(void **state)
{
	(void)state;
	RUN(converted);
}

#define ALL_EXT		HELLO "S: 250-mx.y\nS: 250-PIPELINING\nS: 250-DSN\n" \
			"S: 250-CHUNKING\nS: 250-BINARYMIME\nS: 250-8BITMIME\n" \
			"S: 250 DELIVERBY 60\n"
#define BINARY		"Subject: x\r\n\r\n\0.\r\n.\r\nMAIL\n.\n\r.\r"
#define BINARY_N	(sizeof(BINARY) - 1)
#define NO_BINARY(what)	"ready; 554 5.6.3 " LACKS what ", and the message " \
			"cannot be converted: a CR or LF stands alone in its " \
			"header; idle; ended"

/* RFC 3030, 2 and 3: octets that DATA would cut or change. */
static const struct chat	binary[] = {
	CHAT("by BDAT, octet by octet, after the replies to RCPT", ALL_EXT
	    "C: MAIL FROM:<a@x.example> BODY=BINARYMIME\n" RCPT1 RCPT2 OK OK
	    "S: 550 no\nC: BDAT 31 LAST\nB\n" OK QUIT,
	    "ready; 250 2.0.0 ok; 550 5.0.0 no; idle; ended", .nrcpts = 2,
	    .flags = ENV_BINARY, .content = BINARY, .content_n = BINARY_N),
	CHAT("nobody is left: no BDAT", ALL_EXT
	    "C: MAIL FROM:<a@x.example> BODY=BINARYMIME\n" RCPT1 OK
	    "S: 550 no\n" QUIT, "ready; 550 5.0.0 no; idle; ended",
	    .flags = ENV_BINARY, .content = BINARY, .content_n = BINARY_N),
	CHAT("BDAT is refused", ALL_EXT
	    "C: MAIL FROM:<a@x.example> BODY=BINARYMIME\n" RCPT1 OK OK
	    "C: BDAT 31 LAST\nB\nS: 554 5.6.0 no\n" QUIT,
	    "ready; 554 5.6.0 no; idle; ended",
	    .flags = ENV_BINARY, .content = BINARY, .content_n = BINARY_N),
	CHAT("BINARYMIME without CHUNKING is none",
	    HELLO "S: 250-mx.y\nS: 250 BINARYMIME\n" QUIT,
	    NO_BINARY("8BITMIME"), .flags = ENV_BINARY,
	    .content = "a: b\n\r\n\r\nc\r\n"),
	CHAT("CHUNKING without BINARYMIME", HELLO
	    "S: 250-mx.y\nS: 250-8BITMIME\nS: 250 CHUNKING\n" QUIT,
	    NO_BINARY("BINARYMIME"),
	    .flags = ENV_BINARY, .content = "a\r\nb\nc\r\n"),
	CHAT("a CR alone at the end", PLAIN QUIT, NO_BINARY("8BITMIME"),
	    .flags = ENV_BINARY, .content = "a\r\nb\r"),
	CHAT("said to be binary, and is not", PLAIN MAIL OK RCPT1 OK DATA GO
	    CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_BINARY),
	CHAT("not said to be binary: never by DATA, no dot comes", PLAIN MAIL OK
	    RCPT1 OK DATA GO, "ready; 554 5.6.3 the content has a CR or LF "
	    "that stands alone; closed", .content = "a\r\n\r\nb\n.\r\n"),
};

static void
binary_content_goes_by_bdat_or_not_at_all(void **state)
{
	(void)state;
	RUN(binary);
}

/* RFC 3461, 5.2.1 and 5.2.2; RFC 2852, 4.1.4 */
static const struct chat	parameters[] = {
	CHAT("all of DSN, encoded once", ALL_EXT
	    "C: MAIL FROM:<a@x.example> RET=FULL ENVID=a+2Bb+3Dc+20d\n"
	    "C: RCPT TO:<r1@y> NOTIFY=SUCCESS,DELAY "
	    "ORCPT=rfc822;x+2By@x.example\n" DATA OK OK GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; idle; ended", .flags = ENV_RET_FULL,
	    .envid = "a+b=c d", .notify = NOTIFY_SUCCESS | NOTIFY_DELAY,
	    .orcpt_type = "rfc822", .orcpt = "x+y@x.example"),
	CHAT("NEVER, and an address of UTF-8 in ASCII (RFC 6533, 3)", ALL_EXT
	    "C: MAIL FROM:<a@x.example> RET=HDRS\n"
	    "C: RCPT TO:<r1@y> NOTIFY=NEVER ORCPT=utf-8;gr\\x{FC}n@x.example\n"
	    DATA OK OK GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_RET_HDRS, .notify = NOTIFY_NEVER,
	    .orcpt_type = "utf-8", .orcpt = "gr\303\274n@x.example"),
	CHAT("none of it where DSN is not offered", PIPE MAIL RCPT1 DATA OK OK
	    GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_RET_FULL, .envid = "x", .notify = NOTIFY_SUCCESS,
	    .orcpt_type = "rfc822", .orcpt = "x@y"),
	CHAT("the time that is left", ALL_EXT
	    "C: MAIL FROM:<a@x.example> BY=100;RT\n" RCPT1 DATA OK OK GO CONTENT
	    OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_BY_RETURN | ENV_BY_TRACE, .by_s = 100),
	CHAT("mode R is not given to who knows no time", PIPE QUIT,
	    "ready; 554 5.4.4 mx.y[192.0.2.1] does not offer DELIVERBY, which "
	    "the message needs; idle; ended", .flags = ENV_BY_RETURN,
	    .by_s = 100),
	CHAT("nor to who takes longer", ALL_EXT QUIT,
	    "ready; 554 5.4.7 mx.y[192.0.2.1] takes 60 seconds to deliver, and "
	    "the message has 50 left; idle; ended", .flags = ENV_BY_RETURN,
	    .by_s = 50),
	CHAT("nor to anybody when it is over", ALL_EXT QUIT,
	    "ready; 554 5.4.7 the time that its sender has set is over; idle; "
	    "ended", .flags = ENV_BY_RETURN, .by_s = -1),
	CHAT("mode N goes without", PIPE MAIL RCPT1 DATA OK OK GO CONTENT OK
	    QUIT, "ready; 250 2.0.0 ok; idle; ended", .flags = ENV_BY_NOTIFY,
	    .by_s = 100),
	CHAT("mode N to who takes longer goes without", ALL_EXT MAIL RCPT1 DATA
	    OK OK GO CONTENT OK QUIT, "ready; 250 2.0.0 ok; idle; ended",
	    .flags = ENV_BY_NOTIFY, .by_s = -100),
};

static void
parameters_go_to_who_knows_them(void **state)
{
	(void)state;
	RUN(parameters);
}

/* RFC 9422: who was not tried has code 0. */
#define LIMITS(l)	HELLO "S: 250-mx.y\nS: 250-PIPELINING\nS: 250 LIMITS " l "\n"

static const struct chat	limits[] = {
	CHAT("recipients of a transaction", LIMITS("RCPTMAX=2 MAILMAX=9")
	    MAIL RCPT1 RCPT2 DATA OK OK "S: 550 no\n" GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; 550 5.0.0 no; 0  ; idle; ended",
	    .nrcpts = 3),
	CHAT("no more of them than may be", LIMITS("rcptmax=3")
	    MAIL RCPT1 RCPT2 RCPT3 DATA OK OK OK OK GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; 250 2.0.0 ok; 250 2.0.0 ok; idle; ended",
	    .nrcpts = 3),
	CHAT("MAIL is refused for all", LIMITS("RCPTMAX=1")
	    MAIL RCPT1 DATA "S: 550 5.7.1 no\nS: 503 x\nS: 503 x\n" QUIT,
	    "ready; 550 5.7.1 no; 550 5.7.1 no; idle; ended", .nrcpts = 2),
	CHAT("domains of a transaction", LIMITS("RCPTDOMAINMAX=1")
	    MAIL "C: RCPT TO:<a@other>\n" DATA OK OK GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; 0  ; 0  ; idle; ended", .nrcpts = 3,
	    .rcpt = "a@other"),
	CHAT("numbers that are none", LIMITS("RCPTMAX=0 RCPTMAX=x MAILMAX")
	    MAIL RCPT1 RCPT2 DATA OK OK OK GO CONTENT OK QUIT,
	    "ready; 250 2.0.0 ok; 250 2.0.0 ok; idle; ended", .nrcpts = 2),
};

static void
limits_of_the_hop_are_kept(void **state)
{
	(void)state;
	RUN(limits);
}

static const struct chat	before[] = {
	CHAT("greeting 421", "S: 421 4.3.2 busy\n", "failed 421 4.3.2 busy"),
	CHAT("greeting 554 may pass", "S: 554 5.7.1 no\n",
	    "failed 454 4.7.1 no"),
	CHAT("greeting 521 is for good (RFC 7504)", "S: 521 no mail here\n",
	    "failed 521 5.0.0 no mail here"),
	CHAT("greeting 250 is none", "S: 250 hi\n", "failed 451 4.5.0 not "
	    "understood instead of the greeting"),
	CHAT("EHLO 220", HELLO "S: 220 hi\n", "failed 451 4.5.0 not "
	    "understood instead of the answer to EHLO"),
	CHAT("greeting 450", "S: 450 x\n", "failed 450 4.0.0 x"),
	CHAT("no greeting", "X\n", "failed 451 4.4.2 connection lost while "
	    "waiting for the greeting"),
	CHAT("greeting too late", "R: 220-\nT\n", "failed 451 4.4.1 timed out "
	    "while waiting for the connection"),
	CHAT("EHLO too late", HELLO "T\n", "failed 451 4.4.2 timed out while "
	    "waiting for the answer to EHLO"),
	CHAT("no answer to EHLO", HELLO "X\n", "failed 451 4.4.2 connection lost "
	    "while waiting for the answer to EHLO"),
	CHAT("EHLO 450", HELLO "S: 450 4.7.0 not now\n",
	    "failed 450 4.7.0 not now"),
	CHAT("HELO refused too", HELLO "S: 500 x\nC: HELO me.example\n"
	    "S: 550 5.7.1 who are you\n", "failed 450 4.7.1 who are you"),
	CHAT("garbage", "S: SSH-2.0-OpenSSH\n", "failed 451 4.5.0 not understood "
	    "instead of the greeting"),
	CHAT("codes that differ", "S: 220-x\nS: 221 x\n", "failed 451 4.5.0 not "
	    "understood instead of the greeting"),
	CHAT("talks on after the greeting", "S: 220 x\nS: 250 x\n",
	    "failed 451 4.5.0 more replies than commands"),
	CHAT("talks on after EHLO", HELLO "S: 250 x\nS: 250 x\n",
	    "failed 451 4.5.0 more replies than commands"),
	CHAT("talks on after EHLO is refused", HELLO "S: 500 x\nS: 250 x\n",
	    "failed 451 4.5.0 more replies than commands"),
	CHAT("our own name at our own address", "S: 220 me.example\n"
	    "C: EHLO me.example\nS: 250 ME.example at your service\n",
	    "failed 554 5.4.6 mail loops back to this host"),
};

static void
without_a_session_the_address_has_failed(void **state)
{
	(void)state;
	RUN(before);
}

#define LOST(what)	"connection lost while waiting for " what
#define UNDERSTOOD(what)	"not understood instead of " what
#define M_OR_R		"the answer to MAIL or RCPT"
#define AT_DATA		"the answer to DATA"
#define FINAL		"the answer to the final dot"

static const struct chat	broken[] = {
	CHAT("closed at MAIL, fresh session", PIPE MAIL "X\n",
	    "ready; 451 4.4.2 " LOST(M_OR_R) "; unconnected; closed"),
	CHAT("closed at RCPT: who was answered keeps it", PLAIN MAIL OK RCPT1
	    "S: 550 5.1.1 no\n" RCPT2 "X\n",
	    "ready; 550 5.1.1 no; 451 4.4.2 " LOST(M_OR_R)
	    "; unconnected; closed", .nrcpts = 2),
	CHAT("421 at RCPT", PLAIN MAIL OK RCPT1 "S: 421 4.3.2 shutting down\n",
	    "ready; 421 4.3.2 shutting down; unconnected; closed"),
	CHAT("closed at DATA", PLAIN MAIL OK RCPT1 OK DATA "X\n",
	    "ready; 451 4.4.2 " LOST(AT_DATA) "; unconnected; closed"),
	CHAT("no answer to DATA", PIPE MAIL RCPT1 DATA OK OK "W\nT\n", "ready; "
	    "451 4.4.2 timed out while waiting for " AT_DATA
	    "; unconnected; closed"),
	CHAT("closed after the dot: perhaps a duplicate", PLAIN MAIL OK RCPT1 OK
	    DATA GO CONTENT "X\n",
	    "ready; 451 4.4.2 " LOST(FINAL) "; unconnected; closed"),
	CHAT("no answer to the dot", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT "T\n",
	    "ready; 451 4.4.2 timed out while waiting for " FINAL
	    "; unconnected; closed"),
	CHAT("no answer to MAIL", PIPE MAIL "T\n", "ready; 451 4.4.2 timed out "
	    "while waiting for " M_OR_R "; unconnected; closed"),
	CHAT("garbage at MAIL", PIPE MAIL "S: ?\n", "ready; 451 4.5.0 "
	    UNDERSTOOD(M_OR_R) "; unconnected; closed"),
	CHAT("354 at RCPT", PIPE MAIL OK GO, "ready; 451 4.5.0 "
	    UNDERSTOOD(M_OR_R) "; unconnected; closed"),
	CHAT("250 at DATA", PLAIN MAIL OK RCPT1 OK DATA OK, "ready; 451 4.5.0 "
	    UNDERSTOOD(AT_DATA) "; unconnected; closed"),
	CHAT("250 at DATA, pipelined", PIPE MAIL RCPT1 DATA OK OK OK, "ready; "
	    "451 4.5.0 " UNDERSTOOD(AT_DATA) "; unconnected; closed"),
	CHAT("350 at DATA", PLAIN MAIL OK RCPT1 OK DATA "S: 350 x\n",
	    "ready; 451 4.5.0 " UNDERSTOOD(AT_DATA) "; unconnected; closed"),
	CHAT("354 at the dot", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT GO,
	    "ready; 451 4.5.0 " UNDERSTOOD(FINAL) "; unconnected; closed"),
	CHAT("a reply too many at the dot: nothing more on this session", PLAIN
	    MAIL OK RCPT1 OK DATA GO CONTENT "S: 250 a\nS: 250 b\n",
	    "ready; 250 2.0.0 a; closed"),
	CHAT("an idle session ends", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT OK
	    "X\n", "ready; 250 2.0.0 ok; idle; ended"),
	CHAT("nobody answers QUIT", PLAIN MAIL OK RCPT1 OK DATA GO CONTENT OK
	    "C: QUIT\nT\n", "ready; 250 2.0.0 ok; idle; ended"),
};

static void
a_session_that_breaks_defers_what_has_no_answer(void **state)
{
	(void)state;
	RUN(broken);
}

#define FIRST	PIPE MAIL RCPT1 DATA OK OK GO CONTENT OK
#define TOLD	"ready; 250 2.0.0 ok; idle; "
static const struct chat	stale[] = {
	CHAT("closed at MAIL", FIRST MAIL "X\n", TOLD "0  ; stale", .njobs = 2),
	CHAT("what could not be said there is open again too", PIPE MAIL RCPT2
	    DATA OK OK GO CONTENT OK MAIL "X\n", "ready; 250 2.0.0 ok; "
	    UTF8_WHY "; idle; 0  ; 0  ; stale", .njobs = 2, .nrcpts = 2,
	    .rcpt = "\303\274@y"),
	CHAT("421 at MAIL", FIRST MAIL "S: 421 idle for too long\n",
	    TOLD "0  ; stale", .njobs = 2),
	CHAT("closed after MAIL's reply is no longer stale", FIRST MAIL OK "X\n",
	    TOLD "451 4.4.2 " LOST(M_OR_R) "; unconnected; closed",
	    .njobs = 2),
	CHAT("closed at RSET", PLAIN MAIL OK RCPT1 "S: 550 no\nC: RSET\nX\n",
	    "ready; 550 5.0.0 no; idle; 0  ; stale", .njobs = 2),
	CHAT("closed at MAIL after RSET", PLAIN MAIL OK RCPT1
	    "S: 550 no\nC: RSET\n" OK MAIL "X\n",
	    "ready; 550 5.0.0 no; idle; 0  ; stale", .njobs = 2),
};

static void
an_idle_session_that_had_ended_is_no_failure(void **state)
{
	(void)state;
	RUN(stale);
}

#define SURPLUS	"451 4.5.0 more replies than commands; unconnected; closed"

static const struct chat	surplus[] = {
	CHAT("to MAIL, one by one", PLAIN MAIL "S: 250 a\nS: 250 b\n",
	    "ready; " SURPLUS),
	CHAT("to RCPT, a part of it", PLAIN MAIL OK RCPT1 "S: 250 a\nR: 25\n",
	    "ready; " SURPLUS),
	CHAT("to MAIL, as for the whole message", PIPE MAIL
	    "S: 250 a\nS: 250 b\nS: 354 c\nS: 250 d\n", "ready; " SURPLUS),
	CHAT("behind 354", PIPE MAIL RCPT1 DATA OK OK GO OK,
	    "ready; " SURPLUS),
	CHAT("behind 354, one by one", PLAIN MAIL OK RCPT1 OK DATA GO OK,
	    "ready; " SURPLUS),
	CHAT("behind 354, a part of it", PIPE MAIL RCPT1 DATA OK OK GO "R: 25\n",
	    "ready; " SURPLUS),
	CHAT("behind 354: who was answered keeps it", PIPE MAIL RCPT1 RCPT2 DATA
	    "S: 250 a\nS: 550 5.1.1 no\nS: 250 b\nS: 354 c\nS: 250 d\n",
	    "ready; 550 5.1.1 no; " SURPLUS, .nrcpts = 2),
	CHAT("behind 354 that nobody needs", PIPE MAIL RCPT1 DATA OK
	    "S: 550 5.1.1 no\n" GO OK,
	    "ready; 550 5.1.1 no; unconnected; closed"),
};

static void
a_reply_to_nothing_answers_nothing(void **state)
{
	(void)state;
	RUN(surplus);
}

#define STAYS	FIRST "W\n"
static const struct chat	idle[] = {
	CHAT("a reply", STAYS "S: 250 x\n", TOLD "ended", .stays = true),
	CHAT("garbage", STAYS "S: x\n", TOLD "ended", .stays = true),
	CHAT("421", STAYS "S: 421 idle for too long\nX\n", TOLD "ended",
	    .stays = true),
	CHAT("421 in pieces", STAYS "R: 421 idle\nW\nS: \nX\n", TOLD "ended",
	    .stays = true),
	CHAT("a reply that is not yet read", STAYS "S: 250 x\nN\n",
	    TOLD "0  ; stale", .stays = true),
	CHAT("421 that is not yet read", STAYS "S: 421 x\nN\n",
	    TOLD "0  ; stale", .stays = true),
	CHAT("a part of a reply", STAYS "R: 25\nW\nN\n", TOLD "0  ; stale",
	    .stays = true),
	CHAT("nothing: the session is used again", STAYS "N\n" MAIL RCPT1 DATA
	    OK OK GO CONTENT "S: 250 second\nW\nX\n",
	    TOLD "250 2.0.0 second; idle; ended", .stays = true),
};

static void
what_an_idle_session_says_answers_no_later_command(void **state)
{
	(void)state;
	RUN(idle);
}

/* More than a socket takes at once; the hop reads it all, stuffed. */
static void
large_content_goes_in_pieces(void **state)
{
	const size_t	 lines = 60000;
	char		*content = malloc(lines * 12 + 1), *chat;
	struct buf	 script = { 0 };
	struct chat	 c = CHAT("large", NULL,
	    "ready; 250 2.0.0 ok; idle; ended");
	size_t		 i;

	(void)state;
	assert_non_null(content);
	buf_add_str(&script, PIPE MAIL RCPT1 DATA OK OK GO);
	for (i = 0; i < lines; i++) {
		memcpy(content + i * 12, ".234567890\r\n", 13);
		buf_add_str(&script, "C: ..234567890\n");
	}
	buf_add_str(&script, "C: .\n" OK QUIT);
	chat = strdup(buf_cstr(&script));
	c.chat = chat;
	c.content = content;
	run_chat(&c);
	buf_clear(&script);
	free(content);
	free(chat);
}

/* Its rest must not come as the answer to the dot. */
static void
a_part_of_a_reply_amid_the_content_ends_the_session(void **state)
{
	const size_t	 n = 4u << 20;
	char		*content = malloc(n + 1);
	struct chat	 c = CHAT("amid", PIPE MAIL RCPT1 DATA OK OK GO
	    "C: first\nR: 25\n", "ready; " SURPLUS);

	(void)state;
	assert_non_null(content);
	memset(content, 'x', n);
	memcpy(content, "first\r\n", 7);
	content[n] = '\0';
	c.content = content;
	run_chat(&c);
	free(content);
}

/* The spool's file is shorter than the job says: no dot may follow. */
static void
content_that_cannot_be_read_ends_without_a_dot(void **state)
{
	const struct chat	c = CHAT("short", PIPE MAIL RCPT1 DATA OK OK GO,
	    "ready; 451 4.3.0 the content cannot be read; closed");

	(void)state;
	alarm(20);
	begin(&c);
	play.length += 1000;
	loop_run();
	assert_string_equal(buf_cstr(&play.told), c.wanted);
	assert_int_equal(play.in.n, 0);
	hop_close();
	close(play.content_fd);
	buf_clear(&play.told);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_message_is_sent),
		cmocka_unit_test(refusals_belong_to_their_recipients),
		cmocka_unit_test(what_a_hop_cannot_take_is_not_tried),
		cmocka_unit_test(what_a_hop_cannot_take_is_converted),
		cmocka_unit_test(binary_content_goes_by_bdat_or_not_at_all),
		cmocka_unit_test(parameters_go_to_who_knows_them),
		cmocka_unit_test(limits_of_the_hop_are_kept),
		cmocka_unit_test(without_a_session_the_address_has_failed),
		cmocka_unit_test(
		    a_session_that_breaks_defers_what_has_no_answer),
		cmocka_unit_test(an_idle_session_that_had_ended_is_no_failure),
		cmocka_unit_test(a_reply_to_nothing_answers_nothing),
		cmocka_unit_test(
		    what_an_idle_session_says_answers_no_later_command),
		cmocka_unit_test(large_content_goes_in_pieces),
		cmocka_unit_test(
		    a_part_of_a_reply_amid_the_content_ends_the_session),
		cmocka_unit_test(
		    content_that_cannot_be_read_ends_without_a_dot),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
