/*
 * program.c - a program is run on a message.
 *
 * The loop ends when the program has ended, not when its output has: one that
 * leaves a daemon behind would hold it open for ever.
 */
#include "config.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"

#include "mta/deliver/program.h"

#define PIECE		(64u << 10)
#define GRACE_MS	2000	/* from SIGTERM to SIGKILL */
#define CPU_S		600	/* of one program; then SIGXCPU */
#define FILE_OCTETS	(UINT64_C(4) << 30)	/* that it may write into one file */
#define DESCRIPTORS	256

/* What is known of one that runs. */
struct run {
	const struct program	*p;
	struct buf		*output;
	pid_t			 pid;
	int			 in, out, end;	/* -1: closed; end: pidfd */
	struct span		 head, content;	/* still to be written */
	char			*piece;		/* with LF, on its way */
	size_t			 piece_n, piece_at;
	bool			 cr;		/* the last octet taken was a CR */
};

/* --- in the child: nothing but system calls */

static void
limit(int what, rlim_t most)
{
	struct rlimit	lim;

	if (getrlimit(what, &lim) == -1)
		return;
	if (lim.rlim_max > most)
		lim.rlim_max = most;
	if (lim.rlim_cur > lim.rlim_max)
		lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(what, &lim);
}

static void
limits(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CPU_S);
	limit(RLIMIT_FSIZE, FILE_OCTETS);
	limit(RLIMIT_NOFILE, DESCRIPTORS);
}

static void
signals_as_at_first(void)
{
	sigset_t	none;
	int		sig;

	for (sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
tell(int fd, int error)
{
	if (write(fd, &error, sizeof(error)) == -1)
		_exit(126);
}

/* Does not return.  The descriptors are above 2. */
static void
child(const struct program *p, int in, int out, int failed)
{
	int	null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	signals_as_at_first();
	(void)setpgid(0, 0);
	/* Whoever kills us means it too: the message comes again. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	limits();
	(void)umask(077);
	if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
	    dup2(p->no_errors ? null : out, STDERR_FILENO) == -1 ||
	    (chdir(p->folder) == -1 && chdir("/") == -1)) {
		tell(failed, errno);
		_exit(126);
	}
	(void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	(void)execve(p->argv[0], p->argv, p->envp);
	tell(failed, errno);
	_exit(127);
}

/* --- its start */

static void
shut(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* A pipe whose ends are above 2. */
static int
pipe_above(int ends[2])
{
	int	i, high;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		if (ends[i] > STDERR_FILENO)
			continue;
		high = fcntl(ends[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (high == -1)
			return -1;
		close(ends[i]);
		ends[i] = high;
	}
	return 0;
}

/* 0, or the errno with which it could not be executed. */
static int
exec_error(int failed)
{
	int	error = 0;
	ssize_t	n;

	do
		n = read(failed, &error, sizeof(error));
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)sizeof(error) ? error : 0;
}

static void
reap(struct run *r, int *status)
{
	while (waitpid(r->pid, status, 0) == -1 && errno == EINTR)
		;
}

/* 0, or errno: it does not run. */
static int
start(struct run *r)
{
	int	in[2] = { -1, -1 }, out[2] = { -1, -1 };
	int	failed[2] = { -1, -1 }, error = 0, status;

	if (pipe_above(in) == -1 || pipe_above(out) == -1 ||
	    pipe_above(failed) == -1 || (r->pid = fork()) == -1)
		error = errno;
	else if (r->pid == 0)
		child(r->p, in[0], out[1], failed[1]);
	shut(&in[0]);
	shut(&out[1]);
	shut(&failed[1]);
	r->in = in[1];
	r->out = out[0];
	if (error == 0) {
		(void)setpgid(r->pid, r->pid);
		if ((error = exec_error(failed[0])) != 0)
			reap(r, &status);
	}
	shut(&failed[0]);
	if (error == 0)
		r->end = (int)syscall(SYS_pidfd_open, r->pid, 0);
	return error;
}

/* --- its input and its output */

/* The next octets of the message, line ends as programs have them. */
static void
fill(struct run *r)
{
	struct span	*s = r->head.n > 0 ? &r->head : &r->content;
	size_t		 i, n = 0;

	for (i = 0; i < s->n && n + 2 < PIECE; i++) {
		if (r->cr && s->p[i] != '\n')
			r->piece[n++] = '\r';
		r->cr = !r->p->as_is && s->p[i] == '\r';
		if (!r->cr)
			r->piece[n++] = s->p[i];
	}
	*s = span_from(*s, i);
	if (r->cr && r->head.n == 0 && r->content.n == 0) {
		r->piece[n++] = '\r';
		r->cr = false;
	}
	r->piece_n = n;
	r->piece_at = 0;
}

static void
feed(struct run *r)
{
	ssize_t	n;

	while (r->piece_at == r->piece_n) {
		if (r->head.n == 0 && r->content.n == 0) {
			shut(&r->in);
			return;
		}
		fill(r);
	}
	n = write(r->in, r->piece + r->piece_at, r->piece_n - r->piece_at);
	if (n > 0)
		r->piece_at += (size_t)n;
	else if (n == -1 && errno != EINTR && errno != EAGAIN)
		shut(&r->in);	/* it reads no more */
}

/* Whether there may be more. */
static bool
take(struct run *r)
{
	char	some[4096];
	size_t	room;
	ssize_t	n;

	n = read(r->out, some, sizeof(some));
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return errno == EINTR;
	if (n <= 0) {
		shut(&r->out);
		return false;
	}
	room = r->p->output_max - r->output->n;
	buf_add(r->output, some, (size_t)n < room ? (size_t)n : room);
	return true;
}

/* --- its end */

/* Until it has ended (true) or the time has come. */
static bool
until(struct run *r, int64_t deadline_ms)
{
	struct pollfd	 fds[3];
	int64_t		 left;
	int		 n;

	for (;;) {
		left = deadline_ms - clock_boot_ms();
		if (left <= 0)
			return false;
		fds[0] = (struct pollfd){ .fd = r->end, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = r->in, .events = POLLOUT };
		fds[2] = (struct pollfd){ .fd = r->out, .events = POLLIN };
		n = poll(fds, 3, left > 60000 ? 60000 : (int)left);
		if (n == -1 && errno != EINTR)
			return false;
		if (n <= 0)
			continue;
		if (fds[1].revents != 0)
			feed(r);
		if (fds[2].revents != 0)
			(void)take(r);
		if (fds[0].revents != 0)
			return true;
	}
}

static void
kill_group(struct run *r)
{
	(void)kill(-r->pid, SIGTERM);
	(void)until(r, clock_boot_ms() + GRACE_MS);
	(void)kill(-r->pid, SIGKILL);
}

static struct program_end
end_of(struct run *r, bool in_time)
{
	struct program_end	 e = { PROGRAM_LATE, (int)r->p->time_s };
	int			 status = 0;

	reap(r, &status);
	if (!in_time)
		return e;
	if (WIFEXITED(status))
		e = (struct program_end){ PROGRAM_EXITED,
		    WEXITSTATUS(status) };
	else
		e = (struct program_end){ PROGRAM_KILLED, WTERMSIG(status) };
	return e;
}

static struct program_end
attend(struct run *r)
{
	bool	in_time;

	if (fcntl(r->in, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(r->out, F_SETFL, O_NONBLOCK) == -1 || r->end == -1)
		in_time = false;
	else
		in_time = until(r, clock_boot_ms() +
		    (int64_t)r->p->time_s * 1000);
	if (!in_time)
		kill_group(r);
	/* What it has left behind may write for ever. */
	while (r->out != -1 && r->output->n < r->p->output_max && take(r))
		;
	return end_of(r, in_time);
}

struct program_end
program_run(const struct program *p, struct buf *output)
{
	struct run		 r = { .p = p, .output = output, .in = -1,
	    .out = -1, .end = -1, .head = p->head, .content = p->content };
	struct program_end	 e = { PROGRAM_NOT_RUN, 0 };

	r.piece = xmalloc(PIECE);
	e.number = start(&r);
	if (e.number == 0)
		e = attend(&r);
	shut(&r.in);
	shut(&r.out);
	shut(&r.end);
	free(r.piece);
	return e;
}
