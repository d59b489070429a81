/*
 * map_build.c - a database of all entries: written beside, synced, and renamed
 * into place.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "maps/database.h"
#include "maps/writer.h"

#define PROGRESS_EACH	10000	/* entries between two calls */

struct building {
	const struct map_building	*how;
	struct map_writer		*writer;
	bool				 of_others;
	size_t				 all;
	uint64_t			 n, sum;
	struct buf			 key, value;
};

static void
put_ours(struct building *b, struct span key, const struct map_answer *a)
{
	buf_reset(&b->value);
	map_db_value_format(key, a->line, a->value, &b->value);
	map_writer_put(b->writer, key, buf_span(&b->value));
	b->sum += map_db_crc(key, a->line, a->value);
}

/* Key and value with the NUL that C programs put behind them. */
static void
put_of_others(struct building *b, struct span value)
{
	buf_add_char(&b->key, '\0');
	buf_reset(&b->value);
	buf_add_span(&b->value, value);
	buf_add_char(&b->value, '\0');
	map_writer_put(b->writer, buf_span(&b->key), buf_span(&b->value));
}

static void
put_entry(void *arg, const struct map_answer *a)
{
	struct building	*b = arg;
	struct span	 key;
	size_t		 i;

	buf_reset(&b->key);
	for (i = 0; i < a->key.n; i++)
		buf_add_char(&b->key, ascii_lower(a->key.p[i]));
	key = buf_span(&b->key);
	if (b->of_others)
		put_of_others(b, a->value);
	else
		put_ours(b, key, a);
	if (++b->n % PROGRESS_EACH == 0 && b->how->progress != NULL)
		b->how->progress(b->how->arg, (size_t)b->n, b->all);
}

static void
put_about(struct building *b, const struct map *m)
{
	struct map_db_about	 about = {
		.kind = span_of(m->kind->name), .entries = b->n,
		.sum = b->sum, .prefixes = m->prefixes,
		.host_names = m->host_names
	};
	struct buf		 text = { 0 };

	map_db_about_format(&about, &text);
	buf_reset(&b->value);
	map_db_value_format(MAP_DB_ABOUT, 0, buf_span(&text), &b->value);
	map_writer_put(b->writer, MAP_DB_ABOUT, buf_span(&b->value));
	buf_clear(&text);
}

static int
fill(const struct map *m, const struct map_building *how, const char *beside,
    const char **why)
{
	const struct map_writer_format	*f = map_writer_find(how->format, why);
	const struct map_write_owner	 owner = { how->mode, how->uid,
	    how->gid };
	struct building			 b = { .how = how, .all = m->n };

	if (f == NULL)
		return -1;
	if ((b.writer = map_writer_open(f, beside, why)) == NULL)
		return -1;
	b.of_others = f->of_others;
	(void)map_walk(m, put_entry, &b);
	if (!b.of_others)
		put_about(&b, m);
	else if (m->kind == &map_kind_aliases)	/* all of it is there */
		map_writer_put(b.writer, SPAN("@\0"), SPAN("@\0"));
	buf_clear(&b.key);
	buf_clear(&b.value);
	return map_writer_close(&b.writer, &owner, why);
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
map_build(const struct map *m, const struct map_building *how,
    const char **why)
{
	char	*beside;
	int	 rc, saved;

	*why = "a table with mistakes is not built";
	if (has_mistakes(m))
		return -1;
	*why = "patterns are asked one after the other: they stay in their "
	    "text";
	if (m->whole)
		return -1;
	*why = "accounts stay in their text: a database keeps no secret apart";
	if (m->kind->secret)
		return -1;
	*why = NULL;
	beside = map_write_beside(how->path);
	(void)unlink(beside);
	errno = 0;
	rc = fill(m, how, beside, why);
	if (rc == 0)
		rc = map_write_rename(beside, how->path);
	saved = errno;
	if (rc == -1)
		(void)unlink(beside);
	free(beside);
	errno = saved;
	return rc;
}
