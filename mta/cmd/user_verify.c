/*
 * user_verify.c - `waybill user verify`: asks as the server does.
 *
 * waybill-auth is started with the policy's image and the table's file, and
 * asked over a channel; where it wants PAM, we are who may have root.  With
 * --file there is no policy: the file is read here.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "mta/auth/accounts.h"
#include "mta/auth/proof.h"
#include "mta/auth/secret.h"
#include "mta/msg/auth.h"
#include "mta/msg/msg.h"
#include "mta/pam/helper.h"

#include "mta/cmd/process.h"
#include "mta/cmd/user.h"

#define PATIENCE_MS	45000	/* more than auth has for PAM */
#define EMPTY_FOLDER	"/run/waybill/empty"

struct asking {
	struct user_run		*run;
	const char		*libexec;
	struct process		 auth;
	struct process		 resolve;	/* pid 0: no server is asked */
	struct chan		*peer;		/* who asks */
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

	if (a->auth.chan == NULL)
		return;
	chan_begin(a->auth.chan, MSG_PAM_DONE);
	chan_u64(a->auth.chan, a->pam_ticket);
	chan_u8(a->auth.chan, (uint8_t)r);
	chan_end(a->auth.chan);
}

static bool
on_auth(struct process *p, struct msg *m)
{
	struct asking		*a = p->arg;
	const struct helper_how	 how = { a->libexec, HELPER_TIMEOUT_MS };
	int			 fd;

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

static void
auth_ends(struct process *p)
{
	(void)p;
	loop_stop();
}

static bool
on_peer(struct chan *c, struct msg *m, void *arg)
{
	struct asking	*a = arg;
	uint64_t	 ticket;

	(void)c;
	if (m->type == MSG_AUTH_OFFERS)
		return true;
	if (!auth_verdict_read(m, &ticket, &a->verdict))
		return false;
	a->answered = true;
	loop_stop();
	return true;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct asking	*a = arg;

	(void)c;
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

/* The map is a server's, or may be made of such. */
static bool
asks_servers(const struct user_run *u)
{
	return rs_map_is_asked(u->image, u->index) ||
	    rs_map_made(u->image, u->index) != RS_MADE_NOT;
}

static bool
is_accounts(const struct rs_image *im, uint32_t map)
{
	return span_eq(rs_string(im, rs_map(im, map)->kind),
	    SPAN("accounts"));
}

/* Of the policy's files only those of accounts go along, each once. */
static bool
is_wanted(const struct rs_image *im, uint32_t file)
{
	uint32_t	 i;

	for (i = 0; i < rs_nmap(im); i++)
		if (rs_map(im, i)->file == file && is_accounts(im, i))
			return true;
	return false;
}

static void
send_config(struct asking *a)
{
	const struct rs_image	*im = a->run->image;
	uint32_t		 i;

	process_send_image(&a->auth, cf_image(a->run->cf));
	for (i = 0; i < rs_nfile(im); i++)
		if (is_wanted(im, i))
			process_send_file(&a->auth, im, i);
	for (i = 0; i < rs_nmap(im); i++)
		if (asks_servers(a->run) && is_accounts(im, i) &&
		    rs_map_is_asked(im, i))
			process_send_secret(&a->auth, im, i);
	process_send_done(&a->auth);
}

/* Names of servers are looked up by the process that does so for all. */
static void
start_resolve(struct asking *a)
{
	process_start(&a->resolve, a->libexec, "resolve");
	process_send_image(&a->resolve, cf_image(a->run->cf));
	process_send_done(&a->resolve);
	process_join(&a->auth, PROC_AUTH, &a->resolve, PROC_RESOLVE);
}

static void
start(struct asking *a)
{
	static const struct chan_ops	 peer = { on_peer, on_closed };
	bool				 servers = asks_servers(a->run);

	a->auth = (struct process){
		.message = on_auth, .closed = auth_ends, .arg = a
	};
	if (servers) {
		a->auth.options[0] = "--servers";
		a->auth.options[1] = "yes";
	} else if (geteuid() == 0 && access(EMPTY_FOLDER, F_OK) == 0) {
		a->auth.options[0] = "--chroot";
		a->auth.options[1] = EMPTY_FOLDER;
	}
	process_start(&a->auth, a->libexec, "auth");
	if (servers)
		start_resolve(a);
	send_config(a);
	/* Behind its configuration, so that no question overtakes that. */
	a->peer = chan_new(process_peer(&a->auth, PROC_SMTP), "auth", &peer,
	    a);
}

static void
stop(struct asking *a)
{
	timer_clear(&a->timer);
	helpers_clear();
	chan_free(&a->peer);
	process_stop(&a->auth);
	if (a->resolve.pid != 0)
		process_stop(&a->resolve);
}

static int
ask_process(struct user_run *u, const char *user, struct span password)
{
	struct asking		 a = {
		.run = u, .libexec = cmd_libexec(u->libexec)
	};
	struct auth_question	 q = {
		.ask = AUTH_ASK_PASSWORD, .user = span_of(user),
		.service = SPAN("command"), .secret = password
	};

	(void)signal(SIGPIPE, SIG_IGN);
	log_open("waybill", STDERR_FILENO, LOG_L_WARN);
	loop_init();
	start(&a);
	a.verdict.result = AUTH_WRONG;
	q.map = rs_string(u->image, rs_map(u->image, u->index)->name);
	if (auth_question_put(a.peer, 1, &q)) {
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
	struct proof_of		 of = { .n = 0 };
	struct proof		 p;
	struct user_file	 f;
	struct accounts		*all = NULL;
	struct span		 raw;
	const char		*why;
	int			 status;

	status = user_file_open(&f, u->path, false, false);
	if (status == CMD_OK)
		all = accounts_open(f.fd, &why);
	if (all != NULL && accounts_find(all, span_of(user), &raw) !=
	    MAP_BROKEN) {
		of.raw = raw;
		proof_password(&of, password, &p);
		v.result = p.result;
		memcpy(v.which, p.which.n > 0 ? p.which.p : "", p.which.n);
	}
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
