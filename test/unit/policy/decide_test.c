/*
 * decide_test.c - hooks, the dry run of route behind an accept, names by DNS
 * that come later, and replies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "test/unit/policy/family.h"

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static const struct span	aliases[] = {
	SPAN("shut"), SPAN("x@shut.example"),
};
static const struct family	plain = { .aliases = aliases, .naliases = 1 };
static const struct family	with_dns = { .aliases = aliases, .naliases = 1,
				    .with_dns = true };

static void
facts_for(struct policy_facts *f, const char *rcpt)
{
	*f = (struct policy_facts){ .rcpt = span_of(rcpt) };
	f->rcpt_at = rs_address(f->rcpt).at;
	assert_true(ip_parse(SPAN("203.0.113.9"), &f->client_ip));
}

static void
count(void *arg, struct decision *d)
{
	assert_true(decision_done(d));
	++*(unsigned *)arg;
}

static void
each_verdict(void **state)
{
	static const struct {
		const char	*rcpt;
		unsigned	 kind, code;
		const char	*status;
		uint32_t	 line;
		bool		 by_route;
	} cases[] = {
		{ "tim@murphy.example", RS_V_ACCEPT, 0, "", 14, false },
		{ "tim+x@murphy.example", RS_V_ACCEPT, 0, "", 14, false },
		{ "x@far.example", RS_V_REJECT, 550, "5.7.1", 12, false },
		{ "no@murphy.example", RS_V_REJECT, 550, "5.1.1", 13, false },
		/* Accepted by on rcpt, refused by route. */
		{ "x@shut.example", RS_V_REJECT, 550, "5.1.2", 20, true },
		{ "shut@murphy.example", RS_V_REJECT, 550, "5.1.2", 20, true },
	};
	struct policy		*p = family_open(&plain, NULL);
	struct policy_facts	 f;
	const struct rs_verdict	*v;
	struct decision		*d;
	unsigned		 called = 0;
	size_t			 i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		facts_for(&f, cases[i].rcpt);
		d = policy_decide(p, RS_HOOK_RCPT, &f, NULL, count, &called);
		assert_int_equal(called, i + 1);
		v = decision_verdict(d);
		assert_int_equal(v->kind, cases[i].kind);
		assert_int_equal(v->code, cases[i].code);
		assert_true(span_eq(v->status, span_of(cases[i].status)));
		assert_int_equal(decision_line(d), cases[i].line);
		assert_int_equal(decision_by_route(d), cases[i].by_route);
		decision_free(&d);
	}
	policy_unref(&p);
}

/* `on rcpt` that ends without a verdict refuses: closed by default. */
static void
a_block_that_ends_is_closed(void **state)
{
	struct family		 f1 = plain;
	struct policy		*p;
	struct policy_facts	 f;
	const struct rs_verdict	*v;
	struct decision		*d;

	(void)state;
	f1.ends = true;
	p = family_open(&f1, NULL);
	facts_for(&f, "tim@murphy.example");
	d = policy_decide(p, RS_HOOK_RCPT, &f, NULL, NULL, NULL);
	v = decision_verdict(d);
	assert_int_equal(v->kind, RS_V_REJECT);
	assert_int_equal(v->code, 550);
	assert_true(span_eq(v->status, SPAN("5.7.1")));
	decision_free(&d);
	policy_unref(&p);
}

/* A hook that is not there has no verdict. */
static void
hooks_that_are_not_there(void **state)
{
	struct policy		*p = family_open(&plain, NULL);
	struct policy_facts	 f;
	struct decision		*d;

	(void)state;
	facts_for(&f, "tim@murphy.example");
	d = policy_decide(p, RS_HOOK_CONNECT, &f, NULL, NULL, NULL);
	assert_true(decision_done(d));
	assert_int_equal(decision_verdict(d)->kind, RS_V_END);
	assert_int_equal(decision_line(d), 0);
	decision_free(&d);
	policy_unref(&p);
}

static void
a_table_that_fails_defers(void **state)
{
	struct policy		*p = family_open(&plain, NULL);
	struct policy_facts	 f;
	struct decision		*d;

	(void)state;
	policy_map_failing(p, FAMILY_USERS);
	facts_for(&f, "tim@murphy.example");
	d = policy_decide(p, RS_HOOK_RCPT, &f, NULL, NULL, NULL);
	assert_int_equal(decision_verdict(d)->kind, RS_V_DEFER);
	assert_int_equal(decision_verdict(d)->code, 451);
	assert_true(decision_verdict(d)->cannot);
	decision_free(&d);
	policy_unref(&p);
}

/* RFC 5321, 4.5.1. */
static void
postmaster_is_always_reachable(void **state)
{
	struct family		 f1 = plain;
	struct policy		*p = family_open(&f1, NULL);
	struct policy_facts	 f;
	struct decision		*d;

	(void)state;
	facts_for(&f, "Postmaster");
	d = policy_decide(p, RS_HOOK_RCPT, &f, NULL, NULL, NULL);
	assert_int_equal(decision_verdict(d)->kind, RS_V_ACCEPT);
	assert_int_equal(decision_line(d), 0);
	decision_free(&d);
	policy_unref(&p);
	/* Elsewhere too, where the policy names him. */
	f1.postmaster = "ann@far.example";
	p = family_open(&f1, NULL);
	d = policy_decide(p, RS_HOOK_RCPT, &f, NULL, NULL, NULL);
	assert_int_equal(decision_verdict(d)->kind, RS_V_ACCEPT);
	assert_int_equal(decision_line(d), 0);
	decision_free(&d);
	policy_unref(&p);
	f1.postmaster = "ann@murphy.example";
	p = family_open(&f1, NULL);
	d = policy_decide(p, RS_HOOK_RCPT, &f, NULL, NULL, NULL);
	assert_int_equal(decision_verdict(d)->kind, RS_V_ACCEPT);
	decision_free(&d);
	policy_unref(&p);
}

/* --- DNS */

static void
names_come_later(void **state)
{
	struct family_dns	 dns = { .ptr = "friend.example",
				    .address = "203.0.113.9" };
	struct policy		*p = family_open(&with_dns, &dns);
	struct policy_facts	 f;
	struct rs_value		 v;
	struct decision		*d;
	unsigned		 called = 0, i;

	(void)state;
	facts_for(&f, "x@far.example");
	f.names = policy_names_new();
	v = policy_fact_get(p, &f, RS_FACT_CLIENT_VERIFIED_NAME);
	assert_int_equal(v.type, RS_T_UNKNOWN);
	for (i = 0; i < 2; i++) {	/* the second time it is known */
		d = policy_decide(p, RS_HOOK_RCPT, &f, NULL, count, &called);
		assert_int_equal(decision_done(d), i == 1);
		while (family_dns_answer(&dns))
			continue;
		assert_int_equal(called, i + 1);
		assert_int_equal(decision_verdict(d)->kind, RS_V_ACCEPT);
		assert_int_equal(decision_line(d), 10);
		decision_free(&d);
	}
	assert_int_equal(dns.asked, 2);
	assert_string_equal(dns.q[0].name, "9.113.0.203.in-addr.arpa");
	assert_string_equal(dns.q[1].name, "friend.example");
	v = policy_fact_get(p, &f, RS_FACT_CLIENT_VERIFIED_NAME);
	assert_int_equal(v.type, RS_T_DOMAIN);
	policy_names_free(&f.names);
	policy_unref(&p);
}

/* A name that does not lead back proves nothing; who cannot say, defers. */
static void
names_that_are_none(void **state)
{
	static const struct {
		const char	*ptr, *address;
		bool		 failing;
		uint32_t	 line;
		unsigned	 kind;
	} cases[] = {
		{ "friend.example", "198.51.100.1", false, 12, RS_V_REJECT },
		{ "friend.example", NULL, false, 12, RS_V_REJECT },
		{ NULL, NULL, false, 12, RS_V_REJECT },
		{ "not a name", "203.0.113.9", false, 12, RS_V_REJECT },
		{ NULL, NULL, true, 10, RS_V_DEFER },
	};
	struct policy_facts	 f;
	struct policy		*p;
	struct decision		*d;
	size_t			 i;

	(void)state;
	for (i = 0; i < 2 * COUNT(cases); i++) {
		struct family_dns	dns = { .at_once = i & 1 };

		dns.ptr = cases[i / 2].ptr;
		dns.address = cases[i / 2].address;
		dns.failing = cases[i / 2].failing;
		p = family_open(&with_dns, &dns);
		facts_for(&f, "x@far.example");
		f.names = policy_names_new();
		d = policy_decide(p, RS_HOOK_RCPT, &f, NULL, NULL, NULL);
		assert_int_equal(decision_done(d), i & 1);
		while (family_dns_answer(&dns))
			continue;
		assert_true(decision_done(d));
		assert_int_equal(decision_verdict(d)->kind, cases[i / 2].kind);
		assert_int_equal(decision_line(d), cases[i / 2].line);
		decision_free(&d);
		policy_names_free(&f.names);
		policy_unref(&p);
	}
}

/* A session that ends while it waits. */
static void
given_up(void **state)
{
	struct family_dns	 dns = { .ptr = "friend.example" };
	struct policy		*p = family_open(&with_dns, &dns);
	struct policy_facts	 f;
	struct decision		*d;
	unsigned		 called = 0;

	(void)state;
	facts_for(&f, "x@far.example");
	f.names = policy_names_new();
	d = policy_decide(p, RS_HOOK_RCPT, &f, NULL, count, &called);
	assert_false(decision_done(d));
	policy_unref(&p);		/* a reload: the decision holds it */
	decision_free(&d);
	policy_names_free(&f.names);
	assert_int_equal(dns.cancelled, 1);
	assert_false(family_dns_answer(&dns));
	assert_int_equal(called, 0);
}

static void
free_it(void *arg, struct decision *d)
{
	++*(unsigned *)arg;
	decision_free(&d);
}

/* The callback may free the decision, at once and later. */
static void
freed_by_who_is_told(void **state)
{
	struct family_dns	 dns = { .ptr = "friend.example" };
	struct policy		*p = family_open(&with_dns, &dns);
	struct policy_facts	 f;
	unsigned		 called = 0;

	(void)state;
	facts_for(&f, "x@far.example");
	assert_null(policy_decide(p, RS_HOOK_CONNECT, &f, NULL, free_it,
	    &called));
	f.names = policy_names_new();
	assert_non_null(policy_decide(p, RS_HOOK_RCPT, &f, NULL, free_it,
	    &called));
	while (family_dns_answer(&dns))
		continue;
	assert_int_equal(called, 2);
	policy_names_free(&f.names);
	policy_unref(&p);
}

/* --- frozen facts */

static void
facts_come_back(void **state)
{
	struct policy		*p = family_open(&with_dns, NULL);
	struct policy_facts	 f, g = { .now_ms = 0 };
	static const unsigned	 which[] = {
		RS_FACT_CLIENT_IP, RS_FACT_CLIENT_PORT, RS_FACT_LISTENER,
		RS_FACT_CLIENT_HELO, RS_FACT_CLIENT_AUTHENTICATED,
		RS_FACT_CLIENT_USER, RS_FACT_SENDER, RS_FACT_MESSAGE_SIZE,
		RS_FACT_CLIENT_NAME, RS_FACT_TIME_HOUR, RS_FACT_TIME_MINUTE,
		RS_FACT_TIME_WEEKDAY, RS_FACT_TLS_VERSION, RS_FACT_TLS_CIPHER,
		RS_FACT_TLS_VERIFIED, RS_FACT_CLIENT_CERTIFICATE
	};
	struct rs_value		 v, w;
	size_t			 i;

	(void)state;
	facts_for(&f, "x@far.example");
	f.client_port = 4711;
	f.listener = SPAN("smtp");
	f.helo = SPAN("h.example");
	f.authenticated = true;
	f.user = SPAN("colin");
	f.sender = SPAN("a@b.example");
	f.sender_at = 1;
	f.size = 12345;
	f.now_ms = INT64_C(1767601800000);	/* Mon 2026-01-05 08:30 */
	f.tls_version = SPAN("TLSv1.3");
	f.tls_cipher = SPAN("TLS_AES_256_GCM_SHA384");
	f.tls_verified = true;
	f.certificate = SPAN("web7.b.example");
	f.names = policy_names_new();
	g.names = policy_names_new();
	policy_names_set(f.names, SPAN("n.example"), SPAN_NONE);
	for (i = 0; i < COUNT(which); i++) {
		v = policy_fact_get(p, &f, which[i]);
		policy_fact_set(p, &g, which[i], &v);
		w = policy_fact_get(p, &g, which[i]);
		assert_int_equal(v.type, w.type);
		assert_int_equal(rs_compare(&v, &w), 0);
	}
	v = policy_fact_get(p, &g, RS_FACT_TIME_WEEKDAY);
	assert_int_equal(v.i, 1);
	v = policy_fact_get(p, &g, RS_FACT_TIME_HOUR);
	assert_int_equal(v.i, 8);
	v = policy_fact_get(p, &g, RS_FACT_CLIENT_VERIFIED_NAME);
	assert_int_equal(v.type, RS_T_NONE);
	policy_names_free(&f.names);
	policy_names_free(&g.names);
	policy_unref(&p);
}

/* --- replies */

static void
replies(void **state)
{
	static const struct {
		struct rs_verdict	 v;
		unsigned		 code;
		const char		*status, *text;
	} cases[] = {
		{ { .kind = RS_V_ACCEPT }, 250, "2.0.0", "ok" },
		{ { .kind = RS_V_REJECT }, 550, "5.7.1", "refused by policy" },
		{ { .kind = RS_V_REJECT, .code = 550,
		    .status = { "5.1.1", 5 } }, 550, "5.1.1",
		    "no such recipient" },
		{ { .kind = RS_V_DEFER, .cannot = true, .code = 451 }, 451,
		    "4.3.0",
		    "this cannot be found out just now, try again later" },
		{ { .kind = RS_V_REJECT, .code = 554,
		    .text = { "a\r\nb\x01\xff\0c", 8 } }, 554, "5.7.1",
		    "a  b???c" },
		{ { .kind = RS_V_REJECT, .code = 450,
		    .status = { "5.7.1", 5 } }, 450, "4.0.0",
		    "refused by policy for now, try again later" },
		{ { .kind = RS_V_MOVED, .code = 551, .status = { "5.1.6", 5 },
		    .value = { .type = RS_T_ADDRESS,
		    .s = { "a@b.example", 11 } } }, 551, "5.1.6",
		    "please try <a@b.example>" },
	};
	struct arena	ar = { 0 };
	struct span	status, text;
	unsigned	code;
	size_t		i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		policy_reply(&cases[i].v, &ar, &code, &status, &text);
		assert_int_equal(code, cases[i].code);
		assert_true(span_eq(status, span_of(cases[i].status)));
		assert_int_equal(text.n, strlen(cases[i].text));
		assert_memory_equal(text.p, cases[i].text, text.n);
	}
	arena_clear(&ar);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_verdict),
		cmocka_unit_test(a_block_that_ends_is_closed),
		cmocka_unit_test(hooks_that_are_not_there),
		cmocka_unit_test(a_table_that_fails_defers),
		cmocka_unit_test(postmaster_is_always_reachable),
		cmocka_unit_test(names_come_later),
		cmocka_unit_test(names_that_are_none),
		cmocka_unit_test(given_up),
		cmocka_unit_test(freed_by_who_is_told),
		cmocka_unit_test(facts_come_back),
		cmocka_unit_test(replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
