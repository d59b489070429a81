/*
 * main.c - the resolve process: the only one that talks to name servers.
 *
 * User waybill-resolve, empty chroot, no root.  Has: the channels of those who
 * ask, sockets to name servers.  An intruder could forge answers about names
 * (hence mail could be sent astray, as by a forged DNS), and nothing else: it
 * sees no mail, no policy, no file.
 *
 * resolv.conf, /etc/hosts and the DNSSEC anchor are read before the chroot.
 */
#include "base/confine.h"
#include "base/fileio.h"
#include "base/log.h"
#include "base/loop.h"
#include "mta/child/child.h"
#include "mta/resolve/questions.h"

#include <stdlib.h>
#include <unistd.h>

#define RESOLV_CONF	"/etc/resolv.conf"
#define HOSTS_FILE	"/etc/hosts"
#define ANCHOR_FILE	"/usr/share/dns/root.ds"	/* dns-root-data */
#define FILE_MAX	(4u << 20)

struct resolve {
	struct questions	 questions;
	struct hosts		 hosts;
	struct servers		 servers;
	struct buf		 anchor;
	struct chan		*queue;		/* which tells the postmaster; NULL: it is not there */
};

static bool
resolve_config(struct child_config *config, void *arg)
{
	(void)config;	/* nothing of the policy concerns it */
	(void)arg;
	return true;
}

/* --- the queue hears whether answers are validated */

static bool
queue_message(struct chan *c, struct msg *m, void *arg)
{
	(void)c;
	(void)m;
	(void)arg;
	return false;		/* it has nothing to say here */
}

static void
queue_closed(struct chan *c, void *arg)
{
	struct resolve	*r = arg;

	(void)c;
	r->queue = NULL;
}

static void
tell_queue(void *arg)
{
	const struct resolve	*r = arg;
	const struct validation	*v;

	if (r->queue == NULL)	/* also while ask_new() is under way */
		return;
	v = ask_validation(r->questions.ask);
	chan_begin(r->queue, MSG_RESOLVER);
	chan_u8(r->queue, (uint8_t)v->state);
	chan_bytes(r->queue, span_of(v->servers));
	chan_end(r->queue);
}

static void
attach_queue(struct resolve *r, int fd)
{
	static const struct chan_ops	ops = { queue_message, queue_closed };

	chan_free(&r->queue);
	r->queue = chan_new(fd, "queue", &ops, r);
	tell_queue(r);
}

static void
resolve_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	struct resolve	*r = arg;

	(void)instance;
	if (proc == PROC_QUEUE)
		attach_queue(r, fd);
	else
		questions_serve(&r->questions, fd, proc_name(proc));
}

static void
resolve_stats(struct buf *out, void *arg)
{
	const struct resolve	*r = arg;
	const struct questions	*q = &r->questions;
	const struct validation	*v = ask_validation(q->ask);

	buf_addf(out, "\"asked\":%llu,\"from_hosts\":%llu,\"failing\":%llu,"
	    "\"open\":%zu,\"validates\":\"%s\",\"resolver\":\"%s\"",
	    (unsigned long long)q->asked,
	    (unsigned long long)q->from_hosts, (unsigned long long)q->failing,
	    q->open, validation_name(v), v->servers);
}

/* --resolver, or the environment (for tests), or resolv.conf. */
static void
find_servers(struct resolve *r, const char *given)
{
	struct buf	text = { 0 };

	if (given == NULL)
		given = getenv("WAYBILL_RESOLVER");
	if (given != NULL) {
		if (!servers_parse(span_of(given), &r->servers))
			fatalx("resolver: no address: %s",
			    log_quote(span_of(given)));
		return;
	}
	if (file_read(RESOLV_CONF, FILE_MAX, &text) == -1)
		log_warn("dns file=%s", RESOLV_CONF);
	servers_resolv_conf(buf_span(&text), &r->servers);
	buf_clear(&text);
}

/* A network of its own may have an anchor of its own: WAYBILL_TRUST_ANCHOR names the file. */
static void
read_files(struct resolve *r)
{
	struct buf	 text = { 0 };
	const char	*anchor;

	if (file_read(HOSTS_FILE, FILE_MAX, &text) == -1)
		log_warn("dns file=%s", HOSTS_FILE);
	hosts_parse(&r->hosts, buf_span(&text));
	buf_clear(&text);
	if ((anchor = getenv("WAYBILL_TRUST_ANCHOR")) == NULL)
		anchor = ANCHOR_FILE;
	if (file_read(anchor, FILE_MAX, &r->anchor) == -1)
		log_warn("dns file=%s", anchor);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	 ops = {
		.config = resolve_config, .peer = resolve_peer, .stats = resolve_stats
	};
	static struct resolve		 r;

	child_open(PROC_RESOLVE, argc, argv, &ops, &r);
	find_servers(&r, child_option("resolver"));
	read_files(&r);
	confine_drop("waybill-resolve", child_option("chroot"));
	confine_descriptors(8192);
	confine_sandbox(CONFINE_NET);
	r.questions.hosts = &r.hosts;
	r.questions.ask = ask_new(&r.servers, buf_span(&r.anchor),
	    tell_queue, &r);
	child_run();
	return 0;
}
