/*
 * writer_gdbm.c - GDBM files, entries in the order of their hashes: each bucket
 * is filled and written once, where in any other order the library reads and
 * writes one for nearly every entry; a million take a quarter of the time.  The
 * library's locks are not used: nobody else knows the name that is written.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <gdbm.h>
#include <limits.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "maps/pairs.h"
#include "maps/writer_int.h"

struct entry {
	uint32_t	 hash;
	struct span	 key, value;
};

struct gdbm_new {
	GDBM_FILE	 db;
	struct arena	 arena;
	struct entry	*entries;
	size_t		 n, cap;
};

static void *
open_gdbm(int of, const char **why)
{
	struct gdbm_new	*g;
	GDBM_FILE	 db;
	int		 fd = fcntl(of, F_DUPFD_CLOEXEC, 0);

	(void)why;
	if (fd == -1)
		return NULL;
	db = gdbm_fd_open(fd, "table", 0, GDBM_NEWDB | GDBM_NOLOCK |
	    GDBM_CLOERROR, NULL);
	if (db == NULL)
		return NULL;
	g = xcalloc(1, sizeof(*g));
	g->db = db;		/* fd is its own now */
	return g;
}

static int
put(void *file, struct span key, struct span value, const char **why)
{
	struct gdbm_new	*g = file;

	if (key.n > INT_MAX || value.n > INT_MAX) {
		*why = "an entry is too large for gdbm";
		return -1;
	}
	if (g->n == g->cap) {
		g->cap = g->cap == 0 ? 1024 : 2 * g->cap;
		g->entries = xreallocarray(g->entries, g->cap,
		    sizeof(*g->entries));
	}
	g->entries[g->n++] = (struct entry){ map_gdbm_hash(key),
	    arena_span(&g->arena, key), arena_span(&g->arena, value) };
	return 0;
}

static int
by_hash(const void *a, const void *b)
{
	const struct entry	*x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static int
store(GDBM_FILE db, const struct entry *e)
{
	datum	 k = { (char *)(uintptr_t)e->key.p, (int)e->key.n };
	datum	 v = { (char *)(uintptr_t)e->value.p, (int)e->value.n };

	return gdbm_store(db, k, v, GDBM_INSERT) == 0 ? 0 : -1;
}

static int
store_all(struct gdbm_new *g)
{
	size_t	 i;

	if (g->n > 0)
		qsort(g->entries, g->n, sizeof(*g->entries), by_hash);
	for (i = 0; i < g->n; i++)
		if (store(g->db, &g->entries[i]) == -1)
			return -1;
	return gdbm_sync(g->db) == 0 ? 0 : -1;
}

static int
close_gdbm(void *file, bool keep, const char **why)
{
	struct gdbm_new	*g = file;
	int		 rc = keep ? store_all(g) : 0, saved = errno;

	(void)why;
	if (gdbm_close(g->db) != 0 && rc == 0) {
		saved = errno;
		rc = -1;
	}
	arena_clear(&g->arena);
	free(g->entries);
	free(g);
	errno = saved;
	return rc;
}

const struct map_writer_format map_writer_gdbm = { "gdbm", ".gdbm", false,
    open_gdbm, put, close_gdbm };
