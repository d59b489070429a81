/*
 * driver_gdbm.c - a database that `waybill map build` has made; where it has
 * not been built, the text that it will be made of.
 *
 * A database of others has their keys and values: it is read whole, as a text
 * would be.
 */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "maps/database.h"
#include "maps/include.h"

/* Entries that include files: those are read now, as a text's are. */
static void
load_lists(struct map *m)
{
	struct list_place	 at = { .text = NULL, .from = m->path };
	struct map_answer	 a;
	struct span		 keys, key;
	ptrdiff_t		 lf;

	if (map_db_lists(m->db, &keys) == MAP_BROKEN)
		map_unreadable(m, "the database is damaged: build it again");
	while (keys.n > 0 && !m->broken) {
		lf = span_index(keys, '\n');
		key = lf < 0 ? keys : span_mem(keys.p, (size_t)lf);
		keys = span_from(keys, key.n + 1);
		if (map_db_find(m->db, key, &a) != MAP_FOUND)
			map_unreadable(m,
			    "the database is damaged: build it again");
		else if (!map_list_check(m, &at, a.value))
			m->bad_members = true;
	}
}

static void
ours(struct map *m, const struct map_db_about *about)
{
	if (!span_eq(about->kind, span_of(m->kind->name))) {
		map_unreadable(m, "the database was built for another kind "
		    "of table: build it again");
		return;
	}
	m->prefixes = about->prefixes;
	m->host_names = about->host_names;
	load_lists(m);
}

/* C programs often store the NUL behind a text too. */
static struct span
without_nul(struct span s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\0')
		s.n--;
	return s;
}

static int
take_entry(void *arg, struct span key, struct span value)
{
	struct map		*m = arg;
	struct map_answer	 a;

	/* It has a line and a sum: ours, without what says so. */
	if (map_db_value(key, value, &a))
		return -1;
	m->kind->entry(m, without_nul(key), without_nul(value));
	return 0;
}

static void
of_others(struct map *m)
{
	if (map_db_walk(m->db, take_entry, m) == -1)
		map_unreadable(m, "the database is damaged");
	map_db_close(&m->db);
}

static void
open_database(struct map *m, int fd)
{
	struct map_db_about	 about;
	const char		*why;

	if (fd == -1 || (m->db = map_db_open(fd, &why)) == NULL) {
		map_unreadable(m, fd == -1 ? "no descriptor is free" : why);
		return;
	}
	switch (map_db_about(m->db, &about, &why)) {
	case 1:
		ours(m, &about);
		break;
	case 0:
		of_others(m);
		break;
	default:
		map_unreadable(m, why);
		break;
	}
}

/* What was left of a database when the disk was full is no empty text. */
static bool
is_named_database(const char *path)
{
	static const char	end[] = ".gdbm";
	size_t			n = path == NULL ? 0 : strlen(path);

	return n >= sizeof(end) - 1 &&
	    strcmp(path + n - (sizeof(end) - 1), end) == 0;
}

static void
open_gdbm(struct map *m, const struct map_source *src)
{
	if (src->fd != -1 && map_db_is(src->fd))
		open_database(m, fcntl(src->fd, F_DUPFD_CLOEXEC, 0));
	else if (src->fd != -1 && is_named_database(src->path))
		map_unreadable(m, "the database is damaged: build it again");
	else
		map_text_open(m, src);
}

bool
map_database_kind(int fd, struct arena *ar, struct span *kind)
{
	struct map_db_about	 about;
	struct map_db		*db;
	const char		*why;
	int			 copy, is = 0;

	if (!map_db_is(fd) || (copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return false;
	if ((db = map_db_open(copy, &why)) == NULL)
		return false;
	if ((is = map_db_about(db, &about, &why)) == 1)
		*kind = arena_span(ar, about.kind);
	map_db_close(&db);
	return is == 1;
}

const struct map_driver map_driver_gdbm = { .name = "gdbm", .open = open_gdbm };
