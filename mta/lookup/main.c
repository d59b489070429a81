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

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/fileio.h"
#include "base/landlock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/xalloc.h"
#include "mta/child/child.h"

#include "mta/lookup/names.h"
#include "mta/lookup/service.h"
#include "mta/lookup/words.h"

#define DESCRIPTORS	8192
#define SECRET_MAX	1024	/* octets of a password */
#define PATHS_MAX	256

#ifndef WAYBILL_SANITIZED
/* What the C library, and libraries of TLS and of databases, read by themselves. */
static const char *const	always[] = {
	"/etc/ssl", "/etc/ca-certificates", "/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates", "/etc/gnutls", "/etc/ldap",
	"/etc/hosts", "/etc/resolv.conf", "/etc/host.conf",
	"/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/services",
	"/etc/gai.conf", "/etc/krb5.conf", "/etc/localtime",
	"/etc/ld.so.cache", "/usr/share/zoneinfo", "/usr/lib", "/lib",
	"/lib64", "/usr/lib64", "/dev/null", "/dev/urandom",
};
#define NALWAYS	(sizeof(always) / sizeof(always[0]))
#endif

struct lookup {
	struct service		 service;
	struct tables		*tables;
	struct dns_client	*dns;
	bool			 locked;	/* paths are all that may be read */
	char			*paths[PATHS_MAX];
	size_t			 npaths;
};

/* --- the files that may be read */

static bool
has_path(const struct lookup *l, const char *path)
{
	size_t	i;

	for (i = 0; i < l->npaths; i++)
		if (strcmp(l->paths[i], path) == 0)
			return true;
	return false;
}

static bool
add_path(struct lookup *l, const char *path)
{
	if (has_path(l, path))
		return true;
	if (l->locked || l->npaths == PATHS_MAX)
		return false;
	l->paths[l->npaths++] = xstrdup(path);
	return true;
}

/*
 * The folder of a database: it may be replaced, and has its log beside it.
 * False: it was not among those that this process was locked to.
 */
static bool
add_folder(struct lookup *l, struct span file)
{
	char	*path, *slash, real[PATH_MAX];
	bool	 ok;

	if (file.n == 0 || file.n >= PATH_MAX || file.p[0] != '/')
		return true;
	path = xstrndup(file.p, file.n);
	ok = realpath(path, real) == NULL || (slash = strrchr(real, '/')) ==
	    NULL || (*slash = '\0', add_path(l, real[0] ? real : "/"));
	*strrchr(path, '/') = '\0';
	ok = add_path(l, path[0] ? path : "/") && ok;
	free(path);
	return ok;
}

static bool
add_folders(struct lookup *l, const struct rs_image *im)
{
	uint32_t	i;
	bool		ok = true;

	for (i = 0; i < rs_nmap(im); i++)
		ok = add_folder(l, words_file(im, i)) && ok;
	return ok;
}

static void
lock(struct lookup *l)
{
#ifndef WAYBILL_SANITIZED	/* their run-time reads /proc */
	const char	*paths[NALWAYS + PATHS_MAX];
	size_t		 i, n = 0;

	for (i = 0; i < NALWAYS; i++)
		paths[n++] = always[i];
	for (i = 0; i < l->npaths; i++)
		paths[n++] = l->paths[i];
	l->locked = landlock_read_only(paths, n);
	if (!l->locked)
		log_info("event=unconfined why=\"the kernel has no "
		    "Landlock\"");
#else
	(void)l;
#endif
}

/* --- configuration */

struct secrets {
	struct child_config	*cfg;
	struct buf		 text;	/* of the last one */
};

/* The first line of the file. */
static struct span
secret(void *arg, uint32_t object)
{
	struct secrets	*s = arg;
	struct span	 all;
	ptrdiff_t	 nl;
	size_t		 i;

	for (i = 0; i < s->cfg->nsecrets; i++)
		if (s->cfg->secrets[i].object == object)
			break;
	if (i == s->cfg->nsecrets)
		return SPAN_NONE;
	buf_reset(&s->text);
	if (file_read_fd(s->cfg->secrets[i].fd, SECRET_MAX, &s->text) == -1)
		log_warn("event=secret");
	all = buf_span(&s->text);
	if ((nl = span_index(all, '\n')) >= 0)
		all.n = (size_t)nl;
	if (all.n > 0 && all.p[all.n - 1] == '\r')
		all.n--;
	return all;
}

static void
take(struct lookup *l, struct child_config *cfg, const struct rs_image *im)
{
	struct secrets	s = { cfg, { 0 } };

	tables_add(l->tables, cfg->generation, im, secret, &s);
	if (s.text.base != NULL)
		explicit_bzero(s.text.base, s.text.cap);
	buf_clear(&s.text);
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
	bool		 first = !l->locked, ok;

	if ((im = rs_image_open_settings(cfg->image_fd, &why)) == NULL) {
		log_warnx("policy generation=%u refused why=%s",
		    (unsigned)cfg->generation, log_quote(span_of(why)));
		return false;
	}
	if ((ok = add_folders(l, im))) {
		if (first)
			lock(l);
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
on_stop(uint32_t drain_ms, void *arg)
{
	(void)drain_ms;
	(void)arg;
	child_done();
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
		.config = on_config, .peer = on_peer, .stop = on_stop,
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
