/*
 * helper.c - waybill-pam, started and waited for.
 *
 * A pidfd tells of its end, so nobody's SIGCHLD is in the way.
 */
#include "config.h"

#include <sys/pidfd.h>
#include <sys/queue.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"

#include "mta/pam/helper.h"

struct helper {
	TAILQ_ENTRY(helper)	 entry;
	pid_t			 pid;
	int			 pidfd;
	helper_cb		*cb;
	void			*arg;
	struct watch		 watch;
	struct timer		 timer;
};

static TAILQ_HEAD(, helper)	 running = TAILQ_HEAD_INITIALIZER(running);
static unsigned			 nrunning;

static void
helper_free(struct helper *h)
{
	TAILQ_REMOVE(&running, h, entry);
	nrunning--;
	watch_clear(&h->watch);
	timer_clear(&h->timer);
	close(h->pidfd);
	free(h);
}

/* Takes the status of one that has ended; si_pid 0: there is none. */
static void
reap(const struct helper *h, siginfo_t *info)
{
	info->si_pid = 0;
	while (waitid(P_PIDFD, (id_t)h->pidfd, info, WEXITED) == -1 &&
	    errno == EINTR)
		;
}

static enum auth_result
result_of(const siginfo_t *info)
{
	if (info->si_pid == 0 || info->si_code != CLD_EXITED)
		return AUTH_CANNOT;
	return info->si_status == AUTH_RIGHT ? AUTH_RIGHT :
	    info->si_status == AUTH_WRONG ? AUTH_WRONG : AUTH_CANNOT;
}

static void
ends(struct helper *h, const siginfo_t *info)
{
	helper_cb	*cb = h->cb;
	void		*cb_arg = h->arg;

	helper_free(h);
	if (info->si_pid != 0 && info->si_code != CLD_EXITED)
		log_warnx("process=pam event=died signal=%d", info->si_status);
	cb(cb_arg, result_of(info));
}

static void
on_end(void *arg, int what)
{
	struct helper	*h = arg;
	siginfo_t	 info;

	(void)what;
	reap(h, &info);
	ends(h, &info);
}

bool
helper_ended(pid_t pid, int status)
{
	siginfo_t	 info = { .si_code = CLD_KILLED };
	struct helper	*h;

	info.si_pid = pid;
	info.si_status = WTERMSIG(status);
	if (WIFEXITED(status)) {
		info.si_code = CLD_EXITED;
		info.si_status = WEXITSTATUS(status);
	}
	TAILQ_FOREACH(h, &running, entry)
		if (h->pid == pid) {
			ends(h, &info);
			return true;
		}
	return false;
}

static void
on_late(void *arg)
{
	struct helper	*h = arg;

	(void)pidfd_send_signal(h->pidfd, SIGKILL, NULL, 0);
}

/* --- in the child */

/* Nothing of our environment reaches PAM's modules, which run as root. */
static char **
environment(void)
{
#ifdef WAYBILL_TEST_HOOKS
	return environ;		/* the tests have a PAM of their own */
#else
	static char	 path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char	*none[] = { path, NULL };

	return none;
#endif
}

static void __attribute__((noreturn))
exec_helper(const char *program, int pipe)
{
	char	*argv[] = { xstrdup("waybill-pam"), NULL };

	if (dup2(pipe, STDIN_FILENO) == -1 ||
	    fcntl(STDIN_FILENO, F_SETFD, 0) == -1 ||
	    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
		_exit(AUTH_CANNOT);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)execve(program, argv, environment());
	log_warn("process=pam program=%s", program);
	log_flush();
	_exit(AUTH_CANNOT);
}

/* --- */

static void
follow(pid_t pid, int pidfd, int64_t timeout_ms, helper_cb *cb, void *arg)
{
	struct helper	*h = xcalloc(1, sizeof(*h));

	h->pid = pid;
	h->pidfd = pidfd;
	h->cb = cb;
	h->arg = arg;
	TAILQ_INSERT_TAIL(&running, h, entry);
	nrunning++;
	watch_set(&h->watch, pidfd, LOOP_READ, on_end, h);
	timer_set(&h->timer, timeout_ms, on_late, h);
}

/* Its pid, or -1 with a log line. */
static pid_t
start(const char *libexec, int pipe)
{
	char	*program;
	pid_t	 pid;

	if (nrunning >= HELPERS_MAX) {
		log_warnx("process=pam event=busy running=%u", nrunning);
		return -1;
	}
	program = xasprintf("%s/waybill-pam", libexec);
	log_flush();
	if ((pid = fork()) == 0)
		exec_helper(program, pipe);
	if (pid == -1)
		log_warn("process=pam");
	free(program);
	return pid;
}

void
helper_start(const struct helper_how *how, int pipe, helper_cb *cb, void *arg)
{
	pid_t	 pid = start(how->libexec, pipe);
	int	 pidfd;

	close(pipe);
	if (pid == -1) {
		cb(arg, AUTH_CANNOT);
		return;
	}
	if ((pidfd = pidfd_open(pid, 0)) == -1)
		fatal("pidfd_open");
	follow(pid, pidfd, how->timeout_ms, cb, arg);
}

void
helpers_clear(void)
{
	struct helper	*h;
	siginfo_t	 info;

	while ((h = TAILQ_FIRST(&running)) != NULL) {
		(void)pidfd_send_signal(h->pidfd, SIGKILL, NULL, 0);
		reap(h, &info);
		helper_free(h);
	}
}
