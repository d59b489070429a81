/*
 * tables_read.c - the tables of a configuration that are files are read: what
 * waybill-index gets, and what becomes of its answers.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#include "mta/msg/msg.h"
#include "mta/parent/tables_int.h"

#define WHY_MAX		4096	/* octets of a mistake */
#define INCLUDED_MAX	65536	/* files of one table */
#define SEALS		(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | \
			    F_SEAL_WRITE)

/* --- what waybill-index gets */

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

static bool
has_accounts(const struct generation *g, uint32_t file)
{
	size_t	i;

	for (i = 0; i < g->ntables; i++)
		if (g->tables[i].file == file && g->tables[i].accounts)
			return true;
	return false;
}

void
tables_send_accounts(const struct generation *g, struct chan *c)
{
	uint32_t	i;

	for (i = 0; i < g->nfiles; i++)
		if (has_accounts(g, i))
			send_file(g, c, i);
}

/* --- what it has made of it */

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
	return !file_mark_same(&now, &f->mark);
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
		table_index_unref(&x);
	return x;
}

/*
 * Who writes a file anew often empties it first, and may need long, or die: a
 * table with entries does not become one without an octet.
 */
static bool
is_emptied(const struct generation *g, const struct table *t)
{
	return t->index != NULL && t->index->entries > 0 &&
	    g->files[t->file].mark.size == 0;
}

static char *
why_kept(const struct generation *g, const struct table *t)
{
	return xasprintf("%s: %s", g->files[t->file].path, is_emptied(g, t) ?
	    "empty, and the table has entries; where that is meant, write a "
	    "line of comment" : "changed while it was read");
}

/* With a mistake it is taken only where nothing else serves. */
static void
take(struct generation *g, struct table *t, struct indexed *in)
{
	struct table_index	*x = NULL;
	char			*why = xstrndup(in->why.n > 0 ? in->why.p :
				    "", in->why.n);

	t->unknown = in->unknown && in->mistakes > 0;
	if (in->fd != -1 && (is_emptied(g, t) ||
	    (x = index_new(g, t, in)) == NULL) && in->mistakes == 0) {
		free(why);
		why = why_kept(g, t);
	} else if (x != NULL && (x->mistakes == 0 || t->index == NULL)) {
		table_index_unref(&t->index);
		t->index = table_index_ref(x);
		t->fresh = true;
	}
	table_index_unref(&x);
	if (!t->fresh || t->index->mistakes > 0)
		table_fail(g, t, why, false);
	else {
		t->wanted = false;
		free(t->why);
		t->why = NULL;
		log_info("event=table-read map=%.*s file=%s entries=%llu "
		    "octets=%llu", SPAN_ARG(table_name(g, t)),
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
			table_fail(g, &g->tables[i], why, true);
}
