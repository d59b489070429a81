/*
 * main.c - `waybill`: finds the sub-command, or the command of sendmail by whose
 * name it was called, and hands over.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "mta/cmd/classic.h"
#include "mta/cmd/cmd.h"

const struct cmd cmds[] = {
#define CMD(name, args, summary, help) \
	{ #name, args, summary, help, cmd_##name },
#include "mta/cmd/commands.def"
#undef CMD
	{ NULL, NULL, NULL, NULL, NULL }
};

const struct cmd *
cmd_find(const char *name)
{
	const struct cmd	*c;

	for (c = cmds; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

#define NAME_MAX_	32	/* of what may be a misspelt sub-command */

/* Insertions, deletions and replacements from a to b. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned	row[NAME_MAX_ + 1], left, diag;
	size_t		i, j, n = strlen(b);

	if (n > NAME_MAX_ || strlen(a) > NAME_MAX_)
		return NAME_MAX_;
	for (j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (i = 1; a[i - 1] != '\0'; i++) {
		diag = row[0];
		row[0] = (unsigned)i;
		for (j = 1; j <= n; j++) {
			left = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1,
			    diag + (a[i - 1] != b[j - 1]));
			diag = left;
		}
	}
	return row[n];
}

int
cmd_unknown(const char *name)
{
	const struct cmd	*c, *near = NULL;
	unsigned		 d, least = 3;

	for (c = cmds; c->name != NULL; c++)
		if ((d = distance(name, c->name)) < least) {
			least = d;
			near = c;
		}
	fprintf(stderr, "waybill: no sub-command '%s'", name);
	if (near != NULL)
		fprintf(stderr, "; did you mean '%s'?", near->name);
	fprintf(stderr, "\nTry `waybill help`.\n");
	return CMD_USAGE;
}

int
main(int argc, char **argv)
{
	const struct cmd	*c;
	classic_main		*classic;

	if (argc > 0 && (classic = classic_find(argv[0])) != NULL)
		return classic(argc, argv);
	if (argc < 2) {
		(void)cmd_help(1, argv);
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		return cmd_version(1, argv);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return cmd_help(1, argv);
	if ((c = cmd_find(argv[1])) == NULL)
		return cmd_unknown(argv[1]);
	if (argc > 2 && strcmp(argv[argc - 1], "--help") == 0)
		return cmd_help(2, argv);
	return c->run(argc - 1, argv + 1);
}
