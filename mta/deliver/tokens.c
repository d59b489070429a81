/*
 * tokens.c - TOKEN_RUN: a command that prints the token of a login.
 */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/command.h"
#include "base/pool.h"
#include "base/xalloc.h"
#include "mta/msg/msg.h"

#include "mta/deliver/program.h"
#include "mta/deliver/tokens.h"

#define TEXT_MAX	4096
#define LOGIN_MAX	512

struct run {
	uint64_t	 ticket;
	char		*command, *login;
	bool		 ok;
	char		 why[200];
	struct buf	 output;
};

static struct {
	struct chan	*asker;
	struct pool	*pool;
	unsigned	 open;
	void		(*idle)(void);
} all;

static void
answer(const struct run *r)
{
	chan_begin(all.asker, MSG_TOKEN_SAID);
	chan_u64(all.asker, r->ticket);
	chan_u8(all.asker, r->ok);
	chan_bytes(all.asker, r->ok ? buf_span(&r->output) : SPAN_NONE);
	chan_str(all.asker, r->why);
	chan_end(all.asker);
}

/* --- on a thread */

static void
set_why(struct run *r, const struct program_end *end)
{
	static const char *const	ends[] = {
		[PROGRAM_EXITED] = "it has ended with status",
		[PROGRAM_KILLED] = "it was killed by signal",
		[PROGRAM_LATE] = "it was killed after seconds:"
	};
	char				text[128];

	if (end->how == PROGRAM_NOT_RUN)
		(void)snprintf(r->why, sizeof(r->why), "it cannot be run: %s",
		    strerror_r(end->number, text, sizeof(text)));
	else
		(void)snprintf(r->why, sizeof(r->why), "%s %d",
		    ends[end->how], end->number);
}

static void
run(struct run *r, char **argv, const struct passwd *user)
{
	char			 home[512], name[128], login[LOGIN_MAX + 8];
	char			*env[] = { home, name, login,
	    "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C", NULL };
	struct program		 p = { .argv = argv, .envp = env,
	    .folder = user != NULL ? user->pw_dir : "/",
	    .time_s = TOKEN_TIME_S, .output_max = TOKEN_OUTPUT,
	    .no_errors = true };
	struct program_end	 end;

	(void)snprintf(home, sizeof(home), "HOME=%s",
	    user != NULL ? user->pw_dir : "/");
	(void)snprintf(name, sizeof(name), "USER=%s",
	    user != NULL ? user->pw_name : "nobody");
	(void)snprintf(login, sizeof(login), "LOGIN=%s", r->login);
	/* In one piece: what grows leaves copies behind. */
	(void)buf_reserve(&r->output, TOKEN_OUTPUT + 4096);
	end = program_run(&p, &r->output);
	r->ok = end.how == PROGRAM_EXITED && end.number == 0;
	if (!r->ok)
		set_why(r, &end);
}

static void
work(void *arg)
{
	struct run	*r = arg;
	struct arena	 arena = { 0 };
	struct passwd	 room, *user;
	char		 names[4096], **argv;
	const char	*why;

	if (getpwuid_r(geteuid(), &room, names, sizeof(names), &user) != 0)
		user = NULL;
	if (command_split(span_of(r->command), &arena, &argv, &why) == -1)
		(void)snprintf(r->why, sizeof(r->why), "%s", why);
	else if (argv[0][0] != '/')
		(void)snprintf(r->why, sizeof(r->why),
		    "the program's path is not absolute");
	else
		run(r, argv, user);
	arena_clear(&arena);
}

/* --- on the loop */

static void
done(void *arg)
{
	struct run	*r = arg;

	answer(r);
	if (r->output.base != NULL)
		explicit_bzero(r->output.base, r->output.cap);
	buf_clear(&r->output);
	free(r->command);
	free(r->login);
	free(r);
	if (--all.open == 0 && all.idle != NULL)
		all.idle();
}

/* What cannot be an argument, or a variable. */
static bool
is_sane(struct span s)
{
	return !span_has_control(s);
}

bool
tokens_message(struct msg *m)
{
	uint64_t	 ticket = msg_u64(m);
	struct span	 command = msg_bytes(m, TEXT_MAX);
	struct span	 login = msg_bytes(m, LOGIN_MAX);
	struct run	*r;

	if (!msg_end(m) || command.n == 0 || !is_sane(command) ||
	    !is_sane(login))
		return false;
	r = xcalloc(1, sizeof(*r));
	r->ticket = ticket;
	r->command = xstrndup(command.p, command.n);
	r->login = xstrndup(login.n > 0 ? login.p : "", login.n);
	if (all.pool == NULL)
		all.pool = pool_new(TOKENS_RUN_MAX);
	all.open++;
	pool_run(all.pool, work, done, r);
	return true;
}

void
tokens_begin(struct chan *c)
{
	all.asker = c;
}

unsigned
tokens_open(void)
{
	return all.open;
}

void
tokens_when_idle(void (*idle)(void))
{
	all.idle = idle;
}
