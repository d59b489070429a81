/*
 * downgrade_test.c - what becomes of a message, octet by octet; that readers
 * decode the same is looked at by test/integration/conversion_test.py.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mail/downgrade.h"

#define E	DOWNGRADE_8BIT
#define B	DOWNGRADE_BINARY
#define U	DOWNGRADE_HEADER
#define TEXT	"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
#define MIXED	"MIME-Version: 1.0\r\n" \
		"Content-Type: multipart/mixed; boundary=b\r\n"
#define CTE	"Content-Transfer-Encoding: "
#define QP	CTE "quoted-printable\r\n"
#define UE	"\xc3\xbc"
#define AS_IS	"as it is"

/* wanted: AS_IS, the converted message, or "STATUS why". */
static const struct golden {
	const char	*name;
	unsigned	 lacks;
	const char	*in, *wanted;
} goldens[] = {
	{ "ASCII", E | B | U, "Subject: x\r\n\r\nx\r\n", AS_IS },
	{ "nothing", E | B | U, "", AS_IS },
	{ "a label alone is no reason", E | B, TEXT CTE "8bit\r\n\r\nx\r\n",
	    AS_IS },
	{ "8 bit where it may be", B | U, TEXT "\r\n" UE "\r\n", AS_IS },
	{ "a header where only bodies matter", B,
	    "Subject: " UE "\r\n\r\nx\r\n", AS_IS },
	{ "text", E, TEXT CTE "8bit\r\n\r\na " UE "\r\n",
	    TEXT QP "\r\na =C3=BC\r\n" },
	{ "text without a last line end", E, TEXT "\r\n" UE "a",
	    TEXT QP "\r\n=C3=BCa=\r\n" },
	{ "no MIME at all", E, "Subject: x\r\n\r\nabcd\xff\r\n",
	    "Subject: x\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n"
	    QP "\r\nabcd=FF\r\n" },
	{ "MIME without a version", E, "Content-Type: text/html\r\n\r\n"
	    "<p>abc\xff\r\n", "Content-Type: text/html\r\n"
	    "MIME-Version: 1.0\r\n" QP "\r\n<p>abc=FF\r\n" },
	{ "base64 where it is shorter", E, TEXT "\r\n" UE UE UE UE UE UE UE UE
	    UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE UE
	    "\r\n", TEXT CTE "base64\r\n\r\n"
	    "w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8"
	    "w7zDvMO8w7wN\r\nCg==\r\n" },
	{ "only the part that needs it", E, MIXED CTE "8bit\r\n\r\n--b\r\n\r\n"
	    "x\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\xff\r\n\r\n"
	    "--b--\r\n", MIXED CTE "7bit\r\n\r\n--b\r\n\r\nx\r\n--b\r\n"
	    "Content-Type: text/html\r\n" QP "\r\n<p>=FF\r\n\r\n--b--\r\n" },
	{ "quoted-printable that is none", E, TEXT QP "\r\n=C3=BC \xff\r\n",
	    TEXT QP "\r\n=C3=BC =FF\r\n" },
	{ "a part without a body", E, MIXED "\r\n--b\r\nX: y\r\n--b\r\n\r\n\xff"
	    "abcd\r\n--b--", MIXED "\r\n--b\r\nX: y\r\n--b\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n" QP
	    "\r\n=FFabcd\r\n--b--\r\n" },
	{ "an outer boundary ends inner parts", E, MIXED "\r\n--b\r\n"
	    "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n"
	    "--b\r\nContent-Type: text/html\r\n\r\nabc\xff\r\n--b--\r\n",
	    MIXED "\r\n--b\r\nContent-Type: multipart/mixed; boundary=i\r\n"
	    "\r\n--i\r\n\r\nx\r\n--b\r\nContent-Type: text/html\r\n" QP
	    "\r\nabc=FF\r\n--b--\r\n" },
	{ "a message in it", E, MIXED "\r\n--b\r\n"
	    "Content-Type: message/rfc822\r\n\r\nSubject: y " UE "\r\n\r\n"
	    "abc\xff\r\n--b--\r\n", MIXED "\r\n--b\r\n"
	    "Content-Type: message/rfc822\r\n\r\n"
	    "Subject: y =?utf-8?q?=C3=BC?=\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n" QP "\r\n"
	    "abc=FF\r\n--b--\r\n" },
	{ "binary text", B, TEXT CTE "binary\r\n\r\nabcdefghijk\nl\r\n",
	    TEXT QP "\r\nabcdefghijk=0Al\r\n" },
	{ "a label of less", B, MIXED CTE "binary\r\n\r\n--b\r\n" CTE
	    "binary\r\n\r\n" UE "\r\n--b\r\n\r\nabcd\n\r\n--b--\r\n",
	    MIXED CTE "8bit\r\n\r\n--b\r\n" CTE "8bit\r\n\r\n" UE
	    "\r\n--b\r\n" QP "\r\nabcd=0A\r\n--b--\r\n" },
	{ "signed parts", E, "Content-Type: multipart/signed; boundary=b\r\n"
	    "\r\n--b\r\n\r\n\xff\r\n--b--\r\n",
	    "5.6.3 a part of it is signed as it is" },
	{ "no boundary", E, "Content-Type: multipart/mixed\r\n\r\n\xff\r\n",
	    "5.6.3 a multipart has no boundary" },
	{ "only the end of parts", E, MIXED "\r\n" UE "\r\n--b--\r\n",
	    "5.6.3 the boundary of its parts is not in it" },
	{ "only the end of parts, behind which they stand", E, MIXED
	    "\r\n--b--\r\n" UE "\r\n",
	    "5.6.3 the boundary of its parts is not in it" },
	{ "a boundary in its own parts", E, MIXED "\r\n--b\r\n" MIXED "\r\n"
	    UE "\r\n--b\r\n\r\nx\r\n--b--\r\n",
	    "5.6.3 a multipart has the boundary of one around it" },
	{ "base64 that is none", E, CTE "base64\r\n\r\nYWJj\xff\r\n",
	    "5.6.3 a part of it is not what its encoding says" },
	{ "a field", U, "Subject: a " UE "  " UE " b\r\n\r\n" UE "\r\n",
	    "Subject: a =?utf-8?q?=C3=BC__=C3=BC?= b\r\n\r\n" UE "\r\n" },
	{ "an address", U, "From: \"" UE ", a\" <a@b" UE ".example> (" UE
	    ")\r\n\r\n", "From: =?utf-8?q?=C3=BC=2C_a?= "
	    "<a@xn--b-eha.example> (=?utf-8?q?=C3=BC?=)\r\n\r\n" },
	{ "a local part", U, "To: a <" UE "@b.example>\r\n\r\n",
	    "5.6.7 an address in its header needs SMTPUTF8" },
	{ "an id", U, "Message-ID: <" UE "@b.example>\r\n\r\n",
	    "5.6.7 a field of its header has no other form than UTF-8" },
	{ "a bare LF in a header, beside a body", B,
	    "Subject: a\nb\r\n\r\nc\nd\r\n",
	    "5.6.3 a CR or LF stands alone in its header" },
	{ "no UTF-8", E, "Subject: \xff\r\n\r\n", "5.6.3 a field of its header "
	    "has octets above 127 that are no UTF-8" },
	{ "a parameter", U, "Content-Type: x/y; name=\"" UE ".x\"; z=1\r\n"
	    "\r\n", "Content-Type: x/y;\r\n name*=utf-8''%C3%BC.x; z=1\r\n"
	    "\r\n" },
};

static void
look(struct downgrade *d, struct span s, size_t most)
{
	for (; s.n > 0; s = span_from(s, most))
		downgrade_look(d, span_mem(s.p, s.n < most ? s.n : most));
}

static void
put(struct downgrade *d, struct span s, size_t most, struct buf *out)
{
	downgrade_begin(d);
	for (; s.n > 0; s = span_from(s, most))
		downgrade_write(d, span_mem(s.p, s.n < most ? s.n : most), out);
	downgrade_end(d, out);
}

static void
run(const struct golden *g, size_t most, struct buf *out)
{
	struct downgrade	*d = downgrade_new(g->lacks);
	const char		*status, *why;

	look(d, span_of(g->in), most);
	switch (downgrade_decide(d, &status, &why)) {
	case DOWNGRADE_AS_IS:
		buf_add_str(out, AS_IS);
		break;
	case DOWNGRADE_CONVERTED:
		put(d, span_of(g->in), most, out);
		break;
	case DOWNGRADE_REFUSED:
		buf_addf(out, "%s %s", status, why);
		break;
	}
	downgrade_free(&d);
}

static void
each_message_becomes_what_is_wanted(void **state)
{
	struct buf	out = { 0 };
	size_t		i, piece;

	(void)state;
	for (i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++)
		for (piece = 1; piece < 100; piece += 7) {
			buf_reset(&out);
			run(&goldens[i], piece, &out);
			if (strcmp(buf_cstr(&out), goldens[i].wanted) != 0)
				print_error("%s, by %zu:\n", goldens[i].name,
				    piece);
			assert_string_equal(buf_cstr(&out),
			    goldens[i].wanted);
		}
	buf_clear(&out);
}

static void
it_can_be_written_twice(void **state)
{
	struct downgrade	*d = downgrade_new(E);
	struct buf		 one = { 0 }, two = { 0 };
	struct span		 in = SPAN(TEXT "\r\na " UE "\r\n");
	const char		*status, *why;

	(void)state;
	look(d, in, in.n);
	assert_int_equal(downgrade_decide(d, &status, &why),
	    DOWNGRADE_CONVERTED);
	assert_true(downgrade_has_body(d));
	assert_false(downgrade_has_header(d));
	assert_false(downgrade_is_signed(d));
	put(d, in, 3, &one);
	put(d, in, 11, &two);
	assert_true(span_eq(buf_span(&one), buf_span(&two)));
	assert_true(one.n > in.n);
	downgrade_free(&d);
	buf_clear(&one);
	buf_clear(&two);
}

/* A field of any length is bounded; so are parts and their depth. */
static void
limits_refuse(void **state)
{
	struct downgrade	*d = downgrade_new(E);
	const char		*status, *why;
	size_t			 i;

	(void)state;
	look(d, SPAN("Subject: x\r\n"), 99);
	for (i = 0; i < DOWNGRADE_FIELD_MAX / 4; i++)
		downgrade_look(d, SPAN("x \xff\n"));
	assert_int_equal(downgrade_decide(d, &status, &why),
	    DOWNGRADE_REFUSED);
	assert_string_equal(why, "a field of its header is too long");
	downgrade_free(&d);

	d = downgrade_new(E);
	look(d, SPAN(MIXED "\r\n"), 99);
	for (i = 0; i < DOWNGRADE_PARTS_MAX; i++)
		downgrade_look(d, SPAN("--b\r\n\r\n\xff\r\n"));
	assert_int_equal(downgrade_decide(d, &status, &why),
	    DOWNGRADE_REFUSED);
	assert_string_equal(why, "it has too many parts");
	downgrade_free(&d);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_message_becomes_what_is_wanted),
		cmocka_unit_test(it_can_be_written_twice),
		cmocka_unit_test(limits_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
