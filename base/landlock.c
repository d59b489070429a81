/*
 * landlock.c - a process that opens files, but only some.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <unistd.h>

#include "base/landlock.h"
#include "base/log.h"

/* What this kernel can refuse: it grew with the version of the interface. */
static unsigned long long
handled(long abi)
{
	unsigned long long	bits = (1ULL << 13) - 1;	/* EXECUTE to MAKE_SYM */

	if (abi >= 2)
		bits |= 1ULL << 13;	/* REFER */
	if (abi >= 3)
		bits |= 1ULL << 14;	/* TRUNCATE */
	return bits;
}

static void
allow(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr	rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE
	};
	struct stat				st;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd == -1)
		return;
	if (fstat(rule.parent_fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
	    &rule, 0) == -1)
		fatal("landlock: %s", path);
	close(rule.parent_fd);
}

bool
landlock_read_only(const char *const *paths, size_t n)
{
	struct landlock_ruleset_attr	attr = { 0 };
	long				abi;
	size_t				i;
	int				fd;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return false;
	attr.handled_access_fs = handled(abi);
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr.handled_access_fs), 0);
	if (fd == -1)
		fatal("landlock");
	for (i = 0; i < n; i++)
		allow(fd, paths[i]);
	if (syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		fatal("landlock");
	close(fd);
	return true;
}
