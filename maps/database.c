/*
 * database.c - a table that lies in a database: ours, with lines and sums, or
 * that of others.
 */
#include "config.h"

#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maps/database.h"
#include "maps/include.h"
#include "maps/pairs.h"
#include "maps/snapshot.h"

#define BUILD_AGAIN	"the database is damaged: build it again"

/* --- what it says of itself */

static int
find_about(void *arg, struct span key, struct span value)
{
	struct span	*about = arg;

	if (!span_eq(key, MAP_DB_ABOUT))
		return 0;
	*about = value;
	return -1;
}

/* The pairs of a file that is in memory; 0, or -1 with *why. */
static int
each_pair(const struct map_format *f, struct span file, struct arena *arena,
    map_pair_fn *each, void *arg, const char **why)
{
	struct map_pairs	 p = { .file = file, .each = each, .arg = arg,
	    .arena = arena, .why = BUILD_AGAIN };
	int			 rc = f->pairs(&p);

	*why = p.why;
	return rc;
}

/* 1: ours; 0: of others; -1: with *why. */
static int
about_of(const struct map_format *f, struct span file, struct arena *arena,
    struct map_db_about *about, const char **why)
{
	struct span		 stored = SPAN_NONE;
	struct map_answer	 a;

	if (each_pair(f, file, arena, find_about, &stored, why) == 0)
		return 0;
	if (stored.p == NULL)		/* not stopped: it cannot be read */
		return -1;
	*why = BUILD_AGAIN;
	if (!map_db_value_parse(MAP_DB_ABOUT, stored, &a))
		return -1;
	return map_db_about_parse(a.value, about, why) ? 1 : -1;
}

/* --- entries */

struct loading {
	struct map		*m;
	const struct map_text	*text;
	uint64_t		 n, sum;
	bool			 aliases;
};

static bool
names_a_file(struct span value)
{
	size_t	 i;

	for (i = 0; i < value.n; i++)
		if (value.p[i] == ':' && span_iprefix(span_from(value, i),
		    SPAN(":include:")))
			return true;
	return false;
}

/* In the map's octets, value behind key: nothing has to be copied. */
static bool
lies_well(const struct map_text *t, const struct map_answer *a)
{
	const char	*end = t->octets + t->n;

	return a->key.p >= t->octets && a->key.p < end &&
	    a->value.p >= a->key.p && a->value.p <= end;
}

static int
take_ours(void *arg, struct span key, struct span stored)
{
	struct loading		*l = arg;
	struct list_place	 at = { .from = l->m->path };
	struct map_answer	 a;

	if (span_eq(key, MAP_DB_ABOUT))
		return 0;
	if (key.n == 0 || key.n > MAP_KEY_MAX ||
	    !map_db_value_parse(key, stored, &a))
		return -1;
	l->n++;
	l->sum += map_db_crc(key, a.line, a.value);
	/* Files that a list includes are read now, as a text's are. */
	if (l->aliases && names_a_file(a.value) &&
	    !map_list_check(l->m, &at, a.value))
		l->m->bad_members = true;
	if (lies_well(l->text, &a))
		map_store(l->m, NULL, key, a.value, a.line);
	else
		map_store_copy(l->m, NULL, key, a.value, a.line);
	return 0;
}

/* C programs often store the NUL behind a text too. */
static struct span
without_nul(struct span s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\0')
		s.n--;
	return s;
}

/* What newaliases of sendmail and of Postfix put beside the aliases. */
static bool
is_mark(struct span key)
{
	return span_eq(key, SPAN("@")) ||
	    span_eq(key, SPAN("YP_LAST_MODIFIED")) ||
	    span_eq(key, SPAN("YP_MASTER_NAME"));
}

static int
take_of_others(void *arg, struct span key, struct span value)
{
	struct loading		*l = arg;
	struct map_answer	 a;

	/* It has a line and a sum: ours, without what says so. */
	if (map_db_value_parse(key, value, &a))
		return -1;
	key = without_nul(key);
	if (l->aliases && is_mark(key))
		return 0;
	l->m->kind->entry(l->m, key, without_nul(value));
	return 0;
}

static void
load_ours(struct loading *l, const struct map_format *f, struct span file,
    const struct map_db_about *about)
{
	struct map	*m = l->m;
	const char	*why;

	if (!span_eq(about->kind, span_of(m->kind->name))) {
		map_unreadable(m, "the database was built for another kind "
		    "of table: build it again");
		return;
	}
	m->prefixes = about->prefixes;
	m->host_names = about->host_names;
	if (each_pair(f, file, &m->arena, take_ours, l, &why) == -1)
		map_unreadable(m, why);
	else if (l->n != about->entries || l->sum != about->sum)
		map_unreadable(m, BUILD_AGAIN);
}

static void
load(struct map *m, const struct map_format *f, const struct map_text *t)
{
	struct loading		 l = { .m = m, .text = t,
	    .aliases = m->kind == &map_kind_aliases };
	struct span		 file = span_mem(t->octets, t->n);
	struct arena		 scratch = { 0 };
	struct map_db_about	 about;
	const char		*why;

	m->database = true;
	switch (about_of(f, file, &scratch, &about, &why)) {
	case 1:
		load_ours(&l, f, file, &about);
		break;
	case 0:
		if (each_pair(f, file, &m->arena, take_of_others, &l,
		    &why) == 0)
			break;
		/* FALLTHROUGH */
	default:
		map_unreadable(m, why);
		break;
	}
	arena_clear(&scratch);
	if (m->kind->secret)
		map_texts_wipe(m);
}

/* --- opening */

/* Which format a file has, by its first octets. */
static const struct map_format *
format_of(int fd)
{
	char		 head[MAP_FORMAT_HEAD];
	struct stat	 st;
	ssize_t		 n;

	if (fd == -1 || fstat(fd, &st) == -1 ||
	    (n = pread(fd, head, sizeof(head), 0)) <= 0)
		return NULL;
	return map_format_of(span_mem(head, (size_t)n),
	    (uint64_t)st.st_size);
}

static const struct {
	struct span	 driver;
	const char	*suffix;
} suffixes[] = {
	{ { "gdbm", 4 }, ".gdbm" },
	{ { "cdb", 3 }, ".cdb" },
	{ { "lmdb", 4 }, ".lmdb" },
	{ { "hash", 4 }, ".db" },
	{ { "btree", 5 }, ".db" },
};
#define NSUFFIXES	(sizeof(suffixes) / sizeof(suffixes[0]))

const char *
map_driver_suffix(struct span driver)
{
	size_t	 i;

	for (i = 0; i < NSUFFIXES; i++)
		if (span_eq(driver, suffixes[i].driver))
			return suffixes[i].suffix;
	return NULL;
}

/* What was left of a database when the disk was full is no empty text. */
static bool
is_named_database(const char *path)
{
	size_t	 i, n, len = path == NULL ? 0 : strlen(path);

	for (i = 0; i < NSUFFIXES; i++) {
		n = strlen(suffixes[i].suffix);
		if (len >= n && strcmp(path + len - n,
		    suffixes[i].suffix) == 0)
			return true;
	}
	return false;
}

void
map_database_open(struct map *m, const struct map_source *src,
    const struct map_format *wanted)
{
	const struct map_format	*f = format_of(src->fd);
	const struct map_text	*t;
	const char		*why;

	if (f == NULL && src->fd != -1 && is_named_database(src->path))
		map_unreadable(m, BUILD_AGAIN);
	else if (f == NULL)
		map_text_open(m, src);
	else if (f != wanted)
		map_unreadable(m, "the file is a database, but of another "
		    "driver than the one that is to read it");
	else if ((t = map_snapshot(m, src->fd, &why)) == NULL)
		map_unreadable(m, why);
	else
		load(m, f, t);
}

const char *
map_database_driver(int fd)
{
	const struct map_format	*f = format_of(fd);

	return f == NULL ? NULL : f->name;
}

bool
map_database_kind(int fd, struct arena *ar, struct span *kind)
{
	const struct map_format	*f = format_of(fd);
	struct map		 m = { .name = NULL };
	struct map_text		*t;
	struct map_db_about	 about;
	const char		*why;
	int			 is = 0;

	if (f != NULL && (t = map_snapshot(&m, fd, &why)) != NULL)
		is = about_of(f, span_mem(t->octets, t->n), ar, &about, &why);
	if (is == 1)
		*kind = arena_span(ar, about.kind);
	free(m.texts);
	return is == 1;
}

int
map_database_pairs(int fd, map_pair_fn *each, void *arg, const char **why)
{
	const struct map_format	*f = format_of(fd);
	struct map		 m = { .name = NULL };
	struct arena		 arena = { 0 };
	struct map_text		*t;
	int			 rc = -1;

	*why = "the file is no database";
	if (f != NULL && (t = map_snapshot(&m, fd, why)) != NULL)
		rc = each_pair(f, span_mem(t->octets, t->n), &arena, each,
		    arg, why);
	arena_clear(&arena);
	free(m.texts);
	return rc;
}
