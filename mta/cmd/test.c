/*
 * test.c - `waybill test FILE`: the tests that stand in a policy.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/expect.h"
#include "mta/cmd/explain.h"
#include "mta/cmd/play.h"

struct run {
	const struct cf	*cf;
	const char	*file;
	struct buf	 text;		/* for people */
	struct buf	 json_out;
	struct json	 j;
	bool		 verbose;
	int64_t		 started_ms;
	size_t		 passed, failed;
	bool		*reached;	/* by rule */
};

/* One test under way. */
struct trial {
	struct run		*run;
	const struct cf_test	*test;
	struct policy		*policy;
	struct fakedns		 dns;
	struct play		 play;
	bool			 playing;
	int64_t			 now_ms;
	size_t			 failures;
};

/* --- what holds for the whole test */

static void
with_dns(struct trial *t)
{
	size_t	i;

	for (i = 0; i < t->test->nsteps; i++) {
		const struct cf_step	*s = &t->test->steps[i];

		if (s->kind == CF_T_WITH_DNS)
			fakedns_add(&t->dns, (enum dns_type)s->dns_type,
			    s->text, s->text2, s->failing);
		else if (s->kind == CF_T_WITH_TIME)
			t->now_ms = s->number;
	}
}

static void
with_maps(struct trial *t)
{
	size_t	i;

	for (i = 0; i < t->test->nsteps; i++) {
		const struct cf_step	*s = &t->test->steps[i];

		if (s->kind == CF_T_WITH_MAP &&
		    policy_map(t->policy, s->index) != NULL)
			map_add(policy_map(t->policy, s->index), s->text,
			    s->text2);
		else if (s->kind == CF_T_WITH_MAP_FAILING)
			policy_map_failing(t->policy, s->index);
	}
}

/* Tables are read anew: nothing of one test is left for the next. */
static bool
open_policy(struct trial *t)
{
	struct policy_source	 src = { .image_mem = cf_image(t->run->cf) };
	const char		*why;

	src.dns = fakedns_policy(&t->dns);
	src.quiet = true;
	t->policy = policy_open(&src, &why);
	if (t->policy == NULL)
		fprintf(stderr, "waybill test: %s: %s\n", t->run->file, why);
	return t->policy != NULL;
}

/* --- the session */

static void
note_reached(struct run *run, const struct rs_record *r)
{
	size_t	i;

	for (i = 0; i < r->n; i++)
		if (r->steps[i].kind == RS_STEP_RULE)
			run->reached[r->steps[i].number] = true;
}

static void
session_end(struct trial *t)
{
	size_t	i;

	if (!t->playing)
		return;
	for (i = 0; i < t->play.n; i++) {
		note_reached(t->run, &t->play.v[i].record);
		note_reached(t->run, &t->play.v[i].route_record);
	}
	play_end(&t->play);
	t->playing = false;
}

static void
session_begin(struct trial *t)
{
	session_end(t);
	play_begin(&t->play, t->policy, t->now_ms);
	t->playing = true;
}

/* A command of the client; others are nothing to it. */
static void
command(struct trial *t, const struct cf_step *s)
{
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
	case CF_T_MAIL:
		(void)play_mail(&t->play, s->text);
		break;
	case CF_T_RCPT:
		(void)play_rcpt(&t->play, s->text);
		break;
	case CF_T_HEADER:
		play_header(&t->play, s->text);
		break;
	case CF_T_BODY:
		play_body(&t->play, s->text);
		break;
	default:
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
	struct run		*run = t->run;
	struct buf		 expected = { 0 }, got = { 0 };
	size_t			 i;

	expect_text(im, s, &expected);
	if (t->playing)
		expect_got(&t->play, &got);
	if (t->failures++ == 0)
		buf_addf(&run->text, "FAILED  %.*s  (%s:%u)\n",
		    SPAN_ARG(t->test->name), run->file, t->test->line);
	buf_addf(&run->text, "  %s:%u: expected %s\n", run->file, s->line,
	    buf_cstr(&expected));
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

	if (t->playing && wants_content(t, at))
		play_content(&t->play);
	if (!t->playing || !expect_met(&t->play, s))
		failure(t, s);
}

/* --- a test */

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

static void
one_test(struct run *run, const struct cf_test *test)
{
	struct trial	t = { .run = run, .test = test };

	t.now_ms = run->started_ms;
	with_dns(&t);
	json_object(&run->j, NULL);
	json_text(&run->j, "name", test->name);
	json_uint(&run->j, "line", test->line);
	json_array(&run->j, "failures");
	if (open_policy(&t)) {
		with_maps(&t);
		steps(&t);
		session_end(&t);
		policy_unref(&t.policy);
	} else
		t.failures++;
	json_array_end(&run->j);
	json_bool(&run->j, "passed", t.failures == 0);
	json_object_end(&run->j);
	fakedns_clear(&t.dns);
	if (t.failures > 0)
		run->failed++;
	else
		run->passed++;
	if (run->verbose && t.failures == 0)
		buf_addf(&run->text, "ok      %.*s\n", SPAN_ARG(test->name));
}

/* --- rules that no test has asked */

static void
unreached(struct run *run, const struct rs_image *im)
{
	const struct rs_rule	*r;
	uint32_t		 i, n = 0;

	json_array(&run->j, "unreached");
	for (i = 0; i < rs_nrule(im); i++) {
		if (run->reached[i])
			continue;
		r = rs_rule(im, i);
		if (n++ == 0)
			buf_add_str(&run->text,
			    "Rules that no test has reached:\n");
		buf_addf(&run->text, "  %s:%u: %.*s\n", run->file, r->line,
		    SPAN_ARG(rs_string(im, r->text)));
		json_object(&run->j, NULL);
		json_uint(&run->j, "line", r->line);
		json_text(&run->j, "text", rs_string(im, r->text));
		json_object_end(&run->j);
	}
	json_array_end(&run->j);
}

static void
all_tests(struct run *run)
{
	size_t	i;

	json_init(&run->j, &run->json_out);
	json_object(&run->j, NULL);
	json_str(&run->j, "file", run->file);
	json_array(&run->j, "tests");
	for (i = 0; i < cf_ntests(run->cf); i++)
		one_test(run, cf_test(run->cf, i));
	json_array_end(&run->j);
}

static int
run_tests(struct run *run, bool json)
{
	struct span	 octets = cf_image(run->cf);
	struct rs_image	*im;
	const char	*why;

	if ((im = rs_image_open_mem(octets.p, octets.n, &why)) == NULL) {
		fprintf(stderr, "waybill test: %s: %s\n", run->file, why);
		return CMD_NO;
	}
	run->reached = xcalloc(rs_nrule(im) + 1, sizeof(*run->reached));
	all_tests(run);
	unreached(run, im);
	json_uint(&run->j, "passed", run->passed);
	json_uint(&run->j, "failed", run->failed);
	json_object_end(&run->j);
	buf_add_char(&run->json_out, '\n');
	buf_addf(&run->text, "%zu passed, %zu failed\n", run->passed,
	    run->failed);
	cmd_write(json ? &run->json_out : &run->text);
	buf_clear(&run->json_out);
	buf_clear(&run->text);
	free(run->reached);
	rs_image_free(&im);
	return run->failed > 0 ? CMD_NO : CMD_OK;
}

int
cmd_test(int argc, char **argv)
{
	struct run		 run = { .passed = 0 };
	bool			 json = false;
	const struct cmd_opt	 opts[] = {
		{ OPT_FLAG, "json", 0, { .flag = &json } },
		{ OPT_FLAG, "verbose", 'v', { .flag = &run.verbose } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	struct cf		*cf;
	int			 n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 1)
		return cmd_usage(argv[0], "which policy?");
	if ((cf = cmd_load(argv[1], &status)) == NULL)
		return status;
	run.cf = cf;
	run.file = argv[1];
	run.started_ms = clock_wall_ms();
	status = run_tests(&run, json);
	cf_free(&cf);
	return status;
}
