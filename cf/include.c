/*
 * include.c - `include`: files that are read in the middle of another.
 *
 * A name is relative to the file that it stands in; a '*' in its last part
 * stands for any octets, and what it matches is read in byte order.  Files stay
 * in the policy's folder, by their real names, unless the policy itself says
 * `allow include "folder"`.  None is read twice, so that none includes itself.
 */
#include "base/xalloc.h"
#include "cf/include.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* Of the scanner that Flex makes. */
typedef struct yy_buffer_state *scan_buffer;
int		cf_lx_lex_init_extra(struct cf_scan *, void **);
int		cf_lx_lex_destroy(void *);
scan_buffer	cf_lx__scan_bytes(const char *, int, void *);

struct cf_input *
cf_input_open(struct cf *cf, struct span text, uint32_t base,
    struct cf_input *outer)
{
	struct cf_input	*in = xcalloc(1, sizeof(*in));

	in->outer = outer;
	in->scan.cf = cf;
	in->scan.pos = base;
	if (cf_lx_lex_init_extra(&in->scan, &in->scanner) != 0) {
		free(in);
		return NULL;
	}
	cf_lx__scan_bytes(text.p != NULL ? text.p : "", (int)text.n,
	    in->scanner);
	return in;
}

struct cf_input *
cf_input_close(struct cf_input *in)
{
	struct cf_input	*outer = in->outer;

	cf_lx_lex_destroy(in->scanner);
	buf_clear(&in->scan.text);
	free(in);
	return outer;
}

/* Which files. */

/* Whether name is what the pattern says, '*' for any octets. */
static bool
matches(const char *pattern, const char *name)
{
	const char	*star = NULL, *from = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			from = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star + 1;
			name = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

struct names {
	char	**names;
	size_t	  n, cap;
};

static void
add_name(struct names *l, const char *folder, const char *name)
{
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 16;
		l->names = xreallocarray(l->names, l->cap,
		    sizeof(*l->names));
	}
	l->names[l->n++] = xasprintf("%s/%s", folder, name);
}

static int
by_octets(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names that begin with a dot are not meant by a '*'. */
static int
list_folder(const char *folder, const char *pattern, struct names *out)
{
	DIR		*dir = opendir(folder[0] == '\0' ? "/" : folder);
	struct dirent	*e;

	if (dir == NULL)
		return -1;
	while ((e = readdir(dir)) != NULL && out->n <= CF_INCLUDES_MAX) {
		if ((e->d_name[0] != '.' || pattern[0] == '.') &&
		    matches(pattern, e->d_name))
			add_name(out, folder, e->d_name);
	}
	closedir(dir);
	if (out->n > 0)
		qsort(out->names, out->n, sizeof(*out->names), by_octets);
	return 0;
}

static void
free_names(struct names *l)
{
	size_t	 i;

	for (i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
}

/* The folder of a file, without its last '/'. */
static const char *
folder_of(struct cf *cf, const char *full)
{
	size_t	 n = (size_t)(strrchr(full, '/') - full);

	return arena_span(&cf->arena, (struct span){ full, n }).p;
}

/* Whether they may be read. */

static bool
lies_below(const char *full, const char *folder)
{
	size_t	 n = strlen(folder);

	return strncmp(full, folder, n) == 0 && full[n] == '/';
}

static bool
is_allowed(const struct cf *cf, const char *real)
{
	const struct cf_folder	*f;

	for (f = cf->include_folders; f != NULL; f = f->next) {
		if (lies_below(real, f->path))
			return true;
	}
	return lies_below(real, cf->folder);
}

/* The source of that real name, when it is a text of the policy already. */
static const struct cf_source *
read_before(const struct cf *cf, const char *real)
{
	size_t	 i;

	for (i = 0; i < cf->ntexts; i++) {
		if (strcmp(cf->texts[i]->full, real) == 0)
			return cf->texts[i];
	}
	return NULL;
}

/* The text that includes this one; NULL: it is the policy itself. */
static const struct cf_source *
parent_of(const struct cf *cf, const struct cf_source *s)
{
	return s == cf->sources ? NULL : cf_source_at(cf, s->at);
}

static unsigned
depth_of(const struct cf *cf, const struct cf_source *s)
{
	unsigned	 n = 0;

	while ((s = parent_of(cf, s)) != NULL)
		n++;
	return n;
}

/* Whether s is the text at loc, or includes it. */
static bool
is_around(const struct cf *cf, const struct cf_source *s, struct cf_loc loc)
{
	const struct cf_source	*inner = cf_source_at(cf, loc);

	while (inner != NULL && inner != s)
		inner = parent_of(cf, inner);
	return inner == s;
}

/* As messages name it: as it lies beside the policy's own name. */
static const char *
shown_name(struct cf *cf, const char *real)
{
	const char	*slash = strrchr(cf->path, '/');

	if (!lies_below(real, cf->folder))
		return real;
	return arena_printf(&cf->arena, "%.*s%s",
	    slash == NULL ? 0 : (int)(slash - cf->path + 1), cf->path,
	    real + strlen(cf->folder) + 1).p;
}

static bool
may_include(struct cf *cf, const char *full, const char *real,
    struct cf_loc loc)
{
	const char		*name = shown_name(cf, real);
	const struct cf_source	*before = read_before(cf, real);

	if (before != NULL && is_around(cf, before, loc)) {
		cf_error(cf, loc, "'%s' would include itself", name);
	} else if (before != NULL) {
		cf_error(cf, loc, "'%s' is included already, in %s", name,
		    cf_where(cf, before->at, loc));
	} else if (!is_allowed(cf, real)) {
		name = shown_name(cf, full);
		cf_error(cf, loc, "'%s' is not in the policy's folder", name);
		cf_help(cf, "the policy itself can say allow include "
		    "\"folder\" for where it really lies");
	} else if (cf->ntexts > CF_INCLUDES_MAX) {
		cf_error(cf, loc, "a policy has at most %d files",
		    CF_INCLUDES_MAX);
	} else {
		return true;
	}
	return false;
}

static struct cf_source *
read_one(struct cf *cf, const char *name, struct cf_loc loc)
{
	struct cf_source	*s;
	char			 real[PATH_MAX];

	if (realpath(name, real) == NULL) {
		cf_error(cf, loc, "'%s' cannot be read: %s",
		    shown_name(cf, name), strerror(errno));
		return NULL;
	}
	if (!may_include(cf, name, real, loc))
		return NULL;
	s = cf_source_text(cf, shown_name(cf, real), real, loc);
	if (s == NULL && errno == EFBIG)
		cf_error(cf, loc, "with '%s' the policy is larger than %u MiB",
		    name, CF_TEXTS_MAX >> 20);
	else if (s == NULL)
		cf_error(cf, loc, "'%s' cannot be read: %s", name,
		    strerror(errno));
	return s;
}

/* The texts of these files are read next; the last lies deepest. */
static void
include_all(struct cf_parser *p, const struct names *l, struct cf_loc loc)
{
	struct cf_input		*in;
	struct cf_source	**sources;
	size_t			 i;

	sources = xcalloc(l->n, sizeof(struct cf_source *));
	for (i = 0; i < l->n && p->cf->nerrors <= CF_DIAGS_MAX; i++)
		sources[i] = read_one(p->cf, l->names[i], loc);
	for (i = l->n; i > 0; i--) {
		if (sources[i - 1] == NULL)
			continue;
		in = cf_input_open(p->cf, sources[i - 1]->text,
		    sources[i - 1]->base, p->in);
		if (in == NULL)
			continue;
		in->source = sources[i - 1];
		p->in = in;
	}
	free(sources);
}

void
cf_include(struct cf_parser *p, struct span name, struct cf_loc loc)
{
	struct cf		*cf = p->cf;
	const struct cf_source	*here = cf_source_at(cf, loc);
	bool			 absolute = name.n > 0 && name.p[0] == '/';
	const char		*full, *folder, *last;
	struct names		 list = { 0 };

	full = arena_printf(&cf->arena, "%s%s%.*s", absolute ? "" :
	    folder_of(cf, here->full), absolute ? "" : "/", SPAN_ARG(name)).p;
	folder = folder_of(cf, full);
	last = strrchr(full, '/') + 1;
	if (depth_of(cf, here) >= CF_INCLUDE_DEPTH)
		cf_error(cf, loc, "includes are nested deeper than %d",
		    CF_INCLUDE_DEPTH);
	else if (strchr(folder, '*') != NULL)
		cf_error(cf, loc, "a '*' can stand only in the last part of a "
		    "path");
	else if (strchr(last, '*') == NULL)
		add_name(&list, folder, last);
	else if (list_folder(folder, last, &list) == -1)
		cf_error(cf, loc, "'%s' cannot be read: %s",
		    shown_name(cf, folder), strerror(errno));
	else if (list.n == 0)
		cf_error(cf, loc, "'%.*s' matches no file", SPAN_ARG(name));
	if (list.n > 0)
		include_all(p, &list, loc);
	free_names(&list);
}

void
cf_include_allow(struct cf *cf, struct span name, struct cf_loc loc)
{
	struct cf_folder	*f;
	char			 real[PATH_MAX];

	if (cf_source_at(cf, loc) != cf->sources) {
		cf_error(cf, loc, "an included file cannot let in others; "
		    "'allow include' stands in the policy itself");
		return;
	}
	if (realpath(cf_full_path(cf, name), real) == NULL) {
		cf_error(cf, loc, "'%.*s' cannot be read: %s", SPAN_ARG(name),
		    strerror(errno));
		return;
	}
	f = arena_alloc(&cf->arena, sizeof(*f));
	f->path = strcmp(real, "/") == 0 ? "" :
	    arena_strdup(&cf->arena, real);
	f->next = cf->include_folders;
	cf->include_folders = f;
}
