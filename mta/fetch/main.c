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

#include <stdlib.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "ruleset/image.h"
#include "mta/child/child.h"
#include "mta/child/folder.h"

#include "mta/fetch/curls.h"
#include "mta/fetch/relays.h"
#include "mta/fetch/service.h"
#include "mta/fetch/url.h"

#define USER		"waybill-fetch"
#define STS_FOLDER	"mta-sts"
#define REPORT_FOLDER	"tls-reports"
#define DESCRIPTORS	1024

struct fetch {
	struct dns_client	*dns;
	struct trust		 trust;
	struct transfers	*transfers;
	/* Of the one that asks strangers' servers; NULL in the other: */
	struct sts_disk		*disk;
	struct sts		*sts;
	struct reports		*reports;
};

/* A number of the environment's, by which tests change what is fixed. */
static uint64_t
test_number(const char *name, uint64_t fixed)
{
#ifdef WAYBILL_TEST_HOOKS
	const char	*text = getenv(name);
	uint64_t	 n;

	if (text != NULL && span_u64(span_of(text), UINT16_MAX, &n) && n > 0)
		return n;
#else
	(void)name;
#endif
	return fixed;
}

static uint16_t
policy_port(void)
{
	return (uint16_t)test_number("WAYBILL_STS_PORT", URL_PORT);
}

/* Tests have all servers on this machine. */
static bool
tests_here(void)
{
#ifdef WAYBILL_TEST_HOOKS
	return getenv("WAYBILL_TEST_FETCH_LOCAL") != NULL ||
	    policy_port() != URL_PORT;
#else
	return false;
#endif
}

static int
authorities(const struct child_config *cfg)
{
	size_t	i;

	for (i = 0; i < cfg->nauthorities; i++)
		if (cfg->authorities[i].object == AUTHORITIES_OF_ALL)
			return cfg->authorities[i].fd;
	return -1;
}

/* Who reports about TLS is in the policy. */
static bool
read_policy(struct fetch *f, struct child_config *cfg)
{
	struct rs_image	*im;
	const char	*why;

	if (f->reports == NULL)
		return true;
	if ((im = rs_image_open_settings(cfg->image_fd, &why)) == NULL) {
		log_warnx("event=image-refused why=\"%s\"", why);
		return false;
	}
	reports_config(f->reports, im);
	rs_image_free(&im);
	return true;
}

/* What cannot be read leaves the old ones in their place. */
static bool
on_config(struct child_config *cfg, void *arg)
{
	struct fetch	*f = arg;
	const char	*why = "the file cannot be opened";
	int		 fd = authorities(cfg);

	if (!read_policy(f, cfg))
		return false;
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
	else if (peer == PROC_QUEUE && f->reports != NULL)
		reports_queue(f->reports, fd);
	else if (peer == PROC_RELAY && f->sts != NULL)
		relays_peer(f->sts, f->reports, fd);
	else
		service_peer(f->transfers, fd, proc_name(peer));
}

static void
on_stats(struct buf *out, void *arg)
{
	const struct fetch	*f = arg;

	transfers_stats(f->transfers, out);
	if (f->sts == NULL)
		return;
	buf_add_char(out, ',');
	sts_stats(f->sts, out);
	buf_add_char(out, ',');
	reports_stats(f->reports, out);
}

static void
on_stop(uint32_t drain_ms, void *arg)
{
	struct fetch	*f = arg;

	(void)drain_ms;
	if (f->reports != NULL)
		reports_stop(f->reports);
	child_done();
}

/* Folders of the one that asks strangers' servers; -1: not here. */
struct folders {
	int	sts, reports;
};

static struct folders
open_folders(void)
{
	const char	*spool = child_option("spool");

	if (child_instance() != FETCH_STRANGERS)
		return (struct folders){ -1, -1 };
	if (spool == NULL)
		fatalx("--spool DIR is missing");
	return (struct folders){ child_folder(spool, STS_FOLDER, USER),
	    child_folder(spool, REPORT_FOLDER, USER) };
}

static void
begin_strangers(struct fetch *f, const struct folders *folders)
{
	struct sts_how	 how = { .dns = f->dns, .transfers = f->transfers };

	how.disk = f->disk = sts_disk_new(folders->sts);
	how.port = policy_port();
	how.seconds = (uint32_t)test_number("WAYBILL_STS_SECONDS",
	    HTTP_SECONDS_MAX);
	f->sts = sts_new(&how);
	f->reports = reports_new(f->dns, f->transfers, folders->reports);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	ops = {
		.config = on_config, .peer = on_peer, .stop = on_stop,
		.stats = on_stats
	};
	static struct fetch		f;
	struct folders			folders;
	bool				strangers;

	child_open(PROC_FETCH, argc, argv, &ops, &f);
	curls_global_init();
	folders = open_folders();
	strangers = folders.sts != -1;
	confine_drop(USER, child_option("chroot"));
	(void)confine_descriptors(DESCRIPTORS);
	confine_sandbox(CONFINE_NET | (strangers ? CONFINE_OPEN : 0));
	f.dns = dns_client_new();
	f.transfers = transfers_new(f.dns, &f.trust,
	    strangers && !tests_here());
	if (strangers)
		begin_strangers(&f, &folders);
	child_run();
	return 0;
}
