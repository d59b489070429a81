/*
 * interp_rows.c - the table of programs that interp_test.c runs, and the image
 * that is made of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ruleset/build.h"
#include "test/unit/ruleset/interp_rows.h"
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

enum { RE_WORD, RE_SLOW, RE_ALT };	/* expressions */
enum { P_USER, P_STAFF, P_FAIL };	/* patterns */
enum { O_BOX, O_HOP, O_MILTER, O_FILTER };	/* objects */

struct arena		 interp_arena;
struct rs_image		*interp_image;
static struct buf	 octets;

static void
make_strings(struct rs_build *b)
{
	for (size_t i = 0; i < NCONSTS; i++) {
		struct rs_value	v = spec_value(consts[i], &interp_arena);

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
	rs_build_object(b, RS_O_FILTER, SPAN("virus"), 4);
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

const struct interp_row interp_rows[] = {
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
	{ "an argument", { PUT(0, C_HELLO), { RS_ARGUMENT, 1, 0, 0 },
	    RET(1) }, "text hello" },
	{ "nothing is an argument", { PUT(0, C_NONE), { RS_ARGUMENT, 1, 0, 0 },
	    RET(1) }, "text \\0" },
	{ "an argument cannot be had", { GET(0, CLIENT_NAME),
	    { RS_ARGUMENT, 1, 0, 0 }, RET(1) }, "?table" },
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
	{ "hold", { PUT(0, C_HELLO), { RS_HOLD, 0, 0, 0 } },
	    "hold 'hello'" },
	{ "hold for the unknown", { GET(0, CLIENT_NAME),
	    { RS_HOLD, 0, 0, 0 } }, "cannot defer 451 4.3.0 ''" },
	{ "filter", { { RS_FILTER, 0, 0, O_FILTER } }, "filter #3" },
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
	{ "language", { PUT(0, C_HELLO), { RS_LANGUAGE, 0, 0, 0 }, OK },
	    "language 0 '' text hello; accept" },
	{ "priority", { { RS_PRIORITY, 0, 0, C_TAG2 }, OK },
	    "priority 2 'low' none; accept" },
	{ "hide", { { RS_HIDE, 0, 0, C_TAG2 }, OK },
	    "hide 2 'size' none; accept" },
	{ "srs as it leaves", { GET(0, RCPT), { RS_SRS, 1, 0, 0 }, RET(1) },
	    "address srs0@x.example" },
	{ "srs back, which is none", { GET(0, RCPT), { RS_SRS, 1, 0, 1 },
	    RET(1) }, "none" },
	{ "srs of what is no address", { PUT(0, C_HELLO), { RS_SRS, 1, 0, 0 },
	    RET(1) }, "?table" },
	{ "end", { { RS_END, 0, 0, 0 } }, "end" },
};

const size_t	 interp_nrows = COUNT(interp_rows);

int
interp_make(void **state)
{
	struct rs_build	*b = rs_build_new();
	const char	*why = "";

	(void)state;
	make_tables(b);
	make_rulesets(b);
	for (size_t i = 0; i < interp_nrows; i++) {
		rs_build_func(b, span_of(interp_rows[i].name), RS_FUNC_EXPR,
		    RS_HOOK_RCPT, NULL, 0, RS_T_TEXT);
		for (size_t k = 0; k < 7; k++)
			emit(b, &interp_rows[i].code[k]);
		rs_build_emit(b, RS_END, 0, 0, 0, 1);
		rs_build_func_end(b);
	}
	if (rs_build_finish(b, &octets, &why) == -1)
		fail_msg("%s", why);
	rs_build_free(&b);
	interp_image = rs_image_open_mem(octets.base + octets.off, octets.n, &why);
	assert_non_null(interp_image);
	return 0;
}

int
interp_unmake(void **state)
{
	(void)state;
	rs_image_free(&interp_image);
	buf_clear(&octets);
	arena_clear(&interp_arena);
	return 0;
}
