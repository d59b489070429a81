/*
 * xclient_test.c - sessions in which XCLIENT and XFORWARD are said.
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
    "net home = { 10.0.0.0/8 }\n"
    "tag seen: text\n"
    "listen smtp on \"127.0.0.1:2525\" {\n"
    "  proxy 127.0.0.1; xclient 10.0.0.1, 127.0.0.1; xforward 10.0.0.2\n"
    "}\n"
    "map users = text \"@USERS@\" as accounts\n"
    "mailbox box { accounts users; path \"/var/mail/{user}\" }\n"
    "listen submission inside on \"127.0.0.1:2587\" {\n"
    "  auth required; auth in clear; accounts users; xclient 10.0.0.1\n"
    "}\n"
    "limits { per client 1 connections }\n"
    "set ours = { \"here.example\" }\n"
    "on connect {\n"
    "  client.ip == 192.0.2.66 => reject 554 5.7.1 \"not you\"\n"
    "  client.ip == 192.0.2.67 => tag seen = \"67\"\n"
    "}\n"
    "on helo { client.helo == \"evil.example\" => reject 550 5.7.1 }\n"
    "on rcpt {\n"
    "  rcpt.user == \"where\" => reject 550 5.7.1 \"{client.ip} {client.port} "
    "{client.helo} {client.user} {client.name} {seen}.\"\n"
    "  rcpt.domain in ours => accept\n"
    "  client.authenticated => accept\n"
    "  client.ip in home => accept\n"
    "}\n"
    "route { otherwise => relay \"127.0.0.1:2526\" }\n";

static int
hello(struct played *p, const char *ip)
{
	int	fd = played_connection(p, ip, "smtp");

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
	assert_int_equal(p->server->limits.sessions, 0);
}

#define WHERE	"MAIL FROM:<>\r\nRCPT TO:<where@here.example>\r\n"

static void
the_session_begins_again_as_another(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = played_connection(p, "10.0.0.1", "smtp");

	(void)state;
	has(SAY(fd, "", 1), "220 ");
	has(SAY(fd, "EHLO proxy.example\r\n", 1), "XCLIENT NAME ADDR PORT "
	    "PROTO HELO LOGIN DESTADDR DESTPORT\r\n");
	is(SAY(fd, "XCLIENT ADDR=192.0.2.7 PORT=4711 NAME=c.example\r\n", 1),
	    "220 mx.example ESMTP Waybill\r\n");
	has(SAY(fd, "MAIL FROM:<>\r\n", 1), "503 5.5.1 ");
	has(SAY(fd, "EHLO real.example\r\n", 1), "XCLIENT ");
	has(SAY(fd, WHERE, 2), "550 5.7.1 192.0.2.7 4711 real.example  "
	    "c.example .\r\n");
	has(SAY(fd, "RCPT TO:<x@elsewhere.example>\r\n", 1), "550 5.7.1 ");
	bye(p, fd);
}

static void
others_may_not(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = played_connection(p, "192.0.2.7", "smtp");

	(void)state;
	(void)SAY(fd, "", 1);
	has_not(SAY(fd, "EHLO c.example\r\n", 1), "XCLIENT");
	is(SAY(fd, "XCLIENT ADDR=10.0.0.7\r\n", 1),
	    "550 5.7.0 XCLIENT is not for you\r\n");
	is(SAY(fd, "XFORWARD ADDR=10.0.0.7\r\n", 1),
	    "550 5.7.0 XFORWARD is not for you\r\n");
	bye(p, fd);
}

/* The proxy's network lets nobody say it for whom the proxy speaks. */
static void
nor_who_comes_by_a_proxy(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = played_connection(p, "127.0.0.1", "smtp");

	(void)state;
	(void)SAY(fd, "PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n", 1);
	has(SAY(fd, "XCLIENT ADDR=10.0.0.7\r\n", 1), "550 5.7.0 ");
	bye(p, fd);
	fd = played_connection(p, "127.0.0.1", "smtp");
	(void)SAY(fd, "PROXY UNKNOWN\r\n", 1);
	has(SAY(fd, "XCLIENT ADDR=10.0.0.7\r\n", 1), "550 5.7.0 ");
	bye(p, fd);
}

static void
rules_and_limits_are_the_clients(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = hello(p, "10.0.0.1"), other = hello(p, "10.0.0.1");

	(void)state;
	has(SAY(fd, "XCLIENT ADDR=192.0.2.67\r\n", 1), "220 ");
	(void)SAY(fd, "EHLO c.example\r\n", 1);
	has(SAY(fd, WHERE, 2), " 67.\r\n");
	(void)SAY(fd, "RSET\r\n", 1);
	/* per client 1 connections: another one of 192.0.2.67 */
	has(SAY(other, "XCLIENT ADDR=192.0.2.67\r\n", 1), "421 4.7.0 ");
	close(other);
	/* What `on connect` has said of the one before is forgotten. */
	has(SAY(fd, "XCLIENT ADDR=192.0.2.68\r\n", 1), "220 ");
	(void)SAY(fd, "EHLO c.example\r\n", 1);
	has(SAY(fd, WHERE, 2), "192.0.2.68 0 c.example");
	(void)SAY(fd, "RSET\r\n", 1);
	is(SAY(fd, "XCLIENT ADDR=192.0.2.66\r\n", 1), "554 5.7.1 not you\r\n");
	has(SAY(fd, "EHLO c.example\r\n", 1), "503 5.5.1 ");
	bye(p, fd);
}

static void
helo_that_is_told_need_not_be_said(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = hello(p, "10.0.0.1");

	(void)state;
	has(SAY(fd, "XCLIENT ADDR=192.0.2.7 HELO=told.example PROTO=ESMTP\r\n",
	    1), "220 ");
	has(SAY(fd, "MAIL FROM:<> SIZE=10\r\n", 1), "250 2.1.0 ");
	has(SAY(fd, "RCPT TO:<where@here.example>\r\n", 1), " told.example ");
	(void)SAY(fd, "RSET\r\n", 1);
	has(SAY(fd, "XCLIENT HELO=evil.example\r\n", 1), "550 5.7.1 ");
	bye(p, fd);
}

static void
a_login_is_told_and_forgotten(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = hello(p, "10.0.0.1");

	(void)state;
	(void)SAY(fd, "XCLIENT ADDR=192.0.2.7 LOGIN=ann+2Bx\r\n", 1);
	(void)SAY(fd, "EHLO c.example\r\n", 1);
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<x@elsewhere.example>\r\n", 2),
	    "\r\n250 2.1.5 ");
	has(SAY(fd, "RCPT TO:<where@here.example>\r\n", 1), " ann+x ");
	(void)SAY(fd, "RSET\r\nXCLIENT HELO=c.example PROTO=ESMTP\r\n", 2);
	has(SAY(fd, WHERE, 2), " ann+x ");
	(void)SAY(fd, "RSET\r\nXCLIENT ADDR=192.0.2.8\r\n", 2);
	(void)SAY(fd, "EHLO c.example\r\n", 1);
	has(SAY(fd, "MAIL FROM:<>\r\nRCPT TO:<x@elsewhere.example>\r\n", 2),
	    "\r\n550 5.7.1 ");
	bye(p, fd);
}

/* Where a login is required, one that is told is one. */
static void
a_login_that_is_required_may_be_told(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = played_connection(p, "10.0.0.1", "inside");

	(void)state;
	has(SAY(fd, "", 1), "220 ");
	has(SAY(fd, "EHLO c.example\r\nMAIL FROM:<>\r\n", 2),
	    "\r\n530 5.7.0 ");
	has(SAY(fd, "XCLIENT ADDR=192.0.2.7\r\n", 1), "220 ");
	has(SAY(fd, "EHLO c.example\r\nMAIL FROM:<>\r\n", 2),
	    "\r\n530 5.7.0 ");
	has(SAY(fd, "XCLIENT ADDR=192.0.2.7 LOGIN=ann\r\n", 1), "220 ");
	has(SAY(fd, "EHLO c.example\r\nMAIL FROM:<>\r\n", 2),
	    "\r\n250 2.1.0 ");
	bye(p, fd);
}

/* An address that is not available grants nothing, whoever said so. */
static void
no_address_is_no_trust(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = hello(p, "10.0.0.1");

	(void)state;
	(void)SAY(fd, "MAIL FROM:<>\r\n", 1);
	has(SAY(fd, "RCPT TO:<x@elsewhere.example>\r\n", 1), "250 2.1.5 ");
	(void)SAY(fd, "RSET\r\nXCLIENT ADDR=[UNAVAILABLE]\r\n", 2);
	(void)SAY(fd, "EHLO c.example\r\nMAIL FROM:<>\r\n", 2);
	has(SAY(fd, "RCPT TO:<x@elsewhere.example>\r\n", 1), "550 5.7.1 ");
	bye(p, fd);
}

static void
it_has_its_place_and_syntax(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = hello(p, "10.0.0.1");

	(void)state;
	has(SAY(fd, "XCLIENT\r\n", 1), "501 5.5.4 ");
	has(SAY(fd, "XCLIENT ADDR=1.2.3\r\n", 1), "501 5.5.4 ");
	has(SAY(fd, "MAIL FROM:<>\r\nXCLIENT ADDR=1.2.3.4\r\n", 2),
	    "\r\n503 5.5.1 ");
	/* Pipelined, with what is said as the other. */
	has(SAY(fd, "RSET\r\nXCLIENT ADDR=192.0.2.7\r\nEHLO c.example\r\n" WHERE,
	    5), "550 5.7.1 192.0.2.7 0 ");
	bye(p, fd);
}

static void
forwarded_attributes_decide_nothing(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = hello(p, "10.0.0.2");
	size_t		 before = p->nmessages;

	(void)state;
	has(SAY(fd, "EHLO c.example\r\n", 1),
	    "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n");
	has(SAY(fd, "XFORWARD NAME=spike.example ADDR=192.0.2.66\r\n"
	    "XFORWARD HELO=evil.example SOURCE=REMOTE\r\n", 2),
	    "250 2.0.0 ok\r\n250 2.0.0 ok\r\n");
	has(SAY(fd, WHERE, 2), "550 5.7.1 10.0.0.2 12345 c.example ");
	has(SAY(fd, "XFORWARD NAME=x.example\r\n", 1), "503 5.5.1 ");
	assert_non_null(p->server->sessions->forwarded);
	has(SAY(fd, "RCPT TO:<a@here.example>\r\nDATA\r\n", 2), "\r\n354 ");
	has(SAY(fd, "text\r\n.\r\n", 1), "250 2.0.0 ");
	assert_int_equal(p->nmessages, before + 1);
	assert_null(p->server->sessions->forwarded);
	(void)SAY(fd, "XFORWARD IDENT=1\r\nRSET\r\n", 2);
	assert_null(p->server->sessions->forwarded);
	bye(p, fd);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(the_session_begins_again_as_another),
		cmocka_unit_test(others_may_not),
		cmocka_unit_test(nor_who_comes_by_a_proxy),
		cmocka_unit_test(rules_and_limits_are_the_clients),
		cmocka_unit_test(helo_that_is_told_need_not_be_said),
		cmocka_unit_test(a_login_is_told_and_forgotten),
		cmocka_unit_test(a_login_that_is_required_may_be_told),
		cmocka_unit_test(no_address_is_no_trust),
		cmocka_unit_test(it_has_its_place_and_syntax),
		cmocka_unit_test(forwarded_attributes_decide_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
