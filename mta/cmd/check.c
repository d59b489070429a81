/*
 * check.c - `waybill check FILE`: errors and warnings, and what it costs.
 */
#include "config.h"

#include <stdio.h>

#include "base/json.h"

#include "mta/cmd/cmd.h"

static const char *const levels[] = { "error", "warning", "note" };

static void
diag_json(struct json *j, const struct cf_diag *d)
{
	json_object(j, NULL);
	json_str(j, "level", levels[d->level]);
	json_str(j, "file", d->path);
	json_uint(j, "line", d->line);
	json_uint(j, "column", d->column);
	json_uint(j, "end_column", d->end_column);
	json_str(j, "text", d->text);
	json_str(j, "help", d->help);
	json_object_end(j);
}

static void
say_json(const struct cf *cf, const char *path, bool cost)
{
	const struct cf_diag	*d;
	struct buf		 out = { 0 };
	struct json		 j;
	size_t			 i;

	json_init(&j, &out);
	json_object(&j, NULL);
	json_str(&j, "file", path);
	json_uint(&j, "errors", cf_errors(cf));
	json_uint(&j, "warnings", cf_warnings(cf));
	json_array(&j, "findings");
	for (i = 0; i < cf_ndiags(cf); i++)
		diag_json(&j, cf_diag(cf, i));
	json_array_end(&j);
	json_array(&j, "not_served");
	for (i = 0; (d = cf_unserved(cf, i)) != NULL; i++)
		diag_json(&j, d);
	json_array_end(&j);
	json_bool(&j, "postmaster_refused", cmd_postmaster_refused(cf));
	cmd_exposed_json(cf, &j);
	cmd_certificates_json(cf, &j);
	if (cost)
		cmd_cost_json(cf, &j);
	json_object_end(&j);
	buf_add_char(&out, '\n');
	cmd_write(&out);
}

static void
summary(const struct cf *cf, const char *path)
{
	size_t	w = cf_warnings(cf) + cmd_exposed_say_all(cf) +
	    cmd_certificates_say(cf);

	if (cmd_postmaster_refused(cf))
		printf("%s: note: mail to <postmaster> reaches nobody and will "
		    "be refused (RFC 5321, 4.5.1)\n    help: postmaster "
		    "\"you@example.org\" at the top says where it goes\n",
		    path);
	if (w == 0)
		printf("%s: ok\n", path);
	else
		printf("%s: ok, but %zu warning%s\n", path, w,
		    w == 1 ? "" : "s");
}

int
cmd_check(int argc, char **argv)
{
	bool			 json = false, cost = false;
	const struct cmd_opt	 opts[] = {
		{ OPT_FLAG, "json", 0, { .flag = &json } },
		{ OPT_FLAG, "cost", 0, { .flag = &cost } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	struct cf		*cf;
	int			 io, n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 1)
		return cmd_usage(argv[0], "which policy?");
	if (!json) {
		cf = cmd_load(argv[1], &status);
		if (cf != NULL && cost)
			status = cmd_cost_print(cf);
		else if (cf != NULL)
			summary(cf, argv[1]);
		cf_free(&cf);
		return status;
	}
	cf = cf_compile(argv[1], &io);
	say_json(cf, argv[1], cost);
	status = io == -1 ? CMD_USAGE : cf_errors(cf) > 0 ? CMD_NO : CMD_OK;
	cf_free(&cf);
	return status;
}
