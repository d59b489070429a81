/*
 * tables.c - the accounts tables of a policy.
 */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "ruleset/image.h"

#include "mta/auth/tables.h"

/* A table that has not been built stands in the image as its text. */
static enum auth_way
way_of(struct span driver)
{
	if (span_eq(driver, SPAN("text")) || span_eq(driver, SPAN("gdbm")))
		return AUTH_BY_FILE;
	return span_eq(driver, SPAN("passwd")) ? AUTH_BY_PAM : AUTH_BY_NOBODY;
}

static void
read_file(struct auth_table *t, int fd)
{
	const char	*why = "the file is not there, or cannot be read";

	if (fd != -1)
		t->accounts = accounts_open(fd, &why);
	if (t->accounts == NULL)
		log_warnx("map=%s why=\"%s\"", log_quote(span_of(t->name)),
		    why);
}

static void
add(struct auth_tables *out, const struct rs_image *im,
    const struct rs_map_decl *d, const int *files, size_t nfiles)
{
	struct auth_table	*t = &out->v[out->n++];
	struct span		 name = rs_string(im, d->name);

	*t = (struct auth_table){ .name = xstrndup(name.p, name.n) };
	t->way = way_of(rs_string(im, d->driver));
	if (t->way == AUTH_BY_FILE)
		read_file(t, d->file < nfiles ? files[d->file] : -1);
	else if (t->way == AUTH_BY_NOBODY)
		log_warnx("map=%s why=\"this version verifies no passwords of "
		    "the driver\" driver=%.*s", log_quote(span_of(t->name)),
		    SPAN_ARG(rs_string(im, d->driver)));
}

int
auth_tables_open(struct auth_tables *out, int image_fd, const int *files,
    size_t nfiles, const char **why)
{
	struct rs_image			*im;
	const struct rs_map_decl	*d;
	uint32_t			 i;

	*out = (struct auth_tables){ .n = 0 };
	if ((im = rs_image_open_settings(image_fd, why)) == NULL)
		return -1;
	out->v = xcalloc(rs_nmap(im) + 1, sizeof(*out->v));
	for (i = 0; i < rs_nmap(im); i++) {
		d = rs_map(im, i);
		if (span_eq(rs_string(im, d->kind), SPAN("accounts")))
			add(out, im, d, files, nfiles);
	}
	rs_image_free(&im);
	return 0;
}

void
auth_tables_clear(struct auth_tables *ts)
{
	size_t	 i;

	for (i = 0; i < ts->n; i++) {
		accounts_close(&ts->v[i].accounts);
		free(ts->v[i].name);
	}
	free(ts->v);
	*ts = (struct auth_tables){ .n = 0 };
}

const struct auth_table *
auth_tables_find(const struct auth_tables *ts, struct span name)
{
	size_t	 i;

	for (i = 0; i < ts->n; i++)
		if (span_eq(name, span_of(ts->v[i].name)))
			return &ts->v[i];
	return NULL;
}
