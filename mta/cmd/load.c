/*
 * load.c - a policy is read for a sub-command; what is wrong with it is said.
 */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"

#include "mta/cmd/cmd.h"

void
cmd_write(struct buf *b)
{
	struct span	s = buf_span(b);

	fflush(stdout);
	(void)file_write_all(STDOUT_FILENO, s.p, s.n);
	buf_clear(b);
}

static void
to_stderr(struct buf *b)
{
	struct span	s = buf_span(b);

	(void)file_write_all(STDERR_FILENO, s.p, s.n);
	buf_clear(b);
}

void
cmd_say_diags(const struct cf *cf, bool warnings)
{
	bool		colour = isatty(STDERR_FILENO) == 1;
	struct buf	out = { 0 };
	bool		said = true;
	size_t		i;

	for (i = 0; i < cf_ndiags(cf); i++) {
		/* A note belongs to what stands before it. */
		if (cf_diag(cf, i)->level != CF_NOTE)
			said = warnings || cf_diag(cf, i)->level != CF_WARNING;
		if (said)
			cf_diag_print(cf, cf_diag(cf, i), colour, &out);
	}
	to_stderr(&out);
}

bool
cmd_say_unserved(const struct cf *cf)
{
	bool			 colour = isatty(STDERR_FILENO) == 1;
	const struct cf_diag	*d;
	struct buf		 out = { 0 };
	size_t			 i;

	for (i = 0; (d = cf_unserved(cf, i)) != NULL; i++)
		cf_diag_print(cf, d, colour, &out);
	to_stderr(&out);
	return i > 0;
}

/* Who was not let in: with `run` as root the compiler is another user. */
static void
say_reader(const struct cf *cf)
{
	const struct passwd	*pw = getpwuid(geteuid());
	size_t			 i;

	for (i = 0; i < cf_ndiags(cf); i++) {
		if (strstr(cf_diag(cf, i)->text, strerror(EACCES)) == NULL)
			continue;
		fprintf(stderr, "waybill: files were read as the user '%s', "
		    "who may not read this one or enter its folder\n",
		    pw != NULL ? pw->pw_name : "?");
		return;
	}
}

struct cf *
cmd_load(const char *path, int *status)
{
	return cmd_load_for(path, CF_TABLES_READ, status);
}

struct cf *
cmd_load_for(const char *path, enum cf_tables tables, int *status)
{
	struct cf	*cf;
	int		 io;

	errno = 0;
	cf = cf_compile_tables(path, tables, &io);
	if (io == -1) {
		if (cf_ndiags(cf) > 0)
			cmd_say_diags(cf, true);
		else
			fprintf(stderr, "waybill: %s: %s\n", path,
			    strerror(errno));
		*status = CMD_USAGE;
	} else {
		cmd_say_diags(cf, tables != CF_TABLES_NOT);
		*status = cf_errors(cf) > 0 ? CMD_NO : CMD_OK;
	}
	say_reader(cf);
	if (*status != CMD_OK)
		cf_free(&cf);
	return cf;
}

/* Whether any of the maps is known: not after an error of the grammar. */
static bool
has_tables(struct cf *cf)
{
	struct cf_map_file	 f;

	return cf_errors(cf) == 0 || cf_map_file(cf, 0, &f);
}

struct cf *
cmd_tables(const char *path, int *status)
{
	struct cf	*cf;
	int		 io;

	errno = 0;
	cf = cf_compile(path, &io);
	if (io != -1 && has_tables(cf)) {
		if (cf_errors(cf) > 0)
			fprintf(stderr, "waybill: %s has errors, or its "
			    "tables have: waybill check %s\n", path, path);
		return cf;
	}
	if (cf_ndiags(cf) > 0)
		cmd_say_diags(cf, false);
	else
		fprintf(stderr, "waybill: %s: %s\n", path, strerror(errno));
	*status = io == -1 ? CMD_USAGE : CMD_NO;
	cf_free(&cf);
	return NULL;
}
