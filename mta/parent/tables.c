/*
 * tables.c - the tables of a configuration that are files, as indexes.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/generation_int.h"

#define WHY_MAX		4096	/* octets of a mistake */
#define INCLUDED_MAX	65536	/* files of one table */
#define SEALS		(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | \
			    F_SEAL_WRITE)

/* A file as it was when an index was made of it. */
struct seen_file {
	char			*path;
	struct file_mark	 mark;
};

/* What one reading made; generations share it. */
struct table_index {
	unsigned		 refs;
	int			 fd;		/* sealed */
	uint64_t		 entries, octets;
	uint32_t		 mistakes;	/* entries that answer 451 */
	int64_t			 read_ms;	/* wall */
	struct seen_file	*files;		/* the table, what it includes */
	size_t			 nfiles;
};

struct table {
	uint32_t		 map;		/* in the image */
	uint32_t		 file;		/* in the manifest */
	bool			 accounts;
	bool			 wanted;	/* is to be read */
	bool			 fresh;		/* read for this generation */
	bool			 unknown;	/* includes what the image does not name */
	bool			 again;		/* given up, but for no fault of its file */
	struct table_index	*index;		/* NULL: answers 451 */
	char			*why;		/* what is wrong; NULL: nothing */
	uint64_t		 failed;	/* sum of the marks that had it */
};

static void
index_unref(struct table_index **xp)
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

static struct table_index *
index_ref(struct table_index *x)
{
	if (x != NULL)
		x->refs++;
	return x;
}

static struct span
name_of(const struct generation *g, const struct table *t)
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
		index_unref(&g->tables[i].index);
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

static bool
same_mark(const struct file_mark *a, const struct file_mark *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
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
		    !same_mark(&f->mark, &x->files[i].mark))
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

/* The file as it is now is not taken: one line, until it changes. */
static void
fail(struct generation *g, struct table *t, const char *why, bool again)
{
	t->wanted = false;
	t->again = again;
	t->failed = again ? 0 : marks_sum(g, t);
	free(t->why);
	t->why = xstrdup(why);
	log_warnx("event=table-%s map=%.*s file=%s why=%s",
	    t->index == NULL ? "broken" : t->fresh ? "partly" : "kept",
	    SPAN_ARG(name_of(g, t)),
	    log_quote(span_of(g->files[t->file].path)),
	    log_quote(span_of(why)));
}

static void
inherit(struct generation *g, struct table *t, const struct table *old)
{
	const struct gen_file	*f = &g->files[t->file];
	char			*why;

	if (old != NULL)
		t->index = index_ref(old->index);
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
		fail(g, t, why, false);
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

/* --- being read */

static bool
is_wanted(const struct table *t, bool accounts)
{
	return t->wanted && t->accounts == accounts;
}

size_t
tables_wanted(const struct generation *g, bool accounts)
{
	size_t	i, n = 0;

	for (i = 0; i < g->ntables; i++)
		n += is_wanted(&g->tables[i], accounts);
	return n;
}

static void
send_file(const struct generation *g, struct chan *c, uint32_t file)
{
	int	fd;

	if (g->files[file].fd == -1 ||
	    (fd = gen_file_again(&g->files[file])) == -1)
		return;
	chan_begin(c, MSG_CONFIG_FILE);
	chan_u32(c, g->number);
	chan_u32(c, file);
	chan_fd(c, fd);
	chan_end(c);
}

/* Two maps may have one file. */
static bool
is_needed(const struct generation *g, uint32_t file, bool accounts)
{
	size_t	i;

	if (g->files[file].role == ROLE_INCLUDED)
		return !accounts;
	for (i = 0; i < g->ntables; i++)
		if (g->tables[i].file == file &&
		    is_wanted(&g->tables[i], accounts))
			return true;
	return false;
}

void
tables_send_files(const struct generation *g, struct chan *c, bool accounts)
{
	uint32_t	i;

	for (i = 0; i < g->nfiles; i++)
		if (is_needed(g, i, accounts))
			send_file(g, c, i);
}

/* An INDEXED; why and files are borrowed. */
struct indexed {
	uint32_t	 generation, map, mistakes, nfiles;
	struct span	 why;
	bool		 unknown;
	uint32_t	*files;
	uint64_t	 entries, octets;
	int		 fd;		/* -1: not whole */
};

static void
indexed_clear(struct indexed *in)
{
	if (in->fd != -1)
		close(in->fd);
	free(in->files);
}

static bool
read_indexed(struct msg *m, struct indexed *in)
{
	uint32_t	i;

	*in = (struct indexed){ .fd = -1 };
	in->generation = msg_u32(m);
	in->map = msg_u32(m);
	in->mistakes = msg_u32(m);
	in->why = msg_bytes(m, WHY_MAX);
	in->unknown = msg_u8(m) != 0;
	in->nfiles = msg_u32(m);
	if (m->bad || in->nfiles > INCLUDED_MAX)
		return false;
	in->files = xcalloc(in->nfiles + 1, sizeof(*in->files));
	for (i = 0; i < in->nfiles; i++)
		in->files[i] = msg_u32(m);
	in->entries = msg_u64(m);
	in->octets = msg_u64(m);
	if (msg_u8(m) != 0)
		in->fd = msg_fd(m);
	return msg_end(m);
}

static struct table *
find_map(struct generation *g, uint32_t map)
{
	size_t	i;

	for (i = 0; i < g->ntables; i++)
		if (g->tables[i].map == map)
			return &g->tables[i];
	return NULL;
}

static bool
changed_meanwhile(const struct gen_file *f)
{
	struct file_mark	now;
	struct stat		st;

	if (f->fd == -1 || fstat(f->fd, &st) == -1)
		return true;
	file_mark_take(&st, &now);
	return !same_mark(&now, &f->mark);
}

static void
add_seen(struct table_index *x, const struct gen_file *f)
{
	struct seen_file	*s = &x->files[x->nfiles++];

	s->path = xstrdup(f->path);
	s->mark = f->mark;
}

/* NULL: one of the files changed while it was read. */
static struct table_index *
index_new(const struct generation *g, const struct table *t,
    struct indexed *in)
{
	struct table_index	*x = xcalloc(1, sizeof(*x));
	uint32_t		 i;
	bool			 ok = !changed_meanwhile(&g->files[t->file]);

	x->refs = 1;
	x->fd = in->fd;
	in->fd = -1;
	x->entries = in->entries;
	x->octets = in->octets;
	x->mistakes = in->mistakes;
	x->read_ms = clock_wall_ms();
	x->files = xcalloc(in->nfiles + 1, sizeof(*x->files));
	add_seen(x, &g->files[t->file]);
	for (i = 0; i < in->nfiles; i++) {
		add_seen(x, &g->files[in->files[i]]);
		ok = ok && !changed_meanwhile(&g->files[in->files[i]]);
	}
	if (!ok)
		index_unref(&x);
	return x;
}

/* With a mistake it is taken only where nothing else serves. */
static void
take(struct generation *g, struct table *t, struct indexed *in)
{
	struct table_index	*x = NULL;
	char			*why = xstrndup(in->why.n > 0 ? in->why.p :
				    "", in->why.n);

	t->unknown = in->unknown && in->mistakes > 0;
	if (in->fd != -1 && (x = index_new(g, t, in)) == NULL) {
		free(why);
		why = xasprintf("%s: changed while it was read",
		    g->files[t->file].path);
	} else if (x != NULL && (x->mistakes == 0 || t->index == NULL)) {
		index_unref(&t->index);
		t->index = index_ref(x);
		t->fresh = true;
	}
	index_unref(&x);
	if (!t->fresh || t->index->mistakes > 0)
		fail(g, t, why, false);
	else {
		t->wanted = false;
		free(t->why);
		t->why = NULL;
		log_info("event=table-read map=%.*s file=%s entries=%llu "
		    "octets=%llu", SPAN_ARG(name_of(g, t)),
		    log_quote(span_of(g->files[t->file].path)),
		    (unsigned long long)t->index->entries,
		    (unsigned long long)t->index->octets);
	}
	free(why);
}

/* Nobody can change it any more, nor who wrote it. */
static bool
is_sealed(int fd)
{
	int	seals = fcntl(fd, F_GET_SEALS);

	return seals != -1 && (seals & SEALS) == SEALS;
}

static bool
is_sane(const struct generation *g, const struct indexed *in)
{
	uint32_t	i;

	for (i = 0; i < in->nfiles; i++)
		if (in->files[i] >= g->nfiles ||
		    g->files[in->files[i]].role != ROLE_INCLUDED)
			return false;
	return in->generation == g->number &&
	    (in->fd == -1 || is_sealed(in->fd));
}

bool
tables_indexed(struct generation *g, struct msg *m, bool accounts)
{
	struct indexed	 in;
	struct table	*t;
	bool		 ok;

	ok = read_indexed(m, &in) && is_sane(g, &in) &&
	    (t = find_map(g, in.map)) != NULL && t->accounts == accounts;
	if (ok && t->wanted)
		take(g, t, &in);
	indexed_clear(&in);
	return ok;
}

void
tables_give_up(struct generation *g, bool accounts, const char *why)
{
	size_t	i;

	for (i = 0; i < g->ntables; i++)
		if (is_wanted(&g->tables[i], accounts))
			fail(g, &g->tables[i], why, true);
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
	int			 copy;

	for (i = 0; i < g->ntables; i++) {
		t = &g->tables[i];
		if (t->index == NULL)
			continue;
		copy = fcntl(t->index->fd, F_DUPFD_CLOEXEC, 0);
		if (copy == -1)
			fatal("descriptor");
		chan_begin(c, MSG_CONFIG_TABLE);
		chan_u32(c, g->number);
		chan_u32(c, t->map);
		chan_fd(c, copy);
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
