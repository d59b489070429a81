/*
 * reload.c - `waybill reload`: the server compiles its policy again.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "mta/cmd/cmd.h"

static void
refused(const char *text)
{
	size_t	n = strlen(text);

	fprintf(stderr, "%s%sThe policy that runs is the one that ran.\n",
	    text, n > 0 && text[n - 1] == '\n' ? "" : "\n");
}

/* The server's word: what its compiler printed, or the new hash. */
static int
say(const json_t *doc, bool json)
{
	bool	ok = json_is_true(json_object_get(doc, "ok"));

	if (json)
		cmd_json_print(doc);
	if (cmd_json_error("reload", doc))
		return CMD_NO;
	if (!ok)
		refused(cmd_json_str(doc, "text"));
	else if (!json)
		printf("The new policy runs: %s\n", cmd_json_str(doc, "text"));
	return ok ? CMD_OK : CMD_NO;
}

int
cmd_reload(int argc, char **argv)
{
	const char		*spool_opt = NULL, *policy = NULL;
	bool			 json = false;
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "spool", 0, { .text = &spool_opt } },
		{ OPT_TEXT, "policy", 'c', { .text = &policy } },
		{ OPT_FLAG, "json", 0, { .flag = &json } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	json_t			*doc;
	char			*spool;
	int			 n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 0)
		return cmd_usage(argv[0], "no '%s'", argv[1]);
	if ((spool = cmd_spool(spool_opt, policy, &status)) == NULL)
		return status;
	doc = cmd_control(spool, "reload\n");
	free(spool);
	if (doc == NULL)
		return CMD_USAGE;
	status = say(doc, json);
	json_decref(doc);
	return status;
}
