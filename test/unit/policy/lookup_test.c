/*
 * lookup_test.c - rules that only DNS can answer: `listed by`, `spf`,
 * `resolves`; at once and later, once for a session, and what cannot be said.
 *
 *	dnslist zen = "zen.example" codes 127.0.0.2-127.0.0.11
 *	on connect { client.ip listed by zen => reject 554 5.7.1 "listed" }
 *	on helo {
 *	    client.helo listed by zen => reject 554 5.7.1 "listed"
 *	    not client.helo resolves => reject 550 5.7.1 "no such host"
 *	}
 *	on mail {
 *	    spf fail => reject 550 5.7.23
 *	    not sender.domain resolves => reject 550 5.1.8
 *	}
 *	on data { client.ip not listed by zen => discard }
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ruleset/build.h"
#include "test/unit/policy/played_dns.h"

#define CLIENT_IN_ZEN	"9.113.0.203.zen.example"

struct maker {
	struct rs_build	*b;
	uint32_t	 zen;
};

static void
hook(struct maker *m, enum rs_hook h)
{
	rs_build_func(m->b, span_of(rs_hook_names[h]), RS_FUNC_HOOK, h, NULL,
	    0, RS_T_NONE);
}

static void
hook_end(struct maker *m)
{
	rs_build_emit(m->b, RS_END, 0, 0, 0, 0);
	rs_build_func_end(m->b);
}

static void
rule(struct maker *m, uint32_t line)
{
	rs_build_emit(m->b, RS_RULE, 0, 0, rs_build_rule(m->b, 0, line,
	    SPAN("a rule")), line);
}

/* Register 0 holds: reject. */
static void
reject_if(struct maker *m, unsigned code, const char *status, uint32_t line)
{
	struct rs_value	none = rs_text(RS_T_TEXT, SPAN(""));
	uint32_t	test;

	test = rs_build_emit(m->b, RS_TEST, 0, 0, 0, line);
	rs_build_emit(m->b, RS_LOAD, 0, 0, rs_build_const(m->b, &none), line);
	rs_build_emit(m->b, RS_REJECT, 0, 0, rs_build_reply(m->b, code,
	    span_of(status)), line);
	rs_build_land(m->b, test);
}

static void
on_connect(struct maker *m)
{
	hook(m, RS_HOOK_CONNECT);
	rule(m, 10);
	rs_build_emit(m->b, RS_FACT, 0, RS_FACT_CLIENT_IP, 0, 10);
	rs_build_emit(m->b, RS_LISTED, 0, 0, m->zen, 10);
	reject_if(m, 554, "5.7.1", 10);
	hook_end(m);
}

static void
on_helo(struct maker *m)
{
	hook(m, RS_HOOK_HELO);
	rule(m, 11);
	rs_build_emit(m->b, RS_FACT, 0, RS_FACT_CLIENT_HELO, 0, 11);
	rs_build_emit(m->b, RS_LISTED, 0, 0, m->zen, 11);
	reject_if(m, 554, "5.7.1", 11);
	rule(m, 12);
	rs_build_emit(m->b, RS_FACT, 0, RS_FACT_CLIENT_HELO, 0, 12);
	rs_build_emit(m->b, RS_RESOLVES, 0, 0, 0, 12);
	rs_build_emit(m->b, RS_NOT, 0, 0, 0, 12);
	reject_if(m, 550, "5.7.1", 12);
	hook_end(m);
}

static void
on_mail(struct maker *m)
{
	struct rs_value	fail = rs_text(RS_T_TEXT, SPAN("fail"));

	hook(m, RS_HOOK_MAIL);
	rule(m, 13);
	rs_build_emit(m->b, RS_SPF, 0, 0, 0, 13);
	rs_build_emit(m->b, RS_LOAD, 1, 0, rs_build_const(m->b, &fail), 13);
	rs_build_emit(m->b, RS_EQ, 0, 0, 1, 13);
	reject_if(m, 550, "5.7.23", 13);
	rule(m, 14);
	rs_build_emit(m->b, RS_FACT, 0, RS_FACT_SENDER, 0, 14);
	rs_build_emit(m->b, RS_FIELD, 0, 0, RS_F_DOMAIN, 14);
	rs_build_emit(m->b, RS_RESOLVES, 0, 0, 0, 14);
	rs_build_emit(m->b, RS_NOT, 0, 0, 0, 14);
	reject_if(m, 550, "5.1.8", 14);
	hook_end(m);
}

static void
on_data(struct maker *m)
{
	uint32_t	test;

	hook(m, RS_HOOK_DATA);
	rule(m, 15);
	rs_build_emit(m->b, RS_FACT, 0, RS_FACT_CLIENT_IP, 0, 15);
	rs_build_emit(m->b, RS_LISTED, 0, 0, m->zen, 15);
	rs_build_emit(m->b, RS_NOT, 0, 0, 0, 15);
	test = rs_build_emit(m->b, RS_TEST, 0, 0, 0, 15);
	rs_build_emit(m->b, RS_DISCARD, 0, 0, 0, 15);
	rs_build_land(m->b, test);
	hook_end(m);
}

static uint32_t
codes(struct rs_build *b)
{
	struct ipnet	nets[4];
	size_t		i;

	for (i = 0; i < 4; i++)
		assert_true(ipnet_parse(span_of((const char *[]){
		    "127.0.0.2/31", "127.0.0.4/30", "127.0.0.8/30",
		    "127.255.255.0/24" }[i]), &nets[i]));
	return rs_build_nets(b, SPAN("codes of zen"), nets, 4);
}

static struct buf	image;

static struct policy *
open_policy(struct played_dns *dns, bool quiet)
{
	static const uint8_t	 sha256[32];
	struct maker		 m = { .b = rs_build_new() };
	struct policy_source	 src = { .image_fd = -1, .quiet = quiet };
	struct policy		*p;
	const char		*why;

	rs_build_file(m.b, SPAN("/etc/waybill/dns.conf"), 0, sha256);
	m.zen = rs_build_list(m.b, SPAN("zen"), SPAN("zen.example"),
	    codes(m.b), 2);
	on_connect(&m);
	on_helo(&m);
	on_mail(&m);
	on_data(&m);
	buf_clear(&image);
	if (rs_build_finish(m.b, &image, &why) == -1)
		fail_msg("%s", why);
	rs_build_free(&m.b);
	src.image_mem = buf_span(&image);
	src.dns = played_policy(dns);
	p = policy_open(&src, &why);
	if (p == NULL)
		fail_msg("%s", why);
	return p;
}

/* --- a session */

struct session {
	struct played_dns	 dns;
	struct policy		*policy;
	struct policy_facts	 facts;
	unsigned		 told;
};

static void
session_begin(struct session *s, bool quiet)
{
	memset(s, 0, sizeof(*s));
	s->policy = open_policy(&s->dns, quiet);
	s->facts.names = policy_names_new();
	s->facts.helo = SPAN("mail.client.example");
	assert_true(ip_parse(SPAN("203.0.113.9"), &s->facts.client_ip));
}

static void
sender_is(struct session *s, const char *sender)
{
	s->facts.sender = span_of(sender);
	s->facts.sender_at = rs_address(s->facts.sender).at;
}

static void
session_end(struct session *s)
{
	policy_names_free(&s->facts.names);
	policy_unref(&s->policy);
	assert_int_equal(s->dns.nopen, 0);
	played_clear(&s->dns);
}

/* Another client, as if it had come before. */
static void
client_again(struct session *s)
{
	policy_names_free(&s->facts.names);
	s->facts.names = policy_names_new();
}

static void
tell(void *arg, struct decision *d)
{
	assert_true(decision_done(d));
	++*(unsigned *)arg;
}

/* The code of the refusal, 0 for none; 1 for a discard. */
static unsigned
ask(struct session *s, enum rs_hook h)
{
	const struct rs_verdict	*v;
	struct decision		*d;
	unsigned		 code;

	s->told = 0;
	d = policy_decide(s->policy, h, &s->facts, NULL, tell, &s->told);
	while (!decision_done(d) && played_answer(&s->dns))
		continue;
	assert_true(decision_done(d));
	assert_int_equal(s->told, 1);
	v = decision_verdict(d);
	code = v->kind == RS_V_REJECT || v->kind == RS_V_DEFER ? v->code :
	    v->kind == RS_V_DISCARD;
	if (code == 451)
		assert_true(span_eq(v->status, SPAN("4.4.3")));
	decision_free(&d);
	return code;
}

/* The test entries of a list that can be believed. */
static void
good_list(struct session *s)
{
	played_say(&s->dns, "2.0.0.127.zen.example", "A", "127.0.0.2");
}

/* --- DNS lists */

static void
a_declared_code_is_a_listing(void **state)
{
	static const struct {
		const char	*code;
		unsigned	 refused, cannot;
	} cases[] = {
		{ "127.0.0.2", 554, 0 }, { "127.0.0.11", 554, 0 },
		{ "127.0.0.12", 0, 0 }, { "127.0.1.2", 0, 0 },
		{ "127.255.255.254", 0, 1 }, { "127.255.255.1", 0, 1 },
		{ "192.0.2.80", 0, 1 },
	};
	struct session	s;
	size_t		i;
	int		later;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (later = 0; later < 2; later++) {
			session_begin(&s, false);
			s.dns.later = later;
			good_list(&s);
			played_say(&s.dns, CLIENT_IN_ZEN, "A", cases[i].code);
			assert_int_equal(ask(&s, RS_HOOK_CONNECT),
			    cases[i].refused);
			assert_int_equal(policy_counts(s.policy)->list_cannot,
			    cases[i].cannot);
			session_end(&s);
		}
}

/* One bad answer spoils those beside it. */
static void
an_error_among_listings_is_no_listing(void **state)
{
	struct session	s;

	(void)state;
	session_begin(&s, false);
	good_list(&s);
	played_say(&s.dns, CLIENT_IN_ZEN, "A", "127.0.0.2");
	played_say(&s.dns, CLIENT_IN_ZEN, "A", "127.255.255.254");
	assert_int_equal(ask(&s, RS_HOOK_CONNECT), 0);
	assert_int_equal(ask(&s, RS_HOOK_DATA), 0);
	assert_int_equal(policy_counts(s.policy)->list_cannot, 1);
	session_end(&s);
}

static void
a_list_that_fails_cannot_say(void **state)
{
	struct session	s;

	(void)state;
	session_begin(&s, false);
	s.dns.later = true;
	played_say(&s.dns, CLIENT_IN_ZEN, "*", "");
	assert_int_equal(ask(&s, RS_HOOK_CONNECT), 0);
	/* Neither does `not listed` hold. */
	assert_int_equal(ask(&s, RS_HOOK_DATA), 0);
	session_end(&s);
}

/* Else each client would wait for the time-out of a resolver that is dead. */
static void
a_list_that_goes_on_failing_rests(void **state)
{
	struct session	s;
	unsigned	i, asked;

	(void)state;
	session_begin(&s, false);
	played_say(&s.dns, CLIENT_IN_ZEN, "*", "");
	for (i = 0; i < 4; i++) {
		assert_int_equal(ask(&s, RS_HOOK_CONNECT), 0);
		client_again(&s);
	}
	/* An answer between them: it is alive. */
	assert_true(ip_parse(SPAN("203.0.113.10"), &s.facts.client_ip));
	assert_int_equal(ask(&s, RS_HOOK_CONNECT), 0);
	assert_true(ip_parse(SPAN("203.0.113.9"), &s.facts.client_ip));
	for (i = 0; i < 5; i++) {
		client_again(&s);
		asked = s.dns.asked;
		assert_int_equal(ask(&s, RS_HOOK_CONNECT), 0);
		assert_int_equal(s.dns.asked, asked + 1);
	}
	client_again(&s);
	asked = s.dns.asked;
	assert_int_equal(ask(&s, RS_HOOK_CONNECT), 0);
	assert_int_equal(ask(&s, RS_HOOK_DATA), 0);
	assert_int_equal(s.dns.asked, asked);
	session_end(&s);
}

static void
what_is_not_listed_is_not(void **state)
{
	struct session	s;

	(void)state;
	session_begin(&s, false);
	good_list(&s);
	assert_int_equal(ask(&s, RS_HOOK_CONNECT), 0);
	assert_int_equal(ask(&s, RS_HOOK_DATA), 1);
	assert_int_equal(policy_counts(s.policy)->list_cannot, 0);
	session_end(&s);
}

static void
a_list_that_lists_everything_is_not_believed(void **state)
{
	static const char	*const everything[] = {
		"127.0.0.2", "127.0.0.99", "192.0.2.80"
	};
	struct session	s;
	size_t		i;

	(void)state;
	for (i = 0; i < 3; i++) {
		session_begin(&s, false);
		s.dns.later = i == 1;
		good_list(&s);
		played_say(&s.dns, "1.0.0.127.zen.example", "A", everything[i]);
		played_say(&s.dns, CLIENT_IN_ZEN, "A", "127.0.0.2");
		assert_int_equal(ask(&s, RS_HOOK_CONNECT), 0);
		assert_int_equal(policy_counts(s.policy)->list_cannot, 1);
		session_end(&s);
	}
}

/* A test entry that cannot be had contradicts nothing. */
static void
a_listing_stands_without_its_test(void **state)
{
	struct session	s;

	(void)state;
	session_begin(&s, false);
	played_say(&s.dns, "1.0.0.127.zen.example", "*", "");
	played_say(&s.dns, CLIENT_IN_ZEN, "A", "127.0.0.2");
	assert_int_equal(ask(&s, RS_HOOK_CONNECT), 554);
	session_end(&s);
}

static void
an_empty_list_cannot_say_that_it_does_not_list(void **state)
{
	struct session	s;

	(void)state;
	session_begin(&s, false);
	assert_int_equal(ask(&s, RS_HOOK_DATA), 0);
	assert_int_equal(policy_counts(s.policy)->list_cannot, 1);
	session_end(&s);
	/* In policy tests, lists have what `with dns` gives and no more. */
	session_begin(&s, true);
	assert_int_equal(ask(&s, RS_HOOK_DATA), 1);
	session_end(&s);
}

static void
a_list_is_asked_once_a_session_and_tested_once_in_a_while(void **state)
{
	struct session	s;

	(void)state;
	session_begin(&s, false);
	good_list(&s);
	played_say(&s.dns, CLIENT_IN_ZEN, "A", "127.0.0.3");
	assert_int_equal(ask(&s, RS_HOOK_CONNECT), 554);
	assert_int_equal(s.dns.asked, 2);	/* and 127.0.0.1 */
	assert_int_equal(ask(&s, RS_HOOK_CONNECT), 554);
	assert_int_equal(s.dns.asked, 2);
	client_again(&s);
	assert_int_equal(ask(&s, RS_HOOK_CONNECT), 554);
	assert_int_equal(s.dns.asked, 3);
	session_end(&s);
}

static void
addresses_and_domains_have_their_names_in_a_list(void **state)
{
	struct session	s;

	(void)state;
	session_begin(&s, false);
	assert_true(ip_parse(SPAN("2001:db8::2"), &s.facts.client_ip));
	played_say(&s.dns, "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	    "8.b.d.0.1.0.0.2.zen.example", "A", "127.0.0.4");
	assert_int_equal(ask(&s, RS_HOOK_CONNECT), 554);
	played_say(&s.dns, "mail.client.example", "A", "203.0.113.9");
	assert_int_equal(ask(&s, RS_HOOK_HELO), 0);
	s.facts.helo = SPAN("Bad.Example");
	played_say(&s.dns, "bad.example.zen.example", "A", "127.0.0.2");
	assert_int_equal(ask(&s, RS_HOOK_HELO), 554);
	/* A list of domains that lists "invalid" lists everything. */
	session_end(&s);
	session_begin(&s, false);
	s.facts.helo = SPAN("bad.example");
	played_say(&s.dns, "bad.example", "A", "192.0.2.1");
	played_say(&s.dns, "bad.example.zen.example", "A", "127.0.0.2");
	played_say(&s.dns, "invalid.zen.example", "A", "127.0.0.2");
	assert_int_equal(ask(&s, RS_HOOK_HELO), 0);
	session_end(&s);
}

/* --- resolves */

static void
a_domain_resolves_by_mx_or_address(void **state)
{
	static const struct {
		const char	*type, *data;
		unsigned	 refused;
	} cases[] = {
		{ "MX", "10 mx.sender.example", 0 }, { "A", "192.0.2.1", 0 },
		{ "AAAA", "2001:db8::1", 0 }, { "MX", "0 ", 550 },
		{ "TXT", "no address", 550 }, { "*", "", 451 },
	};
	struct session	s;
	size_t		i;
	int		later;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (later = 0; later < 2; later++) {
			session_begin(&s, false);
			s.dns.later = later;
			sender_is(&s, "a@sender.example");
			played_say(&s.dns, "sender.example", cases[i].type,
			    cases[i].data);
			assert_int_equal(ask(&s, RS_HOOK_MAIL),
			    cases[i].refused);
			session_end(&s);
		}
}

static void
what_is_no_host_does_not_resolve(void **state)
{
	static const struct {
		const char	*helo;
		unsigned	 refused;
	} cases[] = {
		{ "mail.client.example", 0 }, { "MAIL.Client.Example", 0 },
		{ "no.such.example", 550 }, { "[203.0.113.9]", 0 },
		{ "[203.0.113.10]", 550 }, { "203.0.113.9", 550 },
		{ "a b", 550 }, { "[IPv6:2001:db8::1]", 550 }, { "[", 550 },
		{ "slow.client.example", 451 },
	};
	struct session	s;
	size_t		i;

	(void)state;
	session_begin(&s, false);
	played_say(&s.dns, "mail.client.example", "A", "203.0.113.9");
	played_say(&s.dns, "slow.client.example", "*", "");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s.facts.helo = span_of(cases[i].helo);
		assert_int_equal(ask(&s, RS_HOOK_HELO), cases[i].refused);
	}
	session_end(&s);
}

/* A client that names ever new domains: what is kept is bounded. */
static void
a_session_keeps_a_bounded_number_of_answers(void **state)
{
	struct session	s;
	char		helo[32];
	unsigned	i, asked;

	(void)state;
	session_begin(&s, true);
	played_say(&s.dns, "h0.example", "A", "203.0.113.9");
	s.facts.helo = SPAN("h0.example");
	assert_int_equal(ask(&s, RS_HOOK_HELO), 0);
	asked = s.dns.asked;
	for (i = 1; i < 200; i++) {
		snprintf(helo, sizeof(helo), "h%u.example", i);
		s.facts.helo = span_of(helo);
		assert_int_equal(ask(&s, RS_HOOK_HELO), 550);
	}
	s.facts.helo = SPAN("h0.example");
	assert_int_equal(ask(&s, RS_HOOK_HELO), 0);
	assert_true(s.dns.asked > asked + 199 * 2);
	session_end(&s);
}

/* --- SPF */

static void
spf_refuses_whom_the_domain_does_not_allow(void **state)
{
	static const struct {
		const char	*record;
		unsigned	 refused, cannot;
	} cases[] = {
		{ "v=spf1 ip4:203.0.113.0/24 -all", 0, 0 },
		{ "v=spf1 -all", 550, 0 }, { "v=spf1 ~all", 0, 0 },
		{ "v=spf1 moo", 0, 0 }, { "v=spf1 a:slow.example -all", 0, 1 },
		{ "other", 0, 0 },
	};
	struct session	s;
	size_t		i;
	int		later;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (later = 0; later < 2; later++) {
			session_begin(&s, false);
			s.dns.later = later;
			sender_is(&s, "a@sender.example");
			played_say(&s.dns, "sender.example", "TXT",
			    cases[i].record);
			played_say(&s.dns, "sender.example", "A", "192.0.2.1");
			played_say(&s.dns, "slow.example", "*", "");
			assert_int_equal(ask(&s, RS_HOOK_MAIL),
			    cases[i].refused);
			assert_int_equal(policy_counts(s.policy)->spf_cannot,
			    cases[i].cannot);
			session_end(&s);
		}
}

static void
spf_is_asked_anew_for_another_sender(void **state)
{
	struct session	s;
	unsigned	asked;

	(void)state;
	session_begin(&s, false);
	sender_is(&s, "a@bad.example");
	played_say(&s.dns, "bad.example", "TXT", "v=spf1 -all");
	played_say(&s.dns, "good.example", "TXT", "v=spf1 +all");
	played_say(&s.dns, "good.example", "A", "192.0.2.1");
	assert_int_equal(ask(&s, RS_HOOK_MAIL), 550);
	asked = s.dns.asked;
	assert_int_equal(ask(&s, RS_HOOK_MAIL), 550);
	assert_int_equal(s.dns.asked, asked);
	sender_is(&s, "a@good.example");
	assert_int_equal(ask(&s, RS_HOOK_MAIL), 0);
	/* The HELO identity, for <> (RFC 7208, 2.3). */
	sender_is(&s, "");
	s.facts.helo = SPAN("bad.example");
	assert_int_equal(ask(&s, RS_HOOK_MAIL), 550);
	session_end(&s);
}

/* Refused without a text of the policy's own: the domain's (RFC 7208, 8.4). */
static void
spf_explains_in_the_domains_words(void **state)
{
	struct session	 s;
	struct arena	 ar = { 0 };
	struct decision	*d;
	struct span	 status, text;
	unsigned	 code;

	(void)state;
	session_begin(&s, false);
	sender_is(&s, "a@bad.example");
	played_say(&s.dns, "bad.example", "TXT", "v=spf1 -all exp=e.example");
	played_say(&s.dns, "e.example", "TXT", "%{c} is not of %{d}\b");
	d = policy_decide(s.policy, RS_HOOK_MAIL, &s.facts, NULL, NULL, NULL);
	policy_reply(decision_verdict(d), &ar, &code, &status, &text);
	assert_true(span_eq(text, SPAN("the sender's domain does not allow "
	    "this client (SPF)")));	/* an octet spoils the other */
	decision_free(&d);
	played_clear(&s.dns);
	played_say(&s.dns, "bad.example", "TXT", "v=spf1 -all exp=e.example");
	played_say(&s.dns, "e.example", "TXT", "%{c} is not of %{d}");
	client_again(&s);
	d = policy_decide(s.policy, RS_HOOK_MAIL, &s.facts, NULL, NULL, NULL);
	policy_reply(decision_verdict(d), &ar, &code, &status, &text);
	assert_int_equal(code, 550);
	assert_true(span_eq(text, SPAN("bad.example explains: 203.0.113.9 is "
	    "not of bad.example")));
	decision_free(&d);
	arena_clear(&ar);
	session_end(&s);
}

/* --- ends while they wait */

static void
given_up(void **state)
{
	static const enum rs_hook	hooks[] = {
		RS_HOOK_CONNECT, RS_HOOK_HELO, RS_HOOK_MAIL
	};
	struct session	 s;
	struct decision	*d;
	size_t		 i, n;

	(void)state;
	/* After n answers, the session or the decision goes first. */
	for (i = 0; i < 3 * 4 * 2; i++) {
		session_begin(&s, false);
		s.dns.later = true;
		sender_is(&s, "a@sender.example");
		played_say(&s.dns, "sender.example", "TXT", "v=spf1 a mx -all");
		played_say(&s.dns, CLIENT_IN_ZEN, "A", "127.0.0.2");
		d = policy_decide(s.policy, hooks[i % 3], &s.facts, NULL, tell,
		    &s.told);
		for (n = 0; n < i / 3 % 4 && !decision_done(d); n++)
			played_answer(&s.dns);
		if (i / 12 == 0)
			decision_free(&d);
		else if (!decision_done(d)) {
			policy_names_free(&s.facts.names);
			decision_free(&d);
		} else
			decision_free(&d);
		session_end(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_declared_code_is_a_listing),
		cmocka_unit_test(an_error_among_listings_is_no_listing),
		cmocka_unit_test(a_list_that_fails_cannot_say),
		cmocka_unit_test(a_list_that_goes_on_failing_rests),
		cmocka_unit_test(what_is_not_listed_is_not),
		cmocka_unit_test(a_list_that_lists_everything_is_not_believed),
		cmocka_unit_test(a_listing_stands_without_its_test),
		cmocka_unit_test(an_empty_list_cannot_say_that_it_does_not_list),
		cmocka_unit_test(a_list_is_asked_once_a_session_and_tested_once_in_a_while),
		cmocka_unit_test(addresses_and_domains_have_their_names_in_a_list),
		cmocka_unit_test(a_domain_resolves_by_mx_or_address),
		cmocka_unit_test(what_is_no_host_does_not_resolve),
		cmocka_unit_test(a_session_keeps_a_bounded_number_of_answers),
		cmocka_unit_test(spf_refuses_whom_the_domain_does_not_allow),
		cmocka_unit_test(spf_is_asked_anew_for_another_sender),
		cmocka_unit_test(spf_explains_in_the_domains_words),
		cmocka_unit_test(given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
