/*
 * main.c - the auth process: verifies passwords; the only one that sees hashes.
 *
 * User waybill-auth, empty chroot, no root.  Has: the secrets of the accounts
 * tables in memory, the channels of those who ask.  An intruder could say of
 * any password that it is right, and would have the hashes and the passwords
 * that are asked while he is there; he sees no mail, no file, no net.
 *
 * With `--servers yes`, for accounts that servers have, it is as lookup is: in
 * no chroot, with sockets to the servers, their logins and a channel to
 * resolve, and where the kernel has Landlock it reads the folders of such
 * databases and what libraries read, and writes nothing.  An intruder could
 * then ask the servers whatever their logins may.
 */
#include "config.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/log.h"
#include "base/loop.h"
#include "mta/asked/names.h"
#include "mta/asked/readable.h"
#include "mta/asked/secrets.h"
#include "mta/child/child.h"

#include "mta/auth/pam.h"
#include "mta/auth/service.h"
#include "mta/auth/settings.h"

#define USER		"waybill-auth"
#define THREADS_MAX	4	/* a yescrypt takes 16 MiB while it is computed */

struct auth {
	struct auth_service	 service;
	bool			 servers;	/* may be asked */
	struct dns_client	*dns;
	struct asked_names	 names;
	struct readable		 readable;
};

static unsigned
threads(void)
{
	long	 n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

static void
take(struct auth *a, struct child_config *cfg, const struct rs_image *im)
{
	struct asked_secrets	s = { .config = cfg };
	struct auth_sources	from = {
		.image = im, .files = cfg->file_fds, .nfiles = cfg->nfiles,
		.names = a->servers ? &a->names : NULL,
		.secret = asked_secret, .arg = &s
	};
	struct auth_tables	tables;

	auth_tables_open(&tables, &from, &a->service.tables);
	asked_secrets_clear(&s);
	auth_tables_clear(&a->service.tables);
	a->service.tables = tables;
	settings_read(im, &a->service.settings);
	settings_tokens(im, from.names, &a->service.tokens);
	auth_service_changed(&a->service);
}

/* Some accounts are on servers, or tokens are verified elsewhere. */
static bool
asks_others(const struct rs_image *im)
{
	uint32_t	 i;

	for (i = 0; i < rs_nmap(im); i++)
		if (rs_map_is_asked(im, i) && span_eq(rs_string(im,
		    rs_map(im, i)->kind), SPAN("accounts")))
			return true;
	return rs_setting_text(im, RS_OPT_AUTH_tokens).n > 0;
}

/*
 * The first one says which files may be read, to threads too.  A later one
 * that names others needs a new process: it is given the configuration anew.
 */
static bool
may_read(struct auth *a, const struct rs_image *im)
{
	bool	 first = a->service.pool == NULL;

	if ((a->servers && !readable_add(&a->readable, im,
	    SPAN("accounts"))) || (!first && !a->servers &&
	    asks_others(im))) {
		log_info("event=restart why=\"the policy names other "
		    "files or servers\"");
		child_done();
		return false;
	}
	if (a->service.pool != NULL)
		return true;
	if (a->servers)
		readable_lock(&a->readable);
	a->service.pool = pool_new(threads());
	return true;
}

static bool
on_config(struct child_config *config, void *arg)
{
	struct auth	*a = arg;
	struct rs_image	*im;
	const char	*why;
	bool		 ok;

	if ((im = rs_image_open_settings(config->image_fd, &why)) == NULL) {
		log_warnx("event=config generation=%u why=\"%s\"",
		    config->generation, why);
		return false;
	}
	if ((ok = may_read(a, im)))
		take(a, config, im);
	rs_image_free(&im);
	return ok;
}

static void
on_peer(enum proc proc, uint32_t instance, int fd, void *arg)
{
	struct auth	*a = arg;

	(void)instance;
	if (proc == PROC_RESOLVE)
		dns_client_attach(a->dns, fd);
	else
		auth_service_peer(&a->service, fd, proc_name(proc));
}

static void
on_stats(struct buf *out, void *arg)
{
	const struct auth		*a = arg;
	const struct auth_service	*s = &a->service;

	buf_addf(out, "\"accounts\":%zu,\"waiting\":%zu,\"held\":%zu,"
	    "\"right\":%" PRIu64 ",\"cached\":%" PRIu64 ",\"wrong\":%"
	    PRIu64 ",\"cannot\":%" PRIu64 ",\"busy\":%" PRIu64
	    ",\"slow\":%" PRIu64 ",\"slowed\":%" PRIu64
	    ",\"tokens_down\":%s",
	    auth_tables_size(&s->tables), s->waiting, s->held,
	    s->counts.right, s->counts.cached, s->counts.wrong,
	    s->counts.cannot, s->counts.busy, s->counts.slow,
	    s->counts.slowed, s->tokens != NULL && tokens_down(s->tokens) ?
	    "true" : "false");
}

static bool
on_message(struct msg *m, void *arg)
{
	(void)arg;
	return m->type == MSG_PAM_DONE && pam_done(m);
}

/* Databases and sockets are opened by their names. */
static void
confine(const struct auth *a)
{
	confine_drop(USER, a->servers ? NULL : child_option("chroot"));
	(void)confine_descriptors(1024);
	confine_sandbox(a->servers ? CONFINE_OPEN | CONFINE_NET |
	    CONFINE_UNIX : 0);
}

int
main(int argc, char **argv)
{
	static const struct child_ops	 ops = {
		.config = on_config, .peer = on_peer,
		.stats = on_stats, .message = on_message
	};
	static struct auth		 a;
	const char			*servers;

	child_open(PROC_AUTH, argc, argv, &ops, &a);
	servers = child_option("servers");
	a.servers = servers != NULL && strcmp(servers, "yes") == 0;
	auth_service_init(&a.service, threads());
	key_open(child_option("spool"), a.service.key);
	confine(&a);
	a.service.parent = child_parent;
	a.dns = dns_client_new();
	a.names = names_by(a.dns);
	child_run();
	pool_free(&a.service.pool);
	auth_service_clear(&a.service);
	pam_clear();
	dns_client_free(&a.dns);
	return 0;
}
