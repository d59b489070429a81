/*
 * etrn_test.c - sessions in which ETRN is said (RFC 1985).
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
    "listen smtp on \"127.0.0.1:2525\" { etrn 10.0.0.0/8 }\n"
    "listen smtp other on \"127.0.0.1:2526\"\n"
    "on rcpt { otherwise => reject }\n"
    "route { otherwise => relay \"127.0.0.1:2527\" }\n";

static int
hello(struct played *p, const char *ip, const char *listener, bool offered)
{
	int	fd = played_connection(p, ip, listener);

	has(SAY(fd, "", 1), "220 ");
	assert_int_equal(strstr(SAY(fd, "EHLO c.example\r\n", 1), "ETRN\r\n")
	    != NULL, offered);
	return fd;
}

static void
bye(struct played *p, int fd)
{
	close(fd);
	played_settle(p, 5000);
	assert_null(p->server->sessions);
}

/* 5.3 */
static void
each_answer_has_its_reply(void **state)
{
	static const struct {
		enum etrn_result	 r;
		const char		*wanted;
	} rows[] = {
		{ ETRN_STARTED, "250 2.0.0 " }, { ETRN_NONE, "251 2.0.0 " },
		{ ETRN_PENDING, "253 2.0.0 ok, 12 pending messages " },
		{ ETRN_UNABLE, "458 4.3.0 " },
	};
	struct played	*p = played_start(policy);
	int		 fd = hello(p, "10.0.0.7", "smtp", true);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p->etrn = rows[i].r;
		has(SAY(fd, "ETRN Customer.Example\r\n", 1), rows[i].wanted);
		is(p->etrn_name, "0 customer.example");
	}
	has(SAY(fd, "ETRN @customer.example\r\nNOOP\r\n", 2), "\r\n250 ");
	is(p->etrn_name, "1 customer.example");
	(void)SAY(fd, "ETRN #provider\r\n", 1);
	is(p->etrn_name, "2 provider");
	bye(p, fd);
}

static void
it_has_its_place_and_syntax(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = played_connection(p, "10.0.0.7", "smtp");

	(void)state;
	p->etrn = ETRN_STARTED;
	has(SAY(fd, "", 1), "220 ");
	has(SAY(fd, "ETRN customer.example\r\n", 1), "503 5.5.1 say EHLO");
	(void)SAY(fd, "EHLO c.example\r\n", 1);
	has(SAY(fd, "ETRN\r\n", 1), "501 5.5.4 ");
	has(SAY(fd, "ETRN @\r\n", 1), "501 5.5.4 ");
	has(SAY(fd, "ETRN #\r\n", 1), "501 5.5.4 ");
	has(SAY(fd, "ETRN a b\r\n", 1), "501 5.5.4 ");
	has(SAY(fd, "ETRN # a\r\n", 1), "501 5.5.4 ");
	has(SAY(fd, "ETRN -x.example\r\n", 1), "501 5.5.4 ");
	has(SAY(fd, "MAIL FROM:<>\r\nETRN customer.example\r\n", 2),
	    "\r\n503 5.5.1 ");
	bye(p, fd);
}

static void
others_may_not(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = hello(p, "192.0.2.7", "smtp", false);

	(void)state;
	p->etrn_name[0] = '\0';
	has(SAY(fd, "ETRN customer.example\r\n", 1),
	    "459 4.7.0 node customer.example not allowed: ");
	bye(p, fd);
	fd = hello(p, "10.0.0.7", "other", false);
	has(SAY(fd, "ETRN customer.example\r\n", 1), "502 5.5.1 ");
	bye(p, fd);
	is(p->etrn_name, "");
}

/* The queue dies, or the client does not wait. */
static void
nobody_waits_for_ever(void **state)
{
	struct played	*p = played_start(policy);
	int		 fd = hello(p, "10.0.0.7", "smtp", true), gone;

	(void)state;
	p->no_etrn = true;
	gone = hello(p, "10.0.0.8", "smtp", true);
	assert_int_equal(write(gone, "ETRN a.example\r\n", 16), 16);
	played_turns(20);
	assert_true(p->server->sessions->parked);
	assert_int_equal(write(fd, "ETRN a.example\r\n", 16), 16);
	played_turns(20);
	session_free(&p->server->sessions);
	close(gone);
	played_queue_dies(p);
	has(SAY(fd, "", 1), "458 4.3.0 ");
	has(SAY(fd, "NOOP\r\n", 1), "250 ");
	bye(p, fd);
	p->no_etrn = false;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_answer_has_its_reply),
		cmocka_unit_test(it_has_its_place_and_syntax),
		cmocka_unit_test(others_may_not),
		cmocka_unit_test(nobody_waits_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
