/*
 * classic.c - which of sendmail's commands there are.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "mta/cmd/classic.h"

static const struct {
	const char	*name;
	classic_main	*run;
} commands[] = {
	{ "mailq", classic_mailq },
	{ "makemap", classic_makemap },
	{ "newaliases", classic_newaliases },
	{ "praliases", classic_praliases },
};

classic_main *
classic_find(const char *argv0)
{
	const char	*slash = strrchr(argv0, '/');
	size_t		 i;

	if (slash != NULL)
		argv0 = slash + 1;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv0, commands[i].name) == 0)
			return commands[i].run;
	return NULL;
}
