/*
 * kinds_test.c - sendmail's tables: which key answers, and what a value means.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test/unit/maps/map_fixture.h"

static struct map *
table(struct fixture *f, const char *kind, const char *text)
{
	return fixture_open(f, kind, span_of(text));
}

static size_t
at_of(struct span whole)
{
	ptrdiff_t	 at = span_index(whole, '@');

	return at < 0 ? whole.n : (size_t)at;
}

/* The value of an answer, or a word for there being none. */
static const char *
said(enum map_result r, const struct map_answer *a, char *buf, size_t n)
{
	static const char *const	 words[] = {
		[MAP_NONE] = "none", [MAP_LATER] = "later",
		[MAP_BROKEN] = "broken"
	};

	if (r != MAP_FOUND)
		return words[r];
	snprintf(buf, n, "%u %.*s", a->line, SPAN_ARG(a->value));
	return buf;
}

/* --- access */

static const char	access_text[] =
    "# sendmail's\n"
    "Connect:198.51.100.7\tREJECT\n"
    "Connect:198.51.100\t450 4.7.1 try later\n"
    "connect:friend.example\tOK\n"
    "From:spam.example\tERROR:5.7.1:550 not from there\n"
    "From:news@list.example\tOK\n"
    "To:trap@firm.example\tDISCARD\n"
    "192.0.2\tRELAY\n"
    "Connect:IPv6:2001:0db8:0:0:0:0:0:1\tREJECT\n"
    "Connect:2001:db8:5:\tDISCARD\n"
    "Connect:2001:db8:7::\tSKIP\n"
    "Connect:10.1.16.0/20\tREJECT\n"
    "From:bulk@\tREJECT\n"
    "From:ann+lists@x.example\t550 a\n"
    "From:ann+*@x.example\t550 b\n"
    "From:ann@x.example\t550 c\n"
    "From:.deep.example\t550 below\n"
    "From:<>\t550 no bounces\n"
    "x.example\tSKIP\n"
    "From:host.x.example\tOK\n"
    "[203.0.113.5]\tREJECT\n"
    "ClientRate:192.0.2.1\t10\n";

static const struct {
	enum map_role	 role;
	const char	*what;	/* an address of a host, a name, or a mailbox */
	const char	*wanted;
} access_rows[] = {
	{ MAP_CONNECT, "198.51.100.7", "2 REJECT" },
	{ MAP_CONNECT, "198.51.100.8", "3 450 4.7.1 try later" },
	{ MAP_CONNECT, "198.51.101.8", "none" },
	{ MAP_CONNECT, "192.0.2.200", "8 RELAY" },
	{ MAP_FROM, "198.51.100.7", "none" },
	{ MAP_CONNECT, "2001:db8::1", "9 REJECT" },
	{ MAP_CONNECT, "2001:db8::2", "none" },
	{ MAP_CONNECT, "2001:db8:5:9::1", "10 DISCARD" },
	{ MAP_CONNECT, "2001:db8:7::1", "11 SKIP" },
	{ MAP_CONNECT, "10.1.31.255", "12 REJECT" },
	{ MAP_CONNECT, "10.1.32.0", "none" },
	{ MAP_CONNECT, "friend.example", "4 OK" },
	{ MAP_CONNECT, "a.b.friend.example", "4 OK" },
	{ MAP_CONNECT, "notfriend.example", "none" },
	{ MAP_FROM, "a@spam.example", "5 ERROR:5.7.1:550 not from there" },
	{ MAP_FROM, "a@sub.spam.example", "5 ERROR:5.7.1:550 not from there" },
	{ MAP_TO, "a@spam.example", "none" },
	{ MAP_FROM, "NEWS@list.example", "6 OK" },
	{ MAP_FROM, "other@list.example", "none" },
	{ MAP_TO, "trap@firm.example", "7 DISCARD" },
	{ MAP_FROM, "bulk@anywhere.example", "13 REJECT" },
	{ MAP_FROM, "bulk+x@anywhere.example", "13 REJECT" },
	{ MAP_FROM, "ann+lists@x.example", "14 550 a" },
	{ MAP_FROM, "ann+other@x.example", "15 550 b" },
	{ MAP_FROM, "ann@x.example", "16 550 c" },
	{ MAP_FROM, "a@deep.example", "none" },
	{ MAP_FROM, "a@very.deep.example", "17 550 below" },
	{ MAP_FROM, "", "18 550 no bounces" },
	{ MAP_TO, "", "none" },
	{ MAP_TO, "bob@x.example", "19 SKIP" },
	{ MAP_FROM, "a@host.x.example", "20 OK" },
	{ MAP_FROM, "a@other.x.example", "19 SKIP" },
	{ MAP_FROM, "a@[203.0.113.5]", "21 REJECT" },
	{ MAP_FROM, "a@[203.0.113.6]", "none" },
};

static enum map_result
ask_access(const struct map *m, enum map_role role, struct span what,
    struct map_answer *a)
{
	struct ip	 ip;

	if (ip_parse(what, &ip))
		return map_access_ip(m, role, &ip, a);
	if (what.n > 0 && span_index(what, '@') < 0)
		return map_access_host(m, role, what, a);
	return map_access_address(m, role, what, at_of(what), SPAN("+"), a);
}

static void
access_answers_the_nearest_key(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map		*m = table(&f, "access", access_text);
	struct map_answer	 a = { .line = 0 };
	char			 buf[200];
	size_t			 i;

	(void)state;
	assert_problem(&f, "0:22:1: passed over: rates");
	for (i = 0; i < sizeof(access_rows) / sizeof(access_rows[0]); i++) {
		print_message("%s\n", access_rows[i].what);
		assert_string_equal(said(ask_access(m, access_rows[i].role,
		    span_of(access_rows[i].what), &a), &a, buf, sizeof(buf)),
		    access_rows[i].wanted);
	}
	buf_clear(&f.problems);
	map_close(&m);
}

static const struct {
	const char		*value;
	enum map_access_kind	 kind;
	unsigned		 code;
	const char		*status, *text;	/* or the mistake, kind -1 */
} verdicts[] = {
	{ "OK", MAP_ACCESS_OK, 0, "", "" },
	{ "relay", MAP_ACCESS_RELAY, 0, "", "" },
	{ "SKIP ", MAP_ACCESS_SKIP, 0, "", "" },
	{ "DISCARD", MAP_ACCESS_DISCARD, 0, "", "" },
	{ "REJECT", MAP_ACCESS_REJECT, 550, "5.7.1", "" },
	{ "REJECT go away", MAP_ACCESS_REJECT, 550, "5.7.1", "go away" },
	{ "QUARANTINE:look at it", MAP_ACCESS_QUARANTINE, 0, "", "look at it" },
	{ "ERROR:5.7.1:550 no", MAP_ACCESS_REJECT, 550, "5.7.1", "no" },
	{ "ERROR:5.7.1:\"551 no\"", MAP_ACCESS_REJECT, 551, "5.7.1", "no" },
	{ "ERROR:4.7.1:450 later", MAP_ACCESS_REJECT, 450, "4.7.1", "later" },
	{ "ERROR:nouser", MAP_ACCESS_REJECT, 550, "5.1.1", "" },
	{ "450 4.7.1 try later", MAP_ACCESS_REJECT, 450, "4.7.1", "try later" },
	{ "554 no", MAP_ACCESS_REJECT, 554, "5.7.1", "no" },
	{ "\"550 no\"", MAP_ACCESS_REJECT, 550, "5.7.1", "no" },
	{ "550", MAP_ACCESS_REJECT, 550, "5.7.1", "" },
	{ "550 5.1.1 nohost is text", MAP_ACCESS_REJECT, 550, "5.1.1", "nohost is text" },
};

static void
access_values_are_taken_apart(void **state)
{
	struct map_access	 a;
	struct map_fault	 fault;
	struct span		 text;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		print_message("%s\n", verdicts[i].value);
		assert_int_equal(map_access_parse(span_of(verdicts[i].value),
		    &a, &fault), 0);
		assert_int_equal(a.kind, verdicts[i].kind);
		text = a.kind == MAP_ACCESS_QUARANTINE ? a.why :
		    a.refusal.text;
		assert_true(span_eq(text, span_of(verdicts[i].text)));
		if (a.kind != MAP_ACCESS_REJECT)
			continue;
		assert_int_equal(a.refusal.code, verdicts[i].code);
		assert_true(span_eq(a.refusal.status,
		    span_of(verdicts[i].status)));
	}
}

/* --- routes */

static const char	routes_text[] =
    "firm.example\tsmtp:[exchange.firm.example]\n"
    ".firm.example\tesmtp:%1.inside.example\n"
    "sub.firm.example relay:[192.0.2.1]:2525\n"
    "old.example\terror:5.1.2:550 that domain is gone\n"
    "here.example\tlocal:\n"
    "hole.example\tdiscard:nowhere\n";

static const char *const	routes_rows[][2] = {
	{ "firm.example", "1 smtp:[exchange.firm.example]" },
	{ "FIRM.example", "1 smtp:[exchange.firm.example]" },
	{ "a.b.firm.example", "2 esmtp:a.b.inside.example" },
	{ "sub.firm.example", "3 relay:[192.0.2.1]:2525" },
	{ "x.sub.firm.example", "2 esmtp:x.sub.inside.example" },
	{ "example", "none" },
	{ "x.old.example", "none" },
};

static void
routes_ask_host_then_parents(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map		*m = table(&f, "routes", routes_text);
	struct map_answer	 a = { .line = 0 };
	struct arena		 ar = { 0 };
	char			 buf[200];
	size_t			 i;

	(void)state;
	assert_int_equal(f.problems.n, 0);
	for (i = 0; i < sizeof(routes_rows) / sizeof(routes_rows[0]); i++) {
		struct span	 d = span_of(routes_rows[i][0]);
		enum map_result	 r = map_get_domain(m, d, &a);

		if (r == MAP_FOUND)
			a.value = map_route_fill(&a, d, &ar);
		assert_string_equal(said(r, &a, buf, sizeof(buf)),
		    routes_rows[i][1]);
	}
	map_close(&m);
	m = table(&f, "routes", ". smtp:%1.gate.example\n");
	assert_int_equal(map_get_domain(m, SPAN("any.example"), &a),
	    MAP_FOUND);
	assert_true(span_eq(map_route_fill(&a, SPAN("any.example"), &ar),
	    SPAN("smtp:any.example.gate.example")));
	arena_clear(&ar);
	map_close(&m);
}

static const struct {
	const char		*value;
	enum map_route_kind	 kind;
	const char		*host;
	bool			 exactly;
	unsigned		 port;
} ways[] = {
	{ "smtp:[mx.x.example]", MAP_ROUTE_HOP, "mx.x.example", true, 0 },
	{ "smtp:[mx.x.example]:2525", MAP_ROUTE_HOP, "mx.x.example", true, 2525 },
	{ "esmtp:mx.x.example", MAP_ROUTE_HOP, "mx.x.example", false, 0 },
	{ "relay:mx.x.example:26", MAP_ROUTE_HOP, "mx.x.example", false, 26 },
	{ "relay:[IPv6:2001:db8::1]:26", MAP_ROUTE_HOP, "2001:db8::1", true, 26 },
	{ "[192.0.2.7]", MAP_ROUTE_HOP, "192.0.2.7", true, 0 },
	{ "local:", MAP_ROUTE_LOCAL, "", false, 0 },
	{ "discard:", MAP_ROUTE_DISCARD, "", false, 0 },
	{ "error:nohost no such host", MAP_ROUTE_ERROR, "", false, 0 },
};

static void
routes_values_are_taken_apart(void **state)
{
	struct map_route	 r;
	struct map_fault	 fault;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		print_message("%s\n", ways[i].value);
		assert_int_equal(map_route_parse(span_of(ways[i].value), &r,
		    &fault), 0);
		assert_int_equal(r.kind, ways[i].kind);
		assert_true(span_eq(r.host, span_of(ways[i].host)));
		assert_int_equal(r.exactly, ways[i].exactly);
		assert_int_equal(r.port, ways[i].port);
	}
	assert_int_equal(r.refusal.code, 550);
	assert_true(span_eq(r.refusal.status, SPAN("5.1.2")));
	assert_true(span_eq(r.refusal.text, SPAN("no such host")));
}

static const struct {
	const char	*value, *wanted;	/* a mistake: the column, from 1 */
} several[] = {
	{ "smtp:a.example:b.example", "a.example:0 b.example:0" },
	{ "smtp:a.example:25:b.example", "a.example:25 b.example:0" },
	{ "esmtp:[a.example]:[b.example]:26", "[a.example]:0 [b.example]:26" },
	{ "smtp:[2001:db8::1]:25:7.example", "[2001:db8::1]:25 7.example:0" },
	{ "smtp:a.example:", "15" },
	{ "smtp:a.example::b.example", "16" },
	{ "smtp:a.example:0", "16" },
	{ "smtp:a.example:65536", "16" },
	{ "smtp:a.example:25:", "18" },
	{ "smtp:a.example:b_.-:25", "16" },
	{ "smtp:[a.example]b.example", "17" },
	{ "smtp:1.a:2.a:3.a:4.a:5.a:6.a:7.a:8.a", "1.a:0 2.a:0 3.a:0 4.a:0 "
	    "5.a:0 6.a:0 7.a:0 8.a:0" },
	{ "smtp:1.a:2.a:3.a:4.a:5.a:6.a:7.a:8.a:9.a", "38" },
};

static const char *
hosts_of(const char *value, struct buf *out)
{
	struct map_route	 r;
	struct map_fault	 fault;

	buf_reset(out);
	if (map_route_parse(span_of(value), &r, &fault) == -1) {
		buf_addf(out, "%td", fault.at - value + 1);
		return buf_cstr(out);
	}
	for (;; r = map_route_next(&r)) {
		buf_addf(out, "%s%s%.*s%s:%u", out->n > 0 ? " " : "",
		    r.exactly ? "[" : "", SPAN_ARG(r.host),
		    r.exactly ? "]" : "", r.port);
		if (r.more.n == 0)
			return buf_cstr(out);
	}
}

static void
several_hosts_are_tried_in_their_order(void **state)
{
	struct buf	 out = { 0 };
	size_t		 i;

	(void)state;
	for (i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
		print_message("%s\n", several[i].value);
		assert_string_equal(hosts_of(several[i].value, &out),
		    several[i].wanted);
	}
	buf_clear(&out);
}

/* --- virtusers */

static const char	virtusers_text[] =
    "info@shop.example\towner@shop.example\n"
    "sales@shop.example\t%1-team@shop.example\n"
    "ann+x@shop.example\texact@y.example\n"
    "ann++@shop.example\tfull-%2@y.example\n"
    "ann+*@shop.example\tany-%1%3@y.example\n"
    "ann@shop.example\tann@y.example, bob@y.example\n"
    "carl@shop.example\tcarl@y.example\n"
    "++@club.example\t%2@z.example\n"
    "@club.example\t%1%3@murphy.example\n"
    "gone@shop.example\terror:5.1.6:551 she has left\n"
    "none@shop.example\terror:nouser\n";

static const struct {
	const char	*address, *wanted;
	enum map_rank	 rank;
} virtusers_rows[] = {
	{ "info@shop.example", "1 owner@shop.example", MAP_EXACT },
	{ "INFO@shop.example", "1 owner@shop.example", MAP_EXACT },
	{ "sales@shop.example", "2 sales-team@shop.example", MAP_EXACT },
	{ "ann+x@shop.example", "3 exact@y.example", MAP_EXACT },
	{ "ann+y@shop.example", "4 full-y@y.example", MAP_DETAIL },
	{ "ann+@shop.example", "5 any-ann+@y.example", MAP_DETAIL },
	{ "ann@shop.example", "6 ann@y.example, bob@y.example", MAP_EXACT },
	{ "carl+d@shop.example", "7 carl@y.example", MAP_DETAIL },
	{ "who+d@club.example", "8 d@z.example", MAP_PATTERN },
	{ "who+@club.example", "9 who+@murphy.example", MAP_CATCH_ALL },
	{ "who@club.example", "9 who@murphy.example", MAP_CATCH_ALL },
	{ "gone@shop.example", "10 551 5.1.6 she has left", MAP_EXACT },
	{ "none@shop.example", "11 550 5.1.1 ", MAP_EXACT },
	{ "nobody@shop.example", "none", MAP_EXACT },
};

static void
fill_virtuser(struct map_answer *a, struct span whole, struct arena *ar)
{
	struct map_refusal	 r;

	if (map_virtuser_fill(a, whole, at_of(whole), SPAN("+"), ar,
	    &a->value, &r) == 1)
		a->value = arena_printf(ar, "%u %.*s %.*s", r.code,
		    SPAN_ARG(r.status), SPAN_ARG(r.text));
}

static void
virtusers_ask_the_exact_first(void **state)
{
	struct fixture	 f = { .nfiles = 0 };
	struct map	*m = table(&f, "virtusers", virtusers_text);
	struct arena	 ar = { 0 };
	char		 buf[200];
	size_t		 i;

	(void)state;
	assert_int_equal(f.problems.n, 0);
	for (i = 0; i < sizeof(virtusers_rows) / sizeof(virtusers_rows[0]);
	    i++) {
		struct span		 w = span_of(virtusers_rows[i].address);
		struct map_answer	 a = { .line = 0 };
		enum map_result		 r;

		print_message("%s\n", virtusers_rows[i].address);
		r = map_get_address(m, w, at_of(w), SPAN("+"), &a);
		if (r == MAP_FOUND) {
			assert_int_equal(a.rank, virtusers_rows[i].rank);
			fill_virtuser(&a, w, &ar);
		}
		assert_string_equal(said(r, &a, buf, sizeof(buf)),
		    virtusers_rows[i].wanted);
	}
	arena_clear(&ar);
	map_close(&m);
}

/* --- domains, generics */

static void
a_bare_user_of_generics_is_one_of_our_host(void **state)
{
	static const char *const	 rows[][2] = {
		{ "ada@mail.x.example", "1 ada.l@x.example" },
		{ "ada", "1 ada.l@x.example" },
		{ "ada@maths.x.example", "none" },
		{ "bob@old.example", "2 robert@old.example" },
		{ "eve+news@old.example", "3 eve-news@x.example" },
		{ "eve@old.example", "none" },
	};
	struct map_source		 src = { .name = SPAN("g"),
	    .driver = SPAN("inline"), .kind = SPAN("generics"), .fd = -1,
	    .host = SPAN("mail.x.example") };
	static const struct span	 pairs[] = {
		{ "ada", 3 }, { "ada.l@x.example", 15 },
		{ "bob@old.example", 15 }, { "robert", 6 },
		{ "eve+*@old.example", 17 }, { "eve-%1@x.example", 16 },
	};
	struct map			*m;
	struct map_answer		 a;
	struct arena			 ar = { 0 };
	char				 buf[200];
	size_t				 i;

	(void)state;
	src.entries = pairs;
	src.nentries = 3;
	m = map_open(&src);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span	 w = span_of(rows[i][0]);
		enum map_result	 r = map_get_address(m, w, at_of(w), SPAN("+"),
		    &a);

		print_message("%s\n", rows[i][0]);
		if (r == MAP_FOUND)
			a.value = map_generic_fill(&a, w, at_of(w), SPAN("+"),
			    &ar);
		/* In place there are no lines. */
		assert_string_equal(said(r, &a, buf, sizeof(buf)) +
		    (r == MAP_FOUND ? 2 : 0), rows[i][1] +
		    (r == MAP_FOUND ? 2 : 0));
	}
	arena_clear(&ar);
	map_close(&m);
}

static void
domains_have_one_spelling(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map		*m = table(&f, "domains",
	    "Old.Example. new.example\nb\xc3\xbc""cher.example x.example\n");
	struct map_answer	 a;

	(void)state;
	assert_int_equal(f.problems.n, 0);
	assert_int_equal(map_get_domain(m, SPAN("old.example"), &a),
	    MAP_FOUND);
	assert_int_equal(map_get_domain(m, SPAN("xn--bcher-kva.example"), &a),
	    MAP_FOUND);
	assert_int_equal(a.line, 2);
	map_close(&m);
}

/* --- mistakes */

static const char *const	mistakes[][3] = {
	{ "access", "a.example NO\n", "0:1:11: no such verdict" },
	{ "access", "a.example\n", "0:1:10: the value is missing" },
	{ "access", "x 550 5.1.1 a\nConnect:1.2.3.400 OK\n", "0:2:9: a domain name" },
	{ "access", "Conect:192.0.2.1 OK\n", "0:1:1: no such tag" },
	{ "access", "Connect: 192.0.2.1 OK\n", "0:1:1: after the tag" },
	{ "access", "a.example 550 4.7.1 a\n", "0:1:11: " },
	{ "access", "a.example ERROR:5.7.1:450 a\n", "0:1:23: code and status" },
	{ "access", "a.example RELAY x\n", "0:1:17: nothing comes" },
	{ "access", "Connect:192.0.2 OK\nconnect:192.0.2.0/24 OK\n", "0:2:1: 'connect:192.0.2.0/24' stands on line 1" },
	{ "access", "Connect:2001:db8:: OK\nConnect:2001:0DB8 OK\n", "0:2:1: 'Connect:2001:db8::/32' stands" },
	{ "routes", "a.example uucp:x\n", "0:1:11: there is no such way" },
	{ "routes", "a.example smtp:\n", "0:1:16: the host is missing" },
	{ "routes", "a.example smtp:[x\n", "0:1:16: the ']' is missing" },
	{ "routes", "a.example smtp:x:99999\n", "0:1:18: a port is" },
	{ "routes", "a.example smtp:a.example:b..example\n", "0:1:26: a domain name" },
	{ "routes", "a_b..c smtp:x\n", "0:1:1: a domain name" },
	{ "routes", "a.example x.example\n", "0:1:11: a route is" },
	{ "virtusers", "user x@y.example\n", "0:1:1: a key is user@domain" },
	{ "virtusers", "a@x.example error:gone away\n", "0:1:19: a refusal begins" },
	{ "virtusers", "a@x.example |cmd\n", "0:1:13: the right side is" },
	{ "virtusers", "a@x.example ,\n", "0:1:13: the list has no members" },
	{ "domains", "a.example b example\n", "0:1:11: a domain name" },
	{ "generics", "a b@c@d\n", "0:1:3: " },
};

static void
mistakes_have_line_and_column(void **state)
{
	size_t	 i;

	(void)state;
	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct fixture	 f = { .nfiles = 0 };
		struct map	*m;

		print_message("%s", mistakes[i][1]);
		m = table(&f, mistakes[i][0], mistakes[i][1]);
		assert_problem(&f, mistakes[i][2]);
		buf_clear(&f.problems);
		map_close(&m);
	}
}

static void
a_value_of_several_lines_is_one(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map		*m = table(&f, "access",
	    "X.example 550 5.7.1 not\n from\n there\ny.example 55\n 0\n");
	struct map_answer	 a;

	(void)state;
	assert_int_equal(map_access_host(m, MAP_CONNECT, SPAN("x.example"),
	    &a), MAP_FOUND);
	assert_true(span_eq(a.value, SPAN("550 5.7.1 not  from  there")));
	assert_problem(&f, "0:4:11: no such verdict");
	buf_clear(&f.problems);
	map_close(&m);
}

static void
a_bad_value_breaks_its_key_only(void **state)
{
	struct fixture		 f = { .nfiles = 0 };
	struct map		*m = table(&f, "virtusers",
	    "a@x.example error:\nb@x.example c@y.example\n");
	struct map_answer	 a;

	(void)state;
	assert_int_equal(map_get_address(m, SPAN("a@x.example"), 1, SPAN("+"),
	    &a), MAP_BROKEN);
	assert_int_equal(map_get_address(m, SPAN("b@x.example"), 1, SPAN("+"),
	    &a), MAP_FOUND);
	assert_int_equal(map_get_address(m, SPAN("c@x.example"), 1, SPAN("+"),
	    &a), MAP_NONE);
	buf_clear(&f.problems);
	map_close(&m);
}

/* --- drivers without a table of ours */

static void
a_declared_table_says_what_it_was_given(void **state)
{
	struct map_source	 src = { .name = SPAN("users"), .fd = -1,
	    .driver = SPAN("sqlite"), .kind = SPAN("accounts") };
	struct map		*m = map_open(&src);
	struct map_answer	 a;

	(void)state;
	assert_int_equal(map_get(m, SPAN("ann"), &a), MAP_LATER);
	map_add(m, SPAN("ann"), SPAN("quota=2G\nhome="));
	assert_int_equal(map_get(m, SPAN("ann"), &a), MAP_FOUND);
	assert_true(span_eq(a.value, SPAN("quota=2G\nhome=")));
	assert_int_equal(map_get(m, SPAN("bob"), &a), MAP_NONE);
	map_add(m, SPAN("bob"), SPAN("{PLAIN}one=two"));
	assert_int_equal(map_get(m, SPAN("bob"), &a), MAP_FOUND);
	assert_int_equal(a.value.n, 0);
	map_close(&m);
}

static void
passwd_gives_records_without_the_password(void **state)
{
	static const char	 text[] =
	    "root:x:0:0:root:/root:/bin/bash\n"
	    "ann:secret:1000:1001:Ann Murphy,Room 5:/home/ann:/bin/sh\n"
	    "+::::::\nshort:x:1\n";
	struct fixture		 f = { .nfiles = 0 };
	struct map_source	 src = { .name = SPAN("system"),
	    .driver = SPAN("passwd"), .kind = SPAN("accounts"),
	    .path = "/etc/passwd", .problem = fixture_problem, .arg = &f };
	struct map		*m;
	struct map_answer	 a;

	(void)state;
	src.fd = fixture_fd(SPAN(text));
	m = map_open(&src);
	close(src.fd);
	assert_int_equal(map_get(m, SPAN("ann"), &a), MAP_FOUND);
	assert_int_equal(a.line, 2);
	assert_true(span_eq(a.value, SPAN("uid=1000\ngid=1001\n"
	    "name=Ann Murphy\nhome=/home/ann\nshell=/bin/sh")));
	assert_int_equal(map_get(m, SPAN("+"), &a), MAP_NONE);
	assert_int_equal(map_get(m, SPAN("short"), &a), MAP_BROKEN);
	assert_problem(&f, "0:4:1: a line of passwd(5) has seven fields");
	buf_clear(&f.problems);
	map_close(&m);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(access_answers_the_nearest_key),
		cmocka_unit_test(access_values_are_taken_apart),
		cmocka_unit_test(routes_ask_host_then_parents),
		cmocka_unit_test(routes_values_are_taken_apart),
		cmocka_unit_test(several_hosts_are_tried_in_their_order),
		cmocka_unit_test(virtusers_ask_the_exact_first),
		cmocka_unit_test(a_bare_user_of_generics_is_one_of_our_host),
		cmocka_unit_test(domains_have_one_spelling),
		cmocka_unit_test(mistakes_have_line_and_column),
		cmocka_unit_test(a_value_of_several_lines_is_one),
		cmocka_unit_test(a_bad_value_breaks_its_key_only),
		cmocka_unit_test(a_declared_table_says_what_it_was_given),
		cmocka_unit_test(passwd_gives_records_without_the_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
