/*
 * readable.c - the files that a process may still open which asks servers.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>

#include "base/landlock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/asked/readable.h"
#include "mta/asked/words.h"

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

static bool
has_path(const struct readable *r, const char *path)
{
	size_t	i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->paths[i], path) == 0)
			return true;
	return false;
}

static bool
add_path(struct readable *r, const char *path)
{
	if (has_path(r, path))
		return true;
	if (r->locked || r->n == READABLE_MAX)
		return false;
	r->paths[r->n++] = xstrdup(path);
	return true;
}

/*
 * The folder of a database: it may be replaced, and has its log beside it.
 * False: it was not among those that this process was locked to.
 */
static bool
add_folder(struct readable *r, struct span file)
{
	char	*path, *slash, real[PATH_MAX];
	bool	 ok;

	if (file.n == 0 || file.n >= PATH_MAX || file.p[0] != '/')
		return true;
	path = xstrndup(file.p, file.n);
	ok = realpath(path, real) == NULL || (slash = strrchr(real, '/')) ==
	    NULL || (*slash = '\0', add_path(r, real[0] ? real : "/"));
	*strrchr(path, '/') = '\0';
	ok = add_path(r, path[0] ? path : "/") && ok;
	free(path);
	return ok;
}

bool
readable_add(struct readable *r, const struct rs_image *im,
    struct span kind)
{
	uint32_t	i;
	bool		ok = true;

	for (i = 0; i < rs_nmap(im); i++)
		if (kind.n == 0 ||
		    span_eq(rs_string(im, rs_map(im, i)->kind), kind))
			ok = add_folder(r, words_file(im, i)) && ok;
	return ok;
}

void
readable_lock(struct readable *r)
{
#ifndef WAYBILL_SANITIZED	/* their run-time reads /proc */
	const char	*paths[NALWAYS + READABLE_MAX];
	size_t		 i, n = 0;

	for (i = 0; i < NALWAYS; i++)
		paths[n++] = always[i];
	for (i = 0; i < r->n; i++)
		paths[n++] = r->paths[i];
	r->locked = landlock_read_only(paths, n);
	if (!r->locked)
		log_info("event=unconfined why=\"the kernel has no "
		    "Landlock\"");
#else
	(void)r;
#endif
}
