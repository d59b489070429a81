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


/*
 * Chains of all shapes, made by chance: with short cuts, and without (behind
 * another condition), they decide the same and do the same.
 */

#define NSHAPES		10
#define NRULES		60
#define NWORLDS		200
#define NSEEDS		40

static unsigned
pick(unsigned n)
{
	return (unsigned)random() % n;
}

/* Few constants, so that many rules ask for the same. */
static void
put_condition(struct buf *b, unsigned shape)
{
	unsigned	 i = pick(6), k = pick(6);

	switch (shape) {
	case 0:
		buf_addf(b, "sender == <a%u@x.example>", i);
		break;
	case 1:
		buf_addf(b, "sender.domain == \"d%u.example\"", i);
		break;
	case 2:
		buf_addf(b, "client.helo == \"%c%u\"", "hH"[k & 1], i);
		break;
	case 3:
		buf_addf(b, "client.ip == 192.0.2.%u", i);
		break;
	case 4:
		buf_addf(b, "client.port == %u", i);
		break;
	case 5:
		buf_addf(b, "message.size == %uK", i);
		break;
	case 6:
		buf_addf(b, "sender.domain in set%u", i % 3);
		break;
	case 7:
		buf_addf(b, "client.port == %u or client.port == %u", i, k);
		break;
	case 8:
		buf_addf(b, "client.port == %u and message.size > %uK", i, k);
		break;
	default:
		buf_addf(b, "client.port in ports%u and client.helo == \"h%u\"",
		    i % 2, k);
		break;
	}
}

static void
put_rules(struct buf *chained, struct buf *plain)
{
	struct buf	 cond = { 0 };
	unsigned	 i, shape = 0, left = 0;

	for (i = 0; i < NRULES; i++, left--) {
		if (left == 0) {
			shape = pick(NSHAPES);
			left = 1 + pick(12);
		}
		buf_reset(&cond);
		put_condition(&cond, shape);
		buf_addf(chained, "  %s => ", buf_cstr(&cond));
		buf_addf(plain, "  client.port >= 0 and (%s) => ",
		    buf_cstr(&cond));
		buf_reset(&cond);
		buf_addf(&cond, pick(60) > 0 ? "log \"rule %u\"\n" :
		    "reject 550 5.7.1 \"rule %u\"\n", i);
		buf_add_span(chained, buf_span(&cond));
		buf_add_span(plain, buf_span(&cond));
	}
	buf_clear(&cond);
}

static struct buf	done;		/* what rules did */

static void
on_log(void *ctx, struct rs_eval *ev, enum rs_effect effect, uint32_t number,
    struct span name, const struct rs_value *v)
{
	(void)ctx;
	(void)ev;
	(void)effect;
	(void)number;
	(void)name;
	buf_addf(&done, "%.*s\n", SPAN_ARG(v->s));
}

struct drawn {
	struct rs_value	facts[RS_NFACTS];
};

static enum rs_answer
get_drawn(void *ctx, struct rs_eval *ev, unsigned fact, struct rs_value *out)
{
	struct drawn	*w = ctx;

	(void)ev;
	*out = w->facts[fact];
	return out->type == RS_T_NONE ? RS_ABSENT :
	    out->type == RS_T_UNKNOWN ? RS_CANNOT : RS_HAVE;
}

static const struct rs_world drawn_world = {
	.fact = get_drawn, .effect = on_log
};

static void
draw(struct drawn *w, struct arena *a)
{
	struct ip	 ip;

	memset(w, 0, sizeof(*w));
	w->facts[RS_FACT_SENDER] = pick(8) == 0 ? rs_address(SPAN("")) :
	    rs_address(arena_printf(a, "%c%u@%s%u.example", "aA"[pick(2)],
	    pick(7), pick(3) == 0 ? "X" : "d", pick(7)));
	if (pick(3) == 0)
		w->facts[RS_FACT_SENDER] = rs_address(arena_printf(a,
		    "a%u@x.example", pick(7)));
	w->facts[RS_FACT_CLIENT_HELO] = pick(6) == 0 ?
	    rs_unknown(RS_WHY_TABLE) :
	    rs_text(RS_T_TEXT, arena_printf(a, "h%u", pick(7)));
	assert_true(ip_parse(arena_printf(a, "192.0.2.%u", pick(7)), &ip));
	w->facts[RS_FACT_CLIENT_IP] = rs_ip(&ip);
	w->facts[RS_FACT_CLIENT_PORT] = rs_int(RS_T_INT, pick(7));
	w->facts[RS_FACT_MESSAGE_SIZE] = rs_int(RS_T_SIZE, pick(7) * 1024);
}

/* What the policy says and does in that world, as text. */
static void
outcome(const struct rs_image *im, struct drawn *w, struct buf *out)
{
	struct rs_eval		*ev = rs_eval_new(im, &drawn_world, w, NULL);
	struct rs_verdict	 v;

	buf_reset(&done);
	assert_int_equal(rs_eval_run(ev, rs_hook(im, RS_HOOK_DATA), NULL, 0,
	    &v), RS_DONE);
	buf_addf(&done, "%s %u %.*s", rs_verdict_name(v.kind), v.code,
	    SPAN_ARG(v.text));
	buf_reset(out);
	buf_add_span(out, buf_span(&done));
	rs_eval_free(&ev);
}

static struct cf *
compiled(const struct buf *rules, struct rs_image **im)
{
	struct buf	 text = { 0 };
	struct cf	*cf;
	const char	*why = "";

	buf_add_str(&text, "edition 1; hostname \"mx.here.example\"\n"
	    "set set0 = { \"d0.example\", \"d1.example\" }\n"
	    "set set1 = { \"D2.example\", \"d1.example\" }\n"
	    "set set2 = { \".d3.example\", \"d4.example\" }\n"
	    "set ports0 = { 1, 2 }\nset ports1 = { 3 }\n"
	    "on data {\n  let t = sender.domain in set0 or sender.domain in "
	    "set1 or sender.domain in set2 or client.port in ports0 or "
	    "client.port in ports1\n  t => log \"t\"\n");
	buf_add_span(&text, buf_span(rules));
	buf_add_str(&text, "}\nroute { otherwise => mx }\n");
	cf = cf_compile_mem("chain.conf", buf_span(&text));
	buf_clear(&text);
	if (cf_errors(cf) > 0)
		return cf;
	*im = rs_image_open_mem(cf_image(cf).p, cf_image(cf).n, &why);
	assert_non_null(*im);
	return cf;
}

static bool
same_outcomes(const struct rs_image *a, const struct rs_image *b)
{
	struct buf	 one = { 0 }, two = { 0 };
	struct arena	 arena = { 0 };
	struct drawn	 w;
	bool		 same = true;
	unsigned	 i;

	for (i = 0; i < NWORLDS && same; i++) {
		draw(&w, &arena);
		outcome(a, &w, &one);
		outcome(b, &w, &two);
		same = strcmp(buf_cstr(&one), buf_cstr(&two)) == 0;
		if (!same)
			print_message("chained:\n%s\nplain:\n%s\n",
			    buf_cstr(&one), buf_cstr(&two));
	}
	buf_clear(&one);
	buf_clear(&two);
	arena_clear(&arena);
	return same;
}

static void
test_chains_of_all_shapes_decide_as_plain_rules(void **state)
{
	struct buf	 chained = { 0 }, plain = { 0 };
	struct rs_image	*a = NULL, *b = NULL;
	struct cf	*one, *two;
	unsigned	 seed, compared = 0;

	(void)state;
	for (seed = 1; seed <= NSEEDS; seed++) {
		srandom(seed);
		buf_reset(&chained);
		buf_reset(&plain);
		put_rules(&chained, &plain);
		one = compiled(&chained, &a);
		two = compiled(&plain, &b);
		/* By chance a rule can never be taken, which is an error. */
		if (cf_errors(one) == 0 && cf_errors(two) == 0) {
			print_message("seed %u\n", seed);
			assert_true(same_outcomes(a, b));
			compared++;
		}
		rs_image_free(&a);
		rs_image_free(&b);
		cf_free(&one);
		cf_free(&two);
	}
	assert_true(compared >= NSEEDS / 2);
	buf_clear(&chained);
	buf_clear(&plain);
	buf_clear(&done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains_decide_as_if_each_rule_were_asked),
		cmocka_unit_test(test_chains_of_all_shapes_decide_as_plain_rules),
	};

	return cmocka_run_group_tests_name("cf/chain", tests, NULL, NULL);
}
