/*
 * newaliases.c - `newaliases`: the tables of aliases of the policy are
 * checked, and those that lie in a database are built; `praliases`: what
 * stands in them.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/xalloc.h"

#include "mta/cmd/classic.h"
#include "mta/cmd/cmd.h"
#include "mta/cmd/maptable.h"

/* The worse of two. */
static int
worse(int a, int b)
{
	return a > b ? a : b;
}

/* The n-th table of aliases of the policy. */
static bool
next_aliases(struct cf *cf, size_t *n, struct cf_map_file *f)
{
	while (cf_map_file(cf, (*n)++, f))
		if (strcmp(f->kind, "aliases") == 0)
			return true;
	return false;
}

/* --- newaliases */

struct sizes {
	size_t	 longest, octets;
};

static void
measure(void *arg, const struct map_answer *a)
{
	struct sizes	*s = arg;

	s->octets += a->key.n + a->value.n;
	if (a->value.n > s->longest)
		s->longest = a->value.n;
}

/* In the words of sendmail. */
static void
say_sizes(const struct maptable *t, const char *path)
{
	struct sizes	 s = { 0, 0 };

	(void)map_walk(t->map, measure, &s);
	printf("%s: %zu aliases, longest %zu bytes, %zu bytes total\n", path,
	    map_size(t->map), s.longest, s.octets);
}

static int
build(struct maptable *t, const struct cf_map_file *f)
{
	char	*out = xasprintf("%s%s", f->path, f->suffix);
	int	 status = maptable_build(t, f->driver, out);

	free(out);
	return status == CMD_OK ? EX_OK : EX_CANTCREAT;
}

static int
one_table(const struct cf_map_file *f, bool verbose)
{
	struct maptable	 t = { .who = "newaliases", .kind = f->kind };
	bool		 is_text = f->suffix == NULL;
	int		 status = EX_OK;

	t.path = xstrdup(f->path);
	if (maptable_open(&t, is_text ? span_of(f->driver) :
	    SPAN("text")) == -1)
		status = EX_NOINPUT;
	else if (t.mistakes > 0)
		status = EX_DATAERR;
	else if (!is_text)
		status = build(&t, f);
	if (status == EX_OK) {
		say_sizes(&t, f->path);
		if (is_text)
			printf("%s: a text; the server reads it by itself "
			    "when it has changed\n", f->path);
		else if (verbose)
			printf("%s: %s%s has been made\n", f->path, f->path,
			    f->suffix);
	}
	maptable_close(&t);
	return status;
}

int
classic_newaliases(int argc, char **argv)
{
	const char		*policy = CLASSIC_POLICY;
	struct cf_map_file	 f;
	struct cf		*cf;
	bool			 verbose = false;
	size_t			 n = 0, seen = 0;
	int			 c, status = EX_OK;

	while ((c = getopt(argc, argv, "C:c:v")) != -1)
		switch (c) {
		case 'C':
		case 'c': policy = optarg; break;
		case 'v': verbose = true; break;
		default: optind = argc + 1; break;
		}
	if (optind != argc) {
		fprintf(stderr, "usage: newaliases [-v] [-c POLICY]\n");
		return EX_USAGE;
	}
	if ((cf = cmd_tables(policy, &c)) == NULL)
		return c == CMD_USAGE ? EX_NOINPUT : EX_CONFIG;
	for (; next_aliases(cf, &n, &f); seen++)
		status = worse(status, one_table(&f, verbose));
	if (seen == 0)
		fprintf(stderr, "newaliases: %s has no table of aliases that "
		    "is a file\n", policy);
	cf_free(&cf);
	return status;
}

/* --- praliases */

static void
print_entry(void *arg, const struct map_answer *a)
{
	(void)arg;
	printf("%.*s:%.*s\n", SPAN_ARG(a->key), SPAN_ARG(a->value));
}

static void
print_key(const struct map *m, const char *key)
{
	struct map_answer	 a;

	switch (map_get(m, span_of(key), &a)) {
	case MAP_FOUND:
		print_entry(NULL, &a);
		break;
	case MAP_NONE:
		printf("%s: No such key\n", key);
		break;
	default:
		printf("%s: cannot be read\n", key);
		break;
	}
}

/* path is taken. */
static int
print_table(char *path, struct span driver, char **keys)
{
	struct maptable	 t = { .who = "praliases", .kind = "aliases",
	    .path = path };
	int		 status = EX_OK;

	if (maptable_open(&t, driver) == -1)
		status = EX_NOINPUT;
	else if (*keys == NULL)
		status = map_walk(t.map, print_entry, NULL) == 0 ? EX_OK :
		    EX_DATAERR;
	else
		for (; *keys != NULL; keys++)
			print_key(t.map, *keys);
	maptable_close(&t);
	return status;
}

static int
print_policy(const char *policy, char **keys)
{
	struct cf_map_file	 f;
	struct cf		*cf;
	size_t			 n = 0;
	int			 status = EX_OK, io;

	if ((cf = cmd_tables(policy, &io)) == NULL)
		return io == CMD_USAGE ? EX_NOINPUT : EX_CONFIG;
	while (next_aliases(cf, &n, &f))
		status = worse(status, f.suffix == NULL ?
		    print_table(xstrdup(f.path), span_of(f.driver), keys) :
		    print_table(maptable_beside(f.path), SPAN_NONE, keys));
	cf_free(&cf);
	return status;
}

int
classic_praliases(int argc, char **argv)
{
	const char	*policy = CLASSIC_POLICY, *file = NULL;
	int		 c, status;

	while ((c = getopt(argc, argv, "C:c:f:")) != -1)
		switch (c) {
		case 'C':
		case 'c': policy = optarg; break;
		case 'f': file = optarg; break;
		default:
			fprintf(stderr, "usage: praliases [-c POLICY] "
			    "[-f FILE] [key ...]\n");
			return EX_USAGE;
		}
	status = file != NULL ? print_table(maptable_beside(file), SPAN_NONE,
	    argv + optind) : print_policy(policy, argv + optind);
	return fflush(stdout) == 0 ? status : EX_IOERR;
}
