/*
 * user_verify.c - `waybill user verify`: asks as the server does.
 *
 * waybill-auth is started with the policy's image and the table's file, and
 * asked over a channel; where it wants PAM, we are who may have root.  With
 * --file there is no policy: the file is read here.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/auth/accounts.h"
#include "mta/auth/helper.h"
#include "mta/auth/secret.h"
#include "mta/msg/auth.h"
#include "mta/msg/msg.h"

#include "mta/cmd/user.h"

#define GENERATION	1
#define PATIENCE_MS	45000	/* more than auth has for PAM */
#define EMPTY_FOLDER	"/run/waybill/empty"

struct asking {
	struct user_run		*run;
	const char		*libexec;
	struct chan		*child, *peer;	/* as its parent, and who asks */
	pid_t			 pid;
	struct timer		 timer;
	uint64_t		 pam_ticket;
	bool			 answered;
	struct auth_verdict	 verdict;
};

/* --- the answer */

static int
say(const struct user_run *u, const char *user, const struct auth_verdict *v)
{
	struct buf	 out = { 0 };
	struct json	 j;

	if (u->json) {
		json_init(&j, &out);
		json_object(&j, NULL);
		json_str(&j, "name", user);
		json_str(&j, "result", auth_result_name(v->result));
		if (v->which[0] != '\0')
			json_str(&j, "app", v->which);
		else
			json_null(&j, "app");
		json_object_end(&j);
		buf_add_char(&out, '\n');
		cmd_write(&out);
	} else if (v->result == AUTH_CANNOT)
		fprintf(stderr, "waybill user: it cannot be told\n");
	else
		printf("%s%s%s\n", auth_result_name(v->result),
		    v->which[0] != '\0' ? ": the password of the app " : "",
		    v->which);
	return v->result == AUTH_RIGHT ? CMD_OK : v->result == AUTH_WRONG ?
	    CMD_NO : CMD_USAGE;
}

/* --- messages of the auth process */

static void
pam_says(void *arg, enum auth_result r)
{
	struct asking	*a = arg;

	if (a->child == NULL)
		return;
	chan_begin(a->child, MSG_PAM_DONE);
	chan_u64(a->child, a->pam_ticket);
	chan_u8(a->child, (uint8_t)r);
	chan_end(a->child);
}

static bool
on_child(struct chan *c, struct msg *m, void *arg)
{
	struct asking		*a = arg;
	const struct helper_how	 how = { a->libexec, HELPER_TIMEOUT_MS };
	int			 fd;

	(void)c;
	if (m->type == MSG_READY)
		return true;
	if (m->type != MSG_PAM_WANTED)
		return false;
	a->pam_ticket = msg_u64(m);
	fd = msg_fd(m);
	if (!msg_end(m)) {
		if (fd != -1)
			close(fd);
		return false;
	}
	helper_start(&how, fd, pam_says, a);
	return true;
}

static bool
on_peer(struct chan *c, struct msg *m, void *arg)
{
	struct asking	*a = arg;
	uint64_t	 ticket;

	(void)c;
	if (m->type != MSG_AUTH_VERDICT || !auth_read(m, &ticket, &a->verdict))
		return false;
	a->answered = true;
	loop_stop();
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct asking	*a = arg;

	if (c == a->child)
		a->child = NULL;
	else
		a->peer = NULL;
	loop_stop();
}

static void
on_late(void *arg)
{
	(void)arg;
	loop_stop();
}

/* --- starting it */

static void __attribute__((noreturn))
exec_auth(const struct asking *a, int parent)
{
	char	*argv[] = {
		xasprintf("%s/waybill-auth", a->libexec),
		xstrdup("--log-level"), xstrdup("warn"), NULL, NULL, NULL
	};

	if (geteuid() == 0 && access(EMPTY_FOLDER, F_OK) == 0) {
		argv[3] = xstrdup("--chroot");
		argv[4] = xstrdup(EMPTY_FOLDER);
	}
	if (parent == PARENT_FD ? fcntl(parent, F_SETFD, 0) == -1 :
	    dup2(parent, PARENT_FD) == -1)
		fatal("descriptors");
	(void)close_range(PARENT_FD + 1, ~0U, 0);
	proc_exec(argv);
}

static void
start(struct asking *a)
{
	static const struct chan_ops	 child = { on_child, on_closed };
	static const struct chan_ops	 peer = { on_peer, on_closed };
	int				 life[2], work[2];

	chan_pair(life);
	chan_pair(work);
	fflush(NULL);
	if ((a->pid = fork()) == -1)
		fatal("fork");
	if (a->pid == 0)
		exec_auth(a, life[1]);
	close(life[1]);
	a->child = chan_new(life[0], "auth", &child, a);
	a->peer = chan_new(work[0], "auth", &peer, a);
	chan_begin(a->child, MSG_PEER);
	chan_u8(a->child, PROC_SMTP);
	chan_u32(a->child, 0);
	chan_fd(a->child, work[1]);
	chan_end(a->child);
}

/* The image in a memory file; fatal() when there is no memory for it. */
static int
image_file(const struct user_run *u)
{
	struct span	 image = cf_image(u->cf);
	int		 fd = memfd_create("waybill-image", MFD_CLOEXEC);

	if (fd == -1 || file_write_all(fd, image.p, image.n) == -1)
		fatal("memory file");
	return fd;
}

/* One that cannot be opened auth does not get, and says so. */
static void
send_file(struct asking *a, uint32_t file)
{
	struct span	 path = rs_string(a->run->image,
	    rs_file(a->run->image, file)->path);
	char		*name = xstrndup(path.p, path.n);
	int		 fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
	    O_NOCTTY);

	free(name);
	if (fd == -1)
		return;
	chan_begin(a->child, MSG_CONFIG_FILE);
	chan_u32(a->child, GENERATION);
	chan_u32(a->child, file);
	chan_fd(a->child, fd);
	chan_end(a->child);
}

/* Of the policy's files only those of accounts go along, each once. */
static bool
is_wanted(const struct rs_image *im, uint32_t file)
{
	uint32_t	 i;

	for (i = 0; i < rs_nmap(im); i++)
		if (rs_map(im, i)->file == file && span_eq(
		    rs_string(im, rs_map(im, i)->kind), SPAN("accounts")))
			return true;
	return false;
}

static void
send_config(struct asking *a)
{
	uint32_t	 i;

	chan_begin(a->child, MSG_CONFIG_IMAGE);
	chan_u32(a->child, GENERATION);
	chan_fd(a->child, image_file(a->run));
	chan_end(a->child);
	for (i = 0; i < rs_nfile(a->run->image); i++)
		if (is_wanted(a->run->image, i))
			send_file(a, i);
	chan_begin(a->child, MSG_CONFIG_DONE);
	chan_u32(a->child, GENERATION);
	chan_end(a->child);
}

/* Without its parent it ends by itself. */
static void
stop(struct asking *a)
{
	timer_clear(&a->timer);
	helpers_clear();
	chan_free(&a->peer);
	chan_free(&a->child);
	while (waitpid(a->pid, NULL, 0) == -1 && errno == EINTR)
		;
}

static int
ask_process(struct user_run *u, const char *user, struct span password)
{
	struct asking	 a = { .run = u, .libexec = cmd_libexec(u->libexec) };
	struct span	 map = rs_string(u->image,
	    rs_map(u->image, u->index)->name);

	(void)signal(SIGPIPE, SIG_IGN);
	log_open("waybill", STDERR_FILENO, LOG_L_WARN);
	loop_init();
	start(&a);
	send_config(&a);
	a.verdict.result = AUTH_WRONG;
	if (auth_ask(a.peer, 1, map, span_of(user), password)) {
		timer_set(&a.timer, PATIENCE_MS, on_late, NULL);
		loop_run();
		if (!a.answered)
			a.verdict.result = AUTH_CANNOT;
	}
	stop(&a);
	return say(u, user, &a.verdict);
}

/* --- without a policy */

static int
ask_file(struct user_run *u, const char *user, struct span password)
{
	struct auth_verdict	 v = { .result = AUTH_CANNOT };
	struct user_file	 f;
	struct accounts		*all = NULL;
	struct span		 raw;
	const char		*why;
	int			 status;

	status = user_file_open(&f, u->path, false, false);
	if (status == CMD_OK)
		all = accounts_open(f.fd, &why);
	if (all != NULL && accounts_find(all, span_of(user), &raw) !=
	    MAP_BROKEN)
		account_verify(raw, password, &v);
	accounts_close(&all);
	user_file_close(&f);
	return status == CMD_OK ? say(u, user, &v) : status;
}

int
user_verify(struct user_run *u, const char *user)
{
	struct buf	 password = { 0 };
	int		 status = CMD_USAGE;

	(void)buf_reserve(&password, SECRET_PASSWORD_MAX + 1);
	if (user_password(user, false, &password) == 0)
		status = u->file != NULL ?
		    ask_file(u, user, buf_span(&password)) :
		    ask_process(u, user, buf_span(&password));
	secret_buf_clear(&password);
	return status;
}
