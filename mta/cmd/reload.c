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
	struct cmd_server	 sv;
	json_t			*doc;
	int			 status = CMD_OK;

	if ((doc = cmd_server_ask(argc, argv, &sv, &status)) == NULL)
		return status;
	status = say(doc, sv.json);
	json_decref(doc);
	return status;
}
