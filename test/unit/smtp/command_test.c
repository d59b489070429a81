/*
 * command_test.c - command lines: ends, verbs, arguments (RFC 5321, 4.1).
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mta/smtp/command.h"

#define BYTES(lit)	span_mem((lit), sizeof(lit) - 1)

static void
only_crlf_ends_a_line(void **state)
{
	static const struct {
		struct span		in;
		enum line_result	want;
		size_t			n;
	} t[] = {
		{ { "", 0 }, LINE_PART, 0 },
		{ { "NOOP", 4 }, LINE_PART, 0 },
		{ { "NOOP\r", 5 }, LINE_PART, 0 },
		{ { "NOOP\r\n", 6 }, LINE_WHOLE, 6 },
		{ { "\r\n", 2 }, LINE_WHOLE, 2 },
		{ { "NOOP\r\nQUIT\r\n", 12 }, LINE_WHOLE, 6 },
		{ { "NOOP\n", 5 }, LINE_BARE, 5 },
		{ { "NOOP\nQUIT\r\n", 11 }, LINE_BARE, 5 },
		{ { "NO\rOP\r\n", 7 }, LINE_BARE, 3 },
		{ { "NOOP\r\r\n", 7 }, LINE_BARE, 5 },
		{ { "\n", 1 }, LINE_BARE, 1 },
		{ { "123456789", 9 }, LINE_PART, 0 },
		{ { "12345678901234", 14 }, LINE_LONG, 0 },
		{ { "123456789012\r\n", 14 }, LINE_WHOLE, 14 },
		{ { "1234567890123\r\n", 15 }, LINE_LONG, 0 },
	};
	size_t	n;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		n = 99;
		assert_int_equal(line_scan(t[i].in, 14, &n), t[i].want);
		assert_int_equal(n, t[i].n);
	}
}

static void
a_spoiled_line_is_skipped_to_its_crlf(void **state)
{
	size_t	n;

	(void)state;
	assert_true(line_skip(BYTES("x\ny\rz\r\nNOOP\r\n"), &n));
	assert_int_equal(n, 7);
	assert_false(line_skip(BYTES("no end"), &n));
	assert_int_equal(n, 6);
	assert_false(line_skip(BYTES("half an end\r"), &n));
	assert_int_equal(n, 11);
	assert_true(line_skip(BYTES("\r\n"), &n));
	assert_int_equal(n, 2);
	assert_false(line_skip(BYTES("\nMAIL\n\n"), &n));
	assert_int_equal(n, 7);
}

static void
verbs_are_known_in_any_case(void **state)
{
	static const struct {
		const char	*line;
		enum smtp_verb	 verb;
		const char	*args;
	} t[] = {
		{ "EHLO a.example", VERB_EHLO, "a.example" },
		{ "helo  a ", VERB_HELO, "a" },
		{ "MAIL FROM:<a@b>", VERB_MAIL, "FROM:<a@b>" },
		{ "MAIL\tFROM:<a@b>", VERB_MAIL, "FROM:<a@b>" },
		{ "rCpT to:<c@d>", VERB_RCPT, "to:<c@d>" },
		{ "DATA", VERB_DATA, "" },
		{ "DATA  ", VERB_DATA, "" },
		{ "DATAS", VERB_UNKNOWN, "" },
		{ " DATA", VERB_UNKNOWN, "DATA" },
		{ "", VERB_UNKNOWN, "" },
		{ "STARTTLS", VERB_STARTTLS, "" },
		{ "BDAT 10 LAST", VERB_BDAT, "10 LAST" },
		{ "GET / HTTP/1.1", VERB_UNKNOWN, "/ HTTP/1.1" },
	};
	struct smtp_command	c;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(command_parse(span_of(t[i].line), &c));
		assert_int_equal(c.verb, t[i].verb);
		assert_true(span_eq(c.args, span_of(t[i].args)));
	}
}

static void
control_characters_have_no_place(void **state)
{
	struct smtp_command	c;

	(void)state;
	assert_false(command_parse(BYTES("NO\0OP"), &c));
	assert_false(command_parse(BYTES("NOOP \x1b[2J"), &c));
	assert_false(command_parse(BYTES("NOOP \x7f"), &c));
	assert_true(command_parse(BYTES("NOOP \xc3\xa9"), &c));
}

static void
helo_is_a_domain_or_a_literal(void **state)
{
	static const char	*good[] = {
		"a", "localhost", "mail.example.org", "my_pc.example",
		"127.0.0.1", "[127.0.0.1]", "[IPv6:2001:db8::1]", "x-y.z",
		"a.example.", "xn--mnchen-3ya.example"
	};
	static const char	*bad[] = {
		"", "-a", "a-", "a..b", ".a", "a b", "a,b", "[]", "[a]",
		"[127.0.0.1", "[IPv6:127.0.0.1]", "[::1]", "[300.1.1.1]",
		"<a>", "m\xc3\xbcnchen.example", "a/b", "(a)"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!helo_ok(span_of(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (helo_ok(span_of(bad[i])))
			fail_msg("taken: %s", bad[i]);
}

static const uint32_t	offered = EXT_BIT(SIZE) | EXT_BIT(8BITMIME) |
	EXT_BIT(SMTPUTF8);

struct path_case {
	const char		*args;
	enum args_result	 want;
	const char		*whole;
};

static void
mail_takes_a_reverse_path(void **state)
{
	static const struct path_case t[] = {
		{ "FROM:<a@b.example>", ARGS_OK, "a@b.example" },
		{ "from:<a@B.Example>", ARGS_OK, "a@b.example" },
		{ "FROM: <a@b.example>", ARGS_OK, "a@b.example" },
		{ "FROM:<>", ARGS_OK, "" },
		{ "FROM:<> SIZE=10 BODY=8BITMIME", ARGS_OK, "" },
		{ "FROM:<\"a b\"@c.example>", ARGS_OK, "\"a b\"@c.example" },
		{ "FROM:<@x.example:a@b.example>", ARGS_OK, "a@b.example" },
		{ "FROM:a@b.example", ARGS_PATH, NULL },
		{ "FROM:", ARGS_PATH, NULL },
		{ "FROM", ARGS_SYNTAX, NULL },
		{ "", ARGS_SYNTAX, NULL },
		{ "TO:<a@b.example>", ARGS_SYNTAX, NULL },
		{ "FROM:<a>", ARGS_PATH, NULL },
		{ "FROM:<postmaster>", ARGS_PATH, NULL },
		{ "FROM:<a@b.example", ARGS_PATH, NULL },
		{ "FROM:<a b@c.example>", ARGS_PATH, NULL },
		{ "FROM:<a@b..example>", ARGS_PATH, NULL },
		{ "FROM:<a@b.example>x", ARGS_PARAM, NULL },
		{ "FROM:<a@b.example> AUTH=<>", ARGS_UNKNOWN, NULL },
		{ "FROM:<a@b.example> REQUIRETLS", ARGS_UNKNOWN, NULL },
		{ "FROM:<m\xc3\xbcller@b.example> SMTPUTF8", ARGS_OK, "m\xc3\xbcller@b.example" },
		{ "FROM:<m\xc3\xbcller@b.example>", ARGS_UTF8, NULL },
		{ "FROM:<a@m\xc3\xbcller.example>", ARGS_UTF8, NULL },
		{ "FROM:<m\xfcller@b.example> SMTPUTF8", ARGS_PATH, NULL },
		{ "FROM:<a@b.example> SIZE=1 SIZE=1", ARGS_PARAM, NULL },
	};
	struct arena		a = { 0 };
	struct params_place	place = { PARAMS_MAIL, offered, false, &a };
	struct smtp_path	p;
	const char		*why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (command_mail(span_of(t[i].args), &place, &p, &why) !=
		    t[i].want)
			fail_msg("MAIL %s", t[i].args);
		if (t[i].whole != NULL)
			assert_true(span_eq(p.path.whole,
			    span_of(t[i].whole)));
		else
			assert_non_null(why);
	}
	arena_clear(&a);
}

static void
rcpt_takes_a_forward_path(void **state)
{
	static const struct path_case t[] = {
		{ "TO:<a@b.example>", ARGS_OK, "a@b.example" },
		{ "to:<Postmaster>", ARGS_OK, "Postmaster" },
		{ "TO:<a@[192.0.2.1]>", ARGS_OK, "a@[192.0.2.1]" },
		{ "TO:<>", ARGS_PATH, NULL },
		{ "TO:<a>", ARGS_PATH, NULL },
		{ "TO:<@>", ARGS_PATH, NULL },
		{ "TO:<a@>", ARGS_PATH, NULL },
		{ "FROM:<a@b.example>", ARGS_SYNTAX, NULL },
		{ "TO:<a@b.example> SIZE=1", ARGS_UNKNOWN, NULL },
		{ "TO:<a@b.example> NOTIFY=NEVER", ARGS_UNKNOWN, NULL },
		{ "TO:<m\xc3\xbcller@b.example>", ARGS_UTF8, NULL },
		{ "TO:<a@b.example> =x", ARGS_PARAM, NULL },
	};
	struct arena		a = { 0 };
	struct params_place	place = { PARAMS_RCPT, offered, false, &a };
	struct smtp_path	p;
	const char		*why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (command_rcpt(span_of(t[i].args), &place, &p, &why) !=
		    t[i].want)
			fail_msg("RCPT %s", t[i].args);
		if (t[i].whole != NULL && !span_ieq(p.path.whole,
		    span_of(t[i].whole)))
			fail_msg("RCPT %s: %.*s", t[i].args,
			    SPAN_ARG(p.path.whole));
	}
	arena_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_crlf_ends_a_line),
		cmocka_unit_test(a_spoiled_line_is_skipped_to_its_crlf),
		cmocka_unit_test(verbs_are_known_in_any_case),
		cmocka_unit_test(control_characters_have_no_place),
		cmocka_unit_test(helo_is_a_domain_or_a_literal),
		cmocka_unit_test(mail_takes_a_reverse_path),
		cmocka_unit_test(rcpt_takes_a_forward_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
