/*
 * address_list_test.c - which addresses stand in a header field, where, and
 * what is left as it was when one of them becomes another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "mail/header_address.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define X10	"xxxxxxxxxx"
#define X50	X10 X10 X10 X10 X10
#define X250	X50 X50 X50 X50 X50
#define FLAGS	(ADDRESS_UTF8_OK | ADDRESS_BARE_LOCAL_OK)

/*
 * wanted: each member as [group:][name]<address>, what is none as !, with
 * blanks between.
 */
struct row {
	const char	*name;		/* sections are those of RFC 5322 */
	struct span	 in;
	unsigned	 flags;
	const char	*wanted;
};

static const struct row rows[] = {
	/* appendix A */
	{ "A.1.1 From", S("John Doe <jdoe@machine.example>"), 0, "[John Doe]<jdoe@machine.example>" },
	{ "A.1.1 To", S("Mary Smith <mary@example.net>"), 0, "[Mary Smith]<mary@example.net>" },
	{ "A.1.2 From", S("\"Joe Q. Public\" <john.q.public@example.com>"), 0, "[\"Joe Q. Public\"]<john.q.public@example.com>" },
	{ "A.1.2 To", S("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"), 0,
	    "[Mary Smith]<mary@x.test> <jdoe@example.org> [Who?]<one@y.test>" },
	{ "A.1.2 Cc", S("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"), 0,
	    "<boss@nil.test> [\"Giant; \\\"Big\\\" Box\"]<sysservices@example.net>" },
	{ "A.1.3 To", S("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;"), 0,
	    "A Group:[Ed Jones]<c@a.test> A Group:<joe@where.test> A Group:[John]<jdoe@one.test>" },
	{ "A.1.3 Cc", S("Undisclosed recipients:;"), 0, "" },
	{ "A.5 From", S(" Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"), 0,
	    "[Pete(A nice \\) chap)]<pete@silly.test>" },
	{ "A.5 To", S("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
	    "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)"), 0,
	    "A Group(Some people):[Chris Jones]<c@public.example> "
	    "A Group(Some people):<joe@example.org> "
	    "A Group(Some people):[John]<jdoe@one.test>" },
	{ "A.5 Cc", S("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;"), 0, "" },
	{ "A.6.1 From", S("Joe Q. Public <john.q.public@example.com>"), 0, "[Joe Q. Public]<john.q.public@example.com>" },
	{ "A.6.1 To", S("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example"), 0,
	    "[Mary Smith]<mary@example.net> <jdoe@test.example>" },
	{ "A.6.3 From", S("John Doe <jdoe@machine(comment).  example>"), 0, "[John Doe]<jdoe@machine.example>" },
	{ "A.6.3 To", S("Mary Smith\r\n  \r\n          <mary@example.net>"), 0, "[Mary Smith]<mary@example.net>" },
	/* 3.4.1 addr-spec */
	{ "3.4.1 alone", S("a@x.example"), 0, "<a@x.example>" },
	{ "3.4.1 the domain is folded", S("Ann@X.Example"), 0, "<Ann@x.example>" },
	{ "3.4.1 blanks around", S(" \t a@x.example \r\n\t"), 0, "<a@x.example>" },
	{ "3.4.1 comments around", S("(b)a@x.example(c(d)e)"), 0, "<a@x.example>" },
	{ "3.4.1 quoted local part", S("\"a b\"@x.example"), 0, "<\"a b\"@x.example>" },
	{ "3.4.1 quotes that are not needed", S("\"ann\"@x.example"), 0, "<ann@x.example>" },
	{ "3.4.1 a folded quoted local part", S("\"a\r\n b\"@x.example"), 0, "<\"a b\"@x.example>" },
	{ "3.4.1 all of atext", S("!#$%&'*+-/=?^_`{|}~@x.example"), 0, "<!#$%&'*+-/=?^_`{|}~@x.example>" },
	{ "3.4.1 domain literal", S("a@[192.0.2.1]"), 0, "<a@[192.0.2.1]>" },
	{ "3.4.1 IPv6 literal", S("Ann <a@[IPv6:2001:DB8::1]>, b@x.example"), 0, "[Ann]<a@[IPv6:2001:db8::1]> <b@x.example>" },
	{ "3.4.1 a literal that is no address", S("a@[x:y], b@x.example"), 0, "! <b@x.example>" },
	{ "3.4.1 a literal that does not end", S("a@[192.0.2.1, b@x.example"), 0, "! <b@x.example>" },
	{ "3.4.1 no domain", S("a@"), 0, "!" },
	{ "3.4.1 no local part", S("@x.example"), 0, "!" },
	{ "3.4.1 a name alone", S("ann"), 0, "!" },
	{ "3.4.1 a name alone, allowed", S("ann, Root <root>"), FLAGS, "<ann> [Root]<root>" },
	{ "3.4.1 two names alone", S("ann bob"), FLAGS, "!" },
	{ "3.4.1 dots", S("a..b@x.example, .a@x.example, a.@x.example"), 0, "! ! !" },
	{ "3.4.1 dot at the end of the domain", S("a@x.example."), 0, "!" },
	{ "3.4.1 two ats", S("a@b@x.example"), 0, "!" },
	{ "3.4.1 a domain that is none", S("a@-x.example, a@192.0.2.1"), 0, "! !" },
	{ "3.4.1 a local part of 65", S(X50 X10 "12345@x.example"), 0, "!" },
	{ "3.4.1 a control character", S("a\001b@x.example, c@x.example"), 0, "! <c@x.example>" },
	{ "3.4.1 NUL", S("a\0b@x.example, c@x.example"), 0, "! <c@x.example>" },
	/* 4.4 obsolete addressing */
	{ "4.4 words with dots", S("a . b @ x . example"), 0, "<a.b@x.example>" },
	{ "4.4 words and quotes", S("\"a b\".c.\"d\"@x.example"), 0, "<\"a b.c.d\"@x.example>" },
	{ "4.4 a quoted dot", S("\"a.\".b@x.example"), 0, "<\"a..b\"@x.example>" },
	{ "4.4 comments in the domain", S("1234   @   local(blah)  .machine .example"), 0, "<1234@local.machine.example>" },
	{ "4.4 a long route", S("<@a.example,@b.example:c@d.example>"), 0, "<c@d.example>" },
	{ "4.4 a route with nothing in it", S("Ann <,,@a.example,:c@d.example>"), 0, "[Ann]<c@d.example>" },
	{ "4.4 a route with comments", S("<(x)@(y)a.example(z),@b.example:c@d.example>"), 0, "<c@d.example>" },
	{ "4.4 a route without address", S("<@a.example:>, b@x.example"), 0, "! <b@x.example>" },
	{ "4.4 empty members", S(",,a@x.example,, ,b@x.example,"), 0, "<a@x.example> <b@x.example>" },
	{ "4.4 a dot in a display name", S("John Q. Public <j@x.example>"), 0, "[John Q. Public]<j@x.example>" },
	{ "4.4 empty members of a group", S("G:,,a@x.example,,;"), 0, "G:<a@x.example>" },
	/* 3.4 groups */
	{ "3.4 a group among others", S("a@x.example, G: b@x.example;, c@x.example"), 0,
	    "<a@x.example> G:<b@x.example> <c@x.example>" },
	{ "3.4 a quoted group", S("\"G: x\": b@x.example;"), 0, "\"G: x\":<b@x.example>" },
	{ "3.4 a group that does not end", S("G: a@x.example, b@x.example"), 0, "G:<a@x.example> G:<b@x.example>" },
	{ "3.4 a group in a group", S("G: H: a@x.example;;"), 0, "H:<a@x.example>" },
	{ "3.4 no comma behind a group", S("G: a@x.example; b@x.example"), 0, "G:<a@x.example> <b@x.example>" },
	{ "3.4 a comment in an empty group", S("G: (nobody);"), 0, "" },
	{ "3.4 a colon in a literal is no group", S("a@[IPv6:::1]"), 0, "<a@[IPv6:::1]>" },
	{ "3.4 a colon in a comment is no group", S("(a:b) c@x.example"), 0, "<c@x.example>" },
	/* 3.2.2 comments */
	{ "3.2.2 nested", S("(a(b(c)d)e)f@x.example"), 0, "<f@x.example>" },
	{ "3.2.2 escaped brackets", S("(\\(\\))f@x.example"), 0, "<f@x.example>" },
	{ "3.2.2 a quote in a comment", S("(\")f@x.example, g@x.example"), 0, "<f@x.example> <g@x.example>" },
	{ "3.2.2 an address in a comment", S("(a@x.example)"), 0, "" },
	{ "3.2.2 does not end", S("a@x.example (b, c@x.example"), 0, "!" },
	{ "3.2.2 a bracket too many", S("a@x.example), b@x.example"), 0, "! <b@x.example>" },
	{ "3.2.2 ends in a backslash", S("a@x.example (b\\"), 0, "!" },
	{ "3.2.2 between the parts", S("a(b)@(c)x.example"), 0, "<a@x.example>" },
	{ "3.2.2 a comma in a comment", S("a@x.example (b, c), d@x.example"), 0, "<a@x.example> <d@x.example>" },
	{ "3.2.2 before and behind the brackets", S("(a) Ann (b) < (c) ann@x.example (d) > (e)"), 0, "[Ann (b)]<ann@x.example>" },
	/* 3.2.4 quoted strings */
	{ "3.2.4 a comma in quotes", S("\"Doe, John\" <j@x.example>"), 0, "[\"Doe, John\"]<j@x.example>" },
	{ "3.2.4 an address in quotes", S("\"a@x.example\" <j@y.example>"), 0, "[\"a@x.example\"]<j@y.example>" },
	{ "3.2.4 a bracket in quotes", S("\"a <b@x.example>\" <c@x.example>"), 0, "[\"a <b@x.example>\"]<c@x.example>" },
	{ "3.2.4 escapes in quotes", S("\"a\\\" <b@x.example>, \\\\\" <c@x.example>"), 0, "[\"a\\\" <b@x.example>, \\\\\"]<c@x.example>" },
	{ "3.2.4 a comment in quotes is none", S("\"(\" <c@x.example>"), 0, "[\"(\"]<c@x.example>" },
	{ "3.2.4 does not end", S("\"Ann <a@x.example>, b@x.example"), 0, "!" },
	{ "3.2.4 an at in a local part", S("\"a@b\"@x.example"), 0, "<\"a@b\"@x.example>" },
	{ "3.2.4 empty local part", S("\"\"@x.example"), 0, "<\"\"@x.example>" },
	{ "3.2.4 nothing but quotes", S("\"Ann\""), 0, "!" },
	/* angle-addr */
	{ "3.4 empty brackets", S("<>"), 0, "!" },
	{ "3.4 empty brackets, allowed", S("<>, < (a) >"), ADDRESS_NULL_OK, "<> <>" },
	{ "3.4 brackets do not end", S("Ann <a@x.example, b@x.example"), 0, "! <b@x.example>" },
	{ "3.4 octets behind the brackets", S("<a@x.example> Ann, b@x.example"), 0, "! <b@x.example>" },
	{ "3.4 two pairs of brackets", S("Ann <a@x.example> <b@x.example>"), 0, "!" },
	{ "3.4 brackets in brackets", S("<<a@x.example>>"), 0, "!" },
	{ "3.4 no blank before the brackets", S("Ann<a@x.example>"), 0, "[Ann]<a@x.example>" },
	{ "3.4 blanks in the brackets", S("Ann < a@x.example >"), 0, "[Ann]<a@x.example>" },
	{ "3.4 folded in the brackets", S("Ann <\r\n a@x.example\r\n >"), 0, "[Ann]<a@x.example>" },
	/* what people write */
	{ "an address as a display name", S("a@x.example <b@y.example>"), 0, "[a@x.example]<b@y.example>" },
	{ "a comma that needs quotes", S("Doe, John <j@x.example>"), 0, "! [John]<j@x.example>" },
	{ "semicolons between addresses", S("a@x.example; b@x.example"), 0, "<a@x.example> <b@x.example>" },
	{ "a square bracket in a name", S("[list] Ann <a@x.example>"), 0, "[[list] Ann]<a@x.example>" },
	{ "a square bracket that does not end", S("[list Ann <a@x.example>"), 0, "[[list Ann]<a@x.example>" },
	{ "mailto", S("<mailto:a@x.example>, b@x.example"), 0, "! <b@x.example>" },
	{ "no comma between", S("a@x.example b@x.example"), 0, "!" },
	{ "an encoded name (RFC 2047)", S("=?utf-8?q?J=C3=B6rg?= <j@x.example>"), 0, "[=?utf-8?q?J=C3=B6rg?=]<j@x.example>" },
	{ "nothing", S(""), 0, "" },
	{ "blanks", S(" \r\n "), 0, "" },
	{ "a comma", S(","), 0, "" },
	/* RFC 6532 */
	{ "6532 UTF-8 without the flag", S("j\xc3\xb6rg@x.example"), 0, "!" },
	{ "6532 UTF-8", S("J\xc3\xb6rg <j\xc3\xb6rg@x.example>"), FLAGS, "[J\xc3\xb6rg]<j\xc3\xb6rg@x.example>" },
	{ "6532 a U-label", S("a@B\xc3\xbc" "cher.example"), FLAGS, "<a@xn--bcher-kva.example>" },
	{ "6532 Latin-1 in a name", S("J\xf6rg <j@x.example>"), FLAGS, "[J\xf6rg]<j@x.example>" },
	{ "6532 Latin-1 in the address", S("j\xf6rg@x.example, a@x.example"), FLAGS, "! <a@x.example>" },
};

static void
render(const struct address_item *item, struct buf *out)
{
	if (out->n > 0)
		buf_add_str(out, " ");
	if (item->why != NULL) {
		buf_add_str(out, "!");
		return;
	}
	if (item->group.n > 0)
		buf_addf(out, "%.*s:", SPAN_ARG(item->group));
	if (item->name.n > 0)
		buf_addf(out, "[%.*s]", SPAN_ARG(item->name));
	buf_addf(out, "<%.*s>", SPAN_ARG(item->address.whole));
}

/* The places hold the parts: each alone reads as what the whole reads. */
static void
check_places(const struct row *r, const struct address_item *item,
    struct arena *a)
{
	size_t			 at = item->local.at;
	size_t			 n = item->domain.at + item->domain.n - at;
	struct address_list	 l = { .body = span_mem(r->in.p + at, n),
	    .flags = r->flags };
	struct address_item	 again;

	assert_in_range(at + n, 0, r->in.n);
	if (n == 0)
		return;
	assert_int_equal(address_list_next(&l, a, &again), ADDRESS_LIST_ITEM);
	assert_true(span_eq(again.address.whole, item->address.whole));
	assert_int_equal(again.local.at, 0);
	assert_int_equal(again.local.n, item->local.n);
	assert_int_equal(again.domain.at, item->domain.at - at);
	assert_int_equal(again.domain.n, item->domain.n);
	assert_int_equal(l.pos, n);
}

static void
addresses_are_found(void **state)
{
	struct arena		 a = { 0 };
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address_list		 l = { .body = rows[i].in,
		    .flags = rows[i].flags };
		struct address_item		 item;
		enum address_list_result	 is;
		struct buf			 got = { 0 };

		while ((is = address_list_next(&l, &a, &item)) !=
		    ADDRESS_LIST_END) {
			assert_int_equal(is == ADDRESS_LIST_BAD,
			    item.why != NULL);
			render(&item, &got);
			if (is == ADDRESS_LIST_ITEM)
				check_places(&rows[i], &item, &a);
		}
		print_message("%s\n", rows[i].name);
		assert_string_equal(buf_cstr(&got), rows[i].wanted);
		buf_clear(&got);
	}
	arena_clear(&a);
}

/* --- rewriting */

static const struct pair {
	const char	*old, *new;
} pairs[] = {
	{ "a@x.example", "b@y.example" },
	{ "ann@x.example", "ann@y.example" },
	{ "u@x.example", "v@x.example" },
	{ "q@x.example", "\"two words\"@x.example" },
	{ "\"a b\"@x.example", "\"a b\"@y.example" },
	{ "long@x.example", X50 "@" X50 ".example" },
	{ "none@x.example", "no address" },
	{ "lone@x.example", "lone" },
	{ "ann", "ann@x.example" },
	{ "same@x.example", "same@x.example" },
	{ "b@y.example", "twice@y.example" },
	{ "a@xn--bcher-kva.example", "b@xn--bcher-kva.example" },
};

static bool
by_pairs(void *arg, const struct address *old, struct span *new)
{
	size_t	 i;

	(void)arg;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (span_eq(old->whole, span_of(pairs[i].old))) {
			*new = span_of(pairs[i].new);
			return true;
		}
	return false;
}

static bool
identity(void *arg, const struct address *old, struct span *new)
{
	(void)arg;
	*new = old->whole;
	return true;
}

static bool
everything(void *arg, const struct address *old, struct span *new)
{
	(void)old;
	*new = *(struct span *)arg;
	return true;
}

static const struct {
	const char	*name;
	struct span	 in;
	const char	*wanted;
	size_t		 n;
} rewrites[] = {
	{ "alone", S(" a@x.example"), " b@y.example", 1 },
	{ "an unknown one", S(" c@x.example"), " c@x.example", 0 },
	{ "with its name", S(" \"Ann,  B.\"\t<a@x.example> (me)"), " \"Ann,  B.\"\t<b@y.example> (me)", 1 },
	{ "the local part as it is written", S(" \"ann\"@X.EXAMPLE"), " \"ann\"@y.example", 1 },
	{ "the domain as it is written", S(" u@X.Example"), " v@X.Example", 1 },
	{ "a U-label as it is written", S(" a@b\xc3\xbc" "cher.example"), " b@b\xc3\xbc" "cher.example", 1 },
	{ "quotes where they are needed", S("<q@x.example>"), "<\"two words\"@x.example>", 1 },
	{ "quotes stay", S("<\"a b\"@x.example>"), "<\"a b\"@y.example>", 1 },
	{ "quotes that are not needed stay", S("\"same\"@x.example"), "\"same\"@x.example", 0 },
	{ "the result is not rewritten again", S("a@x.example,b@y.example"), "b@y.example,twice@y.example", 2 },
	{ "not in comments and names", S("(a@x.example) \"a@x.example\" <a@x.example>"), "(a@x.example) \"a@x.example\" <b@y.example>", 1 },
	{ "folding stays", S(" a@x.example,\r\n\ta@x.example ,\r\n  a@x.example"), " b@y.example,\r\n\tb@y.example ,\r\n  b@y.example", 3 },
	{ "a group stays", S(" G (x) : a@x.example ;, a@x.example"), " G (x) : b@y.example ;, b@y.example", 2 },
	{ "a route stays", S("<@r.example:a@x.example>"), "<@r.example:b@y.example>", 1 },
	{ "comments in the address stay", S("a(1)@(2)x(3).(4)example(5)"), "b(1)@(2)y.example(3)(4)(5)", 1 },
	{ "blanks in the address stay", S("a @ x . example"), "b @ y.example  ", 1 },
	{ "quoted words in the address", S("\"a\" . \"b\"@x.example, \"u\"@x.example"), "\"a\" . \"b\"@x.example, v@x.example", 1 },
	{ "what is no address stays", S("a@x.example b, a@x.example"), "a@x.example b, b@y.example", 1 },
	{ "no address comes of it", S("none@x.example"), "none@x.example", 0 },
	{ "a domain goes", S("<lone@x.example>"), "<lone>", 1 },
	{ "a domain goes, comments stay", S("lone(1)@(2)x.(3)example"), "lone(1)(2)(3)", 1 },
	{ "a domain comes", S("ann, Ann <ann>"), "ann@x.example, Ann <ann@x.example>", 2 },
	{ "nothing", S(""), "", 0 },
	{ "the empty address", S("<>"), "<>", 0 },
};

static void
addresses_are_replaced_in_place(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rewrites) / sizeof(rewrites[0]); i++) {
		struct buf	 out = { 0 };
		size_t		 n;

		n = address_list_rewrite(rewrites[i].in, 5, by_pairs, NULL,
		    &out);
		print_message("%s\n", rewrites[i].name);
		assert_string_equal(buf_cstr(&out), rewrites[i].wanted);
		assert_int_equal(n, rewrites[i].n);
		buf_clear(&out);
	}
}

static void
the_identity_changes_nothing(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	 out = { 0 };

		assert_int_equal(address_list_rewrite(rows[i].in, 5, identity,
		    NULL, &out), 0);
		assert_true(span_eq(buf_span(&out), rows[i].in));
		buf_clear(&out);
	}
}

/* 2.1.1: 998 octets, the line end not counted; RFC 5322, 2.2.3: no empty one. */
static void
check_lines(struct span s)
{
	ptrdiff_t	 cr;
	bool		 last;

	do {
		cr = span_index(s, '\r');
		last = cr < 0;
		if (last)
			cr = (ptrdiff_t)s.n;
		assert_in_range(cr, 1, 998);
		assert_true(span_trim(span_mem(s.p, (size_t)cr)).n > 0);
		s = span_from(s, (size_t)cr + 2);
	} while (!last);
}

static void
no_line_gets_longer_than_998(void **state)
{
	static const struct { struct span in; const char *wanted; } lines[] = {
		{ S("\"" X250 X250 X250 X50 X50 X50 X10 "\" <long@x.example> (b)"),
		  "\"" X250 X250 X250 X50 X50 X50 X10 "\" <\r\n " X50 "@" X50 ".example> (b)" },
		{ S("long@x.example (" X250 X250 X250 X50 X50 X50 X10 ")"),
		  "\r\n " X50 "@" X50 ".example\r\n  (" X250 X250 X250 X50 X50 X50 X10 ")" },
		{ S("(" X250 X250 X50 X50 ") <long@x.example> (" X250 X50 X10 X10 ")"),
		  "(" X250 X250 X50 X50 ") <\r\n " X50 "@" X50 ".example> (" X250 X50 X10 X10 ")" },
		{ S("(" X250 X250 ")\r\n long@x.example\r\n (" X250 X250 ")"),
		  "(" X250 X250 ")\r\n " X50 "@" X50 ".example\r\n (" X250 X250 ")" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct buf	 out = { 0 };

		buf_add_str(&out, "From:");
		assert_int_equal(address_list_rewrite(lines[i].in, 5, by_pairs,
		    NULL, &out), 1);
		check_lines(buf_span(&out));
		assert_string_equal(buf_cstr(&out) + 5, lines[i].wanted);
		buf_clear(&out);
	}
}

/* --- a header section */

static const struct span letter = S(
    "Received: from a@x.example\r\n"
    "From: Ann <a@x.example>\r\n"
    "SENDER: a@x.example\r\n"
    "reply-to : a@x.example\r\n"
    "To: G: a@x.example,\r\n"
    " a@x.example;\r\n"
    "Cc:a@x.example\r\n"
    "Bcc: a@x.example\r\n"
    "Resent-From: a@x.example\r\n"
    "Resent-To: a@x.example\r\n"
    "Subject: a@x.example\r\n"
    "Resent-Subject: a@x.example\r\n"
    "Return-Path: <a@x.example>\r\n"
    "Message-ID: <a@x.example>\r\n"
    "a@x.example\r\n"
    "From: a@x.example\r\n"
    "\r\n"
    "From: a@x.example\r\n");

static void
address_fields_of_a_section_are_rewritten(void **state)
{
	struct buf	 out = { 0 };

	(void)state;
	assert_int_equal(header_rewrite(letter, by_pairs, NULL, &out), 10);
	assert_string_equal(buf_cstr(&out),
	    "Received: from a@x.example\r\n"
	    "From: Ann <b@y.example>\r\n"
	    "SENDER: b@y.example\r\n"
	    "reply-to : b@y.example\r\n"
	    "To: G: b@y.example,\r\n"
	    " b@y.example;\r\n"
	    "Cc:b@y.example\r\n"
	    "Bcc: b@y.example\r\n"
	    "Resent-From: b@y.example\r\n"
	    "Resent-To: b@y.example\r\n"
	    "Subject: a@x.example\r\n"
	    "Resent-Subject: a@x.example\r\n"
	    "Return-Path: <a@x.example>\r\n"
	    "Message-ID: <a@x.example>\r\n"
	    "a@x.example\r\n"
	    "From: b@y.example\r\n"
	    "\r\n");
	buf_clear(&out);
}

static void
addresses_of_a_section_are_listed(void **state)
{
	struct header_addresses	 h = { .content = letter };
	struct address_item	 item;
	struct arena		 a = { 0 };
	size_t			 n = 0;

	(void)state;
	while (header_address_next(&h, &a, &item)) {
		assert_true(span_eq(item.address.whole, SPAN("a@x.example")));
		n++;
	}
	assert_int_equal(n, 10);
	assert_false(header_address_next(&h, &a, &item));
	arena_clear(&a);
}

static void
a_section_without_a_body_keeps_its_end(void **state)
{
	static const struct { struct span in; const char *wanted; } ends[] = {
		{ S("To: a@x.example"), "To: b@y.example" },
		{ S("To: a@x.example\r\n"), "To: b@y.example\r\n" },
		{ S("\r\nTo: a@x.example"), "\r\n" },
		{ S(""), "" },
	};
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct buf	 out = { 0 };

		header_rewrite(ends[i].in, by_pairs, NULL, &out);
		assert_string_equal(buf_cstr(&out), ends[i].wanted);
		buf_clear(&out);
	}
}

/* What costs a stranger little may not cost us much. */
static void
hostile_lists_are_read_in_linear_time(void **state)
{
	static const char *const bits[] = { "a@[,", "[,", "<,", "\"", "(",
	    "a:", "<a@[", "a@x,", ":;,", "\\", "<(", "<\"", "(\\", "a. ",
	    "a@b. " };
	struct span	 to = SPAN("b@y.example");
	size_t		 i, k;

	(void)state;
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		struct buf	 in = { 0 }, out = { 0 };

		for (k = 0; k < 256 * 1024; k += strlen(bits[i]))
			buf_add_str(&in, bits[i]);
		address_list_rewrite(buf_span(&in), 0, identity, NULL, &out);
		assert_true(span_eq(buf_span(&in), buf_span(&out)));
		buf_cut(&out, 0);
		address_list_rewrite(buf_span(&in), 0, everything, &to, &out);
		buf_clear(&in);
		buf_clear(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_found),
		cmocka_unit_test(addresses_are_replaced_in_place),
		cmocka_unit_test(the_identity_changes_nothing),
		cmocka_unit_test(no_line_gets_longer_than_998),
		cmocka_unit_test(address_fields_of_a_section_are_rewritten),
		cmocka_unit_test(addresses_of_a_section_are_listed),
		cmocka_unit_test(a_section_without_a_body_keeps_its_end),
		cmocka_unit_test(hostile_lists_are_read_in_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
