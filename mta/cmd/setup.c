/*
 * setup.c - `waybill setup`: users and folders, as root, as often as one likes.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"

#define EMPTY_FOLDER	"/run/waybill/empty"
#define SPOOL_USER	"waybill-queue"

/* One for each process that runs as nobody else (doc/architecture.md). */
static const char *const users[] = {
	"waybill-smtp", "waybill-route", SPOOL_USER, "waybill-relay",
	"waybill-resolve", "waybill-spawner", "waybill-mail",
	"waybill-compile"
};
#define NUSERS	(sizeof(users) / sizeof(users[0]))

static int
said(const char *what)
{
	fprintf(stderr, "waybill setup: %s: %s\n", what, strerror(errno));
	return -1;
}

static int
spawn(const char *const *argv)
{
	pid_t	pid;
	int	st;

	if ((pid = fork()) == -1)
		return said("fork");
	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &st, 0) == -1)
		if (errno != EINTR)
			return said("waitpid");
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static int
make_user(const char *name)
{
	const char	*argv[] = {
		"useradd", "--system", "--user-group", "--no-create-home",
		"--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin",
		"--comment", "Waybill mail server", name, NULL
	};

	if (getpwnam(name) != NULL)
		return 0;
	if (spawn(argv) != 0 || getpwnam(name) == NULL) {
		fprintf(stderr, "waybill setup: useradd %s has failed\n",
		    name);
		return -1;
	}
	printf("user %s\n", name);
	return 0;
}

/* With all folders above it, which belong to root. */
static int
make_folder(const char *path, const char *owner, mode_t mode)
{
	struct passwd	*pw = owner == NULL ? NULL : getpwnam(owner);
	char		*copy = xstrdup(path), *p;
	int		 r = 0;

	for (p = copy + 1; r == 0 && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) == -1 && errno != EEXIST)
			r = said(copy);
		*p = '/';
	}
	free(copy);
	if (r == -1)
		return -1;
	if (mkdir(path, mode) == 0)
		printf("folder %s\n", path);
	else if (errno != EEXIST)
		return said(path);
	if (pw != NULL && chown(path, pw->pw_uid, pw->pw_gid) == -1)
		return said(path);
	return chmod(path, mode) == -1 ? said(path) : 0;
}

int
cmd_setup(int argc, char **argv)
{
	const char		*policy = NULL;
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "policy", 'c', { .text = &policy } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	char			*spool;
	size_t			 i;
	int			 n, status;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 0)
		return cmd_usage(argv[0], "no '%s'", argv[1]);
	if (geteuid() != 0) {
		fprintf(stderr, "waybill setup: only root can make users; "
		    "without root no setup is needed\n");
		return CMD_NO;
	}
	for (i = 0; i < NUSERS; i++)
		if (make_user(users[i]) == -1)
			return CMD_NO;
	if (make_folder(EMPTY_FOLDER, NULL, 0755) == -1)
		return CMD_NO;
	if ((spool = cmd_spool(NULL, policy, &status)) == NULL)
		return status;
	status = make_folder(spool, SPOOL_USER, 0700) == -1 ? CMD_NO : CMD_OK;
	free(spool);
	return status;
}
