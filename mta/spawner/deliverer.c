/*
 * deliverer.c - the deliver processes.
 */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/spawner/deliverer.h"

#define HIGH_FD	10	/* out of the way of 3 and 4 */

/* One that runs: its channel tells of its end. */
struct deliverer {
	struct deliverer	*next;
	struct deliverers	*all;
	struct chan		*chan;
};

static bool on_message(struct chan *, struct msg *, void *);
static void on_closed(struct chan *, void *);

/* --- who may have one */

const char *
deliverer_refusal(const struct deliverers *d, uid_t uid, gid_t gid)
{
	if (uid == (uid_t)-1 || gid == (gid_t)-1)
		return "no such uid";
	if (!d->root)
		return uid == geteuid() ? NULL :
		    "without root only the server's own user has mailboxes";
	if (uid < UID_LEAST)
		return "mailboxes do not belong to users of the system";
	if (gid == 0)
		return "mailboxes do not belong to group 0";
	return d->running < DELIVERERS_MAX ? NULL :
	    "too many deliver processes";
}

/* --- in the child */

#ifdef WAYBILL_TEST_HOOKS
static void
spare(const struct deliverers *d)
{
	if (d->spared)
		(void)unsetenv("WAYBILL_TEST_KILL");
}
#else
static void
spare(const struct deliverers *d)
{
	(void)d;
}
#endif

/* Puts the two channels where deliver looks for them, whatever they are. */
static void
place_channels(int parent, int to_queue)
{
	parent = fcntl(parent, F_DUPFD, HIGH_FD);
	to_queue = fcntl(to_queue, F_DUPFD, HIGH_FD);
	if (parent == -1 || to_queue == -1 ||
	    dup2(parent, PARENT_FD) == -1 || dup2(to_queue, QUEUE_FD) == -1)
		fatal("deliver: descriptors");
	(void)close_range(QUEUE_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

static void
exec_deliver(struct deliverers *d, uid_t uid, gid_t gid, bool programs,
    const int ends[2])
{
	char	 number[16];
	char	*argv[8] = { d->program, xstrdup("--instance"), number };
	unsigned n = 3;

	(void)snprintf(number, sizeof(number), "%u", (unsigned)uid);
	if (d->log_level != NULL) {
		argv[n++] = xstrdup("--log-level");
		argv[n++] = xstrdup(d->log_level);
	}
	if (programs) {
		argv[n++] = xstrdup("--programs");
		argv[n++] = xstrdup("1");
	}
	place_channels(ends[0], ends[1]);
	if (d->root)
		confine_become(uid, gid);
	spare(d);
	proc_exec_program(d->program_fd, argv);
}

/* --- in the spawner */

static void
add(struct deliverers *d, int life)
{
	static const struct chan_ops	ops = { on_message, on_closed };
	struct deliverer		*one = xcalloc(1, sizeof(*one));

	one->all = d;
	one->chan = chan_new(life, "deliver", &ops, one);
	one->next = d->list;
	d->list = one;
	d->running++;
	d->started++;
}

static void
drop(struct deliverer *one)
{
	struct deliverer	**at = &one->all->list;

	while (*at != one)
		at = &(*at)->next;
	*at = one->next;
	one->all->running--;
	chan_free(&one->chan);
	free(one);
}

int
deliverer_start(struct deliverers *d, uid_t uid, gid_t gid, bool programs,
    const char **why)
{
	int	life[2], work[2];

	if ((*why = deliverer_refusal(d, uid, gid)) != NULL) {
		d->refused++;
		return -1;
	}
	*why = "";
	chan_pair(life);
	chan_pair(work);
	log_flush();
	switch (fork()) {
	case -1:
		fatal("fork");
	case 0:
		exec_deliver(d, uid, gid, programs,
		    (const int[2]){ life[1], work[1] });
	}
	close(life[1]);
	close(work[1]);
	add(d, life[0]);
	return work[0];
}

/* A deliver process has nothing to say to the spawner. */
static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)m;
	(void)arg;
	return false;
}

static void
on_closed(struct chan *c, void *arg)
{
	struct deliverer	*one = arg;

	(void)c;
	one->chan = NULL;
	drop(one);
}

static void
on_child(void *arg)
{
	struct deliverers	*d = arg;
	int			 status;
	pid_t			 pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (!WIFSIGNALED(status) && WEXITSTATUS(status) == 0)
			continue;
		d->spared = true;
		log_warnx("process=deliver pid=%ld event=died signal=%d "
		    "status=%d", (long)pid,
		    WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		    WIFSIGNALED(status) ? 0 : WEXITSTATUS(status));
	}
}

/* While we are root: the owner of a mailbox may not get to its folder. */
static int
open_program(const char *path)
{
	int	fd = proc_program(path), high;

	if (fd == -1 || access(path, X_OK) == -1 ||
	    (high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD)) == -1)
		fatal("%s", path);
	close(fd);
	return high;
}

void
deliverers_init(struct deliverers *d, const char *libexec,
    const char *log_level)
{
	*d = (struct deliverers){ .log_level = log_level };
	d->root = geteuid() == 0;
	d->program = xasprintf("%s/waybill-deliver",
	    libexec != NULL ? libexec : WAYBILL_LIBEXECDIR);
	d->program_fd = open_program(d->program);
	loop_signal(SIGCHLD, on_child, d);
}

void
deliverers_clear(struct deliverers *d)
{
	while (d->list != NULL)
		drop(d->list);
	free(d->program);
	d->program = NULL;
	close(d->program_fd);
	d->program_fd = -1;
}
