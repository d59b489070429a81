/*
 * confine.h - a process gives up what it does not need.
 *
 * Order in every main.c: open, confine_drop (as root: groups, gid, uid of its
 * user, after chroot into an empty folder), confine_sandbox (no new
 * privileges, limits, seccomp deny list), loop.  Without root the drop and the
 * chroot do nothing; the sandbox is the same.
 */
#ifndef WB_BASE_CONFINE_H
#define WB_BASE_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What a process still may do after confine_sandbox(); all else of the lists
 * in confine_deny.def is denied with EPERM.  What is never on a list: files
 * and sockets that are open already, accept(2), threads, signals to itself.
 */
enum {
	CONFINE_OPEN	= 1 << 0,	/* openat, renameat, unlinkat, mkdirat (a folder's descriptor) */
	CONFINE_NET	= 1 << 1,	/* socket and connect for inet */
	CONFINE_SETUID	= 1 << 2,	/* setuid family (spawner) */
	CONFINE_EXEC	= 1 << 3,	/* fork, execve (parent, spawner) */
	CONFINE_KILL	= 1 << 4,	/* signals to others (parent) */
	CONFINE_UNIX	= 1 << 6,	/* with CONFINE_NET: local sockets too (lookup) */
	CONFINE_CHILDREN = 1 << 5	/* chroot and sockets of every family: for the parent,
					 * whose children inherit its filter and give these up */
};

/* Capabilities that confine_drop_to_caps() leaves; numbers of capabilities(7). */
enum { CONFINE_CAP_KILL = 5, CONFINE_CAP_SETGID = 6, CONFINE_CAP_SETUID = 7 };

/*
 * Becomes `user` (a system user's name) in the empty folder `root`; NULL root:
 * no chroot.  Only when started as root; fatal() when it does not succeed or
 * the user does not exist.
 */
void	confine_drop(const char *user, const char *root);
/*
 * From here on files are opened with the rights of `user` and no others, up to
 * confine_files_own().  Only when started as root; fatal() as confine_drop().
 */
void	confine_files_of(const char *user);
void	confine_files_own(void);
/* As confine_drop without chroot, keeping the capabilities of a bit set (1 << CONFINE_CAP_...). */
void	confine_drop_to_caps(const char *user, uint64_t caps);
/*
 * For a process with the capabilities to do so (spawner): becomes those
 * numbers and keeps no capability.  Refuses uid or gid 0.
 */
void	confine_become(uid_t, gid_t);
#define CONFINE_MEMORY_MAX	(UINT64_C(4) << 30)	/* octets of data of one process */

void	confine_sandbox(unsigned allow);
/* RLIMIT_NOFILE up to the hard limit or `want`, whichever is less; returns what it is now. */
unsigned long	confine_descriptors(unsigned long want);

#endif
