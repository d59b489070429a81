/*
 * main.c - the relay process: SMTP sessions to next hops.
 *
 * User waybill-relay, empty chroot, no root.  Has: the policy's image, the
 * spool's segments (read-only), the channels to queue, resolve and smtp
 * (callouts, messages cut through), sockets to anywhere.  An intruder, a hostile next hop, could read
 * the mail that waits in these segments, report messages as delivered that are
 * not, and say of any recipient that its hop would take it.
 *
 * Where the policy sends mail by LMTP to sockets in the file system they are
 * found by their names, so there is no chroot.  No file is opened: neither the
 * list of system calls nor Landlock lets it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/landlock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/child/child.h"
#include "mta/msg/keys.h"
#include "mta/msg/login.h"
#include "mta/msg/sts.h"
#include "mta/relay/callouts.h"
#include "mta/relay/client_tls.h"
#include "mta/relay/conns.h"
#include "mta/relay/cuts.h"
#include "mta/relay/health.h"
#include "mta/relay/probe.h"
#include "mta/relay/tls_report.h"
#include "mta/relay/tls_ways.h"
#include "ruleset/image.h"

#define DESCRIPTORS	8192	/* sessions, segments, bodies */

/* A channel to a worker that asks for callouts, and cuts mail through. */
struct asking {
	struct asking	*next;
	struct relay	*relay;
	uint32_t	 instance;
	struct chan	*chan;		/* NULL: it has closed */
};

struct relay {
	struct hops		 hops;
	struct level_asked	 levels;
	struct sts_client	*sts;
	struct conns		*conns;
	struct chan		*queue;
	struct callouts		*callouts;
	struct cuts		*cuts;
	struct probes		*probes;
	struct asking		*asking;	/* who sends us callouts */
	struct segments		 segments;
	struct self_locals	 locals;
	struct keys_client	*keys;		/* sign for the certificates that we show */
	struct tls_ways		*tls;
	struct rs_image		*image;		/* hops borrows it */
	bool			 sockets;	/* in the file system may be connected to */
};

/* --- configuration */

static bool
relay_config(struct child_config *config, void *arg)
{
	struct relay	*r = arg;
	struct rs_image	*image;
	const char	*why;

	if ((image = rs_image_open_settings(config->image_fd, &why)) == NULL) {
		log_warnx("event=image-refused why=\"%s\"", why);
		return false;
	}
	if (!r->sockets && rs_image_uses_sockets(image)) {
		log_info("event=restart why=\"the policy names sockets\"");
		rs_image_free(&image);
		child_done();
		return false;
	}
	conns_renew(r->conns);
	self_unref(&r->hops.self);
	relay_blocks_free(&r->hops.blocks);
	r->hops.blocks = relay_blocks_read(image);
	tls_ways_config(r->tls, r->hops.blocks, config);
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

	cuts_ended(r->cuts, j->hop);
	if (j->probe) {
		callouts_done(r->callouts, j);
		return;
	}
	if (j->cut) {
		cuts_done(r->cuts, j);
		return;
	}
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
	if (!cuts_hold(r->cuts, j))
		conns_take(r->conns, j);
	return true;
}

static void
tell_probed(void *arg, uint64_t ticket, struct span json)
{
	struct relay	*r = arg;

	if (r->queue == NULL)
		return;
	chan_begin(r->queue, MSG_PROBED);
	chan_u64(r->queue, ticket);
	chan_bytes(r->queue, json);
	chan_end(r->queue);
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
	case MSG_PROBE:
		return probes_ask(((struct relay *)arg)->probes, m);
	}
	return false;
}

static bool
no_cut(const struct job *j)
{
	return !j->cut;
}

/* The next queue sends all that has no answer again. */
static void
forget_queue(struct relay *r)
{
	cuts_forget_queue(r->cuts);
	conns_abandon(r->conns, no_cut);
	callouts_dropped(r->callouts);
	probes_drop(r->probes);
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

/* --- callouts and cuts, asked by smtp */

static void
take_probe(void *arg, struct job *j)
{
	struct relay	*r = arg;

	conns_take(r->conns, j);
}

static bool
asking_message(struct chan *c, struct msg *m, void *arg)
{
	struct asking	*a = arg;

	if (m->type == MSG_CUT)
		return cuts_ask(a->relay->cuts, c, m);
	return m->type == MSG_CALLOUT &&
	    callouts_ask(a->relay->callouts, c, m);
}

static void
asking_closed(struct chan *c, void *arg)
{
	struct asking	*a = arg;

	callouts_gone(a->relay->callouts, c);
	cuts_gone(a->relay->cuts, c);
	a->chan = NULL;
}

static struct asking *
asking_of(struct relay *r, uint32_t instance)
{
	struct asking	*a;

	for (a = r->asking; a != NULL; a = a->next) {
		if (a->instance == instance)
			return a;
	}
	a = xcalloc(1, sizeof(*a));
	a->relay = r;
	a->instance = instance;
	a->next = r->asking;
	r->asking = a;
	return a;
}

static void
asking_attach(struct relay *r, uint32_t instance, int fd)
{
	static const struct chan_ops	 ops = { asking_message, asking_closed };
	struct asking			*a = asking_of(r, instance);

	if (a->chan != NULL) {
		callouts_gone(r->callouts, a->chan);
		cuts_gone(r->cuts, a->chan);
		chan_free(&a->chan);
	}
	a->chan = chan_new(fd, "smtp", &ops, a);
}

/* --- the parent's messages */

static void
relay_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	static const struct chan_ops	 ops = { queue_message, queue_closed };
	struct relay			*r = arg;

	if (proc == PROC_RESOLVE) {
		dns_client_attach(r->hops.dns, fd);
	} else if (proc == PROC_CREDENTIALS) {
		login_client_attach(r->hops.logins, fd);
	} else if (proc == PROC_QUEUE) {
		chan_free(&r->queue);
		forget_queue(r);
		r->queue = chan_new(fd, "queue", &ops, r);
	} else if (proc == PROC_KEYS) {
		keys_client_attach(r->keys, fd);
	} else if (proc == PROC_FETCH) {
		sts_client_attach(r->sts, fd);
		r->levels.sts = r->sts;
	} else if (proc == PROC_SMTP) {
		asking_attach(r, instance, fd);
	} else {
		close(fd);
	}
}

/* Sessions are told to who answers for MTA-STS, too. */
static struct chan *
fetch_chan(void *arg)
{
	const struct relay	*r = arg;

	return sts_client_chan(r->sts);
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
	cuts_stop(r->cuts);
	conns_stop(r->conns, all_ended);
}

static void
tls_stats(struct buf *out, const struct relay *r)
{
	const struct client_tls_counters	*n = client_tls_counters();

	buf_addf(out, ",\"tls_connected\":%llu,\"tls_resumed\":%llu,"
	    "\"tls_failed\":%llu,\"tls_clear\":%llu,"
	    "\"tls_fell_back\":%llu,\"tls_refused\":%llu,"
	    "\"tls_plaintext\":%llu,\"tls_sessions\":%zu",
	    (unsigned long long)n->done, (unsigned long long)n->resumed,
	    (unsigned long long)n->failed, (unsigned long long)n->clear,
	    (unsigned long long)n->fell_back, (unsigned long long)n->refused,
	    (unsigned long long)n->plaintext, tls_ways_sessions(r->tls));
}

static void
relay_stats(struct buf *out, void *arg)
{
	struct relay			*r = arg;
	const struct conns_counters	*n = conns_counters(r->conns);
	const struct cuts_counters	*cuts = cuts_counters(r->cuts);

	buf_addf(out, "\"sessions\":%zu,\"idle\":%zu,\"waiting\":%zu,"
	    "\"connects\":%llu,\"reused\":%llu,\"delivered\":%llu,"
	    "\"deferred\":%llu,\"failed\":%llu,\"callouts\":%zu", n->sessions, n->idle,
	    n->waiting, (unsigned long long)n->connects,
	    (unsigned long long)n->reused, (unsigned long long)n->delivered,
	    (unsigned long long)n->deferred, (unsigned long long)n->failed,
	    callouts_kept(r->callouts));
	buf_addf(out, ",\"cuts\":%llu,\"cuts_taken\":%llu,"
	    "\"cuts_refused\":%llu,\"cuts_late\":%llu",
	    (unsigned long long)cuts->asked, (unsigned long long)cuts->taken,
	    (unsigned long long)cuts->refused, (unsigned long long)cuts->late);
	health_status(conns_health(r->conns), out);
	tls_stats(out, r);
}

/* Sockets in the file system have names; nothing else is opened by one. */
static void
confine(bool sockets)
{
	confine_drop("waybill-relay", sockets ? NULL : child_option("chroot"));
	confine_descriptors(DESCRIPTORS);
	confine_sandbox(CONFINE_NET | (sockets ? CONFINE_UNIX : 0));
#ifndef WAYBILL_SANITIZED	/* their run-time reads /proc */
	if (sockets && !landlock_read_only(NULL, 0))
		log_info("event=unconfined why=\"the kernel has no "
		    "Landlock\"");
#endif
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
	r.sockets = child_option("sockets") != NULL;
	self_find_locals(&r.locals);
	r.hops.self = self_new(SPAN("localhost"), &r.locals);
	r.hops.dns = dns_client_new();
	r.keys = keys_client_new(NULL, NULL);
	r.tls = tls_ways_new(keys_client_signer(r.keys));
	r.sts = sts_client_new();
	tls_report_to(fetch_chan, &r);
	r.levels.dns = r.hops.dns;
	r.levels.memory = level_memory_new();
	r.hops.levels = &r.levels;
	r.hops.logins = login_client_new();
	r.hops.mx_port = mx_port();
	r.hops.blocks = relay_blocks_read(NULL);
	r.conns = conns_new(&r.hops, answer, &r);
	r.callouts = callouts_new(take_probe, &r);
	r.cuts = cuts_new(r.conns);
	r.probes = probes_new(&r.hops, r.conns, tell_probed, &r);
	confine(r.sockets);
	child_run();
	return 0;
}
