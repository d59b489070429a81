/*
 * sendmail_test.c - command lines, input and headers as programs give them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sysexits.h>

#include "mta/sendmail/sendmail.h"

/* --- options */

#define WORDS_MAX	8

static int
read_words(const char *line, struct options *o, char **why)
{
	static char	 copy[200];
	static char	*argv[WORDS_MAX + 2];
	char		*at = copy;
	int		 n = 1;

	assert_true(strlen(line) < sizeof(copy));
	memcpy(copy, line, strlen(line) + 1);
	argv[0] = (char *)(uintptr_t)"sendmail";
	while (n <= WORDS_MAX && (argv[n] = strsep(&at, " ")) != NULL)
		n++;
	argv[n] = NULL;
	return options_read(o, n, argv, why);
}

static void
what_is_in_use_is_taken(void **state)
{
	static const char *const	all[] = {
		"-t -i", "-ti", "-oi -t", "-t -oi -oem -odb", "-i -f a@b.example x",
		"-FCronDaemon -i -B8BITMIME -oem root", "-bm x", "-bs", "-bv x",
		"-bp", "-bi", "-N never x", "-N success,failure,delay x",
		"-Nsuccess x", "-R hdrs x", "-V id x", "-U x", "-v x",
		"-L tag x", "-O IgnoreDots=true x", "-O ErrorMode=q x",
		"-O DeliveryMode=b x", "-om x", "-f <> x", "-r a x", "-Am x",
		"-oeq x", "-em x", "-- -x",
	};
	struct options			o;
	char				*why;
	size_t				i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (read_words(all[i], &o, &why) != EX_OK)
			fail_msg("%s: %s", all[i], why);
		options_clear(&o);
	}
}

static void
what_would_change_its_meaning_is_refused(void **state)
{
	static const char *const	all[] = {
		"-bd", "-q", "-q30m", "-C /etc/x x", "-G x", "-bt", "-n x",
		"-h 3 x", "-X log x", "-d x", "-N sometimes x", "-N never,delay x",
		"-N success,success,success x", "-N x", "-R all x", "-V",
		"-B 9BIT x", "-oex x", "-oQ/tmp x", "-O QueueDirectory=/tmp x",
		"-f", "-f a\tb x", "-ba x", "-odz x", "-p x",
	};
	struct options			o;
	char				*why;
	size_t				i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		why = NULL;
		if (read_words(all[i], &o, &why) != EX_USAGE)
			fail_msg("%s: is taken", all[i]);
		assert_non_null(why);
		free(why);
		options_clear(&o);
	}
}

static void
options_mean_what_they_say(void **state)
{
	struct options	o;
	char		*why;

	(void)state;
	unsetenv("NAME");
	assert_int_equal(read_words("-tif <ann@x.example> -Fbob -oee y z", &o,
	    &why), EX_OK);
	assert_true(o.from_header && o.dots && o.has_sender);
	assert_string_equal(o.sender, "ann@x.example");
	assert_string_equal(o.full_name, "bob");
	assert_int_equal(o.errors, ERRORS_MAIL_OK);
	assert_string_equal(o.rcpts[0], "y");
	assert_string_equal(o.rcpts[1], "z");
	assert_null(o.rcpts[2]);
	options_clear(&o);
	assert_int_equal(read_words("-O IgnoreDots=false -Nsuccess,delay -f <>",
	    &o, &why), EX_OK);
	assert_false(o.dots);
	assert_string_equal(o.notify, "SUCCESS,DELAY");
	assert_true(o.has_sender);
	assert_string_equal(o.sender, "");
	options_clear(&o);
}

/* --- input */

static const struct {
	const char	*in, *out;
	bool		 dots;
} inputs[] = {
	{ "a\nb\n", "a\r\nb\r\n", false },
	{ "a\r\nb\rc", "a\r\nb\r\nc\r\n", false },
	{ "\r\n\r\r\n\n", "\r\n\r\n\r\n\r\n", false },
	{ "", "", false },
	{ "a\n.\nb\n", "a\r\n", false },
	{ "a\n.", "a\r\n", false },
	{ "a\r\n.\r\nb", "a\r\n", false },
	{ "a\n.\nb\n", "a\r\n.\r\nb\r\n", true },
	{ "..\n. \n.x\n", "..\r\n. \r\n.x\r\n", false },
	{ "From ann Sat Nov 21\nTo: x\n\nFrom me\n",
	    "To: x\r\n\r\nFrom me\r\n", false },
	{ ">From ann\nTo: x\n", "To: x\r\n", false },
	{ "From: ann\n", "From: ann\r\n", false },
	{ "Fro", "Fro\r\n", false },
	{ "From", "From\r\n", false },
	{ "\nFrom ann\n", "\r\nFrom ann\r\n", false },
	{ "F\n>\n", "F\r\n>\r\n", false },
};

/* In one piece, and octet by octet. */
static void
lines_come_as_mail_has_them(void **state)
{
	size_t	i, k, n, step;

	(void)state;
	for (i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		for (step = 1; step < 100; step += 98) {
			struct input	in = { .dots = inputs[i].dots,
					    .most = 1000 };

			n = strlen(inputs[i].in);
			for (k = 0; k < n; k += step)
				input_take(&in, span_mem(inputs[i].in + k,
				    n - k < step ? n - k : step));
			input_end(&in);
			assert_string_equal(buf_cstr(&in.out), inputs[i].out);
			buf_clear(&in.out);
		}
}

static void
what_mail_cannot_have_becomes_what_it_can(void **state)
{
	struct input	in = { .most = 100000 };
	char		line[2 * INPUT_LINE_MAX];

	(void)state;
	memset(line, 'x', sizeof(line));
	input_take(&in, SPAN("Subject: a\0b\303\244\n\n"));
	input_take(&in, span_mem(line, INPUT_LINE_MAX + 1));
	input_end(&in);
	assert_true(in.eightbit);
	assert_true(span_prefix(buf_span(&in.out),
	    SPAN("Subject: a b\303\244\r\n\r\nxxx")));
	assert_int_equal(in.out.n, 18 + INPUT_LINE_MAX + 2 + 1 + 2);
	buf_clear(&in.out);
	in = (struct input){ .most = 100000 };
	input_take(&in, SPAN("X: "));
	input_take(&in, span_mem(line, INPUT_LINE_MAX));
	input_end(&in);
	assert_non_null(strstr(buf_cstr(&in.out), "x\r\n xxx\r\n"));
	buf_clear(&in.out);
}

static void
there_is_an_end_to_it(void **state)
{
	struct input	in = { .most = 10 };

	(void)state;
	input_take(&in, SPAN("123456\n1"));
	assert_false(in.too_large);
	input_take(&in, SPAN("23456\n"));
	assert_true(in.too_large);
	buf_clear(&in.out);
}

/* --- recipients */

static void
rcpts_of(const char *header, const char *wanted)
{
	struct arena	a = { 0 };
	struct drop	d = { .nrcpts = 0 };
	struct buf	got = { 0 };
	const char	*why = "";
	size_t		i, cap = 0;

	if (!compose_header_rcpts(span_of(header), &a, &d, &cap, &why))
		buf_add_str(&got, "bad");
	compose_unique(&d);
	for (i = 0; i < d.nrcpts && !span_prefix(buf_span(&got), SPAN("bad"));
	    i++)
		buf_addf(&got, "%s%.*s", i > 0 ? " " : "",
		    SPAN_ARG(d.rcpts[i]));
	assert_string_equal(buf_cstr(&got), wanted);
	buf_clear(&got);
	free(d.rcpts);
	arena_clear(&a);
}

static void
recipients_stand_in_the_header(void **state)
{
	(void)state;
	rcpts_of("To: ann, Bob <bob@x.example>\r\ncc: c@d.example,\r\n ann\r\n"
	    "BCC: <e>\r\nReply-To: no@x.example\r\n\r\nTo: body\r\n",
	    "ann bob@x.example c@d.example e");
	rcpts_of("To: undisclosed-recipients:;\r\nCc:\r\n\r\n", "");
	rcpts_of("To: friends: a@b.example, c;, d\r\n\r\n", "a@b.example c d");
	rcpts_of("Resent-To: r@x.example\r\nTo: ann\r\nResent-Bcc: s\r\n\r\n",
	    "r@x.example s");
	rcpts_of("To: \"a b\"@c.example (a, comment)\r\n\r\n",
	    "\"a b\"@c.example");
	rcpts_of("To: ann bob@x.example\r\n\r\n", "bad");
	rcpts_of("Subject: none\r\n\r\n", "");
}

/* --- content */

static void
content_of(const char *in, const char *line, const char *wanted)
{
	static const struct person	ann = { "ann", "Ann Other,Room 3" };
	struct options			o;
	struct buf			out = { 0 };
	char				*why;

	unsetenv("NAME");
	assert_int_equal(read_words(line, &o, &why), EX_OK);
	compose_content(span_of(in), &o, &ann, 1795258989123, &out);
	assert_string_equal(buf_cstr(&out), wanted);
	buf_clear(&out);
	options_clear(&o);
}

#define DATE	"Date: Sat, 21 Nov 2026 11:03:09 +0000\r\n"

static void
the_header_is_made_whole(void **state)
{
	(void)state;
	content_of("hi\r\n", "x", DATE "From: Ann Other <ann>\r\n\r\nhi\r\n");
	content_of("", "x", DATE "From: Ann Other <ann>\r\n\r\n");
	content_of("To: x\r\nBcc: y,\r\n z\r\n\r\nhi\r\n", "-t",
	    "To: x\r\n" DATE "From: Ann Other <ann>\r\n\r\nhi\r\n");
	content_of("From: me\r\nDate: now\r\n\r\nhi\r\n", "x",
	    "From: me\r\nDate: now\r\n\r\nhi\r\n");
	content_of("\r\n", "-f bob@x.example x", DATE "From: bob@x.example\r\n\r\n");
	content_of("\r\n", "-f bob@x.example -FBob x",
	    DATE "From: Bob <bob@x.example>\r\n\r\n");
	content_of("\r\n", "-f <> x", DATE "From: Ann Other <ann>\r\n\r\n");
	content_of("Resent-To: x\r\nFrom: a\r\nDate: b\r\n\r\n", "-t",
	    "Resent-" DATE "Resent-From: Ann Other <ann>\r\n"
	    "Resent-To: x\r\nFrom: a\r\nDate: b\r\n\r\n");
}

static void
mailbox_is(const char *name, const char *wanted)
{
	struct buf	out = { 0 };

	compose_mailbox(span_of(name), SPAN("a"), &out);
	assert_string_equal(buf_cstr(&out), wanted);
	buf_clear(&out);
}

static void
names_are_written_as_rfc_5322_and_2047_have_it(void **state)
{
	struct options		o = { .full_name = NULL };
	const struct person	p = { "ann", "& \"the\" Other, x" };
	struct buf		out = { 0 };

	(void)state;
	mailbox_is("", "a");
	mailbox_is("Ann Other", "Ann Other <a>");
	mailbox_is("Ann (x) \"y\" \\", "\"Ann (x) \\\"y\\\" \\\\\" <a>");
	mailbox_is("J\303\266rg X", "=?UTF-8?Q?J=C3=B6rg_X?= <a>");
	mailbox_is("x\r\nBcc: y", "a");
	mailbox_is("\377", "a");
	compose_full_name(&o, &p, &out);
	assert_string_equal(buf_cstr(&out), "Ann \"the\" Other");
	buf_clear(&out);
}

/* RFC 2047, 2 and 5: no word above 75 octets, no character divided. */
static void
long_names_are_several_words(void **state)
{
	struct buf	name = { 0 }, out = { 0 };
	const char	*line;
	size_t		i;

	(void)state;
	for (i = 0; i < 60; i++)
		buf_add_str(&name, "\303\266");
	compose_mailbox(buf_span(&name), SPAN("a"), &out);
	for (line = buf_cstr(&out); line != NULL; line = strstr(line, "=?")) {
		i = strcspn(line, "\r");
		assert_true(i <= 75 + 4);
		assert_memory_equal(line, "=?UTF-8?Q?=C3=B6", 16);
		line += i;
	}
	buf_clear(&name);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_use_is_taken),
		cmocka_unit_test(what_would_change_its_meaning_is_refused),
		cmocka_unit_test(options_mean_what_they_say),
		cmocka_unit_test(lines_come_as_mail_has_them),
		cmocka_unit_test(what_mail_cannot_have_becomes_what_it_can),
		cmocka_unit_test(there_is_an_end_to_it),
		cmocka_unit_test(recipients_stand_in_the_header),
		cmocka_unit_test(the_header_is_made_whole),
		cmocka_unit_test(names_are_written_as_rfc_5322_and_2047_have_it),
		cmocka_unit_test(long_names_are_several_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
