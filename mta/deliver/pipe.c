/*
 * pipe.c - the kind for a program that takes the message on its stdin.
 *
 * The environment is made here and nothing of our own is in it: it is what
 * sendmail and Postfix give (doc/programs.md).
 */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/xalloc.h"

#include "mta/deliver/job.h"
#include "mta/deliver/program.h"

#define PATH		"/usr/local/bin:/usr/bin:/bin"
#define VARIABLES_MAX	24
#define TIME_S		300	/* where the job says nothing */
#define TIME_MAX_S	3600
#define OUTPUT		4096
#define OUTPUT_MAX	65536

/* What a program is given, in one arena. */
struct given {
	struct arena	 arena;
	struct passwd	*user;		/* NULL: no user of the system */
	struct passwd	 room;
	char		 names[4096];
	char		*env[VARIABLES_MAX + 1];
	unsigned	 nenv;
	struct span	 head;
};

/* What has come of one; the job's own. */
struct ended {
	bool			 ran;
	struct program_end	 end;
	struct program_reply	 reply;
	struct buf		 output;
};

/* --- its environment */

/* A control character cannot stand in a variable. */
static void
set(struct given *g, const char *name, struct span value)
{
	char	*at = arena_alloc(&g->arena, strlen(name) + value.n + 2), *p;
	size_t	 i;

	if (g->nenv == VARIABLES_MAX)
		return;
	p = stpcpy(stpcpy(at, name), "=");
	for (i = 0; i < value.n; i++)
		*p++ = (unsigned char)value.p[i] < ' ' ||
		    value.p[i] == 0x7f ? '_' : value.p[i];
	g->env[g->nenv++] = at;
}

static void
find_user(struct given *g)
{
	if (getpwuid_r(geteuid(), &g->room, g->names, sizeof(g->names),
	    &g->user) != 0)
		g->user = NULL;
}

static void
set_user(struct given *g)
{
	struct span	 name = SPAN("nobody"), home = SPAN("/");
	struct span	 shell = SPAN("/bin/sh");

	find_user(g);
	if (g->user != NULL) {
		name = span_of(g->user->pw_name);
		home = span_of(g->user->pw_dir);
		if (g->user->pw_shell[0] != '\0')
			shell = span_of(g->user->pw_shell);
	}
	set(g, "USER", name);
	set(g, "LOGNAME", name);
	set(g, "HOME", home);
	set(g, "SHELL", shell);
	set(g, "PATH", SPAN(PATH));
}

/* "ann+lists@murphy.example": its parts. */
static void
set_recipient(struct given *g, struct span whole)
{
	size_t		 at = whole.n;
	struct span	 local;
	ptrdiff_t	 plus;

	while (at > 0 && whole.p[at - 1] != '@')
		at--;
	local = at > 0 ? span_mem(whole.p, at - 1) : whole;
	plus = span_index(local, '+');
	set(g, "RECIPIENT", whole);
	set(g, "LOCAL", local);
	set(g, "EXTENSION", plus < 0 ? SPAN_NONE :
	    span_from(local, (size_t)plus + 1));
	set(g, "DOMAIN", at > 0 ? span_from(whole, at) : SPAN_NONE);
}

/* --- the message */

static bool
has_option(const struct job *j, unsigned option)
{
	struct span	value;

	return deliver_option(j->options, option, &value);
}

static unsigned
number_of(const struct job *j, unsigned option, unsigned otherwise,
    unsigned most)
{
	struct span	 value;
	uint64_t	 n;

	if (!deliver_option(j->options, option, &value) ||
	    !span_u64(value, most, &n) || n == 0)
		return otherwise;
	return (unsigned)n;
}

/* As the first line of a message in an mbox is. */
static void
make_head(struct given *g, const struct job *j)
{
	char		 date[32] = "";
	time_t		 when = (time_t)(j->arrived_ms / 1000);
	struct tm	 tm;
	struct span	 from = SPAN_NONE;

	if (has_option(j, DELIVER_FROM)) {
		if (gmtime_r(&when, &tm) != NULL)
			(void)strftime(date, sizeof(date),
			    "%a %b %e %H:%M:%S %Y", &tm);
		from = arena_printf(&g->arena, "From %.*s  %s\r\n",
		    j->sender.n > 0 ? (int)j->sender.n : 13,
		    j->sender.n > 0 ? j->sender.p : "MAILER-DAEMON", date);
	}
	g->head = arena_join(&g->arena, from, j->prefix, SPAN_NONE);
}

/* --- on a thread */

static void
run(struct job *j, struct given *g, char **argv)
{
	struct ended	*w = j->own;
	struct program	 p = { .argv = argv, .envp = g->env,
	    .folder = g->user != NULL ? g->user->pw_dir : "/",
	    .time_s = number_of(j, DELIVER_TIME, TIME_S, TIME_MAX_S),
	    .output_max = number_of(j, DELIVER_OUTPUT, OUTPUT, OUTPUT_MAX),
	    .head = g->head, .content = j->content, .as_is = j->as_is };

	w->ran = true;
	w->end = program_run(&p, &w->output);
	program_status(&w->end, buf_span(&w->output), &w->reply);
	if (w->reply.code != 250)
		job_fail(j, w->reply.code, w->reply.status, "%s",
		    w->reply.text);
}

static void
work(void *arg)
{
	struct job	*j = arg;
	struct given	 g = { .nenv = 0 };
	const char	*why;
	char		**argv;

	if (command_split(span_of(j->path), &g.arena, &argv, &why) == -1)
		job_fail(j, 554, "5.1.3", "the command cannot be run: %s",
		    why);
	else if (argv[0][0] != '/')
		job_fail(j, 451, "4.3.5", "the program's path is not absolute");
	else {
		set_user(&g);
		set(&g, "SENDER", j->sender);
		set_recipient(&g, j->recipient);
		set(&g, "LANG", SPAN("C"));
		make_head(&g, j);
		run(j, &g, argv);
	}
	arena_clear(&g.arena);
}

/* --- on the loop */

static void
say(const struct job *j, const struct ended *w)
{
	static const char *const	ends[] = {
		[PROGRAM_EXITED] = "exit", [PROGRAM_KILLED] = "signal",
		[PROGRAM_LATE] = "seconds", [PROGRAM_NOT_RUN] = "errno"
	};

	if (w->reply.code == 250 && w->output.n == 0)
		return;
	log_info("event=program name=%s %s=%d status=%s output=%s",
	    log_quote(span_of(j->name)), ends[w->end.how], w->end.number,
	    w->reply.status, log_quote(buf_span(&w->output)));
}

static void
done(void *arg)
{
	struct job	*j = arg;
	struct ended	*w = j->own;

	if (w->ran)
		say(j, w);
	buf_clear(&w->output);
	free(w);
	j->own = NULL;
	job_done(j);
}

/* Threads of their own: a program may take its time, a mailbox may not. */
static void
pipe_start(struct job *j)
{
	static struct pool	*pool;

	if (pool == NULL)
		pool = pool_new(DELIVER_PROGRAMS_MAX);
	j->own = xcalloc(1, sizeof(struct ended));
	pool_run(pool, work, done, j);
}

const struct kind	kind_pipe = {
	.number = DELIVER_PIPE, .start = pipe_start
};
