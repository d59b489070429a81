/*
 * sample.c - images made with the builder, as the compiler would make them.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "test/unit/ruleset/sample.h"

struct home {
	struct rs_build	*b;
	uint32_t	 ours, nets, users, aliases, family, provider;
};

struct span
sample_domain(size_t n, char *out)
{
	if (n == 0)
		return SPAN("murphy.example");
	return span_mem(out, (size_t)snprintf(out, 32, "d%06zu.example",
	    n * 7919 % 1000003));
}

static uint32_t
text(struct rs_build *b, const char *s)
{
	struct rs_value	v = rs_text(RS_T_TEXT, span_of(s));

	return rs_build_const(b, &v);
}

static void
option(struct rs_build *b, uint32_t object, enum rs_option opt, uint32_t c)
{
	struct rs_place	place = { 0, c };

	rs_build_option(b, object, opt, false, 1, &place, 1);
}

static void
declare_domains(struct home *h, size_t n)
{
	struct span	*items = xcalloc(n + 1, sizeof(*items));
	char		*names = xcalloc(n + 1, 32);

	for (size_t i = 0; i < n; i++)
		items[i] = sample_domain(i, names + 32 * i);
	h->ours = rs_build_domains(h->b, SPAN("ours"), items, n);
	free(items);
	free(names);
}

static void
declare(struct home *h, size_t ndomains)
{
	static const uint8_t	sha256[32];
	static const char *const home[] = {
		"127.0.0.0/8", "::1/128", "192.168.1.0/24"
	};
	struct ipnet		nets[3];
	uint32_t		table;

	rs_build_file(h->b, SPAN("/etc/waybill/home.conf"), 0, sha256);
	table = rs_build_file(h->b, SPAN("/etc/waybill/aliases"), 2, sha256);
	declare_domains(h, ndomains);
	for (size_t i = 0; i < 3; i++) {
		if (!ipnet_parse(span_of(home[i]), &nets[i]))
			abort();
	}
	h->nets = rs_build_nets(h->b, SPAN("home"), nets, 3);
	h->aliases = rs_build_map(h->b, SPAN("aliases"), SPAN("text"),
	    SPAN("aliases"), table, 9, NULL, 0);
	h->users = rs_build_map(h->b, SPAN("users"), SPAN("inline"),
	    SPAN("accounts"), UINT32_MAX, 10,
	    (struct span[]){ SPAN("colin"), SPAN("") }, 1);
}

/* The path of a mailbox: "/var/mail/{user}". */
static uint32_t
path_expr(struct rs_build *b)
{
	uint32_t	f = rs_build_func(b, SPAN("path of family"),
	    RS_FUNC_EXPR, RS_HOOK_MAILBOX, NULL, 0, RS_T_TEXT);

	rs_build_emit(b, RS_LOAD, 0, 0, text(b, "/var/mail/"), 22);
	rs_build_emit(b, RS_FACT, 1, RS_FACT_USER, 0, 22);
	rs_build_emit(b, RS_JOIN, 0, 0, 2, 22);
	rs_build_emit(b, RS_RETURN, 0, 0, 0, 22);
	rs_build_func_end(b);
	return f;
}

static void
blocks(struct home *h)
{
	struct rs_build	*b = h->b;
	struct rs_value	 map = rs_int(RS_T_INT, h->users);
	struct rs_value	 port = rs_int(RS_T_INT, 587);
	struct rs_value	 size = rs_int(RS_T_SIZE, 50 << 20);
	struct rs_place	 host[2];
	struct rs_place	 path = { 1, path_expr(b) };
	uint32_t	 server, limits;

	server = rs_build_object(b, RS_O_SERVER, SPAN(""), 3);
	option(b, server, RS_OPT_SERVER_hostname,
	    text(b, "mail.murphy.example"));
	option(b, server, RS_OPT_SERVER_detail, text(b, "+"));
	limits = rs_build_object(b, RS_O_LIMITS, SPAN(""), 0);
	option(b, limits, RS_OPT_LIMITS_message, rs_build_const(b, &size));
	h->family = rs_build_object(b, RS_O_MAILBOX, SPAN("family"), 20);
	option(b, h->family, RS_OPT_MAILBOX_accounts,
	    rs_build_const(b, &map));
	rs_build_option(b, h->family, RS_OPT_MAILBOX_path, false, 22, &path,
	    1);
	h->provider = rs_build_object(b, RS_O_RELAY, SPAN("provider"), 26);
	host[0] = (struct rs_place){ 0, text(b, "smtp.provider.example") };
	host[1] = (struct rs_place){ 0, rs_build_const(b, &port) };
	rs_build_option(b, h->provider, RS_OPT_RELAY_host, false, 27, host,
	    2);
}

static void
rule(struct rs_build *b, uint32_t line, const char *as_written)
{
	rs_build_emit(b, RS_RULE, 0, 0,
	    rs_build_rule(b, 0, line, span_of(as_written)), line);
}

/* "we do not relay for {client.ip}" */
static void
refusal(struct rs_build *b, const char *said, enum rs_fact fact, uint32_t line)
{
	rs_build_emit(b, RS_LOAD, 0, 0, text(b, said), line);
	rs_build_emit(b, RS_FACT, 1, fact, 0, line);
	rs_build_emit(b, RS_CONVERT, 1, 1, RS_T_TEXT, line);
	rs_build_emit(b, RS_JOIN, 0, 0, 2, line);
}

static void
on_rcpt(struct home *h)
{
	struct rs_build	*b = h->b;
	uint32_t	 known, test;

	rs_build_func(b, SPAN("on rcpt"), RS_FUNC_HOOK, RS_HOOK_RCPT, NULL, 0,
	    RS_T_NONE);
	rule(b, 33, "client.authenticated or client.ip in home => accept");
	rs_build_emit(b, RS_FACT, 0, RS_FACT_CLIENT_AUTHENTICATED, 0, 33);
	known = rs_build_emit(b, RS_JUMP_TRUE, 0, 0, 0, 33);
	rs_build_emit(b, RS_FACT, 1, RS_FACT_CLIENT_IP, 0, 33);
	rs_build_emit(b, RS_IN_NETS, 1, 1, h->nets, 33);
	rs_build_emit(b, RS_OR, 0, 0, 1, 33);
	rs_build_land(b, known);
	test = rs_build_emit(b, RS_TEST, 0, 0, 0, 33);
	rs_build_emit(b, RS_ACCEPT, 0, 0, 0, 33);
	rs_build_land(b, test);

	rule(b, 34, "rcpt.domain not in ours => reject 550 5.7.1 "
	    "\"we do not relay for {client.ip}\"");
	rs_build_emit(b, RS_FACT, 0, RS_FACT_RCPT, 0, 34);
	rs_build_emit(b, RS_FIELD, 0, 0, RS_F_DOMAIN, 34);
	rs_build_emit(b, RS_IN_SET, 0, 0, h->ours, 34);
	rs_build_emit(b, RS_NOT, 0, 0, 0, 34);
	test = rs_build_emit(b, RS_TEST, 0, 0, 0, 34);
	refusal(b, "we do not relay for ", RS_FACT_CLIENT_IP, 34);
	rs_build_emit(b, RS_REJECT, 0, 0,
	    rs_build_reply(b, 550, SPAN("5.7.1")), 34);
	rs_build_land(b, test);

	rule(b, 35, "rcpt unknown => reject 550 5.1.1 "
	    "\"there is no {rcpt} here\"");
	rs_build_emit(b, RS_FACT, 0, RS_FACT_RCPT, 0, 35);
	rs_build_emit(b, RS_FIELD, 0, 0, RS_F_USER, 35);
	rs_build_emit(b, RS_MAP_HAS, 0, 0, h->users, 35);
	rs_build_emit(b, RS_NOT, 0, 0, 0, 35);
	test = rs_build_emit(b, RS_TEST, 0, 0, 0, 35);
	refusal(b, "there is no ", RS_FACT_RCPT, 35);
	rs_build_emit(b, RS_REJECT, 0, 0,
	    rs_build_reply(b, 550, SPAN("5.1.1")), 35);
	rs_build_land(b, test);

	rule(b, 36, "otherwise => accept");
	rs_build_emit(b, RS_ACCEPT, 0, 0, 0, 36);
	rs_build_emit(b, RS_END, 0, 0, 0, 0);
	rs_build_func_end(b);
}

static void
route(struct home *h)
{
	struct rs_build	*b = h->b;
	uint32_t	 test;

	rs_build_func(b, SPAN("route"), RS_FUNC_HOOK, RS_HOOK_ROUTE, NULL, 0,
	    RS_T_NONE);
	rule(b, 40, "rcpt.domain in ours => expand aliases, deliver family");
	rs_build_emit(b, RS_FACT, 0, RS_FACT_RCPT, 0, 40);
	rs_build_emit(b, RS_FIELD, 1, 0, RS_F_DOMAIN, 40);
	rs_build_emit(b, RS_IN_SET, 1, 1, h->ours, 40);
	test = rs_build_emit(b, RS_TEST, 1, 0, 0, 40);
	rs_build_emit(b, RS_EXPAND, 0, 0, h->aliases, 40);
	rs_build_emit(b, RS_DELIVER, 0, 0, h->family, 40);
	rs_build_land(b, test);
	rule(b, 41, "otherwise => relay provider");
	rs_build_emit(b, RS_RELAY, 0, 0, h->provider, 41);
	rs_build_emit(b, RS_END, 0, 0, 0, 0);
	rs_build_func_end(b);
}

/* A pattern with each kind of token; the others follow one another. */
static void
conditions(struct rs_build *b)
{
	uint32_t	x = rs_build_string(b, SPAN("x"));
	struct rs_token	tokens[] = {
		{ RS_TOK_SOME, x, 0 }, { RS_TOK_TEXT,
		    rs_build_string(b, SPAN("+")), 0 },
		{ RS_TOK_ANY, x, 0 }, { RS_TOK_IN_SET, x, 0 },
		{ RS_TOK_NOT_SET, x, 0 }, { RS_TOK_AT, 0, 0 },
		{ RS_TOK_ONE, x, 0 }, { RS_TOK_IN_MAP, x, 0 },
		{ RS_TOK_NOT_MAP, x, 0 },
	};

	rs_build_list(b, SPAN("zen"), SPAN("zen.example"), 0, 1);
	rs_build_rate(b, SPAN("r"), RS_RATE_OF(100, 3600000), 1);
	rs_build_pattern(b, SPAN("{x}+..."), tokens,
	    sizeof(tokens) / sizeof(tokens[0]));
	rs_build_regex(b, SPAN("(?<x>a+)b"), RS_REGEX_ICASE);
}

void
sample_tables(struct rs_build *b)
{
	static const uint8_t	sha256[32];
	struct span		domains[] = { SPAN("murphy.example"),
				    SPAN(".club.example") };
	struct ipnet		net;

	rs_build_file(b, SPAN("/p.conf"), 0, sha256);
	rs_build_map(b, SPAN("m"), SPAN("inline"), SPAN("plain"), UINT32_MAX,
	    1, (struct span[]){ SPAN("k"), SPAN("v") }, 1);
	rs_build_reply(b, 550, SPAN("5.7.1"));
	rs_build_tag(b, SPAN("t"), RS_T_TEXT, text(b, ""));
	rs_build_domains(b, SPAN("d"), domains, 2);
	if (!ipnet_parse(SPAN("10.0.0.0/8"), &net))
		abort();
	rs_build_nets(b, SPAN("n"), &net, 1);
	rs_build_object(b, RS_O_MAILBOX, SPAN("box"), 1);
	rs_build_object(b, RS_O_RELAY, SPAN("hop"), 1);
	rs_build_object(b, RS_O_MILTER, SPAN("spam"), 1);
	rs_build_map_more(b, 0, SPAN("/table"),
	    rs_build_object(b, RS_O_MAP, SPAN("m"), 1));
	rs_build_object(b, RS_O_FILTER, SPAN("virus"), 1);
	conditions(b);
}

/* Operand c of an instruction, so that it is accepted. */
static uint32_t
some_operand(struct rs_build *b, unsigned op)
{
	struct rs_value	zero = rs_int(RS_T_INT, 0);
	struct rs_value	wait = rs_int(RS_T_TIME, 5000);
	struct rs_value	hidden = rs_int(RS_T_INT,
	    RS_EXT_BIT(RS_EXT_CHUNKING) | RS_EXT_BIT(RS_EXT_DSN));

	if (rs_ops[op].c == RS_TYPE_)
		return RS_T_TEXT;
	if (op == RS_DELAY || op == RS_GREYLISTED)
		return rs_build_const(b, &wait);
	if (op == RS_HIDE)
		return rs_build_const(b, &hidden);
	if (op == RS_MILTER_USE || op == RS_MILTER_SKIP)
		return 2;
	if (op == RS_FILTER)
		return 4;
	return op == RS_TAG || op == RS_TAG_GET || op == RS_PRIORITY ?
	    rs_build_const(b, &zero) : op == RS_RELAY;
}

static bool
reads(unsigned op)
{
	return rs_ops[op].a == RS_IN_ || rs_ops[op].b == RS_IN_ ||
	    rs_ops[op].b == RS_IN0_;
}

/* What it reads is read from a tag first: of any type, in a random world. */
static void
some_instruction(struct rs_build *b, unsigned op)
{
	struct rs_value	hello = rs_text(RS_T_TEXT, SPAN("hello"));

	if (reads(op))
		rs_build_emit(b, RS_TAG_GET, 0, 0, some_operand(b,
		    RS_TAG_GET), 2);
	if (op == RS_SWITCH) {
		rs_build_switch(b, 0, RS_T_TEXT, 2);
		rs_build_case(b, &hello);
		rs_build_emit(b, RS_LOG, 0, 0, 0, 2);
		rs_build_switch_end(b);
		return;
	}
	rs_build_emit(b, (enum rs_op)op, 0, 0, some_operand(b, op), 2);
}

/* An instruction behind which nothing follows, by itself. */
static void
one_instruction(struct rs_build *b, unsigned op)
{
	rs_build_func(b, span_of(rs_ops[op].name), RS_FUNC_EXPR,
	    RS_HOOK_MAILBOX, NULL, 0, RS_T_TEXT);
	some_instruction(b, op);
	rs_build_func_end(b);
}

/* A ruleset of verdicts, and what rewrites. */
static void
small_functions(struct rs_build *b)
{
	uint8_t	address = RS_T_ADDRESS;

	rs_build_func(b, SPAN("r"), RS_FUNC_RULESET, RS_HOOK_RCPT, NULL, 0,
	    RS_T_VERDICT);
	rs_build_emit(b, RS_END, 0, 0, 0, 1);
	rs_build_func_end(b);
	rs_build_func(b, SPAN("w"), RS_FUNC_HOOK, RS_HOOK_REWRITE_IN_RCPT,
	    &address, 1, RS_T_ADDRESS);
	rs_build_emit(b, RS_RETURN, 0, 0, 0, 1);
	rs_build_func_end(b);
}

void
sample_all(struct buf *image)
{
	struct rs_build	*b = rs_build_new();
	struct rs_value	 zero = rs_int(RS_T_INT, 0);
	const char	*why;

	sample_tables(b);
	small_functions(b);
	rs_build_func(b, SPAN("h"), RS_FUNC_HOOK, RS_HOOK_CONTENT, NULL, 0,
	    RS_T_NONE);
	rs_build_rule(b, 0, 1, SPAN("rule"));
	rs_build_emit(b, RS_LOAD, 0, 0, rs_build_const(b, &zero), 1);
	for (unsigned op = RS_LOAD + 1; op < RS_NOPS; op++) {
		if (!rs_ends_path(op))
			some_instruction(b, op);
	}
	rs_build_emit(b, RS_END, 0, 0, 0, 3);
	rs_build_func_end(b);
	for (unsigned op = RS_LOAD + 1; op < RS_NOPS; op++) {
		if (rs_ends_path(op))
			one_instruction(b, op);
	}
	if (rs_build_finish(b, image, &why) == -1) {
		fprintf(stderr, "sample: %s\n", why);
		abort();
	}
	rs_build_free(&b);
}

void
sample_home(struct buf *image, size_t ndomains)
{
	struct home	 h = { .b = rs_build_new() };
	const char	*why;

	declare(&h, ndomains);
	blocks(&h);
	on_rcpt(&h);
	route(&h);
	if (rs_build_finish(h.b, image, &why) == -1) {
		fprintf(stderr, "sample: %s\n", why);
		abort();
	}
	rs_build_free(&h.b);
}
