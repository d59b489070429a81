/*
 * main.c - the route process: where each recipient of an accepted message goes.
 *
 * User: waybill-route.  Root: an empty folder.  Descriptors: the parent, the
 * queue, resolve, limits, lookup; the image and the tables, read-only.  It sees
 * addresses and tables, never a message's content.  An intruder could send mail that is
 * queued to places of his choice, and read the tables of names (they hold no
 * secrets here); he reaches no mailbox, no socket of the net and no file.
 */
#include "base/confine.h"
#include "base/log.h"

#include "mta/route/route.h"

#include <unistd.h>

static struct dns_client	*dns;
static struct limits_client	*counters;
static struct lookup_client	*lookup;

static uint64_t
ask(void *ctx, enum dns_type type, struct span name, dns_cb *cb, void *arg)
{
	return dns_ask(ctx, type, name, cb, arg);
}

static void
cancel(void *ctx, uint64_t ticket)
{
	dns_cancel(ctx, ticket);
}

static bool
on_config(struct child_config *cfg, void *arg)
{
	struct policy_dns	pd = { ask, cancel, dns };

	(void)arg;
	return route_config(cfg, &pd);
}

static void
on_peer(enum proc peer, uint32_t instance, int fd, void *arg)
{
	(void)instance;
	(void)arg;
	if (peer == PROC_QUEUE)
		route_queue(fd);
	else if (peer == PROC_RESOLVE)
		dns_client_attach(dns, fd);
	else if (peer == PROC_LIMITS)
		limits_client_attach(counters, fd);
	else if (peer == PROC_LOOKUP)
		lookup_client_attach(lookup, fd);
	else {
		log_warnx("event=peer process=%s unexpected",
		    proc_name(peer));
		close(fd);
	}
}

static void
on_stats(struct buf *out, void *arg)
{
	(void)arg;
	route_stats(out);
}

int
main(int argc, char **argv)
{
	static const struct child_ops ops = {
		.config = on_config, .peer = on_peer,
		.stats = on_stats
	};

	child_open(PROC_ROUTE, argc, argv, &ops, NULL);
	dns = dns_client_new();
	counters = limits_client_new();
	lookup = lookup_client_new();
	route_asks(counters, lookup);
	confine_drop("waybill-route", child_option("chroot"));
	confine_sandbox(0);
	route_records(child_option("records") != NULL);
	child_run();
	route_end();
	return 0;
}
