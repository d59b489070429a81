/*
 * mime_test.c - which parts and file names a message has, also one that was
 * written to hide them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "mail/mime.h"
#include "mail/mime_param.h"
#include "test/unit/sample_mail.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define MIXED	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
#define EVIL	"Content-Type: application/x\r\n" \
		"Content-Disposition: attachment; filename=evil.exe\r\n\r\nx\r\n"
#define EVIL_IS	"application/x evil.exe!\n"

/* wanted: a line for each part: type, name, ! when it is an attachment. */
struct row {
	const char	*name;
	struct span	 in;
	bool		 incomplete;
	const char	*wanted;
};

static const struct row messages[] = {
	{ "no MIME fields (2045, 5.2)", S("Subject: x\r\n\r\nhello\r\n"), false, "text/plain\n" },
	{ "nothing", S(""), false, "text/plain\n" },
	{ "one part", S("Content-Type: Text/HTML; charset=utf-8\r\n\r\n<p>\r\n"), false, "text/html\n" },
	{ "one part with a name", S("Content-Type: application/pdf;\r\n\tname=\"a b.pdf\"\r\n\r\nx"), false, "application/pdf a b.pdf!\n" },
	{ "an attachment without a name", S("Content-Disposition: Attachment\r\n\r\nx"), false, "text/plain !\n" },
	{ "a name of an inline part", S("Content-Disposition: inline; filename=a.png\r\nContent-Type: image/png\r\n\r\nx"), false, "image/png a.png!\n" },
	{ "two parts (2046, 5.1.1)", S(MIXED "preamble\r\n--b\r\n\r\ntext\r\n--b\r\n" EVIL "--b--\r\nepilogue\r\n"), false,
	    "text/plain\n" EVIL_IS },
	{ "no blank line before the first part", S("Content-Type: multipart/mixed; boundary=b\r\n--b\r\n" EVIL "--b--\r\n"), false, "multipart/mixed evil.exe!\napplication/x evil.exe!\n" },
	{ "a quoted boundary", S("Content-Type: multipart/mixed; boundary=\"a b:c\"\r\n\r\n--a b:c\r\n" EVIL "--a b:c--\r\n"), false, EVIL_IS },
	{ "blanks behind a delimiter", S(MIXED "--b \t\r\n" EVIL "--b-- \r\n"), false, EVIL_IS },
	{ "nested", S(MIXED "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nt\r\n--c\r\nContent-Type: text/html\r\n\r\nh\r\n--c--\r\n--b\r\n" EVIL "--b--\r\n"), false,
	    "text/plain\ntext/html\n" EVIL_IS },
	{ "a message in a message (2046, 5.2.1)", S("Content-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" EVIL "--b--\r\n"), false,
	    "message/rfc822\n" EVIL_IS },
	{ "a digest (2046, 5.1.5)", S("Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nContent-Type: image/gif; name=a.gif\r\n\r\nx\r\n--b--\r\n"), false,
	    "message/rfc822\nimage/gif a.gif!\n" },
	{ "the same boundary within", S(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" EVIL "--b--\r\n"), false, EVIL_IS },
	/* what hides attachments elsewhere */
	{ "the boundary is not closed", S(MIXED "--b\r\n" EVIL), false, EVIL_IS },
	{ "an inner boundary is not closed", S(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nt\r\n--b\r\n" EVIL "--b--\r\n"), false,
	    "text/plain\n" EVIL_IS },
	{ "the header is the last line", S(MIXED "--b\r\nContent-Disposition: attachment; filename=evil.exe"), false, "text/plain evil.exe!\n" },
	{ "a part without an empty line", S(MIXED "--b\r\nContent-Disposition: attachment; filename=evil.exe\r\n--b--\r\n"), false, "text/plain evil.exe!\n" },
	{ "case of the boundary", S("Content-Type: multipart/mixed; boundary=AbC\r\n\r\n--aBc\r\n" EVIL "--aBc--\r\n"), false, EVIL_IS },
	{ "octets behind the boundary", S(MIXED "--bogus\r\n" EVIL "--b--\r\n"), false, EVIL_IS },
	{ "one boundary begins with the other", S(MIXED "--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\nt\r\n--bb--\r\n--b\r\n" EVIL "--b--\r\n"), false,
	    "text/plain\n" EVIL_IS },
	{ "no boundary is named", S("Content-Type: multipart/mixed\r\n\r\n--what\r\n" EVIL "--what--\r\n"), false, EVIL_IS },
	{ "an empty boundary", S("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--what\r\n" EVIL "--what--\r\n"), false, EVIL_IS },
	{ "two boundaries in one field", S("Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--b\r\n" EVIL "--b--\r\n"), false, EVIL_IS },
	{ "Content-Type twice, the second counts", S("Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" EVIL "--b--\r\n"), false,
	    "text/plain\nmultipart/mixed\n" EVIL_IS },
	{ "Content-Type twice, the first counts", S("Content-Type: multipart/mixed; boundary=b\r\nContent-Type: text/plain\r\n\r\n--b\r\n" EVIL "--b--\r\n"), false,
	    "multipart/mixed\ntext/plain\n" EVIL_IS },
	{ "Content-Type twice, a message too", S("Content-Type: message/rfc822\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nSubject: x\r\n\r\n--b\r\n" EVIL "--b--\r\n"), false,
	    "message/rfc822\nmultipart/mixed\ntext/plain\n" EVIL_IS },
	{ "two types, two names", S("Content-Type: text/plain; name=a.txt\r\nContent-Type: application/x; name=b.exe\r\n\r\nx"), false,
	    "text/plain a.txt!\napplication/x b.exe!\n" },
	{ "behind the last boundary", S(MIXED "--b\r\n\r\nt\r\n--b--\r\n--b\r\n" EVIL), false, "text/plain\n" EVIL_IS },
	{ "a delimiter within a header", S(MIXED "--b\r\nContent-Type: text/plain\r\n--b\r\n" EVIL "--b--\r\n"), false, "text/plain\n" EVIL_IS },
	{ "LF alone", S("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment; filename=evil.exe\n\nx\n--b--\n"), false, "text/plain evil.exe!\n" },
	{ "CR twice", S("Content-Type: multipart/mixed; boundary=b\r\r\n\r\r\n--b\r\r\n" EVIL "--b--\r\r\n"), false, EVIL_IS },
	{ "a blank before the colon", S("Content-Disposition : attachment; filename=evil.exe\r\n\r\nx"), false, "text/plain evil.exe!\n" },
	{ "a type that is none", S("Content-Type: whatever is this; name=evil.exe\r\n\r\nx"), false, "whateveristhis evil.exe!\n" },
	{ "no type at all", S("Content-Type: name=evil.exe\r\n\r\nx"), false, "text/plain evil.exe!\n" },
	{ "a comment in the type", S("Content-Type: (a)text(b)/(c)html(d); (e)name(f)=(g)evil.exe(h)\r\n\r\nx"), false, "text/html evil.exe!\n" },
	{ "a comment that does not end", S("Content-Type: text/html (a; name=evil.exe\r\n\r\nx"), false, "text/html evil.exe!\n" },
	{ "uuencode in a text", S("Subject: x\r\n\r\nhello\r\nbegin 644 evil.exe\r\nM\r\nend\r\n"), false, "text/plain\napplication/octet-stream evil.exe!\n" },
	{ "a text that begins", S("Subject: x\r\n\r\nbegin 64 x\r\nbegin 6444\r\nbegin 644 \r\nbegin 64445 x\r\nbegin of it\r\n"), false, "text/plain\n" },
	{ "an encoded multipart (2045, 6.4)", S("Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: BASE64\r\n\r\nLS1i\r\n"), true, "" },
	{ "an encoded message", S("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3Vi\r\n"), true, "message/rfc822\ntext/plain\n" },
	{ "an encoded text", S("Content-Transfer-Encoding: base64\r\n\r\nU3Vi\r\n"), false, "text/plain\n" },
	{ "a folded name", S("Content-Disposition: attachment;\r\n filename=\"evil\r\n .exe\"\r\n\r\nx"), false, "text/plain evil .exe!\n" },
	{ "two names in one field", S("Content-Disposition: attachment; filename=a.txt; filename=evil.exe\r\n\r\nx"), false, "text/plain a.txt!\ntext/plain evil.exe!\n" },
	{ "two fields", S("Content-Disposition: attachment; filename=a.txt\r\nContent-Disposition: attachment; filename=evil.exe\r\n\r\nx"), false, "text/plain a.txt!\ntext/plain evil.exe!\n" },
	{ "two different names", S("Content-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment; filename=evil.exe\r\n\r\nx"), false, "text/plain a.txt!\ntext/plain evil.exe!\n" },
	{ "the same name twice", S("Content-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nx"), false, "text/plain a.txt!\n" },
	{ "a name behind quotes that do not end", S("Content-Disposition: attachment; x=\"a; filename=evil.exe\r\n\r\nx"), false, "text/plain evil.exe!\n" },
};

/* --- names (RFC 2231, RFC 2047) */

static const struct {
	struct span	 in;	/* behind "attachment; " */
	const char	*wanted;	/* one a line */
} names[] = {
	{ S("filename=a.txt"), "a.txt\n" },
	{ S("FileName = a.txt"), "a.txt\n" },
	{ S("filename=\"a.txt\""), "a.txt\n" },
	{ S("filename=\"a\\\"b\\\\c;.txt\""), "a\"b\\c;.txt\n" },
	{ S("filename=a b.txt ; x=y"), "a b.txt\n" },
	{ S("filename=a(1).txt"), "a(1).txt\n" },
	{ S("filename=a.txt(comment)"), "a.txt\n" },
	{ S("filename=\"a.txt"), "a.txt\n" },
	{ S("filename=\"a\".exe"), "a.exe\n" },
	{ S("filename=\"\""), "" },
	{ S("filename="), "" },
	{ S("filename"), "" },
	{ S("x=filename; y=\"filename=a\""), "" },
	{ S("filename=\"a\tb\""), "a b\n" },
	/* 2231, 3: continuations */
	{ S("filename*0=\"a b\"; filename*1=.txt"), "a b.txt\n" },
	{ S("filename*1=.txt; filename*0=a"), "a.txt\n" },
	{ S("filename*0=a; filename*2=c; filename*10=d"), "acd\n" },
	{ S("filename*1=a"), "a\n" },
	{ S("filename*0=a; filename*0=b; filename*1=.exe"), "a.exe\nb.exe\n" },
	{ S("filename*x=a; filename*99999999999=b"), "" },
	/* 2231, 4: character sets */
	{ S("filename*=utf-8''%e2%82%ac%20rates.txt"), "\xe2\x82\xac rates.txt\n" },
	{ S("filename*=iso-8859-1'de'J%F6rg.txt"), "J\xc3\xb6rg.txt\n" },
	{ S("filename*=koi8-r''%F3%D0%C1%CD"), "\xd0\xa1\xd0\xbf\xd0\xb0\xd0\xbc\n" },
	{ S("filename*=''a.txt"), "a.txt\n" },
	{ S("filename*=x-none''%41.txt"), "A.txt\n" },
	{ S("filename*=a%2etxt"), "a.txt\n" },
	{ S("filename*=utf-8''%4"), "%4\n" },
	{ S("filename*=utf-8''a%ff.txt"), "a\xef\xbf\xbd.txt\n" },
	{ S("filename*=utf-8''a%0d%0ab%00c"), "a  b c\n" },
	/* 2231, 4.1: both */
	{ S("filename*0*=us-ascii'en'This%20is%20even%20more%20; filename*1*=%2A%2A%2Afun%2A%2A%2A%20; filename*2=\"isn't it!\""), "This is even more ***fun*** isn't it!\n" },
	{ S("filename*0=a; filename*1*=%2Etxt"), "a.txt\n" },
	{ S("filename*0*=utf-8''%c3; filename*1*=%b6"), "\xc3\xb6\n" },
	{ S("filename=a.txt; filename*=utf-8''evil.exe"), "a.txt\nevil.exe\n" },
	{ S("filename=a.txt; filename*0=evil; filename*1=.exe"), "evil.exe\na.txt\n" },
	/* 2047 where people put it */
	{ S("filename=\"=?utf-8?q?J=C3=B6rg.txt?=\""), "J\xc3\xb6rg.txt\n" },
	{ S("filename==?utf-8?b?SsO2cmc=?="), "J\xc3\xb6rg\n" },
	{ S("filename=\"=?utf-8?q?a?= =?utf-8?q?=2Eexe?=\""), "a.exe\n" },
	{ S("filename*0=\"=?utf-8?q?a=2E\"; filename*1=\"exe?=\""), "a.exe\n" },
	{ S("filename*=utf-8''%3D?utf-8?q?a?="), "=?utf-8?q?a?=\n" },
	{ S("filename=\"=?utf-8?q?a\""), "=?utf-8?q?a\n" },
	{ S("filename=\"J\xf6rg.txt\""), "J\xef\xbf\xbdrg.txt\n" },
	{ S("filename=\"J\xc3\xb6rg.txt\""), "J\xc3\xb6rg.txt\n" },
};

static void
put_part(void *arg, const struct mime_part *p)
{
	buf_addf(arg, "%.*s", SPAN_ARG(p->type));
	if (p->name.n > 0 || p->attachment)
		buf_add_str(arg, " ");
	buf_addf(arg, "%.*s%s\n", SPAN_ARG(p->name), p->attachment ? "!" : "");
}

/* In pieces of that many octets. */
static bool
walk(struct span in, size_t piece, struct buf *out)
{
	struct mime	*m = mime_new(put_part, out);
	bool		 whole;

	while (in.n > piece) {
		mime_feed(m, span_mem(in.p, piece));
		in = span_from(in, piece);
	}
	mime_feed(m, in);
	whole = mime_end(m);
	mime_free(&m);
	assert_null(m);
	return whole;
}

static void
parts_are_found_in_pieces_of_any_size(void **state)
{
	static const size_t	 pieces[] = { SIZE_MAX, 1, 2, 7, 64 };
	size_t			 i, k;

	(void)state;
	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		print_message("%s\n", messages[i].name);
		for (k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
			struct buf	 got = { 0 };

			assert_int_equal(walk(messages[i].in, pieces[k], &got),
			    !messages[i].incomplete);
			assert_string_equal(buf_cstr(&got),
			    messages[i].wanted);
			buf_clear(&got);
		}
	}
}

static void
names_are_decoded(void **state)
{
	struct span	 out[MIME_VALUES_MAX];
	size_t		 i, k, n;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct arena	 a = { 0 };
		struct buf	 got = { 0 };

		n = mime_texts(arena_printf(&a, "attachment; %.*s",
		    SPAN_ARG(names[i].in)), SPAN("filename"), &a, out);
		for (k = 0; k < n; k++)
			buf_addf(&got, "%.*s\n", SPAN_ARG(out[k]));
		print_message("%.*s\n", SPAN_ARG(names[i].in));
		assert_string_equal(buf_cstr(&got), names[i].wanted);
		buf_clear(&got);
		arena_clear(&a);
	}
}

/* --- limits */

static void
repeat(struct buf *b, const char *s, size_t n)
{
	while (n-- > 0)
		buf_add_str(b, s);
}

static void
what_lies_beyond_a_limit_is_not_passed_over_in_silence(void **state)
{
	static const struct {
		const char	*first, *again, *last;
		size_t		 n;
		bool		 whole;
	} rows[] = {
		/* depth */
		{ "", "Content-Type: message/rfc822\r\n\r\n", EVIL, MIME_DEPTH_MAX, true },
		{ "", "Content-Type: message/rfc822\r\n\r\n", EVIL, MIME_DEPTH_MAX + 1, false },
		{ "", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", EVIL, MIME_DEPTH_MAX, true },
		{ "", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", EVIL, MIME_DEPTH_MAX + 1, false },
		/* parts */
		{ MIXED, "--b\r\n\r\n", "--b\r\n" EVIL, 100, true },
		{ MIXED, "--b\r\n\r\n", EVIL, MIME_PARTS_MAX, false },
		/* fields of one part; others are not counted */
		{ "", "X-Filler: 0123456789012345678901234567890123456789\r\n", EVIL, 5000, true },
		{ "", "Content-X: 0123456789012345678901234567890123456789\r\n", EVIL, 5000, false },
		{ "Content-X: ", "0123456789", "\r\n" EVIL, 10000, false },
		{ "X-Filler: ", "0123456789", "\r\n" EVIL, 10000, true },
		/* names */
		{ "", "Content-Disposition: x; name=a; filename=b; name=c\r\n", EVIL, 100, true },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	 in = { 0 }, got = { 0 };

		buf_add_str(&in, rows[i].first);
		repeat(&in, rows[i].again, rows[i].n);
		buf_add_str(&in, rows[i].last);
		assert_int_equal(walk(buf_span(&in), SIZE_MAX, &got),
		    rows[i].whole);
		if (rows[i].whole)
			assert_non_null(strstr(buf_cstr(&got), "evil.exe"));
		buf_clear(&in);
		buf_clear(&got);
	}
}

static void
many_names_of_one_part_are_told_or_it_is_incomplete(void **state)
{
	struct buf	 in = { 0 }, got = { 0 };
	size_t		 i;

	(void)state;
	for (i = 0; i < 100; i++)
		buf_addf(&in, "Content-Disposition: x; filename=n%zu\r\n", i);
	buf_add_str(&in, "\r\n");
	assert_false(walk(buf_span(&in), SIZE_MAX, &got));
	assert_non_null(strstr(buf_cstr(&got), " n63!"));
	buf_clear(&in);
	buf_clear(&got);
}

/* What costs a stranger little may not cost us much. */
static void
hostile_messages_are_read_in_linear_time(void **state)
{
	static const struct { const char *first, *again; } rows[] = {
		{ "Content-Type: x; ", "\"\\" },
		{ "Content-Type: x; ", "\"a;" },
		{ "Content-Type: x; ", "(" },
		{ "Content-Type: x; ", "name=(;" },
		{ "Content-Type: x; ", "name*0=a;" },
		{ "Content-Type: x; ", "name*0*=%41';" },
		{ "Content-Type: x; ", "name==?utf-8?q?a?=;" },
		{ MIXED, "--\r\n" },
		{ MIXED, "--b" },
		{ MIXED, "begin 644 a\r\n" },
		{ "Content-Type: multipart/x; boundary=b\r\n\r\n", "--b\r\nContent-Type: message/rfc822\r\n\r\n" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	 in = { 0 }, got = { 0 };

		buf_add_str(&in, rows[i].first);
		repeat(&in, rows[i].again, 60000 / strlen(rows[i].again));
		buf_add_str(&in, "\r\n\r\n");
		(void)walk(buf_span(&in), 1000, &got);
		buf_clear(&in);
		buf_clear(&got);
	}
}

/* --- samples */

static void
sample_is_read(const char *path, struct span content)
{
	struct buf	 whole = { 0 }, pieces = { 0 };

	print_message("%s\n", path);
	assert_int_equal(walk(content, SIZE_MAX, &whole),
	    walk(content, 3, &pieces));
	assert_string_equal(buf_cstr(&whole), buf_cstr(&pieces));
	buf_clear(&whole);
	buf_clear(&pieces);
}

static void
real_mail_is_read_in_any_pieces(void **state)
{
	(void)state;
	if (sample_each(sample_is_read) == 0) {
		print_message("no sample mail: "
		    "install Python's tests (libpython3-testsuite)\n");
		skip();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_decoded),
		cmocka_unit_test(parts_are_found_in_pieces_of_any_size),
		cmocka_unit_test(what_lies_beyond_a_limit_is_not_passed_over_in_silence),
		cmocka_unit_test(many_names_of_one_part_are_told_or_it_is_incomplete),
		cmocka_unit_test(hostile_messages_are_read_in_linear_time),
		cmocka_unit_test(real_mail_is_read_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
