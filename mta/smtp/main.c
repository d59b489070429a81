/*
 * main.c - waybill-smtp: the server sessions of one worker.
 *
 * Runs as waybill-smtp in an empty root, without privileges.  Has: the
 * channel to the parent (3), listening sockets, the image and the tables
 * (read-only), its intake segment and body files (write), channels to queue,
 * resolve, limits and relay (callouts).  An intruder could take mail in our
 * name and spoil what this worker has stored in its own segments; he finds no
 * files, no keys, no other worker's mail, and starts no programs.
 */
#include "config.h"

#include "base/confine.h"
#include "base/log.h"
#include "mail/charset.h"
#include "mta/child/child.h"
#include "mta/msg/keys.h"
#include "mta/smtp/programs.h"
#include "mta/smtp/server.h"

#define DESCRIPTORS	65536

static struct server	*server;

static bool
on_config(struct child_config *c, void *arg)
{
	(void)arg;
	return server_config(server, c);
}

static void
on_peer(enum proc peer, uint32_t instance, int fd, void *arg)
{
	(void)instance;
	(void)arg;
	if (peer == PROC_QUEUE)
		intake_attach(server->intake, fd);
	else if (peer == PROC_RESOLVE)
		dns_client_attach(server->dns, fd);
	else if (peer == PROC_RELAY)
		callout_client_attach(server->callouts, fd);
	else if (peer == PROC_LIMITS)
		limits_client_attach(server->counters, fd);
	else if (peer == PROC_KEYS)
		keys_client_attach(server->keys, fd);
	else if (peer == PROC_LOOKUP)
		lookup_client_attach(server->lookup, fd);
	else if (peer == PROC_PICKUP)
		programs_attach(server, fd);
	else if (peer == PROC_AUTH)
		auth_client_attach(server->auth, fd);
	else
		fatalx("a channel to %s, with whom there is nothing to say",
		    proc_name(peer));
}

static bool
on_message(struct msg *m, void *arg)
{
	(void)arg;
	return server_message(server, m);
}

static void
on_stopped(void *arg)
{
	(void)arg;
	child_done();
}

static void
on_stop(uint32_t drain_ms, void *arg)
{
	(void)arg;
	server_stop(server, drain_ms, on_stopped, NULL);
}

static void
on_stats(struct buf *out, void *arg)
{
	(void)arg;
	server_stats(server, out);
}

/* --workers N: how many of us there are. */
static unsigned
workers(void)
{
	const char	*text = child_option("workers");
	uint64_t	 n = 1;

	if (text != NULL && (!span_u64(span_of(text), 32, &n) || n == 0))
		fatalx("--workers: '%s' is not a number from 1 to 32", text);
	return (unsigned)n;
}

int
main(int argc, char **argv)
{
	static const struct child_ops	ops = {
		.config = on_config, .peer = on_peer, .stop = on_stop,
		.stats = on_stats, .message = on_message,
	};

	child_open(PROC_SMTP, argc, argv, &ops, NULL);
	(void)confine_descriptors(DESCRIPTORS);
	charset_load();		/* header["..."] may be in any of them */
	confine_drop("waybill-smtp", child_option("chroot"));
	confine_sandbox(0);
	server = server_new(child_instance(), workers());
	server->records = child_option("records") != NULL;
	child_run();
	return 0;
}
