/*
 * chain_test.c - long chains of comparisons decide as short ones, and as if
 * each comparison were asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cf/cf.h"
#include "ruleset/interp.h"

static const char policy[] =
    "edition 1\n"
    "hostname \"mail.murphy.example\"\n"
    "listen smtp on \"127.0.0.1:2525\"\n"
    "relay hop { host \"x.example\" }\n"
    "on rcpt {\n"
    "  sender == <a@x.example> or sender == <b@x.example> or\n"
    "  sender == <c@x.example> or sender == <d@x.example> =>\n"
    "    reject 550 5.7.1 \"sender\"\n"
    "  rcpt.domain == \"one.example\"   => reject 550 5.7.1 \"1\"\n"
    "  rcpt.domain == \"two.example\"   => add header \"X: 2\"\n"
    "  rcpt.domain == \"three.example\" => reject 550 5.7.1 \"3\"\n"
    "  \"four.example\" == rcpt.domain  => reject 550 5.7.1 \"4\"\n"
    "  rcpt.domain == \"five.example\"  => defer 451 4.7.1 \"5\"\n"
    "  client.helo == \"a\" => reject 550 5.7.1 \"a\"\n"
    "  client.helo == \"b\" => reject 550 5.7.1 \"b\"\n"
    "  client.helo == \"B\" => reject 550 5.7.1 \"B\"\n"
    "  client.helo == \"\"  => reject 550 5.7.1 \"none\"\n"
    "}\n"
    "route { otherwise => relay hop }\n";

struct asked {
	const char	*sender, *rcpt, *helo;
	const char	*wanted;	/* text of the refusal; "": no verdict */
	bool		 header;
};

static const struct asked rows[] = {
	{ "a@x.example", "u@one.example", "h", "sender", false },
	{ "D@x.example", "u@zero.example", "h", "sender", false },
	{ "", "u@one.example", "h", "1", false },
	{ "e@x.example", "u@one.example", "h", "1", false },
	{ "", "u@two.example", "h", "", true },
	{ "", "u@two.example", "B", "B", true },
	{ "", "u@three.example", "h", "3", false },
	{ "", "u@four.example", "h", "4", false },
	{ "", "u@five.example", "h", "5", false },
	{ "", "u@six.example", "h", "", false },
	{ "", "u@six.example", "a", "a", false },
	{ "", "u@six.example", "b", "b", false },
	{ "", "u@six.example", "", "none", false },
	{ "", "postmaster", "A", "", false },
};

static bool	header;

static enum rs_answer
get_fact(void *ctx, struct rs_eval *ev, unsigned fact, struct rs_value *out)
{
	const struct asked	*row = ctx;

	(void)ev;
	switch (fact) {
	case RS_FACT_SENDER:
		*out = rs_address(span_of(row->sender));
		return RS_HAVE;
	case RS_FACT_RCPT:
		*out = rs_address(span_of(row->rcpt));
		return RS_HAVE;
	case RS_FACT_CLIENT_HELO:
		*out = rs_text(RS_T_TEXT, span_of(row->helo));
		return RS_HAVE;
	default:
		return RS_ABSENT;
	}
}

static void
on_effect(void *ctx, struct rs_eval *ev, enum rs_effect effect,
    uint32_t number, struct span name, const struct rs_value *v)
{
	(void)ctx;
	(void)ev;
	(void)number;
	(void)name;
	(void)v;
	header = effect == RS_E_HEADER_ADD;
}

static const struct rs_world world = {
	.fact = get_fact, .effect = on_effect
};

static void
ask(const struct rs_image *im, const struct asked *row,
    struct rs_record *record)
{
	struct asked		 copy = *row;
	struct rs_eval		*ev = rs_eval_new(im, &world, &copy, record);
	struct rs_verdict	 v;

	header = false;
	assert_int_equal(rs_eval_run(ev, rs_hook(im, RS_HOOK_RCPT), NULL, 0,
	    &v), RS_DONE);
	print_message("%s to %s: %.*s\n", row->sender, row->rcpt,
	    SPAN_ARG(v.text));
	assert_true(span_eq(v.text, span_of(row->wanted)));
	assert_int_equal(v.kind == RS_V_END, row->wanted[0] == '\0');
	assert_int_equal(header, row->header);
	rs_eval_free(&ev);
}

static void
test_chains_decide_as_if_each_rule_were_asked(void **state)
{
	struct cf		*cf = cf_compile_mem("chain.conf",
	    span_of(policy));
	struct span		 octets = cf_image(cf);
	struct rs_image		*im;
	struct rs_record	 record = { 0 };
	const char		*why = "";
	unsigned		 switches = 0;

	(void)state;
	assert_int_equal(cf_errors(cf), 0);
	im = rs_image_open_mem(octets.p, octets.n, &why);
	assert_non_null(im);
	for (uint32_t i = 0; i < rs_ninsn(im); i++)
		switches += rs_insn(im, i)->op == RS_SWITCH;
	assert_int_equal(switches, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(im, &rows[i], NULL);
		ask(im, &rows[i], &record);
		rs_record_clear(&record);
	}
	rs_image_free(&im);
	cf_free(&cf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains_decide_as_if_each_rule_were_asked),
	};

	return cmocka_run_group_tests_name("cf/chain", tests, NULL, NULL);
}
