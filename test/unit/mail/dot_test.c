/*
 * dot_test.c - dot-stuffing is exact, and only CRLF.CRLF ends the data,
 * however the octets are cut into pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/dot.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }

enum { BARE = 1, NUL = 2, EIGHT = 4, LONG = 8 };

static const struct row {
	const char	*name;
	struct span	 in;
	bool		 done;
	struct span	 wanted, rest;
	unsigned	 flags;
	uint64_t	 lines;
} rows[] = {
	{ "empty message", S(".\r\n"), true, S(""), S(""), 0, 0 },
	{ "one line", S("a\r\n.\r\n"), true, S("a\r\n"), S(""), 0, 1 },
	{ "commands behind it", S("a\r\n.\r\nQUIT\r\n"), true, S("a\r\n"), S("QUIT\r\n"), 0, 1 },
	{ "not at its end", S("a\r\n.\r"), false, S("a\r\n"), S(""), 0, 1 },
	{ "stuffed dot", S("..\r\n.\r\n"), true, S(".\r\n"), S(""), 0, 1 },
	{ "stuffed text", S("..a\r\n...\r\n.\r\n"), true, S(".a\r\n..\r\n"), S(""), 0, 2 },
	{ "a dot that nobody stuffed", S(".a\r\n.\r\n"), true, S("a\r\n"), S(""), 0, 1 },
	{ "dot within a line", S("a.\r\n.b.\r\n.\r\n"), true, S("a.\r\nb.\r\n"), S(""), 0, 2 },
	{ "empty lines", S("\r\n\r\n.\r\n"), true, S("\r\n\r\n"), S(""), 0, 2 },
	{ "LF.LF is no end", S("a\n.\nb\r\n.\r\n"), true, S("a\n.\nb\r\n"), S(""), BARE, 1 },
	{ "LF.CRLF is no end", S("a\n.\r\nb\r\n.\r\n"), true, S("a\n.\r\nb\r\n"), S(""), BARE, 2 },
	{ "CRLF.LF is no end", S("a\r\n.\nb\r\n.\r\n"), true, S("a\r\n\nb\r\n"), S(""), BARE, 2 },
	{ "CRLF.CR is no end", S("a\r\n.\rb\r\n.\r\n"), true, S("a\r\n\rb\r\n"), S(""), BARE, 2 },
	{ "CRLF.CRCRLF is no end", S("a\r\n.\r\r\n.\r\n"), true, S("a\r\n\r\r\n"), S(""), BARE, 2 },
	{ "CR.CR is no end", S("a\r.\rb\r\n.\r\n"), true, S("a\r.\rb\r\n"), S(""), BARE, 1 },
	{ "CR.CRLF is no end", S("a\r.\r\n.\r\n"), true, S("a\r.\r\n"), S(""), BARE, 1 },
	{ "CRCRLF.CRLF is an end, and bare", S("a\r\r\n.\r\n"), true, S("a\r\r\n"), S(""), BARE, 1 },
	{ "bare LF first", S("\n.\r\n.\r\n"), true, S("\n.\r\n"), S(""), BARE, 1 },
	{ "bare CR first", S("\r.\r\n.\r\n"), true, S("\r.\r\n"), S(""), BARE, 1 },
	{ "LFCR", S("a\n\rb\r\n.\r\n"), true, S("a\n\rb\r\n"), S(""), BARE, 1 },
	{ "NUL", S("a\0b\r\n.\r\n"), true, S("a\0b\r\n"), S(""), NUL, 1 },
	{ "eight bits", S("\xc3\xb6\r\n.\r\n"), true, S("\xc3\xb6\r\n"), S(""), EIGHT, 1 },
	{ "eight bits behind it do not count", S(".\r\n\xff\0"), true, S(""), S("\xff\0"), 0, 0 },
	{ "line of ten", S("12345678\r\n.\r\n"), true, S("12345678\r\n"), S(""), 0, 1 },
	{ "line of eleven", S("123456789\r\n.\r\n"), true, S("123456789\r\n"), S(""), LONG, 1 },
	{ "the stuffed dot does not count", S("..2345678\r\n.\r\n"), true, S(".2345678\r\n"), S(""), 0, 1 },
	{ "a long line of bare LF", S("1\n2\n3\n4\n5\n6\r\n.\r\n"), true, S("1\n2\n3\n4\n5\n6\r\n"), S(""), BARE | LONG, 1 },
	{ "only LF", S("a\nb\n.\n"), false, S("a\nb\n.\n"), S(""), BARE, 0 },
};

static unsigned
flags(const struct dot_in *d)
{
	return (d->bare ? BARE : 0u) | (d->nul ? NUL : 0u) |
	    (d->eightbit ? EIGHT : 0u) | (d->long_line ? LONG : 0u);
}

/* Feeds in two cuts; returns whether the end was seen, and where. */
static bool
feed(struct dot_in *d, struct span in, const size_t cut[2], struct buf *out,
    size_t *end)
{
	const size_t	 stops[3] = { cut[0], cut[1], in.n };
	size_t		 pos = 0, used;
	int		 i;

	for (i = 0; i < 3; i++) {
		bool	 done = dot_in(d, span_mem(in.p + pos, stops[i] - pos),
		    out, &used);

		*end = pos + used;
		if (done)
			return true;
		assert_int_equal(used, stops[i] - pos);
		pos = stops[i];
	}
	return false;
}

static void
check(const struct row *r, const size_t cut[2])
{
	struct dot_in	 d = { .line_max = 10 };
	struct buf	 out = { 0 };
	size_t		 end;

	assert_int_equal(feed(&d, r->in, cut, &out, &end), r->done);
	assert_true(span_eq(buf_span(&out), r->wanted));
	assert_true(span_eq(span_from(r->in, end), r->rest));
	assert_int_equal(flags(&d), r->flags);
	assert_int_equal(d.lines, r->lines);
	buf_clear(&out);
}

static void
data_ends_at_crlf_dot_crlf_only(void **state)
{
	size_t	 i, cut[2];

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		for (cut[0] = 0; cut[0] <= rows[i].in.n; cut[0]++)
			for (cut[1] = cut[0]; cut[1] <= rows[i].in.n; cut[1]++)
				check(&rows[i], cut);
	}
}

/* Every string of up to six of these octets, whole and octet by octet. */
static void
octet_by_octet_is_the_same(void **state)
{
	static const char	 alphabet[] = "a.\r\n";
	char			 text[6];
	unsigned		 n, code, c, i;

	(void)state;
	for (n = 1; n <= sizeof(text); n++)
		for (code = 0; code < 1u << (2 * n); code++) {
			struct dot_in	 d = { 0 }, e = { 0 };
			struct buf	 whole = { 0 }, bytes = { 0 };
			size_t		 used, one, total = 0;
			bool		 done, end = false;

			for (i = 0, c = code; i < n; i++, c >>= 2)
				text[i] = alphabet[c & 3];
			done = dot_in(&d, span_mem(text, n), &whole, &used);
			for (i = 0; i < n && !end; i++, total += one)
				end = dot_in(&e, span_mem(text + i, 1), &bytes,
				    &one);
			assert_int_equal(done, end);
			assert_int_equal(used, total);
			assert_true(span_eq(buf_span(&whole), buf_span(&bytes)));
			assert_int_equal(flags(&d), flags(&e));
			assert_int_equal(d.line, e.line);
			buf_clear(&whole);
			buf_clear(&bytes);
		}
}

static const struct {
	const char	*name;
	struct span	 content, wire;
} out_rows[] = {
	{ "empty", S(""), S(".\r\n") },
	{ "plain", S("a\r\n"), S("a\r\n.\r\n") },
	{ "no line end", S("a"), S("a\r\n.\r\n") },
	{ "dot first", S(".a\r\n"), S("..a\r\n.\r\n") },
	{ "dot alone", S("a\r\n.\r\n"), S("a\r\n..\r\n.\r\n") },
	{ "two dots", S("..\r\n"), S("...\r\n.\r\n") },
	{ "dot within", S("a.b\r\n"), S("a.b\r\n.\r\n") },
	{ "dot last", S("."), S("..\r\n.\r\n") },
};

static void
content_is_stuffed_however_it_is_cut(void **state)
{
	size_t	 i, cut;

	(void)state;
	for (i = 0; i < sizeof(out_rows) / sizeof(out_rows[0]); i++)
		for (cut = 0; cut <= out_rows[i].content.n; cut++) {
			struct span	 c = out_rows[i].content;
			struct buf	 out = { 0 };
			struct dot_out	 d = { 0 };

			assert_true(dot_out(&d, span_mem(c.p, cut), &out));
			assert_true(dot_out(&d, span_from(c, cut), &out));
			assert_true(dot_end(&d, &out));
			assert_true(span_eq(buf_span(&out), out_rows[i].wire));
			buf_clear(&out);
		}
}

/* A receiver that takes one of these for a line end would see a dot alone. */
static void
a_cr_or_lf_alone_never_goes_out(void **state)
{
	static const struct span	smuggled[] = {
		S("a\n.\r\nMAIL\r\n"), S("a\r\n.\nMAIL\r\n"), S("a\r.\r\n"),
		S("a\r.\rMAIL\r\n"), S("a\n.\nMAIL\r\n"), S("\n"), S("\r"),
		S("a\r\r\n"), S("\r\r\n"), S("a\n\r\n"), S("a\r\n\r"),
		S("\r\n.\r\r\n"), S("a\r\0\n"),
	};
	size_t				i, cut;

	(void)state;
	for (i = 0; i < sizeof(smuggled) / sizeof(smuggled[0]); i++)
		for (cut = 0; cut <= smuggled[i].n; cut++) {
			struct span	 c = smuggled[i];
			struct buf	 out = { 0 };
			struct dot_out	 d = { 0 };

			assert_false(dot_out(&d, span_mem(c.p, cut), &out) &&
			    dot_out(&d, span_from(c, cut), &out) &&
			    dot_end(&d, &out));
			buf_clear(&out);
		}
}

static void
what_goes_out_comes_in(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span	 c = rows[i].wanted;
		struct dot_in	 d = { 0 };
		struct buf	 wire = { 0 }, back = { 0 };
		struct dot_out	 o = { 0 };
		size_t		 used;

		if (rows[i].flags & BARE)
			continue;
		assert_true(dot_out(&o, c, &wire));
		assert_true(dot_end(&o, &wire));
		assert_true(dot_in(&d, buf_span(&wire), &back, &used));
		assert_int_equal(used, wire.n);
		assert_true(span_eq(buf_span(&back), c));
		buf_clear(&wire);
		buf_clear(&back);
	}
}

static const struct chunk_row {
	struct span	 in;
	bool		 binary;
	unsigned	 flags;
	bool		 lacks;		/* CRLF at its end */
	uint64_t	 lines;
} chunks[] = {
	{ S(""), false, 0, false, 0 },
	{ S("a: b\r\n\r\nc\r\n"), false, 0, false, 3 },
	{ S("a: b\r\n\r\n.\r\n..\r\n"), false, 0, false, 4 },
	{ S("a: b\r\n\r\nc"), false, 0, true, 2 },
	{ S("a: b\r\n\r\nc\r"), false, BARE, true, 2 },
	{ S("a\nb\r\n"), false, BARE, false, 1 },
	{ S("a\rb\r\n"), false, BARE, false, 1 },
	{ S("a\0b\r\n"), false, NUL, false, 1 },
	{ S("a\xff\r\n"), false, EIGHT, false, 1 },
	{ S("123456789\r\n"), false, LONG, false, 1 },
	{ S("a: b\r\n\r\n\0\n\r\r\n12345678901234567890"), true, 0, false, 2 },
	{ S("a: b\r\n\r\nc\r"), true, 0, false, 2 },
	{ S("\r\n\n"), true, 0, false, 1 },
	{ S("a: b\n\r\n\r\n\n"), true, BARE, false, 2 },
	{ S("a: \0\r\n\r\n\n"), true, NUL, false, 2 },
	{ S("a: b"), true, 0, true, 0 },
	{ S("a: b\r"), true, BARE, true, 0 },
};

static void
chunk_flags(const struct chunk_row *r, struct dot_in *d, struct buf *out)
{
	bool	lacks = dot_chunk_end(d, r->binary);

	if (flags(d) != r->flags || d->lines != r->lines || lacks != r->lacks)
		fail_msg("'%.*s': %u, %u lines", SPAN_ARG(r->in), flags(d),
		    (unsigned)d->lines);
	assert_true(span_eq(buf_span(out), r->in));
	buf_clear(out);
}

static void
chunks_are_taken_as_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		const struct chunk_row	*r = &chunks[i];
		struct dot_in		 whole = { .line_max = 10 };
		struct dot_in		 cut = { .line_max = 10 };
		struct buf		 out = { 0 };

		dot_chunk(&whole, r->in, r->binary, &out);
		chunk_flags(r, &whole, &out);
		for (size_t k = 0; k < r->in.n; k++)
			dot_chunk(&cut, span_mem(r->in.p + k, 1), r->binary,
			    &out);
		chunk_flags(r, &cut, &out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_ends_at_crlf_dot_crlf_only),
		cmocka_unit_test(octet_by_octet_is_the_same),
		cmocka_unit_test(content_is_stuffed_however_it_is_cut),
		cmocka_unit_test(a_cr_or_lf_alone_never_goes_out),
		cmocka_unit_test(what_goes_out_comes_in),
		cmocka_unit_test(chunks_are_taken_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
