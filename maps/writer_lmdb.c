/*
 * writer_lmdb.c - LMDB files: sorted and appended in one transaction, so that
 * the same entries give the same octets and pages are full.
 */
#include "config.h"

#include <sys/statvfs.h>

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "maps/writer_int.h"

/* Entries: a transaction keeps its pages in memory. */
#define COMMIT_EACH	50000
#define PAGE		4096

struct pair {
	struct span	 key, value;
};

struct lmdb {
	MDB_env		*env;
	struct arena	 arena;
	struct pair	*pairs;
	size_t		 n, cap;
	uint64_t	 octets;	/* that they take at most, pages and all */
};

/* Errors of LMDB are negative, those of the system errno. */
static int
failed(int rc, const char **why)
{
	if (rc < 0)
		*why = mdb_strerror(rc);
	else
		errno = rc;
	return -1;
}

static void *
open_lmdb(int fd, const char **why)
{
	struct lmdb	*d = xcalloc(1, sizeof(*d));
	char		 path[FD_PATH_MAX];
	int		 rc;

	map_write_fd_path(fd, path);
	if ((rc = mdb_env_create(&d->env)) == 0)
		rc = mdb_env_open(d->env, path, MDB_NOSUBDIR | MDB_NOLOCK |
		    MDB_NOSYNC, 0600);
	if (rc == 0)
		return d;
	if (d->env != NULL)
		mdb_env_close(d->env);
	free(d);
	(void)failed(rc, why);
	return NULL;
}

static int
put(void *file, struct span key, struct span value, const char **why)
{
	struct lmdb	*d = file;

	if (key.n == 0 || key.n > (size_t)mdb_env_get_maxkeysize(d->env)) {
		*why = "a key is longer than LMDB takes: 511 octets";
		return -1;
	}
	if (d->n == d->cap) {
		d->cap = d->cap == 0 ? 1024 : 2 * d->cap;
		d->pairs = xreallocarray(d->pairs, d->cap,
		    sizeof(*d->pairs));
	}
	d->pairs[d->n++] = (struct pair){ arena_span(&d->arena, key),
	    arena_span(&d->arena, value) };
	/* Branches repeat keys; a value of half a page has its own. */
	d->octets += 2 * key.n + 64 + value.n +
	    (value.n > PAGE / 4 ? 2 * PAGE : value.n);
	return 0;
}

static int
by_key(const void *a, const void *b)
{
	const struct pair	*x = a, *y = b;

	return span_cmp(x->key, y->key);
}

/* Entries from i on, at most COMMIT_EACH, in a transaction. */
static int
put_some(struct lmdb *d, size_t i)
{
	size_t		 end = d->n - i < COMMIT_EACH ? d->n : i + COMMIT_EACH;
	MDB_txn		*txn;
	MDB_dbi		 dbi;
	MDB_val		 k, v;
	int		 rc;

	if ((rc = mdb_txn_begin(d->env, NULL, 0, &txn)) != 0)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &dbi);
	for (; rc == 0 && i < end; i++) {
		k = (MDB_val){ d->pairs[i].key.n,
		    (void *)(uintptr_t)d->pairs[i].key.p };
		v = (MDB_val){ d->pairs[i].value.n,
		    (void *)(uintptr_t)d->pairs[i].value.p };
		rc = mdb_put(txn, dbi, &k, &v, MDB_APPEND);
	}
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

static int
put_all(struct lmdb *d)
{
	size_t	 i;
	int	 rc;

	rc = mdb_env_set_mapsize(d->env, (size_t)(4 * d->octets +
	    256 * PAGE) / PAGE * PAGE);
	if (d->n > 0)
		qsort(d->pairs, d->n, sizeof(*d->pairs), by_key);
	for (i = 0; rc == 0 && i < d->n; i += COMMIT_EACH)
		rc = put_some(d, i);
	return rc == 0 ? mdb_env_sync(d->env, 1) : rc;
}

/* A write that came to its end halfway is EIO to LMDB. */
static bool
is_full(const struct lmdb *d)
{
	struct statvfs	 st;
	mdb_filehandle_t fd;

	return mdb_env_get_fd(d->env, &fd) == 0 && fstatvfs(fd, &st) == 0 &&
	    st.f_bavail == 0;
}

static int
close_lmdb(void *file, bool keep, const char **why)
{
	struct lmdb	*d = file;
	int		 rc = keep ? put_all(d) : 0;

	if (rc == EIO && is_full(d))
		rc = ENOSPC;
	mdb_env_close(d->env);
	arena_clear(&d->arena);
	free(d->pairs);
	free(d);
	return rc == 0 ? 0 : failed(rc, why);
}

const struct map_writer_format map_writer_lmdb = { "lmdb", ".lmdb", false,
    open_lmdb, put, close_lmdb };
