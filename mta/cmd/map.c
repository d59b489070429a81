/*
 * map.c - `waybill map build|query|dump`: tables without a policy, and those
 * that a policy names.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/xalloc.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/map_check.h"
#include "mta/cmd/map_query.h"
#include "mta/cmd/maptable.h"

struct run {
	struct maptable	 t;
	const char	*detail, *out, *to, *driver, *policy;
	bool		 json;
};

/* Opens TABLE, or the database beside it. */
static int
open_table(struct run *r, const char *path)
{
	if (r->driver != NULL) {
		r->t.path = xstrdup(path);
		return maptable_open(&r->t, span_of(r->driver));
	}
	r->t.path = maptable_beside(path);
	return maptable_open(&r->t, SPAN_NONE);
}

/* --- build */

static int
build(struct run *r, char **argv)
{
	char	*out;
	int	 status;

	if (map_driver_suffix(span_of(r->to)) == NULL)
		return cmd_usage("map", "there is no database '%s'; --to "
		    "gdbm, cdb or lmdb", r->to);
	r->t.path = xstrdup(argv[2]);
	if (maptable_open(&r->t, SPAN("text")) == -1)
		return CMD_USAGE;
	out = r->out != NULL ? xstrdup(r->out) :
	    maptable_database(argv[2], span_of(r->to));
	status = maptable_build(&r->t, r->to, out);
	if (status == CMD_OK)
		printf("%s: %zu entries\n", out, map_size(r->t.map));
	free(out);
	return status;
}

/* A database of the policy: made again when its text is newer. */
static int
refresh(const struct cf_map_file *f)
{
	struct maptable	 t = { .who = "waybill map", .kind = f->kind };
	char		*out;
	int		 status = CMD_OK;

	if (f->suffix == NULL)
		return CMD_OK;
	out = xasprintf("%s%s", f->path, f->suffix);
	if (maptable_is_newer(f->path, out)) {
		t.path = xstrdup(f->path);
		status = maptable_open(&t, SPAN("text")) == -1 ? CMD_USAGE :
		    maptable_build(&t, f->driver, out);
		if (status == CMD_OK)
			printf("%s: %zu entries\n", out, map_size(t.map));
		maptable_close(&t);
	}
	free(out);
	return status;
}

static int
policy_build(const char *path)
{
	struct cf_map_file	 f;
	struct cf		*cf;
	size_t			 i;
	int			 io, status = CMD_OK, one;

	if ((cf = cmd_tables(path, &io)) == NULL)
		return io;
	for (i = 0; cf_map_file(cf, i, &f); i++)
		if ((one = refresh(&f)) > status)
			status = one;
	cf_free(&cf);
	return status;
}

/* --- dump */

struct dumping {
	struct buf	 out;
	struct json	 j;
	bool		 json;
};

static void
dump_entry(void *arg, const struct map_answer *a)
{
	struct dumping	*d = arg;

	if (!d->json) {
		buf_add_span(&d->out, a->key);
		buf_add_char(&d->out, '\t');
		buf_add_span(&d->out, a->value);
		buf_add_char(&d->out, '\n');
	} else {
		json_object(&d->j, NULL);
		json_text(&d->j, "key", a->key);
		json_text(&d->j, "value", a->value);
		json_uint(&d->j, "line", a->line);
		json_object_end(&d->j);
	}
	if (d->out.n > 65536)
		cmd_write(&d->out);
}

static int
dump(struct run *r, char **argv)
{
	struct dumping	 d = { .json = r->json };
	int		 rc;

	if (open_table(r, argv[2]) == -1)
		return CMD_USAGE;
	json_init(&d.j, &d.out);
	if (d.json)
		json_array(&d.j, NULL);
	rc = map_walk(r->t.map, dump_entry, &d);
	if (d.json)
		json_array_end(&d.j);
	if (d.json)
		buf_add_char(&d.out, '\n');
	cmd_write(&d.out);
	return rc == 0 ? CMD_OK : CMD_NO;
}

/* --- query */

static int
query(struct run *r, char **argv)
{
	struct map_asking	 a = { .detail = span_of(r->detail),
	    .json = r->json };

	if (r->policy != NULL)
		return map_query_policy(r->policy, argv[2], argv[3], &a);
	if (open_table(r, argv[2]) == -1)
		return CMD_USAGE;
	a.map = r->t.map;
	a.path = r->t.path;
	return map_query(&a, argv[3]);
}

/* --- */

static const struct {
	const char	*word;
	int		 args;
	int		(*run)(struct run *, char **);
} words[] = {
	{ "build", 2, build },
	{ "query", 3, query },
	{ "dump", 2, dump },
};

int
cmd_map(int argc, char **argv)
{
	struct run		 r = { .t.who = "waybill map", .detail = "+",
	    .to = "gdbm" };
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "as", 0, { .text = &r.t.kind } },
		{ OPT_TEXT, "detail", 0, { .text = &r.detail } },
		{ OPT_TEXT, "driver", 0, { .text = &r.driver } },
		{ OPT_TEXT, "to", 0, { .text = &r.to } },
		{ OPT_TEXT, "output", 'o', { .text = &r.out } },
		{ OPT_TEXT, "policy", 'c', { .text = &r.policy } },
		{ OPT_FLAG, "json", 0, { .flag = &r.json } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	size_t			 i;
	int			 n, status;

	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return cmd_map_check(argc, argv);
	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n == 1 && strcmp(argv[1], "build") == 0 && r.policy != NULL)
		return policy_build(r.policy);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (n < 1 || strcmp(argv[1], words[i].word) != 0)
			continue;
		if (n != words[i].args)
			return cmd_usage(argv[0], "which table%s?",
			    words[i].args == 3 ? " and key" : "");
		status = words[i].run(&r, argv);
		maptable_close(&r.t);
		return status;
	}
	return cmd_usage(argv[0], "what is to be done? build, query, dump "
	    "or check");
}
