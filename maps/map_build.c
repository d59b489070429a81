/*
 * map_build.c - all entries of a table, and a database made of them: written
 * beside, synced, and renamed into place.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <gdbm.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "maps/database.h"
#include "maps/database_int.h"

/* --- all entries */

struct walking {
	map_walk_cb	*cb;
	void		*arg;
};

static int
of_database(void *arg, struct span key, struct span stored)
{
	struct walking		*w = arg;
	struct map_answer	 a;

	if (!map_db_value(key, stored, &a))
		return -1;
	w->cb(w->arg, &a);
	return 0;
}

int
map_walk(const struct map *m, map_walk_cb *cb, void *arg)
{
	struct walking		 w = { cb, arg };
	struct map_answer	 a;
	struct map_entry	 e;
	uint64_t		 pos = 0;
	int			 is;

	if (m->broken)
		return -1;
	while ((is = map_next_entry(m, &pos, &e)) == 1) {
		if (e.value_off == ENTRY_BROKEN)
			continue;
		a = (struct map_answer){ .key = span_mem(e.key, e.key_n),
		    .value = span_mem(e.key + e.value_off, e.value_n),
		    .line = e.line };
		cb(arg, &a);
	}
	if (is == -1)
		return -1;
	return m->db == NULL ? 0 : map_db_walk(m->db, of_database, &w);
}

bool
map_is_database(const struct map *m)
{
	return m->db != NULL;
}

/* --- a database */

struct building {
	GDBM_FILE	 file;
	bool		 aliases, failed;
	struct buf	 key, value, lists;
};

static void
put_as_is(struct building *b, struct span key, struct span value)
{
	datum	 k = { (char *)(uintptr_t)key.p, (int)key.n };
	datum	 v = { (char *)(uintptr_t)value.p, (int)value.n };

	if (!b->failed && gdbm_store(b->file, k, v, GDBM_INSERT) != 0)
		b->failed = true;
}

static void
put(struct building *b, struct span key, struct span value, uint32_t line)
{
	buf_reset(&b->value);
	buf_addf(&b->value, "%" PRIu32 " %08" PRIx32 " ", line,
	    map_db_crc(key, line, value));
	buf_add_span(&b->value, value);
	put_as_is(b, key, buf_span(&b->value));
}

static bool
includes(struct span value)
{
	size_t	 i;

	for (i = 0; i < value.n; i++)
		if (value.p[i] == ':' && span_iprefix(span_from(value, i),
		    SPAN(":include:")))
			return true;
	return false;
}

static void
put_entry(void *arg, const struct map_answer *a)
{
	struct building	*b = arg;
	size_t		 i;

	buf_reset(&b->key);
	for (i = 0; i < a->key.n; i++)
		buf_add_char(&b->key, ascii_lower(a->key.p[i]));
	if (b->aliases && includes(a->value)) {
		if (b->lists.n > 0)
			buf_add_char(&b->lists, '\n');
		buf_add_span(&b->lists, buf_span(&b->key));
	}
	put(b, buf_span(&b->key), a->value, a->line);
}

static void
put_about(struct building *b, const struct map *m)
{
	const struct map_prefixes	*p = &m->prefixes;
	struct buf			 about = { 0 };

	buf_addf(&about, "table 1\nkind %s\nentries %" PRIu32 "\n"
	    "prefixes %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "\n"
	    "names %d\n", m->kind->name, m->n, p->v4[0], p->v6[0], p->v6[1],
	    p->v6[2], m->host_names);
	put(b, MAP_DB_ABOUT, buf_span(&about), 0);
	if (b->lists.n > 0)
		put(b, MAP_DB_LISTS, buf_span(&b->lists), 0);
	put_as_is(b, MAP_DB_SEAL, MAP_DB_UNSEALED);
	buf_clear(&about);
}

static int
fill(const struct map *m, const char *beside, unsigned mode)
{
	struct building	 b = { .failed = false };

	b.aliases = span_eq(span_of(m->kind->name), SPAN("aliases"));
	b.file = gdbm_open(beside, 0, GDBM_NEWDB | GDBM_NOLOCK |
	    GDBM_CLOEXEC, (int)mode, NULL);
	if (b.file == NULL)
		return -1;
	if (map_walk(m, put_entry, &b) == -1)
		b.failed = true;
	put_about(&b, m);
	if (!b.failed && gdbm_sync(b.file) != 0)
		b.failed = true;
	if (gdbm_close(b.file) != 0)
		b.failed = true;
	buf_clear(&b.key);
	buf_clear(&b.value);
	buf_clear(&b.lists);
	return b.failed ? -1 : map_db_seal(beside);
}

/* The name outlives a power cut too. */
static int
sync_folder(const char *path)
{
	const char	*slash = strrchr(path, '/');
	char		*dir;
	int		 fd, rc;

	dir = slash == NULL ? xstrdup(".") : slash == path ? xstrdup("/") :
	    xstrndup(path, (size_t)(slash - path));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (fd == -1)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

static bool
has_mistakes(const struct map *m)
{
	uint32_t	 i;

	for (i = 0; i < m->n; i++)
		if (m->entries[i].value_off == ENTRY_BROKEN)
			return true;
	return m->broken || m->key_lost || m->bad_members;
}

int
map_build(const struct map *m, const char *path, unsigned mode,
    const char **why)
{
	char	*beside;
	int	 rc, saved;

	*why = "a table with mistakes is not built";
	if (has_mistakes(m))
		return -1;
	*why = "accounts stay in their text: a database keeps no secret apart";
	if (m->kind->secret)
		return -1;
	*why = NULL;
	beside = xasprintf("%s.%ld.new", path, (long)getpid());
	errno = 0;
	rc = fill(m, beside, mode);
	if (rc == 0)
		rc = rename(beside, path);
	if (rc == 0)
		rc = sync_folder(path);
	else {
		saved = errno;
		(void)unlink(beside);
		errno = saved;
	}
	free(beside);
	return rc;
}
