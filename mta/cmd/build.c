/*
 * build.c - a policy compiled by a child without privileges.
 *
 * The child is this executable again, as `waybill compile`; its image comes
 * in a memory file, sealed when the child has gone, so that what is verified
 * is what runs.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

#include "mta/cmd/cmd.h"

#define COMPILER_USER	"waybill-compile"

const char *
cmd_self(void)
{
	static char	path[4096];
	ssize_t		n;

	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	return path;
}

/* As root: another user for good.  0, or -1: said why. */
static int
drop(void)
{
	struct passwd	*pw;

	if (geteuid() != 0)
		return 0;
	if ((pw = getpwnam(COMPILER_USER)) == NULL) {
		fprintf(stderr, "waybill: there is no user '%s'; "
		    "`waybill setup` makes it\n", COMPILER_USER);
		return -1;
	}
	if (pw->pw_uid == 0 || pw->pw_gid == 0 ||
	    setgroups(1, &pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1) {
		fprintf(stderr, "waybill: cannot become '%s': %s\n",
		    COMPILER_USER, strerror(errno));
		return -1;
	}
	return 0;
}

static void
child(const char *self, const char *path, enum cf_tables tables, int image)
{
	int	 program = open(self, O_PATH | O_CLOEXEC);
	char	*argv[] = {
		xstrdup("waybill"), xstrdup("compile"), xstrdup(path),
		xstrdup("-o"), xstrdup("-"),
		xstrdup(tables == CF_TABLES_FOR_START ? "--for-start" :
		    "--settings"), NULL
	};

	/* Opened as root: the user may not get to its folder. */
	if (program == -1 || drop() == -1)
		_exit(CMD_USAGE);
	if (dup2(image, STDOUT_FILENO) == -1)
		_exit(CMD_USAGE);
	(void)fexecve(program, argv, environ);
	fprintf(stderr, "waybill: %s: %s\n", self, strerror(errno));
	_exit(CMD_USAGE);
}

static int
wait_for(pid_t pid)
{
	int	st;

	while (waitpid(pid, &st, 0) == -1)
		if (errno != EINTR)
			return CMD_USAGE;
	return WIFEXITED(st) ? WEXITSTATUS(st) : CMD_USAGE;
}

static int
failed(const char *what, int fd, int *status)
{
	fprintf(stderr, "waybill: %s: %s\n", what, strerror(errno));
	if (fd != -1)
		close(fd);
	*status = CMD_USAGE;
	return -1;
}

int
cmd_build(const char *path, enum cf_tables tables, int *status)
{
	const char	*self = cmd_self();
	pid_t		 pid;
	int		 fd;

	fd = memfd_create("waybill-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1 || self == NULL)
		return failed("memory file", fd, status);
	fflush(NULL);
	if ((pid = fork()) == -1)
		return failed("fork", fd, status);
	if (pid == 0)
		child(self, path, tables, fd);
	if ((*status = wait_for(pid)) != CMD_OK) {
		close(fd);
		return -1;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK | F_SEAL_SEAL) == -1)
		return failed("seal", fd, status);
	return fd;
}
