/*
 * help.c - `waybill help` and `waybill version`.
 */
#include "config.h"

#include <stdio.h>

#include "mta/cmd/cmd.h"

static void
list(void)
{
	const struct cmd	*c;

	printf("usage: waybill SUB-COMMAND ...\n\n");
	for (c = cmds; c->name != NULL; c++)
		printf("  %-9s %s\n", c->name, c->summary);
	printf("\n`waybill help SUB-COMMAND` says more; so do waybill(8) and "
	    "waybill.conf(5).\n");
}

int
cmd_help(int argc, char **argv)
{
	const struct cmd	*c;

	if (argc < 2) {
		list();
		return CMD_OK;
	}
	if ((c = cmd_find(argv[1])) == NULL)
		return cmd_unknown(argv[1]);
	printf("usage: waybill %s %s\n\n%s", c->name, c->args, c->help);
	return CMD_OK;
}

int
cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("waybill %s\n", PACKAGE_VERSION);
	return CMD_OK;
}
