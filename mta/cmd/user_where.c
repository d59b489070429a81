/*
 * user_where.c - which table of accounts is meant, and where it is kept.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#include "mta/cmd/user.h"

/* What keeps the accounts of drivers that are no text, and what changes them. */
static const struct {
	const char	*driver, *kept;
} others[] = {
	{ "passwd", "the users of the system: useradd(8), passwd(1) and "
	    "userdel(8) change them" },
	{ "inline", "written in the policy itself, without passwords; change "
	    "them there" },
	{ "ldap", "kept in LDAP; its own tools change them" },
	{ "pgsql", "kept in PostgreSQL; its own tools change them" },
	{ "sqlite", "kept in an SQLite file; sqlite3(1) changes them" },
	{ "redis", "kept in redis; redis-cli(1) changes them" },
	{ "socket", "kept by another program, which answers at a socket" },
	{ "first", "those of other maps; say which with --map" },
	{ "union", "those of other maps; say which with --map" },
	{ "pipe", "those of other maps; say which with --map" },
};

static const char *
kept_by(struct span driver)
{
	size_t	 i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (span_eq(driver, span_of(others[i].driver)))
			return others[i].kept;
	return "kept in a database; change its source, and build it anew";
}

int
user_say_kept(const struct user_run *u)
{
	struct span	 name = rs_string(u->image,
	    rs_map(u->image, u->index)->name);

	fprintf(stderr, "waybill user: the accounts of '%.*s' are %s\n",
	    SPAN_ARG(name), u->kept);
	return CMD_NO;
}

/* --- the policy */

static bool
is_accounts(const struct user_run *u, uint32_t i)
{
	return span_eq(rs_string(u->image, rs_map(u->image, i)->kind),
	    SPAN("accounts"));
}

static void
say_names(const struct user_run *u)
{
	uint32_t	 i;

	fprintf(stderr, "waybill user: the maps of accounts are:");
	for (i = 0; i < rs_nmap(u->image); i++)
		if (is_accounts(u, i))
			fprintf(stderr, " %.*s", SPAN_ARG(rs_string(u->image,
			    rs_map(u->image, i)->name)));
	fprintf(stderr, "\n");
}

/* --map, or the only one there is. */
static int
choose(struct user_run *u)
{
	uint32_t	 i, n = 0;

	for (i = 0; i < rs_nmap(u->image); i++) {
		if (!is_accounts(u, i) || (u->map != NULL && !span_eq(
		    rs_string(u->image, rs_map(u->image, i)->name),
		    span_of(u->map))))
			continue;
		u->index = i;
		n++;
	}
	if (n == 1)
		return CMD_OK;
	if (u->map != NULL)
		fprintf(stderr, "waybill user: no map of accounts is called "
		    "'%s'\n", u->map);
	else if (n == 0)
		fprintf(stderr, "waybill user: %s has no map of accounts\n",
		    u->policy);
	else
		fprintf(stderr, "waybill user: which of them? --map NAME\n");
	if (u->map != NULL || n > 0)
		say_names(u);
	return CMD_USAGE;
}

/* The text that the map is; one that was never built stands as its text. */
static void
find_text(struct user_run *u)
{
	const struct rs_map_decl	*d = rs_map(u->image, u->index);
	struct span			 driver = rs_string(u->image,
	    d->driver), path;

	if (d->file != UINT32_MAX && (span_eq(driver, SPAN("text")) ||
	    span_eq(driver, SPAN("gdbm")))) {
		path = rs_string(u->image, rs_file(u->image, d->file)->path);
		u->path = xstrndup(path.p, path.n);
	} else
		u->kept = kept_by(driver);
}

/* Mistakes are said, with those of the tables; warnings are not its subject. */
static int
compile(struct user_run *u)
{
	const char	*why;
	struct span	 image;
	int		 io;

	u->cf = cf_compile(u->policy, &io);
	if (io == -1 || cf_errors(u->cf) > 0) {
		cmd_say_diags(u->cf, false);
		fprintf(stderr, "waybill user: %s\n", io == -1 ?
		    "the policy cannot be read" : "the policy has errors; "
		    "--file FILE works without it");
		return io == -1 ? CMD_USAGE : CMD_NO;
	}
	image = cf_image(u->cf);
	if ((u->image = rs_image_open_mem(image.p, image.n, &why)) == NULL) {
		fprintf(stderr, "waybill user: %s: %s\n", u->policy, why);
		return CMD_USAGE;
	}
	return CMD_OK;
}

int
user_where(struct user_run *u)
{
	int	 status;

	if (u->file != NULL) {
		u->path = xstrdup(u->file);
		return CMD_OK;
	}
	if ((status = compile(u)) != CMD_OK || (status = choose(u)) != CMD_OK)
		return status;
	find_text(u);
	return CMD_OK;
}

void
user_where_clear(struct user_run *u)
{
	rs_image_free(&u->image);
	cf_free(&u->cf);
	free(u->path);
	u->path = NULL;
}
