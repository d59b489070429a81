/*
 * main.c - deliver: messages into mailboxes, as their owner.
 *
 * User: the owner of the mailboxes; the spawner has become it before the exec.
 * Root: the system's; no chroot, since the mailboxes are anywhere.
 * Descriptors: 3 the spawner (only its end is noticed), 4 the queue, 2 the log.
 * An intruder, who would have to get in by the content of a message that
 * nobody here parses, gains the mailboxes of this owner and nothing else: no
 * spool, no network, no other program.
 *
 * With --programs 1 it is another process of the same owner, for what programs
 * do: it may execute them, and they may use the network.  Such a one may be
 * that of credentials, which then is on descriptor 4 in the place of the queue.
 */
#include "config.h"

#include <sys/prctl.h>

#include "base/confine.h"
#include "base/log.h"
#include "base/loop.h"

#include "mta/child/child.h"
#include "mta/msg/msg.h"

#include "mta/deliver/forwards.h"
#include "mta/deliver/jobs.h"
#include "mta/deliver/tokens.h"

#define QUEUE_FD	4
#define IDLE_MS		60000	/* then it ends; the queue asks for another */

static struct timer	idle;
static bool		stopping;

static bool
is_busy(void)
{
	return jobs_open() > 0 || forwards_open() > 0 || tokens_open() > 0;
}

static void
on_idle_over(void *arg)
{
	(void)arg;
	if (!is_busy())
		child_done();
}

static void
on_idle(void)
{
	if (is_busy())
		return;
	if (stopping)
		child_done();
	else
		timer_set(&idle, IDLE_MS, on_idle_over, NULL);
}

static bool
on_message(struct chan *c, struct msg *m, void *arg)
{
	(void)arg;
	timer_stop(&idle);
	if (m->type == MSG_TOKEN_RUN) {
		chan_secret(c);
		return tokens_message(m);
	}
	return m->type == MSG_FORWARD_READ ? forwards_message(m) :
	    jobs_message(m);
}

/* The queue has gone: it will ask again, a new process. */
static void
on_queue_closed(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	child_done();
}

static void
on_stop(uint32_t drain_ms, void *arg)
{
	(void)drain_ms;
	(void)arg;
	stopping = true;
	if (!is_busy())
		child_done();
}

int
main(int argc, char **argv)
{
	static const struct child_ops	child = { .stop = on_stop };
	static const struct chan_ops	queue = { on_message, on_queue_closed };
	struct chan			*c;

	/* Nor for the owner's other processes: the channel to the queue is ours. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	child_open(PROC_DELIVER, argc, argv, &child, NULL);
	c = chan_new(QUEUE_FD, "queue", &queue, NULL);
	jobs_begin(c);
	jobs_when_idle(on_idle);
	forwards_begin(c);
	forwards_when_idle(on_idle);
	tokens_begin(c);
	tokens_when_idle(on_idle);
	/* maildrop, dovecot-lda and others set the ids that they have anyway. */
	confine_sandbox(child_option("programs") == NULL ? CONFINE_OPEN :
	    CONFINE_OPEN | CONFINE_EXEC | CONFINE_KILL | CONFINE_NET |
	    CONFINE_UNIX | CONFINE_SETUID);
	on_idle();
	child_run();
	jobs_end();
	return 0;
}
