/*
 * setup.c - `waybill setup`: users and folders, as root, as often as one likes.
 */
#include "config.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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
#define DROP_GROUP	"waybill-drop"
#define DROP_PROGRAM	WAYBILL_LIBEXECDIR "/waybill-drop"

/* One for each process that runs as nobody else (doc/architecture.md). */
static const char *const users[] = {
	"waybill-smtp", "waybill-route", SPOOL_USER, "waybill-relay",
	"waybill-resolve", "waybill-limits", "waybill-spawner", "waybill-mail",
	"waybill-compile", "waybill-index", "waybill-auth", "waybill-lookup",
	"waybill-keys", "waybill-pickup", "waybill-pipe", "waybill-fetch",
	"waybill-credentials"
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

/* Of the folder into which programs put mail while the server is down. */
static int
make_group(void)
{
	const char	*argv[] = { "groupadd", "--system", DROP_GROUP, NULL };

	if (getgrnam(DROP_GROUP) != NULL)
		return 0;
	if (spawn(argv) != 0 || getgrnam(DROP_GROUP) == NULL) {
		fprintf(stderr, "waybill setup: groupadd " DROP_GROUP
		    " has failed\n");
		return -1;
	}
	printf("group " DROP_GROUP "\n");
	return 0;
}

/* The program that may write there, where it is installed. */
static int
make_set_gid(void)
{
	const struct group	*g = getgrnam(DROP_GROUP);
	struct stat		 st;
	int			 fd, r = 0;

	fd = open(DROP_PROGRAM, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (g == NULL || fd == -1 || fstat(fd, &st) == -1)
		r = said(DROP_PROGRAM);
	else if (st.st_gid != g->gr_gid || (st.st_mode & 07777) != 02755) {
		if (fchown(fd, 0, g->gr_gid) == -1 || fchmod(fd, 02755) == -1)
			r = said(DROP_PROGRAM);
		else
			printf("program " DROP_PROGRAM ", set-gid to "
			    DROP_GROUP "\n");
	}
	if (fd != -1)
		close(fd);
	return r;
}

/*
 * One setup after the other: of two at once each would find that a user is not
 * there, and one of them that he is.
 */
static int
make_users(void)
{
	size_t	i;
	int	fd, r = 0;

	fd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return said("/etc");
	if (flock(fd, LOCK_EX) == -1)
		r = said("/etc");
	for (i = 0; r == 0 && i < NUSERS; i++)
		r = make_user(users[i]);
	if (r == 0)
		r = make_group();
	close(fd);
	return r;
}

/* The folders above it, which belong to root. */
static int
make_above(const char *path)
{
	char	*copy = xstrdup(path), *p;
	int	 r = 0;

	for (p = copy + 1; r == 0 && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) == -1 && errno != EEXIST)
			r = said(copy);
		*p = '/';
	}
	free(copy);
	return r;
}

/* One that is there already stays as it is. */
static int
make_folder(const char *path, const char *owner, mode_t mode)
{
	struct passwd	*pw = owner == NULL ? NULL : getpwnam(owner);

	if (owner != NULL && pw == NULL) {
		fprintf(stderr, "waybill setup: there is no user '%s', to "
		    "whom %s should belong\n", owner, path);
		return -1;
	}
	if (make_above(path) == -1)
		return -1;
	if (mkdir(path, mode) == -1)
		return errno == EEXIST ? 0 : said(path);
	printf("folder %s\n", path);
	if (pw != NULL && chown(path, pw->pw_uid, pw->pw_gid) == -1)
		return said(path);
	return chmod(path, mode) == -1 ? said(path) : 0;
}

/* --- what the policy names */

static int
make_spool(const struct rs_image *im, const char *policy)
{
	char	*path = cmd_beside(policy,
	    rs_setting_text(im, RS_OPT_SPOOL_directory));
	int	 r = make_folder(path, SPOOL_USER, 0700);

	free(path);
	return r;
}

/* A constant place of a mailbox, or what its expression begins with. */
static struct span
beginning(const struct rs_image *im, uint32_t object, enum rs_option option)
{
	const struct rs_optval	*v;
	const struct rs_insn	*in;
	struct rs_place		 pl;
	struct rs_value		 c;

	if (!rs_option(im, object, option, 0, &v) || v->nplaces == 0)
		return SPAN_NONE;
	pl = rs_option_place(im, v, 0);
	if (pl.is_func) {
		in = rs_insn(im, rs_func(im, pl.index)->start);
		if (in->op != RS_LOAD)
			return SPAN_NONE;
		pl.index = in->c;
	}
	if (pl.index == UINT32_MAX)
		return SPAN_NONE;
	c = rs_const(im, pl.index);
	return c.type == RS_T_TEXT ? c.s : SPAN_NONE;
}

/* They belong to many: what is above them is root's. */
static bool
of_accounts(const struct rs_image *im, uint32_t object)
{
	const struct rs_optval	*v;

	return rs_option(im, object, RS_OPT_MAILBOX_owner_account, 0, &v);
}

/* Where the programs of aliases stand; what is in it is the administrator's. */
static int
make_programs(const struct rs_image *im)
{
	struct span	 path = rs_setting_text(im, RS_OPT_PROGRAMS_folder);
	char		*folder;
	int		 r;

	if (path.n == 0)
		return 0;
	folder = xstrndup(path.p, path.n);
	r = make_folder(folder, NULL, 0755);
	free(folder);
	return r;
}

/* Where the mailboxes will be: "/var/mail" of "/var/mail/{user}". */
static int
make_mailboxes(const struct rs_image *im, uint32_t object)
{
	struct span	 path = beginning(im, object, RS_OPT_MAILBOX_path);
	struct span	 owner = beginning(im, object, RS_OPT_MAILBOX_owner);
	char		*folder, *user;
	int		 r;

	while (path.n > 0 && path.p[path.n - 1] != '/')
		path.n--;
	if (path.n <= 1 || path.p[0] != '/')
		return 0;	/* nothing is known of it */
	folder = xstrndup(path.p, path.n - 1);
	user = owner.n == 0 || of_accounts(im, object) ? NULL :
	    xstrndup(owner.p, owner.n);
	r = make_folder(folder, user, user == NULL ? 0755 : 0711);
	free(folder);
	free(user);
	return r;
}

static int
of_policy(const char *policy)
{
	struct rs_image	*im;
	const char	*why;
	uint32_t	 i;
	int		 fd, r, status;

	if ((fd = cmd_build(policy, CF_TABLES_NOT, &status)) == -1)
		return status;
	if ((im = rs_image_open_settings(fd, &why)) == NULL) {
		fprintf(stderr, "waybill setup: %s: %s\n", policy, why);
		close(fd);
		return CMD_USAGE;
	}
	r = make_spool(im, policy);
	if (r == 0)
		r = make_programs(im);
	for (i = 0; r == 0 && i < rs_nobject(im); i++)
		if (rs_object(im, i)->kind == RS_O_MAILBOX)
			r = make_mailboxes(im, i);
	rs_image_free(&im);
	close(fd);
	return r == -1 ? CMD_NO : CMD_OK;
}

int
cmd_setup(int argc, char **argv)
{
	const char		*policy = NULL;
	const struct cmd_opt	 opts[] = {
		{ OPT_TEXT, "policy", 'c', { .text = &policy } },
		{ OPT_END, NULL, 0, { NULL } }
	};
	int			 n;

	if ((n = cmd_options(argc, argv, opts)) == -1)
		return CMD_USAGE;
	if (n != 0)
		return cmd_usage(argv[0], "no '%s'", argv[1]);
	if (geteuid() != 0) {
		fprintf(stderr, "waybill setup: only root can make users; "
		    "without root no setup is needed\n");
		return CMD_NO;
	}
	if (make_users() == -1 || make_set_gid() == -1)
		return CMD_NO;
	if (make_folder(EMPTY_FOLDER, NULL, 0755) == -1)
		return CMD_NO;
	if (policy != NULL)
		return of_policy(policy);
	return make_folder(rs_options[RS_OPT_SPOOL_directory].dflt,
	    SPOOL_USER, 0700) == -1 ? CMD_NO : CMD_OK;
}
