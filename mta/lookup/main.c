/*
 * main.c - the lookup process: tables that servers have.
 *
 * User waybill-lookup, no root.  It opens sockets and SQLite's files by their
 * names, so it is in no chroot: where the kernel has Landlock it may read the
 * folders of the files that its tables name, what libraries of TLS read, and
 * nothing else, and write nothing.  Has: the channels of smtp and route, one
 * to resolve, sockets to the servers, and their passwords.  An intruder could
 * say of every address of such tables what he likes, and ask the servers
 * whatever their logins may.
 */
#include "config.h"

#include "base/confine.h"
#include "base/log.h"
#include "base/loop.h"
#include "mta/asked/names.h"
#include "mta/asked/readable.h"
#include "mta/asked/secrets.h"
#include "mta/child/child.h"

#include "mta/lookup/service.h"

#define DESCRIPTORS	8192

struct lookup {
	struct service		 service;
	struct tables		*tables;
	struct dns_client	*dns;
	struct readable		 readable;
};

/* --- configuration */

static void
take(struct lookup *l, struct child_config *cfg, const struct rs_image *im)
{
	struct asked_secrets	s = { .config = cfg };

	tables_add(l->tables, cfg->generation, im, asked_secret, &s);
	asked_secrets_clear(&s);
	service_generation(&l->service);
}

/*
 * The first one says which files may be read.  A later one that names others
 * needs a new process: it is given the configuration anew.
 */
static bool
on_config(struct child_config *cfg, void *arg)
{
	struct lookup	*l = arg;
	struct rs_image	*im;
	const char	*why;
	bool		 first = !l->readable.locked, ok;

	if ((im = rs_image_open_settings(cfg->image_fd, &why)) == NULL) {
		log_warnx("policy generation=%u refused why=%s",
		    (unsigned)cfg->generation, log_quote(span_of(why)));
		return false;
	}
	if ((ok = readable_add(&l->readable, im, SPAN_NONE))) {
		if (first)
			readable_lock(&l->readable);
		take(l, cfg, im);
	} else {
		log_info("event=restart why=\"the policy names other "
		    "files\"");
		child_done();
	}
	rs_image_free(&im);
	return ok;
}

static void
on_peer(enum proc peer, uint32_t instance, int fd, void *arg)
{
	struct lookup	*l = arg;

	(void)instance;
	if (peer == PROC_RESOLVE)
		dns_client_attach(l->dns, fd);
	else
		service_peer(&l->service, fd, proc_name(peer));
}

static void
on_stats(struct buf *out, void *arg)
{
	const struct lookup	*l = arg;

	buf_addf(out, "\"asked\":%llu,",
	    (unsigned long long)l->service.asked);
	tables_stats(l->tables, out);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	ops = {
		.config = on_config, .peer = on_peer,
		.stats = on_stats
	};
	static struct lookup		l;
	struct asked_names		names;

	child_open(PROC_LOOKUP, argc, argv, &ops, &l);
	confine_drop("waybill-lookup", NULL);
	(void)confine_descriptors(DESCRIPTORS);
	confine_sandbox(CONFINE_OPEN | CONFINE_NET | CONFINE_UNIX);
	l.dns = dns_client_new();
	names = names_by(l.dns);
	l.tables = tables_new(&names);
	service_init(&l.service, l.tables);
	child_run();
	return 0;
}
