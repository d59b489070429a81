/*
 * cf_test.c - the compiler as a whole: the policies that it is shipped with,
 * `show`, the tests of a policy, hostile texts, long ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fileio.h"
#include "cf/cf.h"
#include "ruleset/disasm.h"

#include "test/unit/cf/needs.h"

#define HEAD	"edition 1; hostname \"mx.here.example\"\n" \
		"set ours = { \"here.example\" }\n"
#define TAIL	"on rcpt { rcpt.domain in ours => accept }\n" \
		"route { otherwise => mx }\n"

static const char *const policies[] = {
	"cf/policies/backup-mx.conf", "cf/policies/campus.conf",
	"cf/policies/gateway.conf", "cf/policies/home.conf",
	"test/unit/cf/maps-made-of-others.conf",
	"cf/policies/hosting.conf", "cf/policies/office.conf",
	"cf/policies/people.conf",
	"cf/policies/sandbox.conf", "cf/policies/satellite.conf",
	"cf/policies/tenants.conf"
};
#define NPOLICIES	(sizeof(policies) / sizeof(policies[0]))

/* It names a driver that this build does not have. */
static bool
is_skipped(const char *policy)
{
	const char	*driver = needs_driver(policy);

	if (driver != NULL)
		print_message("%s: skipped, built without %s\n", policy,
		    driver);
	return driver != NULL;
}

static struct cf *
compile(const char *text)
{
	return cf_compile_mem("test.conf", span_of(text));
}

static bool
says(const struct cf *cf, const char *what)
{
	size_t	 i;

	for (i = 0; i < cf_ndiags(cf); i++) {
		if (strstr(cf_diag(cf, i)->text, what) != NULL)
			return true;
	}
	return false;
}

static void
own_policies_have_no_mistakes(void **state)
{
	struct cf	*cf;
	size_t		 i;
	int		 io;

	(void)state;
	for (i = 0; i < NPOLICIES; i++) {
		if (is_skipped(policies[i]))
			continue;
		cf = cf_compile(policies[i], &io);
		assert_int_equal(io, 0);
		if (cf_ndiags(cf) > 0)
			fail_msg("%s: %s", policies[i], cf_diag(cf, 0)->text);
		assert_true(cf_image(cf).n > 0);
		assert_true(cf_ntests(cf) >= 2);
		cf_free(&cf);
	}
}

/* The code without what names lines, rules' texts and files. */
static void
code_of(const struct cf *cf, struct buf *out)
{
	struct span	 image = cf_image(cf);
	const char	*why, *line, *end;
	struct rs_image	*im;
	struct buf	 all = { 0 };

	im = rs_image_open_mem(image.p, image.n, &why);
	assert_non_null(im);
	rs_disasm(im, SPAN_NONE, &all);
	for (line = buf_cstr(&all); *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (strncmp(line, "file", 4) == 0 ||
		    strncmp(line, "  ;", 3) == 0 ||
		    strstr(line, "  RULE ") != NULL ||
		    strstr(line, ", line ") != NULL)
			continue;
		if (end - line > 10 && strncmp(end - 9, "(default)", 9) == 0)
			buf_add(out, line, (size_t)(end - 11 - line));
		else
			buf_add(out, line, (size_t)(end - line));
		buf_add_char(out, '\n');
	}
	rs_image_free(&im);
	buf_clear(&all);
}

static void
what_show_prints_compiles_to_the_same(void **state)
{
	struct buf	 text = { 0 }, one = { 0 }, two = { 0 };
	struct cf	*cf, *again;
	size_t		 i;
	int		 io;

	(void)state;
	for (i = 0; i < NPOLICIES; i++) {
		if (is_skipped(policies[i]))
			continue;
		cf = cf_compile(policies[i], &io);
		cf_show(cf, false, &text);
		again = cf_compile_mem("shown.conf", buf_span(&text));
		if (cf_errors(again) > 0)
			fail_msg("%s: %s", policies[i],
			    cf_diag(again, 0)->text);
		code_of(cf, &one);
		code_of(again, &two);
		assert_string_equal(buf_cstr(&one), buf_cstr(&two));
		cf_free(&cf);
		cf_free(&again);
		buf_clear(&text);
		buf_clear(&one);
		buf_clear(&two);
	}
}

/* Decisions, not lines: blank lines are squeezed. */
static void
what_fmt_prints_compiles_to_the_same(void **state)
{
	struct buf	 text = { 0 }, twice = { 0 }, one = { 0 }, two = { 0 };
	struct cf	*cf, *again;
	size_t		 i;
	int		 io;

	(void)state;
	for (i = 0; i < NPOLICIES; i++) {
		if (is_skipped(policies[i]))
			continue;
		cf = cf_layout(policies[i], &text, &io);
		assert_int_equal(cf_errors(cf), 0);
		cf_free(&cf);
		cf = cf_layout_mem("again.conf", buf_span(&text), &twice);
		assert_string_equal(buf_cstr(&text), buf_cstr(&twice));
		cf_free(&cf);
		cf = cf_compile(policies[i], &io);
		again = cf_compile_mem(policies[i], buf_span(&text));
		if (cf_errors(again) > 0)
			fail_msg("%s: %s", policies[i],
			    cf_diag(again, 0)->text);
		code_of(cf, &one);
		code_of(again, &two);
		assert_string_equal(buf_cstr(&one), buf_cstr(&two));
		cf_free(&cf);
		cf_free(&again);
		buf_clear(&text);
		buf_clear(&twice);
		buf_clear(&one);
		buf_clear(&two);
	}
}

static void
fmt_has_one_way(void **state)
{
	static const char	 text[] =
	    "\n\nedition 1;hostname\t\"a.example\"\n#  kept\n\n\n"
	    "set ours={ \"a.example\"  #here\n  ,\"b.example\" ,\n\".c.example\"\n}\n"
	    "map m={ \"a\"=\"b\", \"c\" = {x \"y\" ,z 5} }\n"
	    "relay hub{host \"a\" port 25\n  tls none\nconnections  5;rate 5/1m\n}\n"
	    "tls{\nkey \"k\"\nclient  certificates asked\n client\n}\n"
	    "listen smtp a on \"x\"{\nauth in clear\nhide dsn , 8bitmime;tls none\n}\n"
	    "ruleset f(a:address,b : text)->bool {\na.domain in ours\nand b==\"x\"=>true\notherwise=>false }\n"
	    "on rcpt{\n\n"
	    "client.ip/24 in 10.0.0.0/24 or\n f(rcpt , \"{m [ \"a\" ]}x\" ) =>accept # yes\n"
	    "rcpt.domain not in ours=>reject 550  5.7.1\n"
	    "client.helo matches\n/a b/i=>tag t=m [ rcpt.user ],\nlog \"x\"\n"
	    "failing=>defer\n\n}\n";
	static const char	 want[] =
	    "edition 1; hostname \"a.example\"\n"
	    "#  kept\n"
	    "\n"
	    "set ours = { \"a.example\"  #here\n"
	    "        , \"b.example\",\n"
	    "    \".c.example\"\n"
	    "}\n"
	    "map m = { \"a\" = \"b\", \"c\" = { x \"y\", z 5 } }\n"
	    "relay hub { host \"a\" port 25\n"
	    "    tls         none\n"
	    "    connections 5; rate 5/1m\n"
	    "}\n"
	    "tls {\n"
	    "    key                 \"k\"\n"
	    "    client certificates asked\n"
	    "    client\n"
	    "}\n"
	    "listen smtp a on \"x\" {\n"
	    "    auth in clear\n"
	    "    hide dsn, 8bitmime; tls none\n"
	    "}\n"
	    "ruleset f(a: address, b: text) -> bool {\n"
	    "    a.domain in ours\n"
	    "        and b == \"x\" => true\n"
	    "    otherwise => false }\n"
	    "on rcpt {\n"
	    "    client.ip/24 in 10.0.0.0/24 or\n"
	    "        f(rcpt, \"{m [ \"a\" ]}x\") => accept  # yes\n"
	    "    rcpt.domain not in ours    => reject 550 5.7.1\n"
	    "    client.helo matches /a b/i => tag t = m[rcpt.user],\n"
	    "        log \"x\"\n"
	    "    failing => defer\n"
	    "}\n";
	struct buf		 out = { 0 };
	struct cf		*cf;

	(void)state;
	cf = cf_layout_mem("x.conf", span_of(text), &out);
	assert_int_equal(cf_ndiags(cf), 0);
	assert_string_equal(buf_cstr(&out), want);
	cf_free(&cf);
	buf_clear(&out);
	cf = cf_layout_mem("x.conf", SPAN("on rcpt {\nset x = \"a\n"), &out);
	assert_true(says(cf, "text not closed"));
	assert_true(says(cf, "a '}' is missing"));
	assert_int_equal(out.n, 0);
	cf_free(&cf);
}

static void
options_not_served_are_named(void **state)
{
	static const char *const	 wanted[] = {
		"'listen imaps'", "'listen pop3s'"
	};
	struct cf	*cf;
	size_t		 i;
	int		 io;

	(void)state;
	cf = cf_compile("cf/policies/home.conf", &io);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_non_null(cf_unserved(cf, i));
		if (strstr(cf_unserved(cf, i)->text, wanted[i]) == NULL)
			fail_msg("%s, not %s", cf_unserved(cf, i)->text,
			    wanted[i]);
	}
	assert_null(cf_unserved(cf, i));
	cf_free(&cf);
}

/* Milters, mailboxes and relays have more to come; the front door is whole. */
static void
what_is_to_come_is_known(void **state)
{
	static const enum rs_option	 later[] = {
		RS_OPT_LISTEN_milters
	};
	size_t				 i, n = 0;

	(void)state;
	for (i = 0; i < RS_NOPTIONS; i++) {
		if (rs_options[i].served == RS_OPT_SERVED_YES ||
		    rs_options[i].block == RS_O_MILTER)
			continue;
		if (n == sizeof(later) / sizeof(later[0]) || later[n] != i)
			fail_msg("'%s' of %s", rs_options[i].word,
			    rs_object_names[rs_options[i].block]);
		n++;
	}
	assert_int_equal(n, sizeof(later) / sizeof(later[0]));
}

/* The policy that has all of the front door is served. */
static void
the_front_door_is_served(void **state)
{
	struct cf	*cf;
	int		 io;

	(void)state;
	cf = cf_compile("cf/policies/people.conf", &io);
	assert_int_equal(cf_errors(cf), 0);
	if (cf_unserved(cf, 0) != NULL)
		fail_msg("%s", cf_unserved(cf, 0)->text);
	cf_free(&cf);
}

/* What is checked and tested, but refused by `run`: a statement, its message. */
static const struct {
	const char	*text, *wanted;
} unserved[] = {
	{ "on relay { otherwise => accept }", "'on relay'" },
	{ "listen pop3 on \"*:110\" { tls none }", "'listen pop3'" },
	{ "milter m { socket \"unix:/m\" }\n"
	    "on connect { client.port == 1 => use milter m }", "milter 'm'" },
	{ "listen imap on \"*:143\" { tls none }", "'listen imap'" },
};

static void
what_run_refuses_is_named(void **state)
{
	struct buf	 text = { 0 };
	struct cf	*cf;
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(unserved) / sizeof(unserved[0]); i++) {
		buf_addf(&text, "%s%s\n%s", HEAD, unserved[i].text, TAIL);
		cf = compile(buf_cstr(&text));
		if (cf_errors(cf) > 0)
			fail_msg("%s: %s", unserved[i].text,
			    cf_diag(cf, 0)->text);
		assert_non_null(cf_unserved(cf, 0));
		if (strstr(cf_unserved(cf, 0)->text,
		    unserved[i].wanted) == NULL)
			fail_msg("%s: %s", unserved[i].text,
			    cf_unserved(cf, 0)->text);
		assert_true(cf_unserved(cf, 0)->line >= 3);
		cf_free(&cf);
		buf_clear(&text);
	}
}

static void
tests_come_apart(void **state)
{
	const struct cf_test	*t;
	struct cf		*cf = compile(HEAD
	    "map m = { \"a\" = \"b\" }\ntag n: int\nlisten smtp on \"*:25\"\n"
	    "on mail { sender.user in m => tag n = 2 }\n"
	    "on helo { n == 1 => reject }\n" TAIL
	    "test \"one\" {\n"
	    "  with time 2026-01-05T08:30:00Z\n"
	    "  with dns { \"a.example\" A 192.0.2.1; \"b.example\" MX 10 \"c.example\"; \"d.example\" failing }\n"
	    "  with map m[\"k\"] = { x \"y\", z 5 }\n"
	    "  client 192.0.2.7 as \"ann\" on smtp\n"
	    "  mail from <>; rcpt to <x@here.example>\n"
	    "  expect reject 550 5.7.1 \"no\"\n"
	    "  expect tag n = 2\n"
	    "  after 6m\n"
	    "  expect relay \"h.example:26\"\n"
	    "}\n");
	const struct cf_step	*s;

	(void)state;
	assert_int_equal(cf_errors(cf), 0);
	assert_int_equal(cf_ntests(cf), 1);
	t = cf_test(cf, 0);
	assert_true(span_eq(t->name, SPAN("one")));
	assert_int_equal(t->nsteps, 12);
	s = t->steps;
	assert_int_equal(s[0].kind, CF_T_WITH_TIME);
	assert_int_equal(s[0].number, 1767601800000);
	assert_int_equal(s[1].dns_type, 1);
	assert_true(span_eq(s[1].text2, SPAN("192.0.2.1")));
	assert_int_equal(s[2].dns_type, 15);
	assert_true(span_eq(s[2].text2, SPAN("10 c.example")));
	assert_true(s[3].failing);
	assert_int_equal(s[4].kind, CF_T_WITH_MAP);
	assert_int_equal(s[4].index, 0);
	assert_true(span_eq(s[4].text2, SPAN("x=y\nz=5")));
	assert_int_equal(s[5].kind, CF_T_CLIENT);
	assert_true(span_eq(s[5].text, SPAN("ann")));
	assert_true(span_eq(s[5].text2, SPAN("smtp")));
	assert_int_equal(s[6].text.n, 0);
	assert_int_equal(s[8].expect.kind, CF_X_REJECT);
	assert_int_equal(s[8].expect.code, 550);
	assert_true(span_eq(s[8].expect.text, SPAN("no")));
	assert_int_equal(s[9].expect.kind, CF_X_TAG);
	assert_int_equal(s[9].expect.value.i, 2);
	assert_int_equal(s[10].number, 360000);
	assert_int_equal(s[11].expect.kind, CF_X_RELAY_TO);
	cf_free(&cf);
}

static void
a_file_that_is_not_there_is_told_apart(void **state)
{
	struct cf	*cf;
	int		 io;

	(void)state;
	cf = cf_compile("/nowhere/policy.conf", &io);
	assert_int_equal(io, -1);
	assert_int_equal(cf_errors(cf), 1);
	assert_int_equal(cf_image(cf).n, 0);
	cf_free(&cf);
}

/* Hostile texts end in messages, never in a crash. */

static void
add_many(struct buf *b, const char *s, size_t n)
{
	while (n-- > 0)
		buf_add_str(b, s);
}

static void
repeated(const char *before, const char *what, size_t n, const char *after)
{
	struct buf	 text = { 0 }, out = { 0 };
	struct cf	*cf;
	size_t		 i;

	buf_add_str(&text, before);
	add_many(&text, what, n);
	buf_add_str(&text, after);
	cf = cf_compile_mem("test.conf", buf_span(&text));
	assert_true(cf_errors(cf) > 0);
	assert_true(cf_errors(cf) <= 51);
	for (i = 0; i < cf_ndiags(cf); i++)
		cf_diag_print(cf, cf_diag(cf, i), true, &out);
	cf_free(&cf);
	buf_clear(&text);
	buf_clear(&out);
}

/* Not that memory is short: what is to be mended stands in the policy. */
static void
too_deep_is_said_so(void **state)
{
	struct buf	 text = { 0 };
	struct cf	*cf;
	size_t		 i;

	(void)state;
	buf_add_str(&text, HEAD "on rcpt { ");
	for (i = 0; i < 100000; i++)
		buf_add_str(&text, "not ");
	buf_add_str(&text, "true => accept }\n");
	cf = compile(buf_cstr(&text));
	assert_true(says(cf, "nested too deep"));
	assert_false(says(cf, "memory"));
	cf_free(&cf);
	buf_clear(&text);
}

static void
hostile_texts_are_refused(void **state)
{
	const char	*rcpt = HEAD "on rcpt { ";

	(void)state;
	repeated("", "", 0, "");
	repeated("", "\xff", 100000, "");
	repeated("", "a ", 500000, "");
	repeated("", "{", 100000, "");
	repeated("", "}", 100000, "");
	repeated("", ";", 100000, "x");
	repeated("", "a:", 100000, "");
	repeated("", "<\"", 100000, "");
	repeated("", "\"{", 100000, "");
	repeated("", "x y\n", 10000, "");
	repeated("on rcpt {", "\n x", 10000, "");
	repeated(rcpt, "(", 100000, "");
	repeated(rcpt, "not ", 100000, "true => accept }");
	repeated(rcpt, "m[", 100000, "");
	repeated(rcpt, "f(", 100000, "");
	repeated(rcpt, "x else ", 100000, "y == z => accept }");
	repeated(rcpt, "a.", 100000, "b => accept }");
	repeated(rcpt, "true and ", 100000, "nothing => accept }");
	repeated(rcpt, "\"{\"", 5000, "");
	repeated(HEAD "set x = {", "\"a.example\" ", 50000, "}");
	repeated(HEAD, "set x = { \"y\" }\n", 20000, "");
}

static void
long_chains_are_fine(void **state)
{
	struct buf	 text = { 0 };
	struct cf	*cf;

	(void)state;
	buf_add_str(&text, HEAD "on rcpt { rcpt.domain in ours and (");
	add_many(&text, "client.helo == \"a\" or ", 5000);
	buf_add_str(&text, "sender == <>) => accept }\n"
	    "route { otherwise => mx }\n");
	cf = cf_compile_mem("test.conf", buf_span(&text));
	assert_int_equal(cf_errors(cf), 0);
	cf_free(&cf);
	buf_clear(&text);
}

static void
octets_zero_are_octets(void **state)
{
	static const char	 text[] = "edition 1\n\0\0hostname \"a\0b\"\n";
	struct cf		*cf;

	(void)state;
	cf = cf_compile_mem("test.conf", span_mem(text, sizeof(text) - 1));
	assert_true(cf_errors(cf) >= 2);
	assert_true(says(cf, "has no meaning here"));
	assert_true(says(cf, "a control character"));
	cf_free(&cf);
}

/* The relay proof over many rules, in well below a tenth of a second. */
static void
a_thousand_rules_are_proved_quickly(void **state)
{
	struct buf	 text = { 0 };
	struct timespec	 from, to;
	struct cf	*cf;
	double		 ms;
	int		 i;

	(void)state;
	buf_add_str(&text, HEAD "on rcpt {\n");
	for (i = 0; i < 1000; i++)
		buf_addf(&text, "sender.domain == \"d%d.example\" and "
		    "client.helo != \"h%d\" => reject 550 5.7.1 \"%d\"\n", i,
		    i % 17, i);
	buf_add_str(&text, "rcpt.domain in ours => accept\n}\n"
	    "route { otherwise => mx }\n");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	cf = cf_compile_mem("test.conf", buf_span(&text));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	if (cf_errors(cf) > 0)
		fail_msg("%s", cf_diag(cf, 0)->text);
	ms = (double)(to.tv_sec - from.tv_sec) * 1e3 +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	print_message("compiled and proved in %.1f ms\n", ms);
	assert_true(ms < 1000);		/* with sanitizers too */
	cf_free(&cf);
	buf_clear(&text);
}

/* What cannot be decided within bounds is an error, not a guess. */
static void
what_cannot_be_decided_is_an_error(void **state)
{
	struct buf	 text = { 0 };
	struct cf	*cf;
	int		 i;

	(void)state;
	buf_add_str(&text, HEAD "on rcpt {\n(");
	/* All left sides come before all right ones: exponential. */
	for (i = 0; i < 40; i++)
		buf_addf(&text, "client.helo == \"a%d\" or ", i);
	for (i = 0; i < 40; i++)
		buf_addf(&text, "client.helo == \"b%d\" or ", i);
	buf_add_str(&text, "false) and sender == <> => reject\n(");
	for (i = 0; i < 40; i++)
		buf_addf(&text, "(client.helo == \"a%d\" and "
		    "client.helo == \"b%d\") or ", i, i);
	buf_add_str(&text, "false) => accept\n}\n"
	    "route { otherwise => mx }\n");
	cf = cf_compile_mem("test.conf", buf_span(&text));
	assert_true(says(cf, "cannot prove: "));
	assert_true(says(cf, "client.helo"));
	assert_int_equal(cf_image(cf).n, 0);
	cf_free(&cf);
	buf_clear(&text);
}

/*
 * Rules that are too much are left out: who is refused without them is refused
 * still, and who is not cannot be said to be.
 */
static void
what_is_left_out_decides_nothing(void **state)
{
	struct buf	 text = { 0 };
	struct cf	*cf;
	size_t		 before;
	unsigned	 i, j, n = 1, v[6];

	(void)state;
	buf_add_str(&text, HEAD "on rcpt {\n");
	for (i = 0; i < 1000; i++) {
		for (j = 0; j < 6; j++) {
			n = n * 1103515245u + 12345u;
			v[j] = (n >> 16) % 60;
		}
		buf_addf(&text, "(client.helo == \"a%u\" or rcpt.user == "
		    "\"u%u\") and (sender.user == \"s%u\" or client.helo == "
		    "\"a%u\") and (rcpt.user == \"u%u\" or sender.user == "
		    "\"s%u\") => defer\n", v[0], v[1], v[2], v[3], v[4],
		    v[5]);
	}
	before = text.n;
	buf_add_str(&text, "client.helo == \"a1\" => accept\n}\n"
	    "route { otherwise => mx }\n");
	cf = cf_compile_mem("test.conf", buf_span(&text));
	assert_true(says(cf, "cannot prove: "));
	assert_int_equal(cf_image(cf).n, 0);
	cf_free(&cf);
	text.n = before;
	buf_add_str(&text, "rcpt.domain not in ours => reject\n"
	    "client.helo == \"a1\" => accept\n}\n"
	    "route { otherwise => mx }\n");
	cf = cf_compile_mem("test.conf", buf_span(&text));
	assert_false(says(cf, "cannot prove: "));
	assert_false(says(cf, "open to the world"));
	cf_free(&cf);
	buf_clear(&text);
}

static void
a_map_in_place_has_a_kind(void **state)
{
	struct cf	*cf = compile(HEAD
	    "map lists = { \"pair\" = \"a, b\" } as aliases\n"
	    "map names = { \"a\" = \"b\" }\n"
	    "on rcpt { rcpt.domain in ours => accept }\n"
	    "route { rcpt.domain in ours => expand lists, "
	    "reject 550 \"{names[rcpt.user] else \"?\"}\"\n"
	    "otherwise => mx }\n");
	struct buf	 shown = { 0 };

	(void)state;
	assert_int_equal(cf_errors(cf), 0);
	cf_show(cf, false, &shown);
	assert_non_null(strstr(buf_cstr(&shown), "} as aliases"));
	assert_non_null(strstr(buf_cstr(&shown), "} as plain"));
	buf_clear(&shown);
	cf_free(&cf);
	cf = compile(HEAD "map m = { \"a\" = \"b\" } as nonsense\n" TAIL);
	assert_true(says(cf, "no kind 'nonsense' of maps"));
	cf_free(&cf);
}

static void
relative_names_are_in_the_policys_folder(void **state)
{
	struct rs_image	*im;
	struct span	 image, path;
	struct cf	*cf;
	const char	*why;
	int		 io;

	(void)state;
	cf = cf_compile("cf/policies/sandbox.conf", &io);
	image = cf_image(cf);
	im = rs_image_open_mem(image.p, image.n, &why);
	assert_non_null(im);
	path = rs_setting_text(im, RS_OPT_SPOOL_directory);
	assert_int_equal(path.p[0], '/');
	assert_true(path.n > 17);
	assert_true(span_eq(span_from(path, path.n - 17),
	    SPAN("cf/policies/spool")));
	rs_image_free(&im);
	cf_free(&cf);
}

static void
included_files_are_named(void **state)
{
	struct cf		*cf;
	struct rs_image		*im;
	const struct rs_file	*f;
	struct span		 path;
	const char		*why;
	int			 io;

	(void)state;
	cf = cf_compile("test/unit/cf/include.conf", &io);
	assert_int_equal(cf_ntests(cf), 1);
	assert_string_equal(cf_test(cf, 0)->path,
	    "test/unit/cf/includes/rcpt");
	assert_int_equal(cf_test(cf, 0)->line, 4);
	im = rs_image_open_mem(cf_image(cf).p, cf_image(cf).n, &why);
	assert_non_null(im);
	f = rs_file(im, rs_rule(im, 1)->file);
	assert_int_equal(f->role, 0);
	path = rs_string(im, f->path);
	assert_true(path.n > 17 && span_eq(span_from(path, path.n - 17),
	    SPAN("/cf/includes/rcpt")));
	rs_image_free(&im);
	cf_free(&cf);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(own_policies_have_no_mistakes),
		cmocka_unit_test(what_show_prints_compiles_to_the_same),
		cmocka_unit_test(what_fmt_prints_compiles_to_the_same),
		cmocka_unit_test(fmt_has_one_way),
		cmocka_unit_test(options_not_served_are_named),
		cmocka_unit_test(what_is_to_come_is_known),
		cmocka_unit_test(the_front_door_is_served),
		cmocka_unit_test(what_run_refuses_is_named),
		cmocka_unit_test(tests_come_apart),
		cmocka_unit_test(a_file_that_is_not_there_is_told_apart),
		cmocka_unit_test(hostile_texts_are_refused),
		cmocka_unit_test(too_deep_is_said_so),
		cmocka_unit_test(long_chains_are_fine),
		cmocka_unit_test(octets_zero_are_octets),
		cmocka_unit_test(a_thousand_rules_are_proved_quickly),
		cmocka_unit_test(what_cannot_be_decided_is_an_error),
		cmocka_unit_test(what_is_left_out_decides_nothing),
		cmocka_unit_test(a_map_in_place_has_a_kind),
		cmocka_unit_test(included_files_are_named),
		cmocka_unit_test(relative_names_are_in_the_policys_folder),
	};

	if (chdir(SOURCES) == -1)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
