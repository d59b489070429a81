/*
 * bare.c - gdbm_fetch(), cdb_find() and mdb_get(), and nothing around them.
 */
#include "config.h"

#include <fcntl.h>
#include <gdbm.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_CDB_H
#include <cdb.h>
#endif

#include "base/log.h"
#include "base/xalloc.h"
#include "test/bench/bare.h"

struct bare {
	bool		(*find)(struct bare *, struct span);
	GDBM_FILE	 gdbm;
	MDB_env		*env;
	MDB_txn		*txn;
	MDB_dbi		 dbi;
#ifdef HAVE_CDB_H
	struct cdb	 cdb;
	int		 fd;
#endif
};

/* --- GDBM */

static bool
find_gdbm(struct bare *b, struct span key)
{
	datum	 k = { (char *)(uintptr_t)key.p, (int)key.n }, v;

	v = gdbm_fetch(b->gdbm, k);
	free(v.dptr);
	return v.dptr != NULL;
}

static void
open_gdbm(struct bare *b, const char *path)
{
	b->gdbm = gdbm_open(path, 0, GDBM_READER, 0, NULL);
	if (b->gdbm == NULL)
		fatalx("%s: %s", path, gdbm_strerror(gdbm_errno));
	b->find = find_gdbm;
}

/* --- LMDB */

static bool
find_lmdb(struct bare *b, struct span key)
{
	MDB_val	 k = { key.n, (void *)(uintptr_t)key.p }, v;

	return mdb_get(b->txn, b->dbi, &k, &v) == 0;
}

static void
open_lmdb(struct bare *b, const char *path)
{
	if (mdb_env_create(&b->env) != 0 ||
	    mdb_env_open(b->env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK,
	    0) != 0 || mdb_txn_begin(b->env, NULL, MDB_RDONLY, &b->txn) != 0 ||
	    mdb_dbi_open(b->txn, NULL, 0, &b->dbi) != 0)
		fatalx("%s: no LMDB file", path);
	b->find = find_lmdb;
}

/* --- tinycdb */

#ifdef HAVE_CDB_H
static bool
find_cdb(struct bare *b, struct span key)
{
	return cdb_find(&b->cdb, key.p, (unsigned)key.n) > 0;
}

static void
open_cdb(struct bare *b, const char *path)
{
	b->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (b->fd == -1 || cdb_init(&b->cdb, b->fd) != 0)
		fatal("%s", path);
	b->find = find_cdb;
}

static void
close_cdb(struct bare *b)
{
	if (b->find != find_cdb)
		return;
	cdb_free(&b->cdb);
	close(b->fd);
}
#else
static void
open_cdb(struct bare *b, const char *path)
{
	(void)b;
	(void)path;
}

static void
close_cdb(struct bare *b)
{
	(void)b;
}
#endif

struct bare *
bare_open(const char *library, const char *path)
{
	struct bare	*b = xcalloc(1, sizeof(*b));

	if (strcmp(library, "gdbm") == 0)
		open_gdbm(b, path);
	else if (strcmp(library, "lmdb") == 0)
		open_lmdb(b, path);
	else if (strcmp(library, "cdb") == 0)
		open_cdb(b, path);
	else
		fatalx("%s: gdbm, cdb or lmdb", library);
	if (b->find == NULL)
		bare_close(&b);
	return b;
}

bool
bare_find(void *b, struct span key)
{
	struct bare	*bare = b;

	return bare->find(bare, key);
}

void
bare_close(struct bare **bp)
{
	struct bare	*b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	if (b->gdbm != NULL)
		(void)gdbm_close(b->gdbm);
	if (b->txn != NULL)
		mdb_txn_abort(b->txn);
	if (b->env != NULL)
		mdb_env_close(b->env);
	close_cdb(b);
	free(b);
}
