/*
 * interp_test.c - what each instruction does, what ends an evaluation, and
 * that waiting changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ruleset/build.h"
#include "test/unit/ruleset/fake_world.h"
#include "test/unit/ruleset/sample.h"
#include "test/unit/ruleset/spec.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

/* Constants of the images here, by number. */
enum {
	C_HELLO, C_WORLD, C_TRUE, C_FALSE, C_ONE, C_TWO, C_ANN, C_FAIL, C_SIZE,
	C_NET, C_DOMAIN, C_IP, C_NONE, C_TAG1, C_TAG2, C_EMPTY, C_TAG0,
	C_TIME, C_QUOTED, C_BOB, C_STAFF, C_EXE, C_DATE, C_DATE2, C_RATE,
	C_NOBODY,
	NCONSTS
};
static const char *const consts[NCONSTS] = {
	[C_HELLO] = "text hello", [C_WORLD] = "text World",
	[C_TRUE] = "bool true", [C_FALSE] = "bool false",
	[C_ONE] = "int 1", [C_TWO] = "int 2", [C_ANN] = "text ann",
	[C_FAIL] = "text fail", [C_SIZE] = "text size",
	[C_NET] = "net 192.0.2.0/24", [C_DOMAIN] = "domain a.b.example",
	[C_IP] = "ip 10.1.2.3", [C_NONE] = "none",
	[C_TAG1] = "int 1", [C_TAG2] = "int 2", [C_EMPTY] = "text ",
	[C_TAG0] = "int 0", [C_TIME] = "time 5s", [C_QUOTED] = "text a \"b",
	[C_BOB] = "text bob", [C_STAFF] = "address staff@x.example",
	[C_EXE] = "text run.exe", [C_DATE] = "date 2026-01-05T08:30:00Z",
	[C_DATE2] = "date 2026-01-05T08:30:01Z", [C_RATE] = "rate 100/1h",
	[C_NOBODY] = "address <>",
};
/* Equal constants are one: their true numbers. */
static uint32_t	number[NCONSTS];

/* Strings, too. */
enum {
	S_SUBJECT, S_BROKEN, S_HALF, S_NOSUCH, S_PORT, S_X, S_USER, S_0, S_1,
	S_2, NSTRINGS
};
static const char *const strings[NSTRINGS] = {
	"Subject", "Broken", "Half", "No-Such", "port", "X-Test", "user", "0",
	"1", "2"
};
static uint32_t	string[NSTRINGS];

/* functions */
enum {
	R_SAME, R_SAYS, R_ENDS, R_REFUSES, R_JUDGES, R_GOES_ON, R_GIVES,
	R_SLOW, ROWS
};
enum { RE_WORD, RE_SLOW, RE_ALT };	/* expressions */
enum { P_USER, P_STAFF, P_FAIL };	/* patterns */
enum { O_BOX, O_HOP, O_MILTER };	/* objects */

static struct arena	 arena;
static struct buf	 octets;
static struct rs_image	*im;

static void
make_strings(struct rs_build *b)
{
	for (size_t i = 0; i < NCONSTS; i++) {
		struct rs_value	v = spec_value(consts[i], &arena);

		number[i] = rs_build_const(b, &v);
	}
	for (size_t i = 0; i < NSTRINGS; i++)
		string[i] = rs_build_string(b, span_of(strings[i]));
}

/* {user}+{rest}@{host.}.example; {who in m}@x.example; {x in m} */
static void
make_patterns(struct rs_build *b)
{
	struct rs_token	user[] = {
		{ RS_TOK_SOME, string[S_USER], 0 },
		{ RS_TOK_TEXT, rs_build_string(b, SPAN("+")), 0 },
		{ RS_TOK_SOME, rs_build_string(b, SPAN("rest")), 0 },
		{ RS_TOK_AT, 0, 0 },
		{ RS_TOK_ONE, rs_build_string(b, SPAN("host")), 0 },
		{ RS_TOK_TEXT, rs_build_string(b, SPAN(".")), 0 },
		{ RS_TOK_TEXT, rs_build_string(b, SPAN("example")), 0 },
	};
	struct rs_token	staff[] = {
		{ RS_TOK_IN_MAP, string[S_USER], 0 },
		{ RS_TOK_AT, 0, 0 },
		{ RS_TOK_SOME, rs_build_string(b, SPAN("host")), 0 },
	};
	struct rs_token	fail[] = { { RS_TOK_NOT_MAP, string[S_USER], 0 } };

	rs_build_pattern(b, SPAN("{user}+{rest}@{host.}.example"), user, 7);
	rs_build_pattern(b, SPAN("{user in m}@{host}"), staff, 3);
	rs_build_pattern(b, SPAN("{user not in m}"), fail, 1);
}

static void
make_tables(struct rs_build *b)
{
	static const uint8_t	sha[32];
	struct span		domains[] = { SPAN("a.b.example"),
				    SPAN(".example"), SPAN("hello") };
	struct ipnet		net;
	struct rs_place		detail = { 0, 0 };
	struct rs_value		plus = rs_text(RS_T_TEXT, SPAN("+"));

	make_strings(b);
	rs_build_file(b, SPAN("/p.conf"), 0, sha);
	rs_build_map(b, SPAN("m"), SPAN("inline"), SPAN("plain"), UINT32_MAX,
	    1, NULL, 0);
	rs_build_reply(b, 550, SPAN("5.7.1"));
	rs_build_reply(b, 451, SPAN("4.7.1"));
	rs_build_reply(b, 551, SPAN("5.1.6"));
	rs_build_tag(b, SPAN("t"), RS_T_TEXT, number[C_EMPTY]);
	rs_build_tag(b, SPAN("unset"), RS_T_TEXT, number[C_WORLD]);
	rs_build_tag(b, SPAN("late"), RS_T_TEXT, number[C_EMPTY]);
	rs_build_domains(b, SPAN("d"), domains, 3);
	assert_true(ipnet_parse(SPAN("192.0.2.0/24"), &net));
	rs_build_nets(b, SPAN("w"), &net, 1);
	rs_build_object(b, RS_O_MAILBOX, SPAN("box"), 1);
	rs_build_object(b, RS_O_RELAY, SPAN("hop"), 2);
	rs_build_object(b, RS_O_MILTER, SPAN("spam"), 3);
	rs_build_list(b, SPAN("zen"), SPAN("zen.example"), 0, 4);
	rs_build_rate(b, SPAN("r"), RS_RATE_OF(100, 3600000), 5);
	rs_build_regex(b, SPAN("(?<user>[a-z]+)o(.)?"), 0);
	rs_build_regex(b, SPAN("(a+)+$"), RS_REGEX_ICASE);
	rs_build_regex(b, SPAN("l(l)|nothing"), 0);
	make_patterns(b);
	detail.index = rs_build_const(b, &plus);
	rs_build_option(b, rs_build_object(b, RS_O_SERVER, SPAN(""), 0),
	    RS_OPT_SERVER_detail, true, 0, &detail, 1);
}

/* Rows are written with numbers of consts[] and strings[]. */
static uint32_t
translate(const struct rs_insn *in)
{
	if (rs_ops[in->op].c == RS_CONST_)
		return number[in->c];
	if (rs_ops[in->op].c == RS_STR_)
		return string[in->c];
	return in->c;
}

static void
emit(struct rs_build *b, const struct rs_insn *in)
{
	rs_build_emit(b, (enum rs_op)in->op, in->a, in->b, translate(in), 1);
}

static void
begin_ruleset(struct rs_build *b, unsigned nargs)
{
	uint8_t	args[] = { RS_T_TEXT, RS_T_TEXT };

	rs_build_func(b, SPAN("r"), RS_FUNC_RULESET, RS_HOOK_RCPT, args,
	    nargs, RS_T_TEXT);
}

static void
begin_judge(struct rs_build *b)
{
	uint8_t	arg = RS_T_TEXT;

	rs_build_func(b, SPAN("j"), RS_FUNC_RULESET, RS_HOOK_RCPT, &arg, 1,
	    RS_T_VERDICT);
}

static void
make_rulesets(struct rs_build *b)
{
	begin_ruleset(b, 2);	/* R_SAME: its second argument */
	rs_build_emit(b, RS_RETURN, 1, 0, 0, 1);
	rs_build_func_end(b);
	begin_ruleset(b, 0);	/* R_SAYS: R_SAME(hello, World) */
	rs_build_rule(b, 0, 4, SPAN("inner"));
	rs_build_emit(b, RS_RULE, 0, 0, 0, 1);
	rs_build_emit(b, RS_LOAD, 1, 0, number[C_HELLO], 1);
	rs_build_emit(b, RS_LOAD, 2, 0, number[C_WORLD], 1);
	rs_build_emit(b, RS_CALL, 0, 1, R_SAME, 1);
	rs_build_emit(b, RS_RETURN, 0, 0, 0, 1);
	rs_build_func_end(b);
	begin_ruleset(b, 1);	/* R_ENDS */
	rs_build_emit(b, RS_END, 0, 0, 0, 1);
	rs_build_func_end(b);
	begin_ruleset(b, 1);	/* R_REFUSES: with its argument */
	rs_build_emit(b, RS_REJECT, 0, 0, 0, 1);
	rs_build_func_end(b);
	begin_judge(b);		/* R_JUDGES */
	rs_build_emit(b, RS_REJECT, 0, 0, 0, 1);
	rs_build_func_end(b);
	begin_judge(b);		/* R_GOES_ON, after having matched */
	rs_build_emit(b, RS_MATCH, 1, 0, RE_ALT, 1);
	rs_build_emit(b, RS_END, 0, 0, 0, 1);
	rs_build_func_end(b);
	begin_judge(b);		/* R_GIVES: a value that nobody wants */
	rs_build_emit(b, RS_RETURN, 0, 0, 0, 1);
	rs_build_func_end(b);
	begin_ruleset(b, 1);	/* R_SLOW: whether its argument matches */
	rs_build_emit(b, RS_MATCH, 0, 0, RE_SLOW, 1);
	rs_build_emit(b, RS_RETURN, 0, 0, 0, 1);
	rs_build_func_end(b);
}

/*
 * Programs: at most 7 instructions, the rest zero (LOAD r0, the first
 * constant), a last one that never matters added by make().  Their wanted
 * verdicts are those of fake_world.c's table.
 */
#define OK	{ RS_ACCEPT, 0, 0, 0 }
#define RET(r)	{ RS_RETURN, r, 0, 0 }
#define PUT(r, c) { RS_LOAD, r, 0, c }
#define GET(r, f) { RS_FACT, r, RS_FACT_##f, 0 }

static const struct {
	const char	*name;
	struct rs_insn	 code[8];
	const char	*wanted;
} rows[] = {
	{ "a constant", { PUT(0, C_HELLO), RET(0) }, "text hello" },
	{ "a copy", { PUT(0, C_TWO), { RS_MOVE, 1, 0, 0 }, RET(1) },
	    "int 2" },
	{ "a fact", { GET(0, CLIENT_IP), RET(0) }, "ip 192.0.2.1" },
	{ "a fact that is empty", { GET(0, CLIENT_USER), RET(0) }, "text " },
	{ "an empty domain", { GET(0, CLIENT_VERIFIED_NAME), RET(0) },
	    "domain" },
	{ "a fact that cannot be had", { GET(0, CLIENT_NAME), RET(0) },
	    "?table" },
	{ "user", { GET(0, RCPT), { RS_FIELD, 0, 0, RS_F_USER }, RET(0) },
	    "text Ann" },
	{ "detail", { GET(0, RCPT), { RS_FIELD, 0, 0, RS_F_DETAIL }, RET(0) },
	    "text x" },
	{ "mask", { GET(0, CLIENT_IP), { RS_MASK, 0, 0, 16 | 64 << 8 },
	    RET(0) }, "net 192.0.0.0/16" },
	{ "convert", { PUT(0, C_SIZE), { RS_MAP_GET, 0, 0, 0 },
	    { RS_CONVERT, 0, 0, RS_T_SIZE }, RET(0) }, "size 2G" },
	{ "convert what is no size", { PUT(0, C_HELLO),
	    { RS_CONVERT, 0, 0, RS_T_SIZE }, RET(0) }, "?table" },
	{ "convert nothing", { PUT(0, C_NONE), { RS_CONVERT, 0, 0, RS_T_SIZE },
	    RET(0) }, "none" },
	{ "convert unknown", { GET(0, CLIENT_NAME),
	    { RS_CONVERT, 0, 0, RS_T_TEXT }, RET(0) }, "?table" },
	{ "join", { PUT(0, C_HELLO), PUT(1, C_ONE), PUT(2, C_NONE),
	    GET(3, CLIENT_IP), { RS_JOIN, 0, 0, 4 }, RET(0) },
	    "text hello1192.0.2.1" },
	{ "join nothing", { { RS_JOIN, 0, 0, 0 }, RET(0) }, "text " },
	{ "join unknown", { PUT(0, C_HELLO), GET(1, CLIENT_NAME),
	    { RS_JOIN, 0, 0, 2 }, RET(0) }, "?table" },
	{ "in set", { PUT(0, C_DOMAIN), { RS_IN_SET, 0, 0, 0 }, RET(0) },
	    "bool true" },
	{ "not in set", { PUT(0, C_WORLD), { RS_IN_SET, 0, 0, 0 }, RET(0) },
	    "bool false" },
	{ "unknown in set", { GET(0, CLIENT_NAME), { RS_IN_SET, 0, 0, 0 },
	    RET(0) }, "?table" },
	{ "in nets", { GET(0, CLIENT_IP), { RS_IN_NETS, 0, 0, 0 }, RET(0) },
	    "bool true" },
	{ "not in nets", { PUT(0, C_IP), { RS_IN_NETS, 0, 0, 0 }, RET(0) },
	    "bool false" },
	{ "text in nets", { PUT(0, C_HELLO), { RS_IN_NETS, 0, 0, 0 },
	    RET(0) }, "bool false" },
	{ "unknown in nets", { GET(0, CLIENT_NAME), { RS_IN_NETS, 0, 0, 0 },
	    RET(0) }, "?table" },
	{ "map get", { GET(0, RCPT), { RS_MAP_GET, 1, 0, 0 }, RET(1) },
	    "text bob@x.example" },
	{ "map has not", { PUT(0, C_HELLO), { RS_MAP_GET, 0, 0, 0 }, RET(0) },
	    "none" },
	{ "map fails", { PUT(0, C_FAIL), { RS_MAP_GET, 0, 0, 0 }, RET(0) },
	    "?table" },
	{ "map of nothing", { PUT(0, C_NONE), { RS_MAP_GET, 0, 0, 0 },
	    RET(0) }, "none" },
	{ "map of unknown", { GET(0, CLIENT_NAME), { RS_MAP_GET, 0, 0, 0 },
	    RET(0) }, "?table" },
	{ "has", { PUT(0, C_ANN), { RS_MAP_HAS, 0, 0, 0 }, RET(0) },
	    "bool true" },
	{ "has not", { PUT(0, C_HELLO), { RS_MAP_HAS, 0, 0, 0 }, RET(0) },
	    "bool false" },
	{ "has: fails", { PUT(0, C_FAIL), { RS_MAP_HAS, 0, 0, 0 }, RET(0) },
	    "?table" },
	{ "has <>", { GET(0, SENDER), { RS_MAP_HAS, 0, 0, 0 }, RET(0) },
	    "bool false" },
	{ "column", { PUT(0, C_ANN), { RS_MAP_GET, 0, 0, 0 },
	    { RS_COLUMN, 0, 0, S_PORT }, RET(0) }, "text 25" },
	{ "no such column", { PUT(0, C_ANN), { RS_MAP_GET, 0, 0, 0 },
	    { RS_COLUMN, 0, 0, S_X }, RET(0) }, "none" },
	{ "column of nothing", { PUT(0, C_NONE), { RS_COLUMN, 0, 0, S_X },
	    RET(0) }, "none" },
	{ "column of unknown", { GET(0, CLIENT_NAME),
	    { RS_COLUMN, 0, 0, S_X }, RET(0) }, "?table" },
	{ "==", { PUT(0, C_ONE), PUT(1, C_ONE), { RS_EQ, 0, 0, 1 }, RET(0) },
	    "bool true" },
	{ "nothing == nothing", { PUT(0, C_NONE), { RS_EQ, 0, 0, 0 },
	    RET(0) }, "bool false" },
	{ "nothing != nothing", { PUT(0, C_NONE), { RS_EQ, 0, 0, 0 },
	    { RS_NOT, 0, 0, 0 }, RET(0) }, "bool true" },
	{ "<", { PUT(0, C_ONE), PUT(1, C_TWO), { RS_LT, 0, 0, 1 }, RET(0) },
	    "bool true" },
	{ "<=", { PUT(0, C_ONE), PUT(1, C_TWO), { RS_LE, 0, 1, 0 }, RET(0) },
	    "bool false" },
	{ ">", { PUT(0, C_ONE), GET(1, MESSAGE_SIZE), { RS_GT, 0, 1, 0 },
	    RET(0) }, "bool true" },
	{ ">=", { PUT(0, C_ONE), PUT(1, C_TWO), { RS_GE, 0, 0, 1 }, RET(0) },
	    "bool false" },
	{ "not", { PUT(0, C_FALSE), { RS_NOT, 0, 0, 0 }, RET(0) },
	    "bool true" },
	{ "and", { PUT(0, C_FALSE), GET(1, CLIENT_NAME), { RS_AND, 0, 0, 1 },
	    RET(0) }, "bool false" },
	{ "or", { PUT(0, C_FALSE), GET(1, CLIENT_NAME), { RS_OR, 0, 0, 1 },
	    RET(0) }, "?table" },
	{ "header", { { RS_HEADER, 0, 0, S_SUBJECT }, RET(0) },
	    "text hello" },
	{ "no header", { { RS_HEADER, 0, 0, S_NOSUCH }, RET(0) }, "text " },
	{ "broken header", { { RS_HEADER, 0, 0, S_BROKEN }, RET(0) },
	    "?table" },
	{ "second header equals", { PUT(0, C_WORLD),
	    { RS_HEADER_EQ, 0, 0, S_SUBJECT }, RET(0) }, "bool true" },
	{ "no header equals", { PUT(0, C_ANN),
	    { RS_HEADER_EQ, 0, 0, S_SUBJECT }, RET(0) }, "bool false" },
	{ "a header equals before one breaks", { PUT(0, C_HELLO),
	    { RS_HEADER_EQ, 0, 0, S_HALF }, RET(0) }, "bool true" },
	{ "a header breaks before one equals", { PUT(0, C_WORLD),
	    { RS_HEADER_EQ, 0, 0, S_HALF }, RET(0) }, "?table" },
	{ "header in set", { { RS_HEADER_IN, 0, 0, S_SUBJECT }, RET(0) },
	    "bool true" },
	{ "no header in set", { { RS_HEADER_IN, 0, 0, S_NOSUCH }, RET(0) },
	    "bool false" },
	{ "rcpt unknown", { { RS_RCPT_UNKNOWN, 0, 0, 0 }, RET(0) },
	    "bool true" },
	{ "jump", { PUT(0, C_ONE), { RS_JUMP, 0, 0, 1 }, PUT(0, C_TWO),
	    RET(0) }, "int 1" },
	{ "jump if false", { PUT(0, C_FALSE), { RS_JUMP_FALSE, 0, 0, 1 },
	    PUT(0, C_TWO), RET(0) }, "bool false" },
	{ "unknown is not false", { GET(0, CLIENT_NAME),
	    { RS_JUMP_FALSE, 0, 0, 1 }, PUT(0, C_TWO), RET(0) }, "int 2" },
	{ "jump if true", { PUT(0, C_TRUE), { RS_JUMP_TRUE, 0, 0, 1 },
	    PUT(0, C_TWO), RET(0) }, "bool true" },
	{ "unknown is not true", { GET(0, CLIENT_NAME),
	    { RS_JUMP_TRUE, 0, 0, 1 }, PUT(0, C_TWO), RET(0) }, "int 2" },
	{ "jump if some", { PUT(0, C_ONE), { RS_JUMP_SOME, 0, 0, 1 },
	    PUT(0, C_TWO), RET(0) }, "int 1" },
	{ "nothing is not some", { PUT(0, C_NONE), { RS_JUMP_SOME, 0, 0, 1 },
	    PUT(0, C_TWO), RET(0) }, "int 2" },
	{ "unknown is not some", { GET(0, CLIENT_NAME),
	    { RS_JUMP_SOME, 0, 0, 1 }, PUT(0, C_TWO), RET(0) }, "int 2" },
	{ "jump if unknown", { GET(0, CLIENT_NAME),
	    { RS_JUMP_UNKNOWN, 0, 0, 1 }, PUT(0, C_TWO), RET(0) }, "?table" },
	{ "nothing is not unknown", { PUT(0, C_NONE),
	    { RS_JUMP_UNKNOWN, 0, 0, 1 }, PUT(0, C_TWO), RET(0) }, "int 2" },
	{ "a rule taken", { { RS_RULE, 0, 0, 0 }, PUT(0, C_TRUE),
	    { RS_TEST, 0, 0, 1 }, OK, { RS_DISCARD, 0, 0, 0 } }, "accept" },
	{ "a rule not taken", { PUT(0, C_FALSE), { RS_TEST, 0, 0, 1 }, OK,
	    { RS_DISCARD, 0, 0, 0 } }, "discard" },
	{ "a rule about nothing", { PUT(0, C_NONE), { RS_TEST, 0, 0, 1 }, OK,
	    { RS_DISCARD, 0, 0, 0 } }, "discard" },
	{ "a rule that cannot be decided", { GET(0, CLIENT_NAME),
	    { RS_TEST, 0, 0, 1 }, OK, { RS_DISCARD, 0, 0, 0 } },
	    "cannot defer 451 4.3.0 ''" },
	{ "call", { { RS_CALL, 0, 0, R_SAYS }, RET(0) }, "text World" },
	{ "call with arguments", { PUT(0, C_ONE), PUT(1, C_TWO),
	    { RS_CALL, 0, 0, R_SAME }, RET(0) }, "int 2" },
	{ "a ruleset without a verdict", { PUT(0, C_ONE),
	    { RS_CALL, 0, 0, R_ENDS }, RET(0) }, "none" },
	{ "a ruleset that refuses", { PUT(0, C_HELLO),
	    { RS_CALL, 0, 0, R_REFUSES }, RET(0) },
	    "reject 550 5.7.1 'hello'" },
	{ "accept", { OK }, "accept" },
	{ "reject", { PUT(0, C_HELLO), { RS_REJECT, 0, 0, 0 } },
	    "reject 550 5.7.1 'hello'" },
	{ "reject without a text", { PUT(0, C_NONE), { RS_REJECT, 0, 0, 0 } },
	    "reject 550 5.7.1 ''" },
	{ "reject with unknown text", { GET(0, CLIENT_NAME),
	    { RS_REJECT, 0, 0, 0 } }, "cannot defer 451 4.3.0 ''" },
	{ "defer", { PUT(0, C_HELLO), { RS_DEFER, 0, 0, 1 } },
	    "defer 451 4.7.1 'hello'" },
	{ "discard", { { RS_DISCARD, 0, 0, 0 } }, "discard" },
	{ "expand", { GET(0, RCPT), { RS_EXPAND, 0, 0, 0 }, OK },
	    "expand #0 text bob@x.example line 7" },
	{ "expand what is not there", { PUT(0, C_HELLO),
	    { RS_EXPAND, 0, 0, 0 }, OK }, "accept" },
	{ "expand fails", { PUT(0, C_FAIL), { RS_EXPAND, 0, 0, 0 }, OK },
	    "cannot defer 451 4.3.0 ''" },
	{ "expand unknown", { GET(0, CLIENT_NAME), { RS_EXPAND, 0, 0, 0 },
	    OK }, "cannot defer 451 4.3.0 ''" },
	{ "expand <>", { GET(0, SENDER), { RS_EXPAND, 0, 0, 0 }, OK },
	    "accept" },
	{ "deliver", { { RS_DELIVER, 0, 0, 0 } }, "deliver #0" },
	{ "relay", { { RS_RELAY, 0, 0, 1 } }, "relay #1" },
	{ "relay to", { PUT(0, C_DOMAIN), { RS_RELAY_TO, 0, 0, 0 } },
	    "relay to text a.b.example" },
	{ "relay to nothing", { PUT(0, C_NONE), { RS_RELAY_TO, 0, 0, 0 } },
	    "cannot defer 451 4.3.0 ''" },
	{ "relay to unknown", { GET(0, CLIENT_NAME),
	    { RS_RELAY_TO, 0, 0, 0 } }, "cannot defer 451 4.3.0 ''" },
	{ "mx", { { RS_MX, 0, 0, 0 } }, "mx" },
	{ "redirect", { GET(0, RCPT), { RS_MAP_GET, 0, 0, 0 },
	    { RS_REDIRECT, 0, 0, 0 } }, "redirect address bob@x.example" },
	{ "redirect to what is no address", { PUT(0, C_HELLO),
	    { RS_REDIRECT, 0, 0, 0 } }, "cannot defer 451 4.3.0 ''" },
	{ "redirect to <>", { GET(0, SENDER), { RS_REDIRECT, 0, 0, 0 } },
	    "cannot defer 451 4.3.0 ''" },
	{ "moved", { GET(0, RCPT), { RS_MOVED, 0, 0, 2 } },
	    "moved 551 5.1.6 'Ann+x@mx.example'" },
	{ "add header", { PUT(0, C_HELLO), { RS_HEADER_ADD, 0, 0, 0 }, OK },
	    "add 0 '' text hello; accept" },
	{ "set header", { PUT(0, C_HELLO), { RS_HEADER_SET, 0, 0, S_X }, OK },
	    "set 0 'X-Test' text hello; accept" },
	{ "remove header", { { RS_HEADER_DEL, 0, 0, S_X }, OK },
	    "remove 0 'X-Test' none; accept" },
	{ "log", { PUT(0, C_HELLO), { RS_LOG, 0, 0, 0 }, OK },
	    "log 0 '' text hello; accept" },
	{ "log of unknown", { GET(0, CLIENT_NAME), { RS_LOG, 0, 0, 0 }, OK },
	    "cannot defer 451 4.3.0 ''" },
	{ "tag", { PUT(0, C_HELLO), { RS_TAG, 0, 0, C_TAG1 }, OK },
	    "tag 1 'unset' text hello; accept" },
	{ "tag get", { { RS_TAG_GET, 0, 0, C_TAG0 }, RET(0) },
	    "text tagged" },
	{ "tag at its default", { { RS_TAG_GET, 0, 0, C_TAG1 }, RET(0) },
	    "text World" },
	{ "tag that cannot be had", { { RS_TAG_GET, 0, 0, C_TAG2 }, RET(0) },
	    "?table" },
	{ "dates", { PUT(0, C_DATE), PUT(1, C_DATE2), { RS_LT, 0, 0, 1 },
	    RET(0) }, "bool true" },
	{ "date with int", { PUT(0, C_DATE), PUT(1, C_ONE), { RS_LT, 0, 1, 0 },
	    RET(0) }, "bool false" },
	{ "a rate as text", { PUT(0, C_RATE), { RS_CONVERT, 0, 0, RS_T_TEXT },
	    RET(0) }, "text 100/1h" },
	{ "match", { PUT(0, C_HELLO), { RS_MATCH, 1, 0, RE_WORD }, RET(1) },
	    "bool true" },
	{ "no match", { PUT(0, C_ANN), { RS_MATCH, 1, 0, RE_WORD }, RET(1) },
	    "bool false" },
	{ "match an address", { GET(0, RCPT), { RS_MATCH, 1, 0, RE_SLOW },
	    RET(1) }, "bool false" },
	{ "match <>", { PUT(0, C_NOBODY), { RS_MATCH, 1, 0, RE_ALT },
	    RET(1) }, "bool false" },
	{ "match nothing", { PUT(0, C_NONE), { RS_MATCH, 1, 0, RE_WORD },
	    RET(1) }, "bool false" },
	{ "match unknown", { GET(0, CLIENT_NAME), { RS_MATCH, 1, 0, RE_WORD },
	    RET(1) }, "?table" },
	{ "capture by name", { PUT(0, C_HELLO), { RS_MATCH, 1, 0, RE_WORD },
	    { RS_CAPTURE, 1, 0, S_USER }, RET(1) }, "text hell" },
	{ "the whole match", { PUT(0, C_HELLO), { RS_MATCH, 1, 0, RE_WORD },
	    { RS_CAPTURE, 1, 0, S_0 }, RET(1) }, "text hello" },
	{ "a group that took no part", { PUT(0, C_HELLO),
	    { RS_MATCH, 1, 0, RE_WORD }, { RS_CAPTURE, 1, 0, S_2 }, RET(1) },
	    "text " },
	{ "no such capture", { PUT(0, C_HELLO), { RS_MATCH, 1, 0, RE_WORD },
	    { RS_CAPTURE, 1, 0, S_X }, RET(1) }, "text " },
	{ "capture without a match", { { RS_CAPTURE, 1, 0, S_1 }, RET(1) },
	    "text " },
	{ "the last match counts", { PUT(0, C_HELLO),
	    { RS_MATCH, 1, 0, RE_WORD }, { RS_MATCH, 1, 0, RE_ALT },
	    { RS_MATCH, 1, 0, RE_SLOW }, { RS_CAPTURE, 1, 0, S_1 }, RET(1) },
	    "text l" },
	{ "a rule has its own captures", { PUT(0, C_HELLO),
	    { RS_MATCH, 1, 0, RE_WORD }, { RS_RULE, 0, 0, 0 },
	    { RS_CAPTURE, 1, 0, S_1 }, RET(1) }, "text " },
	{ "a ruleset has its own captures", { PUT(0, C_HELLO),
	    { RS_MATCH, 1, 0, RE_WORD }, { RS_APPLY, 0, 0, R_GOES_ON },
	    { RS_CAPTURE, 1, 0, S_1 }, RET(1) }, "text hell" },
	{ "like", { GET(0, RCPT), { RS_LIKE, 1, 0, P_USER }, RET(1) },
	    "bool true" },
	{ "capture of a pattern", { GET(0, RCPT), { RS_LIKE, 1, 0, P_USER },
	    { RS_CAPTURE, 1, 0, S_USER }, RET(1) }, "text Ann" },
	{ "capture of a pattern by number", { GET(0, RCPT),
	    { RS_LIKE, 1, 0, P_USER }, { RS_CAPTURE, 1, 0, S_2 }, RET(1) },
	    "text x" },
	{ "not like", { PUT(0, C_STAFF), { RS_LIKE, 1, 0, P_USER }, RET(1) },
	    "bool false" },
	{ "like in a table", { PUT(0, C_STAFF), { RS_LIKE, 1, 0, P_STAFF },
	    RET(1) }, "bool true" },
	{ "like <>", { PUT(0, C_NOBODY), { RS_LIKE, 1, 0, P_FAIL }, RET(1) },
	    "bool false" },
	{ "like text", { PUT(0, C_HELLO), { RS_LIKE, 1, 0, P_USER }, RET(1) },
	    "bool false" },
	{ "like unknown", { GET(0, CLIENT_NAME), { RS_LIKE, 1, 0, P_USER },
	    RET(1) }, "?table" },
	{ "address", { PUT(0, C_ANN), PUT(1, C_DOMAIN), { RS_ADDRESS, 0, 0, 1 },
	    RET(0) }, "address ann@a.b.example" },
	{ "address to be quoted", { PUT(0, C_QUOTED), PUT(1, C_DOMAIN),
	    { RS_ADDRESS, 0, 0, 1 }, RET(0) },
	    "address \"a \\\"b\"@a.b.example" },
	{ "address without a local part", { PUT(0, C_EMPTY), PUT(1, C_DOMAIN),
	    { RS_ADDRESS, 0, 0, 1 }, RET(0) }, "?table" },
	{ "address at what is no domain", { PUT(0, C_ANN), PUT(1, C_QUOTED),
	    { RS_ADDRESS, 0, 0, 1 }, RET(0) }, "?table" },
	{ "address of nothing", { PUT(0, C_NONE), PUT(1, C_DOMAIN),
	    { RS_ADDRESS, 0, 0, 1 }, RET(0) }, "?table" },
	{ "address of unknown", { PUT(0, C_ANN), GET(1, CLIENT_NAME),
	    { RS_ADDRESS, 0, 0, 1 }, RET(0) }, "?table" },
	{ "an item equals", { PUT(0, C_EXE),
	    { RS_LIST_EQ, 1, 0, RS_LISTOF_ATTACHMENTS }, RET(1) },
	    "bool true" },
	{ "no item equals", { PUT(0, C_ANN),
	    { RS_LIST_EQ, 1, 0, RS_LISTOF_ATTACHMENTS }, RET(1) },
	    "bool false" },
	{ "items that cannot be had", { PUT(0, C_ANN),
	    { RS_LIST_EQ, 1, 0, RS_LISTOF_ATTACHMENT_TYPES }, RET(1) },
	    "?table" },
	{ "an item in a set", { { RS_LIST_IN, 1, 0, RS_LISTOF_ATTACHMENTS },
	    RET(1) }, "bool true" },
	{ "an item matches", { { RS_LIST_MATCH, 1, RE_WORD,
	    RS_LISTOF_ATTACHMENTS }, { RS_CAPTURE, 1, 0, S_USER }, RET(1) },
	    "text hell" },
	{ "a header matches", { { RS_HEADER_MATCH, 1, RE_WORD, S_SUBJECT },
	    { RS_CAPTURE, 1, 0, S_USER }, RET(1) }, "text hell" },
	{ "no header matches", { { RS_HEADER_MATCH, 1, RE_WORD, S_NOSUCH },
	    RET(1) }, "bool false" },
	{ "listed", { PUT(0, C_IP), { RS_LISTED, 1, 0, 0 }, RET(1) },
	    "bool true" },
	{ "not listed", { GET(0, CLIENT_IP), { RS_LISTED, 1, 0, 0 }, RET(1) },
	    "bool false" },
	{ "a list cannot say", { PUT(0, C_DOMAIN), { RS_LISTED, 1, 0, 0 },
	    RET(1) }, "?soft" },
	{ "an empty domain is not listed", { GET(0, CLIENT_VERIFIED_NAME),
	    { RS_LISTED, 1, 0, 0 }, RET(1) }, "bool false" },
	{ "unknown is not asked", { GET(0, CLIENT_NAME),
	    { RS_LISTED, 1, 0, 0 }, RET(1) }, "?table" },
	{ "a softly unknown rule", { PUT(0, C_DOMAIN), { RS_LISTED, 1, 0, 0 },
	    { RS_TEST, 1, 0, 1 }, { RS_DISCARD, 0, 0, 0 }, OK }, "accept" },
	{ "rate", { GET(0, CLIENT_IP), { RS_RATE, 1, 0, 0 }, RET(1) },
	    "bool true" },
	{ "rate of <>", { GET(0, SENDER), { RS_RATE, 1, 0, 0 }, RET(1) },
	    "bool false" },
	{ "rate cannot be had", { PUT(0, C_FAIL), { RS_RATE, 1, 0, 0 },
	    RET(1) }, "?table" },
	{ "greylisted", { PUT(0, C_HELLO), { RS_GREYLISTED, 1, 0, C_TIME },
	    RET(1) }, "bool true" },
	{ "spf", { { RS_SPF, 1, 0, 0 }, RET(1) }, "text fail" },
	{ "resolves", { PUT(0, C_DOMAIN), { RS_RESOLVES, 1, 0, 0 }, RET(1) },
	    "bool true" },
	{ "resolves cannot be said", { PUT(0, C_FAIL), { RS_RESOLVES, 1, 0, 0 },
	    RET(1) }, "?table" },
	{ "<> needs no domain", { GET(0, SENDER), { RS_FIELD, 0, 0,
	    RS_F_DOMAIN }, { RS_RESOLVES, 1, 0, 0 }, RET(1) }, "bool true" },
	{ "nothing does not resolve", { PUT(0, C_NONE),
	    { RS_RESOLVES, 1, 0, 0 }, RET(1) }, "bool false" },
	{ "reachable as sender", { GET(0, RCPT), { RS_REACHABLE, 1, 0, 0 },
	    RET(1) }, "bool true" },
	{ "reachable as recipient", { GET(0, RCPT), { RS_REACHABLE, 1, 0, 1 },
	    RET(1) }, "?table" },
	{ "<> is reachable", { GET(0, SENDER), { RS_REACHABLE, 1, 0, 0 },
	    RET(1) }, "bool true" },
	{ "<> is no recipient", { GET(0, SENDER), { RS_REACHABLE, 1, 0, 1 },
	    RET(1) }, "bool false" },
	{ "owned", { GET(0, RCPT), PUT(1, C_ANN), { RS_OWNED, 1, 0, 1 },
	    RET(1) }, "bool true" },
	{ "owned by nobody", { GET(0, RCPT), PUT(1, C_EMPTY),
	    { RS_OWNED, 1, 0, 1 }, RET(1) }, "bool false" },
	{ "<> belongs to everybody", { GET(0, SENDER), PUT(1, C_HELLO),
	    { RS_OWNED, 1, 0, 1 }, RET(1) }, "bool true" },
	{ "<> belongs to nobody without a login", { GET(0, SENDER),
	    PUT(1, C_EMPTY), { RS_OWNED, 1, 0, 1 }, RET(1) }, "bool false" },
	{ "owned by whom is unknown", { GET(0, RCPT), GET(1, CLIENT_NAME),
	    { RS_OWNED, 1, 0, 1 }, RET(1) }, "?table" },
	{ "access has", { { RS_ACCESS_HAS, 0, RS_ROLE_CLIENT, 0 }, RET(0) },
	    "bool true" },
	{ "access has not", { { RS_ACCESS_HAS, 0, RS_ROLE_SENDER, 0 },
	    RET(0) }, "bool false" },
	{ "access cannot be had", { { RS_ACCESS_HAS, 0, RS_ROLE_RCPT, 0 },
	    RET(0) }, "?table" },
	{ "access get", { { RS_ACCESS_GET, 0, RS_ROLE_CLIENT, 0 }, RET(0) },
	    "verdict RELAY" },
	{ "access gets nothing", { { RS_ACCESS_GET, 0, RS_ROLE_SENDER, 0 },
	    RET(0) }, "none" },
	{ "a verdict equals nothing", { { RS_ACCESS_GET, 0, RS_ROLE_CLIENT,
	    0 }, { RS_EQ, 0, 0, 0 }, RET(0) }, "bool false" },
	{ "verdict", { PUT(0, C_BOB), { RS_MAP_GET, 0, 0, 0 },
	    { RS_VERDICT, 0, 0, 0 }, OK }, "reject 550 5.7.1 'by table'" },
	{ "a verdict that goes on", { { RS_ACCESS_GET, 0, RS_ROLE_CLIENT, 0 },
	    { RS_VERDICT, 0, 0, 0 }, OK }, "accept" },
	{ "no verdict", { PUT(0, C_NONE), { RS_VERDICT, 0, 0, 0 }, OK },
	    "accept" },
	{ "unknown verdict", { GET(0, CLIENT_NAME), { RS_VERDICT, 0, 0, 0 },
	    OK }, "cannot defer 451 4.3.0 ''" },
	{ "a verdict that cannot be said", { PUT(0, C_FAIL),
	    { RS_VERDICT, 0, 0, 0 }, OK }, "cannot defer 451 4.3.0 ''" },
	{ "apply", { PUT(0, C_HELLO), { RS_APPLY, 0, 0, R_JUDGES }, OK },
	    "reject 550 5.7.1 'hello'" },
	{ "apply what goes on", { PUT(0, C_HELLO), { RS_APPLY, 0, 0,
	    R_GOES_ON }, OK }, "accept" },
	{ "apply what gives a value", { PUT(0, C_HELLO), { RS_APPLY, 0, 0,
	    R_GIVES }, RET(0) }, "text hello" },
	{ "quarantine", { PUT(0, C_HELLO), { RS_QUARANTINE, 0, 0, 0 } },
	    "quarantine 'hello'" },
	{ "quarantine for the unknown", { GET(0, CLIENT_NAME),
	    { RS_QUARANTINE, 0, 0, 0 } }, "cannot defer 451 4.3.0 ''" },
	{ "lmtp", { PUT(0, C_HELLO), { RS_LMTP, 0, 0, 0 } },
	    "lmtp text hello" },
	{ "rate and spf", { GET(0, CLIENT_IP), { RS_RATE, 1, 0, 0 },
	    GET(2, RCPT), { RS_SPF, 1, 0, 0 }, GET(3, LISTENER), RET(1) },
	    "text fail" },
	{ "pipe", { PUT(0, C_HELLO), { RS_PIPE, 0, 0, S_USER } },
	    "pipe 'user' text hello" },
	{ "file", { PUT(0, C_HELLO), { RS_FILE, 0, 0, 0 } },
	    "file text hello" },
	{ "file of nothing", { PUT(0, C_NONE), { RS_FILE, 0, 0, 0 } },
	    "cannot defer 451 4.3.0 ''" },
	{ "delay", { { RS_DELAY, 0, 0, C_TIME }, OK },
	    "delay 0 '' time 5s; accept" },
	{ "bcc", { PUT(0, C_STAFF), { RS_BCC, 0, 0, 0 }, OK },
	    "bcc 0 '' address staff@x.example; accept" },
	{ "bcc to what is no address", { PUT(0, C_HELLO), { RS_BCC, 0, 0, 0 },
	    OK }, "cannot defer 451 4.3.0 ''" },
	{ "use milter", { { RS_MILTER_USE, 0, 0, O_MILTER }, OK },
	    "use 2 'spam' none; accept" },
	{ "skip milter", { { RS_MILTER_SKIP, 0, 0, O_MILTER }, OK },
	    "skip 2 'spam' none; accept" },
	{ "headers only", { { RS_HEADERS_ONLY, 0, 0, 0 }, OK },
	    "headers only 0 '' none; accept" },
	{ "end", { { RS_END, 0, 0, 0 } }, "end" },
};

static int
make(void **state)
{
	struct rs_build	*b = rs_build_new();
	const char	*why = "";

	(void)state;
	make_tables(b);
	make_rulesets(b);
	for (size_t i = 0; i < COUNT(rows); i++) {
		rs_build_func(b, span_of(rows[i].name), RS_FUNC_EXPR,
		    RS_HOOK_RCPT, NULL, 0, RS_T_TEXT);
		for (size_t k = 0; k < 7; k++)
			emit(b, &rows[i].code[k]);
		rs_build_emit(b, RS_END, 0, 0, 0, 1);
		rs_build_func_end(b);
	}
	if (rs_build_finish(b, &octets, &why) == -1)
		fail_msg("%s", why);
	rs_build_free(&b);
	im = rs_image_open_mem(octets.base + octets.off, octets.n, &why);
	assert_non_null(im);
	return 0;
}

static int
unmake(void **state)
{
	(void)state;
	rs_image_free(&im);
	buf_clear(&octets);
	arena_clear(&arena);
	return 0;
}

static void
test_each_row_does_what_it_says(void **state)
{
	struct fake_world	 w = { .im = im };
	struct rs_eval		*ev = rs_eval_new(im, &fake_world, &w, NULL);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("%s\n", rows[i].name);
		rs_eval_reset(ev, NULL);
		assert_string_equal(fake_run(&w, ev, ROWS + (uint32_t)i),
		    rows[i].wanted);
		fake_clear(&w);
	}
	rs_eval_free(&ev);
}

static void
test_each_instruction_is_in_a_row(void **state)
{
	bool	seen[RS_NOPS] = { false };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t k = 0; k < 8; k++)
			seen[rows[i].code[k].op] = true;
	}
	seen[RS_SWITCH] = true;		/* see the chains below */
	for (size_t op = 0; op < RS_NOPS; op++) {
		if (!seen[op])
			fail_msg("%s is run nowhere", rs_ops[op].name);
	}
}

/* The verdict and the record of a run; waits: how the world lets it wait. */
static const char *
run_recorded(const struct rs_image *image, uint32_t func, uint64_t seed,
    uint64_t waits, unsigned *waited)
{
	struct fake_world	 w = { .seed = seed, .waits = waits,
				    .im = image };
	struct rs_record	 record = { .ref = SPAN("r") };
	struct rs_eval		*ev;
	struct buf		 out = { 0 };
	const char		*said;

	ev = rs_eval_new(image, &fake_world, &w, &record);
	buf_add_str(&out, fake_run(&w, ev, func));
	buf_add_char(&out, '\n');
	rs_record_json(&record, image, &out);
	rs_record_text(&record, image, "p.conf", &out);
	said = arena_strdup(&arena, buf_cstr(&out));
	*waited += w.waited;
	buf_clear(&out);
	rs_record_clear(&record);
	rs_eval_free(&ev);
	fake_clear(&w);
	return said;
}

static void
compare_with_waiting(const struct rs_image *image, uint32_t func,
    uint64_t seed, unsigned *waited)
{
	const char	*straight = run_recorded(image, func, seed, 0, waited);

	for (uint64_t waits = 1; waits <= 3; waits++)
		assert_string_equal(run_recorded(image, func, seed,
		    waits * 0x9e3779b97f4a7c15, waited), straight);
	arena_reset(&arena);
}

static void
test_waiting_changes_neither_verdict_nor_record(void **state)
{
	unsigned	waited = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		for (size_t i = 0; i < COUNT(rows); i++)
			compare_with_waiting(im, ROWS + (uint32_t)i, seed,
			    &waited);
	}
	assert_in_range(waited, 1000, UINT32_MAX);
}

static void
test_waiting_changes_nothing_in_a_whole_policy(void **state)
{
	struct buf	 home = { 0 };
	struct rs_image	*policy;
	const char	*why;
	unsigned	 waited = 0;

	(void)state;
	sample_home(&home, 10);
	policy = rs_image_open_mem(home.base + home.off, home.n, &why);
	assert_non_null(policy);
	for (uint64_t seed = 1; seed < 2000; seed++) {
		compare_with_waiting(policy, rs_hook(policy, RS_HOOK_RCPT),
		    seed, &waited);
		compare_with_waiting(policy, rs_hook(policy, RS_HOOK_ROUTE),
		    seed, &waited);
	}
	assert_in_range(waited, 1000, UINT32_MAX);
	rs_image_free(&policy);
	buf_clear(&home);
}

/* What the record of a row's run says, as text. */
static const char *
recorded(const char *name)
{
	uint32_t	func = ROWS;
	unsigned	waited = 0;

	while (strcmp(rows[func - ROWS].name, name) != 0)
		func++;
	return run_recorded(im, func, 0, 0, &waited);
}

static void
test_records_name_arguments_tags_and_rulesets(void **state)
{
	const char	*said = recorded("call with arguments");

	(void)state;
	assert_non_null(strstr(said, "\"arguments\":\"1, 2\""));
	assert_non_null(strstr(said, "r(1, 2) is asked"));
	assert_non_null(strstr(said, "r says 2"));
	said = recorded("tag");
	assert_non_null(strstr(said, "\"field\":\"unset\""));
	assert_non_null(strstr(said, "tag unset \"hello\""));
	said = recorded("map fails");
	assert_non_null(strstr(said, "{\"unknown\":\"table\"}"));
	assert_non_null(strstr(said, "m[\"fail\"] = cannot say"));
	arena_reset(&arena);
}

/* What the records of the rows above say of what was asked. */
static const struct { const char *row, *json, *text; } told[] = {
	{ "match", "{\"step\":\"match\",\"name\":\"(?<user>[a-z]+)o(.)?\","
	    "\"line\":1,\"key\":\"hello\",\"value\":true}",
	    "\"hello\" matches /(?<user>[a-z]+)o(.)?/: yes" },
	{ "match an address", "\"value\":false",
	    "Ann+x@mx.example matches /(a+)+$/i: no" },
	{ "like", "{\"step\":\"like\",\"name\":"
	    "\"{user}+{rest}@{host.}.example\"",
	    "Ann+x@mx.example like \"{user}+{rest}@{host.}.example\": yes" },
	{ "an item matches", "{\"step\":\"list\",\"name\":\"attachments\"",
	    "attachments = true" },
	{ "listed", "{\"step\":\"listed\",\"name\":\"zen\",\"line\":1,"
	    "\"key\":\"10.1.2.3\",\"value\":true}",
	    "10.1.2.3 listed by zen: yes" },
	{ "a list cannot say", "\"value\":{\"unknown\":\"soft\"}",
	    "a.b.example listed by zen: cannot say" },
	{ "rate", "\"name\":\"r\",\"line\":1,\"over\":\"100/1h\","
	    "\"key\":\"192.0.2.1\",\"value\":true",
	    "rate \"r\" by 192.0.2.1 over 100/1h: yes" },
	{ "greylisted", "\"step\":\"greylisted\",\"line\":1,\"wait\":5000,"
	    "\"key\":\"hello\"", "\"hello\" first seen less than 5s ago: yes" },
	{ "spf", "{\"step\":\"spf\",\"line\":1,\"value\":\"fail\"}",
	    "spf = \"fail\"" },
	{ "resolves", "\"step\":\"resolves\"", "a.b.example resolves: yes" },
	{ "reachable as recipient", "\"step\":\"reachable\",\"name\":"
	    "\"recipient\"", "reachable as recipient: cannot say" },
	{ "owned", "\"step\":\"owned\"",
	    "Ann+x@mx.example of the user: yes" },
	{ "access get", "{\"step\":\"access\",\"name\":\"m\","
	    "\"table_line\":9,\"key\":\"client\",\"value\":\"RELAY\"}",
	    "m[client] = RELAY" },
	{ "apply what goes on", "\"step\":\"call\",\"name\":\"j\"",
	    "j(hello) is asked" },
	{ "quarantine", "\"name\":\"quarantine\",\"value\":\"hello\"",
	    "quarantine \"hello\"" },
	{ "pipe", "\"name\":\"pipe\",\"by\":\"user\",\"value\":\"hello\"",
	    "pipe user \"hello\"" },
	{ "use milter", "\"name\":\"use milter\",\"line\":1,\"field\":"
	    "\"spam\"", "use milter spam" },
	{ "delay", "\"name\":\"delay\",\"line\":1,\"value\":5000",
	    "delay 5s" },
};

static void
test_records_tell_what_was_asked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(told); i++) {
		const char	*said = recorded(told[i].row);

		if (strstr(said, told[i].json) == NULL ||
		    strstr(said, told[i].text) == NULL)
			fail_msg("%s: %s", told[i].row, said);
	}
	arena_reset(&arena);
}

static uint32_t
row(const char *name)
{
	uint32_t	func = ROWS;

	while (strcmp(rows[func - ROWS].name, name) != 0)
		func++;
	return func;
}

static void
test_a_rate_is_counted_once_however_often_one_waits(void **state)
{
	unsigned	parked = 0;

	(void)state;
	for (uint64_t seed = 1; seed < 50; seed++) {
		struct fake_world	 w = { .im = im, .waits = seed *
						    0x9e3779b97f4a7c15 };
		struct rs_eval		*ev = rs_eval_new(im, &fake_world,
						    &w, NULL);

		assert_string_equal(fake_run(&w, ev, row("rate and spf")),
		    "text fail");
		assert_int_equal(w.counted, 1);
		parked += w.waited;
		rs_eval_free(&ev);
		fake_clear(&w);
	}
	assert_in_range(parked, 50, 10000);
}

static void
test_what_the_world_does_not_know_cannot_be_said(void **state)
{
	static const struct rs_world	 nothing;
	struct fake_world		 w = { .im = im };
	struct rs_eval			*ev = rs_eval_new(im, &nothing, &w,
					    NULL);
	static const char *const	 asked_of[][2] = {
		{ "a fact", "?table" }, { "has", "?table" },
		{ "header", "?table" }, { "rcpt unknown", "?table" },
		{ "tag get", "?table" }, { "an item equals", "?table" },
		{ "listed", "?soft" }, { "greylisted", "?table" },
		{ "spf", "?soft" }, { "resolves", "?table" },
		{ "access has", "?table" },
		{ "delay", "accept" },
		{ "a verdict that cannot be said",
		    "cannot defer 451 4.3.0 ''" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(asked_of); i++) {
		rs_eval_reset(ev, NULL);
		assert_string_equal(fake_run(&w, ev, row(asked_of[i][0])),
		    asked_of[i][1]);
	}
	rs_eval_free(&ev);
	fake_clear(&w);
}

/* The expression takes exponential time on this; told once, tried thrice. */
static void
test_a_match_that_takes_too_much_is_unknown_and_told_once(void **state)
{
	struct fake_world	 w = { .im = im };
	struct rs_eval		*ev = rs_eval_new(im, &fake_world, &w, NULL);
	struct rs_value		 subject = rs_text(RS_T_TEXT,
				    SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
	struct rs_verdict	 v;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(rs_eval_run(ev, R_SLOW, &subject, 1, &v),
		    RS_DONE);
		assert_int_equal(v.value.type, RS_T_UNKNOWN);
		assert_int_equal(v.value.i, RS_WHY_SOFT);
	}
	assert_string_equal(buf_cstr(&w.effects),
	    "alarm 0 '' text the expression (a+)+$ takes too much; ");
	rs_eval_free(&ev);
	fake_clear(&w);
}

static void
test_a_fact_is_asked_once_until_the_reset(void **state)
{
	struct fake_world	 w = { .im = im };
	struct rs_eval		*ev = rs_eval_new(im, &fake_world, &w, NULL);
	uint32_t		 func = ROWS;

	(void)state;
	while (strcmp(rows[func - ROWS].name, "a fact") != 0)
		func++;
	fake_run(&w, ev, func);
	assert_int_equal(w.asked, 1);
	fake_run(&w, ev, func);
	assert_int_equal(w.asked, 1);
	rs_eval_reset(ev, NULL);
	fake_run(&w, ev, func);
	assert_int_equal(w.asked, 2);
	rs_eval_free(&ev);
	fake_clear(&w);
}

static void
test_a_verdict_names_the_rule_that_decided(void **state)
{
	struct fake_world	 w = { .im = im };
	struct rs_eval		*ev = rs_eval_new(im, &fake_world, &w, NULL);
	struct rs_verdict	 v;
	uint32_t		 func = ROWS;

	(void)state;
	while (strcmp(rows[func - ROWS].name, "a rule taken") != 0)
		func++;
	assert_int_equal(rs_eval_run(ev, func, NULL, 0, &v), RS_DONE);
	assert_int_equal(v.rule, 0);
	assert_int_equal(rs_eval_run(ev, func + 1, NULL, 0, &v), RS_DONE);
	assert_int_equal(v.rule, UINT32_MAX);
	rs_eval_free(&ev);
	fake_clear(&w);
}

static void
test_arguments_are_the_first_registers(void **state)
{
	struct fake_world	 w = { .im = im };
	struct rs_eval		*ev = rs_eval_new(im, &fake_world, &w, NULL);
	struct rs_value		 args[] = { rs_bool(true),
				    rs_int(RS_T_INT, 42) };
	struct rs_verdict	 v;

	(void)state;
	assert_int_equal(rs_eval_run(ev, R_SAME, args, 2, &v), RS_DONE);
	assert_int_equal(v.kind, RS_V_VALUE);
	assert_int_equal(v.value.i, 42);
	rs_eval_free(&ev);
}

static void
test_a_parked_evaluation_can_be_given_up(void **state)
{
	struct fake_world	 w = { .im = im, .waits = 1 };
	struct rs_eval		*ev;
	struct rs_verdict	 v;
	uint32_t		 func = ROWS;
	unsigned		 parked = 0;

	(void)state;
	while (strcmp(rows[func - ROWS].name, "a fact") != 0)
		func++;
	for (unsigned i = 0; i < 20; i++) {
		ev = rs_eval_new(im, &fake_world, &w, NULL);
		parked += rs_eval_run(ev, func, NULL, 0, &v) == RS_PENDING;
		rs_eval_free(&ev);
		assert_null(ev);
		htab_clear(&w.answered);
	}
	assert_in_range(parked, 1, 20);
	fake_clear(&w);
}

/* A tower of rulesets as deep as may be; each adds 1 letter to a text. */
static void
test_calls_go_as_deep_as_the_verifier_allows(void **state)
{
	struct rs_build		*b = rs_build_new();
	struct buf		 out = { 0 };
	struct rs_image		*deep;
	struct rs_value		 x = rs_text(RS_T_TEXT, SPAN("x"));
	struct fake_world	 w = { 0 };
	struct rs_eval		*ev;
	struct rs_verdict	 v;
	const char		*why = "";

	(void)state;
	rs_build_const(b, &x);
	for (uint32_t i = 0; i < RS_CALL_DEPTH; i++) {
		rs_build_func(b, SPAN("f"), RS_FUNC_RULESET, RS_HOOK_RCPT,
		    NULL, 0, RS_T_TEXT);
		rs_build_emit(b, RS_LOAD, 0, 0, 0, 1);
		rs_build_emit(b, RS_LOAD, 1, 0, 0, 1);
		if (i > 0)
			rs_build_emit(b, RS_CALL, 1, 0, i - 1, 1);
		rs_build_emit(b, RS_JOIN, 0, 0, 2, 1);
		rs_build_emit(b, RS_RETURN, 0, 0, 0, 1);
		rs_build_func_end(b);
	}
	if (rs_build_finish(b, &out, &why) == -1)
		fail_msg("%s", why);
	deep = rs_image_open_mem(out.base + out.off, out.n, &why);
	ev = rs_eval_new(deep, &fake_world, &w, NULL);
	assert_int_equal(rs_eval_run(ev, RS_CALL_DEPTH - 1, NULL, 0, &v),
	    RS_DONE);
	assert_int_equal(v.value.s.n, RS_CALL_DEPTH + 1);
	rs_eval_free(&ev);
	rs_image_free(&deep);
	rs_build_free(&b);
	buf_clear(&out);
}

/* Each JOIN makes the text eight times as long; memory stays bounded. */
static void
test_texts_do_not_grow_without_end(void **state)
{
	struct rs_build		*b = rs_build_new();
	struct buf		 out = { 0 };
	struct rs_image		*image;
	struct rs_value		 x = rs_text(RS_T_TEXT, SPAN("xxxxxxxx"));
	struct fake_world	 w = { 0 };
	struct rs_eval		*ev;
	struct rs_verdict	 v;
	const char		*why = "";

	(void)state;
	rs_build_const(b, &x);
	rs_build_func(b, SPAN("e"), RS_FUNC_EXPR, RS_HOOK_RCPT, NULL, 0,
	    RS_T_TEXT);
	rs_build_emit(b, RS_LOAD, 0, 0, 0, 1);
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned k = 1; k < 8; k++)
			rs_build_emit(b, RS_MOVE, k, 0, 0, 1);
		rs_build_emit(b, RS_JOIN, 0, 0, 8, 1);
	}
	rs_build_emit(b, RS_RETURN, 0, 0, 0, 1);
	rs_build_func_end(b);
	if (rs_build_finish(b, &out, &why) == -1)
		fail_msg("%s", why);
	image = rs_image_open_mem(out.base + out.off, out.n, &why);
	ev = rs_eval_new(image, &fake_world, &w, NULL);
	assert_int_equal(rs_eval_run(ev, 0, NULL, 0, &v), RS_DONE);
	assert_int_equal(v.value.type, RS_T_UNKNOWN);
	assert_in_range(rs_eval_arena(ev)->total, 1, 2 * RS_TEXT_MAX);
	rs_eval_free(&ev);
	rs_image_free(&image);
	rs_build_free(&b);
	buf_clear(&out);
}

/*
 * Chains of comparisons: r0 == constant => the constant's number, for each in
 * turn; with and without the short cut.
 */
static const char *const chained[] = {
	"a.example", "b.example", "Hello", "hello", "ann@x.example",
	"a.example", "c.example",
};

static void
emit_chain(struct rs_build *b, enum rs_type type, bool with_switch)
{
	uint8_t		arg = RS_T_TEXT;
	struct rs_value	v;
	uint32_t	test;

	rs_build_func(b, SPAN("chain"), RS_FUNC_RULESET, RS_HOOK_RCPT, &arg,
	    1, RS_T_INT);
	if (with_switch)
		rs_build_switch(b, 0, type, 1);
	for (size_t i = 0; i < COUNT(chained); i++) {
		v = type == RS_T_ADDRESS ? rs_address(span_of(chained[i])) :
		    rs_text(type, span_of(chained[i]));
		if (with_switch)
			rs_build_case(b, &v);
		rs_build_emit(b, RS_LOAD, 1, 0, rs_build_const(b, &v), 1);
		rs_build_emit(b, RS_EQ, 1, 0, 1, 1);
		test = rs_build_emit(b, RS_TEST, 1, 0, 0, 1);
		v = rs_int(RS_T_INT, (int64_t)i);
		rs_build_emit(b, RS_LOAD, 1, 0, rs_build_const(b, &v), 1);
		/* the fourth has no final action: those behind it are asked */
		if (i != 3)
			rs_build_emit(b, RS_RETURN, 1, 0, 0, 1);
		rs_build_land(b, test);
	}
	if (with_switch)
		rs_build_switch_end(b);
	rs_build_emit(b, RS_END, 0, 0, 0, 1);
	rs_build_func_end(b);
}

static const char *const asked[] = {
	"domain a.example", "domain b.example", "domain z.example",
	"domain", "text hello", "text Hello", "text HELLO", "text ",
	"text A.example", "text c.example", "address ann@x.example",
	"address ANN@x.example", "address <>", "ip 10.0.0.1", "int 3", "none",
	"?table", "?soft", "domain hello",
};

static void
test_a_switch_decides_as_its_chain(void **state)
{
	static const enum rs_type	types[] = { RS_T_TEXT, RS_T_DOMAIN,
					    RS_T_ADDRESS };
	struct rs_build		*b = rs_build_new();
	struct buf		 out = { 0 };
	struct rs_image		*image;
	struct fake_world	 w = { 0 };
	struct rs_eval		*ev;
	struct rs_verdict	 v;
	struct rs_value		 arg;
	const char		*why = "", *plain;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		emit_chain(b, types[i / 2], i % 2 == 1);
	if (rs_build_finish(b, &out, &why) == -1)
		fail_msg("%s", why);
	image = rs_image_open_mem(out.base + out.off, out.n, &why);
	ev = rs_eval_new(image, &fake_world, &w, NULL);
	for (unsigned i = 0; i < 3 * COUNT(asked); i++) {
		arg = spec_value(asked[i / 3], &arena);
		print_message("%s in a chain of %s\n", asked[i / 3],
		    rs_type_name(types[i % 3]));
		rs_eval_run(ev, i % 3 * 2, &arg, 1, &v);
		plain = fake_describe(&w, &v);
		rs_eval_run(ev, i % 3 * 2 + 1, &arg, 1, &v);
		assert_string_equal(fake_describe(&w, &v), plain);
	}
	rs_eval_free(&ev);
	rs_image_free(&image);
	rs_build_free(&b);
	buf_clear(&out);
	fake_clear(&w);
}

static void
test_a_record_names_the_rules_that_a_switch_would_skip(void **state)
{
	struct rs_build		*b = rs_build_new();
	struct buf		 out = { 0 };
	struct rs_record	 record = { 0 };
	struct rs_image		*image;
	struct fake_world	 w = { 0 };
	struct rs_eval		*ev;
	struct rs_verdict	 v;
	struct rs_value		 arg = rs_text(RS_T_TEXT, SPAN("c.example"));
	const char		*why = "";
	size_t			 asked_rules = 0;

	(void)state;
	emit_chain(b, RS_T_TEXT, true);
	if (rs_build_finish(b, &out, &why) == -1)
		fail_msg("%s", why);
	image = rs_image_open_mem(out.base + out.off, out.n, &why);
	ev = rs_eval_new(image, &fake_world, &w, &record);
	rs_eval_run(ev, 0, &arg, 1, &v);
	assert_int_equal(v.value.i, 6);
	for (size_t i = 0; i < record.n; i++)
		asked_rules += record.steps[i].kind == RS_STEP_TEST;
	assert_int_equal(asked_rules, COUNT(chained));
	rs_eval_free(&ev);
	rs_record_clear(&record);
	rs_image_free(&image);
	rs_build_free(&b);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_does_what_it_says),
		cmocka_unit_test(test_each_instruction_is_in_a_row),
		cmocka_unit_test(test_records_name_arguments_tags_and_rulesets),
		cmocka_unit_test(test_records_tell_what_was_asked),
		cmocka_unit_test(test_a_rate_is_counted_once_however_often_one_waits),
		cmocka_unit_test(test_what_the_world_does_not_know_cannot_be_said),
		cmocka_unit_test(test_a_match_that_takes_too_much_is_unknown_and_told_once),
		cmocka_unit_test(test_a_fact_is_asked_once_until_the_reset),
		cmocka_unit_test(test_a_verdict_names_the_rule_that_decided),
		cmocka_unit_test(test_arguments_are_the_first_registers),
		cmocka_unit_test(test_a_parked_evaluation_can_be_given_up),
		cmocka_unit_test(test_waiting_changes_neither_verdict_nor_record),
		cmocka_unit_test(test_waiting_changes_nothing_in_a_whole_policy),
		cmocka_unit_test(test_a_switch_decides_as_its_chain),
		cmocka_unit_test(test_a_record_names_the_rules_that_a_switch_would_skip),
		cmocka_unit_test(test_calls_go_as_deep_as_the_verifier_allows),
		cmocka_unit_test(test_texts_do_not_grow_without_end),
	};

	return cmocka_run_group_tests_name("ruleset/interp", tests, make,
	    unmake);
}
