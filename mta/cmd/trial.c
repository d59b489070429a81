/*
 * trial.c - one test of a policy.
 *
 * Owns: its policy (tables are read anew, so that nothing of one test is left
 * for the next), its DNS, its milters' answers, its session.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/expect.h"
#include "mta/cmd/explain.h"
#include "mta/cmd/play.h"
#include "mta/cmd/trial.h"

struct trial {
	struct test_run		*run;
	const struct cf_test	*test;
	struct policy		*policy;
	struct fakedns		 dns;
	struct fakecallouts	 callouts;
	struct play_milter	*milters;
	size_t			 nmilters;
	struct play		 play;
	bool			 playing;
	int64_t			 now_ms;
	struct fakelimits	 limits;
	uint64_t		 tx;
	bool			*given;		/* by map: has a `with` */
	size_t			 failures;
};

#define TX_SESSION	1000000		/* messages of a session, and more */

/* --- what holds for the whole test */

static void
with_milter(struct trial *t, const struct cf_step *s)
{
	static const enum rs_verdict_kind	kinds[] = {
		[CF_X_ACCEPT] = RS_V_ACCEPT, [CF_X_REJECT] = RS_V_REJECT,
		[CF_X_DEFER] = RS_V_DEFER, [CF_X_DISCARD] = RS_V_DISCARD,
		[CF_X_QUARANTINE] = RS_V_QUARANTINE
	};
	struct play_milter	*m;

	t->milters = xreallocarray(t->milters, t->nmilters + 1,
	    sizeof(*t->milters));
	m = &t->milters[t->nmilters++];
	*m = (struct play_milter){ .object = s->expect.object,
	    .stage = (enum rs_hook)s->index };
	m->failing = s->failing;
	m->says.kind = (uint8_t)kinds[s->expect.kind];
	m->says.rule = UINT32_MAX;
	m->says.code = (uint16_t)s->expect.code;
	m->says.status = s->expect.status;
	m->says.text = s->expect.text;
}

static void
with_rate(struct trial *t, const struct cf_step *s)
{
	struct fakelimits	*l = &t->limits;

	l->rates = xreallocarray(l->rates, l->nrates + 1, sizeof(*l->rates));
	l->rates[l->nrates++] = (struct fakerate){ s->text, s->number,
	    s->failing };
}

/* DNS, clock, rates and milters; for tables the policy has to be open. */
static void
with(struct trial *t)
{
	size_t	i;

	for (i = 0; i < t->test->nsteps; i++) {
		const struct cf_step	*s = &t->test->steps[i];

		if (s->kind == CF_T_WITH_DNS)
			fakedns_add(&t->dns, (enum dns_type)s->dns_type,
			    s->text, s->text2, s->failing);
		else if (s->kind == CF_T_WITH_TIME)
			t->now_ms = s->number;
		else if (s->kind == CF_T_WITH_MILTER)
			with_milter(t, s);
		else if (s->kind == CF_T_WITH_RATE)
			with_rate(t, s);
		else if (s->kind == CF_T_WITH_CALLOUT)
			fakecallouts_add(&t->callouts, s->text, s->failing ?
			    CALLOUT_CANNOT : s->number != 0 ? CALLOUT_YES :
			    CALLOUT_NO);
	}
	t->limits.began_ms = t->now_ms;
}

static void
with_maps(struct trial *t)
{
	uint32_t	map;
	size_t		i;

	t->given = xcalloc(rs_nmap(policy_image(t->policy)) + 1,
	    sizeof(*t->given));
	for (i = 0; i < t->test->nsteps; i++) {
		const struct cf_step	*s = &t->test->steps[i];

		map = s->index;
		if ((s->kind != CF_T_WITH_MAP &&
		    s->kind != CF_T_WITH_MAP_FAILING) ||
		    policy_map(t->policy, map) == NULL)
			continue;
		t->given[map] = true;
		if (s->kind == CF_T_WITH_MAP)
			map_add(policy_map(t->policy, map), s->text, s->text2);
		else
			policy_map_failing(t->policy, map);
	}
}

/* Tables are read anew: nothing of one test is left for the next. */
static bool
open_policy(struct trial *t)
{
	struct policy_source	 src = { .image_mem = cf_image(t->run->cf) };
	const char		*why;

	src.dns = fakedns_policy(&t->dns);
	src.limits = fakelimits_policy(&t->limits);
	src.callouts = fakecallouts_policy(&t->callouts);
	src.quiet = true;
	t->policy = policy_open(&src, &why);
	if (t->policy == NULL)
		fprintf(stderr, "waybill test: %s: %s\n", t->run->file, why);
	return t->policy != NULL;
}

/* The head of what failed, once. */
static void
failed(struct trial *t)
{
	if (t->failures++ == 0)
		buf_addf(&t->run->text, "FAILED  %.*s  (%s:%u)\n",
		    SPAN_ARG(t->test->name), t->test->path, t->test->line);
}

/* --- the session */

static void
note_reached(struct test_run *run, const struct rs_record *r)
{
	size_t	i;

	for (i = 0; i < r->n; i++)
		if (r->steps[i].kind == RS_STEP_RULE)
			run->reached[r->steps[i].number] = true;
}

static void
table_failure(struct trial *t, const struct rs_step *s, uint32_t map)
{
	const struct rs_image	*im = policy_image(t->policy);
	const struct rs_map_decl *d = rs_map(im, map);
	struct arena		 ar = { 0 };
	struct span		 name = rs_string(im, d->name);
	struct span		 driver = rs_string(im, d->driver);
	struct span		 key = rs_format(&s->key, &ar);

	failed(t);
	t->given[map] = true;	/* said once */
	buf_addf(&t->run->text, "  the rules ask the table '%.*s' (%.*s), and "
	    "a test asks no server: write\n      with map %.*s[\"%.*s\"] = "
	    "\"...\"\n", SPAN_ARG(name), SPAN_ARG(driver), SPAN_ARG(name),
	    SPAN_ARG(key));
	json_object(&t->run->j, NULL);
	json_uint(&t->run->j, "line", t->test->line);
	json_text(&t->run->j, "table", name);
	json_text(&t->run->j, "key", key);
	json_object_end(&t->run->j);
	arena_clear(&ar);
}

/* A host that the test says nothing of has been asked for an address. */
static void
look_for_callouts(struct trial *t)
{
	struct span	address = t->callouts.unsaid;

	if (address.n == 0)
		return;
	failed(t);
	buf_addf(&t->run->text, "  the rules ask whether <%.*s> is reachable, "
	    "and a test asks no server: write\n      with <%.*s> reachable\n",
	    SPAN_ARG(address), SPAN_ARG(address));
	json_object(&t->run->j, NULL);
	json_uint(&t->run->j, "line", t->test->line);
	json_text(&t->run->j, "reachable", address);
	json_object_end(&t->run->j);
}

/* A table of a server that the test says nothing of. */
static bool
is_unsaid(const struct trial *t, uint32_t map)
{
	return !t->given[map] &&
	    map_is_declared(policy_map(t->policy, map));
}

/* What is made of others could not say: for want of which of them? */
static void
look_at_members(struct trial *t, const struct rs_step *s, uint32_t map)
{
	const struct rs_image	*im = policy_image(t->policy);
	uint32_t		 i, member;

	for (i = 0; (member = rs_map_member(im, map, i)) != UINT32_MAX; i++) {
		if (rs_map_made(im, member) != RS_MADE_NOT)
			look_at_members(t, s, member);
		else if (is_unsaid(t, member))
			table_failure(t, s, member);
	}
}

static void
look_for_servers(struct trial *t, const struct rs_record *r)
{
	const struct rs_image	*im = policy_image(t->policy);
	const struct rs_step	*s;
	size_t			 i;

	for (i = 0; i < r->n; i++) {
		s = &r->steps[i];
		if (s->kind != RS_STEP_MAP)
			continue;
		if (rs_map_made(im, s->number) == RS_MADE_NOT) {
			if (is_unsaid(t, s->number))
				table_failure(t, s, s->number);
		} else if (s->value.type == RS_T_UNKNOWN) {
			look_at_members(t, s, s->number);
		}
	}
}

static void
session_end(struct trial *t)
{
	const struct played	*p;
	size_t			 i;

	if (!t->playing)
		return;
	for (i = 0; i < t->play.n; i++) {
		p = &t->play.v[i];
		note_reached(t->run, &p->record);
		note_reached(t->run, &p->route_record);
		look_for_servers(t, &p->record);
		look_for_servers(t, &p->route_record);
	}
	play_end(&t->play);
	t->playing = false;
}

static void
session_begin(struct trial *t)
{
	session_end(t);
	t->tx += TX_SESSION;
	t->limits.now_ms = t->now_ms;
	play_begin(&t->play, t->policy, t->now_ms, t->tx);
	t->play.milters = t->milters;
	t->play.nmilters = t->nmilters;
	t->playing = true;
}

static struct play_tls
tls_of(const struct cf_step *s)
{
	return (struct play_tls){ s->tls.version, s->tls.cipher,
	    s->tls.certificate };
}

/* What happens to a message that has been taken. */
static void
behind_queue(struct trial *t, const struct cf_step *s)
{
	struct play_wait	w = { s->waited.age_ms, s->waited.attempts };
	struct play_hop		hop = { s->text, s->ip, tls_of(s) };

	if (s->kind == CF_T_DELIVERY)
		play_delivery(&t->play, &w);
	else if (s->kind == CF_T_BOUNCE)
		play_bounce(&t->play, &w);
	else if (s->kind == CF_T_HOP)
		play_relay(&t->play, &hop, &w);
}

/* A command of the client; others are nothing to it. */
static void
command(struct trial *t, const struct cf_step *s)
{
	struct play_tls	tls = tls_of(s);

	if (s->kind == CF_T_CLIENT)
		session_begin(t);
	else if (!t->playing)
		return;
	switch (s->kind) {
	case CF_T_CLIENT:
		play_connect(&t->play, &s->ip, s->text2, s->text);
		break;
	case CF_T_HELO:
		play_helo(&t->play, s->text);
		break;
	case CF_T_STARTTLS:
		play_starttls(&t->play, &tls);
		break;
	case CF_T_MAIL:
		(void)play_mail(&t->play, s->text, (uint64_t)s->number);
		break;
	case CF_T_RCPT:
		(void)play_rcpt(&t->play, s->text);
		break;
	case CF_T_VRFY: case CF_T_EXPN:
		(void)play_vrfy(&t->play, s->text, s->kind == CF_T_EXPN);
		break;
	case CF_T_HEADER:
		play_header(&t->play, s->text);
		break;
	case CF_T_BODY:
		play_body(&t->play, s->text);
		break;
	default:
		behind_queue(t, s);
		break;
	}
}

/* The clock moves on; the session is played again from `client`. */
static void
after(struct trial *t, size_t at)
{
	size_t	i = at;

	t->now_ms += t->test->steps[at].number;
	while (i > 0 && t->test->steps[i].kind != CF_T_CLIENT)
		i--;
	for (; i < at; i++)
		command(t, &t->test->steps[i]);
}

/* --- expectations */

static void
failure_json(struct trial *t, const struct cf_step *s, struct buf *expected,
    struct buf *got)
{
	struct json	*j = &t->run->j;
	size_t		 i;

	json_object(j, NULL);
	json_uint(j, "line", s->line);
	json_text(j, "expected", buf_span(expected));
	json_text(j, "got", buf_span(got));
	json_array(j, "records");
	for (i = 0; t->playing && i < t->play.n; i++)
		explain_played_json(j, &t->play.v[i],
		    policy_image(t->policy));
	json_array_end(j);
	json_object_end(j);
}

static void
failure(struct trial *t, const struct cf_step *s)
{
	const struct rs_image	*im = policy_image(t->policy);
	struct test_run		*run = t->run;
	struct buf		 expected = { 0 }, got = { 0 };
	size_t			 i;

	expect_text(im, s, &expected);
	if (t->playing)
		expect_got(&t->play, &got);
	failed(t);
	buf_addf(&run->text, "  %s:%u: expected %s\n", t->test->path,
	    s->line, buf_cstr(&expected));
	buf_addf(&run->text, "  got %s\n", buf_cstr(&got));
	for (i = 0; t->playing && i < t->play.n; i++)
		explain_played(&t->play.v[i], im, run->file, &run->text);
	failure_json(t, s, &expected, &got);
	buf_clear(&expected);
	buf_clear(&got);
}

/* An expectation behind a header or body looks at the whole message. */
static bool
wants_content(const struct trial *t, size_t at)
{
	while (at-- > 0) {
		enum cf_step_kind	k = t->test->steps[at].kind;

		if (k == CF_T_HEADER || k == CF_T_BODY)
			return true;
		if (k == CF_T_CLIENT || k == CF_T_HELO || k == CF_T_MAIL ||
		    k == CF_T_RCPT)
			return false;
	}
	return false;
}

static void
expectation(struct trial *t, size_t at)
{
	const struct cf_step	*s = &t->test->steps[at];

	if (t->playing) {
		play_login(&t->play);
		if (wants_content(t, at))
			play_content(&t->play);
	}
	if (!t->playing || !expect_met(&t->play, s))
		failure(t, s);
}

static void
steps(struct trial *t)
{
	size_t	i;

	for (i = 0; i < t->test->nsteps; i++) {
		if (t->test->steps[i].kind == CF_T_EXPECT)
			expectation(t, i);
		else if (t->test->steps[i].kind == CF_T_AFTER)
			after(t, i);
		else
			command(t, &t->test->steps[i]);
	}
}

/* --- a test */

static void
run(struct trial *t)
{
	counters_init(&t->limits.counters);
	with(t);
	if (open_policy(t)) {
		with_maps(t);
		steps(t);
		session_end(t);
		look_for_callouts(t);
		policy_unref(&t->policy);
	} else
		t->failures++;
	counters_clear(&t->limits.counters);
	free(t->limits.rates);
	fakedns_clear(&t->dns);
	fakecallouts_clear(&t->callouts);
	free(t->milters);
	free(t->given);
}

void
trial(struct test_run *r, const struct cf_test *test)
{
	struct trial	t = { .run = r, .test = test };

	t.now_ms = r->started_ms;
	json_object(&r->j, NULL);
	json_text(&r->j, "name", test->name);
	json_uint(&r->j, "line", test->line);
	json_array(&r->j, "failures");
	run(&t);
	json_array_end(&r->j);
	json_bool(&r->j, "passed", t.failures == 0);
	json_object_end(&r->j);
	if (t.failures > 0)
		r->failed++;
	else
		r->passed++;
	if (r->verbose && t.failures == 0)
		buf_addf(&r->text, "ok      %.*s\n", SPAN_ARG(test->name));
}
