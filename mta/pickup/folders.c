/*
 * folders.c - the folders that programs reach.
 *
 * Programs pass through the spool's folder, which is closed otherwise: it gets
 * the right to pass, and nothing of what lies in it can be read by others.
 */
#include "config.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fileio.h"
#include "base/log.h"
#include "mta/pickup/pickup.h"

#define PUBLIC_MODE	0755
#define DROP_MODE	01770	/* sticky: nobody removes another's */
#define OWN_DROP_MODE	0700	/* without root there is one user */
#define LOCK_MS		10000	/* an earlier process may be about to end */

static int
open_below(int at, const char *name)
{
	int	fd;

	if (mkdirat(at, name, 0700) == -1 && errno != EEXIST)
		fatal("spool folder %s", name);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1)
		fatal("spool folder %s", name);
	return fd;
}

static void
set_mode(int fd, uid_t uid, gid_t gid, mode_t mode)
{
	if (geteuid() == 0 && fchown(fd, uid, gid) == -1)
		fatal("owner of a folder of the spool");
	if (fchmod(fd, mode) == -1)
		fatal("mode of a folder of the spool");
}

/* Whoever is in the group may write there: only set-gid programs are. */
static gid_t
drop_group(gid_t otherwise)
{
	const struct group	*g = getgrnam(DROP_GROUP);

	if (g != NULL)
		return g->gr_gid;
	log_warnx("there is no group '" DROP_GROUP "': programs cannot leave "
	    "their mail while the server is down; `waybill setup` makes it");
	return otherwise;
}

static void
let_pass(int at)
{
	struct stat	st;

	if (fstat(at, &st) == -1)
		fatal("spool");
	if ((st.st_mode & 0011) != 0011 &&
	    (geteuid() == 0 || st.st_uid == geteuid()) &&
	    fchmod(at, (st.st_mode & 07777) | 0011) == -1)
		fatal("spool");
}

void
folders_open(struct pickup *p, const char *spool, const char *user)
{
	const struct passwd	*pw = NULL;
	bool			 root = geteuid() == 0;
	uid_t			 uid = geteuid();
	gid_t			 gid = getegid();
	int			 at;

	if (root && (pw = getpwnam(user)) == NULL)
		fatalx("there is no system user '%s'; `waybill setup` makes "
		    "it", user);
	if (pw != NULL) {
		uid = pw->pw_uid;
		gid = pw->pw_gid;
	}
	if (mkdir(spool, 0700) == -1 && errno != EEXIST)
		fatal("spool %s", spool);
	if ((at = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		fatal("spool %s", spool);
	let_pass(at);
	p->public_fd = open_below(at, DROP_PUBLIC);
	set_mode(p->public_fd, uid, gid, PUBLIC_MODE);
	p->drop_fd = open_below(at, DROP_FOLDER);
	set_mode(p->drop_fd, uid, root ? drop_group(gid) : gid,
	    root ? DROP_MODE : OWN_DROP_MODE);
	close(at);
}

void
folders_lock(struct pickup *p)
{
	int64_t	began = clock_boot_ms();

	while (flock(p->drop_fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			fatal("lock of the drop folder");
		if (clock_boot_ms() - began > LOCK_MS)
			fatalx("the drop folder is in use by another server");
		usleep(20000);
	}
}

void
folders_tell(struct pickup *p)
{
	struct buf	text = { 0 };

	drop_settings_format(&p->settings, &text);
	if (file_replace(p->public_fd, DROP_SETTINGS, buf_span(&text).p,
	    text.n, 0644) == -1)
		log_warn("file " DROP_PUBLIC "/" DROP_SETTINGS);
	buf_clear(&text);
}
