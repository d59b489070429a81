/*
 * cost_test.c - the bounds on what a decision costs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ruleset/build.h"
#include "ruleset/cost.h"
#include "ruleset/pattern.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

/* Functions before the hook. */
enum { F_TWO_LOOKUPS, F_CALLS_IT };

/*
 * A hook, and what it costs at most, "steps 3, dns 1": what is 0 is left out.
 * The last instruction that is not zero is END.
 */
static const struct { const char *name; struct rs_insn code[12];
    const char *wanted; } rows[] = {
	{ "one after the other", { { RS_FACT, 0, RS_FACT_RCPT, 0 },
	    { RS_MAP_GET, 1, 0, 0 }, { RS_MAP_HAS, 1, 0, 0 },
	    { RS_EXPAND, 0, 0, 0 }, { RS_END, 0, 0, 0 } },
	    "steps 5, lookups 3" },
	{ "what is jumped over", { { RS_SPF, 0, 0, 0 },
	    { RS_JUMP, 0, 0, 1 }, { RS_SPF, 0, 0, 0 }, { RS_END, 0, 0, 0 } },
	    "steps 3, dns 111" },
	{ "behind a verdict", { { RS_SPF, 0, 0, 0 },
	    { RS_JUMP_TRUE, 0, 0, 2 }, { RS_RESOLVES, 1, 0, 0 },
	    { RS_ACCEPT, 0, 0, 0 }, { RS_LISTED, 1, 0, 0 },
	    { RS_END, 0, 0, 0 } }, "steps 4, dns 114" },
	/* the longer path for each by itself */
	{ "two paths", { { RS_SPF, 0, 0, 0 }, { RS_TEST, 0, 0, 4 },
	    { RS_RATE, 1, 0, 0 }, { RS_RATE, 1, 0, 0 },
	    { RS_GREYLISTED, 1, 0, 0 }, { RS_ACCEPT, 0, 0, 0 },
	    { RS_REACHABLE, 1, 0, 0 }, { RS_MATCH, 1, 0, 0 },
	    { RS_END, 0, 0, 0 } },
	    "steps 6, dns 111, counters 3, callouts 1, matches 1" },
	{ "calls", { { RS_FACT, 0, RS_FACT_RCPT, 0 },
	    { RS_CALL, 1, 0, F_CALLS_IT }, { RS_APPLY, 0, 0, F_TWO_LOOKUPS },
	    { RS_END, 0, 0, 0 } }, "steps 14, lookups 6" },
	{ "patterns", { { RS_FACT, 0, RS_FACT_RCPT, 0 },
	    { RS_LIKE, 1, 0, 0 }, { RS_LIKE, 1, 0, 1 }, { RS_END, 0, 0, 0 } },
	    "steps 4, lookups 64, matches 2" },
	{ "tables of servers", { { RS_FACT, 0, RS_FACT_RCPT, 0 },
	    { RS_MAP_GET, 1, 0, 1 }, { RS_MAP_HAS, 1, 0, 0 },
	    { RS_END, 0, 0, 0 } }, "steps 4, lookups 2, servers 1" },
	{ "a table made of others", { { RS_FACT, 0, RS_FACT_RCPT, 0 },
	    { RS_MAP_GET, 1, 0, 2 }, { RS_EXPAND, 0, 0, 3 },
	    { RS_END, 0, 0, 0 } }, "steps 4, lookups 6, servers 3" },
	{ "a pattern that asks it", { { RS_FACT, 0, RS_FACT_RCPT, 0 },
	    { RS_LIKE, 1, 0, 2 }, { RS_END, 0, 0, 0 } },
	    "steps 3, lookups 256, servers 128, matches 1" },
	{ "each of several", { { RS_FACT, 0, RS_FACT_RCPT, 0 },
	    { RS_HEADER_EQ, 1, 0, 0 }, { RS_LIST_IN, 1, 0, 0 },
	    { RS_HEADER_MATCH, 1, 0, 0 }, { RS_END, 0, 0, 0 } },
	    "steps 5, matches 1, each 3" },
	{ "runs of route", { { RS_FACT, 0, RS_FACT_RCPT, 0 },
	    { RS_RCPT_UNKNOWN, 1, 0, 0 }, { RS_OWNED, 1, 0, 0 },
	    { RS_ACCESS_GET, 1, RS_ROLE_RCPT, 0 }, { RS_END, 0, 0, 0 } },
	    "steps 5, lookups 1, routes 2" },
	{ "the client's name", { { RS_FACT, 0, RS_FACT_CLIENT_NAME, 0 },
	    { RS_FACT, 0, RS_FACT_CLIENT_NAME, 0 }, { RS_END, 0, 0, 0 } },
	    "steps 3, dns 1" },
	{ "the verified name", { { RS_FACT, 0, RS_FACT_CLIENT_NAME, 0 },
	    { RS_ACCESS_HAS, 0, RS_ROLE_CLIENT, 0 }, { RS_END, 0, 0, 0 } },
	    "steps 3, lookups 1, dns 6" },
};

static void
make_tables(struct rs_build *b)
{
	static const uint8_t	sha[32];
	struct span		domain = SPAN("x.example");
	struct ipnet		net;
	uint32_t		x = rs_build_string(b, SPAN("x"));
	struct rs_token		some = { RS_TOK_SOME, x, 0 };
	struct rs_token		in_map = { RS_TOK_IN_MAP, x, 0 };
	struct rs_token		in_f[] = { { RS_TOK_IN_MAP, x, 2 },
	    { RS_TOK_AT, 0, 0 }, { RS_TOK_IN_MAP, x, 0 } };
	struct span		members[] = { SPAN("0"), SPAN("m"), SPAN("1"),
	    SPAN("s"), SPAN("2"), SPAN("p") };
	struct span		piped[] = { SPAN("0"), SPAN("m"), SPAN("1"),
	    SPAN("s") };
	struct rs_value		wait = rs_int(RS_T_TIME, 1000);

	rs_build_const(b, &wait);
	rs_build_file(b, SPAN("/p"), 0, sha);
	rs_build_map(b, SPAN("m"), SPAN("inline"), SPAN("plain"), UINT32_MAX,
	    1, NULL, 0);
	rs_build_map(b, SPAN("s"), SPAN("pgsql"), SPAN("plain"), UINT32_MAX,
	    1, NULL, 0);
	rs_build_map(b, SPAN("f"), SPAN("first"), SPAN("plain"), UINT32_MAX,
	    1, members, 3);
	rs_build_map(b, SPAN("p"), SPAN("pipe"), SPAN("plain"), UINT32_MAX,
	    1, piped, 2);
	rs_build_domains(b, SPAN("d"), &domain, 1);
	assert_true(ipnet_parse(SPAN("127.0.0.2/32"), &net));
	rs_build_nets(b, SPAN("n"), &net, 1);
	rs_build_list(b, SPAN("l"), SPAN("l.example"), 0, 1);
	rs_build_rate(b, SPAN("r"), RS_RATE_OF(1, 1000), 1);
	rs_build_pattern(b, SPAN("{x}"), &some, 1);
	rs_build_pattern(b, SPAN("{x in m}"), &in_map, 1);
	rs_build_pattern(b, SPAN("{x in f}@{x in m}"), in_f, 3);
	rs_build_regex(b, SPAN("a"), 0);
}

static void
make_rulesets(struct rs_build *b)
{
	uint8_t	arg = RS_T_ADDRESS;

	rs_build_func(b, SPAN("two"), RS_FUNC_RULESET, RS_HOOK_RCPT, &arg, 1,
	    RS_T_VERDICT);
	rs_build_emit(b, RS_MAP_GET, 1, 0, 0, 1);
	rs_build_emit(b, RS_MAP_GET, 1, 0, 0, 1);
	rs_build_emit(b, RS_END, 0, 0, 0, 1);
	rs_build_func_end(b);
	rs_build_func(b, SPAN("calls"), RS_FUNC_RULESET, RS_HOOK_RCPT, &arg,
	    1, RS_T_BOOL);
	rs_build_emit(b, RS_CALL, 1, 0, F_TWO_LOOKUPS, 1);
	rs_build_emit(b, RS_MAP_GET, 1, 0, 0, 1);
	rs_build_emit(b, RS_MAP_GET, 1, 0, 0, 1);
	rs_build_emit(b, RS_RETURN, 1, 0, 0, 1);
	rs_build_func_end(b);
}

static struct rs_image *
finish(struct rs_build *b, struct buf *octets)
{
	struct rs_image	*im;
	const char	*why = "";

	if (rs_build_finish(b, octets, &why) == -1)
		fail_msg("%s", why);
	rs_build_free(&b);
	im = rs_image_open_mem(octets->base + octets->off, octets->n, &why);
	assert_non_null(im);
	return im;
}

/* r1 is written first where a row reads it. */
static void
make_hook(struct rs_build *b, const struct rs_insn *code, enum rs_hook hook)
{
	rs_build_func(b, SPAN("h"), RS_FUNC_HOOK, hook, NULL, 0, RS_T_NONE);
	for (const struct rs_insn *in = code;; in++) {
		rs_build_emit(b, (enum rs_op)in->op, in->a, in->b, in->c, 1);
		if (in->op == RS_END)
			break;
	}
	rs_build_func_end(b);
}

static void
describe(const struct rs_cost *c, struct buf *out)
{
	const char	*before = "";

	for (unsigned k = 0; k < RS_NCOSTS; k++) {
		if (c->n[k] == 0)
			continue;
		buf_addf(out, "%s%s %u", before, rs_cost_names[k],
		    (unsigned)c->n[k]);
		before = ", ";
	}
}

static void
test_each_row_costs_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rs_build	*b = rs_build_new();
		struct buf	 octets = { 0 }, got = { 0 };
		struct rs_image	*im;
		struct rs_cost	 c;

		print_message("%s\n", rows[i].name);
		make_tables(b);
		make_rulesets(b);
		make_hook(b, rows[i].code, RS_HOOK_RCPT);
		im = finish(b, &octets);
		assert_false(rs_cost_hook(im, RS_HOOK_MAIL, &c));
		assert_true(rs_cost_hook(im, RS_HOOK_RCPT, &c));
		describe(&c, &got);
		assert_string_equal(buf_cstr(&got), rows[i].wanted);
		rs_image_free(&im);
		buf_clear(&octets);
		buf_clear(&got);
	}
}

static void
test_a_chain_runs_route_once_for_each_table_and_once_more(void **state)
{
	static const struct rs_insn	 code[] = {
		{ RS_FACT, 0, RS_FACT_RCPT, 0 }, { RS_EXPAND, 0, 0, 0 },
		{ RS_END, 0, 0, 0 },
	};
	struct rs_build			*b = rs_build_new();
	struct buf			 octets = { 0 }, got = { 0 };
	struct rs_image			*im;
	struct rs_cost			 c;

	(void)state;
	make_tables(b);
	make_hook(b, code, RS_HOOK_ROUTE);
	im = finish(b, &octets);
	assert_true(rs_cost_chain(im, &c));
	describe(&c, &got);
	assert_string_equal(buf_cstr(&got), "steps 99, lookups 33");
	rs_image_free(&im);
	buf_clear(&octets);
	buf_clear(&got);
}

/* Listener a has one milter, b two; a rule uses a third. */
static void
test_milters_are_those_of_the_listener_that_has_most(void **state)
{
	static const struct rs_insn	 code[] = {
		{ RS_MILTER_USE, 0, 0, 2 }, { RS_END, 0, 0, 0 },
	};
	struct rs_build			*b = rs_build_new();
	struct buf			 octets = { 0 };
	struct rs_image			*im;
	struct rs_place			 places[2];
	struct rs_cost			 c;
	uint32_t			 listener;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		rs_build_object(b, RS_O_MILTER, SPAN("m"), 1);
	for (uint32_t i = 0; i < 2; i++) {
		struct rs_value	v = rs_int(RS_T_INT, i);

		places[i] = (struct rs_place){ 0, rs_build_const(b, &v) };
	}
	for (unsigned i = 1; i <= 2; i++) {
		listener = rs_build_object(b, RS_O_LISTEN, SPAN("smtp"), 1);
		rs_build_option(b, listener, RS_OPT_LISTEN_milters, false, 1,
		    places, i);
	}
	make_hook(b, code, RS_HOOK_MAIL);
	make_hook(b, code + 1, RS_HOOK_ROUTE);
	im = finish(b, &octets);
	assert_true(rs_cost_hook(im, RS_HOOK_MAIL, &c));
	assert_int_equal(c.n[RS_COST_MILTERS], 3);
	assert_true(rs_cost_hook(im, RS_HOOK_ROUTE, &c));
	assert_int_equal(c.n[RS_COST_MILTERS], 0);
	rs_image_free(&im);
	buf_clear(&octets);
}

static void
test_a_switch_costs_as_its_longest_case(void **state)
{
	struct rs_value	 one = rs_text(RS_T_TEXT, SPAN("a"));
	struct rs_value	 two = rs_text(RS_T_TEXT, SPAN("b"));
	struct rs_build	*b = rs_build_new();
	struct buf	 octets = { 0 }, got = { 0 };
	struct rs_image	*im;
	struct rs_cost	 c;

	(void)state;
	make_tables(b);
	rs_build_func(b, SPAN("h"), RS_FUNC_HOOK, RS_HOOK_RCPT, NULL, 0,
	    RS_T_NONE);
	rs_build_emit(b, RS_FACT, 0, RS_FACT_RCPT, 0, 1);
	rs_build_switch(b, 0, RS_T_TEXT, 1);
	rs_build_case(b, &one);
	rs_build_emit(b, RS_ACCEPT, 0, 0, 0, 1);
	rs_build_case(b, &two);
	rs_build_emit(b, RS_SPF, 0, 0, 0, 1);
	rs_build_emit(b, RS_ACCEPT, 0, 0, 0, 1);
	rs_build_switch_end(b);
	rs_build_emit(b, RS_END, 0, 0, 0, 1);
	rs_build_func_end(b);
	im = finish(b, &octets);
	assert_true(rs_cost_hook(im, RS_HOOK_RCPT, &c));
	describe(&c, &got);
	assert_string_equal(buf_cstr(&got), "steps 4, dns 111");
	rs_image_free(&im);
	buf_clear(&octets);
	buf_clear(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_costs_what_it_says),
		cmocka_unit_test(test_a_chain_runs_route_once_for_each_table_and_once_more),
		cmocka_unit_test(test_milters_are_those_of_the_listener_that_has_most),
		cmocka_unit_test(test_a_switch_costs_as_its_longest_case),
	};

	return cmocka_run_group_tests_name("ruleset/cost", tests, NULL, NULL);
}
