/*
 * compile.c - the policy compiled by a child without privileges.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/confine.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/compile.h"

#define IMAGE_MAX	(256u << 20)
#define TEXT_MAX	(64u << 10)	/* diagnostics beyond are left out */
#define TIME_MS		60000
#define CHUNK		(64u << 10)

struct output {
	struct watch	 watch;
	int		 fd;		/* -1: at its end */
	struct buf	 octets;
};

struct compile {
	pid_t		 pid;		/* 0: has ended */
	int		 status;
	struct output	 image, text;
	struct timer	 timer;
	const char	*broken;	/* why it was ended by us */
	compile_done	*done;
	void		*arg;
};

/* --- the child */

static void
exec_compiler(const char *command, const char *policy, int out, int err)
{
	char	*argv[] = {
		xstrdup(command), xstrdup("compile"), xstrdup(policy),
		xstrdup("-o"), xstrdup("-"), xstrdup("--for-run"), NULL
	};
	int	 null = open("/dev/null", O_RDONLY);
	int	 program = proc_program(command);

	/* Opened as root: the user may not get to its folder. */
	confine_drop("waybill-compile", NULL);
	if (null == -1 || program == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1 || dup2(err, STDERR_FILENO) == -1)
		fatal("compile: descriptors");
	(void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	proc_exec_program(program, argv);
}

static void
fork_compiler(struct compile *c, const char *command, const char *policy,
    int out, int err)
{
	log_flush();
	switch (c->pid = fork()) {
	case -1:
		fatal("fork");
	case 0:
		exec_compiler(command, policy, out, err);
	}
}

/* --- its output */

static void
output_close(struct output *o)
{
	watch_clear(&o->watch);
	if (o->fd != -1)
		close(o->fd);
	o->fd = -1;
}

void
compile_free(struct compile **cp)
{
	struct compile	*c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	if (c->pid != 0)
		(void)kill(c->pid, SIGKILL);
	output_close(&c->image);
	output_close(&c->text);
	buf_clear(&c->image.octets);
	buf_clear(&c->text.octets);
	timer_clear(&c->timer);
	free(c);
}

/* When both outputs are at their end and the status is known. */
static void
perhaps_done(struct compile *c)
{
	struct span	text = span_trim(buf_span(&c->text.octets));
	bool		ok = c->broken == NULL && c->status == 0;

	if (c->pid != 0 || c->image.fd != -1 || c->text.fd != -1)
		return;
	if (c->broken != NULL)
		text = span_of(c->broken);
	else if (!ok && text.n == 0)
		text = SPAN("the compiler ended without a word");
	c->done(c->arg, ok, buf_span(&c->image.octets), text);
	compile_free(&c);
}

static void
give_up(struct compile *c, const char *why)
{
	c->broken = why;
	if (c->pid != 0)
		(void)kill(c->pid, SIGKILL);
	output_close(&c->image);
	output_close(&c->text);
}

/* At most max octets are kept; 0 at the end. */
static ssize_t
take(struct output *o, size_t max)
{
	ssize_t	n;

	n = read(o->fd, buf_reserve(&o->octets, CHUNK), CHUNK);
	if (n > 0 && o->octets.n < max)
		buf_grown(&o->octets, (size_t)n);
	if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN))
		output_close(o);
	return n;
}

static void
on_image(void *arg, int what)
{
	struct compile	*c = arg;

	(void)what;
	if (take(&c->image, IMAGE_MAX + 1) > 0 &&
	    c->image.octets.n > IMAGE_MAX)
		give_up(c, "the image is larger than 256 MiB");
	perhaps_done(c);
}

static void
on_text(void *arg, int what)
{
	struct compile	*c = arg;

	(void)what;
	(void)take(&c->text, TEXT_MAX);
	perhaps_done(c);
}

static void
on_time(void *arg)
{
	struct compile	*c = arg;

	give_up(c, "the compiler took more than 60 seconds");
	perhaps_done(c);
}

bool
compile_ended(struct compile *c, pid_t pid, int status)
{
	if (c == NULL || c->pid != pid)
		return false;
	c->pid = 0;
	c->status = status;
	perhaps_done(c);
	return true;
}

static void
open_output(int pipes[2])
{
	if (pipe2(pipes, O_CLOEXEC) == -1)
		fatal("pipe");
	if (fcntl(pipes[0], F_SETFL, O_NONBLOCK) == -1)
		fatal("pipe");
}

struct compile *
compile_start(const char *command, const char *policy, compile_done *done,
    void *arg)
{
	struct compile	*c = xcalloc(1, sizeof(*c));
	int		 out[2], err[2];

	c->done = done;
	c->arg = arg;
	open_output(out);
	open_output(err);
	fork_compiler(c, command, policy, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	c->image.fd = out[0];
	c->text.fd = err[0];
	watch_set(&c->image.watch, out[0], LOOP_READ, on_image, c);
	watch_set(&c->text.watch, err[0], LOOP_READ, on_text, c);
	timer_set(&c->timer, TIME_MS, on_time, c);
	return c;
}
