/*
 * tables.c - maps: their drivers and kinds, and what is wrong in their tables.
 *
 * A table is read when the policy is compiled, so that its mistakes are told
 * with the table's own line; the server reads it again.
 */
#include "base/xalloc.h"
#include "cf/drivers.h"
#include "cf/prove_int.h"
#include "maps/map.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A table that is being read, with the files that it includes. */
struct reading {
	struct cf		*cf;
	struct cf_sym		*sym;
	struct cf_source	**includes;
	size_t			 nincludes;
};

static const struct cf_source *
file_of(const struct reading *r, uint32_t file)
{
	if (file == 0 || file > r->nincludes)
		return r->sym->source;
	return r->includes[file - 1];
}

/*
 * No line of it is shown, and the image has no digest of its secrets: it is
 * the same, whoever compiled it.
 */
static void
hide(struct cf_source *s)
{
	s->secret = true;
	memset(s->sha256, 0, sizeof(s->sha256));
}

/* The whole table cannot be read. */
static void
of_all(struct cf *cf, struct cf_loc loc, const char *path, const char *what)
{
	if (cf->tables == CF_TABLES_FOR_START)
		cf_warn(cf, loc, "'%s': %s; what asks for it waits (451)",
		    path, what);
	else
		cf_error(cf, loc, "'%s': %s", path, what);
}

static void
problem(void *arg, const struct map_problem *p)
{
	struct reading		*r = arg;
	const struct cf_source	*s = file_of(r, p->file);

	if (r->cf->tables == CF_TABLES_UNTOLD)
		return;
	if (s == NULL && p->warning)
		cf_warn(r->cf, r->sym->loc, "%s", p->what);
	else if (s == NULL)
		cf_error(r->cf, r->sym->loc, "%s", p->what);
	else if (p->line == 0)	/* of all of it */
		of_all(r->cf, r->sym->decl->where_loc, s->path, p->what);
	else if (!p->warning && r->cf->tables == CF_TABLES_FOR_START)
		cf_warn_at(r->cf, s, p->line, p->column, "%s; what asks for "
		    "this waits (451)", p->what);
	else if (p->warning)
		cf_warn_at(r->cf, s, p->line, p->column, "%s", p->what);
	else
		cf_error_at(r->cf, s, p->line, p->column, 0, "%s", p->what);
}

static int
include(void *arg, const char *path, uint32_t *index)
{
	struct reading		*r = arg;
	struct cf_source	*s;

	s = cf_source_read(r->cf, span_of(path), 3);
	if (s == NULL)
		return -1;
	r->includes = xreallocarray(r->includes, r->nincludes + 1,
	    sizeof(struct cf_source *));
	r->includes[r->nincludes++] = s;
	*index = (uint32_t)r->nincludes;
	return open(s->full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* A network that is too wide to grant relaying: the first is kept. */
static void
find_wide(void *arg, const struct map_answer *a)
{
	struct reading	*r = arg;
	struct ipnet	 net;

	if (r->sym->wide.n == 0 && ipnet_parse(a->key, &net) &&
	    prove_net_is_wide(&net))
		r->sym->wide = arena_span(&r->cf->arena, a->key);
}

static void
read_table(struct cf *cf, struct cf_sym *sym, const struct map_source *from)
{
	struct reading		 r = { .cf = cf, .sym = sym };
	struct map_source	 source = *from;
	struct map		*map;

	if (sym->source != NULL && span_eq(sym->map_kind, SPAN("accounts")))
		hide(sym->source);
	source.name = sym->name;
	source.kind = sym->map_kind;
	source.include = include;
	source.problem = problem;
	source.arg = &r;
	map = map_open(&source);
	sym->entries = map_size(map);
	if (span_eq(source.driver, SPAN("cidr")))
		(void)map_walk(map, find_wide, &r);
	map_close(&map);
	free(r.includes);
}

static void
unreadable(struct cf *cf, struct cf_sym *sym, struct cf_loc loc,
    struct span path)
{
	const char	*why = strerror(errno);

	if (cf->tables != CF_TABLES_FOR_START) {
		cf_error(cf, loc, "'%.*s' cannot be read: %s", SPAN_ARG(path),
		    why);
		return;
	}
	cf_warn(cf, loc, "'%.*s' cannot be read: %s; what asks for it waits "
	    "(451)", SPAN_ARG(path), why);
	sym->source = cf_source_add(cf, arena_span(&cf->arena, path).p,
	    cf_full_path(cf, path), SPAN_NONE, 2);
}

/* The source of the symbol is a file that its driver reads: what is wrong in it? */
static void
read_source(struct cf *cf, struct cf_sym *sym, struct cf_loc loc,
    struct span path)
{
	struct map_source	 source = { .driver = sym->decl->driver };

	if (sym->source == NULL) {
		unreadable(cf, sym, loc, path);
		return;
	}
	source.path = sym->source->full;
	source.fd = open(sym->source->full, O_RDONLY | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY);
	if (source.fd == -1)
		return;
	read_table(cf, sym, &source);
	close(source.fd);
}

/* Its file has secrets that are not for us. */
static bool
is_for_others(const struct cf *cf, const struct cf_sym *sym)
{
	return cf->tables != CF_TABLES_READ &&
	    span_eq(sym->map_kind, SPAN("accounts"));
}

/* It has to be there; the server reads it as who may. */
static void
name_source(struct cf *cf, struct cf_sym *sym, struct span path)
{
	const char	*full = cf_full_path(cf, path);
	struct stat	 st;

	if (stat(full, &st) == -1 && errno != EACCES) {
		unreadable(cf, sym, sym->decl->where_loc, path);
		return;
	}
	sym->source = cf_source_add(cf, arena_span(&cf->arena, path).p, full,
	    SPAN_NONE, 2);
	hide(sym->source);
}

/* Whether a file is newer than another; one that is not there is not. */
static bool
is_newer(const char *file, const char *than)
{
	struct stat	 a, b;

	if (stat(file, &a) == -1 || stat(than, &b) == -1)
		return false;
	return a.st_mtim.tv_sec > b.st_mtim.tv_sec ||
	    (a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
	    a.st_mtim.tv_nsec > b.st_mtim.tv_nsec);
}

/* The command that builds it again. */
static void
help_build(struct cf *cf, const struct cf_sym *sym)
{
	const struct cf_decl	*d = sym->decl;
	const char		*path = cf_full_path(cf, d->where);

	if (span_eq(d->driver, SPAN("gdbm")))
		cf_help(cf, "waybill map build %s --as %.*s", path,
		    SPAN_ARG(sym->map_kind));
	else
		cf_help(cf, "waybill map build %s --as %.*s --to %.*s", path,
		    SPAN_ARG(sym->map_kind), SPAN_ARG(d->driver));
}

/*
 * `gdbm "aliases"`: the database stands beside the text, as aliases.gdbm; or
 * the file is one itself.  Where there is none the text is read, and by the
 * server too, since the image names what was read here.
 */
static void
read_database(struct cf *cf, struct cf_sym *sym, const char *suffix)
{
	const struct cf_decl	*d = sym->decl;
	struct span		 path;

	path = arena_printf(&cf->arena, "%.*s%s", SPAN_ARG(d->where), suffix);
	if (is_for_others(cf, sym)) {
		name_source(cf, sym, access(cf_full_path(cf, path), F_OK) == 0 ?
		    path : d->where);
		return;
	}
	if (access(cf_full_path(cf, path), F_OK) == -1) {
		sym->source = cf_source_read(cf, d->where, 2);
		read_source(cf, sym, d->where_loc, d->where);
		sym->unbuilt = sym->source != NULL && sym->source->text.n > 0 &&
		    span_index(sym->source->text, '\0') < 0;
		return;
	}
	if (is_newer(cf_full_path(cf, d->where), cf_full_path(cf, path))) {
		cf_warn(cf, d->where_loc, "'%.*s' is newer than its "
		    "database, and the database is what counts",
		    SPAN_ARG(d->where));
		help_build(cf, sym);
	}
	sym->source = cf_source_octets(cf, path, 2);
	read_source(cf, sym, d->where_loc, path);
}

static void
read_text(struct cf *cf, struct cf_sym *sym, struct cf_loc loc,
    struct span path)
{
	if (sym->decl->has_where && is_for_others(cf, sym)) {
		name_source(cf, sym, path);
		return;
	}
	sym->source = cf_source_read(cf, path, 2);
	read_source(cf, sym, loc, path);
}

static size_t
entries(const struct cf_sym *sym)
{
	const struct cf_item	*i;
	size_t			 n = 0;

	for (i = sym->decl->items; i != NULL; i = i->next)
		n++;
	return n;
}

/* A column is read by name, so a text there is a record. */
static bool
is_record(struct span text)
{
	return span_index(text, '=') > 0;
}

static void
read_in_place(struct cf *cf, struct cf_sym *sym)
{
	struct map_source	 source = { .driver = SPAN("inline"), .fd = -1 };
	const struct cf_item	*i;
	struct span		*pairs;
	struct htab		 seen = { 0 };
	size_t			 n = 0;
	bool			 twice = false;

	sym->decl->in_place = true;
	pairs = arena_alloc(&cf->arena,
	    (2 * entries(sym) + 1) * sizeof(*pairs));
	for (i = sym->decl->items; i != NULL; i = i->next) {
		if (htab_put(&seen, i->key, cf) != NULL) {
			cf_error(cf, i->loc, "the key '%.*s' stands twice",
			    SPAN_ARG(i->key));
			twice = true;
		}
		sym->record |= is_record(i->text);
		pairs[n++] = i->key;
		pairs[n++] = i->text;
	}
	htab_clear(&seen);
	source.entries = pairs;
	source.nentries = n / 2;
	if (!twice)
		read_table(cf, sym, &source);
}

static const char *const kinds[] = {
#define KIND(name, key, value, meaning) #name,
#include "maps/kinds.def"
#undef KIND
};

/* "plain, aliases and access" */
static const char *
kind_list(struct cf *cf)
{
	size_t		 i, n = sizeof(kinds) / sizeof(kinds[0]);
	struct span	 list = span_of(kinds[0]);

	for (i = 1; i < n; i++)
		list = arena_printf(&cf->arena, "%.*s%s%s", SPAN_ARG(list),
		    i + 1 < n ? ", " : " and ", kinds[i]);
	return list.p;
}

static void
check_kind(struct cf *cf, struct cf_sym *sym)
{
	const struct cf_decl	*d = sym->decl;
	struct cf_near		 near;
	size_t			 i;

	sym->map_kind = d->type_name.n > 0 ? d->type_name :
	    span_eq(d->driver, SPAN("passwd")) ? SPAN("accounts") :
	    SPAN("plain");
	cf_near_begin(&near, sym->map_kind);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (span_eq(sym->map_kind, span_of(kinds[i])))
			return;
		cf_near_try(&near, span_of(kinds[i]));
	}
	if (near.best.n > 0)
		cf_error(cf, d->type_loc, "no kind '%.*s' of maps; did you "
		    "mean '%.*s'?", SPAN_ARG(sym->map_kind),
		    SPAN_ARG(near.best));
	else
		cf_error(cf, d->type_loc, "no kind '%.*s' of maps; there are "
		    "%s", SPAN_ARG(sym->map_kind), kind_list(cf));
	sym->map_kind = SPAN("plain");
}

void
cf_map_read(struct cf *cf, struct cf_sym *sym)
{
	const struct cf_decl	*d = sym->decl;
	const struct cf_driver	*dr;
	const char		*suffix;

	check_kind(cf, sym);
	sym->type = RS_T_TEXT;
	if (d->targets != NULL)
		return;		/* compose.c */
	if (d->driver.n == 0) {
		read_in_place(cf, sym);
		return;
	}
	if ((dr = cf_driver_need(cf, d)) == NULL)
		return;
	if (dr->how == CF_ASKED)
		cf_where_check(cf, d);
	else if (cf->tables == CF_TABLES_NOT)
		return;
	else if (dr->where == CF_WHERE_NONE)
		read_text(cf, sym, d->driver_loc, SPAN("/etc/passwd"));
	else if ((suffix = map_driver_suffix(d->driver)) != NULL)
		read_database(cf, sym, suffix);
	else
		read_text(cf, sym, d->where_loc, d->where);
}

bool
cf_map_file(struct cf *cf, size_t n, struct cf_map_file *out)
{
	const struct cf_driver	*dr;
	const struct cf_decl	*d;
	const struct cf_sym	*sym;
	size_t			 i;

	for (i = 0; i < cf->nsyms; i++) {
		sym = cf->syms[i];
		d = sym->decl;
		if (sym->kind != CF_S_MAP || d->driver.n == 0 ||
		    (dr = cf_driver(d->driver)) == NULL ||
		    dr->where != CF_WHERE_FILE || dr->how != CF_READ ||
		    n-- > 0)
			continue;
		*out = (struct cf_map_file){
			.name = arena_span(&cf->arena, sym->name).p,
			.driver = arena_span(&cf->arena, d->driver).p,
			.kind = arena_span(&cf->arena, sym->map_kind).p,
			.path = cf_full_path(cf, d->where),
			.suffix = map_driver_suffix(d->driver)
		};
		return true;
	}
	return false;
}
