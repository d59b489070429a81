/*
 * folder.c - a folder of a process's own in the spool's.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include "base/log.h"

#include "mta/child/folder.h"

/* Ours stays ours. */
static void
give_to(int fd, const char *name, const char *user)
{
	struct passwd	*pw;

	if (geteuid() != 0)
		return;
	if ((pw = getpwnam(user)) == NULL)
		fatalx("there is no system user '%s'; `waybill setup` makes "
		    "it", user);
	if (fchown(fd, pw->pw_uid, pw->pw_gid) == -1 || fchmod(fd, 0700) == -1)
		fatal("spool folder %s", name);
}

int
child_folder(const char *spool, const char *name, const char *user)
{
	int	at, fd;

	if (mkdir(spool, 0700) == -1 && errno != EEXIST)
		fatal("spool %s", spool);
	if ((at = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		fatal("spool %s", spool);
	if (mkdirat(at, name, 0700) == -1 && errno != EEXIST)
		fatal("spool folder %s", name);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		fatal("spool folder %s", name);
	give_to(fd, name, user);
	close(at);
	return fd;
}
