/*
 * main.c - the fetch process: everything that goes by HTTPS.
 *
 * User waybill-fetch, empty chroot, no root.  Instance 0 asks servers that
 * strangers name, for policies of MTA-STS, and keeps those in a folder of its
 * own in the spool's; it has no secret.  Instance 1 asks the servers that hand
 * out tokens; who asks it is credentials.  Either has: the authorities, by
 * descriptor, channels, sockets to anywhere, and no name server.
 *
 * An intruder in 0 could say of any domain that it has no policy, or another
 * one, so that mail goes out less safely than its receiver wants; in 1 he would
 * have the secrets that are sent for tokens, and the tokens.  Neither sees mail.
 *
 *	waybill-fetch --instance N [--spool DIR]
 */
#include "config.h"

#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "mta/child/child.h"

#include "mta/fetch/curls.h"
#include "mta/fetch/service.h"

#define USER		"waybill-fetch"
#define DESCRIPTORS	1024

struct fetch {
	struct dns_client	*dns;
	struct trust		 trust;
	struct transfers	*transfers;
};

static int
authorities(const struct child_config *cfg)
{
	size_t	i;

	for (i = 0; i < cfg->nauthorities; i++)
		if (cfg->authorities[i].object == AUTHORITIES_OF_ALL)
			return cfg->authorities[i].fd;
	return -1;
}

/* What cannot be read leaves the old ones in their place. */
static bool
on_config(struct child_config *cfg, void *arg)
{
	struct fetch	*f = arg;
	const char	*why = "the file cannot be opened";
	int		 fd = authorities(cfg);

	if (fd != -1 && trust_read(&f->trust, fd, &why) == 0)
		log_debug("authorities=%zu", f->trust.n);
	else
		log_warnx("event=authorities-%s why=%s",
		    f->trust.n > 0 ? "kept" : "none", log_quote(span_of(why)));
	return true;
}

static void
on_peer(enum proc peer, uint32_t instance, int fd, void *arg)
{
	struct fetch	*f = arg;

	(void)instance;
	if (peer == PROC_RESOLVE)
		dns_client_attach(f->dns, fd);
	else
		service_peer(f->transfers, fd, proc_name(peer));
}

static void
on_stats(struct buf *out, void *arg)
{
	const struct fetch	*f = arg;

	transfers_stats(f->transfers, out);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	ops = {
		.config = on_config, .peer = on_peer, .stats = on_stats
	};
	static struct fetch		f;

	child_open(PROC_FETCH, argc, argv, &ops, &f);
	curls_global_init();
	confine_drop(USER, child_option("chroot"));
	(void)confine_descriptors(DESCRIPTORS);
	confine_sandbox(CONFINE_NET);
	f.dns = dns_client_new();
	f.transfers = transfers_new(f.dns, &f.trust,
	    child_instance() == FETCH_STRANGERS);
	child_run();
	return 0;
}
