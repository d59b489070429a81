/*
 * tables.c - the tables of a configuration that are files: what serves, from
 * one generation to the next, and what is said of it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/tables_int.h"

void
table_index_unref(struct table_index **xp)
{
	struct table_index	*x = *xp;
	size_t			 i;

	*xp = NULL;
	if (x == NULL || --x->refs > 0)
		return;
	for (i = 0; i < x->nfiles; i++)
		free(x->files[i].path);
	free(x->files);
	if (x->fd != -1)
		close(x->fd);
	free(x);
}

struct table_index *
table_index_ref(struct table_index *x)
{
	if (x != NULL)
		x->refs++;
	return x;
}

struct span
table_name(const struct generation *g, const struct table *t)
{
	return rs_string(g->image, rs_map(g->image, t->map)->name);
}

void
tables_init(struct generation *g)
{
	const struct rs_map_decl	*d;
	struct table			*t;
	uint32_t			 i;

	g->tables = xcalloc(rs_nmap(g->image) + 1, sizeof(*g->tables));
	for (i = 0; i < rs_nmap(g->image); i++) {
		d = rs_map(g->image, i);
		if (d->file >= g->nfiles)
			continue;	/* not of a file */
		t = &g->tables[g->ntables++];
		t->map = i;
		t->file = d->file;
		t->accounts = span_eq(rs_string(g->image, d->kind),
		    SPAN("accounts"));
		t->wanted = true;
	}
}

void
tables_clear(struct generation *g)
{
	size_t	i;

	for (i = 0; i < g->ntables; i++) {
		table_index_unref(&g->tables[i].index);
		free(g->tables[i].why);
	}
	free(g->tables);
	g->tables = NULL;
	g->ntables = 0;
}

/* --- what the last generation has already */

static bool
same_string(const struct generation *a, uint32_t s, const struct generation *b,
    uint32_t t)
{
	return span_eq(rs_string(a->image, s), rs_string(b->image, t));
}

/* The same file, read in the same way. */
static bool
is_same(const struct generation *a, const struct table *t,
    const struct generation *b, const struct table *u)
{
	const struct rs_map_decl	*d = rs_map(a->image, t->map);
	const struct rs_map_decl	*e = rs_map(b->image, u->map);

	return same_string(a, d->name, b, e->name) &&
	    same_string(a, d->driver, b, e->driver) &&
	    same_string(a, d->kind, b, e->kind) &&
	    strcmp(a->files[t->file].path, b->files[u->file].path) == 0 &&
	    span_eq(rs_setting_text(a->image, RS_OPT_SERVER_hostname),
	    rs_setting_text(b->image, RS_OPT_SERVER_hostname));
}

static struct table *
find_same(const struct generation *g, const struct table *t,
    const struct generation *old)
{
	size_t	i;

	for (i = 0; old != NULL && i < old->ntables; i++)
		if (is_same(g, t, old, &old->tables[i]))
			return &old->tables[i];
	return NULL;
}

static const struct gen_file *
find_file(const struct generation *g, const char *path)
{
	size_t	i;

	for (i = 0; i < g->nfiles; i++)
		if (strcmp(g->files[i].path, path) == 0)
			return &g->files[i];
	return NULL;
}

/* All files of the index are still as they were. */
static bool
is_current(const struct generation *g, const struct table_index *x)
{
	const struct gen_file	*f;
	size_t			 i;

	for (i = 0; i < x->nfiles; i++) {
		f = find_file(g, x->files[i].path);
		if (f == NULL || f->fd == -1 ||
		    !file_mark_same(&f->mark, &x->files[i].mark))
			return false;
	}
	return true;
}

/* Of the table's file and of all that may be included. */
static uint64_t
marks_sum(const struct generation *g, const struct table *t)
{
	const struct gen_file	*f;
	uint64_t		 sum = 0;
	size_t			 i;

	for (i = 0; i < g->nfiles; i++) {
		f = &g->files[i];
		if (i != t->file && f->role != ROLE_INCLUDED)
			continue;
		sum = sum * 31 + hash_fixed(span_of(f->path));
		sum = sum * 31 + hash_fixed(span_mem(&f->mark,
		    sizeof(f->mark)));
	}
	return sum;
}

/* --- a table that cannot be taken */

void
table_fail(struct generation *g, struct table *t, const char *why, bool again)
{
	t->wanted = false;
	t->again = again;
	t->failed = again ? 0 : marks_sum(g, t);
	free(t->why);
	t->why = xstrdup(why);
	log_warnx("event=table-%s map=%.*s file=%s why=%s",
	    t->index == NULL ? "broken" : t->fresh ? "partly" : "kept",
	    SPAN_ARG(table_name(g, t)),
	    log_quote(span_of(g->files[t->file].path)),
	    log_quote(span_of(why)));
}

static void
inherit(struct generation *g, struct table *t, const struct table *old)
{
	const struct gen_file	*f = &g->files[t->file];
	char			*why;

	if (old != NULL)
		t->index = table_index_ref(old->index);
	if (t->index != NULL && is_current(g, t->index)) {
		t->wanted = false;
		if (t->index->mistakes > 0 && old->why != NULL)
			t->why = xstrdup(old->why);
	} else if (old != NULL && old->why != NULL && !old->again &&
	    old->failed == marks_sum(g, t)) {
		t->wanted = false;
		t->failed = old->failed;
		t->why = xstrdup(old->why);
	} else if (f->fd == -1) {
		why = xasprintf("%s: %s", f->path, f->error == 0 ?
		    "not a plain file" : strerror(f->error));
		table_fail(g, t, why, false);
		free(why);
	}
}

void
tables_inherit(struct generation *g, const struct generation *old)
{
	size_t	i;

	for (i = 0; i < g->ntables; i++)
		inherit(g, &g->tables[i], find_same(g, &g->tables[i], old));
}

/* --- what came of it */

bool
tables_have_new(const struct generation *g)
{
	size_t	i;

	for (i = 0; i < g->ntables; i++)
		if (g->tables[i].fresh)
			return true;
	return false;
}

bool
tables_need_image(const struct generation *g)
{
	size_t	i;

	for (i = 0; i < g->ntables; i++)
		if (g->tables[i].unknown)
			return true;
	return false;
}

bool
tables_need_again(const struct generation *g)
{
	size_t	i;

	for (i = 0; i < g->ntables; i++)
		if (g->tables[i].again)
			return true;
	return false;
}

void
tables_take_faults(struct generation *g, struct generation *from)
{
	struct table	*t, *same;
	size_t		 i;

	for (i = 0; i < from->ntables; i++) {
		t = &from->tables[i];
		if ((same = find_same(from, t, g)) == NULL)
			continue;
		free(same->why);
		same->why = t->why;
		t->why = NULL;
		same->failed = t->failed;
		same->again = t->again;
	}
}

/* --- telling */

void
tables_send(const struct generation *g, struct chan *c)
{
	const struct table	*t;
	size_t			 i;

	for (i = 0; i < g->ntables; i++) {
		t = &g->tables[i];
		if (t->index == NULL)
			continue;
		chan_begin(c, MSG_CONFIG_TABLE);
		chan_u32(c, g->number);
		chan_u32(c, t->map);
		chan_fd(c, gen_copy(t->index->fd));
		chan_end(c);
	}
}

/*
 * good; old: an earlier reading serves; partly: entries with mistakes answer
 * 451; none: all keys do.
 */
static const char *
state_of(const struct table *t)
{
	if (t->index == NULL)
		return t->wanted ? "reading" : "none";
	if (t->why == NULL)
		return "good";
	return t->index->mistakes > 0 ? "partly" : "old";
}

static void
put_table(const struct generation *g, const struct table *t, struct json *j)
{
	const struct rs_map_decl	*d = rs_map(g->image, t->map);

	json_object(j, NULL);
	json_text(j, "name", rs_string(g->image, d->name));
	json_text(j, "driver", rs_string(g->image, d->driver));
	json_text(j, "kind", rs_string(g->image, d->kind));
	json_str(j, "file", g->files[t->file].path);
	json_str(j, "state", state_of(t));
	if (t->index != NULL) {
		json_uint(j, "entries", t->index->entries);
		json_uint(j, "octets", t->index->octets);
		json_int(j, "read_ms", t->index->read_ms);
	}
	if (t->why != NULL)
		json_str(j, "why", t->why);
	json_object_end(j);
}

void
tables_json(const struct generation *g, struct json *j)
{
	size_t	i;

	json_array(j, "tables");
	for (i = 0; i < g->ntables; i++)
		put_table(g, &g->tables[i], j);
	json_array_end(j);
}
