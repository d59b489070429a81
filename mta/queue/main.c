/*
 * main.c - the queue process.
 *
 * User waybill-queue, empty chroot, no root.  Has: the spool's folder by
 * descriptor, the control socket, channels to smtp, route, relay, spawner and
 * deliver.  An intruder would have all queued mail, and could hand any message
 * to any hop or mailbox; he could not reach the network or become anybody.
 *
 *   waybill-queue --spool DIR [--copy-after SECONDS]
 */
#include "mta/queue/queue.h"
#include "mta/queue/tls_reports.h"

#include "base/confine.h"
#include "base/log.h"

#include <stdlib.h>
#include <unistd.h>

static bool
on_config(struct child_config *c, void *arg)
{
	struct queue	*q = arg;
	const char	*why;

	if (settings_read(q, c->image_fd, &why) == -1) {
		log_warnx("policy image: %s", why);
		return false;
	}
	if (!q->running) {
		queue_start(q);
		control_open(q);
	}
	return true;
}

static void
on_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	struct queue	*q = arg;

	switch (proc) {
	case PROC_SMTP:
		intake_peer(q, instance, fd);
		break;
	case PROC_ROUTE:
		router_peer(q, fd);
		break;
	case PROC_RELAY:
		relay_peer(q, fd);
		break;
	case PROC_FETCH:
		tls_reports_peer(q, fd);
		break;
	case PROC_RESOLVE:
		resolver_peer(q, fd);
		break;
	case PROC_SPAWNER:
		local_peer(q, fd);
		break;
	default:
		log_warnx("no business with %s", proc_name(proc));
		close(fd);
		break;
	}
}

static void
on_stop(uint32_t drain_ms, void *arg)
{
	queue_stop(arg, drain_ms);
}

static void
on_stats(struct buf *out, void *arg)
{
	struct queue	*q = arg;

	buf_addf(out, "\"messages\":%zu,\"accepted\":%llu,\"sent\":%llu,"
	    "\"delivered\":%llu,\"deferred\":%llu,\"jobs\":%u",
	    q->index.n, (unsigned long long)q->count.accepted,
	    (unsigned long long)q->count.sent,
	    (unsigned long long)q->count.delivered,
	    (unsigned long long)q->count.deferred, q->sched.jobs);
}

static bool
on_message(struct msg *msg, void *arg)
{
	struct queue	*q = arg;

	if (msg->type == MSG_SECRETS_CHANGED) {
		sched_release(&q->sched);
		return msg_end(msg);
	}
	if (msg->type == MSG_PROCESS_ENDED)
		return postmaster_process(q, msg);
	return q->control != NULL && control_message(q, msg);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	ops = {
		on_config, on_peer, on_stop, on_stats, on_message
	};
	static struct queue		q;
	const char			*copy_after;

	child_open(PROC_QUEUE, argc, argv, &ops, &q);
	if (child_option("spool") == NULL)
		fatalx("--spool DIR is missing");
	if ((copy_after = child_option("copy-after")) != NULL)
		q.copy_after_ms = (uint32_t)atoi(copy_after) * 1000;
	spool_open(&q, child_option("spool"));
	confine_drop("waybill-queue", child_option("chroot"));
	spool_fill(&q, true);
	confine_descriptors(65536);
	confine_sandbox(CONFINE_OPEN);
	queue_init(&q);
	child_run();
	if (q.journal != NULL)
		journal_close(&q.journal);
	return 0;
}
