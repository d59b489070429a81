/*
 * tls_report_test.c - what relay tells of a session, by what is known of its host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/loop.h"
#include "mta/msg/msg.h"
#include "mta/msg/tlsrpt.h"
#include "mta/relay/tls_report.h"
#include "mta/spool/envelope.h"

#include "test/unit/base/run_loop.h"

static struct chan	*relay_end, *fetch_end;
static struct buf	 told;		/* as one line */

static void
put_texts(const struct span *texts, size_t n)
{
	size_t	i;

	buf_add_char(&told, '[');
	for (i = 0; i < n; i++)
		buf_addf(&told, "%s%.*s", i == 0 ? "" : "|",
		    SPAN_ARG(texts[i]));
	buf_add_char(&told, ']');
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	struct tlsrpt_result	r;
	struct arena		a = { 0 };

	(void)c;
	(void)arg;
	assert_int_equal(m->type, MSG_TLS_RESULT);
	assert_true(tlsrpt_read(m, &a, &r));
	buf_addf(&told, "%s %.*s %.*s ", tlsrpt_policy_name(r.policy),
	    SPAN_ARG(r.domain), SPAN_ARG(r.policy_domain));
	put_texts(r.strings, r.nstrings);
	put_texts(r.mx, r.nmx);
	buf_addf(&told, " %.*s %.*s: %.*s", SPAN_ARG(r.host),
	    SPAN_ARG(r.result), SPAN_ARG(r.reason));
	arena_clear(&a);
	loop_stop();
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	(void)c;
	*(struct chan **)arg = NULL;
	loop_stop();
}

static struct chan *
to_fetch(void *arg)
{
	(void)arg;
	return relay_end;
}

static int
open_ends(void **state)
{
	static const struct chan_ops	ops = { on_message, on_closed };
	int				fds[2];

	(void)state;
	loop_init();
	chan_pair(fds);
	relay_end = chan_new(fds[0], "fetch", &ops, &relay_end);
	fetch_end = chan_new(fds[1], "relay", &ops, &fetch_end);
	tls_report_to(to_fetch, NULL);
	return 0;
}

static int
close_ends(void **state)
{
	(void)state;
	chan_free(&relay_end);
	chan_free(&fetch_end);
	buf_clear(&told);
	loop_clear();
	return 0;
}

static const struct tls_tlsa	tlsa[2] = {
	{ 3, 1, 1, { "\1\2\3", 3 } }, { 2, 0, 1, { "\377", 1 } }
};

static struct hop_tls
facts(enum level_dane dane, enum level_sts sts)
{
	struct hop_tls	t = { .word = RELAY_TLS_OPPORTUNISTIC,
		.dane = dane, .sts = sts, .sni = "mx.y", .host = "mx.y",
		.tlsa_at = "", .domain = "y", .sts_text = "version: STSv1\r\n"
		"mode: enforce\r\nmx: *.y\r\n\r\nmx: other\r\nmax_age: 9\r\n" };

	if (dane == LEVEL_DANE_RECORDS) {
		t.ntlsa = 2;
		t.tlsa[0] = tlsa[0];
		t.tlsa[1] = tlsa[1];
		t.domain = "mx.y";
	}
	return t;
}

static const struct {
	const char		*hop;
	uint32_t		 flags;
	enum level_dane		 dane;
	enum level_sts		 sts;
	enum tls_class		 trouble, class;
	bool			 no_dane;
	const char		*wanted;	/* NULL: nothing is told */
} rows[] = {
	{ "mx:y", 0, LEVEL_DANE_NONE, LEVEL_STS_NONE, 0, TLS_CLASS_NONE, false,
	  "no-policy-found y  [][] mx.y : " },
	{ "mx:y", 0, LEVEL_DANE_NONE, LEVEL_STS_NONE, 0,
	  TLS_CLASS_STARTTLS_MISSING, false,
	  "no-policy-found y  [][] mx.y starttls-not-supported: why" },
	{ "mx:y:2525?via=out", 0, LEVEL_DANE_RECORDS, LEVEL_STS_ENFORCE, 0,
	  TLS_CLASS_NONE, false,
	  "tlsa y mx.y [3 1 1 010203|2 0 1 ff][] mx.y : " },
	{ "mx:y", 0, LEVEL_DANE_RECORDS, LEVEL_STS_ENFORCE, 0,
	  TLS_CLASS_EXPIRED, true, "sts y mx.y [version: STSv1|mode: enforce|"
	  "mx: *.y|mx: other|max_age: 9][*.y|other] mx.y "
	  "certificate-expired: why" },
	{ "mx:y", 0, LEVEL_DANE_FAILING, LEVEL_STS_NONE, 0,
	  TLS_CLASS_DNSSEC_INVALID, false,
	  "tlsa y y [][] mx.y dnssec-invalid: why" },
	{ "mx:y", 0, LEVEL_DANE_CANNOT_SAY, LEVEL_STS_NONE, 0, TLS_CLASS_NONE,
	  false, "no-policy-found y  [][] mx.y : " },
	/* A policy that is promised and cannot be had. */
	{ "mx:y", 0, LEVEL_DANE_NONE, LEVEL_STS_NONE,
	  TLS_CLASS_STS_FETCH_ERROR, TLS_CLASS_NONE, false,
	  "sts y y [version: STSv1|mode: enforce|mx: *.y|mx: other|max_age: 9]"
	  "[*.y|other] mx.y sts-policy-fetch-error: why" },
	/* A smart host with and without something of its own. */
	{ "relay:hub", 0, LEVEL_DANE_RECORDS, LEVEL_STS_NONE, 0,
	  TLS_CLASS_NONE, false,
	  "tlsa mx.y mx.y [3 1 1 010203|2 0 1 ff][] mx.y : " },
	{ "relay:hub", 0, LEVEL_DANE_NONE, LEVEL_STS_NONE, 0, TLS_CLASS_NONE,
	  false, NULL },
	{ "mx:[192.0.2.1]", 0, LEVEL_DANE_NONE, LEVEL_STS_NONE, 0,
	  TLS_CLASS_NONE, false, NULL },
	/* No report is due to a report. */
	{ "mx:y", ENV_TLS_NOT_REQUIRED, LEVEL_DANE_RECORDS, LEVEL_STS_NONE, 0,
	  TLS_CLASS_EXPIRED, false, NULL },
};

static void
tell(size_t i)
{
	struct hop_tls		t = facts(rows[i].dane, rows[i].sts);
	struct hop_addr		a = { .ip = { 4, { 192, 0, 2, 1 } },
				    .port = 25, .name = "mx.y" };
	struct tls_report	r = {
		.hop = span_of(rows[i].hop), .flags = rows[i].flags,
		.facts = &t, .addr = &a, .class = rows[i].class, .why = "why"
	};

	t.no_dane = rows[i].no_dane;
	t.sts_trouble = rows[i].trouble;
	tls_report(&r);
}

static void
each_session_is_told_with_the_policy_that_held(void **state)
{
	size_t	i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&told);
		tell(i);
		if (rows[i].wanted == NULL)
			tell(0);	/* that is the first to come */
		run_loop();
		assert_string_equal(buf_cstr(&told), rows[i].wanted == NULL ?
		    rows[0].wanted : rows[i].wanted);
	}
}

static void
without_fetch_nothing_is_told(void **state)
{
	(void)state;
	chan_free(&relay_end);
	tell(0);
	run_loop();
	assert_int_equal(told.n, 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(
		    each_session_is_told_with_the_policy_that_held, open_ends,
		    close_ends),
		cmocka_unit_test_setup_teardown(without_fetch_nothing_is_told,
		    open_ends, close_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
