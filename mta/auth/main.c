/*
 * main.c - the auth process: verifies passwords; the only one that sees hashes.
 *
 * User waybill-auth, empty chroot, no root.  Has: the secrets of the accounts
 * tables in memory, the channels of those who ask.  An intruder could say of
 * any password that it is right, and would have the hashes and the passwords
 * that are asked while he is there; he sees no mail, no file, no net.
 */
#include "config.h"

#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "base/loop.h"
#include "mta/child/child.h"

#include "mta/auth/pam.h"
#include "mta/auth/service.h"

#define USER		"waybill-auth"
#define THREADS_MAX	4	/* a yescrypt takes 16 MiB while it is computed */

static bool
on_config(struct child_config *config, void *arg)
{
	struct auth_service	*s = arg;
	struct auth_tables	 tables;
	const char		*why;

	if (auth_tables_open(&tables, config->image_fd, config->file_fds,
	    config->nfiles, &why) == -1) {
		log_warnx("event=config generation=%u why=\"%s\"",
		    config->generation, why);
		return false;
	}
	auth_tables_clear(&s->tables);
	s->tables = tables;
	return true;
}

static void
on_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	(void)instance;
	auth_service_peer(arg, fd, proc_name(proc));
}

static void
on_stop(uint32_t drain_ms, void *arg)
{
	(void)drain_ms;
	(void)arg;
	child_done();
}

static void
on_stats(struct buf *out, void *arg)
{
	const struct auth_service	*s = arg;

	buf_addf(out, "\"accounts\":%zu,\"waiting\":%zu,\"right\":%llu,"
	    "\"wrong\":%llu,\"cannot\":%llu,\"busy\":%llu",
	    auth_tables_size(&s->tables), s->waiting,
	    (unsigned long long)s->right, (unsigned long long)s->wrong,
	    (unsigned long long)s->cannot, (unsigned long long)s->busy);
}

static bool
on_message(struct msg *m, void *arg)
{
	(void)arg;
	return m->type == MSG_PAM_DONE && pam_done(m);
}

static unsigned
threads(void)
{
	long	 n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

int
main(int argc, char **argv)
{
	static const struct child_ops	 ops = {
		.config = on_config, .peer = on_peer, .stop = on_stop,
		.stats = on_stats, .message = on_message
	};
	static struct auth_service	 service;

	child_open(PROC_AUTH, argc, argv, &ops, &service);
	confine_drop(USER, child_option("chroot"));
	(void)confine_descriptors(1024);
	confine_sandbox(0);
	service.parent = child_parent;
	service.pool = pool_new(threads());
	child_run();
	pool_free(&service.pool);
	pam_clear();
	auth_tables_clear(&service.tables);
	return 0;
}
