/*
 * tables.c - maps: their drivers and kinds, and what is wrong in their tables.
 *
 * A table is read when the policy is compiled, so that its mistakes are told
 * with the table's own line; the server reads it again.
 */
#include "base/xalloc.h"
#include "cf/cf_int.h"
#include "maps/map.h"

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

static void
problem(void *arg, const struct map_problem *p)
{
	struct reading		*r = arg;
	const struct cf_source	*s = file_of(r, p->file);

	if (s == NULL)
		cf_error(r->cf, r->sym->loc, "%s", p->what);
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
	return open(s->full, O_RDONLY | O_CLOEXEC);
}

static void
read_table(struct cf *cf, struct cf_sym *sym, const struct map_source *from)
{
	struct reading		 r = { .cf = cf, .sym = sym };
	struct map_source	 source = *from;
	struct map		*map;

	source.name = sym->name;
	source.kind = sym->map_kind;
	source.include = include;
	source.problem = problem;
	source.arg = &r;
	map = map_open(&source);
	map_close(&map);
	free(r.includes);
}

static void
read_text(struct cf *cf, struct cf_sym *sym)
{
	const struct cf_decl	*d = sym->decl;
	struct map_source	 source = { .driver = SPAN("text") };

	if (!d->has_where) {
		cf_error(cf, d->driver_loc, "a text map names its file: text "
		    "\"path\"");
		return;
	}
	sym->source = cf_source_read(cf, d->where, 2);
	if (sym->source == NULL) {
		cf_error(cf, d->where_loc, "'%.*s' cannot be read: %s",
		    SPAN_ARG(d->where), strerror(errno));
		return;
	}
	source.path = sym->source->full;
	source.fd = open(sym->source->full, O_RDONLY | O_CLOEXEC);
	if (source.fd == -1)
		return;
	read_table(cf, sym, &source);
	close(source.fd);
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
#define KIND(name, meaning) #name,
#include "maps/kinds.def"
#undef KIND
};

static void
check_kind(struct cf *cf, struct cf_sym *sym)
{
	const struct cf_decl	*d = sym->decl;
	struct cf_near		 near;
	size_t			 i;

	sym->map_kind = d->type_name.n > 0 ? d->type_name : SPAN("plain");
	cf_near_begin(&near, sym->map_kind);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (span_eq(sym->map_kind, span_of(kinds[i])))
			return;
		cf_near_try(&near, span_of(kinds[i]));
	}
	if (cf_later_kind(sym->map_kind))
		cf_error_later(cf, d->type_loc, sym->map_kind);
	else if (near.best.n > 0)
		cf_error(cf, d->type_loc, "no kind '%.*s' of maps; did you "
		    "mean '%.*s'?", SPAN_ARG(sym->map_kind),
		    SPAN_ARG(near.best));
	else
		cf_error(cf, d->type_loc, "no kind '%.*s' of maps; there are "
		    "plain, aliases and accounts", SPAN_ARG(sym->map_kind));
	sym->map_kind = SPAN("plain");
}

void
cf_map_read(struct cf *cf, struct cf_sym *sym)
{
	const struct cf_decl	*d = sym->decl;

	check_kind(cf, sym);
	sym->type = RS_T_TEXT;
	if (d->driver.n == 0)
		read_in_place(cf, sym);
	else if (span_eq(d->driver, SPAN("text")))
		read_text(cf, sym);
	else if (cf_later_kind(d->driver))
		cf_error_later(cf, d->driver_loc, d->driver);
	else
		cf_error(cf, d->driver_loc, "no driver '%.*s'; maps are text "
		    "\"path\", or { \"key\" = \"value\" } in place",
		    SPAN_ARG(d->driver));
}
