/*
 * open_table.c - a map of an image is opened.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "maps/index.h"

#include "mta/policy/open_table.h"

enum { ROLE_POLICY, ROLE_ITEMS, ROLE_TABLE, ROLE_INCLUDED };

/* A table being opened: where its files are, who hears of mistakes. */
struct opening {
	const struct table_source	*src;
	char				*map, *path;
	char				**paths; /* of included files */
	uint32_t			 npaths;
};

static char *
string_dup(const struct rs_image *im, uint32_t s)
{
	struct span	t = rs_string(im, s);

	return xstrndup(t.n == 0 ? "" : t.p, t.n);
}

/* A descriptor of our own for a file of the manifest, or -1. */
static int
file_open(const struct table_source *src, uint32_t file)
{
	char	*path;
	int	 fd;

	if (src->file_fds != NULL) {
		if (file >= src->nfiles || src->file_fds[file] == -1) {
			errno = ENOENT;
			return -1;
		}
		return fcntl(src->file_fds[file], F_DUPFD_CLOEXEC, 0);
	}
	path = string_dup(src->image, rs_file(src->image, file)->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	free(path);
	return fd;
}

/* --- what a table includes, and what is wrong in it */

/* Remembers the path of an included file for messages; its number from 1. */
static uint32_t
note_path(struct opening *o, const char *path)
{
	o->paths = xreallocarray(o->paths, o->npaths + 1, sizeof(*o->paths));
	o->paths[o->npaths++] = xstrdup(path);
	return o->npaths;
}

/* Its number in the manifest, or UINT32_MAX. */
static uint32_t
included_file(const struct rs_image *im, const char *path)
{
	uint32_t	i;

	for (i = 0; i < rs_nfile(im); i++)
		if (rs_file(im, i)->role == ROLE_INCLUDED &&
		    span_eq(rs_string(im, rs_file(im, i)->path),
		    span_of(path)))
			return i;
	return UINT32_MAX;
}

/* map_include_fn: a file that a table includes stands in the manifest. */
static int
include_open(void *arg, const char *path, uint32_t *file_index)
{
	struct opening			*o = arg;
	const struct table_source	*src = o->src;
	uint32_t			 file = included_file(src->image,
					    path);

	*file_index = note_path(o, path);
	if (src->included != NULL)
		src->included(src->arg, file);
	if (file != UINT32_MAX)
		return file_open(src, file);
	/* An include that is newer than the image: only by name. */
	if (src->file_fds == NULL)
		return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
		    O_NOCTTY);
	errno = ENOENT;
	return -1;
}

static void
problem(void *arg, const struct map_problem *p)
{
	struct opening	*o = arg;

	o->src->problem(o->src->arg, o->map, p->file > 0 &&
	    p->file <= o->npaths ? o->paths[p->file - 1] : o->path, p);
}

/* --- opening */

static struct map_source
source_of(const struct rs_image *im, const struct rs_map_decl *d)
{
	struct map_source	ms = { .fd = -1 };

	ms.name = rs_string(im, d->name);
	ms.driver = rs_string(im, d->driver);
	ms.kind = rs_string(im, d->kind);
	ms.host = rs_setting_text(im, RS_OPT_SERVER_hostname);
	return ms;
}

static struct map *
inline_open(const struct rs_image *im, const struct rs_map_decl *d,
    struct map_source *ms)
{
	struct span	*entries;
	struct map	*m;
	uint32_t	 i;

	entries = xcalloc(d->nentries * 2 + 1, sizeof(*entries));
	for (i = 0; i < d->nentries; i++)
		rs_map_entry(im, d->first_entry + i, &entries[2 * i],
		    &entries[2 * i + 1]);
	ms->entries = entries;
	ms->nentries = d->nentries;
	m = map_open(ms);
	free(entries);
	return m;
}

static struct map *
from_file(struct opening *o, uint32_t file, struct map_source *ms)
{
	struct map	*m;

	ms->path = o->path;
	ms->fd = file_open(o->src, file);
	m = map_open(ms);
	if (ms->fd != -1)
		close(ms->fd);
	return m;
}

struct map *
table_open(const struct table_source *src, uint32_t n)
{
	const struct rs_map_decl *d = rs_map(src->image, n);
	struct map_source	  ms = source_of(src->image, d);
	struct opening		  o = { .src = src };
	struct map		 *m;

	ms.include = include_open;
	ms.problem = problem;
	ms.notes = src->notes;
	ms.arg = &o;
	o.map = string_dup(src->image, d->name);
	o.path = d->file == UINT32_MAX ? xstrdup("the policy") :
	    string_dup(src->image, rs_file(src->image, d->file)->path);
	m = d->file == UINT32_MAX ? inline_open(src->image, d, &ms) :
	    from_file(&o, d->file, &ms);
	while (o.npaths > 0)
		free(o.paths[--o.npaths]);
	free(o.paths);
	free(o.path);
	free(o.map);
	return m;
}

struct map *
table_open_index(const struct rs_image *im, uint32_t n, int fd)
{
	struct map_source	ms = source_of(im, rs_map(im, n));

	return map_index_open(&ms, fd);
}

bool
table_is_file(const struct rs_image *im, uint32_t n)
{
	const struct rs_map_decl	*d = rs_map(im, n);

	return d->file != UINT32_MAX &&
	    map_driver_reads(rs_string(im, d->driver));
}
