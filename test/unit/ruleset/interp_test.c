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
#include "test/unit/ruleset/interp_rows.h"
#include "test/unit/ruleset/sample.h"
#include "test/unit/ruleset/spec.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static void
test_each_row_does_what_it_says(void **state)
{
	struct fake_world	 w = { .im = interp_image };
	struct rs_eval		*ev = rs_eval_new(interp_image, &fake_world,
				    &w, NULL);

	(void)state;
	for (size_t i = 0; i < interp_nrows; i++) {
		print_message("%s\n", interp_rows[i].name);
		rs_eval_reset(ev, NULL);
		assert_string_equal(fake_run(&w, ev, ROWS + (uint32_t)i),
		    interp_rows[i].wanted);
		fake_clear(&w);
	}
	rs_eval_free(&ev);
}

static void
test_each_instruction_is_in_a_row(void **state)
{
	bool	seen[RS_NOPS] = { false };

	(void)state;
	for (size_t i = 0; i < interp_nrows; i++) {
		for (size_t k = 0; k < 8; k++)
			seen[interp_rows[i].code[k].op] = true;
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
	said = arena_strdup(&interp_arena, buf_cstr(&out));
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
	arena_reset(&interp_arena);
}

static void
test_waiting_changes_neither_verdict_nor_record(void **state)
{
	unsigned	waited = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		for (size_t i = 0; i < interp_nrows; i++)
			compare_with_waiting(interp_image,
			    ROWS + (uint32_t)i, seed, &waited);
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

	while (strcmp(interp_rows[func - ROWS].name, name) != 0)
		func++;
	return run_recorded(interp_image, func, 0, 0, &waited);
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
	arena_reset(&interp_arena);
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
	{ "hold", "\"name\":\"hold\",\"value\":\"hello\"",
	    "hold \"hello\"" },
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
	arena_reset(&interp_arena);
}

static uint32_t
row(const char *name)
{
	uint32_t	func = ROWS;

	while (strcmp(interp_rows[func - ROWS].name, name) != 0)
		func++;
	return func;
}

static void
test_a_rate_is_counted_once_however_often_one_waits(void **state)
{
	unsigned	parked = 0;

	(void)state;
	for (uint64_t seed = 1; seed < 50; seed++) {
		struct fake_world	 w = { .im = interp_image, .waits = seed *
						    0x9e3779b97f4a7c15 };
		struct rs_eval		*ev = rs_eval_new(interp_image, &fake_world,
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
	struct fake_world		 w = { .im = interp_image };
	struct rs_eval			*ev = rs_eval_new(interp_image, &nothing, &w,
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
	struct fake_world	 w = { .im = interp_image };
	struct rs_eval		*ev = rs_eval_new(interp_image, &fake_world,
				    &w, NULL);
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
	struct fake_world	 w = { .im = interp_image };
	struct rs_eval		*ev = rs_eval_new(interp_image, &fake_world,
				    &w, NULL);
	uint32_t		 func = ROWS;

	(void)state;
	while (strcmp(interp_rows[func - ROWS].name, "a fact") != 0)
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
	struct fake_world	 w = { .im = interp_image };
	struct rs_eval		*ev = rs_eval_new(interp_image, &fake_world,
				    &w, NULL);
	struct rs_verdict	 v;
	uint32_t		 func = ROWS;

	(void)state;
	while (strcmp(interp_rows[func - ROWS].name, "a rule taken") != 0)
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
	struct fake_world	 w = { .im = interp_image };
	struct rs_eval		*ev = rs_eval_new(interp_image, &fake_world,
				    &w, NULL);
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
	struct fake_world	 w = { .im = interp_image, .waits = 1 };
	struct rs_eval		*ev;
	struct rs_verdict	 v;
	uint32_t		 func = ROWS;
	unsigned		 parked = 0;

	(void)state;
	while (strcmp(interp_rows[func - ROWS].name, "a fact") != 0)
		func++;
	for (unsigned i = 0; i < 20; i++) {
		ev = rs_eval_new(interp_image, &fake_world, &w, NULL);
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
		arg = spec_value(asked[i / 3], &interp_arena);
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

	return cmocka_run_group_tests_name("ruleset/interp", tests,
	    interp_make, interp_unmake);
}
