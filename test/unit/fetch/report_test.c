/*
 * report_test.c - who wants reports, what is counted, what a report says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "mta/fetch/report_json.h"
#include "mta/fetch/report_keep.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define DAY	20779		/* 2026-11-22 */

/* --- the TXT record */

static void
a_record_names_places(void **state)
{
	static const struct { struct span txt; size_t n; const char *last; } rows[] = {
		{ S("v=TLSRPTv1;rua=mailto:a@b.example"), 1,
		  "mailto:a@b.example" },
		{ S("v=TLSRPTv1; rua=https://b.example/r ;"), 1,
		  "https://b.example/r" },
		{ S("v=TLSRPTv1 ; rua=mailto:a@b.example , https://c.example/"),
		  2, "https://c.example/" },
		{ S("v=TLSRPTv1;x-y.z=1;rua=mailto:a@b.example"), 1,
		  "mailto:a@b.example" },
		{ S("v=TLSRPTv1;rua=mailto:a@b.example,mailto:a@b.example"), 1,
		  "mailto:a@b.example" },
		{ S("v=TLSRPTv1;rua=ftp://b.example/,mailto:a@b.example"), 1,
		  "mailto:a@b.example" },
		{ S("v=TLSRPTv1;rua=mailto:1@a.b,mailto:2@a.b,mailto:3@a.b,"
		  "mailto:4@a.b,mailto:5@a.b"), REPORT_RUA_MAX,
		  "mailto:4@a.b" },
		{ S("v=TLSRPTv1;"), 0, NULL },
		{ S("v=TLSRPTv1"), 0, NULL },
		{ S("v=TLSRPTv2;rua=mailto:a@b.example"), 0, NULL },
		{ S("v=TLSRPTv10;rua=mailto:a@b.example"), 0, NULL },
		{ S("V=TLSRPTv1;rua=mailto:a@b.example"), 0, NULL },
		{ S("v=TLSRPTv1;rua=http://b.example/"), 0, NULL },
		{ S("v=TLSRPTv1;rua=https://"), 0, NULL },
		{ S("v=TLSRPTv1;rua=mailto:a b@c.example"), 0, NULL },
		{ S("v=TLSRPTv1;rua=mailto:a@b.example!10m"), 0, NULL },
		{ S("v=TLSRPTv1;;rua=mailto:a@b.example"), 0, NULL },
		{ S("v=TLSRPTv1;junk;rua=mailto:a@b.example"), 0, NULL },
		{ S("v=TLSRPTv1;rua=mailto:a@b.example;junk"), 0, NULL },
		{ S("v=TLSRPTv1;rua="), 0, NULL },
		{ S("v=TLSRPTv1;rua=https://b.example/\r\nX: y"), 0, NULL },
	};
	struct report_record	r;
	size_t			i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(report_record_find(&rows[i].txt, 1, &r),
		    rows[i].n > 0);
		assert_int_equal(r.n, rows[i].n);
		if (r.n > 0)
			assert_true(span_eq(r.rua[r.n - 1],
			    span_of(rows[i].last)));
	}
}

/* RFC 8460, 3: others are discarded; of two that are ours neither counts. */
static void
one_record_among_texts_is_ours(void **state)
{
	static const struct span	texts[] = {
		S("v=spf1 -all"), S("v=TLSRPTv1;rua=mailto:a@b.example"),
		S("google-site-verification=x"),
		S("v=TLSRPTv1;rua=mailto:c@b.example"),
	};
	struct report_record		r;

	(void)state;
	assert_true(report_record_find(texts, 3, &r));
	assert_false(report_record_find(texts, 4, &r));
	assert_false(report_record_find(texts, 1, &r));
	assert_false(report_record_find(texts, 0, &r));
}

static void
mailto_is_an_address(void **state)
{
	static const struct { struct span rua; const char *address; } rows[] = {
		{ S("mailto:a@B.example"), "a@b.example" },
		{ S("MAILTO:a%2Bb@c.example"), "a+b@c.example" },
		{ S("mailto:a@b.example?subject=x"), "a@b.example" },
		{ S("mailto:a%0D%0A@b.example"), NULL },
		{ S("mailto:a%2@b.example"), NULL },
		{ S("mailto:a@b.example%"), NULL },
		{ S("mailto:a@b.example%2Cc@d.example"), NULL },
		{ S("mailto:postmaster"), NULL },
		{ S("mailto:%22a%0D%0Ab%22@c.example"), NULL },
		{ S("mailto:%22a%5C%0Ab%22@c.example"), NULL },
		{ S("mailto:%22a%09b%22@c.example"), NULL },
		{ S("mailto:a%00@b.example"), NULL },
		{ S("mailto:%3Ca@b.example%3E"), NULL },
		{ S("mailto:a@b.example%3E%0D%0ABcc:%20c@d.example"), NULL },
		{ S("mailto:%C3%A4@b.example"), NULL },
		{ S("mailto:@c.example:a@b.example"), NULL },
		{ S("mailto:"), NULL },
		{ S("https://b.example/"), NULL },
	};
	struct arena	a = { 0 };
	struct span	got;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(report_mailto(rows[i].rua, &a, &got),
		    rows[i].address != NULL);
		if (rows[i].address != NULL)
			assert_true(span_eq(got, span_of(rows[i].address)));
	}
	arena_clear(&a);
}

/* --- days */

static void
days_are_those_of_utc(void **state)
{
	static const char *const	none[] = {
		"2026-02-29", "2026-13-01", "2026-00-10", "2026-1-01", "x",
		"", "1969-12-31", "2026-11-22 ", "2026-11-2x", "+026-11-22"
	};
	char				text[REPORT_DAY_TEXT];
	int64_t				day, d;
	size_t				i;

	(void)state;
	assert_int_equal(report_day_of(INT64_C(1795305600000)), DAY);
	assert_int_equal(report_day_of(INT64_C(1795305599999)), DAY - 1);
	assert_string_equal(report_day_text(DAY, text), "2026-11-22");
	for (d = 0; d < 60000; d += 13) {
		(void)report_day_text(d, text);
		assert_true(report_day_parse(span_of(text), &day));
		assert_int_equal(day, d);
	}
	for (i = 0; i < COUNT(none); i++)
		assert_false(report_day_parse(span_of(none[i]), &day));
}

/* --- counting */

static const struct span	sts[] = {
	S("version: STSv1"), S("mode: enforce"), S("mx: *.x.example"),
	S("max_age: 86400")
}, mx[] = { S("*.x.example") };

static const struct tlsrpt_result	good = {
	.policy = TLSRPT_STS, .domain = S("x.example"), .nstrings = 4,
	.strings = sts, .nmx = 1, .mx = mx
};
static const struct tlsrpt_result	expired = {
	.policy = TLSRPT_STS, .domain = S("x.example"), .nstrings = 4,
	.strings = sts, .nmx = 1, .mx = mx,
	.result = S("certificate-expired"), .host = S("mx1.x.example"),
	.reason = S("certificate has \"expired\""), .helo = S("mx1.x.example"),
	.source = { 4, { 192, 0, 2, 1 } },
	.target = { 4, { 198, 51, 100, 7 } }
};
static const struct tlsrpt_result	plain = {
	.policy = TLSRPT_NO_POLICY, .domain = S("y.example"),
	.result = S("starttls-not-supported"), .host = S("mx.y.example")
};

static struct report_day *
make(void)
{
	struct report_day	*d = report_day_new(DAY);
	struct tlsrpt_result	 odd = plain;

	d->seed = 42;
	assert_true(report_count(d, &good));
	assert_true(report_count(d, &good));
	assert_true(report_count(d, &expired));
	assert_true(report_count(d, &expired));
	assert_true(report_count(d, &expired));
	assert_true(report_count(d, &plain));
	odd.result = SPAN("not-of-the-rfc");
	assert_true(report_count(d, &odd));
	return d;
}

static void
sessions_add_up(void **state)
{
	struct report_day		*d = make();
	const struct report_domain	*o;

	(void)state;
	assert_true(d->changed);
	assert_int_equal(d->n, 2);
	assert_int_equal(d->sessions, 7);
	o = report_domain_find(d, SPAN("x.example"));
	assert_non_null(o);
	assert_int_equal(o->npolicies, 1);
	assert_int_equal(o->policies->good, 2);
	assert_int_equal(o->policies->bad, 3);
	assert_int_equal(o->policies->nfailures, 1);
	assert_int_equal(o->policies->failures->sessions, 3);
	o = report_domain_find(d, SPAN("y.example"));
	assert_int_equal(o->policies->bad, 2);
	assert_int_equal(o->policies->nfailures, 2);
	assert_true(span_eq(o->policies->failures->next->result,
	    SPAN("validation-failure")));
	assert_null(report_domain_find(d, SPAN("z.example")));
	report_day_free(&d);
	assert_null(d);
}

static void
what_a_stranger_can_make_grow_is_bounded(void **state)
{
	struct report_day	*d = report_day_new(DAY);
	struct tlsrpt_result	 r = plain;
	struct report_domain	*o;
	char			 text[32];
	unsigned		 i;

	(void)state;
	for (i = 0; i < REPORT_FAILURES_MAX + 10; i++) {
		snprintf(text, sizeof(text), "reason %u", i);
		r.reason = span_of(text);
		assert_true(report_count(d, &r));
	}
	o = report_domain_find(d, SPAN("y.example"));
	assert_int_equal(o->policies->nfailures, REPORT_FAILURES_MAX);
	assert_int_equal(o->policies->bad, REPORT_FAILURES_MAX + 10);
	for (i = 0; i < REPORT_POLICIES_MAX + 5; i++) {
		struct span	string = span_of(text);

		snprintf(text, sizeof(text), "3 1 1 %u", i);
		r = (struct tlsrpt_result){ .policy = TLSRPT_TLSA,
		    .domain = SPAN("y.example"), .nstrings = 1,
		    .strings = &string };
		string = span_of(text);
		(void)report_count(d, &r);
	}
	assert_int_equal(o->npolicies, REPORT_POLICIES_MAX);
	assert_int_equal(d->left_out, 6);
	for (i = 0; i < REPORT_DOMAINS_MAX + 5; i++) {
		snprintf(text, sizeof(text), "d%u.example", i);
		r = plain;
		r.domain = span_of(text);
		(void)report_count(d, &r);
	}
	assert_int_equal(d->n, REPORT_DOMAINS_MAX);
	assert_int_equal(d->left_out, 6 + 6);
	assert_true(d->arena.total <= REPORT_OCTETS_MAX);
	report_day_free(&d);
}

static void
octets_are_bounded_before_domains(void **state)
{
	static char		 many[TLSRPT_STRING_MAX];
	struct span		 strings[TLSRPT_STRINGS_MAX];
	struct tlsrpt_result	 r = { .policy = TLSRPT_STS,
		.nstrings = TLSRPT_STRINGS_MAX, .strings = strings };
	struct report_day	*d = report_day_new(DAY);
	char			 text[32];
	unsigned		 i;

	(void)state;
	memset(many, 'a', sizeof(many));
	for (i = 0; i < TLSRPT_STRINGS_MAX; i++)
		strings[i] = span_mem(many, sizeof(many));
	for (i = 0; i < 4000; i++) {
		snprintf(text, sizeof(text), "d%u.example", i);
		r.domain = span_of(text);
		(void)report_count(d, &r);
	}
	assert_true(d->left_out > 0);
	assert_true(d->arena.total <= REPORT_OCTETS_MAX);
	report_day_free(&d);
}

/* --- the report */

static const struct report_author	author = {
	.organization = S("Murphy & Sons"),
	.contact = S("tls@murphy.example"), .from = S("noreply@murphy.example")
};

static void
a_report_is_as_the_rfc_has_it(void **state)
{
	static const char	wanted[] =
	    "{\"organization-name\":\"Murphy & Sons\",\"date-range\":{"
	    "\"start-datetime\":\"2026-11-22T00:00:00Z\","
	    "\"end-datetime\":\"2026-11-22T23:59:59Z\"},"
	    "\"contact-info\":\"tls@murphy.example\","
	    "\"report-id\":\"20261122.%s@murphy.example\","
	    "\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
	    "\"policy-string\":[\"version: STSv1\",\"mode: enforce\","
	    "\"mx: *.x.example\",\"max_age: 86400\"],"
	    "\"policy-domain\":\"x.example\",\"mx-host\":[\"*.x.example\"]},"
	    "\"summary\":{\"total-successful-session-count\":2,"
	    "\"total-failure-session-count\":3},\"failure-details\":[{"
	    "\"result-type\":\"certificate-expired\","
	    "\"sending-mta-ip\":\"192.0.2.1\","
	    "\"receiving-mx-hostname\":\"mx1.x.example\","
	    "\"receiving-mx-helo\":\"mx1.x.example\","
	    "\"receiving-ip\":\"198.51.100.7\",\"failed-session-count\":3,"
	    "\"failure-reason-code\":\"certificate has \\\"expired\\\"\"}]}]}";
	struct report_day	*d = make();
	const struct report_domain *o = report_domain_find(d,
				    SPAN("x.example"));
	char			 id[REPORT_ID_TEXT], again[REPORT_ID_TEXT];
	char			 text[2048];
	struct buf		 b = { 0 };

	(void)state;
	report_json(d, o, &author, &b);
	(void)report_id(d, o, id);
	snprintf(text, sizeof(text), wanted, id + 9);
	assert_string_equal(buf_cstr(&b), text);
	assert_string_equal(report_id(d, o, again), id);
	assert_string_not_equal(report_id(d, d->last, again), id);
	buf_clear(&b);
	report_day_free(&d);
}

static void
gzip_is_read_by_zlib(void **state)
{
	struct buf	in = { 0 }, zipped = { 0 };
	z_stream	z = { 0 };
	char		out[8192];
	unsigned	i;

	(void)state;
	for (i = 0; i < 400; i++)
		buf_addf(&in, "line %u\n", i);
	assert_true(report_gzip(buf_span(&in), &zipped));
	assert_true(zipped.n < in.n);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)zipped.base + zipped.off;
	z.avail_in = (uInt)zipped.n;
	z.next_out = (Bytef *)out;
	z.avail_out = sizeof(out);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_true(span_eq(span_mem(out, z.total_out), buf_span(&in)));
	(void)inflateEnd(&z);
	buf_clear(&in);
	buf_clear(&zipped);
}

static void
has(struct buf *b, const char *line)
{
	if (strstr(buf_cstr(b), line) == NULL)
		fail_msg("'%s' is not in:\n%s", line, buf_cstr(b));
}

static void
a_mail_has_the_fields_of_the_rfc(void **state)
{
	struct report_day	*d = make();
	const struct report_domain *o = report_domain_find(d,
				    SPAN("x.example"));
	struct buf		 b = { 0 };
	char			 line[200], id[REPORT_ID_TEXT];
	struct span		 rest;
	ptrdiff_t		 at;

	(void)state;
	report_mail(d, o, &author, SPAN("r@x.example"),
	    INT64_C(1795312800000), SPAN("0123456789012345678901234567890123456"
	    "7890123456789012345678901234567"), &b);
	(void)report_id(d, o, id);
	has(&b, "From: <noreply@murphy.example>\r\n");
	has(&b, "\r\nTo: <r@x.example>\r\n");
	has(&b, "\r\nTLS-Report-Domain: x.example\r\n");
	has(&b, "\r\nTLS-Report-Submitter: murphy.example\r\n");
	has(&b, "\r\nTLS-Required: No\r\n");
	has(&b, "multipart/report; report-type=\"tlsrpt\"");
	has(&b, "\r\nContent-Type: application/tlsrpt+gzip\r\n");
	snprintf(line, sizeof(line), "Report-ID: <%s@murphy.example>\r\n", id);
	has(&b, line);
	snprintf(line, sizeof(line), "filename=\"murphy.example!x.example!"
	    "1795305600!1795391999!%s.json.gz\"", id + 9);
	has(&b, line);
	has(&b, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"
	    "NTY3ODkwMTIzNDU2\r\nNzg5MDEyMzQ1Njc=\r\n");
	for (rest = buf_span(&b); (at = span_index(rest, '\n')) >= 0;
	    rest = span_from(rest, (size_t)at + 1)) {
		assert_true(at <= 998);
		assert_true(at > 0 && rest.p[at - 1] == '\r');
	}
	assert_int_equal(rest.n, 0);
	buf_clear(&b);
	report_day_free(&d);
}

/* --- kept */

static void
what_was_kept_is_what_there_was(void **state)
{
	struct report_day	*d = make(), *again;
	struct report_domain	*o = report_domain_find(d, SPAN("x.example"));
	struct buf		 one = { 0 }, two = { 0 };

	(void)state;
	o->sending.due_s = 1795400000;
	o->sending.first_s = 1795399000;
	o->sending.tries = 2;
	report_sent(d, o, SPAN("https://x.example/r"));
	report_sent(d, o, SPAN("https://x.example/r"));
	d->last->sending.done = true;
	report_keep(d, &one);
	again = report_kept(buf_span(&one));
	assert_non_null(again);
	assert_false(again->changed);
	assert_int_equal(again->seed, 42);
	o = report_domain_find(again, SPAN("x.example"));
	assert_true(report_was_sent(o, SPAN("https://x.example/r")));
	assert_false(report_was_sent(o, SPAN("https://x.example/")));
	assert_int_equal(o->sending.nsent, 1);
	assert_int_equal(o->sending.tries, 2);
	report_keep(again, &two);
	assert_string_equal(buf_cstr(&one), buf_cstr(&two));
	buf_clear(&one);
	buf_clear(&two);
	report_day_free(&d);
	report_day_free(&again);
}

static void
what_is_no_such_file_is_none(void **state)
{
	static const struct span	rows[] = {
		S(""), S("{"), S("[]"), S("{}"), S("{\"version\":2,\"day\":1}"),
		S("{\"version\":1,\"day\":-1}"), S("{\"version\":1}"),
		S("{\"version\":1,\"day\":99999999999}"),
		S("{\"version\":1,\"day\":7} x"),
	};
	struct report_day		*d;
	size_t				 i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_null(report_kept(rows[i]));
	d = report_kept(SPAN("{\"version\":1,\"day\":7,\"domains\":[1,{},"
	    "{\"name\":\"a.example\",\"policies\":[7,{\"type\":9},{\"type\":0,"
	    "\"good\":-1,\"failures\":[{\"sessions\":1}]}]},"
	    "{\"name\":\"a.example\"}]}"));
	assert_non_null(d);
	assert_int_equal(d->n, 1);
	assert_int_equal(d->first->npolicies, 1);
	assert_int_equal(d->first->policies->good, 0);
	report_day_free(&d);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_record_names_places),
		cmocka_unit_test(one_record_among_texts_is_ours),
		cmocka_unit_test(mailto_is_an_address),
		cmocka_unit_test(days_are_those_of_utc),
		cmocka_unit_test(sessions_add_up),
		cmocka_unit_test(what_a_stranger_can_make_grow_is_bounded),
		cmocka_unit_test(octets_are_bounded_before_domains),
		cmocka_unit_test(a_report_is_as_the_rfc_has_it),
		cmocka_unit_test(gzip_is_read_by_zlib),
		cmocka_unit_test(a_mail_has_the_fields_of_the_rfc),
		cmocka_unit_test(what_was_kept_is_what_there_was),
		cmocka_unit_test(what_is_no_such_file_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
