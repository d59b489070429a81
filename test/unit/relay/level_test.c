/*
 * level_test.c - which TLS a host gets: each line of levels.def, and what holds
 * over all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mta/relay/level.h"
#include "mta/relay/level_memory.h"
#include "mta/spool/envelope.h"

#define REQ	ENV_REQUIRETLS
#define NOT	ENV_TLS_NOT_REQUIRED

enum { NLINES = 28 };

/* One case for each line at least, in their order. */
static const struct {
	unsigned		line;
	uint32_t		flags;
	enum relay_tls		word;
	enum level_dane		dane;
	enum level_sts		sts;
	bool			secure;
	enum level_verdict	verdict;
	enum tls_level		level;
	enum level_by		by;
	enum tls_class		report;
	const char		*status, *why;
} cases[] = {
#define W(x)	RELAY_TLS_##x
#define D(x)	LEVEL_DANE_##x
#define S(x)	LEVEL_STS_##x
#define USE(l, by)	LEVEL_USE, TLS_LEVEL_##l, LEVEL_BY_##by, TLS_CLASS_NONE, "", ""
#define WAIT(l, by, class, why) LEVEL_WAIT, TLS_LEVEL_##l, LEVEL_BY_##by, TLS_CLASS_##class, "4.7.5", why
	{ 1, REQ, W(NONE), D(RECORDS), S(ENFORCE), true, LEVEL_REFUSE,
	    TLS_LEVEL_VERIFIED, LEVEL_BY_REQUIRETLS, TLS_CLASS_NONE, "5.7.10",
	    "REQUIRETLS: the policy wants no TLS to mx.example" },
	{ 2, 0, W(NONE), D(RECORDS), S(ENFORCE), true, USE(NONE, BLOCK) },
	{ 3, NOT, W(DANE), D(RECORDS), S(NONE), true, USE(DANE, BLOCK) },
	{ 4, 0, W(DANE), D(NONE), S(NONE), true,
	    WAIT(DANE, BLOCK, DANE_REQUIRED,
	    "`tls dane`: mx.example has no signed TLSA records") },
	{ 5, 0, W(DANE), D(UNUSABLE), S(NONE), true,
	    WAIT(DANE, BLOCK, TLSA_INVALID, "DANE of mx.example: told") },
	{ 6, 0, W(DANE), D(CANNOT_SAY), S(NONE), true,
	    WAIT(DANE, BLOCK, DNSSEC_INVALID, "DANE of mx.example: told") },
	{ 6, NOT, W(DANE), D(FAILING), S(NONE), true,
	    WAIT(DANE, BLOCK, DNSSEC_INVALID, "DANE of mx.example: told") },
	{ 7, 0, W(STS), D(NONE), S(ENFORCE), false, USE(VERIFIED, BLOCK) },
	{ 8, 0, W(STS), D(NONE), S(TESTING), false, USE(VERIFIED, BLOCK) },
	{ 9, 0, W(STS), D(NONE), S(NONE), false,
	    WAIT(VERIFIED, BLOCK, STS_FETCH_ERROR,
	    "`tls sts`: there is no MTA-STS policy of example") },
	{ 10, 0, W(STS), D(NONE), S(LATER), false,
	    WAIT(VERIFIED, BLOCK, NONE,
	    "whether example has an MTA-STS policy cannot be told now") },
	{ 11, 0, W(STS), D(NONE), S(TESTING_OTHER), false,
	    WAIT(VERIFIED, BLOCK, FAILURE,
	    "the MTA-STS policy of example does not name mx.example") },
	{ 12, NOT, W(VERIFIED), D(RECORDS), S(ENFORCE), true,
	    USE(VERIFIED, BLOCK) },
	{ 13, NOT, W(REQUIRED), D(FAILING), S(ENFORCE_OTHER), true,
	    USE(REQUIRED, BLOCK) },
	{ 14, NOT, W(OPPORTUNISTIC), D(RECORDS), S(ENFORCE), true,
	    USE(OPPORTUNISTIC, TLS_REQUIRED_NO) },
	{ 14, NOT, W(OPPORTUNISTIC), D(FAILING), S(ENFORCE_OTHER), true,
	    USE(OPPORTUNISTIC, TLS_REQUIRED_NO) },
	{ 15, 0, W(OPPORTUNISTIC), D(RECORDS), S(ENFORCE_OTHER), true,
	    USE(DANE, DANE) },
	{ 15, REQ | NOT, W(VERIFIED), D(RECORDS), S(NONE), true,
	    USE(DANE, DANE) },
	{ 16, 0, W(OPPORTUNISTIC), D(FAILING), S(ENFORCE), true,
	    WAIT(DANE, DANE, DNSSEC_INVALID, "DANE of mx.example: told") },
	{ 17, 0, W(VERIFIED), D(HELD), S(NONE), true,
	    WAIT(DANE, DANE, DNSSEC_INVALID, "DANE of mx.example: told") },
	{ 18, 0, W(OPPORTUNISTIC), D(UNUSABLE), S(ENFORCE_OTHER), true,
	    WAIT(VERIFIED, STS, FAILURE,
	    "the MTA-STS policy of example does not name mx.example") },
	{ 19, 0, W(VERIFIED), D(NONE), S(LATER), false,
	    WAIT(VERIFIED, STS, NONE,
	    "whether example has an MTA-STS policy cannot be told now") },
	{ 20, 0, W(OPPORTUNISTIC), D(CANNOT_SAY), S(ENFORCE), false,
	    USE(VERIFIED, STS) },
	{ 20, REQ, W(REQUIRED), D(NONE), S(ENFORCE), false,
	    USE(VERIFIED, STS) },
	{ 21, REQ, W(OPPORTUNISTIC), D(NONE), S(TESTING), false,
	    USE(VERIFIED, REQUIRETLS) },
	{ 22, REQ, W(OPPORTUNISTIC), D(NONE), S(TESTING_OTHER), true,
	    USE(VERIFIED, REQUIRETLS) },
	{ 23, REQ, W(VERIFIED), D(CANNOT_SAY), S(NONE), false, LEVEL_WAIT,
	    TLS_LEVEL_VERIFIED, LEVEL_BY_REQUIRETLS, TLS_CLASS_NONE, "4.7.10",
	    "REQUIRETLS: neither DNSSEC nor MTA-STS vouches for mx.example "
	    "as a mail host of example" },
	{ 24, REQ, W(VERIFIED), D(NONE), S(TESTING_OTHER), false, LEVEL_REFUSE,
	    TLS_LEVEL_VERIFIED, LEVEL_BY_REQUIRETLS, TLS_CLASS_NONE, "5.7.10",
	    "REQUIRETLS: neither DNSSEC nor MTA-STS vouches for mx.example "
	    "as a mail host of example" },
	{ 25, 0, W(VERIFIED), D(UNUSABLE), S(TESTING), true,
	    USE(VERIFIED, BLOCK) },
	{ 26, 0, W(REQUIRED), D(NONE), S(TESTING_OTHER), false,
	    USE(REQUIRED, BLOCK) },
	{ 27, 0, W(OPPORTUNISTIC), D(UNUSABLE), S(NONE), true,
	    USE(REQUIRED, DANE) },
	{ 28, 0, W(OPPORTUNISTIC), D(CANNOT_SAY), S(NONE), false,
	    USE(OPPORTUNISTIC, BLOCK) },
};
enum { NCASES = sizeof(cases) / sizeof(cases[0]) };

static struct hop_tls
facts(enum relay_tls word, enum level_dane dane, enum level_sts sts,
    bool secure)
{
	return (struct hop_tls){ .word = word, .dane = dane, .sts = sts,
	    .name_secure = secure, .host = "mx.example", .domain = "example",
	    .dane_why = "told", .sts_trouble = TLS_CLASS_STS_FETCH_ERROR };
}

static void
each_line_decides_as_it_says(void **state)
{
	struct hop_tls	t;
	struct level	l;
	unsigned	line = 0;
	size_t		i;

	(void)state;
	for (i = 0; i < NCASES; i++) {
		t = facts(cases[i].word, cases[i].dane, cases[i].sts,
		    cases[i].secure);
		level_of(&t, cases[i].flags, &l);
		assert_int_equal(l.line, cases[i].line);
		assert_int_equal(l.verdict, cases[i].verdict);
		assert_int_equal(l.level, cases[i].level);
		assert_int_equal(l.by, cases[i].by);
		assert_int_equal(l.report, cases[i].report);
		assert_string_equal(l.status, cases[i].status);
		assert_string_equal(l.why, cases[i].why);
		assert_true(l.line == line || l.line == line + 1);
		line = l.line;
	}
	assert_int_equal(line, NLINES);
}

/* --- what holds whatever is known */

typedef void check(const struct hop_tls *, uint32_t flags, const struct level *);

static void
for_all(check *c)
{
	static const uint32_t	flags[] = { 0, REQ, NOT, REQ | NOT };
	struct hop_tls		t;
	struct level		l;
	unsigned		i, w, d, s, more;

	for (i = 0; i < 4; i++)
	for (w = W(NONE); w <= W(STS); w++)
	for (d = D(NONE); d <= D(HELD); d++)
	for (s = S(NONE); s <= S(LATER); s++)
	for (more = 0; more < 8; more++) {
		t = facts((enum relay_tls)w, (enum level_dane)d,
		    (enum level_sts)s, more & 1);
		t.no_dane = more & 2;
		t.no_sts = more & 4;
		level_of(&t, flags[i], &l);
		c(&t, flags[i], &l);
	}
}

/* Only a message may lower what is published, and it only what is published. */
static void
is_never_below_the_block(const struct hop_tls *t, uint32_t flags,
    const struct level *l)
{
	static const enum tls_level	least[] = {
		TLS_LEVEL_NONE, TLS_LEVEL_OPPORTUNISTIC, TLS_LEVEL_REQUIRED,
		TLS_LEVEL_VERIFIED, TLS_LEVEL_DANE, TLS_LEVEL_VERIFIED
	};

	(void)flags;
	if (l->verdict == LEVEL_USE)
		assert_true(l->level >= least[t->word]);
}

static void
records_are_kept(const struct hop_tls *t, uint32_t flags,
    const struct level *l)
{
	if (t->dane != D(RECORDS) || t->no_dane || t->word == W(NONE) ||
	    t->word == W(STS) || ((flags & NOT) && !(flags & REQ)))
		return;
	if (t->word != W(DANE) || l->verdict == LEVEL_USE)
		assert_int_equal(l->level, TLS_LEVEL_DANE);
}

static void
what_fails_is_not_passed_over(const struct hop_tls *t, uint32_t flags,
    const struct level *l)
{
	if ((t->dane != D(FAILING) && t->dane != D(HELD)) || t->no_dane ||
	    t->word == W(NONE) || t->word == W(STS) ||
	    ((flags & NOT) && !(flags & REQ)))
		return;
	assert_int_equal(l->verdict, LEVEL_WAIT);
}

static void
requiretls_is_verified_or_not_sent(const struct hop_tls *t, uint32_t flags,
    const struct level *l)
{
	if (!(flags & REQ))
		return;
	assert_true(l->requires_requiretls);
	if (l->verdict == LEVEL_USE)
		assert_true(l->level >= TLS_LEVEL_VERIFIED && (t->name_secure ||
		    l->level == TLS_LEVEL_DANE || t->sts == S(ENFORCE) ||
		    t->sts == S(TESTING)));
}

static void
what_does_not_count_changes_nothing(const struct hop_tls *t, uint32_t flags,
    const struct level *l)
{
	struct hop_tls	other = *t;
	struct level	with;

	if (t->no_dane)
		other.dane = D(NONE);
	if (t->no_sts)
		other.sts = S(NONE);
	level_of(&other, flags, &with);
	assert_int_equal(with.line, l->line);
	assert_int_equal(with.sts_testing, l->sts_testing);
	assert_int_equal(with.dane_cannot_say, l->dane_cannot_say);
}

static void
who_waits_says_why(const struct hop_tls *t, uint32_t flags,
    const struct level *l)
{
	(void)t;
	(void)flags;
	assert_int_equal(l->verdict == LEVEL_USE, l->why[0] == '\0');
	assert_int_equal(l->verdict == LEVEL_USE, l->status[0] == '\0');
	assert_int_equal(l->verdict == LEVEL_USE && l->plain_after,
	    l->verdict == LEVEL_USE && l->level == TLS_LEVEL_OPPORTUNISTIC);
}

static void
it_holds_whatever_is_known(void **state)
{
	(void)state;
	for_all(is_never_below_the_block);
	for_all(records_are_kept);
	for_all(what_fails_is_not_passed_over);
	for_all(requiretls_is_verified_or_not_sent);
	for_all(what_does_not_count_changes_nothing);
	for_all(who_waits_says_why);
}

static void
a_policy_in_testing_is_told_of(void **state)
{
	struct hop_tls	t = facts(W(OPPORTUNISTIC), D(NONE), S(TESTING), false);
	struct level	l;

	(void)state;
	level_of(&t, 0, &l);
	assert_true(l.sts_testing);
	level_of(&t, NOT, &l);
	assert_false(l.sts_testing);
	t.dane = D(RECORDS);
	level_of(&t, 0, &l);
	assert_false(l.sts_testing);
}

static void
nothing_known_is_no_tls(void **state)
{
	struct level	l;

	(void)state;
	level_of(NULL, 0, &l);
	assert_int_equal(l.verdict, LEVEL_USE);
	assert_int_equal(l.level, TLS_LEVEL_NONE);
	level_of(NULL, REQ, &l);
	assert_int_equal(l.verdict, LEVEL_REFUSE);
	assert_string_equal(l.why,
	    "REQUIRETLS: the policy wants no TLS to the hop");
}

static void
a_session_serves_what_wants_no_more(void **state)
{
	struct level	had = { .level = TLS_LEVEL_VERIFIED, .host = "a.test",
			    .names_of = "" };
	struct level	want = { .level = TLS_LEVEL_REQUIRED, .host = "b.test",
			    .names_of = "" };

	(void)state;
	assert_true(level_serves(&had, &want));
	want.level = TLS_LEVEL_VERIFIED;
	assert_false(level_serves(&had, &want));	/* as another host */
	want.host = "A.test";
	want.level = TLS_LEVEL_DANE;
	assert_false(level_serves(&had, &want));
	want.level = TLS_LEVEL_VERIFIED;
	assert_true(level_serves(&had, &want));
	want.requires_requiretls = true;
	assert_false(level_serves(&had, &want));
	had.requires_requiretls = true;
	assert_true(level_serves(&had, &want));
	had.level = want.level = TLS_LEVEL_DANE;
	assert_true(level_serves(&had, &want));
	want.names_of = "one.test";	/* whose name did not count */
	assert_false(level_serves(&had, &want));
	had.names_of = "One.test";
	assert_true(level_serves(&had, &want));
	want.verdict = LEVEL_WAIT;
	assert_false(level_serves(&had, &want));
}

static void
facts_are_copied_whole(void **state)
{
	struct hop_tls	 t = facts(W(DANE), D(RECORDS), S(NONE), true);
	struct hop_tls	*copy, *same;
	char		 data[] = "digest", host[] = "mx.example";

	(void)state;
	t.host = t.sni = host;
	t.tlsa_at = "_25._tcp.mx.example";
	t.sts_text = "";
	t.nnames = 1;
	t.names[0] = span_of(host);
	t.ntlsa = 1;
	t.tlsa[0] = (struct tls_tlsa){ 3, 1, 1, span_of(data) };
	copy = hop_tls_copy(&t);
	memset(data, 'x', 6);
	memset(host, 'x', 10);
	assert_string_equal(copy->sni, "mx.example");
	assert_true(span_eq(copy->names[0], SPAN("mx.example")));
	assert_true(span_eq(copy->tlsa[0].data, SPAN("digest")));
	same = hop_tls_ref(copy);
	hop_tls_unref(&copy);
	assert_null(copy);
	assert_string_equal(same->tlsa_at, "_25._tcp.mx.example");
	hop_tls_unref(&same);
	hop_tls_unref(&same);
}

static void
hosts_with_records_are_remembered_for_a_day(void **state)
{
	struct level_memory	*m = level_memory_new();
	const struct span	 at = SPAN("_25._tcp.mx.example");

	(void)state;
	assert_false(level_memory_has(m, at, 1000));
	level_memory_put(m, at, true, 1000);
	assert_true(level_memory_has(m, at, 1000));
	assert_false(level_memory_has(m, SPAN("_26._tcp.mx.example"), 1000));
	assert_true(level_memory_has(m, at, 1000 + 86399999));
	assert_false(level_memory_has(m, at, 1000 + 86400000));
	level_memory_put(m, SPAN("_25._tcp.other"), false, 1000);
	assert_true(level_memory_has(m, at, 1000));
	level_memory_put(m, at, false, 1000);
	assert_false(level_memory_has(m, at, 1000));
	level_memory_free(&m);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(each_line_decides_as_it_says),
		cmocka_unit_test(it_holds_whatever_is_known),
		cmocka_unit_test(a_policy_in_testing_is_told_of),
		cmocka_unit_test(nothing_known_is_no_tls),
		cmocka_unit_test(a_session_serves_what_wants_no_more),
		cmocka_unit_test(facts_are_copied_whole),
		cmocka_unit_test(hosts_with_records_are_remembered_for_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
