/*
 * secure_test.c - STARTTLS (RFC 3207) and TLS from the first octet (RFC 8314),
 * with a client of OpenSSL: what is offered, refused, forgotten.
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

#include <openssl/err.h>

#include "mta/smtp/admit.h"
#include "mta/smtp/secure.h"
#include "test/unit/base/tls_peer.h"
#include "test/unit/smtp/played.h"
#include "test/unit/smtp/said.h"

#define HEAD \
	"edition 1\n" \
	"hostname \"mx.example\"\n" \
	"tls { certificate \"/c.pem\"; key \"/k.pem\" }\n" \
	"listen smtp on \"127.0.0.1:2525\"\n" \
	"listen smtp strict on \"127.0.0.1:2526\" { tls required }\n" \
	"listen smtp clear on \"127.0.0.1:2527\" { tls none }\n" \
	"listen submissions on \"127.0.0.1:2528\" { auth none }\n" \
	"set ours = { \"here.example\" }\n"
#define TAIL \
	"on rcpt {\n" \
	"  rcpt.domain not in ours => reject 550 5.7.1 \"no relaying\"\n" \
	"  otherwise => accept\n" \
	"}\n" \
	"route { otherwise => relay \"127.0.0.1:2599\" }\n"

static const char	plain[] = HEAD TAIL;
static struct made	made;

static void
lacks(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("'%s' is in: %s", part, text);
}

static struct played *
start(const char *policy, enum tls_clients clients)
{
	struct played		*p = played_start(policy);
	struct tls_options	 o = { .clients = clients, .protocol = "smtp" };
	struct tls_certificate	 c = { .chain = span_of(made.pem),
				    .key = made.key };
	const char		*why = NULL;

	o.authorities = span_of(made.pem);
	p->server->gen->tls = tls_server_new(&o, &why);
	assert_non_null(p->server->gen->tls);
	assert_true(tls_server_add(p->server->gen->tls, &c, &why));
	assert_true(tls_server_ready(p->server->gen->tls, &why));
	return p;
}

static int
begin(void **state)
{
	(void)state;
	made = made_new(&(struct made_how){ .type = "EC", .common = "mx",
	    .alt = "email:ann@here.example,DNS:mx.example", .ca = true,
	    .days = 9 });
	return 0;
}

static int
end(void **state)
{
	(void)state;
	made_clear(&made);
	return 0;
}

/* --- a client inside TLS */

static SSL *
tls_of(int fd, int version)
{
	SSL_CTX	*ctx = client_context(version);
	SSL	*ssl = SSL_new(ctx);

	SSL_CTX_free(ctx);
	SSL_set_fd(ssl, fd);
	SSL_set_connect_state(ssl);
	return ssl;
}

/* Hands are shaken; false: they are not. */
static bool
shake(SSL *ssl)
{
	int	r, is;

	for (unsigned i = 0; i < 100; i++) {
		ERR_clear_error();
		if ((r = SSL_do_handshake(ssl)) == 1)
			return true;
		is = SSL_get_error(ssl, r);
		if (is != SSL_ERROR_WANT_READ && is != SSL_ERROR_WANT_WRITE)
			return false;
		played_turns(2);
	}
	return false;
}

/* Until a reply that ends so, or the end. */
static const char *
tls_say(SSL *ssl, const char *text, const char *until)
{
	static char	got[8192];
	size_t		n = 0;
	int		r, is;

	if (*text != '\0')
		assert_int_equal(SSL_write(ssl, text, (int)strlen(text)),
		    (int)strlen(text));
	got[0] = '\0';
	for (unsigned i = 0; i < 1000 && strstr(got, until) == NULL; i++) {
		ERR_clear_error();
		r = SSL_read(ssl, got + n, (int)(sizeof(got) - 1 - n));
		is = SSL_get_error(ssl, r);
		if (r > 0)
			got[n += (size_t)r] = '\0';
		else if (is != SSL_ERROR_WANT_READ)
			break;
		else
			played_turns(2);
	}
	return got;
}

/* Greeted, EHLO said, STARTTLS too. */
static SSL *
secured(struct played *p, int *fd, int version)
{
	SSL	*ssl;

	*fd = played_client_by(p, "192.0.2.9", "smtp");
	has(SAY(*fd, "", 1), "220 ");
	has(SAY(*fd, "EHLO one.example\r\n", 1), "250-STARTTLS\r\n");
	has(SAY(*fd, "STARTTLS\r\n", 1), "220 2.0.0 go ahead\r\n");
	ssl = tls_of(*fd, version);
	assert_true(shake(ssl));
	return ssl;
}

static void
leave(struct played *p, SSL *ssl, int fd)
{
	SSL_free(ssl);
	close(fd);
	played_settle(p, 2000);
	assert_null(p->server->sessions);
	assert_int_equal(p->server->secure.shaking, 0);
}

/* --- STARTTLS */

static void
test_a_message_after_starttls(void **state)
{
	static const int	 versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct played		*p = start(plain, TLS_CLIENTS_NONE);
	const char		*got;
	SSL			*ssl;
	int			 fd;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		size_t	before = p->nmessages;

		ssl = secured(p, &fd, versions[i]);
		got = tls_say(ssl, "EHLO two.example\r\n", "250 ");
		lacks(got, "STARTTLS");
		has(tls_say(ssl, "MAIL FROM:<a@b.example>\r\n"
		    "RCPT TO:<ann@here.example>\r\nDATA\r\n", "354 "),
		    "250 2.1.5");
		has(tls_say(ssl, "Subject: x\r\n\r\nbody\r\n.\r\n",
		    "queued"), "250 2.0.0");
		played_turns(20);
		assert_int_equal(p->nmessages, before + 1);
		got = buf_cstr(&p->last.content);
		has(got, "Received: from two.example (");
		has(got, " with ESMTPS id ");
		has(got, i == 0 ?
		    "\t(TLSv1.2 with ECDHE-ECDSA-AES256-GCM-SHA384)\r\n" :
		    "\t(TLSv1.3 with TLS_AES_256_GCM_SHA384)\r\n");
		has(tls_say(ssl, "QUIT\r\n", "221 "), "221 ");
		/* close_notify, then the end. */
		assert_string_equal(tls_say(ssl, "", "x"), "");
		assert_int_equal(SSL_get_shutdown(ssl), SSL_RECEIVED_SHUTDOWN);
		leave(p, ssl, fd);
	}
}

static void
test_where_starttls_has_no_place(void **state)
{
	struct played	*p = start(plain, TLS_CLIENTS_NONE);
	SSL		*ssl;
	int		 fd;

	(void)state;
	fd = played_client_by(p, "192.0.2.9", "smtp");
	SAY(fd, "", 1);
	has(SAY(fd, "STARTTLS\r\n", 1), "503 5.5.1");
	SAY(fd, "HELO a.example\r\n", 1);
	has(SAY(fd, "STARTTLS\r\n", 1), "503 5.5.1");
	SAY(fd, "EHLO a.example\r\n", 1);
	has(SAY(fd, "STARTTLS now\r\n", 1), "501 5.5.4");
	SAY(fd, "MAIL FROM:<>\r\n", 1);
	has(SAY(fd, "STARTTLS\r\n", 1), "503 5.5.1");
	close(fd);
	fd = played_client_by(p, "192.0.2.9", "clear");
	SAY(fd, "", 1);
	lacks(SAY(fd, "EHLO a.example\r\n", 1), "STARTTLS");
	has(SAY(fd, "STARTTLS\r\n", 1), "502 5.5.1");
	close(fd);
	ssl = secured(p, &fd, TLS1_3_VERSION);
	tls_say(ssl, "EHLO a.example\r\n", "250 ");
	has(tls_say(ssl, "STARTTLS\r\n", "\n"), "503 5.5.1 TLS is on");
	leave(p, ssl, fd);
}

static void
test_not_available_now(void **state)
{
	struct played	*p = played_start(plain);
	int		 fd;

	(void)state;
	fd = played_client_by(p, "192.0.2.9", "smtp");
	SAY(fd, "", 1);
	lacks(SAY(fd, "EHLO a.example\r\n", 1), "STARTTLS");
	has(SAY(fd, "STARTTLS\r\n", 1), "454 4.7.0");
	has(SAY(fd, "NOOP\r\n", 1), "250 ");
	close(fd);
	fd = played_client_by(p, "192.0.2.9", "submissions");
	assert_string_equal(SAY(fd, "", 1), "");
	close(fd);
	played_settle(p, 1000);
}

/* CVE-2011-0411 and its like: nothing of the clear is taken inside. */
static void
test_octets_behind_starttls(void **state)
{
	struct played	*p = start(plain, TLS_CLIENTS_NONE);
	const char	*got;
	int		 fd;

	(void)state;
	fd = played_client_by(p, "192.0.2.9", "smtp");
	SAY(fd, "", 1);
	SAY(fd, "EHLO a.example\r\n", 1);
	got = SAY(fd, "STARTTLS\r\nEHLO evil.example\r\n", 2);
	has(got, "421 4.7.0");
	lacks(got, "220 ");
	close(fd);
	played_settle(p, 1000);
	/* They come a little later. */
	fd = played_client_by(p, "192.0.2.9", "smtp");
	SAY(fd, "", 1);
	SAY(fd, "EHLO a.example\r\n", 1);
	SAY(fd, "STARTTLS\r\n", 1);
	got = SAY(fd, "EHLO evil.example\r\nMAIL FROM:<>\r\n", 1);
	lacks(got, "250");
	close(fd);
	played_settle(p, 1000);
	assert_null(p->server->sessions);
}

/* 4.2: as if nothing had been said. */
static void
test_what_starttls_forgets(void **state)
{
	struct played	*p = start(HEAD
	    "tag from_helo: text = \"none\"\n"
	    "tag from_connect: text = \"none\"\n"
	    "on connect { otherwise => tag from_connect = \"yes\" }\n"
	    "on helo { client.helo == \"one.example\" => "
	    "tag from_helo = \"one\", add header \"X-Helo: one\" }\n"
	    "on content { otherwise => add header "
	    "\"X-Tags: {from_helo} {from_connect}\" }\n" TAIL,
	    TLS_CLIENTS_NONE);
	const char	*got;
	SSL		*ssl;
	int		 fd;

	(void)state;
	ssl = secured(p, &fd, TLS1_3_VERSION);
	has(tls_say(ssl, "MAIL FROM:<>\r\n", "\n"), "503 5.5.1");
	has(tls_say(ssl, "EHLO two.example\r\n", "250 "), "250");
	has(tls_say(ssl, "MAIL FROM:<a@b.example>\r\n"
	    "RCPT TO:<ann@here.example>\r\nDATA\r\n", "354 "), "354");
	has(tls_say(ssl, "\r\n.\r\n", "queued"), "250");
	played_turns(20);
	got = buf_cstr(&p->last.content);
	has(got, "from two.example");
	has(got, "X-Tags: none yes\r\n");
	lacks(got, "X-Helo");
	leave(p, ssl, fd);
}

static void
test_required(void **state)
{
	struct played	*p = start(plain, TLS_CLIENTS_NONE);
	int		 fd = played_client_by(p, "192.0.2.9", "strict");

	(void)state;
	SAY(fd, "", 1);
	has(SAY(fd, "HELO a.example\r\n", 1), "530 5.7.0");
	has(SAY(fd, "EHLO a.example\r\n", 1), "250-STARTTLS\r\n");
	has(SAY(fd, "MAIL FROM:<>\r\n", 1), "530 5.7.0");
	has(SAY(fd, "RSET\r\n", 1), "530 5.7.0");
	has(SAY(fd, "VRFY ann\r\n", 1), "530 5.7.0");
	has(SAY(fd, "AUTH PLAIN AGEAYg==\r\n", 1), "530 5.7.0");
	has(SAY(fd, "NOOP\r\n", 1), "250 ");
	has(SAY(fd, "STARTTLS\r\n", 1), "220 ");
	close(fd);
	fd = played_client_by(p, "192.0.2.9", "strict");
	SAY(fd, "", 1);
	has(SAY(fd, "QUIT\r\n", 1), "221 ");
	close(fd);
	played_settle(p, 1000);
}

/* --- TLS first */

static void
test_tls_first(void **state)
{
	struct played	*p = start(plain, TLS_CLIENTS_NONE);
	int		 fd = played_client_by(p, "192.0.2.9", "submissions");
	SSL		*ssl = tls_of(fd, TLS1_3_VERSION);
	const char	*got;

	(void)state;
	assert_true(shake(ssl));
	has(tls_say(ssl, "", "\n"), "220 mx.example ESMTP");
	got = tls_say(ssl, "EHLO a.example\r\n", "250 ");
	lacks(got, "STARTTLS");
	has(tls_say(ssl, "NOOP\r\nNOOP\r\nQUIT\r\n", "221 "), "250 2.0.0 ok");
	leave(p, ssl, fd);
}

/* Each line is a record of its own, all in one segment: no poll tells of them. */
static void
test_many_records_at_once(void **state)
{
	struct played	*p = start(plain, TLS_CLIENTS_NONE);
	int		 fd = played_client_by(p, "192.0.2.9", "submissions");
	SSL		*ssl = tls_of(fd, TLS1_3_VERSION);

	(void)state;
	assert_true(shake(ssl));
	tls_say(ssl, "", "\n");
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(SSL_write(ssl, "NOOP\r\n", 6), 6);
	has(tls_say(ssl, "EHLO a.example\r\nMAIL FROM:<a@b.example>\r\n"
	    "RCPT TO:<ann@here.example>\r\nDATA\r\n", "354 "), "250 2.1.5");
	for (unsigned i = 0; i < 3000; i++)
		if (SSL_write(ssl, "0123456789012345678901234567890\r\n",
		    33) <= 0)
			played_turns(2), i--;
	has(tls_say(ssl, ".\r\nQUIT\r\n", "221 "), "queued");
	played_turns(20);
	assert_true(p->last.content.n > 99000);
	leave(p, ssl, fd);
}

static void
test_who_speaks_smtp_where_tls_comes_first(void **state)
{
	struct played	*p = start(plain, TLS_CLIENTS_NONE);
	int		 fd = played_client_by(p, "192.0.2.9", "submissions");
	const char	*got;

	(void)state;
	got = SAY(fd, "EHLO a.example\r\n", 1);
	lacks(got, "250");
	close(fd);
	played_settle(p, 3000);
	assert_null(p->server->sessions);
	assert_true(p->server->secure.count.failed > 0);
}

/* --- the policy */

static const char	rules[] = HEAD
    "on starttls {\n"
    "  tls.version == \"TLSv1.2\" => reject 550 5.7.4 \"{tls.version}\"\n"
    "  client.certificate == \"ann@here.example\" => "
    "add header \"X-Who: {client.certificate} {tls.cipher}\"\n"
    "  client.certificate == \"bob@here.example\" => defer 421 4.7.0 \"another\"\n"
    "}\n" TAIL;

static void
test_on_starttls_refuses(void **state)
{
	struct played	*p = start(rules, TLS_CLIENTS_NONE);
	SSL		*ssl;
	int		 fd;

	(void)state;
	ssl = secured(p, &fd, TLS1_2_VERSION);
	has(tls_say(ssl, "EHLO a.example\r\n", "\n"), "550 5.7.4 TLSv1.2");
	has(tls_say(ssl, "EHLO a.example\r\n", "\n"), "503 5.5.1");
	has(tls_say(ssl, "QUIT\r\n", "\n"), "221 ");
	leave(p, ssl, fd);
	fd = played_client_by(p, "192.0.2.9", "submissions");
	ssl = tls_of(fd, TLS1_2_VERSION);
	assert_true(shake(ssl));
	has(tls_say(ssl, "", "\n"), "550 5.7.4 TLSv1.2");
	has(tls_say(ssl, "EHLO a.example\r\n", "\n"), "503 5.5.1");
	leave(p, ssl, fd);
}

static void
test_certificate_of_the_client(void **state)
{
	struct played	*p = start(rules, TLS_CLIENTS_ASKED);
	int		 fd = played_client_by(p, "192.0.2.9", "submissions");
	SSL		*ssl = tls_of(fd, TLS1_3_VERSION);

	(void)state;
	SSL_use_certificate(ssl, made.cert);
	SSL_use_PrivateKey(ssl, made.key);
	assert_true(shake(ssl));
	has(tls_say(ssl, "", "\n"), "220 ");
	tls_say(ssl, "EHLO a.example\r\n", "250 ");
	tls_say(ssl, "MAIL FROM:<a@b.example>\r\n"
	    "RCPT TO:<ann@here.example>\r\nDATA\r\n", "354 ");
	has(tls_say(ssl, "\r\n.\r\n", "queued"), "250");
	played_turns(20);
	has(buf_cstr(&p->last.content),
	    "X-Who: ann@here.example TLS_AES_256_GCM_SHA384\r\n");
	leave(p, ssl, fd);
}

/* Who is one too many is told nothing in the clear where TLS is first. */
static void
test_one_too_many(void **state)
{
	static const char	policy[] = HEAD
	    "limits { sessions 1 }\n" TAIL;
	struct played		*p = start(policy, TLS_CLIENTS_NONE);
	struct origin		 o = { .port = 1 };
	char			 c;
	int			 ends[2], fd;

	(void)state;
	fd = played_client_by(p, "192.0.2.9", "submissions");
	assert_true(ip_parse(SPAN("192.0.2.10"), &o.ip));
	o.speaker = o.ip;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    ends), 0);
	admit_connection(p->server, p->server->gen, ends[1], &o,
	    p->server->sessions->door);
	assert_int_equal(read(ends[0], &c, 1), 0);
	close(ends[0]);
	close(fd);
	played_settle(p, 2000);
	assert_null(p->server->sessions);
}

/* --- many */

static void
test_a_line_of_handshakes(void **state)
{
	enum { MORE = 20 };
	static int	 fds[SECURE_HANDSHAKES_MAX + MORE];
	struct played	*p = start(plain, TLS_CLIENTS_NONE);
	SSL		*ssl;
	size_t		 i;
	int		 fd;

	(void)state;
	/* Half a record of each, and the server waits for the rest. */
	for (i = 0; i < SECURE_HANDSHAKES_MAX + MORE; i++) {
		fds[i] = played_client_by(p, "192.0.2.9", "submissions");
		assert_int_equal(write(fds[i], "\x16\x03\x01", 3), 3);
	}
	for (i = 0; i < 1000 && p->server->secure.shaking <
	    SECURE_HANDSHAKES_MAX; i++)
		played_turns(5);
	played_turns(50);
	assert_int_equal(p->server->secure.shaking, SECURE_HANDSHAKES_MAX);
	fd = played_client_by(p, "192.0.2.9", "submissions");
	ssl = tls_of(fd, TLS1_3_VERSION);
	assert_false(shake(ssl));
	for (i = 0; i < SECURE_HANDSHAKES_MAX + MORE; i++)
		close(fds[i]);
	assert_true(shake(ssl));
	has(tls_say(ssl, "", "\n"), "220 ");
	leave(p, ssl, fd);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_a_message_after_starttls),
		cmocka_unit_test(test_where_starttls_has_no_place),
		cmocka_unit_test(test_not_available_now),
		cmocka_unit_test(test_octets_behind_starttls),
		cmocka_unit_test(test_what_starttls_forgets),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_tls_first),
		cmocka_unit_test(test_many_records_at_once),
		cmocka_unit_test(test_who_speaks_smtp_where_tls_comes_first),
		cmocka_unit_test(test_on_starttls_refuses),
		cmocka_unit_test(test_certificate_of_the_client),
		cmocka_unit_test(test_one_too_many),
		cmocka_unit_test(test_a_line_of_handshakes),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
