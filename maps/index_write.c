/*
 * index_write.c - a table written as an index.
 */
#include "config.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>

#include "maps/include.h"
#include "maps/index_int.h"

#define INDEX_MAX	((uint64_t)UINT32_MAX)	/* octets: positions have 32 bits */

/* The index under the pen: sizes first, then the octets. */
struct pen {
	const struct map	*m;
	struct index_head	 head;
	char			*base;
	uint64_t		 text;		/* where the next octets go */
};

static uint64_t
aligned(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static uint64_t
record_size(const struct map_entry *e)
{
	return aligned(sizeof(struct index_record) + e->key_n +
	    (e->value_off == ENTRY_BROKEN ? 0 : e->value_n), 4);
}

/* At most two in three taken, and one free. */
static uint32_t
slots_for(uint32_t n)
{
	uint64_t	 want = (uint64_t)n + n / 2 + 1, slots = 1;

	while (slots < want)
		slots *= 2;
	return n == 0 ? 0 : slots > UINT32_MAX ? UINT32_MAX : (uint32_t)slots;
}

/* The piece that begins behind all that has a place; n octets. */
static struct index_piece
piece(struct index_head *h, uint64_t n)
{
	struct index_piece	 p = { aligned(h->size, INDEX_ALIGN), n };

	h->size = p.at + n;
	return p;
}

static uint64_t
records_size(const struct map *m)
{
	uint64_t	 sum = 0;
	uint32_t	 i;

	for (i = 0; i < m->n; i++)
		sum += record_size(&m->entries[i]);
	return sum;
}

static void
plan_includes(struct pen *p)
{
	const struct map	*m = p->m;
	struct index_head	*h = &p->head;
	struct map_include	*inc;
	struct span		 path;
	size_t			 pos = 0;
	void			*v;

	h->nincludes = (uint32_t)m->includes.n;
	h->includes = piece(h, (uint64_t)h->nincludes *
	    sizeof(struct index_include));
	p->text = h->size;
	while (htab_next(&m->includes, &pos, &path, &v)) {
		inc = v;
		h->size += path.n + inc->text->n;
	}
	h->path = (struct index_piece){ h->size,
	    m->path == NULL ? 0 : strlen(m->path) };
	h->size += h->path.n;
}

static void
plan(struct pen *p)
{
	const struct map	*m = p->m;
	struct index_head	*h = &p->head;

	memcpy(h->magic, INDEX_MAGIC, sizeof(h->magic));
	memcpy(h->kind, m->kind->name, strlen(m->kind->name));
	h->size = sizeof(*h);
	h->flags = (m->broken ? INDEX_IS_BROKEN : 0) |
	    (m->key_lost ? INDEX_KEY_LOST : 0) |
	    (m->host_names ? INDEX_HOST_NAMES : 0) |
	    (m->whole ? INDEX_WHOLE : 0);
	h->entries = m->n;
	h->nslots = slots_for(m->n);
	h->prefixes = m->prefixes;
	h->slots = piece(h, (uint64_t)h->nslots * sizeof(struct index_slot));
	h->records = piece(h, records_size(m));
	plan_includes(p);
}

static void
put_slot(struct pen *p, struct span key, uint64_t at)
{
	struct index_slot	*slots = (void *)(p->base + p->head.slots.at);
	uint64_t		 hash = map_hash(key);
	uint32_t		 i = (uint32_t)hash & (p->head.nslots - 1);

	while (slots[i].at != 0)
		i = (i + 1) & (p->head.nslots - 1);
	slots[i].tag = (uint32_t)(hash >> 32);
	slots[i].at = (uint32_t)(at / 4) + 1;
}

static void
put_entries(struct pen *p)
{
	const struct map_entry	*e;
	struct index_record	*r;
	uint64_t		 at = 0;
	uint32_t		 i;

	for (i = 0; i < p->m->n; i++) {
		e = &p->m->entries[i];
		r = (void *)(p->base + p->head.records.at + at);
		*r = (struct index_record){ e->line, e->key_n,
		    e->value_off == ENTRY_BROKEN ? INDEX_BROKEN : e->value_n };
		memcpy(r + 1, e->key, e->key_n);
		if (e->value_off != ENTRY_BROKEN)
			memcpy((char *)(r + 1) + e->key_n,
			    e->key + e->value_off, e->value_n);
		put_slot(p, span_mem(e->key, e->key_n), at);
		at += record_size(e);
	}
}

static struct index_piece
put_octets(struct pen *p, const char *octets, size_t n)
{
	struct index_piece	 at = { p->text, n };

	if (n > 0)
		memcpy(p->base + p->text, octets, n);
	p->text += n;
	return at;
}

static void
put_includes(struct pen *p)
{
	struct index_include	*out = (void *)(p->base + p->head.includes.at);
	struct map_include	*inc;
	struct span		 path;
	size_t			 pos = 0;
	void			*v;

	for (; htab_next(&p->m->includes, &pos, &path, &v); out++) {
		inc = v;
		out->path = put_octets(p, path.p, path.n);
		out->text = put_octets(p, inc->text->octets, inc->text->n);
		out->file = inc->text->file;
		out->broken = inc->broken;
	}
	(void)put_octets(p, p->m->path, p->head.path.n);
}

int
map_index_write(const struct map *m, int fd)
{
	struct pen	 p = { .m = m };
	int		 error;

	plan(&p);
	if (p.head.size > INDEX_MAX || p.head.nslots == UINT32_MAX) {
		errno = EFBIG;
		return -1;
	}
	/* All of it now: no memory is an error here, and a signal below. */
	if ((error = posix_fallocate(fd, 0, (off_t)p.head.size)) != 0) {
		errno = error;
		return -1;
	}
	p.base = mmap(NULL, p.head.size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (p.base == MAP_FAILED)
		return -1;
	memcpy(p.base, &p.head, sizeof(p.head));
	put_entries(&p);
	put_includes(&p);
	return munmap(p.base, p.head.size);
}
