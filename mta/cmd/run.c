/*
 * run.c - `waybill run FILE`: compiled by a child, then the parent process.
 *
 * The policy is text of the administrator, and still nothing that has root
 * parses it: the child that does has neither root nor descriptors.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/span.h"
#include "base/xalloc.h"

#include "mta/cmd/cmd.h"

#define PARENT		"waybill-parent"
#define WORKERS_MAX	32	/* a queue id has five bits for the worker */

struct running {
	const char	*policy;	/* as given */
	const char	*workers, *log, *libexec, *level;
	bool		 foreground, records;
};

static bool
has_parent(const char *dir)
{
	char	*path = xasprintf("%s/%s", dir, PARENT);
	bool	 there = access(path, X_OK) == 0;

	free(path);
	return there;
}

/* --libexec, WAYBILL_LIBEXECDIR, beside this executable, as installed. */
const char *
cmd_libexec(const char *given)
{
	static char	 beside[PATH_MAX];
	const char	*env = getenv("WAYBILL_LIBEXECDIR");
	const char	*self = cmd_self();
	char		*slash;

	if (given != NULL)
		return given;
	if (env != NULL && env[0] != '\0')
		return env;
	if (self != NULL && strlen(self) < sizeof(beside)) {
		(void)strcpy(beside, self);
		if ((slash = strrchr(beside, '/')) != NULL)
			*slash = '\0';
		if (has_parent(beside))
			return beside;
	}
	return WAYBILL_LIBEXECDIR;
}

struct args {
	const char	*v[24];
	size_t		 n;
};

static void
arg(struct args *a, const char *s)
{
	a->v[a->n++] = s;
}

static void
option(struct args *a, const char *name, const char *value)
{
	if (value == NULL)
		return;
	arg(a, name);
	arg(a, value);
}

/* Does not return, but when it fails. */
static int
become_parent(const struct running *r, const char *policy, int image)
{
	const char	*dir = cmd_libexec(r->libexec);
	char		*path = xasprintf("%s/%s", dir, PARENT);
	char		*fd = xasprintf("%d", image);
	struct args	 a = { .n = 0 };

	arg(&a, path);
	option(&a, "--image-fd", fd);
	option(&a, "--policy", policy);
	option(&a, "--compile-command", cmd_self());
	option(&a, "--libexec", dir);
	option(&a, "--workers", r->workers);
	option(&a, "--log", r->log);
	option(&a, "--log-level", r->level);
	if (r->records)
		arg(&a, "--records");
	arg(&a, NULL);
	/* Of all descriptors the image is the one that goes along. */
	if (fcntl(image, F_SETFD, 0) != -1)
		execv(path, (char *const *)(uintptr_t)a.v);
	fprintf(stderr, "waybill run: %s: %s\n", path, strerror(errno));
	free(path);
	free(fd);
	return CMD_USAGE;
}

static int
start(const struct running *r)
{
	char	*policy;
	int	 image, status;

	/* The parent compiles it again, from another folder. */
	if ((policy = realpath(r->policy, NULL)) == NULL) {
		fprintf(stderr, "waybill run: %s: %s\n", r->policy,
		    strerror(errno));
		return CMD_USAGE;
	}
	if ((image = cmd_build(policy, CF_TABLES_FOR_START, &status)) != -1)
		status = become_parent(r, policy, image);
	free(policy);
	return status;
}

int
cmd_run(int argc, char **argv)
{
	struct running		 r = { .policy = NULL };
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "workers", 0, { .text = &r.workers } },
		{ OPT_TEXT, "log", 0, { .text = &r.log } },
		{ OPT_TEXT, "log-level", 0, { .text = &r.level } },
		{ OPT_FLAG, "records", 0, { .flag = &r.records } },
		{ OPT_TEXT, "libexec", 0, { .text = &r.libexec } },
		{ OPT_FLAG, "foreground", 0, { .flag = &r.foreground } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	enum log_level		 level;
	uint64_t		 workers;
	int			 n;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 1)
		return cmd_usage(argv[0], "which policy?");
	if (r.workers != NULL && (!span_u64(span_of(r.workers), WORKERS_MAX,
	    &workers) || workers == 0))
		return cmd_usage(argv[0], "--workers: 1 to %d", WORKERS_MAX);
	if (r.level != NULL && !log_level_parse(r.level, &level))
		return cmd_usage(argv[0],
		    "--log-level: debug, info, warn or error");
	r.policy = argv[1];
	return start(&r);
}
