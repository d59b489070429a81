/*
 * auth_test.c - AUTH in whole sessions, and auth played beside them.
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

#include "mta/sasl/base64.h"
#include "test/unit/sasl/store.h"
#include "test/unit/smtp/played.h"
#include "test/unit/smtp/played_auth.h"

#define HEAD \
	"edition 1\n" \
	"hostname \"mx.example\"\n" \
	"map users = text \"@USERS@\" as accounts\n" \
	"mailbox box { accounts users; path \"/var/mail/{user}\" }\n"
#define LISTEN \
	"listen smtp on \"127.0.0.1:2525\"\n" \
	"listen submission on \"127.0.0.1:2587\" " \
	"{ auth required; auth in clear }\n"
#define TAIL \
	"on rcpt {\n" \
	"  client.user == \"user\" and listener == \"submission\" => accept\n" \
	"  otherwise => reject 550 5.7.1 \"no relaying\"\n" \
	"}\n" \
	"route { otherwise => mx }\n"

static const char	plain_policy[] = HEAD LISTEN TAIL;
static const char	rules_policy[] = HEAD
    "listen submission on \"127.0.0.1:2587\" {\n"
    "  auth offered; auth in clear; mechanisms plain, cram-md5 }\n"
    "tag seen : bool = false\n"
    "on auth {\n"
    "  client.ip == 192.0.2.1 => reject\n"
    "  client.ip == 192.0.2.2 => reject 535 5.7.8 \"not {client.user}\"\n"
    "  client.ip == 192.0.2.3 => defer\n"
    "  client.ip == 192.0.2.4 => defer 421 4.7.0 \"go\"\n"
    "}\n" TAIL;
static const char	two_maps_policy[] = HEAD
    "map others = text \"@USERS@\" as accounts\n"
    "listen submission on \"127.0.0.1:2587\" {\n"
    "  auth required; auth in clear; accounts others, users }\n" TAIL;
static const char	tls_policy[] = HEAD
    "tls { certificate \"/etc/waybill/c.pem\"; key \"/etc/waybill/k.pem\" }\n"
    "listen submission on \"127.0.0.1:2587\" { auth required }\n" TAIL;

static struct played_auth	 auth;

static struct played *
start(const char *policy, unsigned sane, unsigned could)
{
	struct played	*p = played_start(policy);

	played_auth(&auth, p->server->auth, sane, could);
	return p;
}

/* Greeted, EHLO said. */
static int
client_of(struct played *p, const char *ip)
{
	int	fd = played_client_by(p, ip, "submission");

	assert_non_null(strstr(SAY(fd, "EHLO me.example\r\n", 2), "250 "));
	return fd;
}

static int
client(struct played *p)
{
	return client_of(p, "192.0.2.9");
}

static void
wants(int fd, const char *line, const char *want)
{
	const char	*got = played_say(fd, line, strlen(line), 1);

	if (strncmp(got, want, strlen(want)) != 0)
		fail_msg("%s: wanted %s, got %s", line, want, got);
}

static void
end(int fd)
{
	close(fd);
	played_settle(played_start(plain_policy), 1000);
}

#define USER64		"dXNlcg=="
#define PENCIL64	"cGVuY2ls"
#define PLAIN64		"AHVzZXIAcGVuY2ls"	/* \0user\0pencil */
#define WRONG64		"AHVzZXIAcGVu"		/* \0user\0pen */

static void
offered_where_the_listener_says_so(void **state)
{
	struct played	*p = start(plain_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);
	const char	*got;

	(void)state;
	got = SAY(fd, "EHLO me.example\r\n", 1);
	assert_non_null(strstr(got, "\r\n250-AUTH PLAIN LOGIN\r\n"));
	end(fd);
	fd = played_client_by(p, "192.0.2.9", "smtp");
	got = SAY(fd, "EHLO me.example\r\n", 2);
	assert_null(strstr(got, "AUTH"));
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "502 5.5.1 ");
	assert_int_equal(auth.n, 0);
	end(fd);
	/* HELO has no extensions. */
	fd = played_client_by(p, "192.0.2.9", "submission");
	SAY(fd, "HELO me.example\r\n", 2);
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "503 5.5.1 ");
	end(fd);
}

static void
offered_as_auth_says(void **state)
{
	static const struct {
		unsigned	 sane, could;
		const char	*list;
	} cases[] = {
		{ AUTH_PLAIN, AUTH_PLAIN, "PLAIN LOGIN" },
		{ AUTH_PLAIN | AUTH_SCRAM_SHA_256, ~0u,
		    "SCRAM-SHA-256 PLAIN LOGIN" },
		{ AUTH_PLAIN | AUTH_SCRAM_SHA_1 | AUTH_SCRAM_SHA_256 |
		    AUTH_CRAM_MD5, ~0u,
		    "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN" },
		{ AUTH_TOKENS, ~0u, "OAUTHBEARER XOAUTH2" },
	};
	char		 want[128];
	const char	*got;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct played	*p = start(plain_policy, cases[i].sane,
				    cases[i].could);
		int		 fd = client(p);

		got = SAY(fd, "EHLO me.example\r\n", 1);
		snprintf(want, sizeof(want), "250-AUTH %s\r\n", cases[i].list);
		if (strstr(got, want) == NULL)
			fail_msg("%s is not in %s", want, got);
		end(fd);
	}
}

static void
plain(void **state)
{
	struct played	*p = start(plain_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);

	(void)state;
	wants(fd, "MAIL FROM:<a@here.example>\r\n", "530 5.7.0 ");
	wants(fd, "VRFY a\r\n", "530 5.7.0 ");
	wants(fd, "NOOP\r\n", "250 ");
	wants(fd, "RSET\r\n", "250 ");
	wants(fd, "AUTH PLAIN " WRONG64 "\r\n", "535 5.7.8 ");
	wants(fd, "MAIL FROM:<a@here.example>\r\n", "530 5.7.0 ");
	wants(fd, "AUTH plain\r\n", "334 \r\n");
	wants(fd, PLAIN64 "\r\n", "235 2.7.0 ");
	assert_int_equal(auth.asked[1].ask, AUTH_ASK_PASSWORD);
	assert_string_equal(auth.asked[1].map, "users");
	assert_string_equal(auth.asked[1].mechanism, "PLAIN");
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "503 5.5.1 ");
	wants(fd, "EHLO me.example\r\n", "250-");
	wants(fd, "MAIL FROM:<a@here.example>\r\n", "250 ");
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "503 5.5.1 ");
	wants(fd, "RCPT TO:<b@there.example>\r\n", "250 ");
	wants(fd, "DATA\r\n", "354 ");
	wants(fd, "Subject: x\r\n\r\nx\r\n.\r\n", "250 ");
	assert_non_null(strstr(buf_cstr(&p->last.content), "with ESMTPA id "));
	end(fd);
}

static void
login_in_both_forms(void **state)
{
	struct played	*p = start(plain_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);

	(void)state;
	wants(fd, "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
	wants(fd, USER64 "\r\n", "334 UGFzc3dvcmQ6\r\n");
	wants(fd, "eA==\r\n", "535 5.7.8 ");
	wants(fd, "AUTH LOGIN " USER64 "\r\n", "334 UGFzc3dvcmQ6\r\n");
	wants(fd, PENCIL64 "\r\n", "235 2.7.0 ");
	end(fd);
}

static void
the_text_of_syntax_errors_and_what_follows_them(void **state)
{
	static const struct {
		const char	*says, *want;
	} lines[] = {
		{ "AUTH\r\n", "501 5.5.4 " },
		{ "AUTH PLAIN a b\r\n", "501 5.5.4 " },
		{ "AUTH PLAIN  a\r\n", "501 5.5.4 " },
		{ "AUTH DIGEST-MD5\r\n", "504 5.5.4 " },
		{ "AUTH CRAM-MD5\r\n", "504 5.5.4 " },
		{ "AUTH EXTERNAL =\r\n", "504 5.5.4 " },
		{ "AUTH SCRAM-SHA-1-PLUS\r\n", "504 5.5.4 " },
		{ "AUTH PLAIN x\r\n", "501 5.5.2 " },
		{ "AUTH PLAIN " PLAIN64 "=\r\n", "501 5.5.2 " },
		{ "AUTH PLAIN =\r\n", "501 5.5.2 " },
		{ "AUTH PLAIN dXNlcgBwZW5jaWw=\r\n", "501 5.5.2 " },
		{ "AUTH LOGIN\r\n", "334 " },
		{ "*\r\n", "501 5.7.0 " },
		{ "AUTH LOGIN\r\n", "334 " },
		{ "QUIT\r\n", "501 5.5.2 " },
		{ "AUTH LOGIN\r\n", "334 " },
		{ USER64 "\n" PENCIL64 "\r\n", "501 5.5.2 " },
		{ "AUTH LOGIN\r\n", "334 " },
		{ "\r\n", "501 5.5.2 " },
		{ "NOOP\r\n", "250 " },
		{ "AUTH PLAIN " PLAIN64 "\r\n", "235 " },
	};
	struct played	*p = start(plain_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);

	(void)state;
	p->server->gen->errors_max = 100;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		wants(fd, lines[i].says, lines[i].want);
	end(fd);
}

static void
long_lines(void **state)
{
	struct played	*p = start(plain_policy, AUTH_TOKENS, AUTH_TOKENS);
	int		 fd = client(p);
	struct buf	 said = { 0 }, line = { 0 };

	(void)state;
	buf_add_str(&said, "user=user\1auth=Bearer ");
	for (int i = 0; i < 9000; i++)
		buf_add_char(&said, 'x');
	buf_add_str(&said, "\1\1");
	base64_add(&line, buf_span(&said));
	buf_add_str(&line, "\r\n");
	assert_in_range(line.n, 12000, SASL_LINE_MAX);
	wants(fd, "AUTH XOAUTH2\r\n", "334 \r\n");
	wants(fd, buf_cstr(&line), "334 ");
	wants(fd, "\r\n", "535 5.7.8 ");
	wants(fd, "AUTH XOAUTH2\r\n", "334 \r\n");
	buf_cut(&line, line.n - 2);
	while (line.n < 100000)
		buf_add_str(&line, "eHh4");
	buf_add_str(&line, "\r\n");
	wants(fd, buf_cstr(&line), "500 5.5.6 ");
	wants(fd, "NOOP\r\n", "250 ");
	said.n = 0;
	buf_add_str(&said, "AUTH XOAUTH2 ");
	buf_add_span(&said, buf_span(&line));
	wants(fd, buf_cstr(&said), "500 5.5.6 ");
	wants(fd, "NOOP\r\n", "250 ");
	buf_clear(&said);
	buf_clear(&line);
	end(fd);
}

static void
three_wrong_ones_and_no_more(void **state)
{
	struct played	*p = start(plain_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);

	(void)state;
	for (int i = 0; i < 3; i++)
		wants(fd, "AUTH PLAIN " WRONG64 "\r\n", "535 5.7.8 ");
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "421 4.7.0 ");
	assert_int_equal(auth.n, 3);
	end(fd);
}

static void
what_cannot_be_said(void **state)
{
	struct played	*p = start(plain_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);

	(void)state;
	auth.instead = AUTH_CANNOT;
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "454 4.7.0 the login cannot");
	auth.instead = AUTH_SLOW;
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "454 4.7.0 too many");
	auth.instead = AUTH_RIGHT;
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "235 ");
	end(fd);
}

static void
auth_dies_between_question_and_answer(void **state)
{
	struct played	*p = start(plain_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);
	struct buf	 got = { 0 };

	(void)state;
	auth.silent = true;
	assert_string_equal(SAY(fd, "AUTH PLAIN " PLAIN64 "\r\n", 0), "");
	played_turns(20);
	assert_int_equal(auth.n, 1);
	played_auth(&auth, p->server->auth, AUTH_PLAIN, AUTH_PLAIN);
	played_replies(fd, 1, &got);	/* the new one was asked */
	assert_int_equal(strncmp(buf_cstr(&got), "235 ", 4), 0);
	assert_int_equal(auth.n, 1);
	buf_clear(&got);
	end(fd);
}

static void
a_client_that_leaves_meanwhile(void **state)
{
	struct played	*p = start(plain_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);
	struct session	*s;

	(void)state;
	auth.silent = true;
	SAY(fd, "AUTH PLAIN " PLAIN64 "\r\n", 0);
	played_turns(20);
	assert_non_null(s = p->server->sessions);
	session_free(&s);		/* as when its time is over */
	auth.silent = false;
	close(fd);
	fd = client(p);
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "235 ");
	end(fd);
}

static void
who_does_not_wait_for_the_challenge(void **state)
{
	struct played	*p = start(plain_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);

	(void)state;
	wants(fd, "AUTH LOGIN\r\n" USER64 "\r\n" PENCIL64 "\r\n",
	    "421 4.5.0 ");
	assert_int_equal(auth.n, 0);
	end(fd);
	/* With all it needs at once it may say what comes next. */
	fd = client(p);
	assert_non_null(strstr(SAY(fd, "AUTH PLAIN " PLAIN64 "\r\n"
	    "MAIL FROM:<a@here.example>\r\n", 2), "\r\n250 2.1.0 "));
	end(fd);
}

static void
cram_md5_and_hooks(void **state)
{
	struct played	*p = start(rules_policy, AUTH_PLAIN,
			    AUTH_PLAIN | AUTH_CRAM_MD5 | AUTH_SCRAM_SHA_1);
	int		 fd = client(p);
	const char	*got;

	(void)state;
	got = SAY(fd, "EHLO me.example\r\n", 1);
	assert_non_null(strstr(got, "250-AUTH CRAM-MD5 PLAIN\r\n"));
	wants(fd, "AUTH LOGIN\r\n", "504 5.5.4 ");
	wants(fd, "AUTH CRAM-MD5 =\r\n", "501 5.7.0 ");
	wants(fd, "AUTH CRAM-MD5\r\n", "334 P");
	wants(fd, "dXNlciAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA==\r\n",
	    "535 5.7.8 ");
	assert_int_equal(auth.asked[0].ask, AUTH_ASK_CRAM);
	end(fd);
}

static void
a_rule_refuses_a_login(void **state)
{
	static const struct {
		const char	*ip, *want;
	} cases[] = {
		{ "192.0.2.1", "535 5.7.8 " },
		{ "192.0.2.2", "535 5.7.8 not user\r\n" },
		{ "192.0.2.3", "454 4.7.0 " },
		{ "192.0.2.4", "421 4.7.0 go\r\n" },
		{ "192.0.2.5", "235 2.7.0 " },
	};
	struct played	*p = start(rules_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		fd = client_of(p, cases[i].ip);
		wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", cases[i].want);
		if (i < 3) {
			assert_false(p->server->sessions->facts.authenticated);
			assert_int_equal(p->server->sessions->facts.user.n, 0);
			/* As if it had not been said. */
			wants(fd, "AUTH PLAIN " PLAIN64 "\r\n",
			    cases[i].want);
		}
		close(fd);
		played_settle(p, 1000);
	}
}

/* The final proof is computed by the store's own keys: here a wrong one. */
static void
scram_asks_twice(void **state)
{
	struct played	*p = start(plain_policy, AUTH_SCRAM_SHA_1,
			    AUTH_SCRAM_SHA_1);
	int		 fd = client(p);
	struct buf	 line = { 0 }, first = { 0 };
	char		 octets[512];
	const char	*got;
	size_t		 n;

	(void)state;
	/* n,,n=user,r=abc */
	got = SAY(fd, "AUTH SCRAM-SHA-1 biwsbj11c2VyLHI9YWJj\r\n", 1);
	assert_int_equal(strncmp(got, "334 ", 4), 0);
	assert_true(base64_read(span_mem(got + 4, strlen(got) - 6), octets,
	    &n));
	octets[n] = '\0';
	assert_int_equal(strncmp(octets, "r=abc", 5), 0);
	*strchr(octets, ',') = '\0';
	buf_addf(&first, "c=biws,%s,p=w0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", octets);
	base64_add(&line, buf_span(&first));
	buf_add_str(&line, "\r\n");
	wants(fd, buf_cstr(&line), "535 5.7.8 authentication credentials");
	assert_int_equal(auth.n, 2);
	assert_int_equal(auth.asked[0].ask, AUTH_ASK_SCRAM);
	assert_int_equal(auth.asked[1].ask, AUTH_ASK_PROOF);
	/* The same proof to another challenge: its nonce is ours no more. */
	wants(fd, "AUTH SCRAM-SHA-1 biwsbj11c2VyLHI9YWJj\r\n", "334 ");
	wants(fd, buf_cstr(&line), "535 5.7.8 authentication failed: "
	    "e=other-error");
	assert_int_equal(auth.n, 3);
	buf_clear(&first);
	buf_clear(&line);
	end(fd);
}

static void
of_several_maps_the_first_that_knows_the_user(void **state)
{
	struct played	*p = start(two_maps_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);

	(void)state;
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "235 ");
	assert_int_equal(auth.n, 3);
	assert_int_equal(auth.asked[0].ask, AUTH_ASK_KNOWN);
	assert_string_equal(auth.asked[0].map, "others");
	assert_int_equal(auth.asked[1].ask, AUTH_ASK_KNOWN);
	assert_string_equal(auth.asked[1].map, "users");
	assert_int_equal(auth.asked[2].ask, AUTH_ASK_PASSWORD);
	assert_string_equal(auth.asked[2].map, "users");
	end(fd);
	/* Nobody: the first map is asked for the password, once. */
	fd = client(played_start(two_maps_policy));
	auth.n = 0;
	wants(fd, "AUTH PLAIN AHgAeA==\r\n", "535 ");
	assert_int_equal(auth.n, 3);
	assert_int_equal(auth.asked[2].ask, AUTH_ASK_PASSWORD);
	assert_string_equal(auth.asked[2].map, "others");
	/* A map that cannot say may be the one. */
	auth.instead = AUTH_CANNOT;
	auth.n = 0;
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "454 ");
	assert_int_equal(auth.n, 1);
	end(fd);
}

static void
never_in_the_clear_unless_the_policy_says_so(void **state)
{
	struct played	*p = start(tls_policy, AUTH_PLAIN, AUTH_PLAIN);
	int		 fd = client(p);
	const char	*got;

	(void)state;
	got = SAY(fd, "EHLO me.example\r\n", 1);
	assert_null(strstr(got, "AUTH"));
	wants(fd, "AUTH PLAIN " PLAIN64 "\r\n", "538 5.7.11 ");
	wants(fd, "AUTH LOGIN\r\n", "538 5.7.11 ");
	wants(fd, "AUTH CRAM-MD5\r\n", "504 5.5.4 ");
	wants(fd, "MAIL FROM:<a@here.example>\r\n", "530 5.7.0 ");
	assert_int_equal(auth.n, 0);
	end(fd);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(offered_where_the_listener_says_so),
		cmocka_unit_test(offered_as_auth_says),
		cmocka_unit_test(plain),
		cmocka_unit_test(login_in_both_forms),
		cmocka_unit_test(the_text_of_syntax_errors_and_what_follows_them),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(three_wrong_ones_and_no_more),
		cmocka_unit_test(what_cannot_be_said),
		cmocka_unit_test(auth_dies_between_question_and_answer),
		cmocka_unit_test(a_client_that_leaves_meanwhile),
		cmocka_unit_test(who_does_not_wait_for_the_challenge),
		cmocka_unit_test(cram_md5_and_hooks),
		cmocka_unit_test(a_rule_refuses_a_login),
		cmocka_unit_test(scram_asks_twice),
		cmocka_unit_test(of_several_maps_the_first_that_knows_the_user),
		cmocka_unit_test(never_in_the_clear_unless_the_policy_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
