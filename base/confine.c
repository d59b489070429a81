/*
 * confine.c - a process gives up what it does not need.
 *
 * The list is a deny list: what is on it answers EPERM, so that a library
 * which tries its luck goes on without.  clone3 answers ENOSYS, because its
 * flags lie in memory where a filter cannot look; the C library then uses
 * clone.  Under ASan and UBSan the calls that their run-time needs stay, and
 * there is no chroot.
 */
#include "config.h"

#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"

#ifdef WAYBILL_SANITIZED
#define SANITIZED	1
#else
#define SANITIZED	0
#endif

struct deny {
	int		nr;
	const char	*name;
	unsigned	unless;
};

static const struct deny deny[] = {
#define DENY(call, unless)	{ SCMP_SYS(call), #call, unless },
#include "base/confine_deny.def"
#undef DENY
};

/* --- who one is */

/* Sets all three of each, and proves that there is no way back. */
static void
become(uid_t uid, gid_t gid)
{
	if (setgroups(1, &gid) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		fatal("cannot become uid %u gid %u", (unsigned)uid,
		    (unsigned)gid);
}

static void
check_no_return(void)
{
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		fatalx("privileges are still there after dropping them");
}

static void
find_user(const char *user, uid_t *uid, gid_t *gid)
{
	struct passwd	*pw = getpwnam(user);

	if (pw == NULL)
		fatalx("no system user '%s': `waybill setup` makes it", user);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		fatalx("system user '%s' has uid or gid 0", user);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
}

static void
lock_in(const char *root)
{
	if (chroot(root) == -1 || chdir("/") == -1)
		fatal("chroot %s", root);
}

void
confine_drop(const char *user, const char *root)
{
	uid_t	uid;
	gid_t	gid;

	if (geteuid() != 0)
		return;
	find_user(user, &uid, &gid);
	if (root != NULL && !SANITIZED)
		lock_in(root);
	become(uid, gid);
	check_no_return();
	/* The leak checker reads /proc/self and traces its own process. */
	if (SANITIZED)
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* The kernel takes the capabilities that overrule modes away with uid 0. */
static void
files_become(uid_t uid, gid_t gid)
{
	(void)setfsgid(gid);
	(void)setfsuid(uid);
	if ((uid_t)setfsuid((uid_t)-1) != uid ||
	    (gid_t)setfsgid((gid_t)-1) != gid)
		fatalx("cannot open files as uid %u gid %u", (unsigned)uid,
		    (unsigned)gid);
}

void
confine_files_of(const char *user)
{
	uid_t	uid;
	gid_t	gid;

	if (geteuid() != 0)
		return;
	find_user(user, &uid, &gid);
	if (setgroups(0, NULL) == -1)	/* for good: root needs none */
		fatal("cannot leave the groups");
	files_become(uid, gid);
}

void
confine_files_own(void)
{
	if (geteuid() == 0)
		files_become(0, getegid());
}

static void
refuse_root(uid_t uid, gid_t gid)
{
	if (uid == 0 || gid == 0)
		fatalx("refused to run as uid %u gid %u", (unsigned)uid,
		    (unsigned)gid);
}

static void
set_caps(uint64_t caps)
{
	struct __user_cap_header_struct	head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct	data[2] = {
		{ .effective = (uint32_t)caps, .permitted = (uint32_t)caps },
		{ .effective = (uint32_t)(caps >> 32),
		  .permitted = (uint32_t)(caps >> 32) }
	};

	if (syscall(SYS_capset, &head, data) == -1)
		fatal("capset");
}

void
confine_drop_to_caps(const char *user, uint64_t caps)
{
	uid_t	uid;
	gid_t	gid;

	if (geteuid() != 0)
		return;
	find_user(user, &uid, &gid);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1)
		fatal("prctl");
	become(uid, gid);
	set_caps(caps);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == -1)
		fatal("prctl");
}

void
confine_become(uid_t uid, gid_t gid)
{
	refuse_root(uid, gid);
	become(uid, gid);
	set_caps(0);
	check_no_return();
}

/* --- what one may call */

/* What a sanitizer's run-time calls, at a report or at the end. */
static bool
spared(const struct deny *d)
{
	return SANITIZED && ((d->unless & CONFINE_OPEN) != 0 ||
	    d->nr == SCMP_SYS(ptrace) || d->nr == SCMP_SYS(tkill) ||
	    d->nr == SCMP_SYS(personality) || d->nr == SCMP_SYS(socket) ||
	    d->nr == SCMP_SYS(connect));
}

static void
check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	errno = -rc;
	fatal("seccomp: %s", what);
}

static void
deny_calls(scmp_filter_ctx f, unsigned allow)
{
	const struct deny	*d;

	for (d = deny; d < deny + sizeof(deny) / sizeof(deny[0]); d++)
		if ((d->unless & allow) == 0 && !spared(d))
			check(seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), d->nr,
			    0), d->name);
}

/* One call when its argument (by number) compares so. */
static void
deny_arg(scmp_filter_ctx f, int nr, unsigned arg, enum scmp_compare op,
    uint64_t a, uint64_t b)
{
	struct scmp_arg_cmp	cmp = {
		.arg = arg, .op = op, .datum_a = a, .datum_b = b
	};

	check(seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EPERM), nr, 1, &cmp),
	    "argument");
}

/* Only AF_INET and AF_INET6; and AF_UNIX, which stands before them. */
static void
deny_families(scmp_filter_ctx f, bool local)
{
	uint64_t	family;

	deny_arg(f, SCMP_SYS(socket), 0, SCMP_CMP_LT,
	    local ? AF_UNIX : AF_INET, 0);
	for (family = AF_INET + 1; family < AF_INET6; family++)
		deny_arg(f, SCMP_SYS(socket), 0, SCMP_CMP_EQ, family, 0);
	deny_arg(f, SCMP_SYS(socket), 0, SCMP_CMP_GT, AF_INET6, 0);
}

static void
deny_arguments(scmp_filter_ctx f, unsigned allow)
{
	uint64_t	self = (uint64_t)getpid();

	check(seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0),
	    "clone3");
	deny_arg(f, SCMP_SYS(clone), 0, SCMP_CMP_MASKED_EQ, CLONE_NEWUSER,
	    CLONE_NEWUSER);
	/* What is typed into a terminal runs as whoever sits there. */
	deny_arg(f, SCMP_SYS(ioctl), 1, SCMP_CMP_MASKED_EQ, UINT32_MAX,
	    TIOCSTI);
	if ((allow & CONFINE_EXEC) == 0 && !SANITIZED)
		deny_arg(f, SCMP_SYS(clone), 0, SCMP_CMP_MASKED_EQ,
		    CLONE_THREAD, 0);
	if ((allow & (CONFINE_KILL | CONFINE_EXEC)) == 0) {
		deny_arg(f, SCMP_SYS(kill), 0, SCMP_CMP_NE, self, 0);
		deny_arg(f, SCMP_SYS(tgkill), 0, SCMP_CMP_NE, self, 0);
	}
	if ((allow & (CONFINE_NET | CONFINE_CHILDREN)) == CONFINE_NET &&
	    !SANITIZED)
		deny_families(f, (allow & CONFINE_UNIX) != 0);
}

static void
load_filter(unsigned allow)
{
	scmp_filter_ctx	f = seccomp_init(SCMP_ACT_ALLOW);

	if (f == NULL)
		fatalx("seccomp_init");
	/* Threads that run already are confined too; the list is a tree. */
	check(seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1), "threads");
	(void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	deny_calls(f, allow);
	deny_arguments(f, allow);
	check(seccomp_load(f), "load");
	seccomp_release(f);
}

/* A checker of memory does not know seccomp(2): tests under one go without. */
static bool
wrapped(void)
{
#ifdef WAYBILL_TEST_HOOKS
	return getenv("WAYBILL_TEST_WRAP") != NULL;
#else
	return false;
#endif
}

static void
limit(int what, rlim_t most)
{
	struct rlimit	lim;

	if (getrlimit(what, &lim) == -1)
		fatal("getrlimit");
	if (lim.rlim_max > most)
		lim.rlim_max = most;
	if (lim.rlim_cur > lim.rlim_max)
		lim.rlim_cur = lim.rlim_max;
	if (setrlimit(what, &lim) == -1)
		fatal("setrlimit");
}

void
confine_sandbox(unsigned allow)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("prctl");
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_MEMLOCK, 0);
	limit(RLIMIT_MSGQUEUE, 0);
#ifndef WAYBILL_SANITIZED	/* their shadow counts as data */
	limit(RLIMIT_DATA, CONFINE_MEMORY_MAX);
#endif
	if (!wrapped())
		load_filter(allow);
}

unsigned long
confine_descriptors(unsigned long want)
{
	struct rlimit	lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == -1)
		fatal("getrlimit");
	if (lim.rlim_cur < want) {
		lim.rlim_cur = want < lim.rlim_max ? want : lim.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &lim) == -1)
			fatal("setrlimit");
	}
	return lim.rlim_cur;
}
