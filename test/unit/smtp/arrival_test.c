/*
 * arrival_test.c - connections of proxies: their header first, and then the
 * session of whom it tells.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "mta/smtp/arrival.h"
#include "test/unit/smtp/played.h"
#include "test/unit/smtp/said.h"

#define SIG	"\r\n\r\n\0\r\nQUIT\n"
#define V4	"\xc0\x00\x02\x01\xc6\x33\x64\x02\x30\x39\x00\x19"

static const char policy[] =
    "edition 1\n"
    "hostname \"mx.example\"\n"
    "net home = { 10.0.0.0/8 }\n"
    "net proxies = { 10.0.0.1, 127.0.0.1 }\n"
    "listen smtp on \"127.0.0.1:2525\" { proxy proxies, 2001:db8::/64 }\n"
    "limits { per client 2 connections }\n"
    "set ours = { \"here.example\" }\n"
    "on connect {\n"
    "  client.ip == 192.0.2.66 => reject 554 5.7.1 \"not you\"\n"
    "}\n"
    "on rcpt {\n"
    "  rcpt.user == \"where\" => reject 550 5.7.1 \"{client.ip} {client.port}\"\n"
    "  rcpt.domain in ours => accept\n"
    "  client.ip in home => accept\n"
    "}\n"
    "route { otherwise => relay \"127.0.0.1:2526\" }\n";

static void
closed_unsaid(struct played *p, int fd)
{
	struct buf	got = { 0 };

	played_replies(fd, 1, &got);
	assert_int_equal(got.n, 0);
	assert_int_equal(p->server->narrivals, 0);
	assert_null(p->server->sessions);
	buf_clear(&got);
	close(fd);
}

static void
bye(struct played *p, int fd)
{
	close(fd);
	played_settle(p, 5000);
	assert_null(p->server->sessions);
	assert_int_equal(p->server->limits.sessions, 0);
}

#define HEADER(fd, octets) \
	played_say((fd), (octets), sizeof(octets) - 1, 1)
#define TO_RCPT	"HELO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<where@here.example>\r\n"

static void
the_client_is_who_the_header_tells(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = played_connection(p, "10.0.0.1", "smtp");

	(void)state;
	played_turns(20);
	assert_int_equal(p->server->narrivals, 1);
	assert_null(p->server->sessions);
	has(HEADER(fd, "PROXY TCP4 192.0.2.1 198.51.100.2 4711 25\r\n"),
	    "220 mx.example ESMTP");
	has(SAY(fd, TO_RCPT, 3), "550 5.7.1 192.0.2.1 4711\r\n");
	bye(p, fd);
	fd = played_connection(p, "2001:db8::9", "smtp");
	has(HEADER(fd, SIG "\x21\x11\x00\x0c" V4), "220 mx.example ESMTP");
	has(SAY(fd, TO_RCPT, 3), "550 5.7.1 192.0.2.1 12345\r\n");
	bye(p, fd);
}

/* Octet by octet; what comes with the header is the client's. */
static void
no_more_than_the_header_is_taken(void **state)
{
	static const char	header[] = SIG "\x21\x11\x00\x0f" V4
				    "\x04\x00\x00";
	struct played		*p = played_start(policy);
	int			 fd = played_connection(p, "10.0.0.1", "smtp");

	(void)state;
	for (size_t i = 0; i < sizeof(header) - 2; i++) {
		assert_int_equal(send(fd, header + i, 1, 0), 1);
		played_turn();
		played_turn();
		assert_int_equal(p->server->narrivals, 1);
	}
	assert_int_equal(send(fd, "\0" TO_RCPT, sizeof(TO_RCPT), 0),
	    sizeof(TO_RCPT));
	has(SAY(fd, "", 4), "550 5.7.1 192.0.2.1 12345\r\n");
	bye(p, fd);
}

static void
without_a_header_it_is_closed(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = played_connection(p, "127.0.0.1", "smtp");

	(void)state;
	assert_int_equal(send(fd, "EHLO c.example\r\n", 16, 0), 16);
	closed_unsaid(p, fd);
	fd = played_connection(p, "127.0.0.1", "smtp");
	assert_int_equal(send(fd, SIG "\x21\x11\xff\xff", 16, 0), 16);
	closed_unsaid(p, fd);
	fd = played_connection(p, "127.0.0.1", "smtp");
	assert_int_equal(send(fd, "PROXY TCP4 192", 14, 0), 14);
	shutdown(fd, SHUT_WR);
	closed_unsaid(p, fd);
}

static void
others_are_not_believed(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = played_connection(p, "192.0.2.9", "smtp");

	(void)state;
	has(SAY(fd, "", 1), "220 ");
	has(SAY(fd, "PROXY TCP4 10.0.0.7 198.51.100.2 4711 25\r\n", 1),
	    "500 5.5.1 ");
	has(SAY(fd, "HELO c.example\r\nMAIL FROM:<>\r\n"
	    "RCPT TO:<where@here.example>\r\n", 3), "192.0.2.9 12345");
	bye(p, fd);
}

/* LOCAL is the proxy; of UNKNOWN its address, which grants nothing. */
static void
who_is_not_told(void **state)
{
	static const char	rcpt[] = "HELO c.example\r\nMAIL FROM:<>\r\n"
				    "RCPT TO:<x@elsewhere.example>\r\n";
	struct played	*p = played_start(policy);
	int		 fd = played_connection(p, "10.0.0.1", "smtp");

	(void)state;
	has(HEADER(fd, SIG "\x20\x00\x00\x00"), "220 ");
	has(SAY(fd, rcpt, 3), "\r\n250 2.1.5 ");
	bye(p, fd);
	fd = played_connection(p, "10.0.0.1", "smtp");
	has(HEADER(fd, "PROXY UNKNOWN\r\n"), "220 ");
	has(SAY(fd, rcpt, 3), "\r\n550 5.7.1 ");
	has(SAY(fd, "RCPT TO:<x@here.example>\r\n", 1), "250 2.1.5 ");
	bye(p, fd);
}

static void
rules_and_limits_are_for_the_client(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd[4];

	(void)state;
	fd[0] = played_connection(p, "10.0.0.1", "smtp");
	has(HEADER(fd[0], "PROXY TCP4 192.0.2.66 198.51.100.2 1 25\r\n"),
	    "554 5.7.1 not you\r\n");
	bye(p, fd[0]);
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = played_connection(p, "10.0.0.1", "smtp");
		has(i < 3 ? HEADER(fd[i],
		    "PROXY TCP4 192.0.2.1 198.51.100.2 1 25\r\n") :
		    HEADER(fd[i], "PROXY TCP4 192.0.2.3 198.51.100.2 1 25\r\n"),
		    i == 2 ? "421 4.7.0 " : "220 ");
	}
	for (unsigned i = 0; i < 4; i++)
		close(fd[i]);
	played_settle(p, 5000);
	assert_int_equal(p->server->limits.sessions, 0);
}

static void
what_waits_is_bounded_and_ends_with_the_server(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd[3];

	(void)state;
	p->server->gen->sessions_max = 2;
	for (unsigned i = 0; i < 3; i++)
		fd[i] = played_connection(p, "10.0.0.1", "smtp");
	assert_int_equal(p->server->narrivals, 2);
	has(SAY(fd[2], "", 1), "421 4.3.2 ");
	arrivals_free(p->server);
	closed_unsaid(p, fd[0]);
	closed_unsaid(p, fd[1]);
	close(fd[2]);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(the_client_is_who_the_header_tells),
		cmocka_unit_test(no_more_than_the_header_is_taken),
		cmocka_unit_test(without_a_header_it_is_closed),
		cmocka_unit_test(others_are_not_believed),
		cmocka_unit_test(who_is_not_told),
		cmocka_unit_test(rules_and_limits_are_for_the_client),
		cmocka_unit_test(what_waits_is_bounded_and_ends_with_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
