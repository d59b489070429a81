/*
 * level_find_test.c - RFC 7672's way through DNS, over a DNS of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "mta/relay/level_find.h"

#define S(lit)	{ (lit), sizeof(lit) - 1 }
#define DIGEST	S("0123456789abcdef0123456789abcdef")

uint64_t	__wrap_sts_client_ask(struct sts_client *, struct span domain, sts_cb *, void *);
void		__wrap_sts_client_cancel(struct sts_client *, uint64_t ticket);

/* --- DNS: these stand in for mta/msg/dns.c; MTA-STS: the linker puts them in */

static const struct dns_record	good[] = {
	{ .usage = 3, .selector = 1, .matching = 1, .name = DIGEST },
	{ .usage = 1, .selector = 1, .matching = 1, .name = DIGEST },
	{ .usage = 2, .selector = 0, .matching = 1, .name = DIGEST }
};
static const struct dns_record	useless[] = {
	{ .usage = 0, .selector = 1, .matching = 1, .name = DIGEST },
	{ .usage = 1, .selector = 1, .matching = 1, .name = DIGEST },
	{ .usage = 3, .selector = 2, .matching = 1, .name = DIGEST },
	{ .usage = 3, .selector = 1, .matching = 3, .name = DIGEST },
	{ .usage = 3, .selector = 1, .matching = 2, .name = DIGEST },
	{ .usage = 3, .selector = 1, .matching = 1, .name = S("short") },
	{ .usage = 3, .selector = 0, .matching = 0, .name = S("x") },
	{ .usage = 2, .selector = 1, .matching = 0, .name = S("x") },
	{ .usage = 255, .selector = 255, .matching = 255, .name = DIGEST }
};

static const struct fake {
	const char		*name;
	enum dns_type		 type;
	enum dns_result		 result;
	enum dns_trust		 trust;
	const struct dns_record	*r;
	size_t			 n;
} zone[] = {
	{ "_25._tcp.good", DNS_TLSA, DNS_FOUND, DNS_SECURE, good, 3 },
	{ "_587._tcp.good", DNS_TLSA, DNS_FOUND, DNS_SECURE, useless, 9 },
	{ "_25._tcp.unsigned", DNS_TLSA, DNS_FOUND, DNS_INSECURE, good, 3 },
	{ "_25._tcp.bogus", DNS_TLSA, DNS_FAILING, DNS_BOGUS, NULL, 0 },
	{ "_25._tcp.dead", DNS_TLSA, DNS_FAILING, DNS_INSECURE, NULL, 0 },
	{ "_25._tcp.blind", DNS_TLSA, DNS_FOUND, DNS_CANNOT_SAY, good, 3 },
	{ "_25._tcp.unusable", DNS_TLSA, DNS_FOUND, DNS_SECURE, useless, 9 },
	{ "signed.alias", DNS_CNAME, DNS_FOUND, DNS_SECURE, good, 1 },
	{ "_25._tcp.signed.alias", DNS_TLSA, DNS_FOUND, DNS_SECURE, good, 1 },
	{ "plain.alias", DNS_CNAME, DNS_FOUND, DNS_INSECURE, good, 1 },
	{ "_25._tcp.plain.alias", DNS_TLSA, DNS_FOUND, DNS_SECURE, good, 1 },
	{ "dead.alias", DNS_CNAME, DNS_FAILING, DNS_INSECURE, NULL, 0 },
};

static struct {
	enum dns_type	 type;
	char		 name[300];
	dns_cb		*cb;
	void		*arg;
	bool		 open;
} asked[64];
static size_t	nasked;

uint64_t
dns_ask(struct dns_client *d, enum dns_type type, struct span name, dns_cb *cb,
    void *arg)
{
	(void)d;
	assert_true(nasked < 64);
	asked[nasked].type = type;
	snprintf(asked[nasked].name, sizeof(asked[nasked].name), "%.*s",
	    SPAN_ARG(name));
	asked[nasked].cb = cb;
	asked[nasked].arg = arg;
	asked[nasked].open = true;
	return ++nasked;
}

void
dns_cancel(struct dns_client *d, uint64_t ticket)
{
	(void)d;
	assert_true(asked[ticket - 1].open);
	asked[ticket - 1].open = false;
}

static struct {
	sts_cb	*cb;
	void	*arg;
	char	 domain[300];
} sts_asked;

uint64_t
__wrap_sts_client_ask(struct sts_client *c, struct span domain, sts_cb *cb,
    void *arg)
{
	(void)c;
	sts_asked.cb = cb;
	sts_asked.arg = arg;
	snprintf(sts_asked.domain, sizeof(sts_asked.domain), "%.*s",
	    SPAN_ARG(domain));
	return 1;
}

void
__wrap_sts_client_cancel(struct sts_client *c, uint64_t ticket)
{
	(void)c;
	assert_int_equal(ticket, 1);
	sts_asked.cb = NULL;
}

/* Answers question i. */
static void
answer(size_t i)
{
	const struct fake	*f;
	struct dns_record	 records[9];
	struct dns_answer	 a = { .result = DNS_NXDOMAIN,
	    .trust = DNS_SECURE, .records = records, .resolver = S("here@53") };

	for (f = zone; f < zone + sizeof(zone) / sizeof(zone[0]); f++)
		if (f->type == asked[i].type &&
		    strcmp(f->name, asked[i].name) == 0) {
			a.result = f->result;
			a.trust = f->trust;
			a.n = f->n;
			if (f->n > 0)
				memcpy(records, f->r,
				    f->n * sizeof(records[0]));
		}
	asked[i].open = false;
	asked[i].cb(asked[i].arg, &a);
}

/* --- one host */

static struct level_asked	whom;
static struct relay_terms	terms;
static unsigned			told;

static void
tell(void *arg)
{
	(void)arg;
	told++;
}

/* All questions are answered, in their order. */
static struct hop_tls *
find(struct level_host *h)
{
	struct level_query	*q;
	size_t			 i;

	nasked = told = 0;
	q = level_find(&whom, &terms, &h, 1, tell, NULL);
	for (i = 0; i < nasked; i++)
		answer(i);
	assert_int_equal(told, 1);
	assert_true((q == NULL) == (nasked == 0));
	return h->tls;
}

static struct level_host
host(const char *name)
{
	return (struct level_host){ .name = name, .port = 25,
	    .named = DNS_SECURE, .found = true, .domain = "",
	    .domain_canonical = "" };
}

static void
a_name_leads_to_what_it_has(void **state)
{
	static const struct {
		const char	*name;
		enum level_dane	 dane;
		size_t		 ntlsa;
		const char	*why;
	} cases[] = {
		{ "good", LEVEL_DANE_RECORDS, 2, NULL },
		{ "none", LEVEL_DANE_NONE, 0, NULL },
		{ "unsigned", LEVEL_DANE_NONE, 0, NULL },
		{ "bogus", LEVEL_DANE_FAILING, 0,
		    "_25._tcp.bogus is not signed as it should be" },
		{ "dead", LEVEL_DANE_FAILING, 0,
		    "_25._tcp.dead cannot be asked for" },
		{ "blind", LEVEL_DANE_CANNOT_SAY, 0,
		    "the resolver here@53 passes no signatures on (DNSSEC)" },
		{ "unusable", LEVEL_DANE_UNUSABLE, 0,
		    "_25._tcp.unusable has no record that can be used" },
	};
	struct level_host	h;
	struct hop_tls		*t;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		h = host(cases[i].name);
		t = find(&h);
		assert_int_equal(t->dane, cases[i].dane);
		assert_int_equal(t->ntlsa, cases[i].ntlsa);
		if (cases[i].why == NULL)
			assert_null(t->dane_why);
		else
			assert_string_equal(t->dane_why, cases[i].why);
		hop_tls_unref(&h.tls);
	}
}

static void
the_port_is_part_of_the_question(void **state)
{
	struct level_host	h = host("good");

	(void)state;
	h.port = 587;
	assert_int_equal(find(&h)->dane, LEVEL_DANE_UNUSABLE);
	assert_string_equal(h.tls->tlsa_at, "_587._tcp.good");
	hop_tls_unref(&h.tls);
}

/* RFC 7672, 2.2: everything that leads there has to be signed. */
static void
what_is_not_signed_is_not_asked(void **state)
{
	struct level_host	h = host("good");

	(void)state;
	h.named = DNS_INSECURE;
	assert_int_equal(find(&h)->dane, LEVEL_DANE_NONE);
	assert_int_equal(nasked, 0);
	assert_false(h.tls->name_secure);
	hop_tls_unref(&h.tls);
	h = host("good");
	h.insecure = true;
	assert_int_equal(find(&h)->dane, LEVEL_DANE_NONE);
	assert_int_equal(nasked, 0);
	hop_tls_unref(&h.tls);
	h = host("");
	assert_int_equal(find(&h)->dane, LEVEL_DANE_NONE);
	assert_int_equal(nasked, 0);
	hop_tls_unref(&h.tls);
}

/* RFC 7672, 2.2.2: the end of a signed alias, then the alias. */
static void
an_alias_has_two_names(void **state)
{
	struct level_host	h = host("alias.example");

	(void)state;
	snprintf(h.canonical, sizeof(h.canonical), "good");
	h.domain = "example";
	h.domain_canonical = "other.example";
	assert_int_equal(find(&h)->dane, LEVEL_DANE_RECORDS);
	assert_string_equal(h.tls->sni, "good");
	assert_string_equal(h.tls->host, "alias.example");
	assert_int_equal(h.tls->nnames, 4);
	assert_true(span_eq(h.tls->names[0], SPAN("good")));
	assert_true(span_eq(h.tls->names[1], SPAN("alias.example")));
	assert_true(span_eq(h.tls->names[2], SPAN("example")));
	assert_true(span_eq(h.tls->names[3], SPAN("other.example")));
	hop_tls_unref(&h.tls);
	h = host("good");
	snprintf(h.canonical, sizeof(h.canonical), "none");
	assert_int_equal(find(&h)->dane, LEVEL_DANE_RECORDS);
	assert_string_equal(h.tls->sni, "good");
	assert_int_equal(nasked, 2);
	hop_tls_unref(&h.tls);
}

static void
a_signed_alias_for_an_unsigned_name_counts_itself(void **state)
{
	static const struct {
		const char	*name;
		enum level_dane	 dane;
	} cases[] = {
		{ "signed.alias", LEVEL_DANE_RECORDS },
		{ "plain.alias", LEVEL_DANE_NONE },
		{ "dead.alias", LEVEL_DANE_FAILING },
	};
	struct level_host	h;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		h = host(cases[i].name);
		h.insecure = true;
		snprintf(h.canonical, sizeof(h.canonical), "good");
		assert_int_equal(find(&h)->dane, cases[i].dane);
		assert_int_equal(asked[0].type, DNS_CNAME);
		hop_tls_unref(&h.tls);
	}
}

static void
a_host_that_had_records_is_held(void **state)
{
	struct level_host	h = host("good");

	(void)state;
	whom.memory = level_memory_new();
	assert_int_equal(find(&h)->dane, LEVEL_DANE_RECORDS);
	hop_tls_unref(&h.tls);
	h = host("good");
	h.named = DNS_CANNOT_SAY;
	assert_int_equal(find(&h)->dane, LEVEL_DANE_HELD);
	assert_int_equal(nasked, 0);
	hop_tls_unref(&h.tls);
	h = host("none");
	h.cannot_say = true;
	assert_int_equal(find(&h)->dane, LEVEL_DANE_CANNOT_SAY);
	hop_tls_unref(&h.tls);
	level_memory_free(&whom.memory);
}

static void
a_block_may_not_want_to_know(void **state)
{
	struct level_host	h = host("good");

	(void)state;
	terms.no_dane = true;
	assert_int_equal(find(&h)->dane, LEVEL_DANE_NONE);
	assert_int_equal(nasked, 0);
	assert_true(h.tls->no_dane);
	hop_tls_unref(&h.tls);
	terms.no_dane = false;
	terms.tls = RELAY_TLS_NONE;
	h = host("good");
	assert_int_equal(find(&h)->dane, LEVEL_DANE_NONE);
	assert_int_equal(nasked, 0);
	hop_tls_unref(&h.tls);
	terms.tls = RELAY_TLS_OPPORTUNISTIC;
}

/* --- MTA-STS */

static struct hop_tls *
find_with_policy(struct level_host *h, const struct sts_policy *p)
{
	struct level_query	*q;

	nasked = told = 0;
	whom.sts = (struct sts_client *)&whom;		/* it is not looked at */
	q = level_find(&whom, &terms, &h, 1, tell, NULL);
	assert_non_null(q);
	if (nasked > 0)
		answer(0);
	assert_int_equal(told, 0);
	sts_asked.cb(sts_asked.arg, p);
	assert_int_equal(told, 1);
	whom.sts = NULL;
	return h->tls;
}

static void
a_policy_names_hosts_or_not(void **state)
{
	static const struct span	mx[] = { S("none"), S("*.example") };
	static const struct {
		enum sts_result	result;
		enum sts_mode	mode;
		const char	*host;
		enum level_sts	sts;
	} cases[] = {
		{ STS_NONE, STS_MODE_ENFORCE, "none", LEVEL_STS_NONE },
		{ STS_LATER, STS_MODE_NONE, "none", LEVEL_STS_LATER },
		{ STS_FOUND, STS_MODE_NONE, "none", LEVEL_STS_NONE },
		{ STS_FOUND, STS_MODE_TESTING, "none", LEVEL_STS_TESTING },
		{ STS_FOUND, STS_MODE_TESTING, "x", LEVEL_STS_TESTING_OTHER },
		{ STS_FOUND, STS_MODE_ENFORCE, "a.example", LEVEL_STS_ENFORCE },
		{ STS_FOUND, STS_MODE_ENFORCE, "a.b.example",
		    LEVEL_STS_ENFORCE_OTHER },
	};
	struct sts_policy	p = { .trouble = STS_WEBPKI_INVALID,
	    .text = S("version: STSv1\n"), .n = 2, .mx = mx };
	struct level_host	h;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		p.result = cases[i].result;
		p.mode = cases[i].mode;
		h = host(cases[i].host);
		h.domain = "example";
		find_with_policy(&h, &p);
		assert_string_equal(sts_asked.domain, "example");
		assert_int_equal(h.tls->sts, cases[i].sts);
		assert_int_equal(h.tls->sts_trouble, TLS_CLASS_STS_WEBPKI);
		assert_string_equal(h.tls->sts_text,
		    p.result == STS_FOUND ? "version: STSv1\n" : "");
		hop_tls_unref(&h.tls);
	}
}

/* RFC 6186, 6 */
static void
a_host_of_srv_that_is_not_signed_shows_the_domains_certificate(void **state)
{
	static const struct {
		const char	*name, *srv;
		enum dns_trust	 named;
		const char	*wanted;
	} cases[] = {
		{ "smtp.x.example", "x.example", DNS_INSECURE, "smtp.x.example" },
		{ "X.example", "x.example", DNS_INSECURE, "X.example" },
		{ "smtp.y.example", "x.example", DNS_INSECURE, "x.example" },
		{ "smtp.y.example", "x.example", DNS_CANNOT_SAY, "x.example" },
		{ "smtp.y.example", "x.example", DNS_SECURE, "smtp.y.example" },
		{ "evilx.example", "x.example", DNS_INSECURE, "x.example" },
		{ "example", "x.example", DNS_INSECURE, "x.example" },
		{ "smtp.y.example", NULL, DNS_INSECURE, "smtp.y.example" },
	};
	struct level_host	h;
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		h = host(cases[i].name);
		h.srv = cases[i].srv;
		h.named = cases[i].named;
		find(&h);
		assert_string_equal(h.tls->host, cases[i].wanted);
		assert_string_equal(h.tls->sni, cases[i].name);
		hop_tls_unref(&h.tls);
	}
}

static void
a_long_policy_is_cut_at_a_line(void **state)
{
	static char		text[LEVEL_STS_MAX + 100];
	struct sts_policy	p = { .result = STS_FOUND,
	    .text = { text, sizeof(text) } };
	struct level_host	h = host("none");

	(void)state;
	memset(text, 'x', sizeof(text));
	text[4000] = '\n';
	h.domain = "example";
	find_with_policy(&h, &p);
	assert_int_equal(strlen(h.tls->sts_text), 4001);
	hop_tls_unref(&h.tls);
}

static void
what_is_given_up_asks_no_more(void **state)
{
	struct level_host	 h = host("good"), *hosts[] = { &h };
	struct level_query	*q;

	(void)state;
	nasked = told = 0;
	whom.sts = (struct sts_client *)&whom;
	h.domain = "example";
	q = level_find(&whom, &terms, hosts, 1, tell, NULL);
	level_find_cancel(&q);
	assert_null(q);
	assert_false(asked[0].open);
	assert_null(sts_asked.cb);
	assert_int_equal(told, 0);
	assert_null(h.tls);
	whom.sts = NULL;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_name_leads_to_what_it_has),
		cmocka_unit_test(the_port_is_part_of_the_question),
		cmocka_unit_test(what_is_not_signed_is_not_asked),
		cmocka_unit_test(an_alias_has_two_names),
		cmocka_unit_test(a_signed_alias_for_an_unsigned_name_counts_itself),
		cmocka_unit_test(a_host_that_had_records_is_held),
		cmocka_unit_test(a_block_may_not_want_to_know),
		cmocka_unit_test(a_policy_names_hosts_or_not),
		cmocka_unit_test(a_host_of_srv_that_is_not_signed_shows_the_domains_certificate),
		cmocka_unit_test(a_long_policy_is_cut_at_a_line),
		cmocka_unit_test(what_is_given_up_asks_no_more),
	};

	terms.tls = RELAY_TLS_OPPORTUNISTIC;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
