/*
 * writer_bdb.c - Berkeley DB files, for the programs that read those; only
 * where the program was built with libdb (--with-db).
 */
#include "config.h"

#include "maps/writer_int.h"

#if WITH_DB
#include <db.h>
#include <errno.h>
#include <string.h>

/* Errors of libdb are negative, those of the system errno. */
static int
failed(int rc, const char **why)
{
	if (rc < 0)
		*why = db_strerror(rc);
	else
		errno = rc;
	return -1;
}

/* What went wrong is told once, by what a call gives back. */
static void
say_nothing(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)env;
	(void)prefix;
	(void)text;
}

static void *
open_bdb(int fd, DBTYPE type, const char **why)
{
	char	 path[FD_PATH_MAX];
	DB	*db;
	int	 rc;

	map_write_fd_path(fd, path);
	if ((rc = db_create(&db, NULL, 0)) != 0) {
		(void)failed(rc, why);
		return NULL;
	}
	db->set_errcall(db, say_nothing);
	rc = db->set_cachesize(db, 0, 16u << 20, 1);
	if (rc == 0)
		rc = db->open(db, NULL, path, NULL, type, DB_CREATE |
		    DB_TRUNCATE, 0600);
	if (rc == 0)
		return db;
	(void)db->close(db, DB_NOSYNC);
	(void)failed(rc, why);
	return NULL;
}

static void *
open_hash(int fd, const char **why)
{
	return open_bdb(fd, DB_HASH, why);
}

static void *
open_btree(int fd, const char **why)
{
	return open_bdb(fd, DB_BTREE, why);
}

static DBT
dbt(struct span s)
{
	DBT	 d;

	memset(&d, 0, sizeof(d));
	d.data = (void *)(uintptr_t)s.p;
	d.size = (uint32_t)s.n;
	return d;
}

static int
put(void *file, struct span key, struct span value, const char **why)
{
	DB	*db = file;
	DBT	 k = dbt(key), v = dbt(value);
	int	 rc = db->put(db, NULL, &k, &v, DB_NOOVERWRITE);

	return rc == 0 ? 0 : failed(rc, why);
}

static int
close_bdb(void *file, bool keep, const char **why)
{
	DB	*db = file;
	int	 rc = keep ? db->sync(db, 0) : 0, closed;

	closed = db->close(db, keep ? 0 : DB_NOSYNC);
	if (rc == 0)
		rc = closed;
	return rc == 0 ? 0 : failed(rc, why);
}

const struct map_writer_format map_writer_hash = { "hash", ".db", true,
    open_hash, put, close_bdb };
const struct map_writer_format map_writer_btree = { "btree", ".db", true,
    open_btree, put, close_bdb };

#else

const struct map_writer_format map_writer_hash = { "hash", ".db", true, NULL,
    NULL, NULL };
const struct map_writer_format map_writer_btree = { "btree", ".db", true,
    NULL, NULL, NULL };

#endif
