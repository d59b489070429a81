/*
 * main.c - the relay process: SMTP sessions to next hops.
 *
 * User waybill-relay, empty chroot, no root.  Has: the policy's image, the
 * spool's segments (read-only), the channels to queue and resolve, sockets to
 * anywhere.  An intruder, a hostile next hop, could read the mail that waits in
 * these segments and report messages as delivered that are not.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "base/loop.h"
#include "mta/child/child.h"
#include "mta/relay/conns.h"
#include "ruleset/image.h"

#define SMTP_PORT	25
#define DESCRIPTORS	8192	/* sessions, segments, bodies */

struct relay {
	struct hops		 hops;
	struct conns		*conns;
	struct chan		*queue;
	struct segments		 segments;
	struct self_locals	 locals;
	struct rs_image		*image;		/* hops borrows it */
};

/* --- configuration */

static bool
relay_config(struct child_config *config, void *arg)
{
	struct relay	*r = arg;
	struct rs_image	*image;
	const char	*why;

	if ((image = rs_image_open(config->image_fd, &why)) == NULL) {
		log_warnx("event=image-refused why=\"%s\"", why);
		return false;
	}
	conns_renew(r->conns);
	self_unref(&r->hops.self);
	rs_image_free(&r->image);
	r->image = image;
	r->hops.image = image;
	r->hops.self = self_of_image(image, &r->locals);
	return true;
}

/* Where MX hosts listen; tests on high ports say another by the environment. */
static uint16_t
mx_port(void)
{
	const char	*text = getenv("WAYBILL_MX_PORT");
	uint64_t	 port;

	if (text == NULL || !span_u64(span_of(text), 65535, &port) || port == 0)
		return SMTP_PORT;
	return (uint16_t)port;
}

/* --- the queue's messages */

static void
answer(void *arg, struct job *j)
{
	struct relay	*r = arg;

	if (r->queue != NULL)
		job_write(j, r->queue);
	job_free(&j);
}

static bool
on_segment_fd(struct relay *r, struct msg *m)
{
	uint32_t	segment = msg_u32(m), generation = msg_u32(m);
	int		fd = msg_fd(m);

	if (!msg_end(m)) {
		if (fd != -1)
			close(fd);
		return false;
	}
	segments_add(&r->segments, segment, generation, fd);
	return true;
}

static bool
on_segment_gone(struct relay *r, struct msg *m)
{
	uint32_t	segment = msg_u32(m), generation = msg_u32(m);

	if (!msg_end(m))
		return false;
	segments_gone(&r->segments, segment, generation);
	return true;
}

static bool
on_relay(struct relay *r, struct msg *m)
{
	struct job	*j = job_read(m, &r->segments);

	if (j == NULL)
		return false;
	conns_take(r->conns, j);
	return true;
}

static bool
queue_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	switch (m->type) {
	case MSG_SEGMENT_FD:
		return on_segment_fd(arg, m);
	case MSG_SEGMENT_GONE:
		return on_segment_gone(arg, m);
	case MSG_RELAY:
		return on_relay(arg, m);
	}
	return false;
}

/* The next queue sends all that has no answer again. */
static void
forget_queue(struct relay *r)
{
	conns_abandon(r->conns);
	segments_clear(&r->segments);
}

static void
queue_closed(struct chan *c, void *arg)
{
	struct relay	*r = arg;

	(void)c;
	r->queue = NULL;
	forget_queue(r);
}

/* --- the parent's messages */

static void
relay_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	static const struct chan_ops	 ops = { queue_message, queue_closed };
	struct relay			*r = arg;

	(void)instance;
	if (proc == PROC_RESOLVE) {
		dns_client_attach(r->hops.dns, fd);
	} else if (proc == PROC_QUEUE) {
		chan_free(&r->queue);
		forget_queue(r);
		r->queue = chan_new(fd, "queue", &ops, r);
	} else {
		close(fd);
	}
}

static void
all_ended(void *arg)
{
	(void)arg;
	child_done();
}

static void
relay_stop(uint32_t drain_ms, void *arg)
{
	struct relay	*r = arg;

	(void)drain_ms;		/* the parent ends us when it is over */
	conns_stop(r->conns, all_ended);
}

static void
relay_stats(struct buf *out, void *arg)
{
	struct relay			*r = arg;
	const struct conns_counters	*n = conns_counters(r->conns);

	buf_addf(out, "\"sessions\":%zu,\"idle\":%zu,\"waiting\":%zu,"
	    "\"connects\":%llu,\"reused\":%llu,\"delivered\":%llu,"
	    "\"deferred\":%llu,\"failed\":%llu", n->sessions, n->idle,
	    n->waiting, (unsigned long long)n->connects,
	    (unsigned long long)n->reused, (unsigned long long)n->delivered,
	    (unsigned long long)n->deferred, (unsigned long long)n->failed);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	ops = {
		.config = relay_config, .peer = relay_peer,
		.stop = relay_stop, .stats = relay_stats
	};
	static struct relay		r;

	child_open(PROC_RELAY, argc, argv, &ops, &r);
	self_find_locals(&r.locals);
	r.hops.self = self_new(SPAN("localhost"), &r.locals);
	r.hops.dns = dns_client_new();
	r.hops.mx_port = mx_port();
	r.conns = conns_new(&r.hops, answer, &r);
	confine_drop("waybill-relay", child_option("chroot"));
	confine_descriptors(DESCRIPTORS);
	confine_sandbox(CONFINE_NET);
	child_run();
	return 0;
}
