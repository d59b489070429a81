/*
 * header_test.c - fields are found, counted, read and changed, and no octet
 * of the others moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/header.h"
#include "test/unit/sample_mail.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }

static const struct span letter = S(
    "Received: from a by b\r\n"
    "\twith SMTP; now\r\n"
    "received: by c\r\n"
    "Subject: one\r\n"
    " two\r\n"
    "X-Odd : spaced\r\n"
    "not a field\r\n"
    "To: a@example.org,\r\n"
    "\tb@example.org\r\n"
    "Subject: again\r\n"
    "Delivered-To: Ann@Example.org\r\n"
    "\r\n"
    "Body: not a field\r\n");

static void
fields_are_found_by_name_and_number(void **state)
{
	static const struct {
		struct span	 name;
		unsigned	 i;
		const char	*body;	/* NULL: none */
	} rows[] = {
		{ S("Subject"), 0, " one\r\n two" },
		{ S("SUBJECT"), 1, " again" },
		{ S("Subject"), 2, NULL },
		{ S("Received"), 0, " from a by b\r\n\twith SMTP; now" },
		{ S("Received"), 1, " by c" },
		{ S("X-Odd"), 0, " spaced" },
		{ S("Body"), 0, NULL },
		{ S("not a field"), 0, NULL },
		{ S(""), 0, NULL },
	};
	struct header_field	 f;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(header_find(letter, rows[i].name, rows[i].i,
		    &f), rows[i].body != NULL);
		if (rows[i].body != NULL)
			assert_true(span_eq(f.body, span_of(rows[i].body)));
	}
}

static void
the_section_ends_at_the_empty_line(void **state)
{
	static const struct { struct span in; size_t size; } rows[] = {
		{ S(""), 0 },
		{ S("\r\nbody"), 2 },
		{ S("A: b\r\n\r\nbody"), 8 },
		{ S("A: b\r\n"), 6 },
		{ S("A: b"), 4 },
		{ S("A: b\n\nnot yet\r\n\r\nbody"), 17 },
		{ S("A: b\r\n \r\n\r\nbody"), 11 },
		{ S(" blank first\r\n\r\nbody"), 16 },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(header_size(rows[i].in), rows[i].size);
}

static void
hops_and_loops_are_seen(void **state)
{
	(void)state;
	assert_int_equal(header_hops(letter), 2);
	assert_int_equal(header_hops(SPAN("")), 0);
	assert_true(header_delivered_to(letter, SPAN("ann@example.org")));
	assert_false(header_delivered_to(letter, SPAN("nn@example.org")));
	assert_true(header_delivered_to(
	    SPAN("Delivered-To:\r\n <a@b.example> \r\n\r\n"),
	    SPAN("A@b.example")));
}

/* RFC 8689, 3: one field, and that word. */
static void
tls_is_not_required_when_one_field_says_so(void **state)
{
	static const struct { struct span in; bool wanted; } rows[] = {
		{ S("TLS-Required: No\r\n\r\n"), true },
		{ S("A: b\r\ntls-required:\r\n no \r\n\r\n"), true },
		{ S("TLS-Required:No\r\nA: b\r\n\r\n"), true },
		{ S("TLS-Required: Yes\r\n\r\n"), false },
		{ S("TLS-Required: No way\r\n\r\n"), false },
		{ S("TLS-Required:\r\n\r\n"), false },
		{ S("X-TLS-Required: No\r\n\r\n"), false },
		{ S("A: b\r\n\r\nTLS-Required: No\r\n"), false },
		{ S("TLS-Required: No\r\nTLS-Required: No\r\n\r\n"), false },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(header_tls_not_required(rows[i].in),
		    rows[i].wanted);
}

static void
text_is_unfolded_and_decoded(void **state)
{
	static const struct { struct span in; const char *wanted; } rows[] = {
		{ S(" one\r\n two "), "one two" },
		{ S("\r\n\tone"), "one" },
		{ S(" a\tb\001c\177"), "a b c" },
		{ S(" =?utf-8?q?J=C3=B6rg_M?="), "J\xc3\xb6rg M" },
		{ S(" =?UTF-8?B?SsO2cmc=?= x"), "J\xc3\xb6rg x" },
		{ S(" =?iso-8859-1?Q?J=F6rg?="), "J\xc3\xb6rg" },
		{ S(" =?ISO-8859-1*de?Q?J=F6rg?="), "J\xc3\xb6rg" },
		{ S(" =?us-ascii?q?a?= =?us-ascii?q?b?="), "ab" },
		{ S(" =?us-ascii?q?a?=\r\n =?us-ascii?q?b?="), "ab" },
		{ S(" =?us-ascii?q?a?= b"), "a b" },
		{ S(" a =?us-ascii?q?b?="), "a b" },
		{ S(" =?utf-8?q?=C3?= =?utf-8?q?=B6?="), "\xc3\xb6" },
		{ S(" =?utf-8?q?a=0D=0AX:_y?="), "a  X: y" },
		{ S(" =?iso-8859-1?q?a=85b?="), "a b" },
		{ S(" =?utf-8?q?=E2=82?= =?UTF-8?b?rA==?="), "\xe2\x82\xac" },
		{ S(" =?utf-8?q?=C3?= =?iso-8859-1?q?=E4?="), "\xef\xbf\xbd\xc3\xa4" },
		{ S(" =?utf-8?q?a=FFb?="), "a\xef\xbf\xbd" "b" },
		{ S(" =?koi8-r?B?89DBzQ==?="), "\xd0\xa1\xd0\xbf\xd0\xb0\xd0\xbc" },
		{ S(" =?windows-1252?q?=80=9F?="), "\xe2\x82\xac\xc5\xb8" },
		{ S(" =?ISO-2022-JP?B?GyRCJDMkcxsoQg==?="), "\xe3\x81\x93\xe3\x82\x93" },
		{ S(" =?gb2312?B?xOM=?= =?gb2312?B?usM=?="), "\xe4\xbd\xa0\xe5\xa5\xbd" },
		{ S(" =?shift_jis?q?=83?="), "\xef\xbf\xbd" },
		{ S(" =?utf-8//translit?q?a?="), "=?utf-8//translit?q?a?=" },
		{ S(" =?x-none?q?abc?= b"), "=?x-none?q?abc?= b" },
		{ S(" =?x-none?q?a?= =?utf-8?q?b?="), "=?x-none?q?a?= b" },
		{ S(" (=?us-ascii?q?a?=)"), "(a)" },
		{ S(" =?utf-8?b?Y*W!Jj?="), "abc" },
		{ S(" =?utf-8?x?abc?="), "=?utf-8?x?abc?=" },
		{ S(" =?utf-8?q?a b?="), "=?utf-8?q?a b?=" },
		{ S(" =?utf-8?q?abc"), "=?utf-8?q?abc" },
		{ S(" =?utf-8?q?=X1=4?="), "=X1=4" },
		{ S(" =?utf-8?q?" "?="), "" },
		{ S(""), "" },
	};
	struct arena	 a = { 0 };
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span	 t = header_text(rows[i].in, &a);

		print_message("%.*s\n", SPAN_ARG(t));
		assert_true(span_eq(t, span_of(rows[i].wanted)));
	}
	arena_clear(&a);
}

static void
a_field_that_may_be_added_is_one_line(void **state)
{
	static const struct { struct span in; bool ok; } rows[] = {
		{ S("X-A: b"), true }, { S("X-A:"), true },
		{ S("X-A:\tb"), true }, { S("X-A: \xc3\xb6"), true },
		{ S("X A: b"), false }, { S(": b"), false }, { S(""), false },
		{ S("X-A"), false }, { S("X-A: b\r\nY: c"), false },
		{ S("X-A: b\nc"), false }, { S("X-A: \0"), false },
		{ S("X-\xc3\xb6: b"), false }, { S("X-A: \177"), false },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(header_field_ok(rows[i].in), rows[i].ok);
}

#define W10	"word56789 "
#define X100	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char		*name;
	struct span		 in;
	struct header_edit	 edits[3];
	size_t			 n;
	const char		*wanted;
} edit_rows[] = {
	{ "nothing", S("A: b\r\n\r\nbody"), { { 0 } }, 0, "A: b\r\n\r\n" },
	{ "add stands last", S("A: b\r\n\r\nbody"),
	    { { HEADER_EDIT_ADD, S(""), S("X: y") } }, 1,
	    "A: b\r\nX: y\r\n\r\n" },
	{ "add to an empty section", S("\r\nbody"),
	    { { HEADER_EDIT_ADD, S(""), S("X: y") } }, 1, "X: y\r\n\r\n" },
	{ "add is no way to a second line", S("\r\n"),
	    { { HEADER_EDIT_ADD, S(""), S("X: y\r\nZ: w") } }, 1,
	    "X: y  Z: w\r\n\r\n" },
	{ "set in place, the others go",
	    S("A: 1\r\nB: 2\r\na: 3\r\n 4\r\nC: 5\r\n\r\n"),
	    { { HEADER_EDIT_SET, S("A"), S("x") } }, 1,
	    "A: x\r\nB: 2\r\nC: 5\r\n\r\n" },
	{ "set what is not there", S("B: 2\r\n\r\n"),
	    { { HEADER_EDIT_SET, S("A"), S("x") } }, 1,
	    "B: 2\r\nA: x\r\n\r\n" },
	{ "add behind a line without its end", S("A: b"),
	    { { HEADER_EDIT_ADD, S(""), S("X: y") } }, 1,
	    "A: b\r\nX: y\r\n" },
	{ "delete all of a name", S("A: 1\r\nB: 2\r\nA: 3\r\n\r\n"),
	    { { HEADER_EDIT_DEL, S("a"), S("") } }, 1, "B: 2\r\n\r\n" },
	{ "delete without a name", S("odd\r\nB: 2\r\n\r\n"),
	    { { HEADER_EDIT_DEL, S(""), S("") } }, 1, "odd\r\nB: 2\r\n\r\n" },
	{ "in their order", S("A: 1\r\n\r\n"),
	    { { HEADER_EDIT_ADD, S(""), S("X: 1") },
	      { HEADER_EDIT_DEL, S("X"), S("") },
	      { HEADER_EDIT_ADD, S(""), S("X: 2") } }, 3,
	    "A: 1\r\nX: 2\r\n\r\n" },
	{ "set after a delete is new", S("A: 1\r\nB: 2\r\n\r\n"),
	    { { HEADER_EDIT_DEL, S("A"), S("") },
	      { HEADER_EDIT_SET, S("A"), S("3") } }, 2,
	    "B: 2\r\nA: 3\r\n\r\n" },
	{ "folded at 78", S("\r\n"),
	    { { HEADER_EDIT_ADD, S(""), S("X: " W10 W10 W10 W10 W10 W10 W10 W10 "end") } },
	    1, "X: word56789 word56789 word56789 word56789 word56789 word56789 word56789\r\n"
	    " word56789 end\r\n\r\n" },
	{ "a long word stays whole", S("\r\n"),
	    { { HEADER_EDIT_ADD, S(""), S("X: " X100 " b") } }, 1,
	    "X: " X100 "\r\n b\r\n\r\n" },
};

static void
edits_are_applied_in_order(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(edit_rows) / sizeof(edit_rows[0]); i++) {
		struct buf	 out = { 0 };

		header_apply(edit_rows[i].in, edit_rows[i].edits,
		    edit_rows[i].n, &out);
		print_message("%s\n", edit_rows[i].name);
		assert_string_equal(buf_cstr(&out), edit_rows[i].wanted);
		buf_clear(&out);
	}
}

static void
no_line_is_longer_than_the_rfc_allows(void **state)
{
	struct header_edit	 e = { .kind = HEADER_EDIT_ADD };
	struct buf		 text = { 0 }, out = { 0 };
	struct span		 rest;
	ptrdiff_t		 lf;
	size_t			 i;

	(void)state;
	buf_add_str(&text, "X-Long: ");
	for (i = 0; i < 2000; i++)
		buf_add_str(&text, "\xc3\xb6");
	e.value = buf_span(&text);
	header_apply(SPAN("\r\n"), &e, 1, &out);
	rest = buf_span(&out);
	while ((lf = span_index(rest, '\n')) >= 0) {
		assert_in_range(lf + 1, 2, 1000);
		rest = span_from(rest, (size_t)lf + 1);
		assert_true(rest.n == 0 || ((unsigned char)rest.p[0] & 0xc0) !=
		    0x80);
	}
	assert_int_equal(rest.n, 0);
	buf_clear(&text);
	buf_clear(&out);
}

static void
sample_is_whole(const char *path, struct span content)
{
	struct header_field	 f;
	struct buf		 out = { 0 };
	struct arena		 a = { 0 };
	size_t			 pos = 0, n = 0;

	print_message("%s\n", path);
	while (header_next(content, &pos, &f)) {
		assert_ptr_equal(f.whole.p, content.p + n);
		n += f.whole.n;
		assert_null(memchr(header_text(f.body, &a).p, '\n',
		    header_text(f.body, &a).n));
	}
	assert_int_equal(header_size(content), pos);
	header_apply(content, NULL, 0, &out);
	assert_true(span_eq(buf_span(&out), span_mem(content.p, pos)));
	buf_clear(&out);
	arena_clear(&a);
}

static void
real_mail_keeps_every_octet(void **state)
{
	(void)state;
	if (sample_each(sample_is_whole) == 0) {
		print_message("no sample mail: "
		    "install Python's tests (libpython3-testsuite)\n");
		skip();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_by_name_and_number),
		cmocka_unit_test(the_section_ends_at_the_empty_line),
		cmocka_unit_test(hops_and_loops_are_seen),
		cmocka_unit_test(tls_is_not_required_when_one_field_says_so),
		cmocka_unit_test(text_is_unfolded_and_decoded),
		cmocka_unit_test(a_field_that_may_be_added_is_one_line),
		cmocka_unit_test(edits_are_applied_in_order),
		cmocka_unit_test(no_line_is_longer_than_the_rfc_allows),
		cmocka_unit_test(real_mail_keeps_every_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
