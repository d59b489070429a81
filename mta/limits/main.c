/*
 * main.c - the limits process: every counter.
 *
 * User waybill-limits, empty chroot, no root.  Has: a folder of its own in the
 * spool's, channels to smtp and route.  An intruder could let strangers pass a
 * rate, a greylist or the number of sessions, or refuse everybody; he sees
 * digests of what is counted, no mail, no policy, no net.
 *
 *   waybill-limits --spool DIR
 */
#include "config.h"

#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "mta/child/child.h"
#include "mta/limits/service.h"

#define USER	"waybill-limits"

static bool
on_config(struct child_config *config, void *arg)
{
	(void)config;	/* who asks says what its policy allows */
	(void)arg;
	return true;
}

static void
on_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	(void)instance;
	service_peer(arg, fd, proc_name(proc));
}

static void
on_stats(struct buf *out, void *arg)
{
	const struct service	*s = arg;

	buf_addf(out, "\"sessions\":%zu,\"refused\":%llu,\"rates_asked\":%llu,"
	    "\"rates_over\":%llu,\"greylist_asked\":%llu,"
	    "\"greylisted\":%llu,", s->sessions.n,
	    (unsigned long long)s->refused, (unsigned long long)s->rates,
	    (unsigned long long)s->over, (unsigned long long)s->greys,
	    (unsigned long long)s->held);
	state_stats(s->state, out);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	ops = {
		.config = on_config, .peer = on_peer,
		.stats = on_stats
	};
	static struct service		service;
	int				folder;

	child_open(PROC_LIMITS, argc, argv, &ops, &service);
	if (child_option("spool") == NULL)
		fatalx("--spool DIR is missing");
	folder = state_folder(child_option("spool"), USER);
	confine_drop(USER, child_option("chroot"));
	(void)confine_descriptors(1024);
	confine_sandbox(CONFINE_OPEN);
	service.state = state_open(folder);
	child_run();
	state_close(&service.state);
	return 0;
}
