/*
 * options.c - the options of a sub-command, wherever they stand.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"

int
cmd_usage(const char *name, const char *why, ...)
{
	const struct cmd	*c = cmd_find(name);
	va_list			 ap;

	fprintf(stderr, "waybill %s: ", name);
	va_start(ap, why);
	vfprintf(stderr, why, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	if (c != NULL)
		fprintf(stderr, "usage: waybill %s %s\n", name, c->args);
	return CMD_USAGE;
}

/* "--name", "--name=value" or "-n"; *value is what follows '=', or NULL. */
static const struct cmd_opt *
find(const struct cmd_opt *opts, const char *arg, const char **value)
{
	const struct cmd_opt	*o;
	const char		*eq;
	size_t			 n;

	*value = NULL;
	for (o = opts; o->kind != OPT_END; o++) {
		if (arg[1] != '-') {
			if (o->letter != 0 && arg[1] == o->letter &&
			    arg[2] == '\0')
				return o;
			continue;
		}
		eq = strchr(arg, '=');
		n = eq != NULL ? (size_t)(eq - arg) - 2 : strlen(arg) - 2;
		if (strlen(o->name) == n && memcmp(o->name, arg + 2, n) == 0) {
			*value = eq != NULL ? eq + 1 : NULL;
			return o;
		}
	}
	return NULL;
}

static void
store(const struct cmd_opt *o, const char *value)
{
	struct cmd_list	*l = o->to.list;

	switch (o->kind) {
	case OPT_FLAG:
		*o->to.flag = true;
		break;
	case OPT_TEXT:
		*o->to.text = value;
		break;
	case OPT_LIST:
		l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
		l->v[l->n++] = value;
		break;
	case OPT_END:
		break;
	}
}

void
cmd_list_clear(struct cmd_list *l)
{
	free(l->v);
	*l = (struct cmd_list){ NULL, 0 };
}

static bool
is_option(const char *arg)
{
	return arg[0] == '-' && arg[1] != '\0';
}

int
cmd_options(int argc, char **argv, const struct cmd_opt *opts)
{
	const struct cmd_opt	*o;
	const char		*value;
	int			 i, left = 0;
	bool			 literal = false;

	for (i = 1; i < argc; i++) {
		if (literal || !is_option(argv[i])) {
			argv[++left] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			literal = true;
			continue;
		}
		if ((o = find(opts, argv[i], &value)) == NULL) {
			cmd_usage(argv[0], "no option '%s'", argv[i]);
			return -1;
		}
		if (o->kind != OPT_FLAG && value == NULL && ++i < argc)
			value = argv[i];
		if (o->kind != OPT_FLAG && value == NULL) {
			cmd_usage(argv[0], "--%s needs a value", o->name);
			return -1;
		}
		if (o->kind == OPT_FLAG && value != NULL) {
			cmd_usage(argv[0], "--%s takes no value", o->name);
			return -1;
		}
		store(o, value);
	}
	return left;
}
