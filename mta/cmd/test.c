/*
 * test.c - `waybill test FILE`: the tests that stand in a policy.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "ruleset/image.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/trial.h"

/* --- rules that no test has asked */

/* `rewrite outbound sender, header` has its rules once for each. */
static bool
is_copy(const struct rs_image *im, const struct rs_rule *a,
    const struct rs_rule *b)
{
	return rs_func(im, a->func)->hook >= RS_HOOK_REWRITE_IN_SENDER &&
	    a->file == b->file && a->line == b->line && a->text == b->text;
}

/* It or a copy of it; a copy of one that was not is not said again. */
static bool
is_reached(const struct test_run *run, const struct rs_image *im, uint32_t i)
{
	const struct rs_rule	*r = rs_rule(im, i);
	uint32_t		 j;

	if (run->reached[i] || rs_func(im, r->func)->hook <
	    RS_HOOK_REWRITE_IN_SENDER)
		return run->reached[i];
	for (j = 0; j < rs_nrule(im); j++)
		if (j != i && is_copy(im, rs_rule(im, j), r) &&
		    (run->reached[j] || j < i))
			return true;
	return false;
}

static void
unreached(struct test_run *run, const struct rs_image *im)
{
	const struct rs_rule	*r;
	struct span		 path;
	uint32_t		 i, n = 0;

	json_array(&run->j, "unreached");
	for (i = 0; i < rs_nrule(im); i++) {
		if (is_reached(run, im, i))
			continue;
		r = rs_rule(im, i);
		if (n++ == 0)
			buf_add_str(&run->text,
			    "Rules that no test has reached:\n");
		path = r->file == 0 ? span_of(run->file) :
		    rs_string(im, rs_file(im, r->file)->path);
		buf_addf(&run->text, "  %.*s:%u: %.*s\n", SPAN_ARG(path),
		    r->line, SPAN_ARG(rs_string(im, r->text)));
		json_object(&run->j, NULL);
		json_text(&run->j, "file", path);
		json_uint(&run->j, "line", r->line);
		json_text(&run->j, "text", rs_string(im, r->text));
		json_object_end(&run->j);
	}
	json_array_end(&run->j);
}

/* --name: a part of its name, in any case. */
static bool
wanted(const struct test_run *run, const struct cf_test *t)
{
	struct span	part;
	size_t		i, at;

	if (run->names.n == 0)
		return true;
	for (i = 0; i < run->names.n; i++) {
		part = span_of(run->names.v[i]);
		for (at = 0; at + part.n <= t->name.n; at++)
			if (span_ieq(span_mem(t->name.p + at, part.n), part))
				return true;
	}
	return false;
}

static void
all_tests(struct test_run *run)
{
	size_t	i;

	json_init(&run->j, &run->json_out);
	json_object(&run->j, NULL);
	json_str(&run->j, "file", run->file);
	json_array(&run->j, "tests");
	for (i = 0; i < cf_ntests(run->cf); i++)
		if (wanted(run, cf_test(run->cf, i)))
			trial(run, cf_test(run->cf, i));
	json_array_end(&run->j);
}

static int
run_tests(struct test_run *run, bool json)
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
	if (run->names.n == 0)	/* else most rules are not meant */
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
	struct test_run		 run = { .passed = 0 };
	bool			 json = false;
	const struct cmd_opt	 opts[] = {
		{ OPT_FLAG, "json", 0, { .flag = &json } },
		{ OPT_LIST, "name", 0, { .list = &run.names } },
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
	if (run.names.n > 0 && run.passed + run.failed == 0) {
		fprintf(stderr, "waybill test: %s: no test has such a name\n",
		    argv[1]);
		status = CMD_USAGE;
	}
	cmd_list_clear(&run.names);
	cf_free(&cf);
	return status;
}
