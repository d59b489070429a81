/*
 * starttls_test.c - STARTTLS up to the handshake, and what becomes of one that
 * does not end well, against a scripted hop (chat.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/unit/relay/chat.h"

#define OFFERS	"S: 220 mx.y ready\nC: EHLO me.example\nS: 250-mx.y\nS: 250 STARTTLS\n"
#define LACKS	"S: 220 mx.y ready\nC: EHLO me.example\nS: 250 mx.y\n"
#define ASKS	OFFERS "C: STARTTLS\n"
#define OK	"S: 250 2.0.0 ok\n"
#define MESSAGE	"C: MAIL FROM:<a@x.example>\n" OK "C: RCPT TO:<r1@y>\n" OK	\
	"C: DATA\nS: 354 go\nC: Subject: x\nC: \nC: ..hi\nC: .\n" OK	\
	"C: QUIT\nS: 221 bye\n"
#define SENT	"ready; 250 2.0.0 ok; idle; ended"
#define FAILED(level, why)	"failed 451 4.7.5 TLS (" level ") with mx.y[192.0.2.1]: " why
#define CLEAR	"; in the clear"

static const struct chat	without[] = {
	CHAT("none is wanted", OFFERS MESSAGE, SENT),
	CHAT("it is not offered", LACKS MESSAGE, SENT,
	    .tls = TLS_LEVEL_OPPORTUNISTIC),
	CHAT("it is refused for now", ASKS "S: 454 4.7.0 later\n" MESSAGE,
	    SENT, .tls = TLS_LEVEL_OPPORTUNISTIC),
	CHAT("it is refused", ASKS "S: 501 5.5.4 what\n" MESSAGE, SENT,
	    .tls = TLS_LEVEL_OPPORTUNISTIC),
	CHAT("a handshake has failed there", OFFERS MESSAGE, SENT,
	    .tls = TLS_LEVEL_OPPORTUNISTIC, .tls_clear = true),
	CHAT("no EHLO", "S: 220 x\nC: EHLO me.example\nS: 502 what?\n"
	    "C: HELO me.example\nS: 250 hi\n" MESSAGE, SENT,
	    .tls = TLS_LEVEL_OPPORTUNISTIC),
};

static void
opportunistic_goes_without(void **state)
{
	(void)state;
	RUN(without);
}

static const struct chat	kept[] = {
	CHAT("it is not offered", LACKS,
	    FAILED("required", "the hop does not offer STARTTLS"),
	    .tls = TLS_LEVEL_REQUIRED),
	CHAT("it is not offered, and a login is wanted", LACKS,
	    FAILED("opportunistic", "the hop does not offer STARTTLS"),
	    .tls = TLS_LEVEL_OPPORTUNISTIC, .tls_login = true),
	CHAT("a login is wanted where a handshake has failed", ASKS "X\n",
	    "failed 451 4.4.2 connection lost while waiting for the answer to "
	    "STARTTLS", .tls = TLS_LEVEL_OPPORTUNISTIC, .tls_login = true,
	    .tls_clear = true),
	CHAT("it is refused", ASKS "S: 454 4.7.0 later\n",
	    FAILED("verified", "STARTTLS was answered by 454 later"),
	    .tls = TLS_LEVEL_VERIFIED),
	CHAT("no EHLO", "S: 220 x\nC: EHLO me.example\nS: 502 what?\n"
	    "C: HELO me.example\nS: 250 hi\n",
	    FAILED("required", "the hop does not offer STARTTLS"),
	    .tls = TLS_LEVEL_REQUIRED),
	CHAT("no certificate of ours", ASKS "S: 220 go\n",
	    FAILED("required", "there is no way"), .tls = TLS_LEVEL_REQUIRED,
	    .tls_unable = true),
	CHAT("421", ASKS "S: 421 4.3.2 bye\n", "failed 421 4.3.2 bye",
	    .tls = TLS_LEVEL_REQUIRED),
	CHAT("neither yes nor no", ASKS "S: 354 go on\n",
	    "failed 451 4.5.0 not understood instead of the answer to STARTTLS",
	    .tls = TLS_LEVEL_OPPORTUNISTIC),
	CHAT("no answer", ASKS "T\n", "failed 451 4.4.2 timed out while "
	    "waiting for the answer to STARTTLS",
	    .tls = TLS_LEVEL_OPPORTUNISTIC),
};

static void
a_level_is_kept(void **state)
{
	(void)state;
	RUN(kept);
}

/* RFC 3207, 6: whatever stands there was said by somebody else. */
static const struct chat	behind[] = {
	CHAT("a reply", ASKS "S: 220 go\nS: 250 mx.y\n",
	    FAILED("opportunistic", "octets in the clear behind the answer to "
	    "STARTTLS"), .tls = TLS_LEVEL_OPPORTUNISTIC),
	CHAT("a part of one", ASKS "R: 220 go\nS: \nR: 2\n",
	    FAILED("verified", "octets in the clear behind the answer to "
	    "STARTTLS"), .tls = TLS_LEVEL_VERIFIED),
};

static void
octets_in_the_clear_end_the_session(void **state)
{
	uint64_t	before = client_tls_counters()->plaintext;

	(void)state;
	RUN(behind);
	assert_int_equal(client_tls_counters()->plaintext, before + 2);
}

static const struct chat	broken[] = {
	CHAT("it hangs", ASKS "S: 220 go\nH\nT\n",
	    FAILED("opportunistic", "no end of the handshake in time") CLEAR,
	    .tls = TLS_LEVEL_OPPORTUNISTIC),
	CHAT("it closes", ASKS "S: 220 go\nH\nX\n",
	    FAILED("opportunistic", "the peer has closed in the handshake")
	    CLEAR, .tls = TLS_LEVEL_OPPORTUNISTIC),
	CHAT("it goes on in the clear", ASKS "S: 220 go\nH\nS: 250 mx.y\n",
	    FAILED("opportunistic", "wrong version number") CLEAR,
	    .tls = TLS_LEVEL_OPPORTUNISTIC),
	CHAT("it hangs, and TLS is required", ASKS "S: 220 go\nH\nT\n",
	    FAILED("required", "no end of the handshake in time"),
	    .tls = TLS_LEVEL_REQUIRED),
	CHAT("it hangs, and a login is wanted", ASKS "S: 220 go\nH\nT\n",
	    FAILED("opportunistic", "no end of the handshake in time"),
	    .tls = TLS_LEVEL_OPPORTUNISTIC, .tls_login = true),
	CHAT("TLS first", "H\nX\n",
	    FAILED("opportunistic", "the peer has closed in the handshake"),
	    .tls = TLS_LEVEL_OPPORTUNISTIC, .tls_first = true),
	CHAT("TLS first, and the hop speaks first", "H\nS: 220 mx.y\n",
	    FAILED("required", "wrong version number"),
	    .tls = TLS_LEVEL_REQUIRED, .tls_first = true),
};

static void
a_handshake_that_fails(void **state)
{
	(void)state;
	RUN(broken);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(opportunistic_goes_without),
		cmocka_unit_test(a_level_is_kept),
		cmocka_unit_test(octets_in_the_clear_end_the_session),
		cmocka_unit_test(a_handshake_that_fails),
	};

	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
