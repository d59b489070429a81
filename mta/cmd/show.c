/*
 * show.c - `waybill show FILE`: the effective policy.
 */
#include "config.h"

#include "mta/cmd/cmd.h"

int
cmd_show(int argc, char **argv)
{
	bool			 json = false;
	const struct cmd_opt	 opts[] = {
		{ OPT_FLAG, "json", 0, { .flag = &json } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	struct buf		 out = { 0 };
	struct cf		*cf;
	int			 n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 1)
		return cmd_usage(argv[0], "which policy?");
	if ((cf = cmd_load(argv[1], &status)) == NULL)
		return status;
	cf_show(cf, json, &out);
	cmd_write(&out);
	cf_free(&cf);
	return CMD_OK;
}
